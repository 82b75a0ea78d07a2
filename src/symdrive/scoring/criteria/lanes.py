"""Which lane a place belongs to: the lane with the nearest centre line, as CARLA's `get_waypoint`.

CARLA asks its server; here the centre lines of the baked town are searched.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial import cKDTree

from symdrive.core.geometry import ranges
from symdrive.maps.route import Route
from symdrive.maps.town import LaneKind, LaneTable

MARGIN_M = 80.0
"""Lanes are searched this far around the route; 30 m off, the drive is over anyway."""

CANDIDATES = 6
"""Centre-line points tried: the nearest segment starts or ends at one of the nearest points."""


@dataclass(frozen=True)
class LanePlace:
    """The point of a lane's centre line that is nearest to a place.

    Attributes:
        lane: row of the `LaneTable`.
        s_m: arc length along the lane.
        position: x, y, z, m.
        yaw: direction of travel there, rad.
        width_m: width of the lane there.
        distance_m: from the place, in 3D.
    """

    lane: int
    s_m: float
    position: tuple[float, float, float]
    yaw: float
    width_m: float
    distance_m: float


class LaneFinder:
    """Finds the nearest lane of one kind near a route."""

    def __init__(self, lanes: LaneTable, kind: LaneKind, route: Route) -> None:
        self._lanes = lanes
        self._rows = _rows_near(lanes, kind, route)
        self._tree = cKDTree(lanes.points[self._rows]) if len(self._rows) else None
        self._lane_of = np.repeat(np.arange(len(lanes)), np.diff(lanes.start))
        self._asked: tuple[float, float, float, float] | None = None
        self._answer: LanePlace | None = None

    def nearest(
        self, x: float, y: float, z: float, within_m: float = float("inf")
    ) -> LanePlace | None:
        """The nearest lane; None where no lane of that kind is near the route (or `within_m`).

        The last answer is kept, for several criteria ask for the ego's lane in each tick.
        """
        asked = (x, y, z, within_m)
        if self._asked != asked:
            self._asked, self._answer = asked, self._search(*asked)
        return self._answer

    def _search(self, x: float, y: float, z: float, within_m: float) -> LanePlace | None:
        """Nearest centre-line points first, then their segments."""
        if self._tree is None:
            return None
        count = min(CANDIDATES, len(self._rows))
        place = np.array([x, y, z])
        # A point of a lane is at most half a segment (0.5 m) from one of the segment's ends.
        gaps, found = self._tree.query(place, k=count, distance_upper_bound=within_m + 0.5)
        near = np.atleast_1d(found)[np.isfinite(np.atleast_1d(gaps))]
        if len(near) == 0:
            return None
        lanes = self._lanes
        segment, share, distance_m = nearest_segment(
            lanes.points, lanes.start, self._lane_of, self._rows[near], place
        )
        return self._place(segment, share, distance_m)

    def _place(self, first: int, share: float, distance_m: float) -> LanePlace:
        """The point a share of the way from a centre-line point to its successor."""
        lanes = self._lanes
        lane = int(self._lane_of[first])
        second = min(first + 1, int(lanes.start[lane + 1]) - 1)

        def between(column: np.ndarray) -> float:
            return float((1 - share) * column[first] + share * column[second])

        x, y, z = ((1 - share) * lanes.points[first] + share * lanes.points[second]).tolist()
        yaw = float(lanes.yaw[second if share > 0.5 else first])
        return LanePlace(
            lane, between(lanes.s_m), (x, y, z), yaw, between(lanes.width_m), distance_m
        )


@njit(cache=True)
@no_type_check
def nearest_segment(
    points: Float[np.ndarray, "point 3"],
    start: Int[np.ndarray, " lane_plus_1"],
    lane_of: Int[np.ndarray, " point"],
    rows: Int[np.ndarray, " n"],
    place: Float[np.ndarray, " 3"],
) -> tuple[int, float, float]:
    """The nearest of the centre-line segments that begin or end at the given points.

    Returns:
        First point of the segment, share of the way to its second point, and the distance in m.
    """
    best, best_share, best_gap2 = -1, 0.0, np.inf
    for row in rows:
        lane = lane_of[row]
        for first in (row - 1, row):
            if first < start[lane] or first >= max(start[lane + 1] - 1, start[lane] + 1):
                continue
            second = min(first + 1, start[lane + 1] - 1)
            length2, along = 0.0, 0.0
            for axis in range(3):
                step = points[second, axis] - points[first, axis]
                length2 += step * step
                along += step * (place[axis] - points[first, axis])
            share = min(max(along / max(length2, 1e-12), 0.0), 1.0)
            gap2 = 0.0
            for axis in range(3):
                foot = (1 - share) * points[first, axis] + share * points[second, axis]
                gap2 += (place[axis] - foot) ** 2
            if gap2 < best_gap2:
                best, best_share, best_gap2 = first, share, gap2
    return best, best_share, np.sqrt(best_gap2)


def point_on_lane(lanes: LaneTable, lane: int, s_m: float) -> LanePlace:
    """The centre-line point at an arc length, clipped to the lane."""
    rows = lanes.slice_of(lane)
    s, points = lanes.s_m[rows], lanes.points[rows]
    s_m = float(np.clip(s_m, s[0], s[-1]))
    x, y, z = (float(np.interp(s_m, s, points[:, axis])) for axis in range(3))
    nearest = int(np.argmin(np.abs(s - s_m)))
    width_m = float(np.interp(s_m, s, lanes.width_m[rows]))
    return LanePlace(lane, s_m, (x, y, z), float(lanes.yaw[rows][nearest]), width_m, 0.0)


def _rows_near(lanes: LaneTable, kind: LaneKind, route: Route) -> Int[np.ndarray, " n"]:
    """Centre-line points of one kind of lane inside the route's bounding box and a margin."""
    chosen = np.flatnonzero(lanes.kind == int(kind))
    rows = ranges(lanes.start[chosen], np.diff(lanes.start)[chosen]).astype(np.int64)
    low = route.points[:, :2].min(axis=0) - MARGIN_M
    high = route.points[:, :2].max(axis=0) + MARGIN_M
    points = lanes.points[rows, :2]
    return rows[np.all((points >= low) & (points <= high), axis=1)]
