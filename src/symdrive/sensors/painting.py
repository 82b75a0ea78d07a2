"""The colour, class, instance and depth of every pixel of a drawing.

Ray directions have length one along the optical axis, so a ray's parameter is the depth itself.
Everything is a function of the hit alone, so a picture does not depend on how its pixels are
divided among threads; `palette` says why a row is painted in pieces and passes.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int8, Int32, UInt8, UInt16
from numba import njit, prange

from symdrive.core.semantics import SemanticClass
from symdrive.sensors import palette as at
from symdrive.sensors.atmosphere import wet_traits
from symdrive.sensors.light import unpacked_air, unpacked_light
from symdrive.sensors.palette import PIECE, new_palette, spread
from symdrive.sensors.passes import (
    add_lamps,
    haze_over,
    light_up,
    merge_sky,
    paint_clear_sky,
    paint_sky,
    put,
    weather_over,
)
from symdrive.sensors.raster import SKY_DEPTH_M, Drawing
from symdrive.sensors.scene import SceneTables
from symdrive.sensors.shading import (
    daylight,
    face_row,
    facing_normal,
    own_color,
    single,
    slot_row,
)
from symdrive.sensors.shadow_pass import find_sunlit, shadow_slopes

CHUNKS = 16
_KNOWN = 512
"""Triangles whose traits a chunk keeps at a time."""

_ZERO, _HALF, _ONE = single(0.0, 0.5, 1.0)
_SKY, _SKY_DEPTH = np.uint8(SemanticClass.SKY), np.float32(SKY_DEPTH_M)
_TRAITS = at.TRAITS
_PLAIN, _WET, _SHADOW = at.PLAIN_TRAITS, at.WET_TRAITS, at.SHADOW_TRAITS


class View(NamedTuple):
    """Where a kernel looks from, and by which light.

    Attributes:
        axes: world vectors: the eye, the optical axis, and at depth 1 the steps to the next pixel
            on the right and to the next one below.
        light: sun and sky (`light.packed`).
        frame: where things are in the shadow maps (`shadows.Shade`); empty where nothing casts
            shadows.
        shade: the shadow maps.
    """

    axes: Float32[np.ndarray, "4 3"]
    light: Float32[np.ndarray, " number"]
    frame: Float32[np.ndarray, " number"]
    shade: Float32[np.ndarray, " texel"]


class Planes(NamedTuple):
    """Pictures that the kernel fills, and visible pixels of each slot, by chunk of the picture."""

    rgb: UInt8[np.ndarray, "height width 3"]
    semantic: UInt8[np.ndarray, "height width"]
    instance: UInt16[np.ndarray, "height width"]
    depth_m: Float32[np.ndarray, "height width"]
    counts: Int32[np.ndarray, "chunk slot"]


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _learn(traits, row, face, body, normal, light, frame):
    """What all pixels of a triangle have in common."""
    color, glows = own_color(face, body)
    sun, shade = daylight(normal, light)
    wet, floods = wet_traits(normal, face[2])
    slopes = shadow_slopes(normal, frame)
    for k in range(3):
        traits[row, k] = color[k] if glows else color[k] * sun[k]
        traits[row, 3 + k] = normal[k]
        traits[row, 10 + k] = color[k] if glows else color[k] * shade[k]
        traits[row, 15 + k] = _ZERO if glows else color[k]
    traits[row, 6] = _ZERO if glows else face[4]
    traits[row, 7] = _ONE if glows else _ZERO
    traits[row, 8], traits[row, 9] = (_ZERO, _ZERO) if glows else (wet, floods)
    traits[row, 13], traits[row, 14] = slopes


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _ray_at(axes, y, x, height, width):
    """Direction through the centre of a pixel."""
    right = np.float32(x) + _HALF - _HALF * np.float32(width)
    down = np.float32(y) + _HALF - _HALF * np.float32(height)
    return (
        axes[1, 0] + right * axes[2, 0] + down * axes[3, 0],
        axes[1, 1] + right * axes[2, 1] + down * axes[3, 1],
        axes[1, 2] + right * axes[2, 2] + down * axes[3, 2],
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _look(numbers, axes, nearness, depth_m, y, left, count):
    """Rays, hits and depths of a piece."""
    height, width = depth_m.shape
    begin = _ray_at(axes, y, left, height, width)
    step = axes[2, 0], axes[2, 1], axes[2, 2]
    eye = axes[0, 0], axes[0, 1], axes[0, 2]
    near, deep = nearness[y, left:], depth_m[y, left:]
    for k in range(np.uint32(count)):
        i, along = np.uint64(k), np.float32(np.int32(k))
        depth = _ONE / near[i]
        x, y_, z = (
            begin[0] + along * step[0],
            begin[1] + along * step[1],
            begin[2] + along * step[2],
        )
        length = math.sqrt(x * x + y_ * y_ + z * z)
        deep[i] = depth
        numbers[at.RAY_X + i], numbers[at.RAY_Y + i] = x / length, y_ / length
        numbers[at.RAY_Z + i], numbers[at.DISTANCE + i] = z / length, depth * length
        numbers[at.HIT_X + i], numbers[at.HIT_Y + i] = eye[0] + depth * x, eye[1] + depth * y_
        numbers[at.HIT_Z + i] = eye[2] + depth * z


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _spread_runs(numbers, traits, known, drawing, tables, planes, piece):
    """Class, instance and traits of a piece, triangle by triangle.

    Returns:
        How many pixels show something.
    """
    faces, slots, actor_id = tables
    _, semantic, instance, depth_m, counts = planes
    _, rows, surface = drawing
    chunk, y, left, count, needed, light, axes, frame = piece
    height, width = semantic.shape
    first, seen = 0, 0
    while first < count:
        shown, after = rows[y, left + first], first + 1
        while after < count and rows[y, left + after] == shown:
            after += 1
        kind, actor = _SKY, np.uint16(0)
        if shown >= 0:
            entry, slot = shown % _KNOWN, surface[shown, 0]
            if known[entry] != shown:
                known[entry] = shown
                face, body = face_row(faces, surface[shown, 1]), slot_row(slots, slot)
                ray = _ray_at(axes, y, left + first, height, width)
                normal = facing_normal(face[1], body, ray)
                _learn(traits, entry, face, body, normal, light, frame)
            spread(numbers, traits, entry, needed, first, after)
            kind, actor = np.uint8(faces[surface[shown, 1], 6]), np.uint16(actor_id[slot])
            counts[chunk, slot] += after - first
            seen += after - first
        for x in range(left + first, left + after):
            semantic[y, x], instance[y, x] = kind, actor
            if shown < 0:
                depth_m[y, x] = _SKY_DEPTH
        first = after
    return seen


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _needed(frame, weathered, dark):
    """How many traits of a triangle the passes ask for."""
    if dark:
        return _TRAITS
    if len(frame) > 0:
        return _SHADOW
    return _WET if weathered else _PLAIN


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
@no_type_check
def paint(
    view: View,
    drawing: Drawing,
    tables: SceneTables,
    grain: Int8[np.ndarray, " texel"],
    planes: Planes,
) -> None:
    """Paint a whole picture of a dry, clear day.

    Rows are dealt out to a fixed number of chunks, so that neither the picture nor the counts
    depend on the number of threads.

    Args:
        view: eye and light.
        drawing: what is seen in each pixel.
        tables: look-ups of the scene.
        grain: texture, flattened.
        planes: filled; counts are added to.
    """
    axes, row, frame, shade = view
    height, width = planes.semantic.shape
    for turn in prange(CHUNKS):
        chunk, top, below = _strip(turn, height)
        light, needed = unpacked_light(row), _needed(frame, weathered=False, dark=False)
        numbers, indices = new_palette()
        traits, known = np.zeros((_KNOWN, _TRAITS), np.float32), np.full(_KNOWN, -1, np.int32)
        for y in range(top, below):
            for left in range(0, width, PIECE):
                count = min(PIECE, width - left)
                piece = (chunk, y, left, count, needed, light, axes, frame)
                _look(numbers, axes, drawing.nearness, planes.depth_m, y, left, count)
                seen = _spread_runs(numbers, traits, known, drawing, tables, planes, piece)
                if seen > 0:
                    if len(frame) > 0:
                        find_sunlit(numbers, indices, frame, shade, count)
                    light_up(numbers, indices, grain, count, len(frame) > 0)
                    haze_over(numbers, light, count)
                if seen < count:
                    paint_clear_sky(numbers, light, count)
                    merge_sky(numbers, drawing.row[y, left:], count)
                put(planes.rgb, numbers, y, left, count)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _strip(turn, height):
    """Chunk of a turn, and its rows: every other strip shares the horizon among threads."""
    rows = (height + CHUNKS - 1) // CHUNKS
    chunk = 2 * (turn % (CHUNKS // 2)) + turn // (CHUNKS // 2)
    return chunk, min(height, chunk * rows), min(height, (chunk + 1) * rows)


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
@no_type_check
def paint_weathered(
    view: View,
    drawing: Drawing,
    tables: SceneTables,
    grain: Int8[np.ndarray, " texel"],
    planes: Planes,
    air: Float32[np.ndarray, " number"],
    cells: Float32[np.ndarray, "row column 5"],
) -> None:
    """Paint a whole picture through fog, over wet roads, by the light of lamps.

    Args:
        view: as for `paint`, and so are the other arguments.
        drawing: what is seen in each pixel.
        tables: look-ups of the scene.
        grain: texture, flattened.
        planes: filled.
        air: what the plain view does without (`light.packed`).
        cells: lamp grid.
    """
    axes, row, frame, shade = view
    height, width = planes.semantic.shape
    for turn in prange(CHUNKS):
        chunk, top, below = _strip(turn, height)
        light, through = unpacked_light(row), unpacked_air(air, cells)
        dark = through.dark > _ZERO
        needed = _needed(frame, weathered=True, dark=dark)
        numbers, indices = new_palette()
        traits, known = np.zeros((_KNOWN, _TRAITS), np.float32), np.full(_KNOWN, -1, np.int32)
        for y in range(top, below):
            for left in range(0, width, PIECE):
                count = min(PIECE, width - left)
                piece = (chunk, y, left, count, needed, light, axes, frame)
                _look(numbers, axes, drawing.nearness, planes.depth_m, y, left, count)
                seen = _spread_runs(numbers, traits, known, drawing, tables, planes, piece)
                if seen > 0:
                    if len(frame) > 0:
                        find_sunlit(numbers, indices, frame, shade, count)
                    light_up(numbers, indices, grain, count, len(frame) > 0)
                    if dark:
                        add_lamps(numbers, through, cells, count)
                    weather_over(numbers, indices, grain, light, through, count)
                if seen < count:
                    paint_sky(numbers, indices, grain, light, through, count)
                    merge_sky(numbers, drawing.row[y, left:], count)
                put(planes.rgb, numbers, y, left, count)
