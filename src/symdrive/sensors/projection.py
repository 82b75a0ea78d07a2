"""From a body's frame to depth, right and down of a camera, and from there to its pixels.

Points are triples, so that everything stays in registers. Right and down are in pixels times metres
before they are divided by the depth, in pixels from the centre of the picture after.
"""

import math
from typing import no_type_check

from numba import njit

NEAR_M = 0.05
"""Surfaces nearer than this are not seen."""

SLACK_PX = 1e-6
"""Neighbours overlap by this much rather than leave a crack."""

BEHIND = 1e9
"""Where what is behind the eye is, px."""


@njit(fastmath=True)
@no_type_check
def view_matrix(matrix, place, slot):
    """From a body's frame to the camera's, as three rows of four."""
    rows = (
        (place[slot, 0], place[slot, 1], place[slot, 2], place[slot, 3]),
        (place[slot, 4], place[slot, 5], place[slot, 6], place[slot, 7]),
        (place[slot, 8], place[slot, 9], place[slot, 10], place[slot, 11]),
    )
    return (
        _row_times(matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3], rows),
        _row_times(matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3], rows),
        _row_times(matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3], rows),
    )


@njit(fastmath=True)
@no_type_check
def _row_times(x, y, z, w, rows):
    """A row of four times a 3x4 matrix."""
    a, b, c = rows
    return (
        x * a[0] + y * b[0] + z * c[0],
        x * a[1] + y * b[1] + z * c[1],
        x * a[2] + y * b[2] + z * c[2],
        x * a[3] + y * b[3] + z * c[3] + w,
    )


@njit(fastmath=True)
@no_type_check
def seen_from(view, x, y, z):
    """Depth, right and down of a corner."""
    a, b, c = view
    return (
        a[0] * x + a[1] * y + a[2] * z + a[3],
        b[0] * x + b[1] * y + b[2] * z + b[3],
        c[0] * x + c[1] * y + c[2] * z + c[3],
    )


@njit(fastmath=True)
@no_type_check
def minus(a, b):
    """Difference of triples."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@njit(fastmath=True)
@no_type_check
def cross(a, b):
    """Cross product of triples."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(fastmath=True)
@no_type_check
def on_grid(plane, factor, middle):
    """A linear function of the ray (1, right, down) as one of (1, column, row)."""
    right, down = factor * plane[1], factor * plane[2]
    return factor * plane[0] - right * middle[0] - down * middle[1], right, down


@njit(fastmath=True)
@no_type_check
def edge(start, end, sign, middle):
    """A linear function of column and row that is positive on the inner side of an edge."""
    return on_grid(cross(start, minus(end, start)), sign, middle)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def extent(a, b, c):
    """Least and greatest column and row (from the centre) of the part before the near plane."""
    nearest = min(a[0], b[0], c[0])
    if nearest > NEAR_M:
        right = (a[1] / a[0], b[1] / b[0], c[1] / c[0])
        down = (a[2] / a[0], b[2] / b[0], c[2] / c[0])
        return min(right), max(right), min(down), max(down)
    extent = (BEHIND, -BEHIND, BEHIND, -BEHIND)
    if max(a[0], b[0], c[0]) <= NEAR_M:
        return extent
    for start, end in ((a, b), (b, c), (c, a)):
        if start[0] > NEAR_M:
            extent = with_point(extent, start[1] / start[0], start[2] / start[0])
        if (start[0] > NEAR_M) != (end[0] > NEAR_M):
            share = (NEAR_M - start[0]) / (end[0] - start[0])
            right = start[1] + share * (end[1] - start[1])
            down = start[2] + share * (end[2] - start[2])
            extent = with_point(extent, right / NEAR_M, down / NEAR_M)
    return extent


@njit(fastmath=True)
@no_type_check
def with_point(extent, right, down):
    """An extent that reaches to a point."""
    left, most, up, low = extent
    return min(left, right), max(most, right), min(up, down), max(low, down)


@njit(fastmath=True)
@no_type_check
def pixel_bounds(extent, width, height):
    """First and last column and row whose centres can lie in an extent."""
    right, down = 0.5 * width - 0.5, 0.5 * height - 0.5
    return (
        _clamped(math.ceil(extent[0] + right - SLACK_PX), 0.0, width),
        _clamped(math.floor(extent[1] + right + SLACK_PX), -1.0, width - 1.0),
        _clamped(math.ceil(extent[2] + down - SLACK_PX), 0.0, height),
        _clamped(math.floor(extent[3] + down + SLACK_PX), -1.0, height - 1.0),
    )


@njit(fastmath=True)
@no_type_check
def holds_centre(places, middle):
    """Whether a centre of pixels, from 0 to twice the middle, may lie among three places."""
    a, b, c = places
    least, most = min(a, b, c), max(a, b, c)
    first = max(math.ceil(least + middle - 2.0 * SLACK_PX), 0.0)
    return first <= min(math.floor(most + middle + 2.0 * SLACK_PX), 2.0 * middle)


@njit(fastmath=True)
@no_type_check
def _clamped(value, low, high):
    """As a whole number from `low` to `high`."""
    return int(min(max(value, low), high))
