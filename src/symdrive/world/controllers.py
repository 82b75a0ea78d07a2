"""From a path and a target speed to wheel and pedals; shared by the expert and the learned agent.

Formulas and constants: kesai-labs/lead 4489176, lateral PID on the heading error and longitudinal
regression, tuned there for CARLA's Lincoln MKZ at 20 Hz. Steering is left positive here.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import wrap

_TUNED_DT_S = 0.05
_KMH = 3.6
_COAST_MPS = 0.02
"""An excess of speed that rolling resistance takes off in one tick."""


@dataclass(frozen=True)
class LateralParameters:
    """Gains of the steering PID; the error is the angle to the look-ahead point over 90 degrees.

    Attributes:
        proportional: gain on the error.
        derivative: gain on its change in one tick of 0.05 s.
        integral: gain on its mean over the last `window` ticks of 0.05 s.
        window: length of the memory, ticks of 0.05 s.
        lookahead_slope_s: growth of the look-ahead with speed, m per m/s.
        lookahead_base_m: look-ahead at zero speed, before the limits.
        lookahead_min_m: never nearer.
        lookahead_max_m: never farther.
        bend_gain_m: extra look-ahead for each radian of mean bearing of the route.
        bend_max_m: limit of that extra.
    """

    proportional: float = 3.118357
    derivative: float = 1.378251
    integral: float = 0.640607
    window: int = 6
    lookahead_slope_s: float = 0.0975532 * _KMH
    lookahead_base_m: float = 0.191529
    lookahead_min_m: float = 2.4
    lookahead_max_m: float = 10.5
    bend_gain_m: float = 0.0
    bend_max_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no look-ahead."""
        if not 0.0 < self.lookahead_min_m <= self.lookahead_max_m or self.window < 1:
            raise ValueError(f"look-ahead limits must rise from above zero, window >= 1: {self}")


EXPERT_LATERAL = LateralParameters()
STUDENT_LATERAL = LateralParameters(bend_gain_m=3.5, bend_max_m=2.0)


class LateralController:
    """Steers towards a point of the route; remembers the last errors."""

    def __init__(self, parameters: LateralParameters = EXPERT_LATERAL) -> None:
        self.parameters = parameters
        self._errors: deque[float] = deque()

    def reset(self) -> None:
        """Forget the last episode."""
        self._errors.clear()

    def step(
        self,
        route_ego: Float[np.ndarray, "point 2"],
        speed_mps: float,
        dt_s: float = _TUNED_DT_S,
    ) -> float:
        """Steering for this tick.

        Args:
            route_ego: path in the ego frame, m, in driving order, at least one point, any spacing.
            speed_mps: present speed.
            dt_s: time since the last step.

        Returns:
            Steering in [-1, 1], left positive, in steps of 0.001.
        """
        p = self.parameters
        aim = point_at_distance(route_ego, lookahead_m(p, route_ego, speed_mps))
        error = wrap(math.atan2(aim[1], aim[0])) / (math.pi / 2)
        ratio = _TUNED_DT_S / dt_s
        slope = (error - self._errors[-1]) * ratio if self._errors else 0.0
        self._errors.append(error)
        while len(self._errors) > max(1, round(p.window * ratio)):
            self._errors.popleft()
        mean = sum(self._errors) / len(self._errors)
        steer = p.proportional * error + p.derivative * slope + p.integral * mean
        return round(min(1.0, max(-1.0, steer)), 3)


def lookahead_m(
    parameters: LateralParameters, route_ego: Float[np.ndarray, "point 2"], speed_mps: float
) -> float:
    """Distance of the aim point along the route, m; farther when fast and, if asked, in bends."""
    p = parameters
    straight = p.lookahead_slope_s * max(0.0, speed_mps) + p.lookahead_base_m
    distance = min(p.lookahead_max_m, max(p.lookahead_min_m, straight))
    if p.bend_gain_m > 0.0:
        bearing = float(np.abs(np.arctan2(route_ego[:, 1], route_ego[:, 0])).mean())
        distance += min(p.bend_max_m, math.floor(p.bend_gain_m * bearing))
    return distance


def point_at_distance(
    route_ego: Float[np.ndarray, "point 2"], distance_m: float
) -> tuple[float, float]:
    """The point `distance_m` ahead along the route, counted from the ego's origin.

    A distance beyond the end gives the last point, one before the first gives the first (a plan
    that is shorter than the look-ahead is ordinary near the goal).
    """
    steps = np.hypot(np.diff(route_ego[:, 0]), np.diff(route_ego[:, 1]))
    first = math.hypot(float(route_ego[0, 0]), float(route_ego[0, 1]))
    along = first + np.concatenate([np.zeros(1), np.cumsum(steps)])
    x = float(np.interp(distance_m, along, route_ego[:, 0]))
    y = float(np.interp(distance_m, along, route_ego[:, 1]))
    return x, y


