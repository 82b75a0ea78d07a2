"""Sensors as data: what each is, where it is mounted, how often it reads.

Mount poses are relative to the ego's ground point under its box centre (x forward, y left, z up),
metres; angles in radians: yaw positive to the left, pitch positive nose up, roll positive when the
left side goes up (turned in this order: yaw, then pitch, then roll). Every sensor reads when its
`sensor_tick_s` has passed, 0 for every tick; in between the driver has its last reading. Names of
CARLA's attributes stand in backticks; their definitions are CARLA 0.9.15's ("Sensors reference" and
the sources of `Plugins/Carla/Source/Carla/Sensor`).
"""

import dataclasses
import math
import re
import reprlib
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from symdrive.core.config import later
from symdrive.world.clock import ticks_between

Point = tuple[float, float, float]

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_MAX_PIXELS = 1 << 26
_MAX_RAYS = 1 << 26
_MAX_SAMPLES = 4
_MAX_MOUNT_M = 1e3
_MAX_RANGE_M = 1e4
_MAX_NUMBER = 1e9
_HALF_TURN = math.pi
_MIN_FOV, _MAX_FOV = 1e-3, math.pi - 1e-3


def _numbers(value: object) -> list[int | float]:
    """Every number of a field."""
    if isinstance(value, tuple):
        return [x for item in cast(tuple[object, ...], value) for x in _numbers(item)]
    return [value] if isinstance(value, (int, float)) else []


def _check_mount(spec: Any, what: str) -> None:
    """Refuse what no sensor can have: an odd name, a number that is none, a negative rate."""
    if not _NAME.fullmatch(spec.name):
        raise ValueError(
            f"{what} {reprlib.repr(spec.name)}: a name is made of letters, digits, dot, dash and"
            " underscore"
        )
    for field in dataclasses.fields(spec):
        if not all(abs(x) <= _MAX_NUMBER for x in _numbers(getattr(spec, field.name))):
            raise ValueError(
                f"{what} {spec.name!r} has {field.name} {reprlib.repr(getattr(spec, field.name))};"
                f" finite numbers up to {_MAX_NUMBER:.0e}"
            )
    if max(abs(x) for x in spec.position) > _MAX_MOUNT_M:
        raise ValueError(
            f"{what} {spec.name!r} is mounted at {spec.position}; within {_MAX_MOUNT_M:.0f} m"
        )
    if spec.sensor_tick_s < 0.0:
        raise ValueError(f"{what} {spec.name!r} has sensor_tick_s {spec.sensor_tick_s}; 0 or more")


def _check_range(spec: Any, what: str, name: str = "range_m") -> None:
    """Refuse a range of nothing, and one beyond every town."""
    if not 0.0 < getattr(spec, name) <= _MAX_RANGE_M:
        raise ValueError(
            f"{what} {spec.name!r} has {name} {getattr(spec, name)}; a range above 0 and up to"
            f" {_MAX_RANGE_M:.0f} m"
        )


def _check_fov(spec: Any, what: str, *names: str) -> None:
    """Refuse fields of view that no plane can show."""
    for name in names:
        if not _MIN_FOV <= getattr(spec, name) <= _MAX_FOV:
            raise ValueError(
                f"{what} {spec.name!r} has {name} {getattr(spec, name)} rad; between 0 and pi, by"
                f" {_MIN_FOV} from both"
            )


def _check_shares(spec: Any, what: str, *names: str) -> None:
    """Refuse shares outside of [0, 1]."""
    for name in names:
        if not 0.0 <= getattr(spec, name) <= 1.0:
            raise ValueError(f"{what} {spec.name!r} has {name} {getattr(spec, name)}; in [0, 1]")


def _check_not_negative(spec: Any, what: str, *names: str) -> None:
    """Refuse negative deviations."""
    for name in names:
        if min(_numbers(getattr(spec, name))) < 0.0:
            raise ValueError(f"{what} {spec.name!r} has {name} {getattr(spec, name)}; 0 or more")


