"""Who is near whom, found without looking at everybody: cells of bodies, chains of drivers.

Both are made anew in each tick. What is found through them is what a look at everybody would find.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.kernel import inner
from symdrive.sim.road import Records, Road
from symdrive.sim.state import CLAIMS, Traffic
from symdrive.world.catalogue import ActorKind

CELL_M = 25.0
"""Least side of a cell."""

MOST_CELLS = 48
"""Cells along each side of the area in which there are bodies, at most."""

SLOTS = 512
"""Heads of each sort of chain, a power of two; keys that share one are told apart by looking."""

_PEDESTRIAN = ActorKind.PEDESTRIAN.value


class Cells(NamedTuple):
    """Bodies by square cells of the ground plane.

    Attributes:
        corner: x, y of the first cell's corner and the side of a cell, m.
        columns: cells in a row.
        first: first row of `body` of each cell (rows of cells follow y), plus the total.
        body: rows of bodies, ascending within a cell.
        widest_m: no body reaches farther from its centre.
        fastest_mps: no walker is faster.
    """

    corner: Float[np.ndarray, " 3"]
    columns: int
    first: Int[np.ndarray, " cell_plus_1"]
    body: Int[np.ndarray, " body"]
    widest_m: float
    fastest_mps: float


@inner
@no_type_check
def _index(corner: Float[np.ndarray, " 3"], columns: int, x: float, y: float) -> int:
    """Cell of a place within the area."""
    col, row = int((x - corner[0]) / corner[2]), int((y - corner[1]) / corner[2])
    return min(row, columns - 1) * columns + min(col, columns - 1)


@inner
@no_type_check
def sort_into_cells(bodies: Records) -> Cells:
    """Put every body into its cell."""
    low_x = low_y = math.inf
    high_x = high_y = -math.inf
    widest = fastest = 0.0
    for j in range(len(bodies)):
        body = bodies[j]
        low_x, high_x = min(low_x, body.x), max(high_x, body.x)
        low_y, high_y = min(low_y, body.y), max(high_y, body.y)
        widest = max(widest, body.half_length**2 + body.half_width**2)
        if body.kind == _PEDESTRIAN:
            fastest = max(fastest, body.speed)
    side = max(CELL_M, max(high_x - low_x, high_y - low_y) / (MOST_CELLS - 1))
    columns = int(max(high_x - low_x, high_y - low_y) / side) + 1
    corner = np.array([low_x, low_y, side])
    first = np.zeros(columns * columns + 1, np.int64)
    cell = np.empty(len(bodies), np.int64)
    for j in range(len(bodies)):
        cell[j] = _index(corner, columns, bodies[j].x, bodies[j].y)
        first[cell[j] + 1] += 1
    for c in range(columns * columns):
        first[c + 1] += first[c]
    order = np.empty(len(bodies), np.int64)
    filled = first[:-1].copy()
    for j in range(len(bodies)):
        order[filled[cell[j]]] = j
        filled[cell[j]] += 1
    return Cells(corner, columns, first, order, math.sqrt(widest), fastest)


@inner
@no_type_check
def span_of_cells(
    cells: Cells, low: tuple[float, float], high: tuple[float, float]
) -> tuple[int, int, int, int]:
    """First and last column, first and last row of the cells that a rectangle meets."""
    side, last = cells.corner[2], cells.columns - 1
    c0 = min(max(math.floor((low[0] - cells.corner[0]) / side), 0), last)
    c1 = min(max(math.floor((high[0] - cells.corner[0]) / side), 0), last)
    r0 = min(max(math.floor((low[1] - cells.corner[1]) / side), 0), last)
    r1 = min(max(math.floor((high[1] - cells.corner[1]) / side), 0), last)
    return int(c0), int(c1), int(r0), int(r1)


class Chains(NamedTuple):
    """Drivers by the places that they share with others, as chains in ascending order.

    A chain begins at `head[sort, key % SLOTS]` and goes on through `follow[sort]`; -1 ends it.

    Attributes:
        head: of each sort: `BY_LANE`, `BY_ENTRY`, `BY_EXIT`, `BY_JUNCTION`.
        follow: the driver after each driver, of the first three sorts.
        claim: the claim after each claim (`CLAIMS` * driver + claim), of the last one.
        exit_lane: the first lane behind the junction that each driver is in or comes to, or -1.
    """

    head: Int[np.ndarray, "sort slot"]
    follow: Int[np.ndarray, "sort driver"]
    claim: Int[np.ndarray, " claim"]
    exit_lane: Int[np.ndarray, " driver"]


BY_LANE, BY_ENTRY, BY_EXIT, BY_JUNCTION = range(4)


@inner
@no_type_check
def _exit_lane(road: Road, traffic: Traffic, j: int) -> int:
    """The first lane behind the junction that a driver is in or comes to, -1 where unknown."""
    seen = False
    for k in range(traffic.drivers[j].path_count):
        if road.lanes[traffic.paths[j, k]].junction >= 0:
            seen = True
        elif seen:
            return traffic.paths[j, k]
    return -1


@inner
@no_type_check
def _push(
    head: Int[np.ndarray, " slot"], follow: Int[np.ndarray, " item"], key: int, item: int
) -> None:
    """Put an item before its chain; no key, no chain."""
    if key >= 0:
        slot = key % SLOTS
        follow[item] = head[slot]
        head[slot] = item


@inner
@no_type_check
def chain(road: Road, traffic: Traffic) -> Chains:
    """Chain all drivers, once their lines and claims of this tick are known."""
    count = len(traffic.drivers)
    head = np.full((4, SLOTS), -1)
    follow = np.full((3, count), -1)
    claim = np.full(count * CLAIMS, -1)
    exit_lane = np.empty(count, np.int64)
    for j in range(count - 1, -1, -1):
        driver = traffic.drivers[j]
        exit_lane[j] = _exit_lane(road, traffic, j)
        _push(head[BY_LANE], follow[BY_LANE], traffic.bodies[j].lane, j)
        _push(head[BY_ENTRY], follow[BY_ENTRY], driver.entry_from, j)
        _push(head[BY_EXIT], follow[BY_EXIT], exit_lane[j], j)
        for c in range(driver.claim_count - 1, -1, -1):
            junction = road.lanes[traffic.claims[j, c].lane].junction
            _push(head[BY_JUNCTION], claim, junction, j * CLAIMS + c)
    return Chains(head, follow, claim, exit_lane)
