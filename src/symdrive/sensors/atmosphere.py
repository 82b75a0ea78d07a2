"""Colour of a ray in weather: fog, clouds, wet roads and the light of lamps.

The same rules hold as in `shading`: scalars for functions that branch, straight lines for functions
that look into an array.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.lamps import CELL_M
from symdrive.sensors.shading import FAR_CORNER_M, dot, single, sky_color

_ROAD, _LINE = int(SemanticClass.ROAD), int(SemanticClass.ROAD_LINE)
_SIDEWALK = int(SemanticClass.SIDEWALK)

_ZERO, _QUARTER, _HALF, _ONE = single(0.0, 0.25, 0.5, 1.0)
_LAMP_TINT, _BEAM_TINT = single(1.2, 0.94, 0.60), single(0.96, 0.93, 0.84)
_PER_CELL, _LEVEL, _TINY = single(1.0 / CELL_M, 0.7, 1e-6)
_POLE_M, _POLE_FADE, _BEAM_TOP_M, _BEAM_FADE = single(7.5, 0.4, 1.9, 0.9)
_GROUND_BEAM, _FACED_BEAM = single(1.7, 1.5)

_PUDDLES_PER_M, _PUDDLE_EDGE = single(1.7, 5.0)
(_BYTE,) = single(1.0 / 127.0)
_DARKER, _MIRROR_MIN, _SHEEN, _WATER = single(0.42, 0.03, 0.52, 0.40)
_SKY_FOG_M, _CLOUD_SCALE, _CLOUD_LIFT = single(160.0, 90.0, 0.10)
_SIZE, _MASK, _STEP = np.int32(512), np.int32(511), np.int32(1)
(_CLOUD_CORNER,) = single(8192.0)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _decay(x):
    """Falls from 1 like exp(-x), at most 0.07 above it, without a call; 0.05 at 4.5."""
    root = _ONE / (_ONE + _QUARTER * x)
    root = root * root
    return root * root


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _halo(ray, light):
    """How much of the sun's glow lies in a direction, 0 to about 1.4 (in the disc)."""
    toward = max(dot(ray, light.sun_direction), _ZERO)
    wide = toward * toward
    wide = wide * wide
    wide = wide * wide
    near = wide * wide
    near = near * near
    near = near * near
    disc = near * near
    disc = disc * disc
    disc = disc * disc
    return np.float32(0.22) * wide + np.float32(0.45) * near + np.float32(0.8) * disc


@njit(fastmath=True, error_model="numpy")
@no_type_check
def noise_texels(u, v):
    """The four texels around a place (in texels, above 0) of a layer of the grain, flattened."""
    i, j = np.int32(u), np.int32(v)
    top, bottom = (i & _MASK) * _SIZE, ((i + _STEP) & _MASK) * _SIZE
    left, right = j & _MASK, (j + _STEP) & _MASK
    return top + left, top + right, bottom + left, bottom + right


@njit(fastmath=True, error_model="numpy")
@no_type_check
def noise_between(texels, u, v):
    """The grain (-1 to 1) between four texels."""
    a, b = u - np.float32(np.int32(u)), v - np.float32(np.int32(v))
    low = texels[0] * (_ONE - b) + texels[1] * b
    high = texels[2] * (_ONE - b) + texels[3] * b
    return (low + (high - low) * a) * _BYTE


@njit(fastmath=True, error_model="numpy")
@no_type_check
def puddle_place(hit):
    """Where in the noise that shapes puddles a hit lies."""
    return (hit[0] + FAR_CORNER_M) * _PUDDLES_PER_M, (hit[1] + FAR_CORNER_M) * _PUDDLES_PER_M


