"""Where a mounted sensor is and how it moves; world frame, metres, rotations body to world."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from symdrive.core.geometry import rotation
from symdrive.world.clock import TICK_S
from symdrive.world.specs import (
    CameraSpec,
    ImuSpec,
    LidarSpec,
    ObstacleSpec,
    Point,
    RadarSpec,
    SemanticLidarSpec,
)
from symdrive.world.truth import Actors, Trail, Truth

EGO_ROW = 0
"""The sensors stand on this actor, and rays pass through it."""

Turned = CameraSpec | LidarSpec | SemanticLidarSpec | RadarSpec | ImuSpec | ObstacleSpec
"""Sensors that look somewhere."""


class Pose(NamedTuple):
    """Where something is.

    Attributes:
        position: x, y, z.
        rotation: columns forward, left, up.
    """

    position: Float64[np.ndarray, " 3"]
    rotation: Float64[np.ndarray, "3 3"]


def ego_pose(actors: Actors) -> Pose:
    """The ground point under the ego's box centre."""
    turn = rotation(float(actors.yaw[EGO_ROW]), float(actors.pitch[EGO_ROW]))
    return Pose(actors.position[EGO_ROW].astype(np.float64), turn)


def mount_rotation(spec: Turned) -> Float64[np.ndarray, "3 3"]:
    """From the frame of a sensor to that of the ego."""
    return rotation(spec.yaw, spec.pitch, spec.roll)


def mounted(spec: Turned, ego: Pose) -> Pose:
    """A sensor on the ego."""
    position = ego.position + ego.rotation @ np.array(spec.position)
    return Pose(position, ego.rotation @ mount_rotation(spec))


def trail_of(truth: Truth) -> Trail:
    """The ego's last poses; where nobody kept them, those of a steady drive."""
    if truth.trail is not None:
        return truth.trail
    actors = truth.actors
    yaw, pitch = float(actors.yaw[EGO_ROW]), float(actors.pitch[EGO_ROW])
    position = actors.position[EGO_ROW].astype(np.float64)
    forward = rotation(yaw, pitch)[:, 0]
    back = np.arange(3) * TICK_S
    return Trail(
        position - back[:, None] * float(actors.speed[EGO_ROW]) * forward,
        yaw - back * float(actors.yaw_rate[EGO_ROW]),
        np.full(3, pitch),
    )


def track(trail: Trail, mount: Point) -> Float[np.ndarray, "3 3"]:
    """World positions of a mount point now, one tick ago and two ticks ago."""
    turns = [rotation(float(y), float(p)) for y, p in zip(trail.yaw, trail.pitch, strict=True)]
    return trail.position + np.stack([turn @ np.array(mount) for turn in turns])
