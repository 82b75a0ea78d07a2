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


@njit(cache=True, error_model="numpy")
@no_type_check
def count_points(xy, z, ego_xy, geometry, slices, clip, raster):
    """Count points of each height slice into `raster`, up to `clip`; none that is on the own car.

    Args:
        xy: points in the frame of the grid, (point, 2), m.
        z: height, (point,), m.
        ego_xy: the same points in the ego frame, (point, 2), m.
        geometry: a `RasterGeometry`.
        slices: lowest (included) and highest z of each slice, (slice, 2), m.
        clip: largest count.
        raster: counts so far, (slice, rows, cols), bytes.
    """
    _, rows, cols = raster.shape
    for i in range(len(xy)):
        if abs(ego_xy[i, 0]) <= geometry.half_length and abs(ego_xy[i, 1]) <= geometry.half_width:
            continue
        row = (geometry.y_max - np.float64(xy[i, 1])) * geometry.px_per_m
        col = (np.float64(xy[i, 0]) - geometry.x_min) * geometry.px_per_m
        if not (row >= 0.0 and row < rows and col >= 0.0 and col < cols):
            continue
        for k in range(len(slices)):
            if z[i] >= slices[k, 0] and z[i] < slices[k, 1]:
                at = raster[k, int(row), int(col)]
                if at < clip:
                    raster[k, int(row), int(col)] = at + 1
