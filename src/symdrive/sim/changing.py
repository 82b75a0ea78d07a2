"""Lane changes: to get on faster, and where the lane ends.

The model is MOBIL (Kesting, Treiber, Helbing 2007, "General lane-changing model MOBIL for
car-following models", Transportation Research Record 1999): a driver changes when nobody has to
brake hard for it, and when what it gains, less what the drivers behind it on both lanes lose, is
worth the trouble. Whose lane ends changes as soon as it is safe.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.following import (
    HARDEST_MPS2,
    Meeting,
    acceleration_for_bodies,
    behind_leader,
    free_acceleration,
)
from symdrive.sim.kernel import entry, inner
from symdrive.sim.meeting import Cells, sort_into_cells, span_of_cells
from symdrive.sim.path import LOOK_M, SAMPLES, extend, look_ahead
from symdrive.sim.road import STOREY_M, Road, pose_on_lane
from symdrive.sim.sideways import begin_shift, shift_length
from symdrive.sim.state import PATH_LANES, Traffic

THINK_TICKS = 10
"""A driver thinks of lane changes every half second; drivers take turns."""

COOL_TICKS = 160
"""After a change a driver stays for 8 s at least, unless its lane ends."""

POLITENESS = 0.3
"""Weight of what others lose; between 0 (selfish) and 0.5 in Kesting et al."""

THRESHOLD_MPS2 = 0.2
"""A gain that is worth a change."""

KEEP_RIGHT_MPS2 = 0.3
"""Worth of driving on the right of two lanes of a fast road, where the left one is for passing."""

FAST_MPS = 20.0
"""A road with this speed limit is fast."""

SAFE_MPS2 = 2.0
"""Nobody brakes harder for a change; below the 4 m/s2 of Kesting et al., for our followers only
react when the vehicle comes into their way."""

FORCED_MPS2 = 3.0
"""The same where the lane ends."""

REACT_S = 1.5
"""Until a vehicle that changes lanes is seen by those behind it in the new one."""

SLOWEST_MPS = 2.0
"""Below this nobody changes lanes to gain something."""

SEARCH_M = 90.0
"""Others farther away along the road do not matter."""

BESIDE_M = 25.0
"""Only bodies this near can be beside the place that a driver wants."""

MARGIN_M = 0.5
"""Space beside that place; along the road twice as much."""

CLEAR_M = 8.0
"""Road that is left in front of a junction after a change."""

TIGHT_M = 12.0
"""Where the lane ends a change may be this short."""

AHEAD_OF_END_M = 130.0
"""Drivers begin to leave a lane this far before it ends."""


class Around(NamedTuple):
    """Who drives before and behind a driver along its way.

    Attributes:
        lead: row of the driver ahead, -1 for none.
        lead_gap: from bumper to bumper, m; infinite for none.
        rear: row of the driver behind.
        rear_gap: the same to it.
    """

    lead: int
    lead_gap: float
    rear: int
    rear_gap: float


class Stay(NamedTuple):
    """Everything about a driver that trying a lane change touches."""

    path: Int[np.ndarray, " lane"]
    path_count: int
    cursor: int
    behind: int
    blocker: int
    lane: int
    lane_s: float
    aside: float
    keep: float


@inner
@no_type_check
def along_way(road: Road, traffic: Traffic, i: int, j: int) -> float:
    """How far driver `j` is ahead of driver `i` along the way of either, m; infinite for neither.

    Negative for one behind, whose way leads to the lane of `i`.
    """
    me, other = traffic.bodies[i], traffic.bodies[j]
    base = -me.lane_s
    for k in range(traffic.drivers[i].path_count):
        lane = traffic.paths[i, k]
        if lane == other.lane:
            return base + other.lane_s
        base += road.lanes[lane].length
        if base > SEARCH_M:
            break
    base = -other.lane_s
    for k in range(traffic.drivers[j].path_count):
        lane = traffic.paths[j, k]
        if lane == me.lane:
            return -(base + me.lane_s)
        base += road.lanes[lane].length
        if base > SEARCH_M:
            break
    return math.inf


@inner
@no_type_check
def _around(road: Road, traffic: Traffic, cells: Cells, i: int) -> Around:
    """The nearest drivers on the way of driver `i`."""
    me = traffic.bodies[i]
    lead = rear = -1
    lead_gap = rear_gap = math.inf
    c0, c1, r0, r1 = span_of_cells(
        cells, (me.x - SEARCH_M, me.y - SEARCH_M), (me.x + SEARCH_M, me.y + SEARCH_M)
    )
    for row in range(r0, r1 + 1):
        at = row * cells.columns
        for slot in range(cells.first[at + c0], cells.first[at + c1 + 1]):
            j = cells.body[slot]
            if j == i or j >= len(traffic.drivers):
                continue
            ahead = along_way(road, traffic, i, j)
            gap = abs(ahead) - me.half_length - traffic.bodies[j].half_length
            if ahead > 0.0 and gap < lead_gap:
                lead, lead_gap = j, gap
            elif ahead <= 0.0 and gap < rear_gap:
                rear, rear_gap = j, gap
    return Around(lead, lead_gap, rear, rear_gap)


@inner
@no_type_check
def _drive(road: Road, traffic: Traffic, i: int, gap: float, lead: int) -> float:
    """IDM acceleration of driver `i` behind another one on a straight road, m/s2."""
    driver = traffic.drivers[i]
    limit = min(driver.haste * road.lanes[traffic.bodies[i].lane].limit, driver.top_speed)
    wish = free_acceleration(traffic, i, limit)
    if lead >= 0:
        wish += behind_leader(traffic, i, Meeting(gap, traffic.bodies[lead].speed))
    return max(wish, -HARDEST_MPS2)


@inner
@no_type_check
def _loss(road: Road, traffic: Traffic, i: int, around: Around) -> float:
    """What the driver behind would gain if driver `i` was not there, >= 0, m/s2."""
    if around.rear < 0:
        return 0.0
    through = around.rear_gap + 2.0 * traffic.bodies[i].half_length + around.lead_gap
    without = _drive(road, traffic, around.rear, through, around.lead)
    return without - _drive(road, traffic, around.rear, around.rear_gap, i)


@inner
@no_type_check
def _yields(traffic: Traffic, i: int, around: Around, hardest: float) -> bool:
    """Whether those around a new place are far enough away, the one behind without braking hard."""
    if min(around.lead_gap, around.rear_gap) < 2.0 * MARGIN_M:
        return False
    if around.rear < 0:
        return True
    closing = traffic.bodies[around.rear].speed - traffic.bodies[i].speed
    gap = around.rear_gap - REACT_S * max(closing, 0.0)
    if gap < traffic.drivers[around.rear].min_gap:
        return False
    meeting = Meeting(gap, traffic.bodies[i].speed)
    return behind_leader(traffic, around.rear, meeting) >= -hardest


@inner
@no_type_check
def _is_free(road: Road, traffic: Traffic, cells: Cells, i: int) -> bool:
    """Whether no body is, or comes at once, beside the place that driver `i` moves to."""
    me, bodies = traffic.bodies[i], traffic.bodies
    x, y, z, yaw, _ = pose_on_lane(road, me.lane, me.lane_s)
    cos, sin = math.cos(yaw), math.sin(yaw)
    c0, c1, r0, r1 = span_of_cells(
        cells, (x - BESIDE_M, y - BESIDE_M), (x + BESIDE_M, y + BESIDE_M)
    )
    for row in range(r0, r1 + 1):
        at = row * cells.columns
        for slot in range(cells.first[at + c0], cells.first[at + c1 + 1]):
            j = cells.body[slot]
            body = bodies[j]
            if j == i or abs(body.z - z) > STOREY_M:
                continue
            dx, dy = body.x - x, body.y - y
            along, aside = cos * dx + sin * dy, abs(cos * dy - sin * dx)
            turn = body.yaw - yaw
            across = body.half_length * abs(math.sin(turn)) + body.half_width * abs(math.cos(turn))
            faster = body.speed * math.cos(turn) - me.speed
            closing = max(-faster if along > 0.0 else faster, 0.0) * REACT_S
            room = me.half_length + body.half_length + 2.0 * MARGIN_M + closing
            if abs(along) < room and aside < me.half_width + across + MARGIN_M:
                return False
    return True


@inner
@no_type_check
def _beside_s(road: Road, x: float, y: float, lane: int, s: float) -> tuple[float, float]:
    """Arc length on a lane beside a place, and how far to the left of it the place is, m.

    Args:
        road: the network.
        x: the place.
        y: the same.
        lane: to find it on.
        s: a first guess.
    """
    aside = 0.0
    for _ in range(4):
        px, py, _, yaw, _ = pose_on_lane(road, lane, s)
        cos, sin = math.cos(yaw), math.sin(yaw)
        s = min(max(s + cos * (x - px) + sin * (y - py), 0.0), road.lanes[lane].length)
        aside = cos * (y - py) - sin * (x - px)
    return s, aside


@inner
@no_type_check
def _next_to(road: Road, lane: int, side: int) -> int:
    """The lane that a driver may change to; `side` 1 is left."""
    return road.lanes[lane].left if side > 0 else road.lanes[lane].right


@inner
@no_type_check
def _side_room(road: Road, traffic: Traffic, i: int, side: int) -> float:
    """Road ahead of a driver along which its lane has a neighbour to change to, m."""
    room = -traffic.bodies[i].lane_s
    for k in range(traffic.drivers[i].path_count):
        if _next_to(road, traffic.paths[i, k], side) < 0:
            break
        room += road.lanes[traffic.paths[i, k]].length
    return room


@inner
@no_type_check
def _junction_room(road: Road, traffic: Traffic, i: int) -> float:
    """Road ahead of a driver up to the next junction, m; infinite for none in sight."""
    room = -traffic.bodies[i].lane_s
    for k in range(traffic.drivers[i].path_count):
        if road.lanes[traffic.paths[i, k]].junction >= 0:
            return room
        room += road.lanes[traffic.paths[i, k]].length
    return math.inf


@inner
@no_type_check
def end_room(road: Road, traffic: Traffic, i: int) -> float:
    """Road ahead of a driver up to where its way ends, m; infinite where it goes on."""
    count = traffic.drivers[i].path_count
    last = road.lanes[traffic.paths[i, count - 1]]
    if count == PATH_LANES or last.next_first < last.next_end:
        return math.inf
    room = -traffic.bodies[i].lane_s
    for k in range(count):
        room += road.lanes[traffic.paths[i, k]].length
    return room


@inner
@no_type_check
def _stay(traffic: Traffic, i: int) -> Stay:
    """What a driver does now."""
    body, driver = traffic.bodies[i], traffic.drivers[i]
    return Stay(
        traffic.paths[i].copy(),
        driver.path_count,
        driver.cursor,
        driver.behind,
        driver.blocker,
        body.lane,
        body.lane_s,
        driver.aside,
        driver.keep,
    )


@inner
@no_type_check
def _undo(traffic: Traffic, i: int, stay: Stay) -> None:
    """Take a lane change back."""
    body, driver = traffic.bodies[i], traffic.drivers[i]
    traffic.paths[i, :] = stay.path
    driver.path_count, driver.cursor = stay.path_count, stay.cursor
    driver.behind, driver.blocker = stay.behind, stay.blocker
    body.lane, body.lane_s = stay.lane, stay.lane_s
    driver.aside, driver.keep, driver.shift_m, driver.shifted_m = stay.aside, stay.keep, 0.0, 0.0


@inner
@no_type_check
def _begin(road: Road, traffic: Traffic, i: int, lane: int, length: float) -> None:
    """Begin a change to a lane: from now on the driver's way leads along it."""
    body, driver = traffic.bodies[i], traffic.drivers[i]
    guess = body.lane_s * road.lanes[lane].length / max(road.lanes[body.lane].length, 1e-6)
    body.lane_s, aside = _beside_s(road, body.x, body.y, lane, guess)
    body.lane = lane
    traffic.paths[i, 0] = lane
    driver.path_count, driver.behind = 1, -1
    extend(road, traffic, i)
    begin_shift(driver, aside, driver.keep, length)


