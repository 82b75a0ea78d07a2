"""What a driver knows of the lines ahead: stop lines, the next junction, its own claims there."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Int

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

PATIENCE_TICKS = 200
"""Waiting that is worth one more step of right of way (10 s)."""

CLEARING_TICKS = 60
"""Who has waited at a green light for so long (3 s), for a gap to turn left, may go on yellow."""

URGENT_RANK = 100
"""Right of way of emergency vehicles, above everybody else's."""

_RED, _YELLOW = SignalState.RED.value, SignalState.YELLOW.value
_LEFT, _RIGHT = Turn.LEFT.value, Turn.RIGHT.value


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

    Notes a signal that forbids to pass; yellow forbids it to those who can stop, but for those who
    found no gap while it was green.
    """
    distance = base + road.lanes[lane].stop_s - LINE_GAP_M
    if distance < -PASSED_M or distance == math.inf:
        return math.inf
    signal = road.lanes[lane].stop_signal
    bound = signal >= 0 and traffic.drivers[i].urgent == 0
    if bound and distance < traffic.drivers[i].red_m:
        stops = can_stop(traffic.bodies[i].speed, distance, FIRM_MPS2)
        stops = stops and traffic.drivers[i].waited < CLEARING_TICKS
        if signals[signal] == _RED or (signals[signal] == _YELLOW and stops):
            traffic.drivers[i].red_m = distance
    return distance


@inner
@no_type_check
def survey(road: Road, traffic: Traffic, signals: Int[np.ndarray, " signal"], i: int) -> None:
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
def update_waiting(road: Road, traffic: Traffic, i: int, tick: int) -> None:
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
    driver.rank += URGENT_RANK * driver.urgent


@inner
@no_type_check
def line_distance(driver: Records) -> float:
    """Distance to the nearest line that a driver must not cross now, infinite for none."""
    held = driver.entry_lane >= 0 and driver.granted != driver.entry_lane
    return min(driver.red_m, driver.hold_m if held else math.inf)
