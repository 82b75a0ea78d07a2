"""Whatever stands in the way."""

from dataclasses import dataclass, field

import numpy as np

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene


@dataclass(frozen=True)
class Obstacle:
    """Stop behind standing vehicles and props that reach into the own strip of road.

    Attributes:
        gap: to keep.
        margin_m: beside the ego's own width.
        slow_mps: what is slower counts as standing.
    """

    gap: Gap = field(default=Gap(3.0, 0.25))
    margin_m: float = 0.15
    slow_mps: float = 0.5

    def __call__(self, scene: Scene) -> Limit:
        """Behind the nearest standing thing."""
        others = scene.others
        blocked = scene.in_corridor(self.margin_m) & ~others.walker
        blocked &= np.abs(others.actors.speed) < self.slow_mps
        if not blocked.any():
            return FREE
        return keep_away(scene, float(others.s_span_m[blocked, 0].min()), self.gap, "obstacle")
