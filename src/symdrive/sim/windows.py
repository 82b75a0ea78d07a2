"""Who is where in a junction when: time windows at the areas that two lanes share."""

import math
from typing import no_type_check

from symdrive.sim.kernel import inner
from symdrive.sim.lines import can_stop
from symdrive.sim.meeting import BY_JUNCTION, SLOTS, Chains
from symdrive.sim.road import Road
from symdrive.sim.state import CLAIMS, Traffic

BEFORE_S = 1.0
"""Time by which a driver must be out of a shared area before another one arrives."""

AFTER_S = 0.4
"""Time after which it may arrive when another one has left."""

ZONE_GAP_M = 0.8
"""From the front bumper to a shared area when waiting for another vehicle to leave it."""

ZONE_MPS2 = 4.0
"""Braking that a driver accepts for a vehicle that is in the junction before it."""

_STANDING_MPS = 0.3


@inner
@no_type_check
def travel_time(distance: float, speed: float, top: float, accel: float) -> float:
    """Time to cover a distance, accelerating up to `top`."""
    if distance <= 0.0:
        return 0.0
    top = max(top, speed, 0.5)
    ramp = (top * top - speed * speed) / (2.0 * accel)
    if distance <= ramp:
        return (math.sqrt(speed * speed + 2.0 * accel * distance) - speed) / accel
    return (top - speed) / accel + (distance - ramp) / top


@inner
@no_type_check
def _window(
    road: Road, traffic: Traffic, at: tuple[int, int], begin: float, end: float
) -> tuple[float, float]:
    """When a driver that need not wait enters a shared area at the earliest and leaves at the last.

    Args:
        road: the network.
        traffic: everybody.
        at: row of the driver and number of its claim.
        begin: where the area begins along the claimed lane, m.
        end: where it ends.

    Returns:
        Seconds from now.
    """
    body, driver, claim = (
        traffic.bodies[at[0]],
        traffic.drivers[at[0]],
        traffic.claims[at[0], at[1]],
    )
    pace = max(min(road.lanes[claim.lane].pace, driver.top_speed), 0.5)
    enter = travel_time(claim.start_m + begin, body.speed, pace, driver.accel)
    out = claim.start_m + end + 2.0 * body.half_length
    if body.speed <= pace:
        return enter, travel_time(out, body.speed, pace, 0.85 * driver.accel)
    # Slows down on its way to the lane, then goes at the lane's pace.
    approach = min(max(claim.start_m, 0.0), out)
    return enter, approach / (0.5 * (body.speed + pace)) + (out - approach) / pace


@inner
@no_type_check
def keeps_clear(
    road: Road, traffic: Traffic, mine: tuple[int, int], theirs: tuple[int, int]
) -> bool:
    """Whether two drivers never share an area on the lanes of two of their claims.

    Args:
        road: the network.
        traffic: everybody.
        mine: row of the driver that asks, and number of its claim.
        theirs: the same of the other driver.
    """
    own, other = traffic.claims[mine[0], mine[1]], traffic.claims[theirs[0], theirs[1]]
    if _share_way(road, own.lane, other.lane):
        return True
    body = traffic.bodies[theirs[0]]
    for c in range(road.lanes[own.lane].conflict_first, road.lanes[own.lane].conflict_end):
        zone = road.conflicts[c]
        left = other.start_m + zone.other_exit + 2.0 * body.half_length <= 0.0
        if zone.other != other.lane or left:
            continue
        enter, leave = _window(road, traffic, mine, zone.enter, zone.exit)
        their_enter, their_leave = _window(road, traffic, theirs, zone.other_enter, zone.other_exit)
        if other.inside == 1 and body.speed < _STANDING_MPS:
            their_leave = math.inf
        if leave + BEFORE_S > their_enter and enter < their_leave + AFTER_S:
            return False
    return True


@inner
@no_type_check
def _share_way(road: Road, lane: int, other: int) -> bool:
    """Whether vehicles on two lanes follow each other, which needs no right of way."""
    origin = road.lanes[lane].origin
    return lane == other or (origin >= 0 and origin == road.lanes[other].origin)


@inner
@no_type_check
def _zone_line(
    road: Road, traffic: Traffic, mine: tuple[int, int], theirs: tuple[int, int]
) -> float:
    """Distance to a shared area that another vehicle in the junction reaches first, else infinite.

    One that stands before the area is not waited for.
    """
    own, other = traffic.claims[mine[0], mine[1]], traffic.claims[theirs[0], theirs[1]]
    me, body = traffic.bodies[mine[0]], traffic.bodies[theirs[0]]
    for c in range(road.lanes[own.lane].conflict_first, road.lanes[own.lane].conflict_end):
        zone = road.conflicts[c]
        distance, theirs_m = own.start_m + zone.enter, other.start_m + zone.other_enter
        left = other.start_m + zone.other_exit + 2.0 * body.half_length <= 0.0
        if zone.other != other.lane or left or distance < 0.0:
            continue
        waits = theirs_m > 0.0 and body.speed < _STANDING_MPS
        first = theirs_m < distance or (theirs_m == distance and theirs[0] < mine[0])
        if waits or not first or not can_stop(me.speed, distance - ZONE_GAP_M, ZONE_MPS2):
            continue
        enter, _ = _window(road, traffic, mine, zone.enter, zone.exit)
        _, their_leave = _window(road, traffic, theirs, zone.other_enter, zone.other_exit)
        if enter < their_leave + AFTER_S:
            return distance - ZONE_GAP_M
    return math.inf


@inner
@no_type_check
def zone_distance(road: Road, traffic: Traffic, chains: Chains, i: int) -> float:
    """Distance to the first shared area where driver `i`, in a junction, lets others go first."""
    nearest = math.inf
    for mine in range(traffic.drivers[i].claim_count):
        own = traffic.claims[i, mine]
        if own.inside == 0:
            break
        claim = chains.head[BY_JUNCTION, road.lanes[own.lane].junction % SLOTS]
        while claim >= 0:
            j, theirs = claim // CLAIMS, claim % CLAIMS
            other = traffic.claims[j, theirs]
            skip = j == i or other.inside == 0 or _share_way(road, own.lane, other.lane)
            if not skip:
                nearest = min(nearest, _zone_line(road, traffic, (i, mine), (j, theirs)))
            claim = chains.claim[claim]
    return nearest
