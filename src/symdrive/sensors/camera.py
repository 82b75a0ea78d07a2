"""Pinhole cameras: picture, class, instance and depth of every pixel from one cast.

A packet of rays is a tile of neighbouring pixels. Ray directions have length one along the optical
axis, so Embree's ray parameter is the depth itself.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int8, Int32, Int64, UInt8, UInt16
from numba import njit, prange

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.atmosphere import weathered_color, weathered_sky
from symdrive.sensors.embree import (
    COHERENT_ARGUMENTS,
    DIRECTION_ROW,
    FACE_ROW,
    FAR_ROW,
    INSTANCE_ROW,
    ORIGIN_ROW,
    PACKET,
    TILE_COLUMNS,
    TILE_ROWS,
    aligned_rows,
    arm_packet,
    intersect_packet,
    new_packet,
    occluded_packet,
)
from symdrive.sensors.light import packed, unpacked_air, unpacked_light
from symdrive.sensors.mount import Pose, mounted, rotation
from symdrive.sensors.rain import draw_rain
from symdrive.sensors.scene import Scene, SceneTables
from symdrive.sensors.shading import (
    dot,
    face_row,
    facing_normal,
    grain_at,
    grain_texture,
    sky_color,
    slot_row,
    surface_color,
    surface_place,
    to_byte,
)
from symdrive.world.evidence import CameraLabels
from symdrive.world.specs import CameraSpec

SKY_DEPTH_M = 1000.0
"""Depth of pixels that hit nothing, as CARLA's depth camera reports its far plane."""

NEAR_M = 0.05
"""Surfaces nearer than this are not seen."""

# A hit is only as exact as float32; rays to the sun must not start behind it.
_BEFORE_SURFACE = np.float32(0.9998)
_SHADOW_REACH_M = 300.0
_SHADOW_SEEN_M = np.float32(120.0)
"""Beyond this distance from the eye nothing is looked at for shadows."""

_ZERO = np.float32(0.0)
_CHUNKS = 16
_SKY = int(SemanticClass.SKY)
_FAINT_SUN = 0.06
"""A sun this weak casts no shadows that anybody sees."""


@dataclass(frozen=True)
class CameraFrame:
    """What one camera sees.

    Attributes:
        rgb: picture.
        labels: class, instance and depth.
        pixels: visible pixels of each actor row.
    """

    rgb: UInt8[np.ndarray, "height width 3"]
    labels: CameraLabels
    pixels: Int64[np.ndarray, " actor"]


