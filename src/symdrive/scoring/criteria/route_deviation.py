"""Leaving the route for good; ends the drive.

Source: scenario_runner 94ff3b8, `InRouteTest`.
"""

import math

from symdrive.scoring.criteria.criterion import Criterion, at, ego_of
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind, place
from symdrive.world.truth import Truth

WINDOW = 5
FAR_M = 30.0
UNSAFE_M = 15.0
UNSAFE_PERCENT = 30.0


class RouteDeviation(Criterion):
    """Fails 30 m away from the next route points, or with 30 % of the route driven 15 m away."""

    def __init__(self, track: RouteTrack) -> None:
        self._track = track
        self._index = 0
        self._is_safe = True
        self._unsafe_m = 0.0
        self._failed = False

    def update(self, truth: Truth) -> list[Infraction]:
        """Follow the nearest of the next route points."""
        if self._failed:
            return []
        ego = ego_of(truth)
        nearest, gap_m = self._nearest(ego.x, ego.y)
        is_off = gap_m >= FAR_M
        if not is_off:
            self._is_safe = gap_m < UNSAFE_M
        if nearest != self._index:
            if not self._is_safe:
                driven = self._track.driven_m
                self._unsafe_m += driven[nearest] - driven[self._index]
                share = 100.0 * self._unsafe_m / self._track.length_m
                is_off = is_off or share > UNSAFE_PERCENT
            self._index = nearest
        if not is_off:
            return []
        self._failed = True
        message = f"Agent deviated from the route at {place(*ego.position)}"
        return [at(truth, InfractionKind.ROUTE_DEVIATION, message)]

    def _nearest(self, x: float, y: float) -> tuple[int, float]:
        """The nearest of the next points (the last one of equals), and its distance."""
        best, gap_m = self._index, math.inf
        for index in range(self._index, min(self._index + WINDOW + 1, len(self._track))):
            px, py, _ = self._track.points[index]
            distance_m = math.hypot(x - px, y - py)
            if distance_m <= gap_m:
                best, gap_m = index, distance_m
        return best, gap_m
