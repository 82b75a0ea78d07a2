"""Radars: rays drawn anew for each reading, with the speed at which what they hit comes nearer.

Source: carla-simulator/carla 0.9.15, `Radar.cpp`: radius uniform in [0, 1) and angle uniform in a
full turn over an ellipse at the range, the velocity of the target's origin minus that of the
sensor (its way in the last tick), along the ray.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from symdrive.sensors.mount import ego_pose, mounted, track, trail_of
from symdrive.sensors.rays import cast
from symdrive.sensors.scene import Scene, rotations
from symdrive.world.clock import TICK_S
from symdrive.world.observation import RadarPoints
from symdrive.world.specs import RadarSpec
from symdrive.world.truth import Truth


class RadarFrame(NamedTuple):
    """One reading.

    Attributes:
        points: detections, in the order in which the rays were drawn.
        counts: detections on each actor row.
    """

    points: RadarPoints
    counts: Int64[np.ndarray, " actor"]


def detect(
    scene: Scene,
    spec: RadarSpec,
    truth: Truth,
    generator: np.random.Generator,
    *,
    skip_row: int | None,
) -> RadarFrame:
    """One reading of a radar in the scene as last updated.

    Args:
        scene: the world, showing `truth`.
        spec: the radar and its mount.
        truth: how everything moves; row 0 carries the radar.
        generator: draws the rays.
        skip_row: actor that no ray meets, or None.
    """
    local = _ray_fan(spec, generator)
    pose = mounted(spec, ego_pose(truth.actors))
    world = local @ pose.rotation.T
    origin = np.broadcast_to(pose.position, world.shape)
    reach = np.full(len(local), spec.range_m)
    hits = cast(scene.address, scene.ray_mask(skip_row), origin, world, reach)
    seen = hits.slot >= 0
    local, world, slot = local[seen], world[seen], hits.slot[seen]
    length = np.linalg.norm(local, axis=1)
    ray = world / length[:, None]
    velocity = (_velocities(truth)[slot] - _own_velocity(spec, truth)) * ray
    points = np.empty((len(local), 4), dtype=np.float32)
    points[:, 0] = np.arctan2(local[:, 1], local[:, 0])
    points[:, 1] = np.arcsin(local[:, 2] / length)
    points[:, 2] = hits.along[seen] * length
    points[:, 3] = velocity.sum(axis=1)
    return RadarFrame(points, np.bincount(slot, minlength=scene.num_actors + 1)[1:])


def _ray_fan(spec: RadarSpec, generator: np.random.Generator) -> Float64[np.ndarray, "ray 3"]:
    """Rays in the frame of the sensor, of length one along its axis."""
    radius, turn = generator.random((2, spec.points))
    turn = 2.0 * np.pi * turn
    wide, high = np.tan(0.5 * spec.horizontal_fov), np.tan(0.5 * spec.vertical_fov)
    sides = [wide * radius * np.cos(turn), high * radius * np.sin(turn)]
    return np.stack([np.ones(spec.points), *sides], axis=1)


def _velocities(truth: Truth) -> Float64[np.ndarray, "slot 3"]:
    """World velocity of the town and of every actor, by slot; along the headings."""
    actors = truth.actors
    forward = rotations(actors.yaw, actors.pitch)[:, :, 0]
    return np.concatenate([np.zeros((1, 3)), actors.speed[:, None] * forward])


def _own_velocity(spec: RadarSpec, truth: Truth) -> Float64[np.ndarray, " 3"]:
    """World velocity of the sensor: its way in the last tick."""
    now, before, _ = track(trail_of(truth), spec.position)
    return (now - before) / TICK_S
