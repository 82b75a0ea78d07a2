"""The road network as arrays of records that compiled kernels read, built once for each town.

World frame, metres, radians, m/s.
"""

import math
import weakref
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, no_type_check

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int, Shaped

from symdrive.maps.town import LaneKind, LaneTable, Town
from symdrive.sim.kernel import entry, inner

CURVE_MPS2 = 2.0
"""Lateral acceleration at which traffic takes a bend."""

SQUARE_M = 20.0
"""Side of the squares in which points near to crosswalks are looked for."""

STOREY_M = 3.0
"""Height difference beyond which two things are on different levels of a crossing."""

MOTORWAY_MPS = 23.0
"""Cyclists who keep to the right keep off roads with a higher speed limit."""

T = TypeVar("T")

Records = Shaped[np.ndarray, "..."]
"""An array of records; its columns are named by one of the dtypes below."""

POINT = np.dtype(
    [(name, np.float64) for name in ("x", "y", "z", "yaw", "cos", "sin", "s", "half_width", "cap")]
    + [("lane", np.int64)]
)
"""A point of a lane's centre line; `cos`, `sin` of `yaw`; `cap`: speed that the bend allows."""

LANE = np.dtype(
    [(name, np.float64) for name in ("length", "limit", "pace", "stop_s")]
    + [(name, np.int64) for name in ("first", "last", "kind", "turn", "junction", "rank")]
    + [(name, np.int64) for name in ("next_first", "next_end", "origin", "live")]
    + [(name, np.int64) for name in ("stop_signal", "stop_sign", "conflict_first", "conflict_end")]
    + [(name, np.int64) for name in ("walk_first", "walk_end", "left", "right")]
)
"""A lane; rows follow the town's `LaneTable`.

`pace`: speed at which all of it can be driven. `stop_s`: its stop line, infinite for none.
`first`, `last`: its first and last point. `rank`: 4 * priority. `next_first`, `next_end`: its rows
of `Road.next_lane`. `origin`: its first predecessor or -1. `live`: 2 where traffic can go on for
ever, 1 where it can after changing lanes, 0 where it cannot. `stop_signal`: signal that rules the
line, -1 for none. `stop_sign`: 1 where the line is a stop sign's. Then its rows of `Road.conflicts`
and `Road.walks`. `left`, `right`: the lane that traffic may change to, -1 for none.
"""

CONFLICT = np.dtype(
    [("other", np.int64)]
    + [(name, np.float64) for name in ("enter", "exit", "other_enter", "other_exit")]
)
"""Another lane that a junction lane meets, and where on both; see `ConflictTable`."""

WALK = np.dtype([("crosswalk", np.int64), ("enter", np.float64), ("exit", np.float64)])
"""A crosswalk that a lane runs over, and where."""


class Road(NamedTuple):
    """The network.

    Attributes:
        points: `POINT` rows.
        lanes: `LANE` rows.
        next_lane: driving lanes that follow, by lane.
        conflicts: `CONFLICT` rows, by lane.
        walks: `WALK` rows, by lane.
    """

    points: Records
    lanes: Records
    next_lane: Int[np.ndarray, " link"]
    conflicts: Records
    walks: Records


class PerTown(Generic[T]):
    """Calls a builder once for each `Town` object and forgets the result with the town."""

    def __init__(self, build: Callable[[Town], T]) -> None:
        self._build = build
        self._made: dict[int, T] = {}

    def __call__(self, town: Town) -> T:
        """What the builder makes of this town."""
        key = id(town)
        if key not in self._made:
            self._made[key] = self._build(town)
            weakref.finalize(town, self._made.pop, key, None)
        return self._made[key]


