"""Which target points come next, and the position estimate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdrive.features.config import NavigationConfig
from symdrive.features.navigation import Navigator
from symdrive.maps.route import Command, SparsePlan

PLAN = SparsePlan(
    np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 40.0], [60.0, 40.0]]),
    np.array([4, 1, 4, 4]),
)
RAW = NavigationConfig(reach_m=3.25)


def walk(navigator: Navigator, *points: tuple[float, float]) -> list[list[float]]:
    states = [navigator.step(np.array(point), 0.0, 0.0) for point in points]
    return [state.target_points[:, 0].tolist() for state in states]


def test_points_are_previous_current_next() -> None:
    state = Navigator(PLAN, RAW).step(np.array([1.0, 0.0]), 0.0, 0.0)
    assert state.target_points.tolist() == [[0, 0], [30, 0], [30, 40]]
    assert state.command is Command.LANE_FOLLOW


def test_reaching_a_point_makes_it_the_previous_one_and_its_command_hold() -> None:
    navigator = Navigator(PLAN, RAW)
    before = navigator.step(np.array([26.7, 0.0]), 0.0, 0.0)
    after = navigator.step(np.array([26.8, 0.0]), 0.0, 0.0)
    assert before.target_points[0].tolist() == [0, 0]
    assert after.target_points.tolist() == [[30, 0], [30, 40], [60, 40]]
    assert after.command is Command.LEFT


def test_the_goal_stays_ahead_and_stands_in_for_the_next_point() -> None:
    navigator = Navigator(PLAN, RAW)
    for point in ((30.0, 0.0), (30.0, 40.0), (60.0, 40.0)):
        state = navigator.step(np.array(point), 0.0, 0.0)
    assert state.target_points.tolist() == [[30, 40], [60, 40], [60, 40]]


def test_a_missed_point_stays_unless_passing_counts() -> None:
    drive = ((20.0, 4.0), (30.5, 4.0), (31.0, 4.5))
    assert walk(Navigator(PLAN, RAW), *drive)[-1] == [0.0, 30.0, 30.0]
    passing = NavigationConfig(reach_m=3.25, passed_m=8.0)
    assert walk(Navigator(PLAN, passing), *drive)[-1] == [30.0, 30.0, 60.0]


def test_points_beyond_the_horizon_are_not_reached_early() -> None:
    loop = SparsePlan(
        np.array([[0.0, 0.0], [60.0, 0.0], [60.0, 60.0], [0.0, 2.0], [-50.0, 2.0]]),
        np.full(5, 4),
    )
    assert walk(Navigator(loop, RAW), (0.0, 1.0))[0] == [0.0, 60.0, 60.0]


def test_repeated_points_are_merged_and_the_later_command_counts() -> None:
    plan = SparsePlan(
        np.array([[0.0, 0.0], [0.0, 0.0], [30.0, 0.0], [30.0, 0.0]]), np.array([4, 2, 3, 5])
    )
    state = Navigator(plan, RAW).step(np.zeros(2), 0.0, 0.0)
    assert state.target_points.tolist() == [[0, 0], [30, 0], [30, 0]]
    assert state.command is Command.RIGHT


@pytest.mark.parametrize("count", [1, 2])
def test_a_plan_of_one_place_still_has_three_points(count: int) -> None:
    plan = SparsePlan(np.zeros((count, 2)), np.full(count, 4))
    state = Navigator(plan, RAW).step(np.ones(2), 0.0, 0.0)
    assert state.target_points.tolist() == [[0, 0]] * 3


def test_the_estimate_smooths_noise_and_follows_the_car() -> None:
    config = NavigationConfig(position_gain=0.15)
    navigator = Navigator(PLAN, config)
    noise = np.random.Generator(np.random.PCG64(1)).normal(0, 0.55, (400, 2))
    truth = np.stack([np.arange(400) * 0.05 * 8.0, np.zeros(400)], axis=1)
    errors = [
        np.linalg.norm(navigator.step(here + error, 0.0, 8.0).position - here)
        for here, error in zip(truth, noise, strict=True)
    ]
    assert np.mean(errors[100:]) < 0.35 * np.linalg.norm(noise, axis=1).mean()


def test_the_first_readings_count_alike() -> None:
    navigator = Navigator(PLAN, NavigationConfig(position_gain=0.04))
    readings = np.random.Generator(np.random.PCG64(2)).normal(0, 0.55, (20, 2))
    states = [navigator.step(reading, 0.0, 0.0) for reading in readings]
    for count in (1, 2, 20):
        expected = readings[:count].mean(axis=0)
        np.testing.assert_allclose(states[count - 1].position, expected, atol=1e-12)


@given(st.lists(st.tuples(st.floats(-50, 90), st.floats(-50, 90)), min_size=1, max_size=30))
def test_progress_never_goes_back(points: list[tuple[float, float]]) -> None:
    navigator = Navigator(PLAN, NavigationConfig(passed_m=5.0))
    rows = []
    for point in points:
        previous = navigator.step(np.array(point), 0.0, 0.0).target_points[0]
        rows.append(int(np.argmin(np.linalg.norm(PLAN.points - previous, axis=1))))
    assert rows == sorted(rows)
    assert rows[-1] <= len(PLAN.points) - 2
