"""Labels of the planner: future positions, path points, target speed.

Formulas: kesai-labs/lead 4489176, `carla_dataset.py`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import to_local
from symdrive.features.inputs import ViewPose

WAYPOINT_TICKS = 5
"""Ticks between waypoints: 4 Hz."""

FIRST_POINT_M = 2.5
POINT_SPACING_M = 1.0


def waypoints(
    ticks: Mapping[str, np.ndarray], row: int, count: int, view: ViewPose
) -> Float[np.ndarray, "step 2"]:
    """Where the ego was in the following moments, in the frame of the view, m.

    Args:
        ticks: 20 Hz columns of the run; x, y, yaw are the true pose.
        row: of the present.
        count: number of waypoints.
        view: pose of the rig.
    """
    rows = row + WAYPOINT_TICKS * np.arange(1, count + 1)
    future = np.stack([ticks["x"][rows], ticks["y"][rows]], axis=1)
    here = np.array([ticks["x"][row], ticks["y"][row]])
    return view.to_view(to_local(future, here, float(ticks["yaw"][row])))


def route_points(
    path: Float[np.ndarray, "n 2"], count: int, view: ViewPose
) -> Float[np.ndarray, "count 2"]:
    """Points along the expert's path: the first 2.5 m away, each next one 1 m from the last.

    A path that ends too early goes straight on.

    Args:
        path: of the recorded plan, ego frame, m, at least two different points.
        count: number of points.
        view: pose of the rig.
    """
    line: list[Sequence[float]] = view.to_view(_without_repeats(path)).tolist()
    center, radius, segment, reached = (0.0, 0.0), FIRST_POINT_M, 0, -math.inf
    found: list[Sequence[float]] = []
    while len(found) < count:
        start, end = line[segment], line[segment + 1]
        step = (end[0] - start[0], end[1] - start[1])
        last = segment == len(line) - 2
        t = _leaves_circle(start, step, center, radius)
        if t is not None and t >= reached and (t <= 1.0 or last):
            center = (start[0] + t * step[0], start[1] + t * step[1])
            radius, reached = POINT_SPACING_M, t
            found.append(center)
        elif not last:
            segment, reached = segment + 1, 0.0
        else:  # the whole path lies outside of the circle: begin where it begins
            center, radius, segment, reached = line[0], POINT_SPACING_M, 0, 0.0
            found.append(center)
    return np.array(found)


def _leaves_circle(
    start: Sequence[float], step: Sequence[float], center: Sequence[float], radius: float
) -> float | None:
    """Parameter t at which start + t step leaves a circle; None where the line misses it."""
    gap = (start[0] - center[0], start[1] - center[1])
    a = step[0] * step[0] + step[1] * step[1]
    b = gap[0] * step[0] + gap[1] * step[1]
    c = gap[0] * gap[0] + gap[1] * gap[1] - radius * radius
    root = b * b - a * c
    return None if root < 0.0 else (-b + math.sqrt(root)) / a


def _without_repeats(path: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "m 2"]:
    """The path without repeated points.

    Raises:
        ValueError: when fewer than two points are left.
    """
    fresh = np.append(True, np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-6)
    if fresh.sum() < 2:
        raise ValueError(f"a path needs two different points, got {path.tolist()}")
    return path[fresh].astype(np.float64)
