"""One tick of every driver's decision: the minimum of what the road, lines and bodies allow."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.crosswalks import count_walkers, yield_distance
from symdrive.sim.following import (
    HARDEST_MPS2,
    acceleration_for_bodies,
    before_line,
    desired_speed,
    free_acceleration,
)
from symdrive.sim.junctions import grant
from symdrive.sim.kernel import entry, inner
from symdrive.sim.lines import line_distance
from symdrive.sim.meeting import Cells, sort_into_cells
from symdrive.sim.path import AHEAD, LOOK_M, SAMPLES, look_ahead
from symdrive.sim.road import Records, Road
from symdrive.sim.state import Traffic
from symdrive.sim.windows import zone_distance
from symdrive.world.backend import TICK_S

LEAVE_M = 20.0
"""Who has to change lanes before the end of its own one waits for a gap this far ahead of it."""

PULL_MPS, PASS_MPS = 3.0, 7.0
"""Speeds of those who pull over, and of the emergency vehicle that passes them."""

_STANDING_MPS = 0.1
_AT_RED_M = 10.0


@inner
@no_type_check
def _slowly(driver: Records, speed: float) -> float:
    """Acceleration of one who pulls over and stops, or passes those who did."""
    pulls = PULL_MPS if driver.shift_m > 0.0 else -0.1
    return max((PASS_MPS if driver.urgent == 1 else pulls) - speed, -driver.decel)


@inner
@no_type_check
def _accelerate(
    road: Road,
    traffic: Traffic,
    cells: Cells,
    i: int,
    line: float,
    view: Float[np.ndarray, "sample 8"],
) -> float:
    """Acceleration of one driver who must not cross a line at distance `line`."""
    body, driver = traffic.bodies[i], traffic.drivers[i]
    speed = body.speed
    reach = min(LOOK_M, 25.0 + 2.5 * speed + speed * speed / 6.0)
    count = look_ahead(road, traffic, i, reach, view)
    end = view[count - 1, AHEAD]
    if end < reach - 2.0:
        # The path ends within sight: a dead end, or a lane to leave while there is room.
        leaves = road.lanes[body.lane].live == 1
        line = min(line, end - body.half_length - (LEAVE_M if leaves else 0.0))
    wish = free_acceleration(traffic, i, min(desired_speed(view, count), driver.top_speed))
    wish += acceleration_for_bodies(traffic, cells, i, view, count)
    if driver.yielded > 0 or (driver.urgent == 1 and driver.keep != 0.0):
        wish = min(wish, _slowly(driver, speed))
    if line < math.inf:
        wish = min(wish, before_line(speed, line, driver.decel, TICK_S))
    return max(wish, -HARDEST_MPS2)


@entry
@no_type_check
def decide(
    road: Road,
    traffic: Traffic,
    walkers: Records,
    crossings: Records,
    signals: Int[np.ndarray, " signal"],
    tick: int,
) -> None:
    """Write `command`, and all that leads to it, for every driver."""
    chains = grant(road, traffic, signals, tick)
    cells = sort_into_cells(traffic.bodies)
    count_walkers(walkers, crossings)
    view = np.empty((SAMPLES, 8))
    for i in range(len(traffic.drivers)):
        driver = traffic.drivers[i]
        line = line_distance(driver)
        line = min(line, yield_distance(road, traffic, walkers, crossings, i, line))
        if i > 0:
            line = min(line, zone_distance(road, traffic, chains, i))
            driver.command = _accelerate(road, traffic, cells, i, line, view)
            still = traffic.bodies[i].speed < _STANDING_MPS and driver.red_m > _AT_RED_M
            driver.still = driver.still + 1 if still else 0
