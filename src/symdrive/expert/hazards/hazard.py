"""What every hazard is."""

from typing import Protocol, runtime_checkable

from symdrive.expert.arbitration import Limit
from symdrive.expert.idm import Gap, idm_speed
from symdrive.expert.scene import Scene


@runtime_checkable
class Hazard(Protocol):
    """A rule of the road: parameters as fields, judgement as a pure call."""

    def __call__(self, scene: Scene) -> Limit:
        """The limit that this rule sets in this tick."""
        ...


def keep_away(
    scene: Scene, stop_s_m: float, gap: Gap, reason: str, *, lead_mps: float = 0.0
) -> Limit:
    """Follow or stop behind something whose near end lies at `stop_s_m` along the path."""
    room = stop_s_m - scene.front_s_m
    speed = idm_speed(scene.speed_mps, scene.wanted_mps, room, lead_mps, gap)
    return Limit(speed, reason)
