"""A crawl is carried out as a stop.

A network that is not sure whether to stop predicts a speed between standing and going: it rolls
over stop lines at walking pace. Whoever taught it never does; the expert stops, or drives.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FullStop:
    """When a low target speed means a stop.

    Attributes:
        below_mps: a lower target speed of a car that is as slow is a stop.
        standing_mps: a slower car has stopped.
        cool_down_s: after a stop the car may crawl for so long.
    """

    below_mps: float = 2.5
    standing_mps: float = 0.1
    cool_down_s: float = 8.0

    def __post_init__(self) -> None:
        """Speeds rise, times are not negative."""
        if not 0.0 < self.standing_mps < self.below_mps or self.cool_down_s < 0.0:
            raise ValueError(f"speeds rise from above zero, the time is zero or more: {self}")


class FullStopRule:
    """Finishes the stops that a plan only begins.

    Args:
        config: when a crawl is a stop.
        tick_s: length of a tick.
    """

    def __init__(self, config: FullStop, tick_s: float) -> None:
        self._config, self._tick_s = config, tick_s
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self._pause_s, self._is_stopping = 0.0, False

    def restrain(self, target_mps: float, speed_mps: float, *, brake: bool) -> tuple[float, bool]:
        """The target speed, m/s, and brake of a tick, or a stop.

        Args:
            target_mps: that the plan wants.
            speed_mps: speedometer.
            brake: whether the plan wants to stop.
        """
        self._pause_s = max(0.0, self._pause_s - self._tick_s)
        if speed_mps < self._config.standing_mps:
            self._pause_s, self._is_stopping = self._config.cool_down_s, False
        below = self._config.below_mps
        if self._pause_s == 0.0 and target_mps < below and speed_mps < below:
            self._is_stopping = True
        return (0.0, True) if self._is_stopping else (target_mps, brake)
