import dataclasses
import math

import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.sensors.inertial import GRAVITY_MPS2, compass_of, read_gnss, read_imu, yaw_of
from symdrive.sensors.mount import rotation, trail_of
from symdrive.world.clock import TICK_S
from symdrive.world.geodesy import from_geodetic
from symdrive.world.rig import GnssSpec, ImuSpec
from symdrive.world.truth import Trail, Truth


def on_the_way(truth: Truth, place, yaw, pitch=lambda t: 0.0) -> Truth:
    """The truth with an ego whose pose is a function of time, at time 0."""
    times = -TICK_S * np.arange(3)
    trail = Trail(
        np.array([place(t) for t in times], dtype=np.float64),
        np.array([yaw(t) for t in times]),
        np.array([pitch(t) for t in times]),
    )
    actors = dataclasses.replace(
        truth.actors,
        position=trail.position[:1].copy(),
        yaw=trail.yaw[:1].copy(),
        pitch=trail.pitch[:1].copy(),
    )
    return dataclasses.replace(truth, actors=actors, trail=trail)


@pytest.fixture
def standing(actors_of, truth_of) -> Truth:
    return truth_of(actors_of([(0, 0, 0)]))


def imu(truth, spec=None, seed=0):
    return read_imu(spec or ImuSpec(), truth, generator(seed, "t"))


def test_a_car_at_rest_feels_gravity_alone(standing):
    reading = imu(standing)
    np.testing.assert_allclose(reading.acceleration, [0, 0, GRAVITY_MPS2], atol=1e-9)
    np.testing.assert_allclose(reading.angular_velocity, 0.0, atol=1e-9)


def test_on_a_slope_gravity_pulls_backwards(standing):
    still = on_the_way(standing, lambda t: (0, 0, 0), lambda t: 0.3, lambda t: 0.1)
    reading = imu(still).acceleration
    expected = [GRAVITY_MPS2 * math.sin(0.1), 0.0, GRAVITY_MPS2 * math.cos(0.1)]
    np.testing.assert_allclose(reading, expected, atol=1e-9)


def test_throttle_and_bends_are_felt(standing):
    speeding = on_the_way(standing, lambda t: (7 * t + 1.5 * t * t, 0, 0), lambda t: 0.0)
    np.testing.assert_allclose(imu(speeding).acceleration[:2], [3.0, 0.0], atol=1e-6)
    # A circle of 20 m to the left at 10 m/s: 5 m/s^2 to the left, 0.5 rad/s to the left.
    circle = on_the_way(
        standing,
        lambda t: (20 * math.sin(0.5 * t), 20 - 20 * math.cos(0.5 * t), 0),
        lambda t: 0.5 * t,
    )
    reading = imu(circle)
    # The second difference lies one tick behind, where the car pointed 0.025 rad to the right.
    np.testing.assert_allclose(reading.acceleration[:2], [0.125, 5.0], atol=0.01)
    np.testing.assert_allclose(reading.angular_velocity, [0.0, 0.0, 0.5], atol=1e-3)


def test_a_turned_mount_turns_its_axes(standing):
    speeding = on_the_way(standing, lambda t: (1.5 * t * t, 0, 0), lambda t: 0.4 * t)
    left = ImuSpec(yaw=math.pi / 2)
    np.testing.assert_allclose(imu(speeding, left).acceleration[:2], [0.0, -3.0], atol=1e-6)
    rolled = imu(speeding, ImuSpec(roll=math.pi / 2))
    np.testing.assert_allclose(rolled.angular_velocity, [0.0, 0.4, 0.0], atol=1e-3)


def test_noise_has_the_deviation_of_the_spec(standing):
    spec = ImuSpec(
        accel_noise=(0.1, 0.2, 0.3), gyro_noise=(0.01, 0.02, 0.03), gyro_bias=(1.0, 2.0, 3.0)
    )
    readings = [imu(standing, spec, seed) for seed in range(1500)]
    accelerations = np.stack([r.acceleration for r in readings])
    turns = np.stack([r.angular_velocity for r in readings])
    np.testing.assert_allclose(accelerations.std(axis=0), spec.accel_noise, rtol=0.1)
    np.testing.assert_allclose(turns.std(axis=0), spec.gyro_noise, rtol=0.1)
    np.testing.assert_allclose(turns.mean(axis=0), spec.gyro_bias, atol=0.01)


def test_the_compass_is_carlas():
    for degrees, compass in ((90, 0.0), (0, math.pi / 2), (-90, math.pi), (180, 1.5 * math.pi)):
        assert compass_of(math.radians(degrees)) == pytest.approx(compass, abs=1e-12)
    for yaw in np.linspace(-math.pi, math.pi, 50, endpoint=False):
        assert 0.0 <= compass_of(yaw) < 2 * math.pi
        assert yaw_of(compass_of(yaw)) == pytest.approx(yaw, abs=1e-12)


def test_a_truth_without_a_trail_drives_steadily(standing):
    actors = dataclasses.replace(standing.actors, speed=np.array([8.0]), yaw=np.array([0.5]))
    reading = imu(dataclasses.replace(standing, actors=actors))
    np.testing.assert_allclose(reading.acceleration, [0, 0, GRAVITY_MPS2], atol=1e-6)
    trail = trail_of(dataclasses.replace(standing, actors=actors))
    step = trail.position[0] - trail.position[1]
    np.testing.assert_allclose(step, 0.4 * rotation(0.5, 0.0)[:, 0])


def test_gnss_reads_the_place_of_its_mount(standing):
    there = on_the_way(standing, lambda t: (120.0, -80.0, 3.0), lambda t: math.pi / 2)
    spec = GnssSpec(position=(1.0, 0.0, 2.0), origin=(49.0, 8.0, 100.0))
    fix = read_gnss(spec, there, generator(0, "t"))
    place = from_geodetic((fix.latitude, fix.longitude, fix.altitude), spec.origin, spec.convention)
    np.testing.assert_allclose(place, [120.0, -79.0, 5.0], atol=1e-6)


def test_gnss_noise_and_bias(standing):
    spec = GnssSpec(noise=(5e-6, 1e-5, 0.5), bias=(1e-4, 0.0, 2.0))
    fixes = [read_gnss(spec, standing, generator(k, "t")) for k in range(1500)]
    table = np.array([(f.latitude, f.longitude, f.altitude) for f in fixes])
    np.testing.assert_allclose(table.std(axis=0), spec.noise, rtol=0.1)
    assert (np.abs(table.mean(axis=0) - spec.bias) < 0.1 * np.array(spec.noise)).all()
