"""Where on which lane a point is, and where a place on a lane is in the world; both for batches."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from symdrive.core.geometry import ranges, wrap_angle
from symdrive.maps.town import LaneKind, LaneTable

CANDIDATES = 32
"""Lane points looked at for each query; enough for the densest junction of CARLA's towns."""

YAW_COST_M = 3.0
"""A heading that is one radian off counts like this distance: the opposite lane loses to one two
lanes further that runs the right way."""

LEVEL_M, LEVEL_COST = 2.0, 2.0
"""Where a query has a height, each metre beyond the first two counts as two metres of distance."""


class Located(NamedTuple):
    """Places on lanes.

    Attributes:
        lane: row of the lane table, -1 where no lane is near enough.
        s_m: arc length along the lane.
        lateral_m: offset from the centre line, positive to the left.
    """

    lane: Int[np.ndarray, " n"]
    s_m: Float[np.ndarray, " n"]
    lateral_m: Float[np.ndarray, " n"]


def lane_position(
    lanes: LaneTable, lane: Int[np.ndarray, " n"], s_m: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    """World position and heading of places on lanes; `s_m` is clamped to the lane.

    The points of a lane are evenly spaced, so no search is needed.
    """
    steps = lanes.start[lane + 1] - lanes.start[lane] - 1
    at = np.clip(s_m / lanes.length_m[lane], 0.0, 1.0) * steps
    below = np.minimum(at.astype(np.int64), steps - 1)
    row, share = lanes.start[lane] + below, at - below
    step = lanes.points[row + 1] - lanes.points[row]
    yaw = lanes.yaw[row] + share * wrap_angle(lanes.yaw[row + 1] - lanes.yaw[row])
    return lanes.points[row] + share[:, None] * step, wrap_angle(yaw)


class Locator:
    """Spatial index of lanes, one tree for each choice of lane kinds."""

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        self._lane_of_point = np.repeat(np.arange(len(lanes)), np.diff(lanes.start))
        self._trees: dict[tuple[int, ...], tuple[cKDTree, Int[np.ndarray, " m"]] | None] = {}

    def locate(
        self,
        xy: Float[np.ndarray, "n d"],
        yaw: Float[np.ndarray, " n"] | None = None,
        *,
        kinds: Sequence[LaneKind] = (LaneKind.DRIVING,),
        max_distance_m: float = 10.0,
    ) -> Located:
        """The best lane for each point: near, and running the right way where `yaw` is given.

        Args:
            xy: x y, or x y z where roads cross on two levels, m.
            yaw: heading of what stands there, rad.
            kinds: kinds of lanes to look at.
            max_distance_m: farthest centre line.
        """
        lane, s, lateral, cost = self._score(xy, yaw, kinds, max_distance_m)
        if not lane.shape[1]:
            missing = np.full(len(xy), -1)
            return Located(missing, np.zeros(len(xy)), np.zeros(len(xy)))
        best = np.argmin(cost, axis=1)
        row = np.arange(len(xy))
        found = np.isfinite(cost[row, best])
        return Located(
            np.where(found, lane[row, best], -1),
            np.where(found, s[row, best], 0.0),
            np.where(found, lateral[row, best], 0.0),
        )

    def candidates(
        self,
        point: Float[np.ndarray, " d"],
        yaw: float | None = None,
        *,
        max_distance_m: float = 10.0,
        slack_m: float = 0.75,
    ) -> list[tuple[int, float, float]]:
        """Driving lanes that fit a point about as well as the best one.

        Returns:
            (lane, s in m, cost in m) for each, the best first.
        """
        way = None if yaw is None else np.array([yaw])
        lane, s, _, cost = self._score(point[None], way, (LaneKind.DRIVING,), max_distance_m)
        found: dict[int, tuple[int, float, float]] = {}
        for column in np.argsort(cost[0], kind="stable").tolist():
            if not np.isfinite(cost[0, column]) or cost[0, column] > cost[0].min() + slack_m:
                break
            key = int(lane[0, column])
            found.setdefault(key, (key, float(s[0, column]), float(cost[0, column])))
        return list(found.values())

    def _score(
        self,
        xy: Float[np.ndarray, "n d"],
        yaw: Float[np.ndarray, " n"] | None,
        kinds: Sequence[LaneKind],
        max_distance_m: float,
    ) -> tuple[
        Int[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
    ]:
        """Lane, s, lateral offset and cost of each candidate; cost is infinite beyond the limit."""
        entry = self._tree(kinds)
        if entry is None:
            none = np.zeros((len(xy), 0))
            return none.astype(np.int64), none, none, none
        tree, rows = entry
        k = min(CANDIDATES, len(rows))
        reach = max_distance_m + 1.0
        found = tree.query(xy[:, :2], k=np.arange(1, k + 1), distance_upper_bound=reach)
        index = np.asarray(found[1])
        seen = index < len(rows)
        point = rows[np.where(seen, index, 0)]
        s, lateral, distance, z = self._project(xy, point)
        cost = np.where(seen & (distance <= max_distance_m), distance, np.inf)
        if yaw is not None:
            cost = cost + YAW_COST_M * np.abs(wrap_angle(self._lanes.yaw[point] - yaw[:, None]))
        if xy.shape[1] == 3:
            cost = cost + LEVEL_COST * np.maximum(np.abs(z - xy[:, 2:]) - LEVEL_M, 0.0)
        return self._lane_of_point[point], s, lateral, cost

    def _project(
        self, xy: Float[np.ndarray, "n d"], point: Int[np.ndarray, "n k"]
    ) -> tuple[
        Float[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
        Float[np.ndarray, "n k"],
    ]:
        """s, lateral offset, distance and height of the foot on the segments around a point."""
        lanes = self._lanes
        lane = self._lane_of_point[point]
        best = None
        for first in (point - 1, point):
            a = np.clip(first, lanes.start[lane], lanes.start[lane + 1] - 2)
            origin, step = lanes.points[a], lanes.points[a + 1] - lanes.points[a]
            to = xy[:, None, :2] - origin[..., :2]
            length2 = np.maximum((step[..., :2] ** 2).sum(axis=-1), 1e-12)
            share = np.clip((to * step[..., :2]).sum(axis=-1) / length2, 0.0, 1.0)
            gap = to - share[..., None] * step[..., :2]
            distance = np.hypot(gap[..., 0], gap[..., 1])
            side = step[..., 0] * gap[..., 1] - step[..., 1] * gap[..., 0]
            s = lanes.s_m[a] + share * (lanes.s_m[a + 1] - lanes.s_m[a])
            z = origin[..., 2] + share * step[..., 2]
            this = np.stack([s, np.copysign(distance, side), distance, z])
            best = this if best is None else np.where(this[2] < best[2], this, best)
        assert best is not None
        return best[0], best[1], best[2], best[3]

    def _tree(self, kinds: Sequence[LaneKind]) -> tuple[cKDTree, Int[np.ndarray, " m"]] | None:
        """The tree over the points of lanes of these kinds; None where there are none."""
        key = tuple(sorted({int(kind) for kind in kinds}))
        if key not in self._trees:
            lanes = self._lanes
            chosen = np.flatnonzero(np.isin(lanes.kind, key))
            rows = ranges(lanes.start[chosen], np.diff(lanes.start)[chosen])
            self._trees[key] = (cKDTree(lanes.points[rows, :2]), rows) if len(rows) else None
        return self._trees[key]
