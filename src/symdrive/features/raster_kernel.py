"""Points to counts per cell, compiled: one pass over the points and no arrays in between."""

from typing import NamedTuple, no_type_check

import numpy as np
from numba import njit


class RasterGeometry(NamedTuple):
    """Where the cells are, and where the own car is.

    Attributes:
        x_min: of column 0, m.
        y_max: of row 0, m; rows run to the right.
        px_per_m: cells per metre.
        half_length: of the own car, m.
        half_width: of the own car, m.
    """

    x_min: float
    y_max: float
    px_per_m: float
    half_length: float
    half_width: float


class GridPose(NamedTuple):
    """Where the frame of the grid sits in the ego frame.

    Attributes:
        lateral_m: to the left.
        cos: cosine of its turn to the left.
        sin: sine.
    """

    lateral_m: float
    cos: float
    sin: float


@njit(cache=True, error_model="numpy")
@no_type_check
def count_points(points, geometry, pose, slices, clip, raster):
    """Count points of each height slice into `raster`, up to `clip`; none that is on the own car.

    Args:
        points: x, y, z and more, (point, at least 3), ego frame, m.
        geometry: a `RasterGeometry`.
        pose: a `GridPose`.
        slices: lowest (included) and highest z of each slice, (slice, 2), m.
        clip: largest count.
        raster: counts so far, (slice, rows, cols), bytes.
    """
    _, rows, cols = raster.shape
    for i in range(len(points)):
        x, left, z = np.float64(points[i, 0]), np.float64(points[i, 1]), points[i, 2]
        if abs(x) <= geometry.half_length and abs(left) <= geometry.half_width:
            continue
        y = left - pose.lateral_m
        row = (geometry.y_max - (pose.cos * y - pose.sin * x)) * geometry.px_per_m
        col = (pose.cos * x + pose.sin * y - geometry.x_min) * geometry.px_per_m
        if not (row >= 0.0 and row < rows and col >= 0.0 and col < cols):
            continue
        for k in range(len(slices)):
            if z >= slices[k, 0] and z < slices[k, 1]:
                at = raster[k, int(row), int(col)]
                if at < clip:
                    raster[k, int(row), int(col)] = at + 1