@dataclass(frozen=True)
class LongitudinalParameters:
    """Pedal rule; weights act on speeds in units of 100 km/h.

    Attributes:
        weights: on v, v^2, 100 e, e^2, v e, v^2 e, where e is the missing speed.
        full_throttle_error_mps: a larger missing speed gives full throttle.
        brake_ratio: speed over target above which the brake is pressed.
        floor_mps: smallest target that is driven at.
        stop_mps: a target below it is a stop.
        hold_mps: below this speed a car without throttle is held by the brake.
        full_brake_error_mps: speed above the target that gives full brake; the pedal is
            proportional below. 0 for LEAD's rule: all or nothing, beyond `brake_ratio`.
    """

    weights: tuple[float, float, float, float, float, float] = (
        1.1990342347,
        -0.8057602384,
        1.7108187110,
        0.9218902575,
        1.5564975230,
        -0.7013479735,
    )
    full_throttle_error_mps: float = 1.89 / _KMH
    brake_ratio: float = 1.0312666
    floor_mps: float = 1.0 / _KMH
    stop_mps: float = 0.01
    hold_mps: float = 0.5
    full_brake_error_mps: float = 0.0

    def __post_init__(self) -> None:
        """A ratio of one or less would brake at the target itself."""
        if self.brake_ratio <= 1.0 or self.floor_mps <= 0.0:
            raise ValueError(f"brake_ratio must be above 1 and floor_mps above 0: {self}")


GRADED_PEDALS = LongitudinalParameters(full_brake_error_mps=0.4)
"""Brake in proportion to the excess of speed.

A target that asks for a deceleration of a = (v - target) / 0.05 s is below LEAD's threshold until a
reaches 0.6 v: at 10 m/s nothing happens before 6 m/s^2, then the pedal goes down all the way, tick
on, tick off. Full brake is 8 m/s^2, so an excess of 0.4 m/s in one tick is what it takes off.
"""


class LongitudinalController:
    """Throttle by regression; brake all or nothing, as LEAD drives CARLA, or graded."""

    def __init__(self, parameters: LongitudinalParameters | None = None) -> None:
        self.parameters = parameters or LongitudinalParameters()

    def step(
        self, speed_mps: float, target_speed_mps: float, *, brake: bool
    ) -> tuple[float, float]:
        """Throttle and brake, each in [0, 1], never both.

        Args:
            speed_mps: present speed.
            target_speed_mps: speed to reach.
            brake: stop at once, whatever the target.
        """
        p = self.parameters
        target = max(p.floor_mps, target_speed_mps)
        if brake or target_speed_mps < p.stop_mps:
            return 0.0, 1.0
        if p.full_brake_error_mps > 0.0 and self._is_slowing(speed_mps, target_speed_mps):
            return 0.0, self._graded_brake(speed_mps, target_speed_mps)
        if p.full_brake_error_mps == 0.0 and speed_mps / target > p.brake_ratio:
            return 0.0, 1.0
        missing = target - speed_mps
        if missing > p.full_throttle_error_mps:
            return 1.0, 0.0
        throttle = _regression(p.weights, speed_mps, max(0.0, missing))
        if throttle == 0.0 and speed_mps < p.hold_mps:
            return 0.0, 1.0
        return throttle, 0.0

    def _is_slowing(self, speed_mps: float, target_speed_mps: float) -> bool:
        """Whether the graded brake decides: above the target, or hardly rolling without a start."""
        return speed_mps - target_speed_mps > _COAST_MPS or self._holds(speed_mps, target_speed_mps)

    def _holds(self, speed_mps: float, target_speed_mps: float) -> bool:
        """Whether the car is to stand; a last crawl to a line would go on and off for a second."""
        p = self.parameters
        return speed_mps < p.hold_mps and target_speed_mps < p.floor_mps

    def _graded_brake(self, speed_mps: float, target_speed_mps: float) -> float:
        """Brake pedal in proportion to the excess of speed."""
        if self._holds(speed_mps, target_speed_mps):
            return 1.0
        excess = speed_mps - target_speed_mps - _COAST_MPS
        return min(1.0, excess / self.parameters.full_brake_error_mps)


def _regression(weights: tuple[float, ...], speed_mps: float, missing_mps: float) -> float:
    """Throttle in [0, 1] that holds a speed and makes up for what is missing."""
    v, e = speed_mps * _KMH / 100.0, missing_mps * _KMH / 100.0
    features = (v, v * v, 100.0 * e, e * e, v * e, v * v * e)
    return min(1.0, max(0.0, sum(w * f for w, f in zip(weights, features, strict=True))))