class Mounted:
    """What every sensor with a mount and a rate has in common."""

    name: str
    position: Point
    sensor_tick_s: float

    @property
    def every(self) -> int:
        """Ticks between readings."""
        return ticks_between(self.sensor_tick_s)


@dataclass(frozen=True)
class CameraSpec(Mounted):
    """A pinhole camera.

    Attributes:
        name: key of its pictures.
        position: x, y, z, m.
        yaw: rad, left positive.
        width: pixels.
        height: pixels.
        fov: horizontal field of view, rad.
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        sensor_tick_s: time between pictures.
        samples: rays a pixel along each axis: 2 smooths edges at four times the cost. A pixel's
            colour is their mean, its labels are those of one of them.
    """

    name: str
    position: Point
    yaw: float
    width: int
    height: int
    fov: float
    pitch: float = 0.0
    roll: float = later(0.0)
    sensor_tick_s: float = later(0.0)
    samples: int = later(1)

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered."""
        _check_mount(self, "camera")
        if min(self.width, self.height) < 4 or self.width * self.height > _MAX_PIXELS:
            raise ValueError(
                f"camera {self.name!r} is {self.width}x{self.height} pixels; at least 4x4 and at"
                f" most {_MAX_PIXELS} in all"
            )
        if not 1 <= self.samples <= _MAX_SAMPLES:
            raise ValueError(
                f"camera {self.name!r} takes {self.samples} samples a pixel and axis; from 1 to"
                f" {_MAX_SAMPLES}"
            )
        _check_fov(self, "camera", "fov")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width / (2.0 * math.tan(self.fov / 2.0))


class Spinning(Mounted):
    """What all spinning LiDARs have in common; fields as of `LidarSpec`."""

    channels: int
    columns: int
    range_m: float
    lower: float
    upper: float
    yaw: float
    pitch: float
    roll: float
    horizontal_fov: float
    turn: float

    def _check_beams(self, what: str) -> None:
        """Refuse what cannot be cast."""
        _check_mount(self, what)
        _check_range(self, what)
        if self.channels < 1 or self.columns < 1:
            raise ValueError(f"{what} {self.name!r} needs channels and columns above zero")
        if self.channels * self.columns > _MAX_RAYS:
            raise ValueError(f"{what} {self.name!r} casts more than {_MAX_RAYS} rays a reading")
        if not -_HALF_TURN / 2 <= self.lower <= self.upper <= _HALF_TURN / 2:
            raise ValueError(
                f"{what} {self.name!r} has beams from {self.lower} to {self.upper} rad;"
                " lower <= upper within a quarter turn"
            )
        if not (0.0 < self.horizontal_fov <= 2 * _HALF_TURN and self.turn > 0.0):
            raise ValueError(
                f"{what} {self.name!r} has horizontal_fov {self.horizontal_fov} and turn"
                f" {self.turn} rad; above 0, the first at most a full turn"
            )


@dataclass(frozen=True)
class LidarSpec(Spinning):
    """A spinning LiDAR, `sensor.lidar.ray_cast`; with the defaults one full turn each reading.

    Attributes:
        name: key of its points.
        position: x, y, z, m.
        channels: beams, evenly spaced between `lower` and `upper`.
        columns: azimuth steps of one reading.
        range_m: longest return.
        lower: lowest beam, rad.
        upper: highest beam, rad.
        dropoff: share of returns lost at random (`dropoff_general_rate`).
        noise_m: standard deviation along the ray (`noise_stddev`).
        yaw: rad, left positive.
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        horizontal_fov: what the beams sweep, rad, about the mount's yaw.
        turn: how far they get in one reading, rad (`rotation_frequency` x field of view x tick).
        attenuation_per_m: intensity is exp(-a d) (`atmosphere_attenuation_rate`).
        dropoff_limit: returns of a greater intensity are never lost for their intensity
            (`dropoff_intensity_limit`).
        dropoff_zero: share lost of returns of no intensity (`dropoff_zero_intensity`).
        sensor_tick_s: time between readings.
    """

    name: str = "top"
    position: Point = (0.0, 0.0, 2.5)
    channels: int = 64
    columns: int = 938
    range_m: float = 85.0
    lower: float = math.radians(-30.0)
    upper: float = math.radians(10.0)
    dropoff: float = 0.1
    noise_m: float = 0.01
    yaw: float = later(0.0)
    pitch: float = later(0.0)
    roll: float = later(0.0)
    horizontal_fov: float = later(2 * math.pi)
    turn: float = later(2 * math.pi)
    attenuation_per_m: float = later(0.004)
    dropoff_limit: float = later(0.8)
    dropoff_zero: float = later(0.0)
    sensor_tick_s: float = later(0.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be cast."""
        self._check_beams("LiDAR")
        _check_not_negative(self, "LiDAR", "noise_m", "attenuation_per_m")
        _check_shares(self, "LiDAR", "dropoff_limit", "dropoff_zero")
        if not 0.0 <= self.dropoff < 1.0:
            raise ValueError(f"LiDAR {self.name!r} has dropoff {self.dropoff}; in [0, 1)")