class View(NamedTuple):
    """Where a kernel looks from.

    Attributes:
        scene: address of the instance tree.
        arguments: address of the intersect arguments.
        mask: ray mask.
        shadows: whether to look for what stands between hits and the sun.
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
    """Pictures that the kernel fills."""

    rgb: UInt8[np.ndarray, "height width 3"]
    semantic: UInt8[np.ndarray, "height width"]
    instance: UInt16[np.ndarray, "height width"]
    depth_m: Float32[np.ndarray, "height width"]


def camera_pose(
    spec: CameraSpec, ego_position: Float[np.ndarray, " 3"], ego_yaw: float, ego_pitch: float
) -> tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, "3 3"]]:
    """World position and body-to-world rotation (x forward, y left, z up) of a mounted camera."""
    ego = Pose(ego_position.astype(np.float64), rotation(ego_yaw, ego_pitch))
    return mounted(spec, ego)


def render_cameras(
    scene: Scene,
    specs: Iterable[CameraSpec],
    ego_position: Float[np.ndarray, " 3"],
    ego_yaw: float,
    ego_pitch: float,
    *,
    skip_row: int | None,
    samples: int = 1,
) -> Mapping[str, CameraFrame]:
    """What cameras see of the scene as last updated.

    For a camera that flies freely, give its pose as the ego pose and mount it at the origin.

    Args:
        scene: the world.
        specs: cameras and their mounts.
        ego_position: ground point under the ego's box centre, world, m.
        ego_yaw: rad.
        ego_pitch: rad, nose up positive.
        skip_row: actor that no camera sees (roof cameras must not see their own car), or None.
        samples: rays per pixel along each axis; labels and counts follow one of them. From two on
            (pictures that people look at) things cast shadows, whatever the scene's look says.

    Returns:
        One frame for each camera name.
    """
    mask, light = scene.ray_mask(skip_row), scene.light
    shadows = (scene.look.shadows or samples > 1) and float(light.sun_share) > _FAINT_SUN
    frames: dict[str, CameraFrame] = {}
    for spec in specs:
        eye, turn = camera_pose(spec, ego_position, ego_yaw, ego_pitch)
        step = 1.0 / (spec.focal_px * samples)
        axes = np.stack([eye, turn[:, 0], -step * turn[:, 1], -step * turn[:, 2]])
        view = View(
            scene.address, COHERENT_ARGUMENTS, mask, shadows, packed(light), axes.astype(np.float32)
        )
        planes, counts = _cast(scene, view, spec, samples)
        frames[spec.name] = _frame(scene.tables, planes, counts, samples)
    return frames


def _cast(
    scene: Scene, view: View, spec: CameraSpec, samples: int
) -> tuple[Planes, Int32[np.ndarray, "chunk slot"]]:
    """Cast one camera into fresh arrays; visible pixels of each slot, by chunk."""
    height, width = spec.height * samples, spec.width * samples
    planes = Planes(
        np.empty((height, width, 3), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint16),
        np.empty((height, width), dtype=np.float32),
    )
    tables = scene.tables
    counts = np.zeros((_CHUNKS, len(tables.actor_id)), dtype=np.int32)
    eye = view.axes[0]
    air = scene.air(float(eye[0]), float(eye[1]))
    if air is None:
        cast_view(view, tables, grain_texture(), planes, counts)
        return planes, counts
    cast_weathered_view(view, tables, grain_texture(), planes, counts, packed(air), air.cells)
    draw_rain(planes.rgb, scene.look, spec.name, float(scene.light.sky_share))
    return planes, counts


def _frame(
    tables: SceneTables, planes: Planes, counts: Int32[np.ndarray, "chunk slot"], samples: int
) -> CameraFrame:
    """The reading of one camera."""
    if samples == 1:
        labels = CameraLabels(planes.semantic, planes.instance, planes.depth_m)
        return CameraFrame(planes.rgb, labels, counts.sum(axis=0, dtype=np.int64)[1:])
    return _reduced(planes, samples, tables.actor_id[1:])


def _reduced(planes: Planes, samples: int, actor_id: Int[np.ndarray, " actor"]) -> CameraFrame:
    """A supersampled view at its nominal size: mean colours, the labels of one sample."""
    height, width = planes.semantic.shape[0] // samples, planes.semantic.shape[1] // samples
    cells = planes.rgb.reshape(height, samples, width, samples, 3)
    rgb = np.rint(cells.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
    middle = slice(samples // 2, None, samples)
    semantic, instance, depth = (
        np.ascontiguousarray(plane[middle, middle])
        for plane in (planes.semantic, planes.instance, planes.depth_m)
    )
    seen = np.bincount(instance.ravel(), minlength=int(actor_id.max(initial=0)) + 1)
    return CameraFrame(rgb, CameraLabels(semantic, instance, depth), seen[actor_id])


@njit(fastmath=True)
@no_type_check
def _paint(rgb, y, x, color):
    """Write one pixel."""
    for channel in range(3):
        rgb[y, x, channel] = to_byte(color[channel])


@njit(fastmath=True)
@no_type_check
def _aim(packet, axes, u, v):
    """Rays of a tile whose first pixel lies (u, v) pixels right of and below the centre."""
    for k in range(PACKET):
        right, down = np.float32(u + (k & 3)), np.float32(v + (k >> 2))
        for axis in range(3):
            packet[DIRECTION_ROW + axis, k] = (
                axes[1, axis] + right * axes[2, axis] + down * axes[3, axis]
            )


@njit
@no_type_check
def _stand(packet, eye):
    """All rays start at the eye."""
    for k in range(PACKET):
        for axis in range(3):
            packet[ORIGIN_ROW + axis, k] = eye[axis]


@njit(fastmath=True)
@no_type_check
def _enable(valid, left, top, width, height):
    """Switch off the rays of a tile that lie outside the picture."""
    for k in range(PACKET):
        valid[0, k] = -1 if left + (k & 3) < width and top + (k >> 2) < height else 0


@njit(fastmath=True)
@no_type_check
def _ray(packet, k):
    """Direction of a ray, and its length."""
    x, y, z = packet[DIRECTION_ROW, k], packet[DIRECTION_ROW + 1, k], packet[DIRECTION_ROW + 2, k]
    return (x, y, z), math.sqrt(x * x + y * y + z * z)


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
def _seek_sun(shadow, packet, sun, tables, valid, wanted):
    """Rays to the sun from those hits of a packet that a shadow could change.

    Such a hit is near enough and faces the sun; rays start a little before the surface.

    Returns:
        How many there are; `wanted` says which.
    """
    faces, slots, first_face, _ = tables
    bits = packet.view(np.int32)
    found = 0
    for k in range(PACKET):
        wanted[0, k] = 0
        slot = bits[INSTANCE_ROW, k]
        if valid[0, k] == 0 or slot < 0:
            continue
        ray, length = _ray(packet, k)
        if packet[FAR_ROW, k] * length > _SHADOW_SEEN_M:
            continue
        face = face_row(faces, first_face[slot] + bits[FACE_ROW, k])
        if dot(facing_normal(face[1], slot_row(slots, slot), ray), sun) <= _ZERO:
            continue
        wanted[0, k] = -1
        found += 1
        reach = packet[FAR_ROW, k] * _BEFORE_SURFACE
        for axis in range(3):
            shadow[ORIGIN_ROW + axis, k] = (
                packet[ORIGIN_ROW + axis, k] + reach * packet[DIRECTION_ROW + axis, k]
            )
            shadow[DIRECTION_ROW + axis, k] = sun[axis]
    return found


@njit(fastmath=True)
@no_type_check
def _plain_hit(surface, spot, light, _air, _grain):
    """A hit on a dry, clear day."""
    return surface_color(surface, spot, light)


@njit(fastmath=True)
@no_type_check
def _plain_sky(ray, light, _air, _grain):
    """The sky of a dry, clear day."""
    return sky_color(ray[2], light)


def _chunk_caster(hit_color: Any, sky_of: Any) -> Any:
    """The caster of a share of a picture, with these colours of hits and sky."""

    @njit(fastmath=True)
    @no_type_check
    def cast_chunk(view, tables, grain, planes, seen, turn, air):
        """Every `turn[1]`-th row of tiles, from row `turn[0]` on.

        Tables are taken out of their tuples once: numba counts references for every access to an
        array in a tuple, and threads would queue for the counters.
        """
        faces, slots, first_face, actor_id = tables
        rgb, semantic, instance, depth_m = planes
        axes, eye, light = view.axes, view.axes[0], unpacked_light(view.light)
        height, width = semantic.shape
        packet, bits = new_packet(NEAR_M, view.mask)
        shadow, shadow_bits = new_packet(NEAR_M, view.mask)
        valid, wanted = _flags(), _flags()
        _stand(packet, eye)
        for top in range(turn[0] * TILE_ROWS, height, turn[1] * TILE_ROWS):
            for left in range(0, width, TILE_COLUMNS):
                arm_packet(packet, bits, SKY_DEPTH_M)
                _aim(packet, axes, left + 0.5 - 0.5 * width, top + 0.5 - 0.5 * height)
                _enable(valid, left, top, width, height)
                intersect_packet(valid.ctypes.data, view.scene, packet.ctypes.data, view.arguments)
                if view.shadows:
                    arm_packet(shadow, shadow_bits, _SHADOW_REACH_M)
                    if _seek_sun(shadow, packet, light.sun_direction, tables, valid, wanted):
                        occluded_packet(
                            wanted.ctypes.data, view.scene, shadow.ctypes.data, view.arguments
                        )
                for k in range(PACKET):
                    if valid[0, k] == 0:
                        continue
                    y, x = top + (k >> 2), left + (k & 3)
                    slot, depth = bits[INSTANCE_ROW, k], packet[FAR_ROW, k]
                    ray, length = _ray(packet, k)
                    unit = (ray[0] / length, ray[1] / length, ray[2] / length)
                    if slot < 0:
                        _paint(rgb, y, x, sky_of(unit, light, air, grain))
                        semantic[y, x], instance[y, x], depth_m[y, x] = _SKY, 0, SKY_DEPTH_M
                        continue
                    face = face_row(faces, first_face[slot] + bits[FACE_ROW, k])
                    body, distance = slot_row(slots, slot), depth * length
                    hit = _along(eye, depth, ray)
                    normal = facing_normal(face[1], body, ray)
                    texel = grain_at(grain, surface_place(hit, normal), distance)
                    # Embree marks a blocked ray by minus infinity; fast maths may not compare it.
                    sunlit = shadow_bits[FAR_ROW, k] >= 0
                    spot = (hit, normal, unit, distance, texel, sunlit)
                    _paint(rgb, y, x, hit_color((face, body), spot, light, air, grain))
                    semantic[y, x] = np.uint8(face[2])
                    instance[y, x], depth_m[y, x] = actor_id[slot], depth
                    seen[slot] += 1

    return cast_chunk


_cast_plain = _chunk_caster(_plain_hit, _plain_sky)
_cast_weathered = _chunk_caster(weathered_color, weathered_sky)


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def cast_view(
    view: View,
    tables: SceneTables,
    grain: Int8[np.ndarray, "2 512 512"],
    planes: Planes,
    counts: Int32[np.ndarray, "chunk slot"],
) -> None:
    """Cast a whole picture of a dry, clear day.

    Tile rows are dealt out to a fixed number of chunks, so that neither the picture nor the counts
    depend on the number of threads.

    Args:
        view: eye and axes.
        tables: look-ups of the scene.
        grain: texture.
        planes: filled.
        counts: visible pixels of each slot, by chunk; added to.
    """
    chunks = len(counts)
    for chunk in prange(chunks):
        _cast_plain(view, tables, grain, planes, counts[chunk], (chunk, chunks), 0)


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def cast_weathered_view(
    view: View,
    tables: SceneTables,
    grain: Int8[np.ndarray, "2 512 512"],
    planes: Planes,
    counts: Int32[np.ndarray, "chunk slot"],
    air: Float32[np.ndarray, " number"],
    cells: Float32[np.ndarray, "row column 5"],
) -> None:
    """Cast a whole picture through fog, over wet roads, by the light of lamps.

    Args:
        view: as for `cast_view`, and so are the other arguments.
        tables: look-ups of the scene.
        grain: texture.
        planes: filled.
        counts: added to.
        air: what the plain view does without (`light.packed`).
        cells: lamp grid.
    """
    chunks = len(counts)
    for chunk in prange(chunks):
        through = unpacked_air(air, cells)
        _cast_weathered(view, tables, grain, planes, counts[chunk], (chunk, chunks), through)
