"""Walkers who cross a road away from crosswalks: where, and when they dare to.

They do not wait for a free road, but for a gap in which every driver can brake in time once it sees
them come; drivers brake for them as for anybody in their way.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.maps.town import LaneKind
from symdrive.sim.following import STEP_ASIDE_S
from symdrive.sim.kernel import entry, inner
from symdrive.sim.road import Records, Road
from symdrive.sim.state import Traffic, WalkerMode
from symdrive.sim.tracking import Cells, lane_at
from symdrive.sim.walking import GIVE_UP_TICKS, head_for_lane, next_draw
from symdrive.sim.walkways import Walkways
from symdrive.sim.windows import travel_time
from symdrive.world.backend import TICK_S

THINK_TICKS = 20
"""A walker thinks of crossing once a second, and looks for a gap as often; walkers take turns."""

WIDEST_M = 25.0
"""A road wider than this, from sidewalk to sidewalk, is not crossed."""

STEP_M = 0.5
"""Between places on the way across that are looked at."""

VERGE_M = 4.0
"""Wider stretches that belong to no lane are not crossed: there may be anything."""

CROSSWALK_M = 15.0
"""Whoever is this near to a crosswalk has no reason to cross beside it."""

SIGHT_M = 80.0
"""Vehicles farther away along their way are not reckoned with."""

BRAKE_MPS2 = 3.0
"""What a walker expects of a driver."""

GAP_M = 2.0
"""From a bumper to the walker's way across when a driver has braked."""

BEFORE_S, AFTER_S = 0.5, 1.0
"""Times by which a vehicle has left the way across, or has not reached it yet."""

BACK_TICKS = 80
"""Whoever cannot go on in the middle of a road for so long (4 s) goes back."""

MOST_LANES = 12
"""Lanes that one way across can lead over."""

_WALK, _LOOK, _STRAY = WalkerMode.WALK.value, WalkerMode.LOOK.value, WalkerMode.STRAY.value
_DRIVING, _SIDEWALK = LaneKind.DRIVING.value, LaneKind.SIDEWALK.value


class Across(NamedTuple):
    """The driving lanes on a straight way across a road, in order.

    Attributes:
        found: how many lanes, -1 where there is no way across.
        lane: their rows.
        s: arc length of the crossing on each.
        near: from the walker to where each begins, m.
        far: to where it ends, m.
        target: the sidewalk on the other side.
        target_s: arc length there.
    """

    found: int
    lane: Int[np.ndarray, " crossed"]
    s: Float[np.ndarray, " crossed"]
    near: Float[np.ndarray, " crossed"]
    far: Float[np.ndarray, " crossed"]
    target: int
    target_s: float


@inner
@no_type_check
def _across(road: Road, places: Cells, me: Records, yaw: float) -> Across:
    """Look straight across the road from a walker on a sidewalk, in direction `yaw`."""
    lanes, s = np.empty(MOST_LANES, np.int64), np.empty(MOST_LANES)
    near, far = np.empty(MOST_LANES), np.empty(MOST_LANES)
    count, verge, away = 0, 0.0, 0.0
    none = Across(np.int64(-1), lanes, s, near, far, np.int64(-1), 0.0)
    while away < WIDEST_M:
        away += STEP_M
        x, y = me.x + away * math.cos(yaw), me.y + away * math.sin(yaw)
        lane, at = lane_at(road, places, x, y, me.z, yaw)
        verge = verge + STEP_M if lane < 0 else 0.0
        if verge > VERGE_M or (lane >= 0 and road.lanes[lane].junction >= 0):
            return none
        kind = road.lanes[lane].kind if lane >= 0 else -1
        if kind == _SIDEWALK and count > 0:
            return Across(count, lanes, s, near, far, lane, at)
        if kind == _DRIVING and (count == 0 or lanes[count - 1] != lane):
            if count == MOST_LANES:
                return none
            lanes[count], s[count], near[count] = lane, at, away - STEP_M
            count += 1
        if kind == _DRIVING:
            far[count - 1] = away + STEP_M
    return none


@inner
@no_type_check
def _is_barred(ways: Walkways, bodies: Records, me: Records, yaw: float) -> bool:
    """Whether a crosswalk is near, or a parked car in the way across."""
    for c in range(len(ways.sides)):
        for side in range(2):
            kerb = ways.sides[c, side]
            if (kerb.x - me.x) ** 2 + (kerb.y - me.y) ** 2 < CROSSWALK_M**2:
                return True
    cos, sin = math.cos(yaw), math.sin(yaw)
    for j in range(len(bodies)):
        body = bodies[j]
        if body.parked == 0:
            continue
        along = cos * (body.x - me.x) + sin * (body.y - me.y)
        aside = cos * (body.y - me.y) - sin * (body.x - me.x)
        if -2.0 < along < WIDEST_M and abs(aside) < body.half_length + 1.0:
            return True
    return False


