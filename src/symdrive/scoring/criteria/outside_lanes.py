"""Leaving the lanes of the route: off the road, or on lanes of the other direction.

Source: scenario_runner 94ff3b8, `OutsideRouteLanesTest`. `get_waypoint` is the nearest centre line
of the baked town. Both rules look at lanes as such, not at the lanes of the route.
"""

import math

from symdrive.core.geometry import wrap
from symdrive.maps.town import LaneTable
from symdrive.scoring.criteria.criterion import Criterion, Ego, ego_of
from symdrive.scoring.criteria.lanes import LaneFinder, LanePlace
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.truth import Truth

SLACK_M = 0.5
"""Narrow shoulders between lane and kerb are forgiven."""

AGAINST = math.radians(120.0)
"""Angle between car and lane from which a lane entered out of a junction is a wrong one."""

TURNED_ROUND = math.radians(150.0)
"""Angle between two lanes from which going from one to the other changes the direction."""

WINDOW = 3


class OutsideRouteLanes(Criterion):
    """Adds up the metres of the route that were passed while outside; one infraction at the end."""

    def __init__(
        self,
        track: RouteTrack,
        lanes: LaneTable,
        driving: LaneFinder,
        parking: LaneFinder,
    ) -> None:
        self._track = track
        self._lanes = lanes
        self._driving = driving
        self._parking = parking
        self._index = 0
        self._last: LanePlace | None = None
        self._is_wrong = False
        self._watches_direction = True
        self._total_m = 0.0
        self._outside_m = 0.0
        self._began: tuple[int, float, tuple[float, float, float]] | None = None

    def switch_direction(self, *, on: bool) -> None:
        """Scenarios that block the lane switch the rule about the other direction off meanwhile."""
        self._watches_direction = on

    def update(self, truth: Truth) -> list[Infraction]:
        """Measure; the infraction comes with `finish`."""
        ego = ego_of(truth)
        here = self._driving.nearest(*ego.position)
        if here is None:
            return []
        outside = self._is_outside(ego, here)
        self._follow_direction(ego, here)
        is_bad = outside or (self._watches_direction and self._is_wrong)
        if is_bad and self._began is None:
            self._began = (truth.tick, truth.time_s, ego.position)
        self._advance(ego, is_bad=is_bad)
        return []

    def finish(self) -> list[Infraction]:
        """One infraction for all metres, dated to where the lanes were first left."""
        if self._began is None or self._outside_m == 0.0:
            return []
        tick, time_s, position = self._began
        percentage = self._outside_m / self._total_m * 100.0
        message = (
            f"Agent went outside its route lanes for about {round(self._outside_m, 3)} meters"
            f" ({round(percentage, 2)}% of the completed route)"
        )
        kind = InfractionKind.OUTSIDE_ROUTE_LANES
        return [
            Infraction(
                kind,
                tick,
                time_s,
                position,
                message,
                percentage=percentage,
                distance_m=self._outside_m,
            )
        ]

    def _is_outside(self, ego: Ego, driving: LanePlace) -> bool:
        """Whether the nearest driving or parking lane is farther away than half its width."""
        parking = self._parking.nearest(*ego.position, driving.distance_m)
        nearest = driving
        if parking is not None and driving.distance_m >= parking.distance_m:
            nearest = parking
        return nearest.distance_m > nearest.width_m / 2 + SLACK_M

    def _follow_direction(self, ego: Ego, here: LanePlace) -> None:
        """Keep track of whether the ego is on a lane of the other direction.

        Out of a junction the car's heading decides; elsewhere, going over to a lane that points the
        other way round turns right into wrong and back.
        """
        lanes, last = self._lanes, self._last if self._last is not None else here
        if lanes.junction[here.lane] >= 0:
            self._is_wrong = False
        elif self._last is None or not _is_same_lane(lanes, last.lane, here.lane):
            if lanes.junction[last.lane] >= 0:
                self._is_wrong = abs(wrap(here.yaw - ego.yaw)) >= AGAINST
            elif abs(wrap(last.yaw - here.yaw)) > TURNED_ROUND:
                self._is_wrong = not self._is_wrong
        self._last = here

    def _advance(self, ego: Ego, *, is_bad: bool) -> None:
        """Add the chords between the route points that were passed."""
        track = self._track
        for index in range(self._index + 1, min(self._index + WINDOW + 1, len(track))):
            if track.is_passed(index, *ego.position):
                chord_m = track.driven_m[index] - track.driven_m[self._index]
                self._total_m += chord_m
                self._outside_m += chord_m if is_bad else 0.0
                self._index = index


def _is_same_lane(lanes: LaneTable, a: int, b: int) -> bool:
    """Whether two rows belong to one OpenDRIVE road and lane (perhaps in different sections)."""
    return bool(lanes.road[a] == lanes.road[b] and lanes.lane_id[a] == lanes.lane_id[b])
