"""Standing still for too long; ends the drive.

Source: scenario_runner 94ff3b8, `ActorBlockedTest`.
"""

from symdrive.scoring.criteria.criterion import Criterion, at, ego_of
from symdrive.scoring.infraction import Infraction, InfractionKind, place
from symdrive.world.truth import Truth

STANDING_MPS = 0.1


class Blocked(Criterion):
    """Fails when the ego has not moved for longer than `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._last_moved_s: float | None = None
        self._is_on = True

    def switch(self, *, on: bool) -> None:
        """Scenarios that make the ego wait switch it off meanwhile; the clock starts anew."""
        self._is_on = on
        self._last_moved_s = None

    def update(self, truth: Truth) -> list[Infraction]:
        """Compare with the last time it moved."""
        if not self._is_on:
            return []
        ego = ego_of(truth)
        if self._last_moved_s is None or abs(ego.speed) >= STANDING_MPS:
            self._last_moved_s = truth.time_s
            return []
        if truth.time_s - self._last_moved_s <= self._limit_s:
            return []
        message = f"Agent got blocked at {place(*ego.position)}"
        return [at(truth, InfractionKind.VEHICLE_BLOCKED, message)]
