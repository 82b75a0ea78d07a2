"""How far a mean may be off, whether two methods differ, and how many runs would tell.

Intervals are percentile bootstraps (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13): the values are drawn again with replacement. Values are sorted first and the generator
has a fixed seed, so that neither the order of files nor the day changes a digit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

RESAMPLES = 5_000
LEVEL = 0.95
SEED = 0
CHUNK_VALUES = 2_000_000
"""Values drawn at a time; bounds the memory."""

MAX_RUNS = 100_000


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie.

    Attributes:
        mean: of the values.
        low: lower end.
        high: upper end.
        count: number of values.
    """

    mean: float
    low: float
    high: float
    count: int


def bootstrap(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Mean with its bootstrap interval; None for fewer than two values, which say nothing of it."""
    if len(values) < 2:
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    means = _resampled_means(ordered)
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(math.fsum(values) / len(values), float(low), float(high), len(values))


def _resampled_means(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " resample"]:
    """Means of samples drawn with replacement."""
    draw = np.random.default_rng(SEED)
    at_once = max(1, CHUNK_VALUES // len(values))
    found: list[np.ndarray] = []
    for done in range(0, RESAMPLES, at_once):
        count = min(at_once, RESAMPLES - done)
        found.append(
            values[draw.integers(0, len(values), (count, len(values)), np.int32)].mean(axis=1)
        )
    return np.concatenate(found)


def sign_test(differences: Sequence[float]) -> float:
    """Two-sided exact p value that ups and downs are equally likely; ties are left out.

    Source: Dixon and Mood, The statistical sign test, JASA 41, 1946.
    """
    up = sum(value > 0.0 for value in differences)
    down = sum(value < 0.0 for value in differences)
    total, fewer = up + down, min(up, down)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**total)


@dataclass(frozen=True)
class Comparison:
    """Two result sets on the routes that both drove.

    Attributes:
        difference: mean of first minus second over the common routes, with its interval; None for
            fewer than two common routes.
        wins: routes on which the first is better.
        losses: routes on which the second is better.
        ties: routes without a difference.
        p_value: of the exact sign test.
        only_first: routes that only the first drove.
        only_second: routes that only the second drove.
        by_route: difference on each common route.
    """

    difference: Interval | None
    wins: int
    losses: int
    ties: int
    p_value: float
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    by_route: Mapping[str, float]


def compare(first: Mapping[str, float], second: Mapping[str, float]) -> Comparison:
    """Paired comparison, route by route.

    Args:
        first: a number of each route, such as its mean driving score over runs.
        second: the same for another method.
    """
    common = sorted(set(first) & set(second))
    by_route = {route: first[route] - second[route] for route in common}
    gaps = list(by_route.values())
    return Comparison(
        difference=bootstrap(gaps),
        wins=sum(gap > 0.0 for gap in gaps),
        losses=sum(gap < 0.0 for gap in gaps),
        ties=sum(gap == 0.0 for gap in gaps),
        p_value=sign_test(gaps),
        only_first=tuple(sorted(set(first) - set(second))),
        only_second=tuple(sorted(set(second) - set(first))),
        by_route=by_route,
    )


def runs_needed(
    difference: float, deviation: float, *, level: float = LEVEL, power: float = 0.8
) -> int:
    """Runs of each of two methods after which a difference of their means is found.

    A two-sided test at `level` finds the true difference with probability `power`. Source: Cohen,
    Statistical Power Analysis, 1988, 2.4, normal approximation, with Guenther's correction for the
    t test (a quarter of the squared quantile, The American Statistician 35, 1981).

    Args:
        difference: that is to be told, in the unit of the deviation.
        deviation: standard deviation of one run's score.
        level: one minus the chance of a false alarm.
        power: chance of finding it.

    Raises:
        ValueError: when an argument is out of range.
    """
    if difference <= 0.0 or deviation < 0.0 or not 0.0 < level < 1.0 or not 0.0 < power < 1.0:
        raise ValueError(
            f"difference is {difference}, deviation {deviation}, level {level}, power {power};"
            " above 0, at least 0, and the last two between 0 and 1"
        )
    far = NormalDist().inv_cdf((1.0 + level) / 2.0)
    near = NormalDist().inv_cdf(power)
    count = 2.0 * ((far + near) * deviation / difference) ** 2 + far**2 / 4.0
    return min(MAX_RUNS, max(2, math.ceil(count)))
