"""An emergency brake over a plan: the LiDAR says how far the planned path is free."""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float

from symdrive.world.control import Plan

FREE = math.inf
"""Distance to the nearest obstacle where there is none."""


@dataclass(frozen=True)
class Guard:
    """Caps the target speed so that the car can stop before what stands on its planned path.

    A wider relative of the LiDAR box that keeps the published creeping heuristic from creeping
    into things (kesai-labs/lead 4489176, `sensor_agent.py`). It knows only what the LiDAR sees in
    this tick, and takes everything for standing.

    Attributes:
        half_width_m: half of the corridor along the path.
        front_m: from the ego's centre to its bumper.
        reserve_m: space that is left to the obstacle.
        braking_mps2: deceleration that the cap relies on.
        low_m: lowest return that counts, above the ego's ground plane at the bumper.
        rise: growth of that height with distance, for roads that begin to climb.
        high_m: highest return that counts; signs and trees hang above.
        returns: fewest returns that make an obstacle.
        stop_below_mps: a lower cap is a stop.
    """

    half_width_m: float = 1.1
    front_m: float = 2.45
    reserve_m: float = 1.5
    braking_mps2: float = 4.0
    low_m: float = 0.35
    rise: float = 0.04
    high_m: float = 2.2
    returns: int = 3
    stop_below_mps: float = 0.5

    def __post_init__(self) -> None:
        """A corridor has a width, a brake a force."""
        if min(self.half_width_m, self.front_m, self.braking_mps2) <= 0 or self.returns < 1:
            raise ValueError(f"width, front and braking are above zero, returns at least 1: {self}")
        if not 0.0 <= self.low_m < self.high_m or self.reserve_m < 0 or self.rise < 0:
            raise ValueError(
                f"heights rise from low_m to high_m, reserves are not negative: {self}"
            )

    def free_m(self, lidar: Float[np.ndarray, "point 4"], route: Float[np.ndarray, "n 2"]) -> float:
        """Path from the bumper to the nearest obstacle, m; `FREE` where there is none.

        Args:
            lidar: x, y, z, intensity of the returns, ego frame, m.
            route: planned path, ego frame, m, in driving order.
        """
        x, z = lidar[:, 0], lidar[:, 2]
        low = self.low_m + self.rise * np.maximum(0.0, x - self.front_m)
        solid = lidar[(x > self.front_m) & (z > low) & (z < self.high_m), :2].astype(np.float64)
        if len(solid) < self.returns:
            return FREE
        path = shapely.LineString(np.concatenate([np.zeros((1, 2)), route]))
        points = shapely.points(solid)
        within = shapely.distance(path, points) < self.half_width_m
        hit = np.sort(shapely.line_locate_point(path, points[within]))
        if len(hit) < self.returns:
            return FREE
        return max(0.0, float(hit[self.returns - 1]) - self.front_m)

    def speed_cap(self, free_m: float) -> float:
        """The speed from which the car stops in time, m/s: sqrt(2 b d)."""
        cap = math.sqrt(2.0 * self.braking_mps2 * max(0.0, free_m - self.reserve_m))
        return cap if cap >= self.stop_below_mps else 0.0

    def restrain(self, plan: Plan, lidar: Float[np.ndarray, "point 4"]) -> tuple[float, bool]:
        """Target speed, m/s, and brake of the plan, or less than that."""
        cap = self.speed_cap(self.free_m(lidar, plan.route))
        if cap >= plan.target_speed_mps:
            return plan.target_speed_mps, plan.brake
        return cap, plan.brake or cap == 0.0
