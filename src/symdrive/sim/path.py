"""The lanes that a driver has decided on: extending them, moving along them, looking ahead."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float

from symdrive.sim.kernel import entry, inner
from symdrive.sim.road import MOTORWAY_MPS, Records, Road, pose_on_lane
from symdrive.sim.sideways import advance_shift, aside_at, is_centred
from symdrive.sim.state import PATH_LANES, Traffic
from symdrive.world.catalogue import ActorKind

DECIDED_M = 130.0
"""Length of path that a driver decides on ahead."""

LOOK_M = 110.0
"""Longest distance looked ahead."""

SAMPLES = 280
"""Rows of the look-ahead buffer."""

SPACING_M = 0.4
"""Least distance between samples; lanes have points every metre or denser."""

X, Y, Z, YAW, AHEAD, CAP, COS, SIN = range(8)
"""Columns of the look-ahead buffer: place, heading, distance from the box centre, speed cap, and
cosine and sine of the heading to the last bit but one."""

_BICYCLE = ActorKind.BICYCLE.value


@inner
@no_type_check
def _worth(road: Road, lane: int, rides: int) -> int:
    """How much a driver prefers a lane: one with a long life, and cyclists one off motorways."""
    fast = rides == 1 and road.lanes[lane].limit > MOTORWAY_MPS
    return 2 * road.lanes[lane].live - (1 if fast else 0)


@inner
@no_type_check
def _choose(road: Road, traffic: Traffic, i: int, lane: int) -> int:
    """A successor by lot, of those that are preferred; -1 at a dead end."""
    first, end = road.lanes[lane].next_first, road.lanes[lane].next_end
    driver = traffic.drivers[i]
    rides = 1 if traffic.bodies[i].kind == _BICYCLE and driver.keep < 0.0 else 0
    best, options = -1, 0
    for k in range(first, end):
        worth = _worth(road, road.next_lane[k], rides)
        options = 1 if worth > best else options + (worth == best)
        best = max(best, worth)
    if options == 0:
        return -1
    draw = traffic.draws[i, driver.cursor % traffic.draws.shape[1]]
    driver.cursor += 1
    pick = int(draw * options)
    for k in range(first, end):
        if _worth(road, road.next_lane[k], rides) < best:
            continue
        if pick == 0:
            return road.next_lane[k]
        pick -= 1
    return -1


@entry
@no_type_check
def extend(road: Road, traffic: Traffic, i: int) -> None:
    """Decide on further lanes at random until `DECIDED_M` are known; dead ends are avoided."""
    path = traffic.paths[i]
    count = traffic.drivers[i].path_count
    length = 0.0
    for k in range(1, count):
        length += road.lanes[path[k]].length
    while 0 < count < PATH_LANES and length < DECIDED_M:
        lane = _choose(road, traffic, i, path[count - 1])
        if lane < 0:
            break
        path[count] = lane
        length += road.lanes[lane].length
        count += 1
    traffic.drivers[i].path_count = count


@entry
@no_type_check
def place(road: Road, traffic: Traffic, i: int, dt: float) -> None:
    """Put a body where its lane, arc length and driver say, and derive its yaw rate."""
    body = traffic.bodies[i]
    x, y, z, yaw, pitch = pose_on_lane(road, body.lane, body.lane_s)
    if i < len(traffic.drivers) and not is_centred(traffic.drivers[i]):
        aside, turn = aside_at(traffic.drivers[i], 0.0)
        x, y = x - aside * math.sin(yaw), y + aside * math.cos(yaw)
        yaw = (yaw + turn + math.pi) % (2.0 * math.pi) - math.pi
    if dt > 0.0:
        turn = (yaw - body.yaw + math.pi) % (2.0 * math.pi) - math.pi
        body.yaw_rate = turn / dt
    body.x, body.y, body.z, body.yaw, body.pitch = x, y, z, yaw, pitch


@inner
@no_type_check
def _enter_next_lane(road: Road, traffic: Traffic, i: int) -> None:
    """Leave the first lane of the path, of which the body has reached the end."""
    body, driver, path = traffic.bodies[i], traffic.drivers[i], traffic.paths[i]
    body.lane_s -= road.lanes[body.lane].length
    driver.behind = path[0]
    for k in range(driver.path_count - 1):
        path[k] = path[k + 1]
    driver.path_count -= 1
    body.lane = path[0]
    extend(road, traffic, i)


@entry
@no_type_check
def move(road: Road, traffic: Traffic, dt: float) -> None:
    """Carry out the accelerations that the drivers decided on."""
    for i in range(1, len(traffic.drivers)):
        body, driver = traffic.bodies[i], traffic.drivers[i]
        before = body.speed
        body.speed = max(0.0, before + driver.command * dt)
        body.acceleration = (body.speed - before) / dt
        holds = body.speed < 0.05 and driver.command <= 0.0
        body.braking = 1 if driver.command < -0.6 or holds else 0
        step = 0.5 * (before + body.speed) * dt
        body.lane_s += step
        advance_shift(driver, step)
        while body.lane_s > road.lanes[body.lane].length and driver.path_count > 1:
            _enter_next_lane(road, traffic, i)
        if body.lane_s > road.lanes[body.lane].length:
            body.lane_s, body.speed = road.lanes[body.lane].length, 0.0
        place(road, traffic, i, dt)


@inner
@no_type_check
def _put_aside(driver: Records, view: Float[np.ndarray, "sample 8"], k: int) -> None:
    """Move a sample from the middle of the lane to where the driver is going to be."""
    aside, turn = aside_at(driver, view[k, AHEAD])
    yaw = view[k, YAW]
    view[k, X] -= aside * math.sin(yaw)
    view[k, Y] += aside * math.cos(yaw)
    view[k, YAW] = yaw + turn
    view[k, COS], view[k, SIN] = math.cos(yaw + turn), math.sin(yaw + turn)


@inner
@no_type_check
def look_ahead(
    road: Road, traffic: Traffic, i: int, reach: float, view: Float[np.ndarray, "sample 8"]
) -> int:
    """Write the path ahead of a driver into `view`, its own place first; the number of rows.

    Args:
        road: the network.
        traffic: everybody.
        i: row of the driver.
        reach: distance to look, from the box centre, m.
        view: buffer, see the column names of this module.
    """
    body, driver = traffic.bodies[i], traffic.drivers[i]
    view[0, X], view[0, Y], view[0, Z], view[0, YAW] = body.x, body.y, body.z, body.yaw
    view[0, COS], view[0, SIN] = math.cos(body.yaw), math.sin(body.yaw)
    view[0, AHEAD], view[0, CAP] = 0.0, driver.haste * road.lanes[body.lane].limit
    count, base = 1, -body.lane_s
    centred = is_centred(driver)
    for k in range(driver.path_count):
        lane = road.lanes[traffic.paths[i, k]]
        limit = driver.haste * lane.limit
        for row in range(lane.first, lane.last + 1):
            point = road.points[row]
            ahead = base + point.s
            if ahead - view[count - 1, AHEAD] < SPACING_M:
                continue
            if ahead > reach or count == len(view):
                return count
            view[count, X], view[count, Y], view[count, Z] = point.x, point.y, point.z
            view[count, YAW], view[count, AHEAD] = point.yaw, ahead
            view[count, COS], view[count, SIN] = point.cos, point.sin
            view[count, CAP] = min(point.cap, limit)
            if not centred:
                _put_aside(driver, view, count)
            count += 1
        base += lane.length
    return count
