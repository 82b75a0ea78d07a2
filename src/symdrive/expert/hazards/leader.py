"""The vehicle ahead in the own lane."""

import math
from dataclasses import dataclass, field

import numpy as np

from symdrive.expert.arbitration import FREE, Limit, strictest
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene


@dataclass(frozen=True)
class Leader:
    """Keep a gap to vehicles that drive ahead along the path.

    Source: kesai-labs/lead 4489176, `expert.py` (leading vehicles, yaw within 35 degrees) and
    `config_expert.py` (4 m and 0.25 s; bicycles 6 m and 0.5 s with wide margins).

    Attributes:
        gap: to keep from vehicles.
        bicycle_gap: to keep from bicycles with wide margins.
        exact_bicycle_gap: to keep from bicycles otherwise.
        turn_max: largest difference of heading, rad.
        margin_m: beside the ego's own width.
    """

    gap: Gap = field(default=Gap(4.0, 0.25))
    bicycle_gap: Gap = field(default=Gap(6.0, 0.5))
    exact_bicycle_gap: Gap = field(default=Gap(4.0, 0.25))
    turn_max: float = math.radians(35.0)
    margin_m: float = 0.2

    def __call__(self, scene: Scene) -> Limit:
        """Behind the nearest vehicle and the nearest bicycle, whichever asks for less speed."""
        others = scene.others
        ahead = scene.in_corridor(self.margin_m) & others.vehicle
        ahead &= (np.abs(others.turn) < self.turn_max) & (others.along_mps > -0.5)
        bicycle_gap = self.bicycle_gap if scene.wide else self.exact_bicycle_gap
        limits = [FREE]
        for chosen, gap in (
            (ahead & ~others.bicycle, self.gap),
            (ahead & others.bicycle, bicycle_gap),
        ):
            rows = np.flatnonzero(chosen)
            if len(rows):
                row = rows[np.argmin(others.s_span_m[rows, 0])]
                near, lead = float(others.s_span_m[row, 0]), float(others.along_mps[row])
                limits.append(
                    keep_away(scene, near, gap, "leading_vehicle", lead_mps=max(0.0, lead))
                )
        return strictest(limits)
