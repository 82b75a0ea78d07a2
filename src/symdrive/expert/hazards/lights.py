"""Traffic lights."""

import math
from dataclasses import dataclass, field

import numpy as np

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.landmarks import StopLine
from symdrive.expert.scene import Scene, light_to_stop_for

_CAMERA_HEIGHT_M = 2.25
_CAMERA_BEHIND_BUMPER_M = 2.1
_VIEW_UP = math.radians(28.0)


@dataclass(frozen=True)
class Lights:
    """Stop before a red or yellow light.

    LEAD stops 6 or 9 m before near-side lights so that the lamps stay in the picture
    (kesai-labs/lead 4489176, `expert.py`); the setback here follows from the height of the lamps
    and the upper edge of the picture (LEAD's rig: 60 degrees, 2.25 m high).

    Attributes:
        gap: to keep before the line with wide margins.
        exact_gap: to keep otherwise.
        setback_max_m: limit of the setback.
    """

    gap: Gap = field(default=Gap(3.0, 0.5))
    exact_gap: Gap = field(default=Gap(2.0, 0.25))
    setback_max_m: float = 9.0

    def __call__(self, scene: Scene) -> Limit:
        """Before the nearest line that must not be crossed."""
        line = light_to_stop_for(scene)
        if line is None:
            return FREE
        gap = self.gap if scene.wide else self.exact_gap
        setback = self._setback_m(scene, line, gap)
        # Once the ego stands nearer than the setback asks for, it stays where it is.
        at = max(line.s_m - setback, min(line.s_m, scene.front_s_m + gap.standstill_m))
        return keep_away(scene, at, gap, "red_light")

    def _setback_m(self, scene: Scene, line: StopLine, gap: Gap) -> float:
        """How much earlier to stop so that the lamps stay in view; 0 for far-side lights."""
        if not scene.visible.caution.lamps_in_view:
            return 0.0
        signals = scene.visible.town.signals
        xy, yaw = scene.itinerary.path.at(np.array([line.s_m]))
        to_head = signals.head[line.row, :2] - xy[0]
        beyond = math.cos(yaw[0]) * to_head[0] + math.sin(yaw[0]) * to_head[1]
        rise = signals.head[line.row, 2] - signals.position[line.row, 2] - _CAMERA_HEIGHT_M
        needed = rise / math.tan(_VIEW_UP)
        setback = needed - beyond - _CAMERA_BEHIND_BUMPER_M - gap.standstill_m
        return min(self.setback_max_m, max(0.0, float(setback)))
