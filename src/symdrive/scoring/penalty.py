"""Formulas from infractions to the factor on the route completion.

ProductPenalty   leaderboard 2.0: every infraction multiplies
SumPenalty       leaderboard 2.1: the costs add up, one over one plus the sum
RatePenalty      normalised score: infractions for each kilometre are the exponents

Every formula goes through the kinds in one fixed order and through percentages by size, so that the
order in a file never changes a digit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.records import Event

Events = Mapping[InfractionKind, tuple[Event, ...]]


@runtime_checkable
class Penalty(Protocol):
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
        found = outside_factor(events, self.outside_lanes) * speed_factor(events, self.min_speed)
        for kind, one in self.factors.items():
            items = events.get(kind)
            found *= one ** len(items) if items else 1.0
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
        counted = (self.costs.get(kind, 0.0) * len(items) for kind, items in events.items())
        slow = (self.min_speed * missing for missing in missing_speed(events))
        total = math.fsum(counted) + math.fsum(slow)
        return outside_factor(events, self.outside_lanes) / (1.0 + total)


@dataclass(frozen=True)
class RatePenalty:
    """Infractions for each driven kilometre are the exponents, so that long routes are not lost.

    Source: kesai-labs/lead 4489176, `scripts/tools/result_parser.py`. Its factors are scaled by
    0.2, which papers rarely say. Its pattern for the speed fails on whole percentages; here they
    are read.

    Attributes:
        factors: for kinds that count only, before the scale.
        scale: on every factor.
        min_speed: what is lost at a standstill while the traffic flows.
        outside_lanes: what is lost when the whole route is driven outside of its lanes.
    """

    factors: Mapping[InfractionKind, float]
    scale: float = 0.2
    min_speed: float = 0.3
    outside_lanes: float = 1.0

    def factor(self, events: Events, driven_km: float) -> float:
        """Product of factors to the power of their rates; counts are left out at a standstill."""
        found = outside_factor(events, self.outside_lanes) * speed_factor(events, self.min_speed)
        for kind, one in self.factors.items():
            items = events.get(kind)
            if items and driven_km > 0.0:
                found *= (self.scale * one) ** (len(items) / driven_km)
        return found


def missing_speed(events: Events) -> list[float]:
    """For each slow part, the share of the traffic's speed that was missing; never below zero.

    Bench2Drive also reports the parts that were driven faster than the traffic.
    """
    items = events.get(InfractionKind.MIN_SPEED, ())
    return sorted(
        max(0.0, 1.0 - item.percentage / 100.0) for item in items if item.percentage is not None
    )


def speed_factor(events: Events, weight: float) -> float:
    """Factor for parts of the route that were driven more slowly than the traffic."""
    if weight == 0.0:
        return 1.0
    return math.prod((1.0 - weight * missing for missing in missing_speed(events)), start=1.0)


def outside_factor(events: Events, weight: float) -> float:
    """Factor for the share of the route that was driven outside of its lanes."""
    items = events.get(InfractionKind.OUTSIDE_ROUTE_LANES)
    if not items:
        return 1.0
    shares = sorted(item.percentage or 0.0 for item in items)
    return math.prod((1.0 - weight * share / 100.0 for share in shares), start=1.0)
