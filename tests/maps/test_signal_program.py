"""The lights' timetable: who may drive when."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdrive.maps.signals import GREEN, RED, YELLOW, SignalProgram, signal_states
from symdrive.maps.town import SignalTable
from symdrive.world.truth import SignalState


def table(junction: list[int], group: list[int], num_groups: list[int]) -> SignalTable:
    """Lights without places; only the timetable matters here."""
    n = len(junction)
    return SignalTable(
        signal_id=np.arange(n),
        position=np.zeros((n, 3)),
        head=np.zeros((n, 3)),
        yaw=np.zeros(n),
        junction=np.array(junction, dtype=np.int64),
        group=np.array(group, dtype=np.int64),
        num_groups=np.array(num_groups, dtype=np.int64),
        stop_start=np.zeros(n + 1, dtype=np.int64),
        stop_lane=np.zeros(0, dtype=np.int64),
        stop_s_m=np.zeros(0),
    )


THREE_PHASES = table([5, 5, 5, 5, 9, 9], [0, 1, 2, 0, 0, 1], [3, 3, 3, 3, 2, 2])


def test_numbers_are_those_of_the_truth():
    assert (RED, YELLOW, GREEN) == (SignalState.RED, SignalState.YELLOW, SignalState.GREEN)


@given(st.floats(0.0, 1e5), st.integers(0, 50))
def test_only_one_group_of_a_junction_drives(time_s: float, seed: int):
    state = signal_states(THREE_PHASES, time_s, seed)
    for junction in (5, 9):
        rows = THREE_PHASES.junction == junction
        assert len(set(THREE_PHASES.group[rows & (state != RED)])) <= 1


@given(st.floats(0.0, 1e4), st.integers(0, 50))
def test_lights_of_a_group_agree(time_s: float, seed: int):
    state = signal_states(THREE_PHASES, time_s, seed)
    assert state[0] == state[3]


def test_durations_and_order_are_carlas():
    program = SignalProgram(THREE_PHASES, 3)
    times = np.arange(0.0, 450.0, 0.05)
    states = np.array([program.at(t) for t in times])
    for row, cycle in ((0, 45.0), (4, 30.0)):
        share = [float((states[:, row] == s).mean()) for s in (GREEN, YELLOW, RED)]
        assert np.allclose(share, [10 / cycle, 3 / cycle, 1 - 13 / cycle], atol=2e-3)
    change = np.diff(states[:, 0].astype(int))
    assert set(change[change != 0]) == {GREEN - RED, YELLOW - GREEN, RED - YELLOW}
    resting = (states[:, [0, 1, 2]] == RED).all(axis=1).mean()
    assert resting == pytest.approx(6.0 / 45.0, abs=2e-3)


def test_a_lone_group_has_red_too():
    program = SignalProgram(table([4], [0], [1]), 0)
    states = [int(program.at(t)[0]) for t in np.arange(0.0, 60.0, 0.5)]
    assert set(states) == {0, 1, 2}
    assert states.count(0) > 30


def test_the_seed_shifts_junctions_apart_and_nothing_else():
    many = table(list(range(20)), [0] * 20, [2] * 20)
    first, again, other = (signal_states(many, 7.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(set(first.tolist())) > 1


def test_lights_outside_of_junctions_do_not_share_a_clock():
    state = [
        tuple(SignalProgram(table([-1] * 6, [0] * 6, [1] * 6), 0).at(float(t))) for t in range(30)
    ]
    assert any(len(set(row)) > 1 for row in state)


def test_no_lights_no_states():
    assert signal_states(table([], [], []), 1.0, 0).shape == (0,)


def test_sixty_lights_cost_microseconds():
    program = SignalProgram(table([i // 6 for i in range(60)], [0] * 60, [2] * 60), 0)
    best = np.inf
    for _ in range(20):
        begin = time.perf_counter()
        for t in range(100):
            program.at(float(t))
        best = min(best, (time.perf_counter() - begin) / 100)
    assert best < 200e-6, "budget 50 us on an idle core; four times that on a busy one"
