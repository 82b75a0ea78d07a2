"""GNSS and IMU.

Sources: carla-simulator/carla 0.9.15, `GnssSensor.cpp` (Gaussian noise and bias on latitude,
longitude and altitude) and `InertialMeasurementUnit.cpp` (acceleration as the second difference of
the last three places plus gravity, in the sensor's frame; Gaussian noise on both, a bias on the
turn rates; a compass without noise).
"""

import math

import numpy as np
from jaxtyping import Float64

from symdrive.sensors.mount import ego_pose, mount_rotation, mounted, rotation, track, trail_of
from symdrive.world.clock import TICK_S
from symdrive.world.geodesy import to_geodetic
from symdrive.world.observation import GnssReading, ImuReading
from symdrive.world.specs import GnssSpec, ImuSpec
from symdrive.world.truth import Trail, Truth

GRAVITY_MPS2 = 9.81


def read_gnss(spec: GnssSpec, truth: Truth, generator: np.random.Generator) -> GnssReading:
    """A fix; three numbers are drawn whatever the spec.

    Args:
        spec: the receiver.
        truth: the state; row 0 carries it.
        generator: draws the noise.
    """
    ego = ego_pose(truth.actors)
    east, north, up = (ego.position + ego.rotation @ np.array(spec.position)).tolist()
    exact = to_geodetic((east, north, up), spec.origin, spec.convention)
    error = np.array(spec.bias) + np.array(spec.noise) * generator.standard_normal(3)
    return GnssReading(*(np.array(exact) + error).tolist())


def read_imu(spec: ImuSpec, truth: Truth, generator: np.random.Generator) -> ImuReading:
    """Accelerations, turn rates and compass; six numbers are drawn whatever the spec.

    Args:
        spec: the unit and its mount.
        truth: the state with the ego's trail; row 0 carries the unit.
        generator: draws the noise.
    """
    trail = trail_of(truth)
    now, before, earlier = track(trail, spec.position)
    pull = (now - 2.0 * before + earlier) / TICK_S**2 + np.array([0.0, 0.0, GRAVITY_MPS2])
    noise = generator.standard_normal((2, 3))
    pose = mounted(spec, ego_pose(truth.actors))
    turn = mount_rotation(spec).T @ _turn_rate(trail)
    heading = math.atan2(pose.rotation[1, 0], pose.rotation[0, 0])
    return ImuReading(
        acceleration=pose.rotation.T @ pull + np.array(spec.accel_noise) * noise[0],
        angular_velocity=turn + np.array(spec.gyro_bias) + np.array(spec.gyro_noise) * noise[1],
        compass=compass_of(heading),
    )


def compass_of(yaw: float) -> float:
    """CARLA's compass of a heading: 0 where y points (north), clockwise, in [0, 2 pi)."""
    turned = (0.5 * math.pi - yaw) % (2.0 * math.pi)
    return turned if turned < 2.0 * math.pi else 0.0


def yaw_of(compass: float) -> float:
    """The heading in [-pi, pi) of a compass reading; undoes `compass_of`."""
    return (1.5 * math.pi - compass) % (2.0 * math.pi) - math.pi


def _turn_rate(trail: Trail) -> Float64[np.ndarray, " 3"]:
    """Turn of the ego in the last tick about its own axes, rad/s; exact for small turns."""
    now, before = (rotation(float(trail.yaw[k]), float(trail.pitch[k])) for k in (0, 1))
    turn = before.T @ now
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return 0.5 * axis / TICK_S
