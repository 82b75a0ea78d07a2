"""Walkers: along sidewalks, over crosswalks when they may, out of the way of bodies."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.kernel import entry, inner
from symdrive.sim.meeting import Cells, sort_into_cells, span_of_cells
from symdrive.sim.road import STOREY_M, Records, Road, pose_on_lane
from symdrive.sim.state import Traffic, WalkerMode
from symdrive.sim.walkways import Walkways
from symdrive.world.truth import SignalState

AHEAD_M = 0.8
"""How far ahead of itself a walker looks for bodies in the way."""

SIGHT_M = 7.0
"""Bodies whose centres are farther away do not reach to that place."""

MOVED_M = 0.5
"""Walkers that have taken their step since the cells were made are at most so far from there."""

MARGIN_S = 1.0
"""Time by which a walker must have crossed before a vehicle arrives."""

BOLD_TICKS = 100
"""After this wait (5 s) it is enough that vehicles can stop in comfort."""

GIVE_UP_TICKS = 1200
"""After this wait (60 s) a walker walks on along the sidewalk."""

_WALK, _TO_KERB, _WAIT = WalkerMode.WALK.value, WalkerMode.TO_KERB.value, WalkerMode.WAIT.value
_CROSS, _TO_LANE, _DOWN = WalkerMode.CROSS.value, WalkerMode.TO_LANE.value, WalkerMode.DOWN.value
_LOOK, _STRAY = WalkerMode.LOOK.value, WalkerMode.STRAY.value
_GREEN, _YELLOW = SignalState.GREEN.value, SignalState.YELLOW.value


@entry
@no_type_check
def sidewalk_pose(road: Road, walkers: Records, w: int) -> tuple[float, float, float, float]:
    """x, y, z and heading of a walker on its sidewalk, beside the centre line."""
    walker = walkers[w]
    x, y, z, yaw, _ = pose_on_lane(road, walker.lane, walker.s)
    if walker.direction < 0:
        yaw = yaw % (2.0 * math.pi) - math.pi
    return x + walker.offset * math.sin(yaw), y - walker.offset * math.cos(yaw), z, yaw


@inner
@no_type_check
def head_for_lane(
    road: Road, walkers: Records, w: int, lane: int, s: float, direction: int
) -> None:
    """Walk straight to a place on a sidewalk and go on along it."""
    walker = walkers[w]
    walker.lane, walker.s, walker.direction = lane, s, direction
    walker.goal_x, walker.goal_y, walker.goal_z, _ = sidewalk_pose(road, walkers, w)
    walker.mode, walker.crosswalk = _TO_LANE, -1


@inner
@no_type_check
def _head_for_kerb(ways: Walkways, walker: Records, crosswalk: int, side: int, mode: int) -> None:
    """Walk straight to one side of a crosswalk."""
    kerb = ways.sides[crosswalk, side]
    walker.goal_x, walker.goal_y, walker.goal_z = kerb.x, kerb.y, kerb.z
    walker.crosswalk, walker.mode = crosswalk, mode


@inner
@no_type_check
def next_draw(walker: Records, draws: Float[np.ndarray, " draw"]) -> float:
    """The walker's next random number, uniform in [0, 1)."""
    walker.cursor += 1
    return draws[walker.cursor % len(draws)]


@inner
@no_type_check
def _in_the_way(me: Records, body: Records, pace: float) -> bool:
    """Whether a body that covers the place just ahead of a walker makes it wait.

    Vehicles do; so does a slower walker ahead. Oncoming walkers both keep right, and standing ones
    are walked around.
    """
    if body.half_length > 0.5:
        return True
    return math.cos(body.yaw - me.yaw) > 0.5 and 0.1 < body.speed < pace


@inner
@no_type_check
def _covers(body: Records, dx: float, dy: float) -> bool:
    """Whether a body covers a place, seen from its centre, with room to walk by."""
    cos, sin = math.cos(body.yaw), math.sin(body.yaw)
    along, aside = abs(cos * dx + sin * dy), abs(cos * dy - sin * dx)
    return along < body.half_length + 0.4 and aside < body.half_width + 0.4


