"""The simulation's clock, and how often a sensor reads by it."""

import math

TICK_S = 0.05
"""Length of a tick: 20 Hz."""

_SLACK = 1e-6


def ticks_between(sensor_tick_s: float) -> int:
    """Ticks from one reading of a sensor to the next.

    As CARLA counts in synchronous mode: a sensor reads in the first tick in which its
    `sensor_tick` has passed, so 0 and anything up to one tick mean every tick.

    Args:
        sensor_tick_s: seconds between readings.
    """
    return max(1, math.ceil(sensor_tick_s / TICK_S - _SLACK))
