"""The emergency brake over a plan, on hand-made returns."""

import math
from dataclasses import replace

import numpy as np
import pytest

from symdrive.agent.guard import FREE, Guard
from symdrive.world.control import Plan

AHEAD = np.stack([np.arange(2.5, 12.5), np.zeros(10)], axis=1)
TURN = np.array([[9 * math.sin(a), 9 - 9 * math.cos(a)] for a in np.linspace(0.28, 1.5, 10)])


def returns(x: float, y: float, z: float = 1.0, count: int = 4) -> np.ndarray:
    return np.tile(np.array([x, y, z, 0.5], dtype=np.float32), (count, 1))


def test_an_obstacle_on_the_path_caps_the_speed() -> None:
    guard = Guard(braking_mps2=4.0, reserve_m=1.5, front_m=2.45)
    free = guard.free_m(returns(8.0, 0.3), AHEAD)
    assert free == pytest.approx(8.0 - 2.45, abs=1e-3)
    assert guard.speed_cap(free) == pytest.approx(math.sqrt(2 * 4.0 * (5.55 - 1.5)), abs=1e-3)
    plan = Plan(AHEAD, np.zeros((0, 2)), 8.0)
    assert guard.restrain(plan, returns(8.0, 0.3)) == (pytest.approx(5.69, abs=0.01), False)
    assert guard.restrain(plan, returns(3.9, 0.0)) == (0.0, True)
    slow = replace(plan, target_speed_mps=2.0)
    assert guard.restrain(slow, returns(8.0, 0.3)) == (2.0, False)


@pytest.mark.parametrize(
    ("x", "y", "z", "count"),
    [
        (8.0, 1.2, 1.0, 9),  # beside the path
        (8.0, 0.0, 0.3, 9),  # kerb, or road that climbs
        (12.0, 0.0, 0.7, 9),  # the same, farther
        (8.0, 0.0, 2.5, 9),  # a sign above
        (8.0, 0.0, 1.0, 2),  # rain
        (1.0, 0.0, 1.0, 9),  # the own car
        (-6.0, 0.0, 1.0, 9),  # behind
    ],
)
def test_what_is_not_in_the_way(x: float, y: float, z: float, count: int) -> None:
    assert Guard().free_m(returns(x, y, z, count), AHEAD) == FREE


def test_the_corridor_bends_with_the_path() -> None:
    in_turn = returns(float(TURN[6, 0]), float(TURN[6, 1]))
    assert Guard().free_m(in_turn, TURN) < 9.0
    assert Guard().free_m(in_turn, AHEAD) == FREE
    assert Guard().free_m(returns(10.0, 0.0), TURN) == FREE


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        Guard(half_width_m=0.0)
    with pytest.raises(ValueError, match="heights"):
        Guard(low_m=3.0)
