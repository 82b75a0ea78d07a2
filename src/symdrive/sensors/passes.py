"""Passes over a piece of a row: each a loop over pixels that runs many at a time (`palette`)."""

from typing import no_type_check

import numpy as np
from numba import njit

from symdrive.sensors import palette as at
from symdrive.sensors.atmosphere import (
    cloud_place,
    foggy_color,
    lamp_lit,
    lamps_at,
    noise_between,
    noise_texels,
    puddle_depth,
    puddle_place,
    weathered_sky,
    wet_color,
)
from symdrive.sensors.shading import (
    grain_of,
    grain_texels,
    hazy_color,
    single,
    sky_color,
    surface_place,
    to_byte,
)

_ZERO, _ONE = single(0.0, 1.0)
_ROUGH_LAYER = np.int32(512 * 512)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _triple(numbers, first, second, third, i):
    """Three numbers of a pixel."""
    return numbers[first + i], numbers[second + i], numbers[third + i]


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _color(numbers, i):
    """The colour of a pixel as painted so far."""
    return _triple(numbers, at.RED, at.GREEN, at.BLUE, i)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _set_color(numbers, i, color):
    """Paint a pixel."""
    numbers[at.RED + i], numbers[at.GREEN + i], numbers[at.BLUE + i] = color


@njit(fastmath=True, error_model="numpy")
@no_type_check
def light_up(numbers, indices, grain, count, shadows):
    """Colours of surfaces by day, and their grain times the share that shows."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        hit = _triple(numbers, at.HIT_X, at.HIT_Y, at.HIT_Z, i)
        normal = _triple(numbers, at.NORMAL_X, at.NORMAL_Y, at.NORMAL_Z, i)
        patch, speckle = grain_texels(surface_place(hit, normal))
        indices[at.INDEX_A + i], indices[at.INDEX_B + i] = patch, speckle + _ROUGH_LAYER
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        numbers[at.SCRATCH_A + i] = grain[np.uint64(indices[at.INDEX_A + i])]
        numbers[at.SCRATCH_B + i] = grain[np.uint64(indices[at.INDEX_B + i])]
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        texel = grain_of(
            numbers[at.SCRATCH_A + i], numbers[at.SCRATCH_B + i], numbers[at.DISTANCE + i]
        )
        numbers[at.TEXEL + i] = numbers[at.SHARE + i] * texel
    if not shadows:
        for k in range(np.uint32(count)):
            i = np.uint64(k)
            _set_color(numbers, i, _triple(numbers, at.SUNNY_RED, at.SUNNY_GREEN, at.SUNNY_BLUE, i))
        return
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        sunny = _triple(numbers, at.SUNNY_RED, at.SUNNY_GREEN, at.SUNNY_BLUE, i)
        shaded = _triple(numbers, at.SHADED_RED, at.SHADED_GREEN, at.SHADED_BLUE, i)
        lit = numbers[at.SUNLIT + i]
        numbers[at.RED + i] = shaded[0] + (sunny[0] - shaded[0]) * lit
        numbers[at.GREEN + i] = shaded[1] + (sunny[1] - shaded[1]) * lit
        numbers[at.BLUE + i] = shaded[2] + (sunny[2] - shaded[2]) * lit


@njit(fastmath=True, error_model="numpy")
@no_type_check
def haze_over(numbers, light, count):
    """Grain, and the haze of a dry, clear day."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        color = hazy_color(
            _color(numbers, i), numbers[at.TEXEL + i], numbers[at.DISTANCE + i], light
        )
        _set_color(numbers, i, color)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def add_lamps(numbers, air, cells, count):
    """The light of street lamps and headlights."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        hit = _triple(numbers, at.HIT_X, at.HIT_Y, at.HIT_Z, i)
        normal = _triple(numbers, at.NORMAL_X, at.NORMAL_Y, at.NORMAL_Z, i)
        numbers[at.LAMP + i], numbers[at.BEAM + i] = lamps_at(hit, normal, air, cells)
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        own = _triple(numbers, at.OWN_RED, at.OWN_GREEN, at.OWN_BLUE, i)
        lamp, beam = numbers[at.LAMP + i], numbers[at.BEAM + i]
        _set_color(numbers, i, lamp_lit(_color(numbers, i), own, lamp, beam))


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _most(numbers, column, count):
    """The greatest number of a column; none is below 0."""
    most = _ZERO
    for k in range(np.uint32(count)):
        most = max(most, numbers[column + np.uint64(k)])
    return most


@njit(fastmath=True, error_model="numpy")
@no_type_check
def weather_over(numbers, indices, grain, light, air, count):
    """Grain, water on the road, and fog."""
    if air.wet > _ZERO and _most(numbers, at.WET, count) > _ZERO:
        _find_noise(numbers, indices, grain, air, count, of_clouds=False)
        for k in range(np.uint32(count)):
            i = np.uint64(k)
            wet = air.wet * numbers[at.WET + i]
            deep = puddle_depth(numbers[at.NOISE + i], numbers[at.FLOODS + i], air)
            direction = (
                _triple(numbers, at.RAY_X, at.RAY_Y, at.RAY_Z, i),
                _triple(numbers, at.NORMAL_X, at.NORMAL_Y, at.NORMAL_Z, i),
            )
            color, texel = _color(numbers, i), numbers[at.TEXEL + i]
            _set_color(numbers, i, wet_color(color, texel, (wet, deep), direction, light, air))
    else:
        for k in range(np.uint32(count)):
            i = np.uint64(k)
            color, factor = _color(numbers, i), _ONE + numbers[at.TEXEL + i]
            _set_color(numbers, i, (color[0] * factor, color[1] * factor, color[2] * factor))
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        ray = _triple(numbers, at.RAY_X, at.RAY_Y, at.RAY_Z, i)
        glow, distance = numbers[at.GLOW + i], numbers[at.DISTANCE + i]
        color = foggy_color(_color(numbers, i), glow, distance, ray, light, air)
        _set_color(numbers, i, color)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _noise_place(numbers, air, i, of_clouds):
    """Where in the noise a pixel lies."""
    if of_clouds:
        return cloud_place(_triple(numbers, at.RAY_X, at.RAY_Y, at.RAY_Z, i), air)
    return puddle_place(_triple(numbers, at.HIT_X, at.HIT_Y, at.HIT_Z, i))


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _find_noise(numbers, indices, grain, air, count, of_clouds):
    """The noise that shapes clouds, or puddles."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        u, v = _noise_place(numbers, air, i, of_clouds)
        a, b, c, d = noise_texels(u, v)
        indices[at.INDEX_A + i], indices[at.INDEX_B + i] = a, b
        indices[at.INDEX_C + i], indices[at.INDEX_D + i] = c, d
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        numbers[at.SCRATCH_A + i] = grain[np.uint64(indices[at.INDEX_A + i])]
        numbers[at.SCRATCH_B + i] = grain[np.uint64(indices[at.INDEX_B + i])]
        numbers[at.SCRATCH_C + i] = grain[np.uint64(indices[at.INDEX_C + i])]
        numbers[at.SCRATCH_D + i] = grain[np.uint64(indices[at.INDEX_D + i])]
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        u, v = _noise_place(numbers, air, i, of_clouds)
        texels = (
            numbers[at.SCRATCH_A + i],
            numbers[at.SCRATCH_B + i],
            numbers[at.SCRATCH_C + i],
            numbers[at.SCRATCH_D + i],
        )
        numbers[at.NOISE + i] = noise_between(texels, u, v)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _set_sky(numbers, i, color):
    """Keep a colour of the sky until it is known where the sky is seen."""
    numbers[at.SCRATCH_A + i], numbers[at.SCRATCH_B + i], numbers[at.SCRATCH_C + i] = color


