"""Planar poses, rotations, oriented boxes, polylines; ISO 8855 (x forward, y left), metres, rad.

Every function takes batches; one object is a batch of one.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Float64, Int


def wrap_angle(angle: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b"]:
    """The same angle in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def wrap(angle: float) -> float:
    """One angle in [-pi, pi)."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def to_local(
    points: Float[np.ndarray, "*n 2"], origin: Float[np.ndarray, " 2"], yaw: float
) -> Float[np.ndarray, "*n 2"]:
    """World points in the frame at `origin` whose x axis points along `yaw`."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y = points[..., 0] - origin[0], points[..., 1] - origin[1]
    local = np.empty((*np.shape(x), 2), dtype=np.result_type(x, cos))
    local[..., 0], local[..., 1] = cos * x + sin * y, -sin * x + cos * y
    return local


def to_world(
    points: Float[np.ndarray, "*n 2"], origin: Float[np.ndarray, " 2"], yaw: float
) -> Float[np.ndarray, "*n 2"]:
    """Points of the frame at `origin`, `yaw` in the world; the inverse of `to_local`."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1) + origin


def rotation(yaw: float, pitch: float, roll: float = 0.0) -> Float64[np.ndarray, "3 3"]:
    """Turned left by yaw, then nose up by pitch, then left side up by roll; rad.

    Returns:
        Columns forward, left, up: body to world.
    """
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    forward = np.array([cp * cy, cp * sy, sp])
    left, up = np.array([-sy, cy, 0.0]), np.array([-sp * cy, -sp * sy, cp])
    cr, sr = math.cos(roll), math.sin(roll)
    return np.stack([forward, cr * left + sr * up, cr * up - sr * left], axis=1)


def box_corners(
    center: Float[np.ndarray, "n 2"],
    yaw: Float[np.ndarray, " n"],
    half_extent: Float[np.ndarray, "n 2"],
) -> Float[np.ndarray, "n 4 2"]:
    """Corners of oriented boxes: front left, rear left, rear right, front right.

    Args:
        center: box centres, m.
        yaw: heading of the box's length axis, rad.
        half_extent: half length and half width, m.
    """
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=center.dtype)
    local = signs[None] * half_extent[:, None, :]
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x = cos * local[..., 0] - sin * local[..., 1]
    y = sin * local[..., 0] + cos * local[..., 1]
    return np.stack([x, y], axis=-1) + center[:, None, :]


def boxes_overlap(
    corners_a: Float[np.ndarray, "n 4 2"], corners_b: Float[np.ndarray, "n 4 2"]
) -> Bool[np.ndarray, " n"]:
    """Whether the boxes of each pair overlap (separating axis test); touching counts as overlap."""
    separate = np.zeros(len(corners_a), dtype=bool)
    for corners in (corners_a, corners_b):
        for i in (0, 1):
            axis = corners[:, i] - corners[:, i + 1]
            a = np.einsum("nkd,nd->nk", corners_a, axis)
            b = np.einsum("nkd,nd->nk", corners_b, axis)
            separate |= (a.max(axis=1) < b.min(axis=1)) | (b.max(axis=1) < a.min(axis=1))
    return ~separate


def arc_length(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Distance along a polyline from its first point, m; first entry 0."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([np.zeros(1), np.cumsum(steps)])


def resample(points: Float[np.ndarray, "n d"], spacing_m: float) -> Float[np.ndarray, "m d"]:
    """The polyline with points every `spacing_m` (evenly, so that both ends stay)."""
    s = arc_length(points)
    count = max(2, round(float(s[-1]) / spacing_m) + 1)
    at = np.linspace(0.0, float(s[-1]), count)
    return np.stack([np.interp(at, s, points[:, k]) for k in range(points.shape[1])], axis=1)


def polyline_yaw(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Heading at each point by central difference, rad."""
    delta = np.gradient(points[:, :2], axis=0)
    return np.arctan2(delta[:, 1], delta[:, 0])


def nearest_on_polyline(
    points: Float[np.ndarray, "n 2"], query: Float[np.ndarray, " 2"]
) -> tuple[int, float, float]:
    """Project a point on a polyline.

    Returns:
        Index of the segment, fraction within it in [0, 1], and the distance in m, positive when
        the query lies left of the segment.
    """
    start, step = points[:-1], np.diff(points, axis=0)
    length2 = np.maximum(np.einsum("nd,nd->n", step, step), 1e-12)
    t = np.clip(np.einsum("nd,nd->n", query - start, step) / length2, 0.0, 1.0)
    gap = query - (start + t[:, None] * step)
    index = int(np.argmin(np.einsum("nd,nd->n", gap, gap)))
    side = step[index, 0] * gap[index, 1] - step[index, 1] * gap[index, 0]
    return index, float(t[index]), float(np.copysign(np.linalg.norm(gap[index]), side))


def ranges(start: Int[np.ndarray, " n"], count: Int[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
    """Concatenated index ranges [start_i, start_i + count_i); gathers CSR rows at once."""
    total = int(count.sum())
    offsets = np.repeat(start - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    return np.arange(total) + offsets