def build_road(town: Town) -> Road:
    """Gather a town's lanes for the kernels."""
    lanes, count = town.lanes, len(town.lanes)
    caps = _curve_caps(lanes)
    next_start, next_lane = _driving_links(lanes)
    walk_start, walks = _crossings(town)
    table = np.zeros(count, dtype=LANE)
    table["length"], table["limit"] = lanes.length_m, lanes.speed_limit_mps
    table["pace"] = np.minimum(np.minimum.reduceat(caps, lanes.start[:-1]), lanes.speed_limit_mps)
    table["first"], table["last"] = lanes.start[:-1], lanes.start[1:] - 1
    table["kind"], table["turn"], table["junction"] = lanes.kind, lanes.turn, lanes.junction
    table["rank"] = 4 * lanes.priority
    table["next_first"], table["next_end"] = next_start[:-1], next_start[1:]
    table["origin"] = -1
    has_prev = np.diff(lanes.prev_start) > 0
    table["origin"][has_prev] = lanes.prev_lane[lanes.prev_start[:-1][has_prev]]
    table["left"] = _beside(lanes, lanes.left, lanes.may_change_left)
    table["right"] = _beside(lanes, lanes.right, lanes.may_change_right)
    table["live"] = _life(lanes, next_start, next_lane, (table["left"], table["right"]))
    _add_stop_lines(table, town)
    table["conflict_first"], table["conflict_end"] = (
        town.conflicts.start[:-1],
        town.conflicts.start[1:],
    )
    table["walk_first"], table["walk_end"] = walk_start[:-1], walk_start[1:]
    return Road(_points(lanes, caps), table, next_lane, _conflicts(town), walks)


def _points(lanes: LaneTable, caps: Float[np.ndarray, " point"]) -> Records:
    """Centre lines as records."""
    points = np.zeros(len(lanes.points), dtype=POINT)
    for axis, name in enumerate(("x", "y", "z")):
        points[name] = lanes.points[:, axis]
    points["cos"], points["sin"] = np.cos(lanes.yaw), np.sin(lanes.yaw)
    points["yaw"], points["s"], points["half_width"] = lanes.yaw, lanes.s_m, lanes.width_m / 2.0
    points["cap"] = caps
    points["lane"] = np.repeat(np.arange(len(lanes)), np.diff(lanes.start))
    return points


def _conflicts(town: Town) -> Records:
    """The conflict table as records."""
    conflicts = np.zeros(len(town.conflicts.other), dtype=CONFLICT)
    conflicts["other"] = town.conflicts.other
    for name in ("enter", "exit", "other_enter", "other_exit"):
        conflicts[name] = getattr(town.conflicts, f"{name}_m")
    return conflicts


def _driving_links(
    lanes: LaneTable,
) -> tuple[Int[np.ndarray, " lane_plus_1"], Int[np.ndarray, " link"]]:
    """Successors among driving lanes, as CSR."""
    source = np.repeat(np.arange(len(lanes)), np.diff(lanes.next_start))
    driving = lanes.kind == LaneKind.DRIVING
    keep = driving[source] & driving[lanes.next_lane]
    count = np.bincount(source[keep], minlength=len(lanes))
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return start, lanes.next_lane[keep].astype(np.int64)


def _live(
    lanes: LaneTable, next_start: Int[np.ndarray, " lane_plus_1"], next_lane: Int[np.ndarray, " l"]
) -> Bool[np.ndarray, " lane"]:
    """Lanes from which some way never ends: peel off dead ends until none is left."""
    live = lanes.kind == LaneKind.DRIVING
    source = np.repeat(np.arange(len(lanes)), np.diff(next_start))
    while True:
        onward = np.bincount(source, weights=live[next_lane], minlength=len(lanes)) > 0
        peeled = live & onward
        if np.array_equal(peeled, live):
            return live
        live = peeled


def _beside(
    lanes: LaneTable, neighbour: Int[np.ndarray, " lane"], allowed: Bool[np.ndarray, " lane"]
) -> Int[np.ndarray, " lane"]:
    """The neighbours that traffic may change to, -1 elsewhere; none in junctions."""
    driving = (lanes.kind == LaneKind.DRIVING) & (lanes.junction < 0)
    fits = (neighbour >= 0) & driving & driving[neighbour]
    return np.where(fits & allowed, neighbour, -1).astype(np.int64)


