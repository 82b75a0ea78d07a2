"""The Intelligent Driver Model, integrated over one tick: the speed to have at its end.

Source: Treiber, Hennecke, Helbing, "Congested traffic states in empirical observations and
microscopic simulations", Phys. Rev. E 62 (2000); constants of kesai-labs/lead 4489176,
`config_expert.py`. LEAD integrates with RK45; sub-steps of 5 ms differ from it by less than
0.01 m/s.
"""

import math
from dataclasses import dataclass
from typing import no_type_check

from numba import njit

from symdrive.world.backend import TICK_S

ACCELERATION_MPS2 = 24.0
EXPONENT = 4
BRAKE_FAST_MPS2 = 3.72
BRAKE_SLOW_MPS2 = 8.7
SLOW_MPS = 6.02
_STEPS = 10


@dataclass(frozen=True)
class Gap:
    """How far to stay away from a kind of obstacle.

    Attributes:
        standstill_m: distance kept when standing.
        headway_s: time gap kept when driving.
    """

    standstill_m: float
    headway_s: float


@njit(cache=True)
@no_type_check
def _integrate(
    speed: float, wanted: float, gap: float, lead: float, standstill: float, headway: float
) -> float:
    """Speed after one tick; see `idm_speed`."""
    h = TICK_S / _STEPS
    v, s = speed, gap
    for _ in range(_STEPS):
        brake = BRAKE_FAST_MPS2 if v > SLOW_MPS else BRAKE_SLOW_MPS2
        closing = v * (v - lead) / (2.0 * math.sqrt(ACCELERATION_MPS2 * brake))
        keep = max(0.0, standstill + v * headway + closing)
        free = 1.0 - (v / wanted) ** EXPONENT
        v = max(0.0, v + h * ACCELERATION_MPS2 * (free - (keep / max(0.1, s)) ** 2))
        s += h * (lead - v)
    return v


def idm_speed(
    speed_mps: float, wanted_mps: float, gap_m: float, lead_mps: float, gap: Gap
) -> float:
    """Speed to have after one tick behind something.

    Args:
        speed_mps: own speed.
        wanted_mps: speed on a free road, above zero.
        gap_m: free distance, bumper to bumper.
        lead_mps: speed of the thing ahead, along the own path.
        gap: distances to keep.
    """
    return float(
        _integrate(
            max(0.0, speed_mps), wanted_mps, gap_m, lead_mps, gap.standstill_m, gap.headway_s
        )
    )
