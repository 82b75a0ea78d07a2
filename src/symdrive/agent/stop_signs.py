"""The stop-sign rule: stop at each sign that the network has seen, then go on.

Source: kesai-labs/lead 4489176, `sensor_agent.py` (off there by default since 2026-01-05).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import to_local, wrap
from symdrive.world.control import Control, DetectedBox

STOP_SIGN = "stop_sign"
"""Label of the boxes that count."""


@dataclass(frozen=True)
class StopSigns:
    """When to stop, and for how long a sign that was obeyed is left alone.

    Attributes:
        within_m: distance of the ego's centre to that of the box at which it stops. Boxes of our
            labels lie on the stop line, so the bumper is about 1.5 m before it.
        standing_mps: a slower car has stopped.
        cool_down_s: after a stop, signs do not stop the car for so long.
        slow_s: one that is met in this time limits the throttle for so long.
        slow_throttle: the limit.
        forget_m: a sign farther away is forgotten.
    """

    within_m: float = 4.0
    standing_mps: float = 0.01
    cool_down_s: float = 6.0
    slow_s: float = 2.0
    slow_throttle: float = 0.1
    forget_m: float = 64.0

    def __post_init__(self) -> None:
        """Distances are distances, the throttle is one."""
        if not 0.0 < self.within_m < self.forget_m or self.standing_mps <= 0.0:
            raise ValueError(f"distances rise from above zero, and so is the speed: {self}")
        if min(self.cool_down_s, self.slow_s) < 0.0 or not 0.0 <= self.slow_throttle <= 1.0:
            raise ValueError(f"times are zero or more, the throttle is in [0, 1]: {self}")


PUBLISHED = StopSigns(within_m=1.0)
"""For official weights, whose boxes lie where CARLA has the trigger of the sign."""


class StopSignRule:
    """Remembers the last sign that was seen, and where it is while the car moves.

    Args:
        config: when to stop.
        tick_s: length of a tick.
    """

    def __init__(self, config: StopSigns, tick_s: float) -> None:
        self._config, self._tick_s = config, tick_s
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self._sign: Float[np.ndarray, " 2"] | None = None
        self._yaw: float | None = None
        self._obeyed_s, self._slow_pause_s, self._slow_s = 0.0, 0.0, 0.0

    def step(
        self, wanted: Control, boxes: Sequence[DetectedBox], speed_mps: float, yaw: float
    ) -> Control:
        """The wanted control, or a stop, or less throttle.

        Args:
            wanted: of the tick.
            boxes: that the network sees, best first; ego frame.
            speed_mps: speedometer.
            yaw: compass, rad.
        """
        self._pass_time()
        self._move(speed_mps, yaw)
        seen = [box.center for box in boxes if box.label == STOP_SIGN]
        if seen:
            self._sign = np.array(min(seen, key=lambda center: np.hypot(*center)))
        if self._must_stop(speed_mps):
            return replace(wanted, throttle=0.0, brake=1.0)
        if self._slow_s > 0.0:
            return replace(wanted, throttle=min(wanted.throttle, self._config.slow_throttle))
        return wanted

    def _pass_time(self) -> None:
        """One tick less to wait."""
        self._obeyed_s, self._slow_pause_s, self._slow_s = (
            max(0.0, left - self._tick_s)
            for left in (self._obeyed_s, self._slow_pause_s, self._slow_s)
        )

    def _move(self, speed_mps: float, yaw: float) -> None:
        """Carry the remembered sign into the frame of this tick."""
        turn = 0.0 if self._yaw is None else wrap(yaw - self._yaw)
        self._yaw = yaw
        if self._sign is None:
            return
        way_m = speed_mps * self._tick_s
        step = way_m * np.array([np.cos(turn / 2.0), np.sin(turn / 2.0)])
        self._sign = to_local(self._sign, step, turn)
        if np.hypot(*self._sign) > self._config.forget_m:
            self._sign = None

    def _must_stop(self, speed_mps: float) -> bool:
        """Whether the car is at a sign that it has not obeyed yet."""
        if self._sign is None or np.hypot(*self._sign) >= self._config.within_m:
            return False
        if self._obeyed_s > 0.0:
            if self._slow_pause_s == 0.0:
                self._slow_s, self._slow_pause_s = self._config.slow_s, self._config.cool_down_s
            return False
        if speed_mps > self._config.standing_mps:
            return True
        self._sign, self._obeyed_s, self._slow_s = None, self._config.cool_down_s, 0.0
        return False