def _life(
    lanes: LaneTable,
    next_start: Int[np.ndarray, " lane_plus_1"],
    next_lane: Int[np.ndarray, " l"],
    beside: tuple[Int[np.ndarray, " lane"], Int[np.ndarray, " lane"]],
) -> Int[np.ndarray, " lane"]:
    """How long traffic can go on from each lane: see `LANE`."""
    live = _live(lanes, next_start, next_lane)
    life = np.where(live, 2, 0)
    source = np.repeat(np.arange(len(lanes)), np.diff(next_start))
    reaches = live
    while True:
        onward = np.bincount(source, weights=reaches[next_lane], minlength=len(lanes)) > 0
        across = [(lane >= 0) & reaches[lane] for lane in beside]
        grown = reaches | onward | across[0] | across[1]
        if np.array_equal(grown, reaches):
            return np.where(reaches, np.maximum(life, 1), 0).astype(np.int64)
        reaches = grown


def _add_stop_lines(table: Records, town: Town) -> None:
    """Stop line of each lane, the signal that rules it, and whether a stop sign stands there."""
    table["stop_s"], table["stop_signal"] = np.inf, -1
    stop_s, signal, sign = table["stop_s"], table["stop_signal"], table["stop_sign"]
    owner = np.repeat(np.arange(len(town.signals)), np.diff(town.signals.stop_start))
    for row, lane, s in zip(owner, town.signals.stop_lane, town.signals.stop_s_m, strict=True):
        if s < stop_s[lane]:
            stop_s[lane], signal[lane] = s, row
    for lane, s in zip(town.stop_signs.lane, town.stop_signs.s_m, strict=True):
        if signal[lane] < 0:
            stop_s[lane], sign[lane] = min(float(s), float(stop_s[lane])), 1


def _curve_caps(lanes: LaneTable) -> Float[np.ndarray, " point"]:
    """Speed at which a bend is taken with `CURVE_MPS2`, from the heading change over 4 m."""
    caps = np.empty(len(lanes.yaw))
    _fill_caps(
        lanes.start.astype(np.int64),
        lanes.s_m.astype(np.float64),
        lanes.yaw.astype(np.float64),
        caps,
    )
    return caps


@entry
@no_type_check
def _fill_caps(
    start: Int[np.ndarray, " lane_plus_1"],
    s_m: Float[np.ndarray, " point"],
    yaw: Float[np.ndarray, " point"],
    caps: Float[np.ndarray, " point"],
) -> None:
    """The speed at each point of each lane."""
    for lane in range(len(start) - 1):
        s, out = s_m[start[lane] : start[lane + 1]], caps[start[lane] : start[lane + 1]]
        way = yaw[start[lane] : start[lane + 1]].copy()
        turned = 0.0
        for i in range(1, len(way)):
            step = yaw[start[lane] + i] - yaw[start[lane] + i - 1]
            wrapped = (step + math.pi) % (2.0 * math.pi) - math.pi
            if wrapped == -math.pi and step > 0.0:
                wrapped = math.pi
            if abs(step) >= math.pi:
                turned += wrapped - step
            way[i] += turned
        back = front = 0
        for i in range(len(way)):
            back, low = _heading(s, way, s[i] - 2.0, back)
            front, high = _heading(s, way, s[i] + 2.0, front)
            run = min(s[i] + 2.0, s[-1]) - max(s[i] - 2.0, 0.0)
            bend = abs(high - low) / max(run, 1e-3)
            out[i] = min(100.0, math.sqrt(CURVE_MPS2 / max(bend, 1e-6)))


