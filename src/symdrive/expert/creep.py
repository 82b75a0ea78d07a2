"""Getting out of a standstill that no rule would ever end.

Two cars that each wait for the other, or somebody who stands beside the road for good, would block
the ego until the drive fails. LEAD then gives full throttle after 170 ticks whatever is ahead
(kesai-labs/lead 4489176, `expert.py`); here the car creeps, and only where nothing is in the way.
"""

from dataclasses import dataclass

import numpy as np

from symdrive.expert.arbitration import Limit
from symdrive.expert.scene import Scene

SOFT_REASONS = frozenset({"collision_course", "pedestrian", "right_of_way", "blocked_exit"})
"""Limits that speak of what might happen; lights, signs, crossing people and things that stand in
the way are not overruled."""


@dataclass(frozen=True)
class CreepConfig:
    """When and how to creep.

    Attributes:
        after_s: waiting so long (`Memory.waiting_s`).
        length_m: how far one creep goes.
        speed_mps: how fast.
        strip_m: free length needed ahead of the front bumper.
        side_m: free width needed on both sides of the car.
        calm_m: nobody may move within this distance.
        moving_mps: a faster one moves.
    """

    after_s: float = 20.0
    length_m: float = 8.0
    speed_mps: float = 1.5
    strip_m: float = 5.0
    side_m: float = 0.3
    calm_m: float = 12.0
    moving_mps: float = 0.5


def may_creep(scene: Scene, chosen: Limit, config: CreepConfig) -> bool:
    """Whether a limit may be overruled now: the strip ahead is free and nobody near moves."""
    if scene.s_m >= scene.memory.creep_to_m or chosen.reason not in SOFT_REASONS:
        return False
    others = scene.others
    strip = scene.in_corridor(config.side_m)
    strip &= others.s_span_m[:, 0] < scene.front_s_m + config.strip_m
    gap = others.actors.position[:, :2] - scene.visible.actors.position[0, :2]
    near = np.hypot(gap[:, 0], gap[:, 1]) < config.calm_m
    moving = np.abs(others.actors.speed) > config.moving_mps
    return not bool((strip | (near & moving)).any())
