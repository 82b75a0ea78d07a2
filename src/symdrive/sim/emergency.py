"""Vehicles on an emergency call, and the others who make way for them.

On a road with several lanes a side, who has one behind it pulls over to the edge of its lane and
stops: to the left on the leftmost lane, to the right everywhere else. The emergency vehicle drives
through the alley between them. It never leaves its side of the road: on a road with one lane a side
others drive on, as fast as they can, until there is room. It is first at junctions and passes red
lights as soon as others keep clear (`lines`, `junctions`).
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Int

from symdrive.sim.changing import along_way
from symdrive.sim.following import MARGIN_M
from symdrive.sim.kernel import entry, inner
from symdrive.sim.road import Records, Road
from symdrive.sim.sideways import aside_at, begin_shift
from symdrive.sim.state import Traffic
from symdrive.world.catalogue import ActorKind

HEARD_M = 70.0
"""Drivers make way for an emergency vehicle that is so far behind them."""

ABREAST_M = 9.0
"""And on lanes beside its own, if they are no farther aside than this."""

OVER_EDGE_M = 0.2
"""The tyres of who has pulled over to the right stand on the gutter."""

ONCOMING_M = 0.16
"""Who has pulled over to the left leaves this much of its lane to those who come towards it: two
of them leave more than the `following.MARGIN_M` that drivers want beside them."""

ALLEY_M = 0.35
"""Space that an emergency vehicle leaves to those it passes."""

PATIENT_TICKS = 500
"""Who has made way for so long (25 s) goes on, for the other may wait for it to move."""

AGAIN_TICKS = 600
"""And does not stop again before so long (30 s)."""

PULL_M = 10.0
"""Shortest road over which a vehicle pulls over."""

ROOM_M = 25.0
"""Nobody pulls over where somebody is parked at the edge this near."""

_BICYCLE = ActorKind.BICYCLE.value


@inner
@no_type_check
def _side(road: Road, lane: int) -> float:
    """To which side of a lane vehicles pull over: 1 left, -1 right."""
    return 1.0 if road.lanes[lane].left < 0 and road.lanes[lane].right >= 0 else -1.0


@inner
@no_type_check
def _is_behind(me: Records, other: Records) -> bool:
    """Whether another vehicle comes from behind on the same side of the road, on any lane."""
    dx, dy = other.x - me.x, other.y - me.y
    cos, sin = math.cos(me.yaw), math.sin(me.yaw)
    along, aside = cos * dx + sin * dy, cos * dy - sin * dx
    return -HEARD_M < along < 0.0 and abs(aside) < ABREAST_M and math.cos(other.yaw - me.yaw) > 0.8


@inner
@no_type_check
def _hears(road: Road, traffic: Traffic, j: int, calls: Int[np.ndarray, " call"]) -> bool:
    """Whether driver `j` has one of the emergency vehicles behind it."""
    me = traffic.bodies[j]
    for u in calls:
        other = traffic.bodies[u]
        if (other.x - me.x) ** 2 + (other.y - me.y) ** 2 > (HEARD_M + ABREAST_M) ** 2:
            continue
        if _is_behind(me, other) or 0.0 < along_way(road, traffic, u, j) < HEARD_M:
            return True
    return False


@inner
@no_type_check
def _edge(road: Road, traffic: Traffic, j: int) -> float:
    """Where a vehicle that has pulled over stands in its lane, m left of the middle."""
    body = traffic.bodies[j]
    half = road.points[road.lanes[body.lane].first].half_width
    side = _side(road, body.lane)
    beyond = OVER_EDGE_M if side < 0.0 else -ONCOMING_M
    return side * max(half + beyond - body.half_width, 0.0)


@inner
@no_type_check
def _is_barred(traffic: Traffic, j: int, edge: float) -> bool:
    """Whether somebody is parked where a driver would pull over; the road counts as straight."""
    me = traffic.bodies[j]
    cos, sin = math.cos(me.yaw), math.sin(me.yaw)
    for k in range(len(traffic.drivers), len(traffic.bodies)):
        body = traffic.bodies[k]
        if body.parked == 0:
            continue
        dx, dy = body.x - me.x, body.y - me.y
        along, aside = cos * dx + sin * dy, cos * dy - sin * dx
        near = -me.half_length < along < ROOM_M + me.speed
        if near and abs(aside - edge) < me.half_width + body.half_width + 2.0 * MARGIN_M:
            return True
    return False


@inner
@no_type_check
def _can_pull_over(road: Road, traffic: Traffic, j: int) -> bool:
    """Whether a driver can let others pass on its side of the road, and is not changing lanes."""
    body, driver = traffic.bodies[j], traffic.drivers[j]
    lane = road.lanes[body.lane]
    clear = body.half_length + 2.0 < body.lane_s < lane.length - PULL_M
    several = lane.left >= 0 or lane.right >= 0
    return clear and several and lane.junction < 0 and driver.shift_m <= 0.0


@inner
@no_type_check
def _make_way(road: Road, traffic: Traffic, j: int, calls: Int[np.ndarray, " call"]) -> None:
    """Begin, go on or end to make way."""
    body, driver = traffic.bodies[j], traffic.drivers[j]
    hears = _hears(road, traffic, j, calls)
    rides = body.kind == _BICYCLE
    if driver.yielded < 0:
        driver.yielded += 1
    elif driver.yielded == 0 and hears and _can_pull_over(road, traffic, j):
        edge = driver.keep if rides else _edge(road, traffic, j)
        if _is_barred(traffic, j, edge):
            return
        driver.yielded = 1
        if not rides:
            begin_shift(driver, driver.keep, edge, PULL_M + body.speed)
    elif driver.yielded > 0 and (not hears or driver.yielded > PATIENT_TICKS):
        driver.yielded = -AGAIN_TICKS if hears else 0
        if not rides:
            aside, _ = aside_at(driver, 0.0)
            begin_shift(driver, aside, 0.0, 2.0 * PULL_M)
    elif driver.yielded > 0:
        driver.yielded += 1


@inner
@no_type_check
def _steer_through(road: Road, traffic: Traffic, u: int) -> None:
    """Choose the place in its lane in which an emergency vehicle passes those who made way."""
    me, driver = traffic.bodies[u], traffic.drivers[u]
    wanted = 0.0
    for j in range(1, len(traffic.drivers)):
        other = traffic.drivers[j]
        if j == u or other.yielded <= 0:
            continue
        ahead = along_way(road, traffic, u, j)
        if -me.half_length - 2.0 < ahead < HEARD_M and traffic.bodies[j].lane == me.lane:
            aside, _ = aside_at(other, math.inf)
            room = traffic.bodies[j].half_width + me.half_width + ALLEY_M
            away = aside + room if aside < 0.0 else aside - room
            wanted = away if abs(away) > abs(wanted) else wanted
    if abs(wanted - driver.keep) > 0.2 and driver.shift_m <= 0.0:
        begin_shift(driver, driver.keep, wanted, 2.0 * PULL_M)


@entry
@no_type_check
def make_way(road: Road, traffic: Traffic) -> None:
    """Let drivers make way for emergency vehicles; the ego's driver does as it likes."""
    calls = np.flatnonzero(traffic.drivers.urgent)
    for j in range(1, len(traffic.drivers)):
        if traffic.drivers[j].urgent == 1:
            _steer_through(road, traffic, j)
        else:
            _make_way(road, traffic, j, calls)
