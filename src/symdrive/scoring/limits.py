"""What protocols change about the criteria; light, so that scoring files loads no simulator."""

from dataclasses import dataclass

TICK_S = 0.05
"""The leaderboard runs at 20 Hz; equal to `symdrive.world.backend.TICK_S`."""


@dataclass(frozen=True)
class CriteriaConfig:
    """Limits of the criteria; the defaults are those of leaderboard 2.0.

    Attributes:
        checkpoints: equal parts of the route on which the speed is compared with the traffic's.
        report_every_checkpoint: also report the parts that were driven fast enough.
        blocked_s: longest stand.
        max_ticks: ticks that a drive may take; 0 for no end.
        stop_half_size_m: smallest half size of a stop sign's trigger box; some of CARLA's are
            narrower than 2 cm, and Fail2Drive widens them.
        plan_spacing_m: longest gap between the points of the plan that a learner is given.
    """

    checkpoints: int = 4
    report_every_checkpoint: bool = False
    blocked_s: float = 180.0
    max_ticks: int = 0
    stop_half_size_m: float = 0.0
    plan_spacing_m: float = 200.0

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.checkpoints < 1 or self.blocked_s <= 0 or self.max_ticks < 0:
            raise ValueError(
                f"checkpoints is {self.checkpoints}, blocked_s {self.blocked_s}, max_ticks"
                f" {self.max_ticks}; at least 1, above 0, at least 0"
            )
        if self.stop_half_size_m < 0 or self.plan_spacing_m <= 0:
            raise ValueError(
                f"stop_half_size_m is {self.stop_half_size_m}, plan_spacing_m"
                f" {self.plan_spacing_m}; at least 0, above 0"
            )
