"""Protocols: how infractions become a score. A new protocol is a new value, not a new branch."""

import difflib
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symdrive.core.errors import UserError
from symdrive.scoring.abilities import Abilities
from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.limits import CriteriaConfig
from symdrive.scoring.metrics import (
    Comfort,
    Efficiency,
    HarmonicMean,
    Metric,
    NormalizedScore,
)
from symdrive.scoring.penalty import Penalty, ProductPenalty, RatePenalty, SumPenalty
from symdrive.scoring.records import RouteRecord
from symdrive.scoring.score import RouteScore

_LEAST_KM = 0.001
"""Shortest way over which infractions are spread."""

DIGITS = 6
"""The leaderboard rounds its scores to six digits."""


@dataclass(frozen=True)
class Protocol:
    """A set of rules to score drives by.

    Attributes:
        name: unique; stored with each result.
        penalty: formula.
        title: for people; the name where empty.
        criteria: limits while driving.
        forgiven: kinds that do not spoil the success of a route.
        planned: routes of the benchmark, the denominator of its means; 0 for as many as the files
            plan.
        seeds: how often its rules ask for every route to be driven.
        table: name of its table of routes; empty where any route will do.
        metrics: what it reports besides.
    """

    name: str
    penalty: Penalty
    title: str = ""
    criteria: CriteriaConfig = field(default_factory=CriteriaConfig)
    forgiven: frozenset[InfractionKind] = frozenset({InfractionKind.MIN_SPEED})
    planned: int = 0
    seeds: int = 1
    table: str = ""
    metrics: tuple[Metric, ...] = ()


FACTORS: Mapping[InfractionKind, float] = {
    InfractionKind.COLLISION_PEDESTRIAN: 0.5,
    InfractionKind.COLLISION_VEHICLE: 0.6,
    InfractionKind.COLLISION_LAYOUT: 0.65,
    InfractionKind.RED_LIGHT: 0.7,
    InfractionKind.STOP_SIGN: 0.8,
    InfractionKind.SCENARIO_TIMEOUT: 0.7,
    InfractionKind.YIELD_EMERGENCY_VEHICLE: 0.7,
}
"""Source: leaderboard aec8131, `statistics_manager.py`, PENALTY_VALUE_DICT."""

LEADERBOARD_2_0 = Protocol(
    name="leaderboard_2.0",
    title="CARLA Leaderboard 2.0",
    penalty=ProductPenalty(FACTORS, min_speed=0.3),
)
"""CARLA leaderboard 2.0. Source: leaderboard aec8131, `statistics_manager.py`."""

LEADERBOARD_2_1 = Protocol(
    name="leaderboard_2.1",
    title="CARLA Leaderboard 2.1",
    penalty=SumPenalty(
        costs={
            InfractionKind.COLLISION_PEDESTRIAN: 1.0,
            InfractionKind.COLLISION_VEHICLE: 0.7,
            InfractionKind.COLLISION_LAYOUT: 0.6,
            InfractionKind.RED_LIGHT: 0.4,
            InfractionKind.STOP_SIGN: 0.25,
            InfractionKind.SCENARIO_TIMEOUT: 0.4,
            InfractionKind.YIELD_EMERGENCY_VEHICLE: 0.4,
        },
        min_speed=0.4,
    ),
)
"""CARLA leaderboard 2.1. Source: leaderboard cfecdc8, `statistics_manager.py`."""

BENCH2DRIVE_LIMITS = CriteriaConfig(
    checkpoints=20,
    report_every_checkpoint=True,
    blocked_s=60.0,
    max_ticks=4000,
    plan_spacing_m=50.0,
)
"""Source: Bench2Drive 7ec25d1, `route_scenario.py`, `scenario_manager.py` and
`autonomous_agent.py`."""

BENCH2DRIVE_0_0_3 = Protocol(
    name="bench2drive_0.0.3",
    title="Bench2Drive 0.0.3",
    penalty=ProductPenalty(FACTORS),
    criteria=BENCH2DRIVE_LIMITS,
    planned=220,
    table="bench2drive_0_0_3",
    metrics=(Efficiency(), Comfort(), Abilities()),
)
"""Bench2Drive's first 220 routes. The speed is reported and not punished."""

BENCH2DRIVE_0_0_4 = replace(
    BENCH2DRIVE_0_0_3,
    name="bench2drive_0.0.4",
    title="Bench2Drive 0.0.4",
    table="bench2drive_0_0_4",
)
"""Bench2Drive's second 220 routes; the same rules."""

LONGEST6_V2 = Protocol(
    name="longest6_v2",
    title="Longest6 v2",
    penalty=ProductPenalty(FACTORS, min_speed=0.3),
    planned=36,
    seeds=3,
    table="longest6_v2",
)
"""36 long routes with the rules of leaderboard 2.0."""

TOWN13 = Protocol(
    name="town13",
    title="Town13 validation",
    penalty=ProductPenalty(FACTORS, min_speed=0.3),
    planned=20,
    seeds=3,
    table="town13",
    metrics=(NormalizedScore(RatePenalty(FACTORS)),),
)
"""The leaderboard's validation routes with the rules of leaderboard 2.0, and LEAD's NDS."""