@njit(fastmath=True, error_model="numpy")
@no_type_check
def paint_clear_sky(numbers, light, count):
    """The sky of a dry, clear day."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        _set_sky(numbers, i, sky_color(numbers[at.RAY_Z + i], light))


@njit(fastmath=True, error_model="numpy")
@no_type_check
def paint_sky(numbers, indices, grain, light, air, count):
    """The sky behind the weather."""
    _find_noise(numbers, indices, grain, air, count, of_clouds=True)
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        ray = _triple(numbers, at.RAY_X, at.RAY_Y, at.RAY_Z, i)
        _set_sky(numbers, i, weathered_sky(ray, light, air, numbers[at.NOISE + i]))


@njit(fastmath=True, error_model="numpy")
@no_type_check
def merge_sky(numbers, row, count):
    """The sky where nothing stands before it."""
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        is_sky = row[i] < 0
        color = _color(numbers, i)
        sky = _triple(numbers, at.SCRATCH_A, at.SCRATCH_B, at.SCRATCH_C, i)
        numbers[at.RED + i] = sky[0] if is_sky else color[0]
        numbers[at.GREEN + i] = sky[1] if is_sky else color[1]
        numbers[at.BLUE + i] = sky[2] if is_sky else color[2]


@njit(fastmath=True, error_model="numpy")
@no_type_check
def put(rgb, numbers, y, left, count):
    """Write a piece into the picture."""
    line = rgb[y, left:]
    for k in range(np.uint32(count)):
        i = np.uint64(k)
        line[i, 0] = to_byte(numbers[at.RED + i])
        line[i, 1] = to_byte(numbers[at.GREEN + i])
        line[i, 2] = to_byte(numbers[at.BLUE + i])
