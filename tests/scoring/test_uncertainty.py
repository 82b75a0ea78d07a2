"""Intervals, the sign test, and the number of runs, against what is known of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from symdrive.scoring.uncertainty import bootstrap, compare, runs_needed, sign_test


def test_an_interval_covers_the_mean_about_nineteen_times_in_twenty() -> None:
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(60):
        found = bootstrap(draw.normal(50.0, 10.0, size=60).tolist())
        assert found is not None
        hits += found.low <= 50.0 <= found.high
    assert 52 <= hits <= 60


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(0.0, 1.0, size=400)
    found = bootstrap(values.tolist())
    assert found is not None
    theory = 2 * 1.96 * values.std() / math.sqrt(400)
    assert found.high - found.low == pytest.approx(theory, rel=0.05)
    assert found.mean == pytest.approx(values.mean())


def test_one_value_has_no_interval() -> None:
    assert bootstrap([]) is None
    assert bootstrap([3.0]) is None
    same = bootstrap([3.0, 3.0])
    assert same is not None
    assert (same.low, same.mean, same.high) == (3.0, 3.0, 3.0)


@settings(max_examples=10, deadline=None)
@given(st.permutations([float(i * i % 17) for i in range(12)]))
def test_order_does_not_change_an_interval(values: list[float]) -> None:
    assert bootstrap(values) == bootstrap(sorted(values))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_sign_test_is_scipys(up: int, down: int, ties: int) -> None:
    found = sign_test([1.0] * up + [-1.0] * down + [0.0] * ties)
    wanted = binomtest(up, up + down).pvalue if up + down else 1.0
    assert found == pytest.approx(wanted)


def test_only_common_routes_are_compared() -> None:
    found = compare({"a": 90.0, "b": 80.0, "c": 1.0}, {"a": 80.0, "b": 80.0, "d": 2.0})
    assert found.difference is not None
    assert found.difference.mean == 5.0
    assert (found.wins, found.losses, found.ties) == (1, 0, 1)
    assert (found.only_first, found.only_second) == (("c",), ("d",))
    assert compare({"a": 1.0}, {"b": 1.0}).difference is None


def test_runs_needed_are_enough() -> None:
    """Simulated t tests find the difference as often as was asked for."""
    from scipy.stats import ttest_ind

    count = runs_needed(1.0, 0.8)
    draw = np.random.default_rng(1)
    first = draw.normal(1.0, 0.8, size=(count, 4000))
    second = draw.normal(0.0, 0.8, size=(count, 4000))
    found = float((ttest_ind(first, second, axis=0).pvalue < 0.05).mean())
    assert 0.78 <= found <= 0.86


def test_runs_needed_by_hand() -> None:
    """Published noise of 0.46 DS: one point needs 5 runs of each, a tenth 340."""
    assert runs_needed(1.0, 0.46) == 5
    assert runs_needed(0.1, 0.46) == 334
    assert runs_needed(10.0, 0.0) == 2
    assert runs_needed(1e-9, 1.0) == 100_000
    for bad in ((0.0, 1.0), (-1.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match="difference is"):
            runs_needed(*bad)
