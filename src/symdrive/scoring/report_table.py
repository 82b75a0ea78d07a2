"""Typed rows of the result tables; how they are drawn is up to whoever shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.protocol import RouteScore, Summary

LABELS = {
    InfractionKind.COLLISION_PEDESTRIAN: "collisions with pedestrians",
    InfractionKind.COLLISION_VEHICLE: "collisions with vehicles",
    InfractionKind.COLLISION_LAYOUT: "collisions with layout",
    InfractionKind.RED_LIGHT: "red lights",
    InfractionKind.STOP_SIGN: "stop signs",
    InfractionKind.OUTSIDE_ROUTE_LANES: "outside of lanes",
    InfractionKind.MIN_SPEED: "slower than traffic",
    InfractionKind.YIELD_EMERGENCY_VEHICLE: "emergency vehicles not yielded to",
    InfractionKind.SCENARIO_TIMEOUT: "scenario timeouts",
    InfractionKind.ROUTE_DEVIATION: "route deviations",
    InfractionKind.VEHICLE_BLOCKED: "agent blocked",
    InfractionKind.ROUTE_TIMEOUT: "route timeouts",
}
"""What each kind is called in tables."""


SHORT_LABELS = {
    InfractionKind.COLLISION_PEDESTRIAN: "pedestrian",
    InfractionKind.COLLISION_VEHICLE: "vehicle",
    InfractionKind.COLLISION_LAYOUT: "layout",
    InfractionKind.RED_LIGHT: "red light",
    InfractionKind.STOP_SIGN: "stop sign",
    InfractionKind.OUTSIDE_ROUTE_LANES: "lanes",
    InfractionKind.MIN_SPEED: "slow",
    InfractionKind.YIELD_EMERGENCY_VEHICLE: "yield",
    InfractionKind.SCENARIO_TIMEOUT: "scenario timeout",
    InfractionKind.ROUTE_DEVIATION: "deviation",
    InfractionKind.VEHICLE_BLOCKED: "blocked",
    InfractionKind.ROUTE_TIMEOUT: "timeout",
}
"""The same, where room is short."""


@dataclass(frozen=True)
class RouteRow:
    """One route.

    Attributes:
        route_id: of the route.
        driving_score: per cent.
        route_completion: per cent.
        penalty: factor.
        status: the leaderboard's words.
        infractions: such as `2 red lights`, worst kinds of the leaderboard's list first.
    """

    route_id: str
    driving_score: float
    route_completion: float
    penalty: float
    status: str
    infractions: tuple[str, ...]


@dataclass(frozen=True)
class SummaryRow:
    """One number of a benchmark.

    Attributes:
        label: what it is.
        value: the number.
        unit: `%`, `/km`, `km` or nothing.
    """

    label: str
    value: float
    unit: str


def route_rows(scores: Sequence[RouteScore]) -> list[RouteRow]:
    """A row for each route, in the given order."""
    return [
        RouteRow(
            route_id=score.route_id,
            driving_score=score.driving_score,
            route_completion=score.route_completion,
            penalty=score.penalty,
            status=score.status,
            infractions=tuple(
                f"{score.counts[kind]} {label}"
                for kind, label in LABELS.items()
                if score.counts.get(kind, 0)
            ),
        )
        for score in scores
    ]


def summary_rows(summary: Summary) -> list[SummaryRow]:
    """Scores first, then the rate of every kind."""
    head = [
        SummaryRow("driving score", summary.driving_score, "%"),
        SummaryRow("route completion", summary.route_completion, "%"),
        SummaryRow("infraction penalty", summary.penalty, ""),
        SummaryRow("success rate", summary.success_rate, "%"),
        SummaryRow("driven", summary.driven_km, "km"),
    ]
    lengths = (InfractionKind.OUTSIDE_ROUTE_LANES,)
    rates = [
        SummaryRow(label, summary.rates[kind], "km" if kind in lengths else "/km")
        for kind, label in LABELS.items()
    ]
    return head + rates