@inner
@no_type_check
def _fits(
    road: Road,
    traffic: Traffic,
    cells: Cells,
    i: int,
    hardest: float,
    view: Float[np.ndarray, "sample 8"],
) -> bool:
    """Whether driver `i`, who has begun a change, can end it and need not brake hard."""
    body = traffic.bodies[i]
    room = _junction_room(road, traffic, i)
    if room < traffic.drivers[i].shift_m + CLEAR_M or not _is_free(road, traffic, cells, i):
        return False
    reach = min(LOOK_M, 25.0 + 2.5 * body.speed + body.speed * body.speed / 6.0)
    count = look_ahead(road, traffic, i, reach, view)
    return acceleration_for_bodies(traffic, cells, i, view, count) >= -hardest


@inner
@no_type_check
def _change(
    road: Road,
    traffic: Traffic,
    cells: Cells,
    i: int,
    side: int,
    least: float,
    view: Float[np.ndarray, "sample 8"],
) -> bool:
    """Change lanes if that is safe, and worth it.

    Args:
        road: the network.
        traffic: everybody.
        cells: their bodies.
        i: the driver.
        side: 1 for left, -1 for right.
        least: acceleration, less what others lose, that the driver has to get, m/s2; minus infinity
            where its lane ends.
        view: buffer.

    Returns:
        Whether the change has begun.
    """
    body = traffic.bodies[i]
    lane = _next_to(road, body.lane, side)
    # One whose rear is still in a junction has claims there that end with its way.
    if lane < 0 or road.lanes[lane].live == 0 or body.lane_s < 2.0 * body.half_length:
        return False
    end, length = end_room(road, traffic, i), shift_length(body.speed)
    forced = least == -math.inf
    if forced:
        length = max(min(length, end - 2.0 * MARGIN_M), TIGHT_M)
    if _side_room(road, traffic, i, side) < length:
        return False
    stay, hardest = _stay(traffic, i), FORCED_MPS2 if forced else SAFE_MPS2
    _begin(road, traffic, i, lane, length)
    after, beyond = _around(road, traffic, cells, i), end_room(road, traffic, i)
    gain = _drive(road, traffic, i, after.lead_gap, after.lead)
    gain -= POLITENESS * _loss(road, traffic, i, after)
    if (
        gain > least
        and beyond > (end + CLEAR_M if forced else LOOK_M)
        and _yields(traffic, i, after, hardest)
        and _fits(road, traffic, cells, i, hardest, view)
    ):
        return True
    _undo(traffic, i, stay)
    return False


