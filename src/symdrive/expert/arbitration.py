"""What hazards say, and which of them is obeyed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """The word of one hazard in one tick.

    Attributes:
        speed_mps: target speed it allows; infinite when it has no objection.
        reason: name for labels and explanations, such as `red_light`.
        brake: stop at once.
    """

    speed_mps: float
    reason: str
    brake: bool = False


FREE = Limit(float("inf"), "free")
"""No objection."""


NEGLIGIBLE = 0.01
"""Limits that differ by less than that share are one; the first of them is named."""


def strictest(limits: Sequence[Limit]) -> Limit:
    """The lowest speed, with the reason of the first limit that asks for (nearly) as little.

    A limit that brakes beats all others of its speed. A far obstacle that takes a thousandth off
    the speed is not what a driver would name.
    """
    lowest = min(limits, key=lambda limit: (limit.speed_mps, not limit.brake))
    if lowest.brake or lowest.speed_mps == float("inf"):
        return lowest
    named = next(n for n in limits if n.speed_mps * (1.0 - NEGLIGIBLE) <= lowest.speed_mps)
    return Limit(lowest.speed_mps, named.reason)
