"""The colour, class, instance and depth of every pixel of a drawing.

Ray directions have length one along the optical axis, so a ray's parameter is the depth itself.
Where things cast shadows, a row of neighbouring pixels seeks the sun with one packet of rays.
"""

import math
from typing import Any, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int8, Int32, UInt8, UInt16
from numba import njit, prange

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.atmosphere import weathered_color, weathered_material, weathered_sky
from symdrive.sensors.embree import (
    DIRECTION_ROW,
    FAR_ROW,
    ORIGIN_ROW,
    PACKET,
    aligned_rows,
    arm_packet,
    new_packet,
    occluded_packet,
)
from symdrive.sensors.light import unpacked_air, unpacked_light
from symdrive.sensors.raster import NEAR_M, SKY_DEPTH_M, Drawing
from symdrive.sensors.scene import SceneTables
from symdrive.sensors.shading import (
    dot,
    face_row,
    facing_normal,
    grain_at,
    sky_color,
    slot_row,
    surface_color,
    surface_material,
    surface_place,
    to_byte,
)

# A hit is only as exact as float32; rays to the sun must not start behind it.
_BEFORE_SURFACE = np.float32(0.9998)
_SHADOW_REACH_M = 300.0
_SHADOW_SEEN_M = np.float32(120.0)
"""Beyond this distance from the eye nothing is looked at for shadows."""

CHUNKS = 16
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_SKY = int(SemanticClass.SKY)


class View(NamedTuple):
    """Where a kernel looks from.

    Attributes:
        scene: address of the instance tree.
        arguments: address of the intersect arguments.
        mask: ray mask.
        shadows: whether to look for what stands between hits and the sun; the three fields above
            are of no use otherwise.
        light: sun and sky (`light.packed`).
        axes: world vectors: the eye, the optical axis, and at depth 1 the steps to the next pixel
            on the right and to the next one below.
    """

    scene: int
    arguments: int
    mask: int
    shadows: bool
    light: Float32[np.ndarray, " number"]
    axes: Float32[np.ndarray, "4 3"]


class Planes(NamedTuple):
    """Pictures that the kernel fills, and visible pixels of each slot, by chunk of the picture."""

    rgb: UInt8[np.ndarray, "height width 3"]
    semantic: UInt8[np.ndarray, "height width"]
    instance: UInt16[np.ndarray, "height width"]
    depth_m: Float32[np.ndarray, "height width"]
    counts: Int32[np.ndarray, "chunk slot"]


@njit(fastmath=True)
@no_type_check
def _put(rgb, y, x, color):
    """Write one pixel."""
    for channel in range(3):
        rgb[y, x, channel] = to_byte(color[channel])


@njit(fastmath=True)
@no_type_check
def _ray(axes, y, x, height, width):
    """Direction through the centre of a pixel, and its length."""
    right, down = np.float32(x + 0.5 - 0.5 * width), np.float32(y + 0.5 - 0.5 * height)
    a = axes[1, 0] + right * axes[2, 0] + down * axes[3, 0]
    b = axes[1, 1] + right * axes[2, 1] + down * axes[3, 1]
    c = axes[1, 2] + right * axes[2, 2] + down * axes[3, 2]
    return (a, b, c), math.sqrt(a * a + b * b + c * c)


@njit(fastmath=True)
@no_type_check
def _along(eye, depth, ray):
    """Where a ray from the eye is at a depth."""
    return eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]


@njit
@no_type_check
def _flags():
    """A switch for each ray of a packet."""
    return aligned_rows(1, np.float32(0.0)).view(np.int32)


@njit(fastmath=True)
@no_type_check
def _seek_sun(shadow, view, drawing, tables, sun, start, wanted):
    """Rays to the sun from those hits of a row of pixels that a shadow could change.

    Such a hit is near enough and faces the sun; rays start a little before the surface.

    Returns:
        How many there are; `wanted` says which.
    """
    faces, slots = tables.faces, tables.slots
    nearness, row, surface = drawing
    axes, eye = view.axes, view.axes[0]
    height, width = nearness.shape
    found = 0
    for k in range(PACKET):
        wanted[0, k] = 0
        y, x = start[0], start[1] + k
        if x >= width or row[y, x] < 0:
            continue
        ray, length = _ray(axes, y, x, height, width)
        depth = _ONE / nearness[y, x]
        if depth * length > _SHADOW_SEEN_M:
            continue
        seen = row[y, x]
        face, body = face_row(faces, surface[seen, 1]), slot_row(slots, surface[seen, 0])
        if dot(facing_normal(face[1], body, ray), sun) <= _ZERO:
            continue
        wanted[0, k] = -1
        found += 1
        origin = _along(eye, depth * _BEFORE_SURFACE, ray)
        for axis in range(3):
            shadow[ORIGIN_ROW + axis, k] = origin[axis]
            shadow[DIRECTION_ROW + axis, k] = sun[axis]
    return found


