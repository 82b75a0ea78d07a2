"""The sensor rig as data: which sensors a car carries, and the rigs that have a name.

Each sensor is a spec of `world.specs`; frames and units are told there.
"""

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from symdrive.core import config
from symdrive.core.config import later
from symdrive.core.errors import UserError
from symdrive.world.specs import (
    CameraSpec,
    GnssConvention,
    GnssSpec,
    ImuSpec,
    LidarSpec,
    LocalisationSpec,
    Mounted,
    ObstacleSpec,
    RadarSpec,
    SemanticLidarSpec,
)

__all__ = [
    "BLIND_RIG",
    "LEAD6_RIG",
    "LEAD_RIG",
    "NANO_RIG",
    "RIGS",
    "CameraSpec",
    "GnssConvention",
    "GnssSpec",
    "ImuSpec",
    "LidarSpec",
    "LocalisationSpec",
    "ObstacleSpec",
    "RadarSpec",
    "Rig",
    "SemanticLidarSpec",
    "open_rig",
    "three_cameras",
]


@dataclass(frozen=True)
class Rig:
    """All sensors of one car.

    Attributes:
        name: of the rig.
        cameras: RGB; class, instance and depth are evidence from the same drawing.
        lidars: their points are one cloud, sensor by sensor.
        localisation: noise of the speedometer, and of position and heading without GNSS and IMU.
        radars: their detections stay apart.
        semantic_lidars: evidence only.
        gnss: latitude and longitude.
        imu: accelerations, turn rates and compass.
        obstacles: distances to what is ahead.
        collision: whether contacts are told (`sensor.other.collision`).
        lane_invasion: whether crossed lines are told (`sensor.other.lane_invasion`).
    """

    name: str
    cameras: tuple[CameraSpec, ...]
    lidars: tuple[LidarSpec, ...] = ()
    localisation: LocalisationSpec = field(default_factory=LocalisationSpec)
    radars: tuple[RadarSpec, ...] = later(())
    semantic_lidars: tuple[SemanticLidarSpec, ...] = later(())
    gnss: GnssSpec | None = later(None)
    imu: ImuSpec | None = later(None)
    obstacles: tuple[ObstacleSpec, ...] = later(())
    collision: bool = later(False)
    lane_invasion: bool = later(False)

    def __post_init__(self) -> None:
        """Names are keys of files and of tensors, so they must not clash."""
        names = [spec.name for spec in self.sensors()]
        if len(set(names)) != len(names):
            raise ValueError(f"rig {self.name!r} has two sensors of one name: {sorted(names)}")

    def sensors(self) -> Iterator[Mounted]:
        """Every sensor with a mount."""
        yield from self.cameras
        yield from self.lidars
        yield from self.radars
        yield from self.semantic_lidars
        yield from self.obstacles
        for single in (self.gnss, self.imu):
            if single is not None:
                yield single

    @property
    def digest(self) -> str:
        """Names the rig; stored in run folders and checkpoints."""
        return config.digest(self)


def _views(
    size: int, turn_deg: float, front_x: float, side: tuple[float, float]
) -> tuple[CameraSpec, CameraSpec, CameraSpec]:
    """Three square pictures of 60 degrees: left, front, right, at 2.25 m."""
    fov, turn, (x, y) = math.radians(60.0), math.radians(turn_deg), side
    return (
        CameraSpec("left", (x, y, 2.25), turn, size, size, fov),
        CameraSpec("front", (front_x, 0.0, 2.25), 0.0, size, size, fov),
        CameraSpec("right", (x, -y, 2.25), -turn, size, size, fov),
    )


def three_cameras(name: str, size: int, lidar: LidarSpec) -> Rig:
    """LEAD's three cameras (left, front, right; 60 degrees each) at a given picture size.

    Source: kesai-labs/lead 4489176, `config_base.py`; positions mirrored to y left.
    """
    return Rig(name, _views(size, 54.5, 0.35, (0.1, 0.35)), (lidar,))


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


