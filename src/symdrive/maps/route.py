"""Routes: the dense lane-level path, and the sparse plan that a learner is given.

World frame, metres, radians.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int


class Command(IntEnum):
    """Navigation command, numbered as CARLA's RoadOption."""

    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    LANE_FOLLOW = 4
    CHANGE_LEFT = 5
    CHANGE_RIGHT = 6


@dataclass(frozen=True)
class Route:
    """A dense path along lanes, one point about every metre.

    Attributes:
        route_id: unique within its benchmark; used in file names.
        town: name of the town.
        points: x y z on the lane centre (between centres during a lane change).
        yaw: heading at each point.
        s_m: arc length from the first point.
        lane: row of `LaneTable` at each point.
        lane_s_m: arc length along that lane.
        command: `Command` at each point.
        speed_limit_mps: limit at each point.
    """

    route_id: str
    town: str
    points: Float[np.ndarray, "point 3"]
    yaw: Float[np.ndarray, " point"]
    s_m: Float[np.ndarray, " point"]
    lane: Int[np.ndarray, " point"]
    lane_s_m: Float[np.ndarray, " point"]
    command: Int[np.ndarray, " point"]
    speed_limit_mps: Float[np.ndarray, " point"]

    @property
    def length_m(self) -> float:
        """Length of the path."""
        return float(self.s_m[-1])


@dataclass(frozen=True)
class SparsePlan:
    """What a navigation system tells a driver: few points with a command each.

    Attributes:
        points: x, y, world frame.
        command: `Command` that holds from each point on.
    """

    points: Float[np.ndarray, "point 2"]
    command: Int[np.ndarray, " point"]


def sparse_plan(route: Route, spacing_m: float = 200.0) -> SparsePlan:
    """Thin a route out as the CARLA leaderboard does for its agents.

    A point is kept at the start, at the end, where the command changes, and after `spacing_m`
    without one. Source: leaderboard 2.0, `route_manipulation.downsample_route` (200 m);
    Bench2Drive uses 50 m.
    """
    keep = [0]
    for i in range(1, len(route.points) - 1):
        changed = route.command[i] != route.command[i - 1]
        if changed or route.s_m[i] - route.s_m[keep[-1]] >= spacing_m:
            keep.append(i)
    keep.append(len(route.points) - 1)
    rows = np.array(keep)
    return SparsePlan(
        route.points[rows, :2].astype(np.float64), route.command[rows].astype(np.int64)
    )
