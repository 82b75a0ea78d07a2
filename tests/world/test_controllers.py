import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdrive.world.controllers import (
    GRADED_PEDALS,
    STUDENT_LATERAL,
    LateralController,
    LateralParameters,
    LongitudinalController,
    LongitudinalParameters,
    lookahead_m,
    point_at_distance,
)

STRAIGHT = np.stack([np.arange(2.5, 12.0), np.zeros(10)], axis=1)


def bent(curvature: float, count: int = 10) -> np.ndarray:
    s = 2.5 + np.arange(count)
    angle = curvature * s
    return np.stack([np.sin(angle) / curvature, (1 - np.cos(angle)) / curvature], axis=1)


def test_straight_ahead_needs_no_steering():
    assert LateralController().step(STRAIGHT, 8.0) == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_steers_towards_the_bend(sign):
    steer = LateralController().step(bent(0.1 * sign), 5.0)
    assert math.copysign(1, steer) == sign


def test_first_step_is_lead_formula():
    # Aim point exactly on a route point: 45 degrees to the left is an error of one half.
    route = np.array([[3.0, 3.0], [4.0, 4.0]])
    expected = 3.118357 * 0.5 + 0.640607 * 0.5
    assert LateralController().step(route, 0.0) == min(1.0, round(expected, 3))
    small = np.array([[10.0, 1.0], [20.0, 2.0]])
    error = math.atan2(1.0, 10.0) / (math.pi / 2)
    assert LateralController().step(small, 5.0) == round((3.118357 + 0.640607) * error, 3)


def test_second_step_has_the_derivative_and_the_mean():
    controller = LateralController()
    controller.step(STRAIGHT, 5.0)
    error = math.atan2(0.5, 10.0) / (math.pi / 2)
    steer = controller.step(np.array([[10.0, 0.5]]), 5.0)
    assert steer == round(3.118357 * error + 1.378251 * error + 0.640607 * error / 2, 3)


def test_reset_forgets():
    controller = LateralController()
    controller.step(bent(0.2), 5.0)
    controller.reset()
    assert controller.step(STRAIGHT, 5.0) == 0.0


def test_lookahead_grows_with_speed_within_its_limits():
    p = LateralParameters()
    assert lookahead_m(p, STRAIGHT, 0.0) == 2.4
    assert lookahead_m(p, STRAIGHT, 10.0) == pytest.approx(0.0975532 * 36 + 0.191529)
    assert lookahead_m(p, STRAIGHT, 60.0) == 10.5


def test_student_looks_farther_in_bends_by_two_metres_at_most():
    p = STUDENT_LATERAL
    base = lookahead_m(p, STRAIGHT, 5.0)
    assert lookahead_m(p, bent(0.01), 5.0) == base
    sharp = np.array([[0.0, 3.0], [-1.0, 4.0]])
    assert lookahead_m(p, sharp, 5.0) == base + 2.0


def test_lookahead_past_the_end_takes_the_last_point():
    assert point_at_distance(STRAIGHT, 99.0) == (11.5, 0.0)
    assert point_at_distance(STRAIGHT[:1], 99.0) == (2.5, 0.0)
    assert point_at_distance(STRAIGHT, 0.1) == (2.5, 0.0)
    assert point_at_distance(STRAIGHT, 4.0) == pytest.approx((4.0, 0.0))


@given(st.floats(0, 40), st.floats(0, 40), st.booleans())
def test_pedals_stay_in_range_and_exclude_each_other(speed, target, brake):
    for parameters in (LongitudinalParameters(), GRADED_PEDALS):
        throttle, pressed = LongitudinalController(parameters).step(speed, target, brake=brake)
        assert 0.0 <= throttle <= 1.0
        assert 0.0 <= pressed <= 1.0
        assert throttle == 0.0 or pressed == 0.0
        if brake:
            assert pressed == 1.0


