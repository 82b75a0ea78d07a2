"""The ego's dynamics against hand-worked numbers."""

import math

import pytest

from symdrive.sim.ego import (
    FRONT_AXLE_M,
    REAR_AXLE_M,
    WHEEL_PER_STEER,
    EgoState,
    Pedals,
    advance,
    next_speed,
)

DT = 0.05
STANDING = EgoState(0.0, 0.0, 0.0, 0.0, 0.0)


def drive(state: EgoState, pedals: Pedals, seconds: float, slope: float = 0.0) -> EgoState:
    for _ in range(round(seconds / DT)):
        state = advance(state, pedals, slope, DT)
    return state


def test_full_throttle_goes_straight_and_pulls_between_4_and_5_mps2():
    after = drive(STANDING, Pedals(0.0, 1.0, 0.0, 1.0), 2.0)
    assert 8.0 < after.speed < 10.0
    assert after.y == 0.0
    assert after.yaw == 0.0
    assert after.x == pytest.approx(after.speed**2 / (2 * after.speed / 2.0), rel=0.02)


def test_top_speed_is_about_50_mps():
    after = drive(STANDING, Pedals(0.0, 1.0, 0.0, 1.0), 300.0)
    assert after.speed == pytest.approx(50.0, abs=1.0)


def test_full_brake_stops_from_20_mps_within_25_metres_and_stays():
    state = EgoState(0.0, 0.0, 0.0, 20.0, 0.0)
    stopped = drive(state, Pedals(0.0, 0.0, 1.0, 1.0), 3.0)
    assert stopped.speed == 0.0
    assert 20.0 < stopped.x < 26.0
    assert drive(stopped, Pedals(0.0, 0.0, 1.0, 1.0), 1.0) == stopped


@pytest.mark.parametrize("steer", [-0.6, 0.3, 1.0])
def test_turning_circle_has_the_radius_of_the_bicycle(steer: float):
    slip = math.atan(REAR_AXLE_M / (FRONT_AXLE_M + REAR_AXLE_M) * math.tan(WHEEL_PER_STEER * steer))
    radius = REAR_AXLE_M / abs(math.sin(slip))
    state = EgoState(0.0, 0.0, 0.0, 5.0, steer)
    xs, ys = [], []
    for _ in range(2000):
        state = advance(state, Pedals(steer, 0.5, 0.2, 1.0), 0.0, DT)
        state = state._replace(speed=5.0)
        xs.append(state.x)
        ys.append(state.y)
    assert (max(xs) - min(xs)) / 2 == pytest.approx(radius, rel=0.03)
    assert (max(ys) - min(ys)) / 2 == pytest.approx(radius, rel=0.03)
    assert math.copysign(1.0, sum(ys)) == math.copysign(1.0, steer)


def test_steering_follows_with_a_lag():
    one = advance(STANDING, Pedals(1.0, 0.0, 0.0, 1.0), 0.0, DT)
    assert one.steer == pytest.approx(1.0 - math.exp(-0.5))
    assert drive(STANDING, Pedals(1.0, 0.0, 0.0, 1.0), 1.0).steer == pytest.approx(1.0, abs=1e-3)


def test_reverse_drives_backwards_and_no_faster_than_its_gear():
    after = drive(STANDING, Pedals(0.0, 1.0, 0.0, -1.0), 10.0)
    assert -8.5 < after.speed < -7.0
    assert after.x < 0.0


def test_a_hill_pulls_and_drag_never_turns_the_motion_round():
    coasting = Pedals(0.0, 0.0, 0.0, 1.0)
    assert next_speed(0.01, coasting, 0.0, DT) == 0.0
    assert next_speed(0.0, coasting, 0.02, DT) == 0.0
    assert next_speed(0.0, coasting, 0.1, DT) < 0.0
    assert next_speed(10.0, coasting, 0.1, DT) < next_speed(10.0, coasting, 0.0, DT)
