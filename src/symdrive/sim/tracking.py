"""Where the ego is on the road, so that traffic can reckon with it, and how it moves."""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.maps.town import HeightGrid, LaneKind, Town
from symdrive.sim.ego import EgoState, Pedals, advance
from symdrive.sim.kernel import entry, inner
from symdrive.sim.path import extend
from symdrive.sim.road import STOREY_M, PerTown, Road, pose_on_lane
from symdrive.sim.state import PATH_LANES, Traffic

AHEAD_LANES = 4
"""How many lanes of its route the ego may have skipped between two ticks."""

EDGE_M = 0.3
"""How far the ego's centre may be outside of a lane of its route and still count as on it."""

CELL_M = 8.0
"""Spacing of the grid that finds lane points near a place."""

_DRIVING = LaneKind.DRIVING.value


class Cells(NamedTuple):
    """Lane points bucketed into square cells.

    Attributes:
        origin: x, y of the first cell's corner.
        first: first row of `point` of each cell (rows of cells follow y), plus the total.
        point: rows of `Road.points`.
        columns: cells in a row.
    """

    origin: Float[np.ndarray, " 2"]
    first: Int[np.ndarray, " cell_plus_1"]
    point: Int[np.ndarray, " point"]
    columns: int


def build_cells(town: Town) -> Cells:
    """Bucket the points of all lanes of a town."""
    xy = town.lanes.points[:, :2].astype(np.float64)
    # An empty border, so that the neighbours of every cell exist.
    low = xy.min(axis=0) - 2.0 * CELL_M
    index = ((xy - low) / CELL_M).astype(np.int64)
    columns, rows = (index.max(axis=0) + 3).tolist()
    cell = index[:, 1] * columns + index[:, 0]
    stop = np.cumsum(np.bincount(cell, minlength=columns * rows))
    first = np.concatenate([[0], stop]).astype(np.int64)
    return Cells(low, first, np.argsort(cell, kind="stable").astype(np.int64), columns)


cells_of = PerTown(build_cells)
"""The buckets of a town, filled on first use."""


class Course(NamedTuple):
    """The ego's route as a sequence of lanes, and the ground it drives on.

    Attributes:
        lanes: each once, in order.
        at: one entry, the place in `lanes` that the ego has reached.
        steer: one entry, where the steering actuator stands.
        grid: origin x, y and cell size of the height grid.
        height: the height grid; rows follow y.
    """

    lanes: Int[np.ndarray, " lane"]
    at: Int[np.ndarray, " 1"]
    steer: Float[np.ndarray, " 1"]
    grid: Float[np.ndarray, " 3"]
    height: Float[np.ndarray, "row col"]


def new_course(route_lanes: Int[np.ndarray, " point"], ground: HeightGrid) -> Course:
    """The course of an episode; route points on no lane (-1) are left out."""
    known = route_lanes[route_lanes >= 0].astype(np.int64)
    change = np.concatenate([[True], known[1:] != known[:-1]])[: len(known)]
    grid = np.array([ground.origin[0], ground.origin[1], ground.cell_m], dtype=np.float64)
    return Course(known[change], np.zeros(1, np.int64), np.zeros(1), grid, ground.z)


@inner
@no_type_check
def _ground_height(course: Course, x: float, y: float) -> float:
    """Bilinear height of the ground, as `HeightGrid.height`."""
    rows, cols = course.height.shape
    c = min(max((x - course.grid[0]) / course.grid[2], 0.0), cols - 1.001)
    r = min(max((y - course.grid[1]) / course.grid[2], 0.0), rows - 1.001)
    col, row = int(c), int(r)
    fc, fr = c - col, r - row
    low = course.height[row, col] * (1.0 - fc) + course.height[row, col + 1] * fc
    high = course.height[row + 1, col] * (1.0 - fc) + course.height[row + 1, col + 1] * fc
    return low * (1.0 - fr) + high * fr


@inner
@no_type_check
def _project(road: Road, lane: int, x: float, y: float, z: float) -> tuple[float, float]:
    """Arc length of the nearest point of a lane, and how far outside of the lane a place is."""
    row = road.lanes[lane]
    best, near = math.inf, -1
    for i in range(row.first, row.last + 1):
        point = road.points[i]
        away = (x - point.x) ** 2 + (y - point.y) ** 2
        if away < best and abs(z - point.z) < STOREY_M:
            best, near = away, i
    if near < 0:
        return 0.0, math.inf
    point = road.points[near]
    cos, sin = math.cos(point.yaw), math.sin(point.yaw)
    dx, dy = x - point.x, y - point.y
    s = point.s + cos * dx + sin * dy
    beyond = max(0.0, -s, s - row.length)
    outside = max(abs(cos * dy - sin * dx) - point.half_width, beyond)
    return min(max(s, 0.0), row.length), outside


@inner
@no_type_check
def _mismatch(road: Road, row: int, x: float, y: float, yaw: float) -> tuple[float, float]:
    """How badly a lane point suits a pose (infinite outside of the lane), and the distance along.

    Metres beside the centre line, plus 2 m for a lane without traffic, plus up to 6 m for a
    driving lane that runs the other way.
    """
    point = road.points[row]
    dx, dy = x - point.x, y - point.y
    cos, sin = math.cos(point.yaw), math.sin(point.yaw)
    along, aside = cos * dx + sin * dy, abs(cos * dy - sin * dx)
    if abs(along) > 1.0 or aside > point.half_width + 0.05:
        return math.inf, 0.0
    if road.lanes[point.lane].kind == _DRIVING:
        return aside + abs(along) + 3.0 * (1.0 - math.cos(yaw - point.yaw)), along
    return aside + abs(along) + 2.0, along


