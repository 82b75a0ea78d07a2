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


def strictest(limits: Sequence[Limit]) -> Limit:
    """The lowest limit; a brake beats an equal speed, then the first in the list wins."""
    return min(limits, key=lambda limit: (limit.speed_mps, not limit.brake))
