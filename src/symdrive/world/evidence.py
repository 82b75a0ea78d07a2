"""What the learner's sensors measured of each actor, and the labels that come with it.

Privileged: it knows which pixel belongs to whom.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8, UInt16

from symdrive.world.observation import RadarPoints
from symdrive.world.specs import CameraSpec, RadarSpec


@dataclass(frozen=True)
class CameraLabels:
    """Per-pixel labels of one camera.

    Attributes:
        semantic: `SemanticClass`.
        instance: actor id, 0 for the town and the sky.
        depth_m: distance along the optical axis; 1000 for the sky.
    """

    semantic: UInt8[np.ndarray, "height width"]
    instance: UInt16[np.ndarray, "height width"]
    depth_m: Float[np.ndarray, "height width"]


@dataclass(frozen=True)
class SemanticPoints:
    """Points of one semantic LiDAR (CARLA's `SemanticLidarDetection`), without noise.

    Attributes:
        xyz: x, y, z in the ego frame, m.
        cos_incidence: cosine of the angle between beam and surface normal, in [0, 1].
        actor_id: what was hit, 0 for the town.
        semantic: `SemanticClass` of the surface.
    """

    xyz: Float32[np.ndarray, "point 3"]
    cos_incidence: Float32[np.ndarray, " point"]
    actor_id: Int[np.ndarray, " point"]
    semantic: UInt8[np.ndarray, " point"]


@dataclass(frozen=True)
class ShiftedView:
    """Pictures, labels and radar of the laterally and yaw-shifted second rig.

    Source: the perturbed rig of kesai-labs/lead 4489176, `expert_data.py` (y left here).

    Attributes:
        lateral_m: shift of the rig in the ego frame, left positive.
        yaw: turn of the rig, left positive, rad.
        images: RGB by camera name.
        labels: by camera name.
        radar: detections by radar name.
    """

    lateral_m: float
    yaw: float
    images: Mapping[str, UInt8[np.ndarray, "height width 3"]]
    labels: Mapping[str, CameraLabels]
    radar: Mapping[str, RadarPoints] = field(default_factory=dict[str, RadarPoints])


@dataclass(frozen=True)
class Evidence:
    """Counts per actor (same rows as `Truth.actors`) and labels per camera.

    Each sensor's share is of the tick in which it last read (`Observation.read_at`): this one,
    unless it has a rate of its own. An actor that was not there then counts 0.

    Attributes:
        pixels: visible pixels of each actor in all cameras together; -1 where no camera is
            mounted.
        lidar_points: LiDAR returns on each actor; -1 where no LiDAR is mounted.
        labels: by camera name.
        shifted: the second rig, in ticks in which it was asked for.
        radar_points: radar returns on each actor; None where no radar is mounted.
        semantic_lidar: points by name of the semantic LiDAR.
    """

    pixels: Int[np.ndarray, " actor"]
    lidar_points: Int[np.ndarray, " actor"]
    labels: Mapping[str, CameraLabels] = field(default_factory=dict[str, CameraLabels])
    shifted: ShiftedView | None = None
    radar_points: Int[np.ndarray, " actor"] | None = None
    semantic_lidar: Mapping[str, SemanticPoints] = field(default_factory=dict[str, SemanticPoints])


Shiftable = TypeVar("Shiftable", CameraSpec, RadarSpec)


def shifted_mount(spec: Shiftable, lateral_m: float, yaw: float) -> Shiftable:
    """A sensor of the second rig: the rig is turned about the ego origin, then moved sideways."""
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
    x, y, z = spec.position
    moved = (cos * x - sin * y, sin * x + cos * y + lateral_m, z)
    return dataclasses.replace(spec, position=moved, yaw=spec.yaw + yaw)
