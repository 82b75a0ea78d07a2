"""Running a stop sign: passing its trigger box without coming to a stop.

Source: scenario_runner 94ff3b8, `RunningStopTest`. CARLA's trigger boxes are rebuilt from the
town's `StopSignTable`: half a length of 1.5 m, half a width of a quarter lane, centred 3 m before
the stop line (CARLA 0.9.16, `StopSignComponent.cpp`). As in the source, the box is laid along the
world axes whatever the direction of the lane, and is tested against points of the lane, not of the
car.
"""

import math
from dataclasses import dataclass

import numpy as np

from symdrive.maps.town import LaneTable, Town
from symdrive.scoring.criteria.criterion import Criterion, Ego, at, ego_of
from symdrive.scoring.criteria.lanes import LaneFinder, LanePlace, point_on_lane
from symdrive.scoring.infraction import Infraction, InfractionKind, place
from symdrive.world.truth import Truth

PROXIMITY_M = 4.0
STANDING_MPS = 0.1
STEP_M = 0.5
AGAINST = -0.17
"""Cosine of about 100 degrees: more than that is driving against the lane."""

BOX_HALF_LENGTH_M = 1.5
BOX_LANE_SHARE = 0.25
BOX_BEFORE_LINE_M = 3.0
BOX_GROWTH = 1.2
NARROWEST_M = 0.01


@dataclass(frozen=True)
class TriggerBox:
    """Where a stop sign acts: centre, and half sizes along the world's x and y, m."""

    center: tuple[float, float, float]
    half_x: float
    half_y: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside the box grown by a fifth."""
        return (
            abs(x - self.center[0]) < BOX_GROWTH * self.half_x
            and abs(y - self.center[1]) < BOX_GROWTH * self.half_y
        )


class StopSign(Criterion):
    """Follows one sign at a time: from the first touch of its box until the box is left.

    Boxes are at least `half_size_m` long and wide to each side, for evaluators that widen them.
    """

    def __init__(self, town: Town, finder: LaneFinder, half_size_m: float = 0.0) -> None:
        self._town = town
        self._finder = finder
        self._boxes = [
            _trigger_box(town, row, max(half_size_m, NARROWEST_M))
            for row in range(len(town.stop_signs))
        ]
        self._centers = np.array([box.center for box in self._boxes]).reshape(-1, 3)
        self._target: int | None = None
        self._stopped = False
        self._last_failed: int | None = None

    def update(self, truth: Truth) -> list[Infraction]:
        """Find a sign, see the car stop or not, and judge once the box is left."""
        if len(self._boxes) == 0:
            return []
        ego = ego_of(truth)
        here = self._finder.nearest(*ego.position)
        if here is None:
            return []
        gap = self._centers - here.position
        near = np.flatnonzero((gap * gap).sum(axis=1) <= PROXIMITY_M**2).tolist()
        touched = self._touched(here, near) if near else []
        if self._target is None:
            self._target = touched[0] if touched and _may_obey(ego, here) else None
            return []
        self._stopped = self._stopped or abs(ego.speed) < STANDING_MPS
        return [] if self._target in touched else self._leave(truth)

    def _touched(self, here: LanePlace, near: list[int]) -> list[int]:
        """Signs whose box holds the ego's place on its lane, or one of the next places."""
        ahead = lane_points_ahead(self._town.lanes, here, PROXIMITY_M, STEP_M)
        return [row for row in near if any(self._boxes[row].holds(x, y) for x, y, _ in ahead)]

    def _leave(self, truth: Truth) -> list[Infraction]:
        """The box is behind: judge, and forget the sign."""
        row, stopped = self._target, self._stopped
        self._target, self._stopped = None, False
        if row is None or stopped or self._last_failed == row:
            return []
        self._last_failed = row
        x, y, z = self._town.stop_signs.position[row].tolist()
        message = f"Agent ran a stop with id={row} at {place(x, y, z)}"
        return [at(truth, InfractionKind.STOP_SIGN, message, row)]


def lane_points_ahead(
    lanes: LaneTable, here: LanePlace, reach_m: float, step_m: float
) -> list[tuple[float, float, float]]:
    """A place and the points every `step_m` after it, along the first successor at each fork."""
    points = [here.position]
    lane, s_m = here.lane, here.s_m
    for _ in range(int(reach_m / step_m)):
        s_m += step_m
        while s_m > float(lanes.length_m[lane]):
            after = lanes.successors(lane)
            if len(after) == 0:
                return points
            s_m -= float(lanes.length_m[lane])
            lane = int(after[0])
        points.append(point_on_lane(lanes, lane, s_m).position)
    return points


def _may_obey(ego: Ego, here: LanePlace) -> bool:
    """Signs say nothing to a car in reverse or against its lane."""
    return ego.speed >= AGAINST and math.cos(ego.yaw - here.yaw) >= AGAINST


def _trigger_box(town: Town, row: int, least_m: float) -> TriggerBox:
    """CARLA's box for one lane of a sign."""
    lane, line_s_m = int(town.stop_signs.lane[row]), float(town.stop_signs.s_m[row])
    width_m = point_on_lane(town.lanes, lane, line_s_m).width_m
    center = point_on_lane(town.lanes, lane, line_s_m - BOX_BEFORE_LINE_M)
    half_y = max(BOX_LANE_SHARE * width_m, least_m)
    return TriggerBox(center.position, max(BOX_HALF_LENGTH_M, least_m), half_y)
