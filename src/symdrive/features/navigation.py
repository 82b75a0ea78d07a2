"""Which target points of the sparse plan come next: previous, current, next.

Stepped every tick, live by the agent and over the recorded 20 Hz readings by the dataset.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.features.config import NavigationConfig
from symdrive.maps.route import Command, SparsePlan


@dataclass(frozen=True)
class NavigationState:
    """What the navigation says at one tick.

    Attributes:
        target_points: previous, current and next; x y, world frame, m.
        command: what holds from the previous point on.
        position: where the car believes to be; x y, world frame, m.
    """

    target_points: Float[np.ndarray, "3 2"]
    command: Command
    position: Float[np.ndarray, " 2"]


class Navigator:
    """Walks along a sparse plan; remembers the position estimate and the last point reached."""

    def __init__(self, plan: SparsePlan, config: NavigationConfig) -> None:
        self.config = config
        self._points, self._command = _without_repeats(plan)
        self._last = 0
        self._position: Float[np.ndarray, " 2"] | None = None
        self._readings = 1

    def step(
        self, position: Float[np.ndarray, " 2"], yaw: float, speed_mps: float
    ) -> NavigationState:
        """Advance one tick.

        Args:
            position: GNSS reading, world frame, m.
            yaw: compass, rad.
            speed_mps: speedometer.
        """
        here = self._estimate(position, yaw, speed_mps)
        self._last = self._advance(here)
        end = len(self._points) - 1
        rows = [self._last, min(self._last + 1, end), min(self._last + 2, end)]
        command = Command(int(self._command[self._last]))
        return NavigationState(self._points[rows], command, here)

    def _estimate(
        self, position: Float[np.ndarray, " 2"], yaw: float, speed_mps: float
    ) -> Float[np.ndarray, " 2"]:
        """Dead reckoning, pulled towards each reading.

        The first readings count alike, as a mean; later ones have a constant share.
        """
        if self._position is None:
            self._position = np.asarray(position, dtype=np.float64)
            return self._position
        step = speed_mps * self.config.tick_s
        ahead = self._position + step * np.array([math.cos(yaw), math.sin(yaw)])
        self._readings += 1
        gain = max(self.config.position_gain, 1.0 / self._readings)
        self._position = ahead + gain * (position - ahead)
        return self._position

    def _advance(self, here: Float[np.ndarray, " 2"]) -> int:
        """Row of the last point reached; the goal itself always stays ahead."""
        points, best, farthest = self._points, self._last, -1.0
        along = 0.0
        for row in range(self._last + 1, len(points) - 1):
            along += float(np.linalg.norm(points[row] - points[row - 1]))
            distance = float(np.linalg.norm(points[row] - here))
            if distance <= self.config.reach_m and distance > farthest:
                best, farthest = row, distance
            elif self._is_passed(row, here, distance):
                best, farthest = row, max(farthest, distance)
            if along > self.config.horizon_m:
                break
        return best

    def _is_passed(self, row: int, here: Float[np.ndarray, " 2"], distance: float) -> bool:
        """Whether the car is near a point and beyond it in the direction of the plan."""
        if distance > self.config.passed_m:
            return False
        onward = self._points[row + 1] - self._points[row]
        return float(onward @ (here - self._points[row])) > 0.0


def _without_repeats(
    plan: SparsePlan,
) -> tuple[Float[np.ndarray, "point 2"], np.ndarray]:
    """The plan without consecutive equal points; the later command counts, and two points stay."""
    points = np.asarray(plan.points, dtype=np.float64)
    if len(points) < 2:
        points = np.repeat(points, 2, axis=0)
        return points, np.repeat(plan.command, 2)
    fresh = np.append(np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3, True)
    if fresh.sum() < 2:
        return points[[0, -1]], plan.command[[0, -1]]
    return points[fresh], plan.command[fresh]