@inner
@no_type_check
def _obstructed(bodies: Records, cells: Cells, row: int, pace: float) -> bool:
    """Whether something covers the place just ahead of a walker that makes it wait."""
    me = bodies[row]
    x, y = me.x + AHEAD_M * math.cos(me.yaw), me.y + AHEAD_M * math.sin(me.yaw)
    reach = SIGHT_M + MOVED_M
    c0, c1, r0, r1 = span_of_cells(cells, (x - reach, y - reach), (x + reach, y + reach))
    for line in range(r0, r1 + 1):
        at = line * cells.columns
        for slot in range(cells.first[at + c0], cells.first[at + c1 + 1]):
            j = cells.body[slot]
            body = bodies[j]
            dx, dy = x - body.x, y - body.y
            far = dx * dx + dy * dy > SIGHT_M * SIGHT_M
            if j == row or far or abs(body.z - me.z) > STOREY_M:
                continue
            if _covers(body, dx, dy) and _in_the_way(me, body, pace):
                return True
    return False


@inner
@no_type_check
def _turn_at_end(
    road: Road, ways: Walkways, walkers: Records, draws: Float[np.ndarray, " draw"], w: int
) -> None:
    """Continue on a sidewalk that lies next to the end of this one, or turn round."""
    walker = walkers[w]
    length = road.lanes[walker.lane].length
    end = ways.ends[2 * walker.lane + (1 if walker.direction > 0 else 0)]
    if end.first == end.end:
        s = min(max(walker.s, 0.0), length)
        head_for_lane(road, walkers, w, walker.lane, s, -walker.direction)
        return
    pick = ways.links[end.first + int(next_draw(walker, draws) * (end.end - end.first))]
    if pick % 2 == 0:
        head_for_lane(road, walkers, w, pick // 2, 0.0, 1)
    else:
        head_for_lane(road, walkers, w, pick // 2, road.lanes[pick // 2].length, -1)


@inner
@no_type_check
def _find_door(
    ways: Walkways, walker: Records, draws: Float[np.ndarray, " draw"], share: float
) -> bool:
    """Turn to a crosswalk that the walker has just come to, by lot."""
    for k in range(ways.first_door[walker.lane], ways.first_door[walker.lane + 1]):
        door = ways.doors[k]
        if abs(door.s - walker.s) > 0.3 or walker.used == door.crosswalk:
            continue
        walker.used = door.crosswalk
        if next_draw(walker, draws) < share:
            walker.side, walker.waited = door.side, 0
            _head_for_kerb(ways, walker, door.crosswalk, door.side, _TO_KERB)
            return True
    return False


@inner
@no_type_check
def _may_cross(
    ways: Walkways, walker: Records, crossings: Records, signals: Int[np.ndarray, " signal"]
) -> bool:
    """Whether the drivers' signal and the gap between vehicles allow to step off the kerb."""
    crossing = crossings[walker.crosswalk]
    a, b = ways.sides[walker.crosswalk, 0], ways.sides[walker.crosswalk, 1]
    if a.signal >= 0 and (signals[a.signal] == _GREEN or signals[a.signal] == _YELLOW):
        return False
    needed = math.sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2) / walker.pace + MARGIN_S
    if crossing.any_s > needed:
        return True
    return walker.waited > BOLD_TICKS and crossing.firm_s > needed


@inner
@no_type_check
def _wait(
    ways: Walkways,
    me: Records,
    walker: Records,
    crossings: Records,
    signals: Int[np.ndarray, " signal"],
) -> None:
    """Stand at the kerb until the crossing is free."""
    near, far = ways.sides[walker.crosswalk, walker.side], 1 - walker.side
    other = ways.sides[walker.crosswalk, far]
    me.speed, me.yaw = 0.0, math.atan2(other.y - near.y, other.x - near.x)
    walker.waited += 1
    if _may_cross(ways, walker, crossings, signals):
        _head_for_kerb(ways, walker, walker.crosswalk, far, _CROSS)


@inner
@no_type_check
def _go_to_goal(bodies: Records, cells: Cells, walker: Records, row: int, dt: float) -> bool:
    """One step straight towards the goal; whether it was reached."""
    me = bodies[row]
    dx, dy = walker.goal_x - me.x, walker.goal_y - me.y
    left, step = math.sqrt(dx * dx + dy * dy), walker.pace * dt
    if left > 1e-6:
        me.yaw = math.atan2(dy, dx)
    if left > step and _obstructed(bodies, cells, row, walker.pace):
        me.speed = 0.0
        return False
    share = min(1.0, step / max(left, 1e-6))
    me.x, me.y = me.x + share * dx, me.y + share * dy
    me.z += share * (walker.goal_z - me.z)
    me.speed = walker.pace
    return left <= step


@inner
@no_type_check
def _arrive(
    road: Road, ways: Walkways, walkers: Records, draws: Float[np.ndarray, " draw"], w: int
) -> None:
    """The walker has reached its goal: what next."""
    walker = walkers[w]
    if walker.mode == _TO_KERB:
        walker.mode = _WAIT
    elif walker.mode == _TO_LANE or walker.mode == _STRAY:
        walker.mode = _WALK
    else:
        side = ways.sides[walker.crosswalk, 1 - walker.side]
        direction = 1 if next_draw(walker, draws) < 0.5 else -1
        head_for_lane(road, walkers, w, side.lane, side.lane_s, direction)


@inner
@no_type_check
def _stroll(road: Road, bodies: Records, cells: Cells, walkers: Records, w: int, dt: float) -> None:
    """One step along the sidewalk."""
    row = len(bodies) - len(walkers) + w
    walker, me = walkers[w], bodies[row]
    if _obstructed(bodies, cells, row, walker.pace):
        me.speed = 0.0
        return
    me.speed = walker.pace
    walker.s += walker.direction * walker.pace * dt
    me.x, me.y, me.z, me.yaw = sidewalk_pose(road, walkers, w)


@inner
@no_type_check
def _step(
    road: Road,
    ways: Walkways,
    traffic: Traffic,
    cells: Cells,
    walkers: Records,
    w: int,
    habit: tuple[float, float],
) -> None:
    """Advance a walker who is on the move."""
    share, dt = habit
    row = len(traffic.bodies) - len(walkers) + w
    walker, draws = walkers[w], traffic.draws[row]
    if walker.mode != _WALK:
        if _go_to_goal(traffic.bodies, cells, walker, row, dt):
            _arrive(road, ways, walkers, draws, w)
    elif not _find_door(ways, walker, draws, share):
        _stroll(road, traffic.bodies, cells, walkers, w, dt)
        if not 0.0 <= walker.s <= road.lanes[walker.lane].length:
            _turn_at_end(road, ways, walkers, draws, w)


@entry
@no_type_check
def walk(
    road: Road,
    ways: Walkways,
    traffic: Traffic,
    walkers: Records,
    crossings: Records,
    signals: Int[np.ndarray, " signal"],
    habit: tuple[float, float],
) -> None:
    """Advance every walker.

    Args:
        road: the network.
        ways: the sidewalks and crosswalks.
        traffic: everybody's bodies; walkers are the last rows.
        walkers: their minds.
        crossings: traffic at the crosswalks.
        signals: `SignalState` of each signal.
        habit: the share that uses a crosswalk it meets, and the length of the tick.
    """
    cells = sort_into_cells(traffic.bodies)
    for w in range(len(walkers)):
        walker, me = walkers[w], traffic.bodies[len(traffic.bodies) - len(walkers) + w]
        before = me.speed
        if walker.mode == _DOWN or walker.mode == _LOOK:
            me.speed = 0.0
        elif walker.mode == _WAIT:
            _wait(ways, me, walker, crossings, signals)
            if walker.mode == _WAIT and walker.waited > GIVE_UP_TICKS:
                head_for_lane(road, walkers, w, walker.lane, walker.s, walker.direction)
        else:
            _step(road, ways, traffic, cells, walkers, w, habit)
        me.lane = walker.lane if walker.mode == _WALK else -1
        me.lane_s = walker.s if walker.mode == _WALK else 0.0
        me.acceleration = (me.speed - before) / habit[1]
        me.walked += me.speed * habit[1]