@dataclass(frozen=True)
class SemanticLidarSpec(Spinning):
    """A LiDAR that knows what it hits, `sensor.lidar.ray_cast_semantic`; without noise.

    Its points are evidence, never part of an observation.

    Attributes:
        name: key of its points.
        position: x, y, z, m.
        channels: beams, evenly spaced between `lower` and `upper`.
        columns: azimuth steps of one reading.
        range_m: longest return.
        lower: lowest beam, rad.
        upper: highest beam, rad.
        yaw: rad, left positive.
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        horizontal_fov: what the beams sweep, rad, about the mount's yaw.
        turn: how far they get in one reading, rad.
        sensor_tick_s: time between readings.
    """

    name: str = "semantic_lidar"
    position: Point = (0.0, 0.0, 2.5)
    channels: int = 64
    columns: int = 938
    range_m: float = 85.0
    lower: float = math.radians(-30.0)
    upper: float = math.radians(10.0)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    horizontal_fov: float = 2 * math.pi
    turn: float = 2 * math.pi
    sensor_tick_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be cast."""
        self._check_beams("semantic LiDAR")


@dataclass(frozen=True)
class RadarSpec(Mounted):
    """A radar, `sensor.other.radar`: rays drawn anew for each reading, denser at the centre.

    Attributes:
        name: key of its detections.
        position: x, y, z, m.
        yaw: rad, left positive.
        horizontal_fov: rad.
        vertical_fov: rad.
        range_m: depth of the flat end of the field of view (a ray to its corner is longer).
        points: rays of one reading (`points_per_second` x tick).
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        sensor_tick_s: time between readings.
    """

    name: str
    position: Point
    yaw: float
    horizontal_fov: float = math.radians(30.0)
    vertical_fov: float = math.radians(30.0)
    range_m: float = 100.0
    points: int = 75
    pitch: float = 0.0
    roll: float = 0.0
    sensor_tick_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be cast."""
        _check_mount(self, "radar")
        _check_range(self, "radar")
        _check_fov(self, "radar", "horizontal_fov", "vertical_fov")
        if not 1 <= self.points <= _MAX_RAYS:
            raise ValueError(f"radar {self.name!r} has {self.points} points; from 1 to {_MAX_RAYS}")


class GnssConvention(Enum):
    """How a CARLA version turns its map into latitude and longitude; see `world.geodesy`."""

    CARLA_0_9_15 = "mercator, north is up"
    CARLA_0_9_16 = "transverse mercator, north is down"