@inner
@no_type_check
def _least_gain(road: Road, traffic: Traffic, cells: Cells, i: int, tick: int) -> float:
    """The acceleration that would make driver `i` change lanes, before any bias to a side.

    Minus infinity where its lane ends; infinite for one that does not want to, or has just changed.
    """
    driver = traffic.drivers[i]
    if end_room(road, traffic, i) < AHEAD_OF_END_M:
        return -math.inf
    if tick - driver.changed_at < COOL_TICKS or traffic.bodies[i].speed < SLOWEST_MPS:
        return math.inf
    if driver.yielded > 0:
        return math.inf
    around = _around(road, traffic, cells, i)
    now = _drive(road, traffic, i, around.lead_gap, around.lead)
    return now + THRESHOLD_MPS2 - POLITENESS * _loss(road, traffic, i, around)


@inner
@no_type_check
def _think(
    road: Road,
    traffic: Traffic,
    cells: Cells,
    i: int,
    tick: int,
    view: Float[np.ndarray, "sample 8"],
) -> None:
    """Decide whether one driver begins a lane change."""
    lane = road.lanes[traffic.bodies[i].lane]
    bias = KEEP_RIGHT_MPS2 if lane.limit > FAST_MPS else 0.0
    ends = end_room(road, traffic, i) < AHEAD_OF_END_M
    if traffic.drivers[i].blocker < 0 and not ends and (bias == 0.0 or lane.right < 0):
        return
    least = _least_gain(road, traffic, cells, i, tick)
    best = _drive(road, traffic, i, math.inf, -1)
    for side in (1, -1):
        wanted = least + side * bias
        if best > wanted and _change(road, traffic, cells, i, side, wanted, view):
            traffic.drivers[i].changed_at = tick
            return


@entry
@no_type_check
def change_lanes(road: Road, traffic: Traffic, tick: int) -> None:
    """Let those drivers whose turn it is begin lane changes."""
    cells = sort_into_cells(traffic.bodies)
    view = np.empty((SAMPLES, 8))
    for i in range(1, len(traffic.drivers)):
        lane = road.lanes[traffic.bodies[i].lane]
        beside = lane.left >= 0 or lane.right >= 0
        if beside and (tick + 7 * i) % THINK_TICKS == 0 and traffic.drivers[i].shift_m <= 0.0:
            _think(road, traffic, cells, i, tick, view)
