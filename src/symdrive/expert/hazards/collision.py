"""Vehicles whose forecast meets the ego's."""

import math
from dataclasses import dataclass, field

import numpy as np

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene


@dataclass(frozen=True)
class Collision:
    """Brake at once for a vehicle that will be where the ego will be; give bicycles a wide berth.

    Vehicles ahead in the own lane and behind in it are left to `Leader` and to their own drivers,
    except around a lane change, where those behind count. Those that stand are left to `Obstacle`.

    Source: kesai-labs/lead 4489176, `expert.py` (box overlap of forecasts; bicycles by IDM).

    Attributes:
        bicycle_gap: to keep from bicycles with wide margins.
        exact_bicycle_gap: to keep from bicycles otherwise.
        turn_max: difference of heading within which a vehicle drives with the ego, rad.
        standing_mps: a slower vehicle stands.
    """

    bicycle_gap: Gap = field(default=Gap(6.0, 0.5))
    exact_bicycle_gap: Gap = field(default=Gap(4.0, 0.25))
    turn_max: float = math.radians(35.0)
    standing_mps: float = 0.1

    def __call__(self, scene: Scene) -> Limit:
        """Stop if a forecast touches."""
        others = scene.others
        touch = others.vehicle & np.isfinite(others.touch_s)
        touch &= np.abs(others.actors.speed) > self.standing_mps
        touch &= ~_in_own_lane(scene, self.turn_max)
        if not touch.any():
            return FREE
        if (touch & ~others.bicycle).any():
            return Limit(0.0, "collision_course", brake=True)
        gap = self.bicycle_gap if scene.wide else self.exact_bicycle_gap
        nearest = float(others.s_span_m[touch, 0].min())
        return keep_away(scene, nearest, gap, "bicycle")


def _in_own_lane(scene: Scene, turn_max: float) -> np.ndarray:
    """Drives along the path ahead of the ego, or follows it."""
    others = scene.others
    aligned = np.abs(others.turn) < turn_max
    half = scene.half_width_m
    beside = (others.d_span_m[:, 0] < half) & (others.d_span_m[:, 1] > -half)
    leading = scene.in_corridor(0.0) & aligned
    behind = others.s_span_m[:, 1] < scene.s_m
    following = behind & aligned & (beside | (not scene.changes_lane))
    return leading | following
