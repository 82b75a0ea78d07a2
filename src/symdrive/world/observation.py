"""What the learner's sensors say at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Float32, UInt8

RadarPoints = Float32[np.ndarray, "detection 4"]
"""Detections of one radar, columns as in `RadarColumn`, in the frame of its mount."""


class RadarColumn(IntEnum):
    """Columns of `RadarPoints`.

    AZIMUTH is in rad, left positive; ALTITUDE in rad, up positive; DEPTH is the distance in m;
    VELOCITY is that of the target along the ray as the sensor sees it, m/s, negative for what
    comes nearer. Source: carla-simulator/carla 0.9.15, `Radar.cpp` (y left here).
    """

    AZIMUTH = 0
    ALTITUDE = 1
    DEPTH = 2
    VELOCITY = 3


@dataclass(frozen=True)
class GnssReading:
    """A fix.

    Attributes:
        latitude: deg.
        longitude: deg.
        altitude: m.
    """

    latitude: float
    longitude: float
    altitude: float


@dataclass(frozen=True)
class ImuReading:
    """Inertial measurements in the frame of the sensor (x forward, y left, z up).

    Attributes:
        acceleration: x, y, z, m/s^2, gravity included: a car at rest reads 9.81 upwards.
        angular_velocity: about x, y, z, rad/s.
        compass: heading of the sensor as CARLA tells it: 0 north, clockwise, rad in [0, 2 pi).
    """

    acceleration: Float[np.ndarray, " 3"]
    angular_velocity: Float[np.ndarray, " 3"]
    compass: float


@dataclass(frozen=True)
class CollisionEvent:
    """A contact that was felt.

    Attributes:
        other_id: number of the other actor, 0 for the static town.
        impulse: on the ego, x, y, z, ego frame, kg m/s (CARLA's `normal_impulse`).
    """

    other_id: int
    impulse: Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class ObstacleReading:
    """What an obstacle detector met.

    Attributes:
        other_id: number of the actor, 0 for the static town.
        distance_m: how far the ball got.
    """

    other_id: int
    distance_m: float


@dataclass(frozen=True)
class Observation:
    """One tick of sensor readings.

    A sensor that did not read in this tick shows its last reading; `read_at` says from when.

    Attributes:
        tick: number of steps since the reset.
        time_s: time stamp.
        images: RGB pictures by camera name.
        lidar: x, y, z, intensity of all LiDARs together; ego frame (ground point under the ego's
            box centre, x forward, y left, z up), metres.
        position: x, y by GNSS, world frame, metres, noisy.
        yaw: compass heading, world frame, rad, noisy.
        speed_mps: speedometer.
        radar: detections by radar name.
        gnss: latitude and longitude, where the rig has a receiver.
        imu: accelerations and turn rates, where the rig has one.
        collisions: contacts of this tick, where the rig feels them.
        lane_invasions: `maps.town.Marking` of every line that a corner of the ego's box crossed in
            this tick, each once, in rising order, where the rig sees them.
        obstacles: by sensor name; those that met nothing are left out.
        read_at: tick of the reading of each camera, LiDAR, radar, GNSS, IMU and obstacle sensor,
            by name.
    """

    tick: int
    time_s: float
    images: Mapping[str, UInt8[np.ndarray, "height width 3"]]
    lidar: Float[np.ndarray, "point 4"]
    position: Float[np.ndarray, " 2"]
    yaw: float
    speed_mps: float
    radar: Mapping[str, RadarPoints] = field(default_factory=dict[str, RadarPoints])
    gnss: GnssReading | None = None
    imu: ImuReading | None = None
    collisions: tuple[CollisionEvent, ...] = ()
    lane_invasions: tuple[int, ...] = ()
    obstacles: Mapping[str, ObstacleReading] = field(default_factory=dict[str, ObstacleReading])
    read_at: Mapping[str, int] = field(default_factory=dict[str, int])