@njit(fastmath=True)
@no_type_check
def _plain_material(face, body, normal, light, _air):
    """A face on a dry, clear day."""
    return surface_material(face, body, normal, light)


@njit(fastmath=True)
@no_type_check
def _plain_hit(material, spot, light, _air, _grain):
    """A hit on a dry, clear day."""
    return surface_color(material, spot, light)


@njit(fastmath=True)
@no_type_check
def _plain_sky(ray, light, _air, _grain):
    """The sky of a dry, clear day."""
    return sky_color(ray[2], light)


def _chunk_painter(material_of: Any, hit_color: Any, sky_of: Any) -> Any:
    """The painter of a share of a picture, with these colours of hits and sky."""

    @njit(fastmath=True)
    @no_type_check
    def paint_chunk(view, drawing, tables, grain, planes, chunk, air):
        """Every `CHUNKS`-th row of pixels, from row `chunk` on.

        Tables are taken out of their tuples once: numba counts references for every access to an
        array in a tuple, and threads would queue for the counters. Neighbours often lie on one
        face, and share what they have in common.
        """
        faces, slots, actor_id = tables
        rgb, semantic, instance, depth_m, counts = planes
        nearness, row, surface = drawing
        axes, eye, light = view.axes, view.axes[0], unpacked_light(view.light)
        height, width = semantic.shape
        shadow, shadow_bits = new_packet(NEAR_M, view.mask)
        wanted = _flags()
        for y in range(chunk, height, CHUNKS):
            last, slot, face, body = -1, 0, face_row(faces, 0), slot_row(slots, 0)
            normal = (_ZERO, _ZERO, _ONE)
            material = material_of(face, body, normal, light, air)
            for x in range(width):
                lane = x % PACKET
                if view.shadows and lane == 0:
                    arm_packet(shadow, shadow_bits, _SHADOW_REACH_M)
                    if _seek_sun(
                        shadow, view, drawing, tables, light.sun_direction, (y, x), wanted
                    ):
                        occluded_packet(
                            wanted.ctypes.data, view.scene, shadow.ctypes.data, view.arguments
                        )
                ray, length = _ray(axes, y, x, height, width)
                unit = (ray[0] / length, ray[1] / length, ray[2] / length)
                seen = row[y, x]
                if seen < 0:
                    _put(rgb, y, x, sky_of(unit, light, air, grain))
                    semantic[y, x], instance[y, x], depth_m[y, x] = _SKY, 0, SKY_DEPTH_M
                    continue
                if seen != last:
                    last, slot = seen, surface[seen, 0]
                    face, body = face_row(faces, surface[seen, 1]), slot_row(slots, slot)
                    normal = facing_normal(face[1], body, ray)
                    material = material_of(face, body, normal, light, air)
                depth = _ONE / nearness[y, x]
                hit, distance = _along(eye, depth, ray), depth * length
                texel = grain_at(grain, surface_place(hit, normal), distance)
                # Embree marks a blocked ray by minus infinity; fast maths may not compare it.
                sunlit = shadow_bits[FAR_ROW, lane] >= 0
                spot = (hit, normal, unit, distance, texel, sunlit)
                _put(rgb, y, x, hit_color(material, spot, light, air, grain))
                semantic[y, x] = np.uint8(face[2])
                instance[y, x], depth_m[y, x] = actor_id[slot], depth
                counts[chunk, slot] += 1

    return paint_chunk


_paint_plain = _chunk_painter(_plain_material, _plain_hit, _plain_sky)
_paint_weathered = _chunk_painter(weathered_material, weathered_color, weathered_sky)


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def paint(
    view: View,
    drawing: Drawing,
    tables: SceneTables,
    grain: Int8[np.ndarray, "2 512 512"],
    planes: Planes,
) -> None:
    """Paint a whole picture of a dry, clear day.

    Rows are dealt out to a fixed number of chunks, so that neither the picture nor the counts
    depend on the number of threads.

    Args:
        view: eye and axes.
        drawing: what is seen in each pixel.
        tables: look-ups of the scene.
        grain: texture.
        planes: filled; counts are added to.
    """
    for chunk in prange(CHUNKS):
        _paint_plain(view, drawing, tables, grain, planes, chunk, 0)


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def paint_weathered(
    view: View,
    drawing: Drawing,
    tables: SceneTables,
    grain: Int8[np.ndarray, "2 512 512"],
    planes: Planes,
    air: Float32[np.ndarray, " number"],
    cells: Float32[np.ndarray, "row column 5"],
) -> None:
    """Paint a whole picture through fog, over wet roads, by the light of lamps.

    Args:
        view: as for `paint`, and so are the other arguments.
        drawing: what is seen in each pixel.
        tables: look-ups of the scene.
        grain: texture.
        planes: filled.
        air: what the plain view does without (`light.packed`).
        cells: lamp grid.
    """
    for chunk in prange(CHUNKS):
        through = unpacked_air(air, cells)
        _paint_weathered(view, drawing, tables, grain, planes, chunk, through)
