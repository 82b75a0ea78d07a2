"""People on foot."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from symdrive.expert.arbitration import FREE, Limit, strictest
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene


@dataclass(frozen=True)
class Pedestrians:
    """Slow down for walkers on a collision course, stop for those who cross close ahead.

    LEAD stops for every visible walker that moves ahead of the ego while one of five crossing
    scenarios runs (kesai-labs/lead 4489176, `expert.py`, emergency stop; IDM gap of 4.5 m and
    0.125 s). Without scenarios to ask, crossing is read from the walker: in the strip of road that
    the ego will sweep, or on the way into it.

    Attributes:
        gap: to keep with wide margins.
        exact_gap: to keep otherwise.
        body_m: half the size of a walker along the path.
        moving_mps: a slower walker stands.
        side_m: beside the ego's width: where a walker is in the way.
        notice_s: a walker who reaches that strip within this time is on the way into it.
        reach_m: range of the emergency stop at standstill.
        brake_mps2: and with speed, the stopping distance at this deceleration.
    """

    gap: Gap = field(default=Gap(4.5, 0.125))
    exact_gap: Gap = field(default=Gap(4.0, 0.1))
    body_m: float = 0.5
    moving_mps: float = 0.25
    side_m: float = 0.8
    notice_s: float = 2.5
    reach_m: float = 6.0
    brake_mps2: float = 3.0

    def __call__(self, scene: Scene) -> Limit:
        """The strictest word on any walker."""
        others = scene.others
        if not others.walker.any():
            return FREE
        ahead = others.walker & (others.s_m > scene.s_m)
        crossing = ahead & self._crosses(scene)
        course = ahead & np.isfinite(others.touch_s)
        near = others.s_m - self.body_m
        gap = self.gap if scene.wide else self.exact_gap
        limits = [FREE]
        if scene.visible.caution.emergency_stop:
            reach = self.reach_m + scene.speed_mps**2 / (2.0 * self.brake_mps2)
            if (crossing & (near - scene.front_s_m < reach)).any():
                limits.append(Limit(0.0, "crossing_pedestrian", brake=True))
            course |= crossing
        if course.any():
            limits.append(keep_away(scene, float(near[course].min()), gap, "pedestrian"))
        return strictest(limits)

    def _crosses(self, scene: Scene) -> Bool[np.ndarray, " other"]:
        """In the ego's strip or about to step into it; not those who have just left it."""
        others = scene.others
        half = scene.half_width_m + self.side_m
        inside = np.abs(others.d_m) < half
        towards = others.d_m * others.aside_mps < 0.0
        arrive = (np.abs(others.d_m) - half) / np.maximum(np.abs(others.aside_mps), 1e-3)
        moving = np.abs(others.actors.speed) > self.moving_mps
        return moving & (inside | (towards & (arrive < self.notice_s)))