@njit(fastmath=True, error_model="numpy")
@no_type_check
def cloud_place(ray, air):
    """Where in the noise that shapes clouds a direction lies."""
    scale = _CLOUD_SCALE / (max(ray[2], _ZERO) + _CLOUD_LIFT)
    return (
        ray[0] * scale + air.drift[0] + _CLOUD_CORNER,
        ray[1] * scale + air.drift[1] + _CLOUD_CORNER,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def weathered_sky(ray, light, air, noise):
    """Colour of the sky in a direction: gradient, sun, clouds, and the fog before them."""
    red, green, blue = sky_color(ray[2], light)
    up = max(ray[2], _ZERO)
    fade = min(up * np.float32(5.0), _ONE)
    shade = _ONE + np.float32(0.34) * air.clouds * fade * noise
    sun = _halo(ray, light)
    thick = _ONE - _decay(air.fog_per_m * _SKY_FOG_M / (up + np.float32(0.12)))
    keep = _ONE - thick
    sun = sun * (_ONE - np.float32(0.6) * thick)
    return (
        red * shade * keep + air.fog_color[0] * thick + air.glow[0] * sun,
        green * shade * keep + air.fog_color[1] * thick + air.glow[1] * sun,
        blue * shade * keep + air.fog_color[2] * thick + air.glow[2] * sun,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _lamp_light(cells, row, column):
    """The lamp grid between its cells: lamps, beams, their direction x y, height of the ground."""
    i, j = np.int32(row), np.int32(column)
    a, b = row - np.float32(i), column - np.float32(j)
    p, q, r, s = (_ONE - a) * (_ONE - b), (_ONE - a) * b, a * (_ONE - b), a * b
    k, m = i + 1, j + 1
    return (
        cells[i, j, 0] * p + cells[i, m, 0] * q + cells[k, j, 0] * r + cells[k, m, 0] * s,
        cells[i, j, 1] * p + cells[i, m, 1] * q + cells[k, j, 1] * r + cells[k, m, 1] * s,
        cells[i, j, 2] * p + cells[i, m, 2] * q + cells[k, j, 2] * r + cells[k, m, 2] * s,
        cells[i, j, 3] * p + cells[i, m, 3] * q + cells[k, j, 3] * r + cells[k, m, 3] * s,
        cells[i, j, 4] * p + cells[i, m, 4] * q + cells[k, j, 4] * r + cells[k, m, 4] * s,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _grid_place(hit, air, size):
    """Row and column of a place in the lamp grid, kept within it (its rim is dark)."""
    last = np.float32(size) - np.float32(1.01)
    row = (hit[0] - air.corner[0]) * _PER_CELL
    column = (hit[1] - air.corner[1]) * _PER_CELL
    return min(max(row, _ZERO), last), min(max(column, _ZERO), last)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _lamps_on(hit, normal, thrown):
    """Brightness of street lamps and of headlights on a surface."""
    lamp, beam, along_x, along_y, ground = thrown
    height = hit[2] - ground / max(lamp + beam, _TINY)
    under = min(max((_POLE_M - height) * _POLE_FADE, _ZERO), _ONE)
    in_beam = min(max((_BEAM_TOP_M - height) * _BEAM_FADE, np.float32(0.08)), _ONE)
    up = max(normal[2], _ZERO)
    faced = max(-(normal[0] * along_x + normal[1] * along_y), _ZERO)
    return (
        lamp * under * (np.float32(0.42) + np.float32(0.58) * up),
        (beam * _GROUND_BEAM * up * up + _FACED_BEAM * faced) * in_beam,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def wet_traits(normal, kind):
    """How wet a surface of a class gets, and whether puddles stand on it, 0 to 1 each."""
    if normal[2] < _LEVEL:
        return _ZERO, _ZERO
    if kind in (_ROAD, _LINE):
        return _ONE, _ONE
    return (_HALF, _ZERO) if kind == _SIDEWALK else (_ZERO, _ZERO)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def puddle_depth(noise, floods, air):
    """How deep a hit lies under water, 0 to 1."""
    deep = (noise + np.float32(2.0) * air.puddles - np.float32(1.15)) * _PUDDLE_EDGE
    return min(max(deep, _ZERO), _ONE) * floods


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _mirrored(ray, normal, light, air):
    """Colour of what a level wet surface mirrors (the sky and its sun), and how much of it."""
    facing = -dot(ray, normal)
    grazing = _ONE - min(max(facing, _ZERO), _ONE)
    fresnel = grazing * grazing
    fresnel = fresnel * fresnel * grazing
    bounce = (
        ray[0] + np.float32(2.0) * facing * normal[0],
        ray[1] + np.float32(2.0) * facing * normal[1],
        ray[2] + np.float32(2.0) * facing * normal[2],
    )
    red, green, blue = sky_color(bounce[2], light)
    sun = _halo(bounce, light)
    color = (red + air.glow[0] * sun, green + air.glow[1] * sun, blue + air.glow[2] * sun)
    return color, _MIRROR_MIN + (_ONE - _MIRROR_MIN) * fresnel


@njit(fastmath=True, error_model="numpy")
@no_type_check
def wet_color(color, grain, water, direction, light, air):
    """A surface under water: darker, with less grain, and a mirror where one looks along it.

    Args:
        color: of the dry surface in its light, 0 to 255.
        grain: of the texture, times the share that shows.
        water: how wet and how deep, 0 to 1 each.
        direction: unit direction of the ray, and the unit normal.
        light: sun and sky.
        air: what weather does.
    """
    wet, deep = water
    factor = (_ONE + grain * (_ONE - deep)) * (_ONE - _DARKER * wet)
    mirror, share = _mirrored(direction[0], direction[1], light, air)
    share = share * (_SHEEN * wet + _WATER * deep)
    red, green, blue = color[0] * factor, color[1] * factor, color[2] * factor
    return (
        red + (mirror[0] - red) * share,
        green + (mirror[1] - green) * share,
        blue + (mirror[2] - blue) * share,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _clearness(distance, ray, air):
    """How much of a hit gets through the fog, 0 to 1."""
    # Half way between the eye and the hit the fog is about as thick as its mean.
    rise = max(_HALF * ray[2] * distance, _ZERO)
    through = max(distance - air.fog_from_m, _ZERO)
    return _decay(air.fog_per_m * _decay(air.fog_fade * rise) * through)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def foggy_color(color, glow, distance, ray, light, air):
    """Red, green and blue (0 to 255, not clamped) of a hit through the air.

    Args:
        color: of the surface in its light.
        glow: above 0 for what shines by itself.
        distance: from the eye, m.
        ray: unit direction.
        light: sun and sky.
        air: what weather does.
    """
    clear = _clearness(distance, ray, air)
    # Lamps are seen farther through fog than what they light.
    clear = math.sqrt(clear) if glow > _ZERO else clear
    clear = clear / (_ONE + light.haze_per_m * distance)
    haze = _ONE - clear
    sun = _halo(ray, light) * haze * _HALF
    return (
        color[0] * clear + air.fog_color[0] * haze + air.glow[0] * sun,
        color[1] * clear + air.fog_color[1] * haze + air.glow[1] * sun,
        color[2] * clear + air.fog_color[2] * haze + air.glow[2] * sun,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def lamps_at(hit, normal, air, cells):
    """How bright street lamps and headlights are on a surface, against daylight."""
    row, column = _grid_place(hit, air, cells.shape[0])
    lamp, beam = _lamps_on(hit, normal, _lamp_light(cells, row, column))
    return lamp * air.dark, beam * air.dark


@njit(fastmath=True, error_model="numpy")
@no_type_check
def lamp_lit(color, own, lamp, beam):
    """A colour with the light of lamps on the surface's own colour added."""
    return (
        color[0] + own[0] * (lamp * _LAMP_TINT[0] + beam * _BEAM_TINT[0]),
        color[1] + own[1] * (lamp * _LAMP_TINT[1] + beam * _BEAM_TINT[1]),
        color[2] + own[2] * (lamp * _LAMP_TINT[2] + beam * _BEAM_TINT[2]),
    )
