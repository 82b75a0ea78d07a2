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
from jaxtyping import Int

from symdrive.sim.kernel import inner
from symdrive.sim.lines import COMFORT_MPS2, FIRM_MPS2, can_stop, survey, update_waiting
from symdrive.sim.meeting import (
    BY_ENTRY,
    BY_EXIT,
    BY_JUNCTION,
    BY_LANE,
    SLOTS,
    Chains,
    chain,
)
from symdrive.sim.road import Records, Road
from symdrive.sim.state import CLAIMS, NEVER, Traffic
from symdrive.sim.windows import keeps_clear


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
def _is_first(traffic: Traffic, chains: Chains, i: int) -> bool:
    """Whether nobody who is still waiting stands between a driver and its junction."""
    driver = traffic.drivers[i]
    j = chains.head[BY_ENTRY, driver.entry_from % SLOTS]
    while j >= 0:
        other = traffic.drivers[j]
        same = j != i and other.entry_from == driver.entry_from
        if same and other.granted != other.entry_lane and other.entry_m < driver.entry_m:
            return False
        j = chains.follow[BY_ENTRY, j]
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
def _is_bound(traffic: Traffic, j: int) -> bool:
    """Whether a driver is in a junction or has been granted its way into one."""
    inside = traffic.drivers[j].claim_count > 0 and traffic.claims[j, 0].inside == 1
    return inside or traffic.drivers[j].granted >= 0


@inner
@no_type_check
def _needed_room(traffic: Traffic, chains: Chains, i: int, lane: int) -> float:
    """Length of lane behind a junction for a driver and those who come out there before it."""
    need = 2.0 * traffic.bodies[i].half_length + traffic.drivers[i].min_gap + 1.0
    j = chains.head[BY_EXIT, lane % SLOTS]
    while j >= 0:
        if j != i and chains.exit_lane[j] == lane and _is_bound(traffic, j):
            need += 2.0 * traffic.bodies[j].half_length + 2.0
        j = chains.follow[BY_EXIT, j]
    return need


@inner
@no_type_check
def _is_blocked(
    traffic: Traffic, chains: Chains, i: int, lane: int, base: float, need: float
) -> bool:
    """Whether somebody slow on a lane, `base` metres behind the junction, takes the room."""
    j = chains.head[BY_LANE, lane % SLOTS]
    while j >= 0:
        body = traffic.bodies[j]
        near = base + body.lane_s - body.half_length < need
        if j != i and body.lane == lane and body.speed <= 2.0 and near:
            return True
        j = chains.follow[BY_LANE, j]
    return False


@inner
@no_type_check
def _has_room(road: Road, traffic: Traffic, chains: Chains, i: int) -> bool:
    """Whether the driver would fit behind the junction, after those who go there before it."""
    k = _exit_place(road, traffic, i)
    if k < 0:
        return True
    need = _needed_room(traffic, chains, i, traffic.paths[i, k])
    base = 0.0
    while k < traffic.drivers[i].path_count and base < need:
        lane = traffic.paths[i, k]
        if _is_blocked(traffic, chains, i, lane, base, need):
            return False
        base += road.lanes[lane].length
        k += 1
    return True


@inner
@no_type_check
def _finds_gap(
    road: Road, traffic: Traffic, chains: Chains, i: int, judged: Int[np.ndarray, " driver"]
) -> bool:
    """Whether a driver keeps clear of everybody it has to reckon with."""
    for mine in range(traffic.drivers[i].claim_count):
        own = traffic.claims[i, mine]
        if own.inside == 1:
            continue
        claim = chains.head[BY_JUNCTION, road.lanes[own.lane].junction % SLOTS]
        while claim >= 0:
            j, theirs = claim // CLAIMS, claim % CLAIMS
            counts = j != i and _counts(traffic, i, j, theirs, judged[j])
            if counts and not keeps_clear(road, traffic, (i, mine), (j, theirs)):
                return False
            claim = chains.claim[claim]
    return True


@inner
@no_type_check
def _judge(
    road: Road, traffic: Traffic, chains: Chains, i: int, judged: Int[np.ndarray, " driver"]
) -> bool:
    """Whether a driver may enter its next junction now."""
    driver = traffic.drivers[i]
    must_stop = (
        road.lanes[driver.entry_from].stop_sign == 1 or road.lanes[driver.entry_lane].rank == 0
    )
    if must_stop and driver.urgent == 0 and driver.stopped_at != driver.entry_from:
        return False
    if driver.red_m <= driver.entry_m:
        return False
    if not _is_first(traffic, chains, i) or not _has_room(road, traffic, chains, i):
        return False
    return _finds_gap(road, traffic, chains, i, judged)


@inner
@no_type_check
def _order(driver: Records, i: int) -> float:
    """Sort key: more right first, then those who were granted, then first come."""
    granted = 1.0 if driver.granted == driver.entry_lane else 0.0
    return -1e8 * driver.rank - 1e7 * granted + driver.arrived + 1e-3 * i


@inner
@no_type_check
def grant(road: Road, traffic: Traffic, signals: Int[np.ndarray, " signal"], tick: int) -> Chains:
    """Decide who may enter a junction in this tick.

    Args:
        road: the network.
        traffic: everybody; `granted`, the claims and what drivers know of lines are written.
        signals: `SignalState` of each signal.
        tick: now.

    Returns:
        The chains of this tick.
    """
    count = len(traffic.drivers)
    key = np.full(count, math.inf)
    judged = np.zeros(count, np.int64)
    for i in range(count):
        driver = traffic.drivers[i]
        survey(road, traffic, signals, i)
        update_waiting(road, traffic, i, tick)
        if i == 0 or driver.arrived == NEVER:
            continue
        committed = not can_stop(traffic.bodies[i].speed, driver.hold_m, COMFORT_MPS2)
        goes = driver.granted >= 0 and driver.red_m > driver.entry_m
        if goes and (committed or driver.hold_m < 0.0):
            judged[i] = 1
        else:
            key[i] = _order(driver, i)
    chains = chain(road, traffic)
    for i in np.argsort(key, kind="mergesort"):
        if key[i] == math.inf:
            break
        allowed = _judge(road, traffic, chains, i, judged)
        judged[i] = 1 if allowed else -1
        traffic.drivers[i].granted = traffic.drivers[i].entry_lane if allowed else -1
    return chains