def _lead_lidars() -> tuple[LidarSpec, LidarSpec]:
    """Two half turns a tick in opposite phase, which make a full one.

    600,000 points/s on 64 channels at 10 Hz; the mounts look to the right and to the left.
    """
    half = LidarSpec(
        columns=469,
        dropoff=0.45,
        noise_m=0.0,
        turn=math.pi,
        dropoff_limit=0.8,
        dropoff_zero=0.4,
    )
    return (
        dataclasses.replace(half, name="lidar1", yaw=math.radians(90.0)),
        dataclasses.replace(half, name="lidar2", yaw=math.radians(270.0)),
    )


def _lead_radars() -> tuple[RadarSpec, ...]:
    """Four flat radars at the corners: 1500 points/s, 90 degrees wide, 100 m."""
    corners = (("front_left", 45.0), ("front_right", -45.0), ("rear_left", 135.0))
    return tuple(
        RadarSpec(
            f"radar_{name}",
            (2.6 if abs(turn) < 90.0 else -2.6, 0.0, 0.6),
            math.radians(turn),
            math.radians(90.0),
            math.radians(0.1),
        )
        for name, turn in (*corners, ("rear_right", -135.0))
    )


def _lead_rig(name: str, cameras: tuple[CameraSpec, ...]) -> Rig:
    """LEAD's sensors besides its cameras.

    Sources: kesai-labs/lead 4489176, `config_base.py` (poses, rates; mirrored to y left, and the
    rear pair of radars named by where it looks); carla-simulator/leaderboard 2.0,
    `agent_wrapper.py` (noise of GNSS and IMU, LiDAR attributes).
    """
    degrees = 5e-6
    return Rig(
        name,
        cameras,
        _lead_lidars(),
        radars=_lead_radars(),
        gnss=GnssSpec(noise=(degrees, degrees, degrees), sensor_tick_s=0.01),
        imu=ImuSpec(accel_noise=(0.001, 0.001, 0.015), gyro_noise=(0.001, 0.001, 0.001)),
    )


def _six_views() -> tuple[CameraSpec, ...]:
    """LEAD's ring of six pictures of 60 degrees, from the left one on clockwise."""
    fov, back = math.radians(60.0), math.radians(122.5)
    return (
        *_views(384, 57.5, 0.25, (0.0, 0.3)),
        CameraSpec("rear_right", (-0.3, -0.3, 2.25), -back, 384, 384, fov),
        CameraSpec("rear", (-0.55, 0.0, 2.25), math.pi, 384, 384, fov),
        CameraSpec("rear_left", (-0.3, 0.3, 2.25), back, 384, 384, fov),
    )


LEAD_RIG = _lead_rig("lead3", three_cameras("", 384, LidarSpec()).cameras)
"""LEAD's default: three cameras, two LiDARs, four radars, GNSS and IMU."""

LEAD6_RIG = _lead_rig("lead6", _six_views())
"""The same with six cameras (LEAD360)."""

NANO_RIG = _nano_rig()
BLIND_RIG = Rig("blind", ())
RIGS = {rig.name: rig for rig in (LEAD_RIG, LEAD6_RIG, NANO_RIG, BLIND_RIG)}


def open_rig(source: str) -> Rig:
    """A rig by name, or from a JSON file: the plain form of a `Rig`, as run folders store it.

    Raises:
        UserError: for an unknown name, and for a file that holds no rig.
    """
    if source in RIGS:
        return RIGS[source]
    if not source.endswith(".json"):
        known = ", ".join(sorted(RIGS))
        raise UserError(f"no rig is called {source!r}; known: {known}, or name a .json file.")
    try:
        data = json.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror}; name a rig file.") from error
    except ValueError as error:
        raise UserError(
            f"{source} is no JSON ({error}); write a rig as run.json has it."
        ) from error
    return config.from_plain(Rig, data, source)