FAIL2DRIVE = Protocol(
    name="fail2drive",
    title="Fail2Drive",
    penalty=ProductPenalty(FACTORS, min_speed=0.3),
    criteria=CriteriaConfig(stop_half_size_m=0.5),
    forgiven=frozenset({InfractionKind.MIN_SPEED, InfractionKind.OUTSIDE_ROUTE_LANES}),
    planned=200,
    seeds=3,
    table="fail2drive",
    metrics=(HarmonicMean(),),
)
"""100 base and 100 generalisation routes with the rules of leaderboard 2.0. Source: fail2drive
a793741, `tools/f2d_result_parser.py`, `atomic_criteria.py`."""

LEAD_COLLECTION = Protocol(
    name="lead_collection",
    title="LEAD's data collection",
    penalty=ProductPenalty(FACTORS, min_speed=1.0),
)
"""What LEAD filters the drives of its expert by: standing in traffic costs everything. It is no
benchmark, but its files are met among results. Source: kesai-labs/lead 4489176,
`leaderboard_autopilot`, `statistics_manager.py`."""

WITHOUT_SPEED = Protocol(
    name="leaderboard_2.0_without_speed",
    title="CARLA Leaderboard 2.0 without the speed rule",
    penalty=ProductPenalty(FACTORS),
)
"""No benchmark either: evaluators that left the penalty on slow driving out."""

PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        LEADERBOARD_2_0,
        LEADERBOARD_2_1,
        BENCH2DRIVE_0_0_3,
        BENCH2DRIVE_0_0_4,
        LONGEST6_V2,
        TOWN13,
        FAIL2DRIVE,
        LEAD_COLLECTION,
        WITHOUT_SPEED,
    )
}


def protocol_named(name: str) -> Protocol:
    """By name; dashes and underscores are the same.

    Raises:
        UserError: for an unknown name, with the nearest one.
    """
    wanted = name.lower().replace("-", "_")
    if wanted in PROTOCOLS:
        return PROTOCOLS[wanted]
    near = difflib.get_close_matches(wanted, PROTOCOLS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? Known" if near else "known"
    raise UserError(f"no protocol is called {name!r}; {hint}: {', '.join(sorted(PROTOCOLS))}.")


def score_route(record: RouteRecord, protocol: Protocol) -> RouteScore:
    """Score one route."""
    completion = round(record.route_completion, DIGITS)
    penalty = protocol.penalty.factor(record.events, record.driven_km)
    counts = {kind: len(items) for kind, items in record.events.items() if items}
    return RouteScore(
        route_id=record.route_id,
        route_completion=completion,
        penalty=round(penalty, DIGITS),
        driving_score=round(max(record.route_completion * penalty, 0.0), DIGITS),
        status=record.status,
        success=record.reached_goal and not set(counts) - protocol.forgiven,
        protocol=protocol.name,
        route_length_m=record.route_length_m,
        counts=counts,
        outside_lanes_m=record.outside_lanes_m,
    )


@dataclass(frozen=True)
class Summary:
    """A benchmark's numbers; means are over the planned routes, a missing one counts zero.

    Attributes:
        protocol: name of the protocol.
        num_planned: routes of the benchmark.
        num_driven: routes with a result.
        driving_score: mean, per cent.
        driving_score_std: sample standard deviation over the routes, missing ones included.
        route_completion: mean, per cent.
        penalty: mean.
        success_rate: per cent.
        driven_km: kilometres driven.
        rates: infractions of each kind for each driven kilometre; for metres outside of lanes, the
            kilometres themselves, as the leaderboard reports them.
        infractions_per_km: all kinds together, slow driving (a ratio, not an event) left out.
    """

    protocol: str
    num_planned: int
    num_driven: int
    driving_score: float
    driving_score_std: float
    route_completion: float
    penalty: float
    success_rate: float
    driven_km: float
    rates: Mapping[InfractionKind, float]
    infractions_per_km: float

    @property
    def has_driven(self) -> bool:
        """Whether anything for each kilometre says something: at least a metre was driven."""
        return self.driven_km >= _LEAST_KM


def aggregate(scores: Sequence[RouteScore], num_planned: int) -> Summary:
    """Means over all planned routes.

    Raises:
        ValueError: without a planned route, with more scores than planned routes, or with scores of
            different protocols.
    """
    if num_planned < 1 or len(scores) > num_planned:
        raise ValueError(f"{len(scores)} scores for {num_planned} planned routes")
    protocols = sorted({score.protocol for score in scores})
    if len(protocols) > 1:
        raise ValueError(f"scores of different protocols do not mix: {protocols}")
    driven_km = max(math.fsum(score.driven_km for score in scores), _LEAST_KM)
    counts = {kind: sum(score.counts.get(kind, 0) for score in scores) for kind in InfractionKind}
    rates = {kind: count / driven_km for kind, count in counts.items()}
    outside = InfractionKind.OUTSIDE_ROUTE_LANES
    rates[outside] = math.fsum(score.outside_lanes_m for score in scores) / 1000.0
    events = sum(count for kind, count in counts.items() if kind is not InfractionKind.MIN_SPEED)
    all_scores = [score.driving_score for score in scores] + [0.0] * (num_planned - len(scores))
    return Summary(
        protocol="".join(protocols),
        num_planned=num_planned,
        num_driven=len(scores),
        driving_score=math.fsum(all_scores) / num_planned,
        driving_score_std=statistics.stdev(sorted(all_scores)) if num_planned > 1 else 0.0,
        route_completion=math.fsum(score.route_completion for score in scores) / num_planned,
        penalty=math.fsum(score.penalty for score in scores) / num_planned,
        success_rate=100.0 * sum(score.success for score in scores) / num_planned,
        driven_km=math.fsum(score.driven_km for score in scores),
        rates=rates,
        infractions_per_km=events / driven_km,
    )