@inner
@no_type_check
def _lets_pass(
    road: Road, traffic: Traffic, j: int, distance: float, across: tuple[float, float]
) -> bool:
    """Whether a walker need not fear driver `j`.

    Args:
        road: the network.
        traffic: everybody.
        j: the driver.
        distance: from its front bumper to the way across, m.
        across: when the walker enters the lane and when it has left it, s from now.
    """
    body, driver = traffic.bodies[j], traffic.drivers[j]
    speed, tail = body.speed, distance + 2.0 * body.half_length
    if tail <= 0.0 or tail / max(speed, 0.1) + BEFORE_S < across[0]:
        return True
    if distance <= 0.0:
        return False
    pace = max(speed, driver.haste * road.lanes[body.lane].limit)
    if travel_time(distance, speed, pace, driver.accel) > across[1] + AFTER_S:
        return True
    seen = max(0.0, across[0] - STEP_ASIDE_S)
    return speed * speed <= 2.0 * BRAKE_MPS2 * max(distance - speed * seen - GAP_M, 0.0)


@inner
@no_type_check
def _is_gap(road: Road, traffic: Traffic, across: Across, pace: float) -> bool:
    """Whether every driver on its way over the lanes ahead lets a walker pass."""
    for j in range(len(traffic.drivers)):
        body = traffic.bodies[j]
        base = -body.lane_s - body.half_length
        for k in range(traffic.drivers[j].path_count):
            if base > SIGHT_M:
                break
            lane = traffic.paths[j, k]
            for c in range(across.found):
                if across.lane[c] != lane:
                    continue
                times = (across.near[c] / pace, across.far[c] / pace)
                if not _lets_pass(road, traffic, j, base + across.s[c], times):
                    return False
            base += road.lanes[lane].length
    return True


@inner
@no_type_check
def _consider(
    road: Road, places: Cells, ways: Walkways, traffic: Traffic, walkers: Records, w: int
) -> None:
    """Stop at the kerb if there is a way across the road from here, on either side."""
    me, walker = traffic.bodies[len(traffic.bodies) - len(walkers) + w], walkers[w]
    direction = walker.direction
    for side in (1.0, -1.0):
        yaw = me.yaw + side * 0.5 * math.pi
        across = _across(road, places, me, yaw)
        if across.found > 0 and not _is_barred(ways, traffic.bodies, me, yaw):
            head_for_lane(road, walkers, w, across.target, across.target_s, direction)
            walker.mode, walker.waited, me.speed = _LOOK, 0, 0.0
            me.yaw = math.atan2(walker.goal_y - me.y, walker.goal_x - me.x)
            return


@inner
@no_type_check
def _look(road: Road, places: Cells, traffic: Traffic, walkers: Records, w: int) -> None:
    """Step off the kerb when there is a gap; give up after a while."""
    me, walker = traffic.bodies[len(traffic.bodies) - len(walkers) + w], walkers[w]
    home, s = lane_at(road, places, me.x, me.y, me.z, me.yaw)
    walker.waited += THINK_TICKS
    across = _across(road, places, me, me.yaw)
    if across.found > 0 and _is_gap(road, traffic, across, walker.pace):
        walker.mode, walker.waited = _STRAY, 0
    elif (across.found <= 0 or walker.waited > GIVE_UP_TICKS) and home >= 0:
        head_for_lane(road, walkers, w, home, s, walker.direction)


@inner
@no_type_check
def _think_better(road: Road, places: Cells, traffic: Traffic, walkers: Records, w: int) -> None:
    """Turn back when a vehicle has stood in the way for a while: it may wait for this walker."""
    me, walker = traffic.bodies[len(traffic.bodies) - len(walkers) + w], walkers[w]
    walker.waited = walker.waited + THINK_TICKS if me.speed == 0.0 else 0
    if walker.waited < BACK_TICKS:
        return
    across = _across(road, places, me, me.yaw + math.pi)
    if across.found > 0 and _is_gap(road, traffic, across, walker.pace):
        head_for_lane(road, walkers, w, across.target, across.target_s, walker.direction)
        walker.mode, walker.waited = _STRAY, 0


@entry
@no_type_check
def jaywalk(
    road: Road,
    places: Cells,
    ways: Walkways,
    traffic: Traffic,
    walkers: Records,
    tick: int,
    per_minute: float,
) -> None:
    """Let walkers begin to cross roads away from crosswalks.

    Args:
        road: the network.
        places: finds the lane at a place.
        ways: the sidewalks and crosswalks.
        traffic: everybody's bodies; walkers are the last rows.
        walkers: their minds.
        tick: now.
        per_minute: how often a walker wants to.
    """
    share = per_minute * THINK_TICKS * TICK_S / 60.0
    for w in range(len(walkers)):
        if (tick + 3 * w) % THINK_TICKS != 0:
            continue
        row = len(traffic.bodies) - len(walkers) + w
        if walkers[w].mode == _LOOK:
            _look(road, places, traffic, walkers, w)
        elif walkers[w].mode == _STRAY:
            _think_better(road, places, traffic, walkers, w)
        elif walkers[w].mode == _WALK and next_draw(walkers[w], traffic.draws[row]) < share:
            _consider(road, places, ways, traffic, walkers, w)
