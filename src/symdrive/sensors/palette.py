"""Scratch paper of the painter: what the kernels know of each pixel of a short piece of a row.

A picture is painted piece by piece and, within a piece, in passes: each pass is a loop over the
pixels that computes one thing for all of them. Such loops run eight pixels at a time where they
touch nothing but this scratch paper, whose columns lie a constant way apart; look-ups in textures,
which only go one by one, have loops of their own.
"""

from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

PIECE = 128
"""Pixels of a piece: all columns of one fit into a core's nearest cache."""

_LANES = 8
_STRIDE = PIECE + _LANES
_SPAN = np.uint64(_STRIDE)


def _column(number: int) -> np.uint64:
    """Where a column begins; unsigned, so that kernels need not look for negative indices."""
    return np.uint64(number * _STRIDE)


# What the pixels of one triangle have in common.
SUNNY_RED, SUNNY_GREEN, SUNNY_BLUE = (_column(k) for k in range(3))
NORMAL_X, NORMAL_Y, NORMAL_Z = (_column(k) for k in range(3, 6))
SHARE, GLOW = _column(6), _column(7)
PLAIN_TRAITS = 8
WET, FLOODS = _column(8), _column(9)
WET_TRAITS = 10
SHADED_RED, SHADED_GREEN, SHADED_BLUE = (_column(k) for k in range(10, 13))
SLOPE_U, SLOPE_V = _column(13), _column(14)
SHADOW_TRAITS = 15
OWN_RED, OWN_GREEN, OWN_BLUE = (_column(k) for k in range(15, 18))
TRAITS = 18

# What each pixel has for itself.
RAY_X, RAY_Y, RAY_Z = (_column(k) for k in range(18, 21))
DISTANCE = _column(21)
HIT_X, HIT_Y, HIT_Z = (_column(k) for k in range(22, 25))
TEXEL, NOISE = _column(25), _column(26)
RED, GREEN, BLUE = (_column(k) for k in range(27, 30))
SUNLIT = _column(30)
LAMP, BEAM = _column(31), _column(32)
SCRATCH_A, SCRATCH_B, SCRATCH_C, SCRATCH_D = (_column(k) for k in range(33, 37))
_NUMBERS = 37

INDEX_A, INDEX_B, INDEX_C, INDEX_D = (_column(k) for k in range(4))
_INDICES = 4


@njit
@no_type_check
def new_palette():
    """Scratch paper for numbers and for indices."""
    return (
        np.zeros(_NUMBERS * _STRIDE, np.float32),
        np.zeros(_INDICES * _STRIDE, np.int32),
    )


@intrinsic
@no_type_check
def _store_lanes(_context, numbers, at, value):
    """The same number for the eight pixels from one on, as one store (no loop becomes that)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        lanes = ir.VectorType(ir.FloatType(), _LANES)
        vector = ir.Constant(lanes, ir.Undefined)
        for lane in range(_LANES):
            vector = builder.insert_element(vector, arguments[2], ir.Constant(ir.IntType(32), lane))
        place = builder.gep(array.data, [arguments[1]])
        builder.store(vector, builder.bitcast(place, lanes.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(numbers, at, value), generate


@njit(fastmath=True, error_model="numpy")
@no_type_check
def spread(numbers, traits, row, count, first, after):
    """Give the pixels from `first` up to `after` the first `count` traits of a triangle.

    Writes whole lanes: a few pixels behind the last one, too, which are those of the next triangle.
    """
    begin = np.uint64(first)
    for _ in range((np.uint32(after - first) + np.uint32(_LANES - 1)) >> np.uint32(3)):
        at = begin
        for k in range(np.uint32(count)):
            value = traits[np.uint64(row), np.uint64(k)]
            _store_lanes(numbers, at, value)
            at += _SPAN
        begin += np.uint64(_LANES)
