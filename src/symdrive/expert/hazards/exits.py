"""Full junction exits."""

from dataclasses import dataclass, field

import numpy as np

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene, can_stop


@dataclass(frozen=True)
class BlockedExit:
    """Do not enter a junction that cannot be left, so that cross traffic is never trapped.

    Attributes:
        gap: to keep before the entry.
        spare_m: room beyond the own length that the exit must offer.
        slow_mps: a faster vehicle at the exit will have made room.
        brake_mps2: an entry that cannot be met with this deceleration is passed.
    """

    gap: Gap = field(default=Gap(1.0, 0.25))
    spare_m: float = 4.5
    slow_mps: float = 2.0
    brake_mps2: float = 6.0

    def __call__(self, scene: Scene) -> Limit:
        """Before the next junction, if its exit is full."""
        for junction in scene.itinerary.junctions:
            room = junction.entry_s_m - scene.front_s_m
            if room < 0.0 or len(junction.relation) == 0:
                continue
            if room > 60.0 or not self._full(scene, junction.entry_s_m, junction.exit_s_m):
                return FREE
            if not can_stop(scene, room + 0.5, self.brake_mps2):
                return FREE
            return keep_away(scene, junction.entry_s_m, self.gap, "blocked_exit")
        return FREE

    def _full(self, scene: Scene, entry_s_m: float, exit_s_m: float) -> bool:
        """Whether a slow vehicle leaves too little room past the exit."""
        others = scene.others
        needed = exit_s_m + 2.0 * scene.half_length_m + self.spare_m
        slow = scene.in_corridor(0.0) & others.vehicle & (others.along_mps < self.slow_mps)
        slow &= (others.s_span_m[:, 0] > entry_s_m) & (others.s_span_m[:, 0] < needed)
        slow &= np.abs(others.turn) < 1.0
        return bool(slow.any())
