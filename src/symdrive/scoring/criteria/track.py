"""The route as criteria walk along it: points, directions and distances as plain numbers."""

import math

import numpy as np

from symdrive.core.errors import UserError
from symdrive.maps.route import Route


class RouteTrack:
    """A route for point-by-point tests.

    Attributes:
        points: x, y, z of each route point, m.
        driven_m: distance from the start at each point, along straight chords in 3D, as the
            leaderboard measures its routes.
        speed_limit_mps: limit at each point.

    Raises:
        UserError: for a route without length.
    """

    def __init__(self, route: Route) -> None:
        steps = np.linalg.norm(np.diff(route.points, axis=0), axis=1)
        if len(steps) == 0 or steps.sum() <= 0:
            raise UserError(f"route {route.route_id!r} has no length; give it two points or more.")
        self.points: list[tuple[float, float, float]] = [
            (x, y, z) for x, y, z in route.points.tolist()
        ]
        self.driven_m: list[float] = np.concatenate([[0.0], np.cumsum(steps)]).tolist()
        self.speed_limit_mps: list[float] = route.speed_limit_mps.tolist()
        self._forward = _forward(route)

    def __len__(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def length_m(self) -> float:
        """Length of the route, m."""
        return self.driven_m[-1]

    def is_passed(self, index: int, x: float, y: float, z: float) -> bool:
        """Whether a place lies ahead of the plane through a route point, across its direction."""
        px, py, pz = self.points[index]
        fx, fy, fz = self._forward[index]
        return (x - px) * fx + (y - py) * fy + (z - pz) * fz > 0

    def last_passed(self, index: int, window: int, x: float, y: float, z: float) -> int:
        """The last of the points `index .. index + window` that is passed; else `index`."""
        found = index
        for i in range(index, min(index + window + 1, len(self.points))):
            if self.is_passed(i, x, y, z):
                found = i
        return found


def _forward(route: Route) -> list[tuple[float, float, float]]:
    """Unit direction at each point: the heading of the lane, with the slope of the path."""
    level = np.hypot(np.gradient(route.points[:, 0]), np.gradient(route.points[:, 1]))
    pitch = np.arctan2(np.gradient(route.points[:, 2]), np.maximum(level, 1e-6))
    return [
        (math.cos(yaw) * math.cos(p), math.sin(yaw) * math.cos(p), math.sin(p))
        for yaw, p in zip(route.yaw.tolist(), pitch.tolist(), strict=True)
    ]
