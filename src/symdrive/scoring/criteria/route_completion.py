"""How much of the route is done.

Source: scenario_runner 94ff3b8, `RouteCompletionTest`.
"""

import math

from symdrive.scoring.criteria.criterion import Criterion, ego_of
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction
from symdrive.world.truth import Truth

WINDOW = 2
GOAL_DISTANCE_M = 10.0
GOAL_PERCENT = 99.0


class RouteCompletion(Criterion):
    """Counts route points passed, at most `WINDOW` ahead of the last one.

    Attributes:
        percent: of the route's length, two decimals; 100 once the goal is reached.
        reached: more than 99 % are done and the end is less than 10 m away.
    """

    def __init__(self, track: RouteTrack) -> None:
        self.percent = 0.0
        self.reached = False
        self._track = track
        self._index = 0

    def update(self, truth: Truth) -> list[Infraction]:
        """Advance; never an infraction."""
        if self.reached:
            return []
        ego = ego_of(truth)
        track = self._track
        self._index = track.last_passed(self._index, WINDOW, *ego.position)
        self.percent = round(track.driven_m[self._index] / track.length_m * 100.0, 2)
        near = math.dist(ego.position, track.points[-1]) < GOAL_DISTANCE_M
        if near and self.percent > GOAL_PERCENT:
            self.reached, self.percent = True, 100.0
        return []
