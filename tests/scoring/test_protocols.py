"""Formulas by hand and as properties; records to JSON and back."""

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdrive.core.errors import UserError
from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.scoring.penalty import RatePenalty
from symdrive.scoring.protocol import (
    FACTORS,
    LEADERBOARD_2_0,
    LEADERBOARD_2_1,
    PROTOCOLS,
    Protocol,
    aggregate,
    score_route,
)
from symdrive.scoring.records import (
    Event,
    RouteRecord,
    record_from_plain,
    record_to_plain,
)
from symdrive.scoring.report_table import LABELS, route_rows, summary_rows

LENGTH_M = 1000.0
SLOW, OUT = Kind.MIN_SPEED, Kind.OUTSIDE_ROUTE_LANES
COUNTED = [
    Kind.COLLISION_PEDESTRIAN,
    Kind.COLLISION_VEHICLE,
    Kind.COLLISION_LAYOUT,
    Kind.RED_LIGHT,
    Kind.STOP_SIGN,
    Kind.SCENARIO_TIMEOUT,
    Kind.YIELD_EMERGENCY_VEHICLE,
]


def event(kind: Kind, percentage: float = 0.0) -> Event:
    """With the leaderboard's sentence, as far as it is parsed."""
    if kind is SLOW:
        text = f"Average speed is {percentage}% of the surrounding traffic's one"
        return Event(text, percentage)
    if kind is OUT:
        metres = LENGTH_M * percentage / 100
        text = (
            f"Agent went outside its route lanes for about {metres} meters"
            f" ({percentage}% of the completed route)"
        )
        return Event(text, percentage)
    return Event(f"Agent did {kind.name}")


def record(
    events: Mapping[Kind, tuple[Event, ...]], completion: float = 100.0, status: str = ""
) -> RouteRecord:
    reached = "Completed" if any(events.values()) else "Perfect"
    return RouteRecord(
        route_id="r",
        status=status or (reached if completion == 100 else "Failed - Agent got blocked"),
        route_completion=completion,
        events=events,
        route_length_m=LENGTH_M,
        duration_game_s=80.0,
        town="Town13",
    )


def of(*items: tuple[Kind, float]) -> dict[Kind, tuple[Event, ...]]:
    found: dict[Kind, tuple[Event, ...]] = {}
    for kind, percentage in items:
        found[kind] = (*found.get(kind, ()), event(kind, percentage))
    return found


BY_HAND = [
    ([], 1.0, 1.0),
    ([(Kind.COLLISION_PEDESTRIAN, 0)], 0.5, 1 / 2.0),
    ([(Kind.COLLISION_VEHICLE, 0)], 0.6, 1 / 1.7),
    ([(Kind.COLLISION_LAYOUT, 0)], 0.65, 1 / 1.6),
    ([(Kind.RED_LIGHT, 0)], 0.7, 1 / 1.4),
    ([(Kind.STOP_SIGN, 0)], 0.8, 1 / 1.25),
    ([(Kind.SCENARIO_TIMEOUT, 0)], 0.7, 1 / 1.4),
    ([(Kind.YIELD_EMERGENCY_VEHICLE, 0)], 0.7, 1 / 1.4),
    ([(SLOW, 80.0)], 0.94, 1 / 1.08),
    ([(SLOW, 0.0)], 0.7, 1 / 1.4),
    ([(OUT, 5.0)], 0.95, 0.95),
    ([(Kind.ROUTE_DEVIATION, 0)], 1.0, 1.0),
    ([(Kind.VEHICLE_BLOCKED, 0)], 1.0, 1.0),
    ([(Kind.ROUTE_TIMEOUT, 0)], 1.0, 1.0),
    (
        [(Kind.COLLISION_VEHICLE, 0)] * 2 + [(Kind.RED_LIGHT, 0), (OUT, 10.0), (SLOW, 50.0)],
        0.6 * 0.6 * 0.7 * 0.9 * 0.85,
        0.9 / (1 + 0.7 + 0.7 + 0.4 + 0.2),
    ),
]


@pytest.mark.parametrize(("items", "product", "quotient"), BY_HAND)
def test_penalties_by_hand(
    items: list[tuple[Kind, float]], product: float, quotient: float
) -> None:
    events = of(*items)
    for protocol, factor in ((LEADERBOARD_2_0, product), (LEADERBOARD_2_1, quotient)):
        score = score_route(record(events, 80.0), protocol)
        assert score.penalty == round(factor, 6)
        assert score.driving_score == pytest.approx(80.0 * factor, abs=1e-6)


def test_faster_than_traffic_is_no_bonus() -> None:
    for protocol in (LEADERBOARD_2_0, LEADERBOARD_2_1):
        assert score_route(record(of((SLOW, 180.0))), protocol).penalty == 1.0


def test_success_forgives_slow_driving_only() -> None:
    assert score_route(record(of((SLOW, 60.0))), LEADERBOARD_2_0).success
    assert not score_route(record(of((OUT, 0.1))), LEADERBOARD_2_0).success
    assert not score_route(record({}, 99.0), LEADERBOARD_2_0).success
    strict = dataclasses.replace(LEADERBOARD_2_0, forgiven=frozenset[Kind]())
    assert not score_route(record(of((SLOW, 60.0))), strict).success


def test_a_protocol_may_look_at_rates() -> None:
    """A formula of the driven distance needs no change anywhere else."""

    @dataclasses.dataclass(frozen=True)
    class PerKm:
        def factor(self, events: Mapping[Kind, tuple[Event, ...]], driven_km: float) -> float:
            return math.prod((0.5 ** (len(x) / driven_km) for x in events.values()), start=1.0)

    rated = Protocol("rated", PerKm())
    assert score_route(record(of((Kind.RED_LIGHT, 0)), 50.0), rated).penalty == 0.25


