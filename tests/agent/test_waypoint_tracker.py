"""Positions in time become wheel and pedals."""

import numpy as np
import pytest

from symdrive.agent.waypoint_tracker import WaypointParameters, WaypointTracker


def straight(speed: float, y: float = 0.0) -> np.ndarray:
    at = np.arange(1, 9) * 0.25
    return np.stack([speed * at, y * at], axis=1)


def test_a_wanted_speed_is_reached_for_and_kept() -> None:
    tracker = WaypointTracker()
    control = tracker.step(straight(8.0), 2.0)
    assert (control.throttle, control.brake, control.steer) == (1.0, 0.0, 0.0)
    tracker.reset()
    control = tracker.step(straight(8.0), 7.9)  # 0.1 m/s is missing: 1.75 + 1 / 20 + 2 times that
    assert control.throttle == pytest.approx(0.1 * (1.75 + 0.05 + 2.0))


def test_it_brakes_when_too_fast_or_when_it_shall_stand() -> None:
    tracker = WaypointTracker()
    assert tracker.step(straight(8.0), 9.0).brake == 1.0
    assert tracker.step(straight(8.0), 8.5).brake == 0.0
    stop = tracker.step(straight(0.3), 0.2)
    assert (stop.brake, stop.throttle) == (1.0, 0.0)
    assert tracker.step(np.zeros((8, 2)), 0.0).brake == 1.0


def test_left_is_positive_and_standing_cars_do_not_steer() -> None:
    tracker = WaypointTracker()
    assert tracker.step(straight(8.0, 4.0), 8.0).steer > 0.2
    tracker.reset()
    assert tracker.step(straight(8.0, -4.0), 8.0).steer < -0.2
    tracker.reset()
    assert tracker.step(straight(8.0, 4.0), 0.0).steer == 0.0


def test_waypoints_come_in_order() -> None:
    with pytest.raises(ValueError, match="half_second before one_second"):
        WaypointParameters(half_second=3, one_second=3)
