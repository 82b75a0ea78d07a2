"""What the learner's sensors measured of each actor, and the labels that fall out of the same cast.

Privileged: it knows which pixel belongs to whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt16

from symdrive.world.rig import CameraSpec


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
class ShiftedView:
    """Pictures and labels of the laterally and yaw-shifted second camera rig.

    Source: the perturbed rig of kesai-labs/lead 4489176, `expert_data.py` (y left here).

    Attributes:
        lateral_m: shift of the rig in the ego frame, left positive.
        yaw: turn of the rig, left positive, rad.
        images: RGB by camera name.
        labels: by camera name.
    """

    lateral_m: float
    yaw: float
    images: Mapping[str, UInt8[np.ndarray, "height width 3"]]
    labels: Mapping[str, CameraLabels]


@dataclass(frozen=True)
class Evidence:
    """Counts per actor (same rows as `Truth.actors`) and labels per camera, of the same tick.

    Attributes:
        pixels: visible pixels of each actor in all cameras together; -1 where no camera is
            mounted.
        lidar_points: LiDAR returns on each actor; -1 where no LiDAR is mounted.
        labels: by camera name.
        shifted: the second rig, in ticks in which it was asked for.
    """

    pixels: Int[np.ndarray, " actor"]
    lidar_points: Int[np.ndarray, " actor"]
    labels: Mapping[str, CameraLabels] = field(default_factory=dict[str, CameraLabels])
    shifted: ShiftedView | None = None


def shifted_camera(spec: CameraSpec, lateral_m: float, yaw: float) -> CameraSpec:
    """A camera of the second rig: the rig is turned about the ego origin, then moved sideways."""
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
    x, y, z = spec.position
    moved = (cos * x - sin * y, sin * x + cos * y + lateral_m, z)
    return CameraSpec(
        spec.name, moved, spec.yaw + yaw, spec.width, spec.height, spec.fov, spec.pitch
    )