@dataclass(frozen=True)
class GnssSpec(Mounted):
    """A satellite receiver, `sensor.other.gnss`.

    With one on the car, `Observation.position` is what its reading comes to.

    Attributes:
        name: of the sensor.
        position: x, y, z, m.
        noise: standard deviation of latitude (deg), longitude (deg) and altitude (m).
        bias: constant error of the same.
        origin: latitude (deg), longitude (deg) and altitude (m) of the map's origin.
        convention: whose projection and sign.
        sensor_tick_s: time between readings.
    """

    name: str = "gnss"
    position: Point = (0.0, 0.0, 0.0)
    noise: Point = (0.0, 0.0, 0.0)
    bias: Point = (0.0, 0.0, 0.0)
    origin: Point = (0.0, 0.0, 0.0)
    convention: GnssConvention = GnssConvention.CARLA_0_9_15
    sensor_tick_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse places that are none."""
        _check_mount(self, "GNSS")
        _check_not_negative(self, "GNSS", "noise")
        if abs(self.origin[0]) > 85.0 or abs(self.origin[1]) > 180.0:
            raise ValueError(
                f"GNSS {self.name!r} has its origin at {self.origin}; latitude within 85 and"
                " longitude within 180 degrees"
            )


@dataclass(frozen=True)
class ImuSpec(Mounted):
    """Accelerometer, gyroscope and compass, `sensor.other.imu`.

    With one on the car, `Observation.yaw` is that of its compass, which CARLA leaves without noise.

    Attributes:
        name: of the sensor.
        position: x, y, z, m.
        yaw: rad, left positive.
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        accel_noise: standard deviation along x, y, z, m/s^2 (`noise_accel_stddev_*`).
        gyro_noise: about x, y, z, rad/s (`noise_gyro_stddev_*`).
        gyro_bias: constant error of the same (`noise_gyro_bias_*`).
        sensor_tick_s: time between readings.
    """

    name: str = "imu"
    position: Point = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    accel_noise: Point = (0.0, 0.0, 0.0)
    gyro_noise: Point = (0.0, 0.0, 0.0)
    gyro_bias: Point = (0.0, 0.0, 0.0)
    sensor_tick_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse negative deviations."""
        _check_mount(self, "IMU")
        _check_not_negative(self, "IMU", "accel_noise", "gyro_noise")


@dataclass(frozen=True)
class ObstacleSpec(Mounted):
    """An obstacle detector, `sensor.other.obstacle`: a ball that is pushed ahead.

    Attributes:
        name: key of its readings.
        position: x, y, z, m.
        yaw: rad, left positive.
        distance_m: how far the ball is pushed.
        hit_radius_m: its radius.
        only_dynamics: let it pass through the town and stop at actors alone.
        pitch: rad, nose up positive.
        roll: rad, left side up positive.
        sensor_tick_s: time between readings.
    """

    name: str = "obstacle"
    position: Point = (0.0, 0.0, 1.0)
    yaw: float = 0.0
    distance_m: float = 5.0
    hit_radius_m: float = 0.5
    only_dynamics: bool = False
    pitch: float = 0.0
    roll: float = 0.0
    sensor_tick_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a ball or a way of nothing."""
        _check_mount(self, "obstacle sensor")
        _check_range(self, "obstacle sensor", "distance_m")
        _check_range(self, "obstacle sensor", "hit_radius_m")


@dataclass(frozen=True)
class LocalisationSpec:
    """Noise of position, heading and speed where the rig has no GNSS or IMU of its own.

    LEAD's GNSS noise is 5e-6 degrees per axis, about 0.55 m
    (kesai-labs/lead 4489176, `expert_data.py`).

    Attributes:
        position_noise_m: standard deviation per axis.
        yaw_noise: standard deviation, rad.
        speed_noise_mps: standard deviation of the speedometer.
    """

    position_noise_m: float = 0.55
    yaw_noise: float = 0.001
    speed_noise_mps: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no deviation."""
        deviations = (self.position_noise_m, self.yaw_noise, self.speed_noise_mps)
        if not all(math.isfinite(x) and x >= 0.0 for x in deviations):
            raise ValueError(f"deviations are finite and 0 or more: {self}")
