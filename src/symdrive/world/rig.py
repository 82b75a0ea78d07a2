"""The sensor rig as data.

Mount poses are relative to the ego's ground point under its box centre (x forward, y left, z up),
metres; angles in radians: yaw positive to the left, pitch positive nose up.
"""

import math
from dataclasses import dataclass, field

from symdrive.core import config


@dataclass(frozen=True)
class CameraSpec:
    """A pinhole camera.

    Attributes:
        name: key of its pictures.
        position: x, y, z, m.
        yaw: rad, left positive.
        width: pixels.
        height: pixels.
        fov: horizontal field of view, rad.
        pitch: rad, nose up positive.
    """

    name: str
    position: tuple[float, float, float]
    yaw: float
    width: int
    height: int
    fov: float
    pitch: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered."""
        if self.width < 4 or self.height < 4:
            raise ValueError(
                f"camera {self.name!r} is {self.width}x{self.height} pixels; at least 4x4"
            )
        if not 0.0 < self.fov < math.pi:
            raise ValueError(f"camera {self.name!r} has fov {self.fov} rad; between 0 and pi")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width / (2.0 * math.tan(self.fov / 2.0))


@dataclass(frozen=True)
class LidarSpec:
    """A spinning LiDAR that delivers one full turn each tick.

    Attributes:
        name: key of its points.
        position: x, y, z, m.
        channels: beams, evenly spaced between `lower` and `upper`.
        columns: azimuth steps of one turn.
        range_m: longest return.
        lower: lowest beam, rad.
        upper: highest beam, rad.
        dropoff: share of returns lost at random (CARLA `dropoff_general_rate`).
        noise_m: standard deviation along the ray (CARLA `noise_stddev`).
    """

    name: str = "top"
    position: tuple[float, float, float] = (0.0, 0.0, 2.5)
    channels: int = 64
    columns: int = 938
    range_m: float = 85.0
    lower: float = math.radians(-30.0)
    upper: float = math.radians(10.0)
    dropoff: float = 0.1
    noise_m: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what cannot be cast."""
        if self.channels < 1 or self.columns < 1 or self.range_m <= 0:
            raise ValueError(f"LiDAR {self.name!r} needs channels, columns and range above zero")
        if not 0.0 <= self.dropoff < 1.0:
            raise ValueError(f"LiDAR {self.name!r} has dropoff {self.dropoff}; in [0, 1)")


@dataclass(frozen=True)
class LocalisationSpec:
    """GNSS, compass and speedometer noise.

    LEAD's GNSS noise is 5e-6 degrees per axis, about 0.55 m
    (kesai-labs/lead 4489176, `expert_data.py`).

    Attributes:
        position_noise_m: standard deviation per axis.
        yaw_noise: standard deviation, rad.
        speed_noise_mps: standard deviation.
    """

    position_noise_m: float = 0.55
    yaw_noise: float = 0.001
    speed_noise_mps: float = 0.0


@dataclass(frozen=True)
class Rig:
    """All sensors of one car."""

    name: str
    cameras: tuple[CameraSpec, ...]
    lidars: tuple[LidarSpec, ...] = ()
    localisation: LocalisationSpec = field(default_factory=LocalisationSpec)

    def __post_init__(self) -> None:
        """Names are keys of files and of tensors, so they must not clash."""
        names = [camera.name for camera in self.cameras] + [lidar.name for lidar in self.lidars]
        if len(set(names)) != len(names):
            raise ValueError(f"rig {self.name!r} has two sensors of one name: {sorted(names)}")

    @property
    def digest(self) -> str:
        """Names the rig; stored in run folders and checkpoints."""
        return config.digest(self)


def three_cameras(name: str, size: int, lidar: LidarSpec) -> Rig:
    """LEAD's three-camera rig (left, front, right; 60 degrees each) at a given picture size.

    Source: kesai-labs/lead 4489176, `config_base.py`; positions mirrored to y left.
    """
    fov, turn = math.radians(60.0), math.radians(54.5)
    return Rig(
        name,
        (
            CameraSpec("left", (0.1, 0.35, 2.25), turn, size, size, fov),
            CameraSpec("front", (0.35, 0.0, 2.25), 0.0, size, size, fov),
            CameraSpec("right", (0.1, -0.35, 2.25), -turn, size, size, fov),
        ),
        (lidar,),
    )


def _nano_rig() -> Rig:
    """Small pictures of LEAD's three views, 28 thousand rays instead of 442 thousand.

    The front camera keeps 192 columns, where a lamp 20 m ahead is two pixels wide, and is tilted
    up so that its 64 rows hold the lights of the next junction and the road from 16 m on. The
    road before that, with its lines and edges, is what the coarse, wide `road` camera looks down
    at. The right one holds the near light at the stop line; the left one is coarse.
    """
    fov, turn = math.radians(60.0), math.radians(54.5)
    wide, down = math.radians(75.0), math.radians(-22.0)
    return Rig(
        "nano",
        (
            CameraSpec("left", (0.1, 0.35, 2.25), turn, 64, 64, fov),
            CameraSpec("front", (0.35, 0.0, 2.25), 0.0, 192, 64, fov, math.radians(2.75)),
            CameraSpec("right", (0.1, -0.35, 2.25), -turn, 96, 64, fov),
            CameraSpec("road", (0.35, 0.0, 2.25), 0.0, 96, 64, wide, down),
        ),
        (LidarSpec(channels=32, columns=360, range_m=60.0),),
    )


LEAD_RIG = three_cameras("lead3", 384, LidarSpec())
NANO_RIG = _nano_rig()
BLIND_RIG = Rig("blind", ())
RIGS = {rig.name: rig for rig in (LEAD_RIG, NANO_RIG, BLIND_RIG)}
