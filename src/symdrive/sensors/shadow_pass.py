"""How much of the sun reaches each pixel of a piece, by shadow maps (`shadows`)."""

from typing import no_type_check

import numpy as np
from numba import njit

from symdrive.sensors import palette as at
from symdrive.sensors.shading import dot, single

LEVELS, SIDE = 3, 1024
TEXEL_M = 0.065
"""Side of a texel of the finest map, across the sun's direction; the next ones are twice as big."""

REACH_M = (28.0, 58.0, 120.0)
"""Distance from the eye up to which each map is asked; beyond the last one there is no shadow."""

_NEAR_M, _MIDDLE_M, _SEEN_M = single(*REACH_M)
_TEXEL_0, _TEXEL_1, _TEXEL_2 = single(*(TEXEL_M * 2**level for level in range(LEVELS)))
_PER_M_0, _PER_M_1, _PER_M_2 = single(*(1.0 / (TEXEL_M * 2**level) for level in range(LEVELS)))
_ZERO, _HALF, _ONE = single(0.0, 0.5, 1.0)
_STEEPEST, _LEAST_FACING = single(8.0, 0.05)
_SLACK, _SLACK_M = single(1.0, 0.015)
"""What stands this many texels, and this much, above a surface does not shade it."""

_SIDE, _MASK, _STEP = np.int32(SIDE), np.int32(SIDE - 1), np.int32(1)
_LAYER, _NO_LAYER = np.int32(SIDE * SIDE), np.int32(0)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def shadow_slopes(normal, frame):
    """How a surface rises towards the sun, along both axes of the shadow maps."""
    if len(frame) == 0:
        return _ZERO, _ZERO
    u = normal[0] * frame[0] + normal[1] * frame[1] + normal[2] * frame[2]
    v = normal[0] * frame[3] + normal[1] * frame[4] + normal[2] * frame[5]
    facing = normal[0] * frame[6] + normal[1] * frame[7] + normal[2] * frame[8]
    per_m = -_ONE / max(facing, _LEAST_FACING)
    return _kept(u * per_m), _kept(v * per_m)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _kept(slope):
    """Neither too steep up nor down."""
    return min(max(slope, -_STEEPEST), _STEEPEST)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _place(numbers, i, axes, eye):
    """Texels along both axes, height towards the sun, and the side of a texel."""
    ray = numbers[at.RAY_X + i], numbers[at.RAY_Y + i], numbers[at.RAY_Z + i]
    distance = numbers[at.DISTANCE + i]
    is_near, is_far = distance < _NEAR_M, distance >= _MIDDLE_M
    per_m = _PER_M_0 if is_near else (_PER_M_2 if is_far else _PER_M_1)
    texel = _TEXEL_0 if is_near else (_TEXEL_2 if is_far else _TEXEL_1)
    u = (dot(ray, axes[0]) * distance + eye[0]) * per_m - _HALF
    v = (dot(ray, axes[1]) * distance + eye[1]) * per_m - _HALF
    return u, v, dot(ray, axes[2]) * distance + eye[2], texel


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _unpacked(frame):
    """Axes of the maps, and where the eye is."""
    return (
        (frame[0], frame[1], frame[2]),
        (frame[3], frame[4], frame[5]),
        (frame[6], frame[7], frame[8]),
    ), (frame[9], frame[10], frame[11])


@njit(fastmath=True, error_model="numpy")
@no_type_check
def find_sunlit(numbers, indices, frame, shade, count):
    """The share of the sun that reaches each pixel: of four texels around it, those not above it.

    Texels are compared with the plane of the surface, so that it does not shade itself.
    """
    axes, eye = _unpacked(frame)
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        u, v, _, _ = _place(numbers, i, axes, eye)
        distance = numbers[at.DISTANCE + i]
        layer = _NO_LAYER if distance < _NEAR_M else _LAYER
        layer += _LAYER if distance >= _MIDDLE_M else _NO_LAYER
        column, row = np.int32(u), np.int32(v)
        left, right = column & _MASK, (column + _STEP) & _MASK
        top, bottom = layer + (row & _MASK) * _SIDE, layer + ((row + _STEP) & _MASK) * _SIDE
        indices[at.INDEX_A + i], indices[at.INDEX_B + i] = top + left, top + right
        indices[at.INDEX_C + i], indices[at.INDEX_D + i] = bottom + left, bottom + right
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        numbers[at.SCRATCH_A + i] = shade[np.uint64(indices[at.INDEX_A + i])]
        numbers[at.SCRATCH_B + i] = shade[np.uint64(indices[at.INDEX_B + i])]
        numbers[at.SCRATCH_C + i] = shade[np.uint64(indices[at.INDEX_C + i])]
        numbers[at.SCRATCH_D + i] = shade[np.uint64(indices[at.INDEX_D + i])]
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        u, v, height, texel = _place(numbers, i, axes, eye)
        a, b = u - np.float32(np.int32(u)), v - np.float32(np.int32(v))
        slope_u, slope_v = numbers[at.SLOPE_U + i] * texel, numbers[at.SLOPE_V + i] * texel
        corner = height + _SLACK * texel + _SLACK_M - slope_u * a - slope_v * b
        upper = _passed(numbers[at.SCRATCH_A + i], corner) * (_ONE - a)
        upper += _passed(numbers[at.SCRATCH_B + i], corner + slope_u) * a
        lower = _passed(numbers[at.SCRATCH_C + i], corner + slope_v) * (_ONE - a)
        lower += _passed(numbers[at.SCRATCH_D + i], corner + slope_u + slope_v) * a
        share = upper * (_ONE - b) + lower * b
        numbers[at.SUNLIT + i] = share if numbers[at.DISTANCE + i] < _SEEN_M else _ONE


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _passed(top, height):
    """1 where nothing is above a height, 0 elsewhere."""
    return _ONE if top <= height else _ZERO
