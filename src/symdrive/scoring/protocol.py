"""Protocols: how infractions become a score. A new protocol is a new value, not a new branch.

LEADERBOARD_2_0   every infraction multiplies the score by its factor
LEADERBOARD_2_1   the costs of all infractions are summed, the score divided by one plus the sum
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol as Interface
from typing import runtime_checkable

from symdrive.scoring.criteria import CriteriaConfig
from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.records import Event, RouteRecord, Scores

Events = Mapping[InfractionKind, tuple[Event, ...]]

DIGITS = 6
"""The leaderboard rounds its scores to six digits."""


@runtime_checkable
class Penalty(Interface):
    """A formula from infractions to the factor on the route completion."""

    def factor(self, events: Events, driven_km: float) -> float:
        """The factor, 1 without infractions."""
        ...


@dataclass(frozen=True)
class ProductPenalty:
    """Each infraction multiplies the factor.

    Attributes:
        factors: for kinds that count only.
        min_speed: what is lost at a standstill while the traffic flows; 0 leaves the rule out.
        outside_lanes: what is lost when the whole route is driven outside of its lanes.
    """

    factors: Mapping[InfractionKind, float]
    min_speed: float = 0.0
    outside_lanes: float = 1.0

    def factor(self, events: Events, driven_km: float) -> float:  # noqa: ARG002  no rates here
        """Product over all infractions."""
        found = _inside_lanes(events, self.outside_lanes)
        for kind, items in events.items():
            found *= self.factors.get(kind, 1.0) ** len(items)
        for missing in _missing_speed(events):
            found *= 1.0 - self.min_speed * missing
        return found


@dataclass(frozen=True)
class SumPenalty:
    """The costs of all infractions add up; the factor is 1 / (1 + sum).

    Attributes:
        costs: for kinds that count only.
        min_speed: cost of a standstill while the traffic flows.
        outside_lanes: what is lost (as a factor, outside of the sum) when the whole route is driven
            outside of its lanes.
    """

    costs: Mapping[InfractionKind, float]
    min_speed: float = 0.0
    outside_lanes: float = 1.0

    def factor(self, events: Events, driven_km: float) -> float:  # noqa: ARG002  no rates here
        """One over one plus the sum of costs."""
        total = math.fsum(self.costs.get(kind, 0.0) * len(items) for kind, items in events.items())
        total += math.fsum(self.min_speed * missing for missing in _missing_speed(events))
        return _inside_lanes(events, self.outside_lanes) / (1.0 + total)


def _missing_speed(events: Events) -> list[float]:
    """For each slow part, the share of the traffic's speed that was missing; never below zero.

    Bench2Drive also reports the parts that were driven faster than the traffic.
    """
    items = events.get(InfractionKind.MIN_SPEED, ())
    return [
        max(0.0, 1.0 - item.percentage / 100.0) for item in items if item.percentage is not None
    ]


def _inside_lanes(events: Events, weight: float) -> float:
    """Factor for the share of the route that was driven outside of its lanes."""
    found = 1.0
    for item in events.get(InfractionKind.OUTSIDE_ROUTE_LANES, ()):
        found *= 1.0 - weight * (item.percentage or 0.0) / 100.0
    return found


@dataclass(frozen=True)
class Protocol:
    """A set of rules to score drives by.

    Attributes:
        name: unique; stored with each result.
        penalty: formula.
        criteria: limits while driving.
        forgiven: kinds that do not spoil the success of a route.
    """

    name: str
    penalty: Penalty
    criteria: CriteriaConfig = field(default_factory=CriteriaConfig)
    forgiven: frozenset[InfractionKind] = frozenset({InfractionKind.MIN_SPEED})


LEADERBOARD_2_0 = Protocol(
    name="leaderboard_2.0",
    penalty=ProductPenalty(
        factors={
            InfractionKind.COLLISION_PEDESTRIAN: 0.5,
            InfractionKind.COLLISION_VEHICLE: 0.6,
            InfractionKind.COLLISION_LAYOUT: 0.65,
            InfractionKind.RED_LIGHT: 0.7,
            InfractionKind.STOP_SIGN: 0.8,
            InfractionKind.SCENARIO_TIMEOUT: 0.7,
            InfractionKind.YIELD_EMERGENCY_VEHICLE: 0.7,
        },
        min_speed=0.3,
    ),
)
"""CARLA leaderboard 2.0. Source: leaderboard aec8131, `statistics_manager.py`."""

LEADERBOARD_2_1 = Protocol(
    name="leaderboard_2.1",
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

PROTOCOLS = {protocol.name: protocol for protocol in (LEADERBOARD_2_0, LEADERBOARD_2_1)}


@dataclass(frozen=True)
class RouteScore:
    """A route scored by one protocol.

    Attributes:
        route_id: of the route.
        route_completion: per cent.
        penalty: factor in [0, 1].
        driving_score: their product, per cent.
        status: as in the record.
        success: driven to the end with no infraction but forgiven ones.
        protocol: name of the protocol.
        route_length_m: of the route.
        counts: infractions of each kind that occurred.
        outside_lanes_m: metres outside of the route's lanes.
    """

    route_id: str
    route_completion: float
    penalty: float
    driving_score: float
    status: str
    success: bool
    protocol: str
    route_length_m: float
    counts: Mapping[InfractionKind, int]
    outside_lanes_m: float

    @property
    def driven_km(self) -> float:
        """Kilometres of the route that were driven."""
        return self.route_length_m / 1000.0 * self.route_completion / 100.0

    def apply(self, record: RouteRecord) -> RouteRecord:
        """The record with these scores in it."""
        scores = Scores(self.route_completion, self.penalty, self.driving_score)
        return replace(record, scores=scores, protocol=self.protocol)


def score_route(record: RouteRecord, protocol: Protocol) -> RouteScore:
    """Score one route."""
    completion = round(record.route_completion, DIGITS)
    driven_km = record.route_length_m / 1000.0 * completion / 100.0
    penalty = protocol.penalty.factor(record.events, driven_km)
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
    driven_km = max(math.fsum(score.driven_km for score in scores), 0.001)
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
        driving_score_std=statistics.stdev(all_scores) if num_planned > 1 else 0.0,
        route_completion=math.fsum(score.route_completion for score in scores) / num_planned,
        penalty=math.fsum(score.penalty for score in scores) / num_planned,
        success_rate=100.0 * sum(score.success for score in scores) / num_planned,
        driven_km=math.fsum(score.driven_km for score in scores),
        rates=rates,
        infractions_per_km=events / driven_km,
    )
