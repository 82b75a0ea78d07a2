"""Right of way: who may enter a junction, by time windows at the places where lanes meet.

Each tick every driver states which junction lanes it is on or about to enter (its claims). Drivers
near a junction are then judged one after the other, in the order of right of way (main road before
side road, straight on before left turns, then first come first served); a driver is granted its way
when it keeps clear of everybody who is in the junction, was granted a way before, or approaches
with more right. So two drivers never rely on each other to wait, and nobody enters without room
behind the junction.
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.maps.town import Turn
from symdrive.sim.kernel import inner
from symdrive.sim.road import Records, Road
from symdrive.sim.state import CLAIMS, NEVER, Traffic
from symdrive.world.truth import SignalState

SIGHT_M = 70.0
"""Distance at which an approaching vehicle is reckoned with."""

LINE_GAP_M = 0.6
"""From the front bumper to the line when standing at it."""

PASSED_M = 1.0
"""A line this far behind the front bumper has been passed."""

COMFORT_MPS2 = 1.8
"""Braking for a line begins where this deceleration is needed."""

FIRM_MPS2 = 3.5
"""A line that needs more than this is driven over."""

BEFORE_S = 1.5
"""Time by which a driver must be out of a shared area before another one arrives."""

AFTER_S = 0.4
"""Time after which it may arrive when another one has left."""

PATIENCE_TICKS = 300
"""Waiting that is worth one more step of right of way (15 s)."""

_RED, _YELLOW = SignalState.RED.value, SignalState.YELLOW.value
_LEFT, _RIGHT = Turn.LEFT.value, Turn.RIGHT.value


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
def can_stop(speed: float, distance: float, decel: float) -> bool:
    """Whether a vehicle can stop within a distance."""
    return speed * speed <= 2.0 * decel * max(distance, 0.0) + 0.04


@inner
@no_type_check
def _claim(traffic: Traffic, i: int, lane: int, start_m: float, inside: int) -> None:
    """List a junction lane of a driver."""
    n = traffic.drivers[i].claim_count
    if n < CLAIMS:
        claim = traffic.claims[i, n]
        claim.lane, claim.start_m, claim.inside = lane, start_m, inside
        traffic.drivers[i].claim_count = n + 1


@inner
@no_type_check
def _watch_line(
    road: Road,
    traffic: Traffic,
    signals: Int[np.ndarray, " signal"],
    i: int,
    lane: int,
    base: float,
) -> float:
    """Look at the stop line of a lane ahead; its distance, infinite where passed or absent.

    Notes a signal that forbids to pass; yellow forbids it to those who can stop.
    """
    distance = base + road.lanes[lane].stop_s - LINE_GAP_M
    if distance < -PASSED_M or distance == math.inf:
        return math.inf
    signal = road.lanes[lane].stop_signal
    if signal >= 0 and distance < traffic.drivers[i].red_m:
        yellow = signals[signal] == _YELLOW
        stops = can_stop(traffic.bodies[i].speed, distance, FIRM_MPS2)
        if signals[signal] == _RED or (yellow and stops):
            traffic.drivers[i].red_m = distance
    return distance


@inner
@no_type_check
def _survey(road: Road, traffic: Traffic, signals: Int[np.ndarray, " signal"], i: int) -> None:
    """Find lines, the next junction and the claims of one driver."""
    body, driver = traffic.bodies[i], traffic.drivers[i]
    driver.claim_count, driver.entry_lane, driver.entry_from = 0, -1, -1
    driver.red_m = driver.entry_m = driver.hold_m = math.inf
    base = -body.lane_s - body.half_length
    previous, hold = driver.behind, math.inf
    if previous >= 0 and road.lanes[previous].junction >= 0 and body.lane_s < body.half_length:
        _claim(traffic, i, previous, base - road.lanes[previous].length, 1)
    for k in range(driver.path_count):
        lane = traffic.paths[i, k]
        junction = road.lanes[lane].junction
        if base > SIGHT_M:
            break
        if junction >= 0:
            begins = previous < 0 or road.lanes[previous].junction != junction
            if begins and k > 0 and base > 0.0:
                if driver.entry_lane >= 0:
                    break
                driver.entry_lane, driver.entry_from, driver.entry_m = lane, previous, base
                driver.hold_m = min(hold, base - LINE_GAP_M)
            _claim(traffic, i, lane, base, 1 if driver.entry_lane < 0 else 0)
        else:
            line = _watch_line(road, traffic, signals, i, lane, base)
            hold = line if line < math.inf else hold
        previous = lane
        base += road.lanes[lane].length


@inner
@no_type_check
def _update_waiting(road: Road, traffic: Traffic, i: int, tick: int) -> None:
    """Arrival, patience, rank and stop-sign memory of one driver."""
    driver, speed = traffic.drivers[i], traffic.bodies[i].speed
    lane = driver.entry_lane
    if driver.granted != lane:
        driver.granted = -1
    if driver.stopped_at != driver.entry_from:
        driver.stopped_at = -1
    if lane < 0 or driver.hold_m > speed * speed / (2.0 * COMFORT_MPS2) + 6.0:
        driver.arrived, driver.waited = NEVER, 0
    elif driver.arrived == NEVER:
        driver.arrived = tick
    if lane < 0:
        return
    if speed < 0.2 and driver.arrived != NEVER and driver.red_m > driver.hold_m + 2.0:
        driver.waited += 1
    if speed < 0.2 and driver.hold_m < 2.5:
        driver.stopped_at = driver.entry_from
    turn = road.lanes[lane].turn
    ease = 0 if turn == _LEFT else 1 if turn == _RIGHT else 2
    driver.rank = road.lanes[lane].rank + ease + 4 * min(driver.waited // PATIENCE_TICKS, 3)


@inner
@no_type_check
def _window(
    road: Road, traffic: Traffic, i: int, lane: int, span: tuple[float, float]
) -> tuple[float, float]:
    """When a driver that goes on without waiting enters and leaves a stretch ahead, s from now.

    Args:
        road: the network.
        traffic: everybody.
        i: row of the driver.
        lane: lane that the stretch is on.
        span: from its front bumper to both ends of the stretch, m.
    """
    body, driver = traffic.bodies[i], traffic.drivers[i]
    top = min(road.lanes[lane].pace, driver.top_speed)
    enter = travel_time(span[0], body.speed, top, driver.accel)
    behind = span[1] + 2.0 * body.half_length
    return enter, travel_time(behind, body.speed, top, 0.7 * driver.accel)


@inner
@no_type_check
def _keeps_clear(
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
    lane = road.lanes[own.lane]
    if own.lane == other.lane or (
        lane.origin >= 0 and lane.origin == road.lanes[other.lane].origin
    ):
        return True
    body = traffic.bodies[theirs[0]]
    for c in range(lane.conflict_first, lane.conflict_end):
        zone = road.conflicts[c]
        begin, end = other.start_m + zone.other_enter, other.start_m + zone.other_exit
        if zone.other != other.lane or end + 2.0 * body.half_length <= 0.0:
            continue
        span = (own.start_m + zone.enter, own.start_m + zone.exit)
        enter, leave = _window(road, traffic, mine[0], own.lane, span)
        their_enter, their_leave = _window(road, traffic, theirs[0], other.lane, (begin, end))
        if other.inside == 1 and body.speed < 0.3:
            their_leave = math.inf
        if leave + BEFORE_S > their_enter and enter < their_leave + AFTER_S:
            return False
    return True


@inner
@no_type_check
def _counts(traffic: Traffic, i: int, j: int, claim: int, judged: int) -> bool:
    """Whether driver `i` has to reckon with a claim of driver `j`.

    Those inside and those granted (`judged` 1) count always, and those who cannot stop any more;
    those approaching, when they have more right and are not held back by a signal or by being
    refused in this tick (`judged` -1). The ego is trusted to wait only when it has less right.
    """
    if traffic.claims[j, claim].inside == 1 or judged == 1:
        return True
    other, speed = traffic.drivers[j], traffic.bodies[j].speed
    if not can_stop(speed, other.hold_m, FIRM_MPS2):
        return True
    if other.red_m < other.entry_m or judged == -1 or speed < 0.5:
        return False
    rank = traffic.drivers[i].rank
    return other.rank > rank or (j == 0 and other.rank == rank)


@inner
@no_type_check
def _is_first(traffic: Traffic, i: int) -> bool:
    """Whether nobody who is still waiting stands between a driver and its junction."""
    driver = traffic.drivers[i]
    for j in range(len(traffic.drivers)):
        other = traffic.drivers[j]
        same = j != i and other.entry_from == driver.entry_from
        if same and other.granted != other.entry_lane and other.entry_m < driver.entry_m:
            return False
    return True


@inner
@no_type_check
def _exit_place(road: Road, traffic: Traffic, i: int) -> int:
    """Place on the path of the first lane behind the next junction, -1 where unknown."""
    inside = False
    for k in range(traffic.drivers[i].path_count):
        lane = traffic.paths[i, k]
        if lane == traffic.drivers[i].entry_lane:
            inside = True
        elif inside and road.lanes[lane].junction < 0:
            return k
    return -1


@inner
@no_type_check
def _heads_for(road: Road, traffic: Traffic, j: int, lane: int) -> bool:
    """Whether a driver in, or granted into, a junction is going to come out on `lane`."""
    driver = traffic.drivers[j]
    inside = driver.claim_count > 0 and traffic.claims[j, 0].inside == 1
    if not inside and driver.granted < 0:
        return False
    seen = False
    for k in range(driver.path_count):
        if road.lanes[traffic.paths[j, k]].junction >= 0:
            seen = True
        elif seen:
            return traffic.paths[j, k] == lane
    return False


@inner
@no_type_check
def _has_room(road: Road, traffic: Traffic, i: int) -> bool:
    """Whether the driver would fit behind the junction, after those who go there before it."""
    k = _exit_place(road, traffic, i)
    if k < 0:
        return True
    need = 2.0 * traffic.bodies[i].half_length + traffic.drivers[i].min_gap + 1.0
    for j in range(len(traffic.drivers)):
        if j != i and _heads_for(road, traffic, j, traffic.paths[i, k]):
            need += 2.0 * traffic.bodies[j].half_length + 2.0
    base = 0.0
    while k < traffic.drivers[i].path_count and base < need:
        lane = traffic.paths[i, k]
        for j in range(len(traffic.drivers)):
            body = traffic.bodies[j]
            if j == i or body.lane != lane or body.speed > 2.0:
                continue
            if base + body.lane_s - body.half_length < need:
                return False
        base += road.lanes[lane].length
        k += 1
    return True


@inner
@no_type_check
def _finds_gap(road: Road, traffic: Traffic, i: int, judged: Int[np.ndarray, " driver"]) -> bool:
    """Whether a driver keeps clear of everybody it has to reckon with."""
    for j in range(len(traffic.drivers)):
        for theirs in range(traffic.drivers[j].claim_count):
            if j == i or not _counts(traffic, i, j, theirs, judged[j]):
                continue
            for mine in range(traffic.drivers[i].claim_count):
                ahead = traffic.claims[i, mine].inside == 0
                if ahead and not _keeps_clear(road, traffic, (i, mine), (j, theirs)):
                    return False
    return True


@inner
@no_type_check
def _judge(road: Road, traffic: Traffic, i: int, judged: Int[np.ndarray, " driver"]) -> bool:
    """Whether a driver may enter its next junction now."""
    driver = traffic.drivers[i]
    must_stop = (
        road.lanes[driver.entry_from].stop_sign == 1 or road.lanes[driver.entry_lane].rank == 0
    )
    if must_stop and driver.stopped_at != driver.entry_from:
        return False
    if driver.red_m <= driver.entry_m:
        return False
    if not _is_first(traffic, i) or not _has_room(road, traffic, i):
        return False
    return _finds_gap(road, traffic, i, judged)


@inner
@no_type_check
def _order(driver: Records, i: int) -> float:
    """Sort key: more right first, then those who were granted, then first come."""
    granted = 1.0 if driver.granted == driver.entry_lane else 0.0
    return -1e8 * driver.rank - 1e7 * granted + driver.arrived + 1e-3 * i


@inner
@no_type_check
def _next_in_line(key: Float[np.ndarray, " driver"]) -> int:
    """The driver to judge next, -1 when all have been; its key is used up."""
    best = 0
    for i in range(len(key)):
        if key[i] < key[best]:
            best = i
    if key[best] == math.inf:
        return -1
    key[best] = math.inf
    return best


@inner
@no_type_check
def grant(road: Road, traffic: Traffic, signals: Int[np.ndarray, " signal"], tick: int) -> None:
    """Decide who may enter a junction in this tick.

    Args:
        road: the network.
        traffic: everybody; `granted`, the claims and what drivers know of lines are written.
        signals: `SignalState` of each signal.
        tick: now.
    """
    count = len(traffic.drivers)
    key = np.full(count, math.inf)
    judged = np.zeros(count, np.int64)
    for i in range(count):
        driver = traffic.drivers[i]
        _survey(road, traffic, signals, i)
        _update_waiting(road, traffic, i, tick)
        if i == 0 or driver.arrived == NEVER:
            continue
        committed = not can_stop(traffic.bodies[i].speed, driver.hold_m, COMFORT_MPS2)
        if driver.granted >= 0 and (committed or driver.hold_m < 0.0):
            judged[i] = 1
        else:
            key[i] = _order(driver, i)
    i = _next_in_line(key)
    while i >= 0:
        allowed = _judge(road, traffic, i, judged)
        judged[i] = 1 if allowed else -1
        traffic.drivers[i].granted = traffic.drivers[i].entry_lane if allowed else -1
        i = _next_in_line(key)


@inner
@no_type_check
def line_distance(driver: Records) -> float:
    """Distance to the nearest line that a driver must not cross now, infinite for none."""
    held = driver.entry_lane >= 0 and driver.granted != driver.entry_lane
    return min(driver.red_m, driver.hold_m if held else math.inf)
