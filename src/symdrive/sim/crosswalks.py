"""Drivers at crosswalks: they yield to walkers, and announce themselves to those who wait."""

import math
from typing import no_type_check

from symdrive.sim.kernel import inner
from symdrive.sim.lines import FIRM_MPS2, can_stop
from symdrive.sim.road import Records, Road, pose_on_lane
from symdrive.sim.state import Traffic, WalkerMode
from symdrive.sim.windows import travel_time

SIGHT_M = 60.0
"""Distance at which drivers and walkers reckon with each other."""

LINE_GAP_M = 1.2
"""From the front bumper to the crosswalk when yielding."""

YIELD_S = 4.0
"""A walker who needs longer to the driver's way does not bind yet."""

COMFORT_MPS2 = 2.0
"""What a walker expects of a driver who is to stop for somebody at the kerb."""

DEADLOCK_TICKS = 400
"""Who has stood for so long (20 s) goes on if the walker that it waits for waits for it."""

_CROSS = WalkerMode.CROSS.value


@inner
@no_type_check
def count_walkers(walkers: Records, crossings: Records) -> None:
    """Begin a tick: who walks on which crosswalk; no vehicle known yet."""
    for c in range(len(crossings)):
        crossings[c].walkers = 0
        crossings[c].any_s = crossings[c].firm_s = math.inf
    for w in range(len(walkers)):
        if walkers[w].mode == _CROSS:
            crossings[walkers[w].crosswalk].walkers += 1


@inner
@no_type_check
def _binds(me: Records, walker: Records, x: float, y: float, yaw: float) -> bool:
    """Whether the body of a walker on a crosswalk keeps a driver from passing a place there."""
    aside = math.cos(yaw) * (walker.y - y) - math.sin(yaw) * (walker.x - x)
    drift = walker.speed * math.sin(walker.yaw - yaw)
    room = abs(aside) - me.half_width - 0.7
    if room <= 0.0:
        return True
    if aside * drift >= 0.0:
        # Past this lane and walking on, or standing; one who stands near the lane may go on.
        return abs(drift) < 0.1 and room < 1.0
    return room / abs(drift) < YIELD_S


@inner
@no_type_check
def _is_held_by(traffic: Traffic, i: int, walker: Records) -> bool:
    """Whether a walker stands because driver `i` does: beside the vehicle, not before it.

    Some crosswalks of CARLA's towns lie askew to the way that people take over them.
    """
    me = traffic.bodies[i]
    if traffic.drivers[i].still < DEADLOCK_TICKS or walker.speed > 0.0:
        return False
    ahead = math.cos(me.yaw) * (walker.x - me.x) + math.sin(me.yaw) * (walker.y - me.y)
    return ahead < me.half_length


@inner
@no_type_check
def _must_yield(
    road: Road, traffic: Traffic, walkers: Records, i: int, at: tuple[int, int, float]
) -> bool:
    """Whether anybody on a crosswalk binds driver `i`; `at`: crosswalk, and lane and s there."""
    x, y, _, yaw, _ = pose_on_lane(road, at[1], at[2])
    first = len(traffic.bodies) - len(walkers)
    for w in range(len(walkers)):
        on = walkers[w].mode == _CROSS and walkers[w].crosswalk == at[0]
        walker = traffic.bodies[first + w]
        binds = on and _binds(traffic.bodies[i], walker, x, y, yaw)
        if binds and not _is_held_by(traffic, i, walker):
            return True
    return False


@inner
@no_type_check
def _announce(traffic: Traffic, i: int, crossing: Records, distance: float) -> None:
    """Tell the walkers at a crosswalk when a driver arrives there."""
    speed = traffic.bodies[i].speed
    arrival = travel_time(max(distance, 0.0), speed, max(speed, 8.0), traffic.drivers[i].accel)
    crossing.any_s = min(crossing.any_s, arrival)
    if not can_stop(speed, distance - 1.0, COMFORT_MPS2):
        crossing.firm_s = min(crossing.firm_s, arrival)


@inner
@no_type_check
def yield_distance(
    road: Road, traffic: Traffic, walkers: Records, crossings: Records, i: int, line: float
) -> float:
    """Distance to the first crosswalk where driver `i` has to wait, infinite for none.

    Crosswalks that the driver reaches without stopping at `line` are told about it.
    """
    body = traffic.bodies[i]
    base = -body.lane_s - body.half_length
    for k in range(traffic.drivers[i].path_count):
        lane = traffic.paths[i, k]
        if base > SIGHT_M:
            break
        for c in range(road.lanes[lane].walk_first, road.lanes[lane].walk_end):
            walk = road.walks[c]
            distance = base + walk.enter - LINE_GAP_M
            if base + walk.exit < 0.0 or line <= distance:
                continue
            _announce(traffic, i, crossings[walk.crosswalk], distance)
            stops = distance > -0.5 and can_stop(body.speed, distance, 1.5 * FIRM_MPS2)
            at = (walk.crosswalk, lane, 0.5 * (walk.enter + walk.exit))
            walked = crossings[walk.crosswalk].walkers > 0
            if walked and stops and _must_yield(road, traffic, walkers, i, at):
                return distance
        base += road.lanes[lane].length
    return math.inf
