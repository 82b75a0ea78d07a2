"""Which lane a place belongs to: the lane with the nearest centre line, as CARLA's `get_waypoint`.

CARLA asks its server; here the centre lines of the baked town are searched.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
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
        # A segment may be as near as half its length (0.5 m) more than both of its ends.
        gaps, found = self._tree.query(place, k=count, distance_upper_bound=within_m + 0.5)
        rows = self._rows[np.atleast_1d(found)[np.isfinite(np.atleast_1d(gaps))]]
        return self._project(place, rows) if len(rows) else None

    def _project(self, place: Float[np.ndarray, " 3"], rows: Int[np.ndarray, " n"]) -> LanePlace:
        """The nearest point of the segments that begin or end at the given centre-line points."""
        lanes = self._lanes
        lane = self._lane_of[rows]
        begin, last = np.tile(lanes.start[lane], 2), np.tile(lanes.start[lane + 1] - 1, 2)
        first = np.clip(np.concatenate([rows - 1, rows]), begin, np.maximum(last - 1, begin))
        second = np.minimum(first + 1, last)
        base = lanes.points[first]
        step = lanes.points[second] - base
        length2 = np.maximum((step * step).sum(axis=1), 1e-12)
        t = np.clip(((place - base) * step).sum(axis=1) / length2, 0.0, 1.0)
        gap = place - (base + t[:, None] * step)
        best = int(np.argmin((gap * gap).sum(axis=1)))
        return self._place(int(first[best]), int(second[best]), float(t[best]), gap[best], place)

    def _place(
        self,
        first: int,
        second: int,
        t: float,
        gap: Float[np.ndarray, " 3"],
        place: Float[np.ndarray, " 3"],
    ) -> LanePlace:
        """A point between two neighbouring centre-line points."""
        lanes = self._lanes
        px, py, pz = (place - gap).tolist()
        nearer = second if t > 0.5 else first
        return LanePlace(
            lane=int(self._lane_of[first]),
            s_m=float((1 - t) * lanes.s_m[first] + t * lanes.s_m[second]),
            position=(px, py, pz),
            yaw=float(lanes.yaw[nearer]),
            width_m=float((1 - t) * lanes.width_m[first] + t * lanes.width_m[second]),
            distance_m=float(np.sqrt(gap @ gap)),
        )


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