@inner
@no_type_check
def _heading(
    s: Float[np.ndarray, " n"], way: Float[np.ndarray, " n"], at: float, row: int
) -> tuple[int, float]:
    """The row before a place, looked for from an earlier one on, and the heading at the place."""
    if at <= s[0]:
        return row, way[0]
    if at >= s[-1]:
        return row, way[-1]
    while s[row + 1] <= at:
        row += 1
    slope = (way[row + 1] - way[row]) / (s[row + 1] - s[row])
    return row, slope * (at - s[row]) + way[row]


def _crossings(town: Town) -> tuple[Int[np.ndarray, " lane_plus_1"], Records]:
    """Where driving lanes run over crosswalks, as CSR."""
    lanes, walks = town.lanes, town.crosswalks
    count = len(lanes)
    if len(walks) == 0:
        return np.zeros(count + 1, np.int64), np.zeros(0, dtype=WALK)
    polygons = np.array(
        [
            shapely.Polygon(walks.corners[walks.start[k] : walks.start[k + 1], :2]).buffer(0.0)
            for k in range(len(walks))
        ]
    )
    of_point = np.repeat(np.arange(count), np.diff(lanes.start))
    driving = lanes.kind[of_point] == LaneKind.DRIVING
    rows = np.flatnonzero(driving & _near(lanes.points[:, :2], shapely.bounds(polygons)))
    points = shapely.points(lanes.points[rows, :2].astype(np.float64))
    at, walk = shapely.STRtree(polygons).query(points, predicate="intersects")
    lane, s = of_point[rows[at]], lanes.s_m[rows[at]]
    pairs, which = np.unique(np.stack([lane, walk], axis=1), axis=0, return_inverse=True)
    found = np.zeros(len(pairs), dtype=WALK)
    found["crosswalk"], found["enter"], found["exit"] = pairs[:, 1], np.inf, -np.inf
    np.minimum.at(found["enter"], which.ravel(), s)
    np.maximum.at(found["exit"], which.ravel(), s)
    start = np.concatenate([[0], np.cumsum(np.bincount(pairs[:, 0], minlength=count))])
    return start.astype(np.int64), found


def _near(
    xy: Float[np.ndarray, "point 2"], bounds: Float[np.ndarray, "box 4"]
) -> Bool[np.ndarray, " point"]:
    """Points in the squares of the ground that some boxes reach into: few are left to look at."""
    low = np.minimum(xy.min(axis=0), bounds[:, :2].min(axis=0))
    square = ((xy - low) / SQUARE_M).astype(np.int64)
    first = ((bounds[:, :2] - low) / SQUARE_M).astype(np.int64)
    last = ((bounds[:, 2:] - low) / SQUARE_M).astype(np.int64)
    taken = np.zeros(np.maximum(square.max(axis=0), last.max(axis=0)) + 1, dtype=bool)
    for (left, lower), (right, upper) in zip(first.tolist(), last.tolist(), strict=True):
        taken[left : right + 1, lower : upper + 1] = True
    return taken[square[:, 0], square[:, 1]]


road_of = PerTown(build_road)
"""The road network of a town, gathered on first use."""


@inner
@no_type_check
def pose_on_lane(road: Road, lane: int, s: float) -> tuple[float, float, float, float, float]:
    """x, y, z, yaw and pitch of the centre line at arc length `s`; points are evenly spaced."""
    row = road.lanes[lane]
    steps = row.last - row.first
    along = min(max(s / max(row.length, 1e-6), 0.0), 1.0) * steps
    i = min(int(along), steps - 1)
    t = along - i
    a, b = road.points[row.first + i], road.points[row.first + i + 1]
    dx, dy, dz = b.x - a.x, b.y - a.y, b.z - a.z
    turn = (b.yaw - a.yaw + math.pi) % (2.0 * math.pi) - math.pi
    yaw = (a.yaw + t * turn + math.pi) % (2.0 * math.pi) - math.pi
    pitch = math.atan2(dz, max(math.sqrt(dx * dx + dy * dy), 1e-6))
    return a.x + t * dx, a.y + t * dy, a.z + t * dz, yaw, pitch
