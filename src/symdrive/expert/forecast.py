"""Where everybody will be during the next two seconds, and who would touch the ego's box.

Others are forecast from what can be seen of them: pose, speed, turn rate, braking, and the lane
they follow; never from their controls. Box growth and horizon: kesai-labs/lead 4489176,
`expert.py` (forecasts) and `config_expert.py`.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from symdrive.maps.town import Town

STEP_S = 0.1
_ON_LANE_RAD = 0.2
_ON_LANE_M = 1.5
_MOVING_MPS = 1.0

Pair = tuple[float, float]
"""Half length and half width, m."""


class LaneArrays(NamedTuple):
    """The columns of `LaneTable` that forecasts follow; rows as there."""

    start: Int[np.ndarray, " lane_plus_1"]
    x: Float[np.ndarray, " point"]
    y: Float[np.ndarray, " point"]
    yaw: Float[np.ndarray, " point"]
    length_m: Float[np.ndarray, " lane"]
    junction: Int[np.ndarray, " lane"]
    next_start: Int[np.ndarray, " lane_plus_1"]
    next_lane: Int[np.ndarray, " link"]


def lane_arrays(town: Town) -> LaneArrays:
    """Flat columns for the kernels."""
    lanes = town.lanes
    return LaneArrays(
        start=lanes.start.astype(np.int64),
        x=np.ascontiguousarray(lanes.points[:, 0], dtype=np.float64),
        y=np.ascontiguousarray(lanes.points[:, 1], dtype=np.float64),
        yaw=lanes.yaw.astype(np.float64),
        length_m=lanes.length_m.astype(np.float64),
        junction=lanes.junction.astype(np.int64),
        next_start=lanes.next_start.astype(np.int64),
        next_lane=lanes.next_lane.astype(np.int64),
    )


class Boxes(NamedTuple):
    """Moving boxes to forecast; columns as in `Actors`.

    Attributes:
        x: centre, m.
        y: the same.
        yaw: heading, rad.
        speed: along the heading, m/s.
        yaw_rate: rad/s.
        acceleration: along the heading; only braking is believed to go on.
        half: half length and half width, m.
        growth: factors on length and width: a moving box is that much longer, and becomes that
            much wider until the horizon.
        lane: lane it is on, -1 for none.
        lane_s_m: arc length along that lane.
    """

    x: Float[np.ndarray, " box"]
    y: Float[np.ndarray, " box"]
    yaw: Float[np.ndarray, " box"]
    speed: Float[np.ndarray, " box"]
    yaw_rate: Float[np.ndarray, " box"]
    acceleration: Float[np.ndarray, " box"]
    half: Float[np.ndarray, "box 2"]
    growth: Float[np.ndarray, "box 2"]
    lane: Int[np.ndarray, " box"]
    lane_s_m: Float[np.ndarray, " box"]


def first_touch(
    lanes: LaneArrays,
    ego_pose: Float[np.ndarray, "step 3"],
    ego_half: Pair,
    boxes: Boxes,
) -> Float[np.ndarray, " box"]:
    """Seconds until each box would touch the ego's, infinity where it does not.

    Args:
        lanes: what vehicles on a lane follow.
        ego_pose: x, y, yaw of the ego at 0.1 s, 0.2 s, ...
        ego_half: half length and half width of the ego, margins included.
        boxes: everybody else.
    """
    return _first_touch(lanes, ego_pose, ego_half, boxes)


@njit(cache=True)
@no_type_check
def _first_touch(
    lanes: LaneArrays, ego: Float[np.ndarray, "step 3"], ego_half: Pair, boxes: Boxes
) -> Float[np.ndarray, " box"]:
    """See `first_touch`."""
    steps = len(ego)
    touch = np.full(len(boxes.x), math.inf)
    for j in range(len(boxes.x)):
        half = (boxes.half[j, 0], boxes.half[j, 1])
        most = (half[0] * boxes.growth[j, 0], half[1] * boxes.growth[j, 1])
        reach = math.hypot(ego_half[0], ego_half[1]) + math.hypot(most[0], most[1])
        speed = boxes.speed[j]
        lane, s, aside = _lane_start(lanes, boxes, j)
        pose = (boxes.x[j], boxes.y[j], boxes.yaw[j])
        for k in range(steps):
            if speed > 0.0:
                speed = max(0.0, speed + min(0.0, boxes.acceleration[j]) * STEP_S)
            if lane >= 0:
                lane, s = _along(lanes, lane, s + speed * STEP_S)
                pose = _pose(lanes, lane, s, aside)
            else:
                pose = _turned(pose, speed, boxes.yaw_rate[j])
            dx, dy = pose[0] - ego[k, 0], pose[1] - ego[k, 1]
            if dx * dx + dy * dy > reach * reach:
                continue
            grown = half
            if abs(speed) >= _MOVING_MPS:
                share = (k + 1) / steps
                grown = (most[0], max(half[1], most[1] * share))
            if _overlap(dx, dy, ego[k, 2], ego_half, pose[2], grown):
                touch[j] = (k + 1) * STEP_S
                break
    return touch


@njit(cache=True)
@no_type_check
def _turned(
    pose: tuple[float, float, float], speed: float, yaw_rate: float
) -> tuple[float, float, float]:
    """The pose a step later at constant speed and turn rate."""
    yaw = pose[2] + yaw_rate * STEP_S
    return (
        pose[0] + speed * math.cos(yaw) * STEP_S,
        pose[1] + speed * math.sin(yaw) * STEP_S,
        yaw,
    )


@njit(cache=True)
@no_type_check
def _pose(lanes: LaneArrays, lane: int, s: float, aside: float) -> tuple[float, float, float]:
    """Pose beside the centre line; the offset stays, since people do not drive in the middle."""
    i, part = _point(lanes, lane, s)
    yaw = lanes.yaw[i]
    x = lanes.x[i] + part * (lanes.x[i + 1] - lanes.x[i])
    y = lanes.y[i] + part * (lanes.y[i + 1] - lanes.y[i])
    return x - aside * math.sin(yaw), y + aside * math.cos(yaw), yaw


@njit(cache=True)
@no_type_check
def _overlap(
    dx: float, dy: float, yaw: float, half: Pair, other_yaw: float, other_half: Pair
) -> bool:
    """Separating axis test of a box at the origin and another one with its centre at (dx, dy)."""
    c, s = abs(math.cos(other_yaw - yaw)), abs(math.sin(other_yaw - yaw))
    along = abs(math.cos(yaw) * dx + math.sin(yaw) * dy)
    across = abs(math.cos(yaw) * dy - math.sin(yaw) * dx)
    if along > half[0] + other_half[0] * c + other_half[1] * s:
        return False
    if across > half[1] + other_half[0] * s + other_half[1] * c:
        return False
    along = abs(math.cos(other_yaw) * dx + math.sin(other_yaw) * dy)
    across = abs(math.cos(other_yaw) * dy - math.sin(other_yaw) * dx)
    return (
        along <= other_half[0] + half[0] * c + half[1] * s
        and across <= other_half[1] + half[0] * s + half[1] * c
    )


@njit(cache=True)
@no_type_check
def _lane_start(lanes: LaneArrays, boxes: Boxes, j: int) -> tuple[int, float, float]:
    """The lane that box `j` follows (-1: none), where on it, and the offset to its left.

    Only a box that runs along its lane follows it; in the first half of a junction the lane would
    betray where its driver wants to go, later on everybody can see it.
    """
    lane, s = boxes.lane[j], boxes.lane_s_m[j]
    if lane < 0 or (lanes.junction[lane] >= 0 and s < 0.5 * lanes.length_m[lane]):
        return -1, 0.0, 0.0
    i, _ = _point(lanes, lane, s)
    turn = (boxes.yaw[j] - lanes.yaw[i] + math.pi) % (2.0 * math.pi) - math.pi
    dx, dy = boxes.x[j] - lanes.x[i], boxes.y[j] - lanes.y[i]
    aside = math.cos(lanes.yaw[i]) * dy - math.sin(lanes.yaw[i]) * dx
    if abs(turn) > _ON_LANE_RAD or abs(aside) > _ON_LANE_M:
        return -1, 0.0, 0.0
    return lane, s, aside


@njit(cache=True)
@no_type_check
def _along(lanes: LaneArrays, lane: int, s: float) -> tuple[int, float]:
    """Lane and arc length, taking the only follower outside of junctions where the lane ends.

    Before a junction the last lane is followed in a straight line past its end.
    """
    while s > lanes.length_m[lane]:
        first, after = lanes.next_start[lane], lanes.next_start[lane + 1]
        if after - first != 1 or lanes.junction[lanes.next_lane[first]] >= 0:
            break
        s -= lanes.length_m[lane]
        lane = int(lanes.next_lane[first])
    return lane, s


@njit(cache=True)
@no_type_check
def _point(lanes: LaneArrays, lane: int, s: float) -> tuple[int, float]:
    """Row of the lane point before `s` and the fraction to the next (beyond 1 past the end)."""
    first, last = lanes.start[lane], lanes.start[lane + 1] - 1
    place = s / max(lanes.length_m[lane], 1e-6) * (last - first)
    index = min(max(int(place), 0), last - first - 1)
    return first + index, place - index


class PathArrays(NamedTuple):
    """Points and headings of a path, for projection."""

    x: Float[np.ndarray, " point"]
    y: Float[np.ndarray, " point"]
    yaw: Float[np.ndarray, " point"]


@njit(cache=True)
@no_type_check
def project(
    path: PathArrays,
    window: tuple[int, int],
    step_m: float,
    corners: Float[np.ndarray, "box point 2"],
) -> Float[np.ndarray, "box point 2"]:
    """Distance along the path and offset to its left, for points of boxes.

    Args:
        path: the dense path.
        window: rows of the path that are searched: first, last plus one.
        step_m: spacing of the path.
        corners: world points; the first one of each box is its centre, the others lie near it.

    Returns:
        s, d of each point; outside of the window the path goes on in a straight line.
    """
    out = np.empty_like(corners)
    first, after = window
    for j in range(len(corners)):
        low, high = first, after
        for k in range(corners.shape[1]):
            x, y = corners[j, k, 0], corners[j, k, 1]
            best, nearest = low, math.inf
            for i in range(low, high):
                dx, dy = x - path.x[i], y - path.y[i]
                gap = dx * dx + dy * dy
                if gap < nearest:
                    best, nearest = i, gap
            dx, dy = x - path.x[best], y - path.y[best]
            cos, sin = math.cos(path.yaw[best]), math.sin(path.yaw[best])
            out[j, k, 0] = best * step_m + cos * dx + sin * dy
            out[j, k, 1] = cos * dy - sin * dx
            if k == 0:
                low, high = max(first, best - 16), min(after, best + 17)
    return out
