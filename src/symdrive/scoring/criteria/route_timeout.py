"""Taking too long for a route; ends the drive.

Source: scenario_runner 94ff3b8, `timer.py`, `RouteTimeoutBehavior`. The speed limit that CARLA asks
the ego for is the route's own.
"""

from symdrive.core.errors import UserError
from symdrive.scoring.criteria.criterion import Criterion, at, ego_of
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.truth import Truth

START_S = 300.0
SLOWEST_SHARE = 0.1
WINDOW = 3


class RouteTimeout(Criterion):
    """Fails when 300 s and the time for all metres so far at a tenth of the limit are used up.

    Raises:
        UserError: for a route with a speed limit of zero.
    """

    def __init__(self, track: RouteTrack) -> None:
        if min(track.speed_limit_mps) <= 0:
            row = track.speed_limit_mps.index(min(track.speed_limit_mps))
            raise UserError(
                f"route point {row} has the speed limit {track.speed_limit_mps[row]} m/s;"
                " bake the town with limits above zero."
            )
        self._track = track
        self._index = 0
        self._limit_s = START_S
        self._start_s: float | None = None

    def update(self, truth: Truth) -> list[Infraction]:
        """Grant time for progress, then look at the clock."""
        if self._start_s is None:
            self._start_s = truth.time_s
        track = self._track
        index = track.last_passed(self._index, WINDOW, *ego_of(truth).position)
        if index > self._index:
            metres = track.driven_m[index] - track.driven_m[self._index]
            self._limit_s += metres / (SLOWEST_SHARE * track.speed_limit_mps[index])
            self._index = index
        if truth.time_s - self._start_s <= self._limit_s:
            return []
        return [at(truth, InfractionKind.ROUTE_TIMEOUT, "Route timeout.")]
