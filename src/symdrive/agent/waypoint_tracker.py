"""From future positions to wheel and pedals: the other way to follow a plan; off by default.

Formulas and constants: kesai-labs/lead 4489176, `closed_loop_inference.py` and
`config_closed_loop.py`, tuned at 20 Hz. Steering is left positive here.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.world.control import Control


@dataclass(frozen=True)
class Gains:
    """Of a PID whose integral is the mean over its window.

    Attributes:
        proportional: gain on the error.
        integral: gain on the mean of the last errors.
        derivative: gain on the change in one tick.
    """

    proportional: float
    integral: float
    derivative: float


@dataclass(frozen=True)
class WaypointParameters:
    """How waypoints are followed.

    Attributes:
        turn: steering gains; the error is the angle to the aim over 90 degrees.
        speed: throttle gains; the error is the missing speed, m/s.
        window: ticks that an integral remembers; it begins with zeros.
        half_second: waypoint at 0.5 s.
        one_second: waypoint at 1.0 s.
        most_missing_mps: larger errors of speed are cut.
        stop_mps: a lower wanted speed is a stop.
        brake_ratio: speed over wanted speed above which it brakes.
        slow_mps: below this wanted speed it aims near.
        near_m: aim when slow.
        far_m: aim when fast.
        standing_mps: a slower car steers straight, as does one that brakes.
    """

    turn: Gains = Gains(1.25, 0.75, 0.3)
    speed: Gains = Gains(1.75, 1.0, 2.0)
    window: int = 20
    half_second: int = 1
    one_second: int = 3
    most_missing_mps: float = 0.99
    stop_mps: float = 0.4
    brake_ratio: float = 1.1
    slow_mps: float = 5.5
    near_m: float = 2.25
    far_m: float = 3.0
    standing_mps: float = 0.01

    def __post_init__(self) -> None:
        """One waypoint comes after the other."""
        if not 0 <= self.half_second < self.one_second or self.window < 2:
            raise ValueError(f"half_second before one_second, window at least 2: {self}")


class WaypointTracker:
    """Follows positions in time; remembers the last errors."""

    def __init__(self, parameters: WaypointParameters | None = None) -> None:
        self.parameters = parameters or WaypointParameters()
        self.reset()

    def reset(self) -> None:
        """Forget the last episode."""
        n = self.parameters.window
        self._turns = deque([0.0] * n, maxlen=n)
        self._misses = deque([0.0] * n, maxlen=n)

    def step(self, waypoints: Float[np.ndarray, "step 2"], speed_mps: float) -> Control:
        """Wheel and pedals for this tick.

        Args:
            waypoints: future positions at 4 Hz, ego frame, m.
            speed_mps: present speed.
        """
        p = self.parameters
        moved = waypoints[p.one_second] - waypoints[p.half_second]
        wanted = 2.0 * float(np.hypot(*moved))
        brake = wanted < p.stop_mps or speed_mps / wanted > p.brake_ratio
        missing = min(max(wanted - speed_mps, 0.0), p.most_missing_mps)
        throttle = _pid(p.speed, self._misses, missing)
        straight = brake or speed_mps < p.standing_mps
        angle = 0.0 if straight else self._angle(waypoints, wanted)
        steer = _pid(p.turn, self._turns, angle)
        return Control(
            steer=min(1.0, max(-1.0, steer)),
            throttle=0.0 if brake else min(1.0, max(0.0, throttle)),
            brake=float(brake),
        )

    def _angle(self, waypoints: Float[np.ndarray, "step 2"], wanted: float) -> float:
        """Angle to the first waypoint that is far enough, over 90 degrees."""
        p = self.parameters
        distance = p.near_m if wanted < p.slow_mps else p.far_m
        far = np.flatnonzero(np.linalg.norm(waypoints, axis=1) >= distance)
        x, y = waypoints[far[0] if len(far) else -1].tolist()
        return math.atan2(y, x) / (math.pi / 2)


def _pid(gains: Gains, errors: deque[float], error: float) -> float:
    """One step; the error joins the memory."""
    change = error - errors[-1]
    errors.append(error)
    mean = sum(errors) / len(errors)
    return gains.proportional * error + gains.integral * mean + gains.derivative * change