@inner
@no_type_check
def lane_at(
    road: Road, cells: Cells, x: float, y: float, z: float, yaw: float
) -> tuple[int, float]:
    """The lane that a pose is on and the arc length along it; lane -1 where there is none."""
    col = int((x - cells.origin[0]) / CELL_M)
    row = int((y - cells.origin[1]) / CELL_M)
    rows = (len(cells.first) - 1) // cells.columns
    best, lane, s = math.inf, -1, 0.0
    if not (1 <= col < cells.columns - 1 and 1 <= row < rows - 1):
        return lane, s
    for r in range(row - 1, row + 2):
        cell = r * cells.columns + col
        for k in range(cells.first[cell - 1], cells.first[cell + 2]):
            point = road.points[cells.point[k]]
            if abs(point.z - z) > STOREY_M:
                continue
            badness, along = _mismatch(road, cells.point[k], x, y, yaw)
            if badness < best:
                best, lane, s = badness, point.lane, point.s + along
    return lane, min(max(s, 0.0), road.lanes[lane].length) if lane >= 0 else 0.0


@inner
@no_type_check
def _find_on_course(road: Road, course: Course, traffic: Traffic) -> bool:
    """Look for the ego on the next lanes of its route; the lane it is most inside of wins."""
    ego = traffic.bodies[0]
    best, found = EDGE_M, -1
    for k in range(course.at[0], min(course.at[0] + AHEAD_LANES, len(course.lanes))):
        s, outside = _project(road, course.lanes[k], ego.x, ego.y, ego.z)
        if outside < best:
            best, found = outside, k
            ego.lane, ego.lane_s = course.lanes[k], s
    if found >= 0:
        course.at[0] = found
    return found >= 0


@inner
@no_type_check
def _follows(road: Road, lane: int, other: int) -> bool:
    """Whether `other` succeeds `lane`."""
    for k in range(road.lanes[lane].next_first, road.lanes[lane].next_end):
        if road.next_lane[k] == other:
            return True
    return False


@inner
@no_type_check
def _path_from_course(road: Road, traffic: Traffic, course: Course) -> None:
    """The ego's path as others see it: its route up to the next lane change but one.

    Where the route changes lanes next, the target lane is taken for the present one.
    """
    k, last = course.at[0], len(course.lanes) - 1
    while k < last and not _follows(road, course.lanes[k], course.lanes[k + 1]):
        k += 1
    traffic.paths[0, 0] = course.lanes[k]
    count = 1
    while k < last and count < PATH_LANES and _follows(road, course.lanes[k], course.lanes[k + 1]):
        k += 1
        traffic.paths[0, count] = course.lanes[k]
        count += 1
    traffic.drivers[0].path_count = count


@entry
@no_type_check
def locate_ego(road: Road, cells: Cells, traffic: Traffic, course: Course) -> None:
    """Write the ego's lane, and the path that others expect it to take.

    Off its route the ego is expected to follow its lane, and to turn somewhere.
    """
    ego, driver = traffic.bodies[0], traffic.drivers[0]
    before = ego.lane
    if _find_on_course(road, course, traffic):
        if before != ego.lane or driver.path_count == 0:
            driver.behind = before
            _path_from_course(road, traffic, course)
        return
    ego.lane, ego.lane_s = lane_at(road, cells, ego.x, ego.y, ego.z, ego.yaw)
    if ego.lane < 0 or road.lanes[ego.lane].kind != _DRIVING:
        driver.path_count, driver.behind = 0, -1
    elif ego.lane != before:
        driver.behind, driver.path_count = before, 1
        traffic.paths[0, 0] = ego.lane
        extend(road, traffic, 0)


@entry
@no_type_check
def stand_on_ground(road: Road, traffic: Traffic, course: Course) -> None:
    """Height and pitch of the ego from the lane it is on, else from the ground."""
    ego = traffic.bodies[0]
    dx, dy = math.cos(ego.yaw), math.sin(ego.yaw)
    if ego.lane >= 0:
        _, _, ego.z, yaw, pitch = pose_on_lane(road, ego.lane, ego.lane_s)
        ego.pitch = math.atan(math.tan(pitch) * math.cos(ego.yaw - yaw))
        return
    nose = _ground_height(course, ego.x + dx, ego.y + dy)
    tail = _ground_height(course, ego.x - dx, ego.y - dy)
    ego.z, ego.pitch = _ground_height(course, ego.x, ego.y), math.atan2(nose - tail, 2.0)


@entry
@no_type_check
def drive_ego(traffic: Traffic, course: Course, pedals: Pedals, dt: float) -> None:
    """Advance the ego's body by one tick; height and lane follow in `locate_ego`."""
    ego = traffic.bodies[0]
    state = EgoState(ego.x, ego.y, ego.yaw, ego.speed, course.steer[0])
    after = advance(state, pedals, math.sin(ego.pitch), dt)
    turn = (after.yaw - ego.yaw + math.pi) % (2.0 * math.pi) - math.pi
    ego.yaw_rate, ego.acceleration = turn / dt, (after.speed - ego.speed) / dt
    ego.x, ego.y, ego.yaw, ego.speed = after.x, after.y, after.yaw, after.speed
    ego.braking = 1 if pedals.brake > 0.0 else 0
    course.steer[0] = after.steer
