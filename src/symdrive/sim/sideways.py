"""Where in its lane a vehicle drives, and how it moves sideways without a jump.

A sideways move is a fixed curve over the road, not over time: who stops in the middle of it stands
there at an angle, and the way that a driver looks along is exactly the way that it is going to
take. The curve is the quintic of least jerk (Flash and Hogan 1985, "The coordination of arm
movements"): heading and curvature begin and end at zero.
"""

import math
from typing import no_type_check

from symdrive.sim.kernel import inner
from symdrive.sim.road import Records

CHANGE_S = 4.0
"""Duration of a lane change at constant speed (Toledo and Zohar 2007, "Modeling duration of lane
changes": 1 to 13 s, mean 4.6 s)."""

SHORTEST_M = 20.0
"""A slower vehicle takes this much road, so that it never turns by more than 20 degrees."""

LONGEST_M = 90.0


@inner
@no_type_check
def shift_length(speed: float) -> float:
    """Road that a sideways move by a lane takes, m."""
    return min(max(speed * CHANGE_S, SHORTEST_M), LONGEST_M)


@inner
@no_type_check
def begin_shift(driver: Records, aside: float, keep: float, length: float) -> None:
    """Move from `aside` to `keep`, both left of the lane's middle, over a length of road, m."""
    driver.aside, driver.keep = aside, keep
    driver.shift_m, driver.shifted_m = length, 0.0


@inner
@no_type_check
def advance_shift(driver: Records, distance: float) -> None:
    """Go on with a sideways move by a distance along the road, m."""
    if driver.shift_m > 0.0:
        driver.shifted_m += distance
        if driver.shifted_m >= driver.shift_m:
            driver.shift_m = 0.0


@inner
@no_type_check
def is_centred(driver: Records) -> bool:
    """Whether a driver is in the middle of its lane and stays there."""
    return driver.shift_m <= 0.0 and driver.keep == 0.0


@inner
@no_type_check
def aside_at(driver: Records, ahead: float) -> tuple[float, float]:
    """Distance to the left of the lane's middle and turn to the left, rad, `ahead` metres on."""
    if driver.shift_m <= 0.0:
        return driver.keep, 0.0
    p = min((driver.shifted_m + ahead) / driver.shift_m, 1.0)
    way = driver.keep - driver.aside
    done = p * p * p * (10.0 + p * (6.0 * p - 15.0))
    slope = way * 30.0 * p * p * (1.0 - p) * (1.0 - p) / driver.shift_m
    return driver.aside + way * done, math.atan(slope)
