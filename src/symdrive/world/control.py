"""What a driver decides: pedals and wheel, and the plan behind them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Control:
    """Pedals and wheel.

    Attributes:
        steer: [-1, 1], left positive (CARLA's sign is the opposite one).
        throttle: [0, 1].
        brake: [0, 1].
        reverse: drive backwards.
    """

    steer: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    reverse: bool = False

    def __post_init__(self) -> None:
        """A control out of range (or NaN) is a bug of whoever made it."""
        if not (-1 <= self.steer <= 1 and 0 <= self.throttle <= 1 and 0 <= self.brake <= 1):
            raise ValueError(f"control out of range: {self}; steer in [-1, 1], pedals in [0, 1]")


@dataclass(frozen=True)
class DetectedBox:
    """An object that a driver believes in; ego frame.

    Attributes:
        label: such as `vehicle` or `walker`.
        center: x, y, m.
        half_extent: half length and half width, m.
        yaw: relative heading, rad.
        speed_mps: along its heading.
        score: confidence in [0, 1].
    """

    label: str
    center: tuple[float, float]
    half_extent: tuple[float, float]
    yaw: float
    speed_mps: float
    score: float


@dataclass(frozen=True)
class Plan:
    """What a driver intends and why; ego frame, for labels, drawing and explanations.

    Attributes:
        route: path points, x y, m (for TFv6: 10 points 1 m apart from 2.5 m on).
        waypoints: future positions, x y, m, 4 Hz (empty where the driver predicts none).
        target_speed_mps: speed aimed at.
        brake: whether it wants to stop at once.
        reason: what bound the speed, such as `red_light`.
        boxes: objects it reckons with.
        target_points: previous, current and next target point, x y, m.
    """

    route: Float[np.ndarray, "point 2"]
    waypoints: Float[np.ndarray, "step 2"]
    target_speed_mps: float
    brake: bool = False
    reason: str = ""
    boxes: tuple[DetectedBox, ...] = ()
    target_points: Float[np.ndarray, "3 2"] | None = None
