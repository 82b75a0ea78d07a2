"""The dense path that the expert follows: the route, resampled and extended past its goal.

World frame, metres, radians. LEAD's path has a point every 0.1 m (kesai-labs/lead 4489176,
`privileged_route_planner.py`); half a metre with interpolation gives the same curve to within a
centimetre at a fifth of the work.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.geometry import arc_length
from symdrive.maps.route import Command, Route
from symdrive.maps.town import LaneKind, LaneTable, Town, Turn

SPACING_M = 0.5
BEYOND_GOAL_M = 70.0
_SEARCH_BACK, _SEARCH_AHEAD = 4, 12
_YAW_WINDOW = 3


@dataclass(frozen=True)
class DensePath:
    """Points every `step_m` along the drive.

    Attributes:
        step_m: spacing, close to 0.5.
        goal_s_m: where the route ends; the path goes on beyond.
        xy: points.
        yaw: heading, unwrapped (continuous), rad.
        curvature: 1/m, left positive.
        lane: row of `LaneTable`, -1 beyond the end of the road.
        lane_s_m: arc length along that lane.
        junction: OpenDRIVE junction id, -1 outside.
        speed_limit_mps: limit.
        to_junction_m: distance to the next junction; 0 inside, infinity without one.
        changes_lane: a lane change is being made here.
    """

    step_m: float
    goal_s_m: float
    xy: Float[np.ndarray, "point 2"]
    yaw: Float[np.ndarray, " point"]
    curvature: Float[np.ndarray, " point"]
    lane: Int[np.ndarray, " point"]
    lane_s_m: Float[np.ndarray, " point"]
    junction: Int[np.ndarray, " point"]
    speed_limit_mps: Float[np.ndarray, " point"]
    to_junction_m: Float[np.ndarray, " point"]
    changes_lane: Bool[np.ndarray, " point"]

    def __len__(self) -> int:
        """Number of points."""
        return len(self.xy)

    def index(self, s_m: float) -> int:
        """Row of the point at (or just before) a distance along the path."""
        return min(len(self) - 1, max(0, int(s_m / self.step_m)))

    def at(
        self, s_m: Float[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
        """Positions and headings at distances along the path (limited to its ends)."""
        where = np.clip(s_m / self.step_m, 0.0, len(self) - 1.0)
        low = np.minimum(where.astype(np.int64), len(self) - 2)
        part = where - low
        xy = self.xy[low] + part[:, None] * (self.xy[low + 1] - self.xy[low])
        yaw = self.yaw[low] + part * (self.yaw[low + 1] - self.yaw[low])
        return xy, yaw

    def advance(self, s_m: float, position: Float[np.ndarray, " 2"]) -> float:
        """New progress along the path: the nearest place close to the old one, never behind it."""
        here = self.index(s_m)
        low = max(0, here - _SEARCH_BACK)
        window = self.xy[low : here + _SEARCH_AHEAD + 1]
        gap = window - position
        best = low + int(np.argmin(np.einsum("nd,nd->n", gap, gap)))
        ahead = position - self.xy[best]
        along = np.cos(self.yaw[best]) * ahead[0] + np.sin(self.yaw[best]) * ahead[1]
        limit = self.step_m if best < len(self) - 1 else np.inf
        return max(s_m, best * self.step_m + float(np.clip(along, -self.step_m, limit)))


def dense_path(town: Town, route: Route) -> DensePath:
    """Resample a route and extend it along the lanes past its goal.

    Stopping at the goal is the business of whoever ends the episode; a path that ended there would
    make the expert brake before it has arrived.
    """
    beyond = _beyond_goal(town.lanes, route)
    points = np.concatenate([route.points[:, :2], beyond.points])
    lane = np.concatenate([route.lane, beyond.lane])
    lane_s = np.concatenate([route.lane_s_m, beyond.lane_s_m])
    limit = np.concatenate([route.speed_limit_mps, beyond.speed_limit_mps])
    command = np.concatenate([route.command, np.full(len(beyond.lane), Command.LANE_FOLLOW)])
    s = arc_length(points)
    count = max(2, round(float(s[-1]) / SPACING_M) + 1)
    at = np.linspace(0.0, float(s[-1]), count)
    step = float(at[1])
    xy = np.stack([np.interp(at, s, points[:, 0]), np.interp(at, s, points[:, 1])], axis=1)
    source = np.clip(np.searchsorted(s, at + 1e-9, side="right") - 1, 0, len(s) - 1)
    junction = np.where(lane[source] >= 0, town.lanes.junction[lane[source]], -1).astype(np.int64)
    yaw = _smooth_yaw(xy)
    changes = (command[source] == Command.CHANGE_LEFT) | (command[source] == Command.CHANGE_RIGHT)
    return DensePath(
        step_m=step,
        goal_s_m=route.length_m,
        xy=xy,
        yaw=yaw,
        curvature=_curvature(yaw, step),
        lane=lane[source].astype(np.int64),
        lane_s_m=lane_s[source] + (at - s[source]),
        junction=junction,
        speed_limit_mps=limit[source].astype(np.float64),
        to_junction_m=_distance_to_next(junction >= 0, step),
        changes_lane=changes,
    )


@dataclass(frozen=True)
class _Beyond:
    """What follows the goal; rows as in `Route`."""

    points: Float[np.ndarray, "point 2"]
    lane: Int[np.ndarray, " point"]
    lane_s_m: Float[np.ndarray, " point"]
    speed_limit_mps: Float[np.ndarray, " point"]


def _beyond_goal(lanes: LaneTable, route: Route) -> _Beyond:
    """The lanes that follow, straight on where there is a choice; a straight line off the map."""
    lane, lane_s = int(route.lane[-1]), float(route.lane_s_m[-1])
    parts: list[_Beyond] = []
    left = BEYOND_GOAL_M
    while lane >= 0 and left > 0:
        rows = np.arange(lanes.start[lane], lanes.start[lane + 1])
        rows = rows[(lanes.s_m[rows] > lane_s + 0.2) & (lanes.s_m[rows] <= lane_s + left)]
        parts.append(
            _Beyond(
                lanes.points[rows, :2].astype(np.float64),
                np.full(len(rows), lane),
                lanes.s_m[rows].astype(np.float64),
                np.full(len(rows), float(lanes.speed_limit_mps[lane])),
            )
        )
        left -= float(lanes.length_m[lane]) - lane_s
        lane, lane_s = _straight_on(lanes, lane), 0.0
    end = parts[-1].points[-1] if parts and len(parts[-1].points) else route.points[-1, :2]
    parts.append(_off_the_map(end, route, max(2.0, left)))
    return _Beyond(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in _Beyond.__annotations__)
    )


def _straight_on(lanes: LaneTable, lane: int) -> int:
    """The following driving lane with the least change of heading, or -1."""
    end_yaw = float(lanes.yaw[lanes.start[lane + 1] - 1])
    best, best_turn = -1, np.inf
    for candidate in lanes.successors(lane):
        c = int(candidate)
        if lanes.kind[c] != LaneKind.DRIVING:
            continue
        final = float(lanes.yaw[lanes.start[c + 1] - 1])
        turn = abs((final - end_yaw + np.pi) % (2 * np.pi) - np.pi)
        turn -= np.pi * (lanes.turn[c] == Turn.STRAIGHT)
        if turn < best_turn:
            best, best_turn = c, turn
    return best


def _off_the_map(end: Float[np.ndarray, " 2"], route: Route, length_m: float) -> _Beyond:
    """A straight line on from the last heading, on no lane."""
    yaw = float(route.yaw[-1])
    s = np.arange(1.0, length_m)
    points = end + s[:, None] * np.array([np.cos(yaw), np.sin(yaw)])
    limit = np.full(len(s), float(route.speed_limit_mps[-1]))
    return _Beyond(points.astype(np.float64), np.full(len(s), -1), np.zeros(len(s)), limit)


def _smooth_yaw(xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """Continuous heading from a difference over three points (1.5 m) to either side."""
    index = np.arange(len(xy))
    low = np.maximum(index - _YAW_WINDOW, 0)
    high = np.minimum(index + _YAW_WINDOW, len(xy) - 1)
    delta = xy[high] - xy[low]
    return np.unwrap(np.arctan2(delta[:, 1], delta[:, 0]))


def _curvature(yaw: Float[np.ndarray, " n"], step_m: float) -> Float[np.ndarray, " n"]:
    """Change of heading per metre over the same window."""
    index = np.arange(len(yaw))
    low = np.maximum(index - _YAW_WINDOW, 0)
    high = np.minimum(index + _YAW_WINDOW, len(yaw) - 1)
    return (yaw[high] - yaw[low]) / ((high - low) * step_m)


def _distance_to_next(flag: Bool[np.ndarray, " n"], step_m: float) -> Float[np.ndarray, " n"]:
    """Distance from each point to the next point where `flag` is set."""
    index = np.arange(len(flag))
    marked = np.where(flag, index, len(flag) * 10)
    following = np.minimum.accumulate(marked[::-1])[::-1]
    return np.where(following < len(flag), (following - index) * step_m, np.inf)