def test_pedals_by_case():
    pedals = LongitudinalController()
    assert pedals.step(5.0, 0.0, brake=False) == (0.0, 1.0)
    assert pedals.step(5.0, 6.0, brake=False) == (1.0, 0.0)
    assert pedals.step(6.0, 5.0, brake=False) == (0.0, 1.0)
    assert pedals.step(0.0, 8.0, brake=True) == (0.0, 1.0)
    hold, _ = pedals.step(8.0, 8.0, brake=False)
    v = 8.0 * 3.6 / 100
    assert hold == pytest.approx(1.1990342347 * v - 0.8057602384 * v * v)


def test_graded_brake_is_proportional_and_ends_at_full():
    pedals = LongitudinalController(GRADED_PEDALS)
    assert pedals.step(8.0, 7.78, brake=False) == pytest.approx((0.0, 0.5))
    assert pedals.step(8.0, 4.0, brake=False) == (0.0, 1.0)
    assert pedals.step(8.0, 7.99, brake=False)[0] > 0.2
    assert pedals.step(0.3, 0.2, brake=False) == (0.0, 1.0)
    assert pedals.step(0.0, 0.2, brake=False) == (0.0, 1.0)
    assert pedals.step(0.0, 1.0, brake=False) == (1.0, 0.0)
    assert pedals.step(0.2, 0.0, brake=False) == (0.0, 1.0)


def test_leads_brake_waits_for_its_ratio():
    pedals = LongitudinalController()
    assert pedals.step(8.0, 7.78, brake=False)[1] == 0.0
    assert pedals.step(8.0, 7.75, brake=False)[1] == 1.0


def test_more_missing_speed_never_means_less_throttle():
    pedals = LongitudinalController()
    for speed in (0.0, 3.0, 8.0, 15.0, 20.0):
        throttle = [pedals.step(speed, speed + e, brake=False)[0] for e in np.linspace(0, 1, 40)]
        assert (np.diff(throttle) >= 0).all()


def test_senseless_parameters_are_refused():
    with pytest.raises(ValueError, match="brake_ratio"):
        LongitudinalParameters(brake_ratio=1.0)
    with pytest.raises(ValueError, match="look-ahead"):
        LateralParameters(lookahead_min_m=4.0, lookahead_max_m=3.0)


def drive(controller: LateralController, route: np.ndarray, speed: float, ticks: int) -> np.ndarray:
    """Kinematic bicycle (LEAD's constants: curvature 0.278 at full lock); cross-track errors."""
    x, y, yaw, errors = 0.0, 0.0, 0.0, []
    for _ in range(ticks):
        ahead = route[np.argmin(np.hypot(route[:, 0] - x, route[:, 1] - y)) :][:200]
        d = ahead - [x, y]
        local = np.stack(
            [
                math.cos(yaw) * d[:, 0] + math.sin(yaw) * d[:, 1],
                -math.sin(yaw) * d[:, 0] + math.cos(yaw) * d[:, 1],
            ],
            axis=1,
        )
        errors.append(abs(local[0, 1]))
        yaw += speed * 0.05 * 0.278 * controller.step(local, speed)
        x += speed * 0.05 * math.cos(yaw)
        y += speed * 0.05 * math.sin(yaw)
    return np.array(errors)


@pytest.mark.parametrize(("curvature", "speed"), [(1 / 30, 6.0), (1 / 12, 4.0), (-1 / 60, 10.0)])
def test_follows_a_circle_closely(curvature, speed):
    s = np.arange(0, 200, 0.5)
    route = np.stack(
        [np.sin(curvature * s) / curvature, (1 - np.cos(curvature * s)) / curvature], axis=1
    )
    errors = drive(LateralController(), route, speed, 200)
    assert errors.max() < 0.6


def test_returns_to_the_line_after_an_offset():
    s = np.arange(0, 300, 0.5)
    route = np.stack([s, np.full_like(s, 1.0)], axis=1)
    errors = drive(LateralController(), route, 8.0, 160)
    assert errors[-20:].max() < 0.1
