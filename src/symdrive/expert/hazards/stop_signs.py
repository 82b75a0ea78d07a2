"""Stop signs."""

from dataclasses import dataclass, field

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import OVERRUN_M, Scene, can_stop


@dataclass(frozen=True)
class StopSigns:
    """Come to a stand before the line of a stop sign.

    When the stop is done is remembered by the expert (`Memory.cleared`).
    Source: kesai-labs/lead 4489176, `expert.py` (2 m, 0.5 s; stand for 1.3 s within 3 m).

    Attributes:
        gap: to keep before the line.
        brake_mps2: a line that cannot be met with this deceleration is crossed.
    """

    gap: Gap = field(default=Gap(1.0, 0.5))
    brake_mps2: float = 7.0

    def __call__(self, scene: Scene) -> Limit:
        """Before the next sign that has not been obeyed."""
        for number, line in enumerate(scene.itinerary.stop_signs):
            room = line.s_m - scene.front_s_m
            if room < -OVERRUN_M or number in scene.memory.cleared:
                continue
            if room > 80.0 or not can_stop(scene, room + OVERRUN_M, self.brake_mps2):
                return FREE
            return keep_away(scene, line.s_m, self.gap, "stop_sign")
        return FREE