NORMALISED = Protocol("normalised", RatePenalty(FACTORS))
EVERY = [*PROTOCOLS.values(), NORMALISED]

ITEMS = st.lists(
    st.tuples(st.sampled_from([*COUNTED, SLOW, OUT]), st.floats(0, 100).map(lambda v: round(v, 2))),
    max_size=8,
)


@given(ITEMS, st.randoms(use_true_random=False))
def test_order_does_not_matter(items: list[tuple[Kind, float]], random: object) -> None:
    shuffled = sorted(items, key=lambda _: random.random())  # pyright: ignore[reportAttributeAccessIssue]
    for protocol in EVERY:
        one, two = (score_route(record(of(*x)), protocol) for x in (items, shuffled))
        assert one == two


@given(ITEMS, st.sampled_from([*Kind]), st.floats(0, 100))
def test_one_more_infraction_never_raises_a_score(
    items: list[tuple[Kind, float]], kind: Kind, percentage: float
) -> None:
    for protocol in EVERY:
        before = score_route(record(of(*items)), protocol)
        after = score_route(record(of(*items, (kind, percentage))), protocol)
        assert after.driving_score <= before.driving_score + 1e-6
        assert after.penalty <= before.penalty + 1e-6
        assert 0.0 <= after.penalty <= 1.0


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_perfect_route_scores_hundred(name: str) -> None:
    score = score_route(record({}), PROTOCOLS[name])
    assert (score.driving_score, score.penalty, score.success) == (100.0, 1.0, True)


@given(ITEMS)
def test_records_come_back_from_json(items: list[tuple[Kind, float]]) -> None:
    made = record(of(*items), 64.25)
    scored = score_route(made, LEADERBOARD_2_0).apply(made)
    text = json.dumps(record_to_plain(scored))
    assert record_from_plain(json.loads(text), "here") == scored


def test_exact_percentages_survive() -> None:
    exact = {OUT: (Event("about 3.0 meters (1.23% of the completed route)", 1.2345678),)}
    back = record_from_plain(record_to_plain(record(exact)), "here")
    assert back.events[OUT][0].percentage == 1.2345678
    assert back.outside_lanes_m == 3.0


def test_bad_records_are_refused() -> None:
    plain = record_to_plain(record({}))
    with pytest.raises(UserError, match=r"here: no entry 'status'"):
        record_from_plain({k: v for k, v in plain.items() if k != "status"}, "here")
    with pytest.raises(UserError, match="unknown kind of infraction 'sneezing'"):
        record_from_plain({**plain, "infractions": {"sneezing": ["x"]}}, "here")
    bad = {**plain, "infractions": {SLOW.value: ["slow"]}, "percentages": {}}
    with pytest.raises(UserError, match="no percentage in 'slow' of 'min_speed_infractions'"):
        record_from_plain(bad, "here")
    with pytest.raises(UserError, match="version 2"):
        record_from_plain({**plain, "schema_version": 2}, "here")


# ---- aggregates ----------------------------------------------------------------------


def test_a_missing_route_counts_zero() -> None:
    scores = [score_route(record({}), LEADERBOARD_2_0)] * 3
    summary = aggregate(scores, 4)
    assert (summary.driving_score, summary.route_completion, summary.success_rate) == (75, 75, 75)
    assert summary.driving_score_std == pytest.approx(50.0)
    assert (summary.num_driven, summary.num_planned) == (3, 4)


def test_rates_are_per_driven_kilometre() -> None:
    half = record(of((Kind.RED_LIGHT, 0), (SLOW, 50.0), (OUT, 2.0)), 50.0)
    summary = aggregate([score_route(half, LEADERBOARD_2_0)] * 2, 2)
    assert summary.driven_km == 1.0
    assert summary.rates[Kind.RED_LIGHT] == 2.0
    assert summary.rates[SLOW] == 2.0
    assert summary.rates[OUT] == pytest.approx(2 * 0.02)
    assert summary.infractions_per_km == 4.0
    assert summary.has_driven
    assert not aggregate([score_route(record({}, 0.0), LEADERBOARD_2_0)], 1).has_driven


def test_nonsense_is_not_averaged() -> None:
    one, two = (score_route(record({}), p) for p in (LEADERBOARD_2_0, LEADERBOARD_2_1))
    with pytest.raises(ValueError, match="do not mix"):
        aggregate([one, two], 2)
    with pytest.raises(ValueError, match="2 scores for 1"):
        aggregate([one, one], 1)
    with pytest.raises(ValueError, match="0 scores for 0"):
        aggregate([], 0)
    assert aggregate([], 5).driving_score == 0.0


def test_tables() -> None:
    scores = [
        score_route(record(of((Kind.STOP_SIGN, 0), (Kind.RED_LIGHT, 0), (Kind.RED_LIGHT, 0))), p)
        for p in (LEADERBOARD_2_0,)
    ]
    (row,) = route_rows(scores)
    assert row.infractions == ("2 red lights", "1 stop signs")
    rows = {r.label: r for r in summary_rows(aggregate(scores, 2))}
    assert rows["driving score"].value == pytest.approx(100 * 0.7**2 * 0.8 / 2)
    assert (rows["red lights"].value, rows["red lights"].unit) == (2.0, "/km")
    assert set(LABELS) == set(Kind)


def test_the_library_loads_no_simulator() -> None:
    code = (
        "import sys, symdrive.scoring; heavy = {'torch', 'numba', 'carla',"
        " 'pyarrow', 'scipy', 'symdrive.sim', 'symdrive.world'} & set(sys.modules);"
        " assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
