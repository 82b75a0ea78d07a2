"""An unscented Kalman filter over position, heading and speed, with a bicycle as its motion.

Wan and van der Merwe, "The Unscented Kalman Filter for Nonlinear Estimation", 2000. Noise and
motion follow kesai-labs/lead 4489176, `kalman_filter.py` (off there by default since 2026-01-18);
the bicycle is that of Chen et al., "Learning to drive from a world on rails", 2021.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import wrap, wrap_angle
from symdrive.world.bicycle import FRONT_AXLE_M, REAR_AXLE_M, WHEEL_PER_STEER
from symdrive.world.control import Control

State = Float[np.ndarray, " 4"]
"""x, y (m, relative to where the filter began), heading (rad), speed (m/s)."""

YAW = 2


@dataclass(frozen=True)
class Bicycle:
    """How the car answers wheel and pedals.

    Attributes:
        rear_m: from the centre to the rear axle.
        front_m: from the centre to the front axle; fitted, so it can be negative.
        steer_gain: wheel angle at full steer, rad.
        throttle_mps2: acceleration at full throttle.
        brake_mps2: acceleration of a brake.
    """

    rear_m: float = REAR_AXLE_M
    front_m: float = FRONT_AXLE_M
    steer_gain: float = WHEEL_PER_STEER
    throttle_mps2: float = 0.5633837
    brake_mps2: float = -4.952399

    def step(
        self, states: Float[np.ndarray, "n 4"], control: Control, tick_s: float
    ) -> Float[np.ndarray, "n 4"]:
        """Where states are a tick later."""
        x, y, yaw, speed = states.T
        wheel = math.tan(self.steer_gain * control.steer)
        slip = math.atan(self.rear_m / (self.front_m + self.rear_m) * wheel)
        push = self.brake_mps2 if control.brake > 0.0 else self.throttle_mps2 * control.throttle
        return np.stack(
            [
                x + speed * np.cos(yaw + slip) * tick_s,
                y + speed * np.sin(yaw + slip) * tick_s,
                yaw + speed / self.rear_m * math.sin(slip) * tick_s,
                np.maximum(0.0, speed + push * tick_s),
            ],
            axis=1,
        )


@dataclass(frozen=True)
class KalmanConfig:
    """How much is believed of readings and of the motion; variances of x, y, heading, speed.

    Attributes:
        start: of the first reading.
        reading: of every reading.
        motion: of one tick of the motion.
        spread: distance of the sigma points (alpha of van der Merwe). The published 1e-5 costs ten
            digits and changes nothing that can be seen.
        prior: knowledge of the distribution (beta); 2 for a Gaussian.
        bicycle: the motion.
        tick_s: length of a tick.
    """

    start: tuple[float, float, float, float] = (0.5, 0.5, 1e-6, 1e-6)
    reading: tuple[float, float, float, float] = (0.5, 0.5, 1e-15, 1e-15)
    motion: tuple[float, float, float, float] = (1e-4, 1e-4, 1e-3, 1e-3)
    spread: float = 1e-3
    prior: float = 2.0
    bicycle: Bicycle = Bicycle()
    tick_s: float = 0.05

    def __post_init__(self) -> None:
        """Variances and the spread are above zero."""
        if min(*self.start, *self.reading, *self.motion) <= 0.0 or not 0.0 < self.spread <= 1.0:
            raise ValueError(f"variances are above zero, the spread is in (0, 1]: {self}")


class KalmanFilter:
    """Remembers one state; readings come every tick, with the control that led to them."""

    def __init__(self, config: KalmanConfig) -> None:
        self.config = config
        n = 4
        scale = config.spread**2 * n
        self._gain = math.sqrt(scale)
        self._mean_weight = np.full(2 * n + 1, 0.5 / scale)
        self._mean_weight[0] = 1.0 - n / scale
        self._spread_weight = self._mean_weight.copy()
        self._spread_weight[0] += 1.0 - config.spread**2 + config.prior
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._origin: Float[np.ndarray, " 2"] | None = None
        self._state: State = np.zeros(4)
        self._variance: Float[np.ndarray, "4 4"] = np.diag(self.config.start)

    def step(
        self, position: Float[np.ndarray, " 2"], yaw: float, speed_mps: float, control: Control
    ) -> Float[np.ndarray, " 2"]:
        """The position that is believed in after one more reading.

        Args:
            position: by GNSS, world frame, m.
            yaw: by compass, rad.
            speed_mps: by speedometer.
            control: that was given since the last reading.
        """
        if self._origin is None:
            self._origin = np.array(position, dtype=np.float64)
            self._state = np.array([0.0, 0.0, yaw, speed_mps])
            self._variance = np.diag(self.config.start)
            return np.array(position, dtype=np.float64)
        self._predict(control)
        reading = np.array([*(position - self._origin), yaw, speed_mps])
        self._correct(reading)
        return self._origin + self._state[:2]

    def _predict(self, control: Control) -> None:
        """Move the sigma points, and take their mean and spread."""
        values, axes = np.linalg.eigh(self._variance)
        root = axes * np.sqrt(np.maximum(values, 0.0)) * self._gain
        away = np.concatenate([np.zeros((1, 4)), root.T, -root.T])
        moved = self.config.bicycle.step(self._state + away, control, self.config.tick_s)
        # Differences to the middle point are averaged: the weights are huge and cancel.
        rest = moved - moved[0]
        rest[:, YAW] = wrap_angle(rest[:, YAW])
        mean = self._mean_weight @ rest
        rest = rest - mean
        self._state = moved[0] + mean
        self._variance = (rest.T * self._spread_weight) @ rest + np.diag(self.config.motion)

    def _correct(self, reading: State) -> None:
        """Pull the state towards a reading, which is of the whole state."""
        gap = reading - self._state
        gap[YAW] = wrap(float(gap[YAW]))
        total = self._variance + np.diag(self.config.reading)
        gain = np.linalg.solve(total, self._variance).T
        self._state = self._state + gain @ gap
        kept = np.eye(4) - gain
        # Joseph's form: stays symmetric and positive however small the variances are.
        self._variance = (
            kept @ self._variance @ kept.T + gain @ np.diag(self.config.reading) @ gain.T
        )
