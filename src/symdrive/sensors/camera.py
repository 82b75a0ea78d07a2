"""Pinhole cameras: picture, class, instance and depth of every pixel from one cast.

A packet of 16 rays is a tile of 4x4 pixels. Ray directions have length one along the optical axis,
so Embree's ray parameter is the depth itself.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int32, Int64, UInt8, UInt16
from numba import njit, prange

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.embree import (
    COHERENT_ARGUMENTS,
    DIRECTION_ROW,
    FACE_ROW,
    FAR_ROW,
    INSTANCE_ROW,
    ORIGIN_ROW,
    PACKET,
    RAY_ROWS,
    aligned_rows,
    intersect16,
    reset_packet,
)
from symdrive.sensors.scene import Scene, SceneTables, rotations
from symdrive.sensors.shading import (
    Look,
    default_look,
    sky_color,
    surface,
    to_byte,
)
from symdrive.world.evidence import CameraLabels
from symdrive.world.rig import CameraSpec

SKY_DEPTH_M = 1000.0
"""Depth of pixels that hit nothing, as CARLA's depth camera reports its far plane."""

NEAR_M = 0.05
"""Surfaces nearer than this are not seen."""

_TILE = 4
_CHUNKS = 16
_SKY = int(SemanticClass.SKY)


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
        eye: x y z, world.
        forward: optical axis, world.
        right: step to the next pixel on the right at depth 1.
        down: step to the next pixel below at depth 1.
    """

    scene: int
    arguments: int
    mask: int
    eye: Float32[np.ndarray, " 3"]
    forward: Float32[np.ndarray, " 3"]
    right: Float32[np.ndarray, " 3"]
    down: Float32[np.ndarray, " 3"]


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
    ego, mount = rotations(np.array([ego_yaw, spec.yaw]), np.array([ego_pitch, spec.pitch]))
    return ego_position + ego @ np.array(spec.position), ego @ mount


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
        samples: rays per pixel along each axis; labels and counts follow one of them.

    Returns:
        One frame for each camera name.
    """
    mask = scene.ray_mask(skip_row)
    frames: dict[str, CameraFrame] = {}
    for spec in specs:
        eye, rotation = camera_pose(spec, ego_position, ego_yaw, ego_pitch)
        step = 1.0 / (spec.focal_px * samples)
        view = View(
            scene.address,
            COHERENT_ARGUMENTS,
            mask,
            eye.astype(np.float32),
            rotation[:, 0].astype(np.float32),
            (-step * rotation[:, 1]).astype(np.float32),
            (-step * rotation[:, 2]).astype(np.float32),
        )
        frames[spec.name] = _render(scene.tables, view, spec, samples)
    return frames


def _render(tables: SceneTables, view: View, spec: CameraSpec, samples: int) -> CameraFrame:
    """Cast one camera into fresh arrays."""
    height, width = spec.height * samples, spec.width * samples
    planes = Planes(
        np.empty((height, width, 3), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint16),
        np.empty((height, width), dtype=np.float32),
    )
    counts = np.zeros((_CHUNKS, len(tables.actor_id)), dtype=np.int32)
    cast_view(view, tables, _look(), planes, counts)
    if samples == 1:
        labels = CameraLabels(planes.semantic, planes.instance, planes.depth_m)
        return CameraFrame(planes.rgb, labels, counts.sum(axis=0, dtype=np.int64)[1:])
    return _reduced(planes, samples, tables.actor_id[1:])


@cache
def _look() -> Look:
    return default_look()


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
def _aim(packet, view, left, top, width, height):
    """Rays through the centres of a tile's pixels."""
    for k in range(PACKET):
        u = np.float32(left + (k & 3)) + np.float32(0.5 - 0.5 * width)
        v = np.float32(top + (k >> 2)) + np.float32(0.5 - 0.5 * height)
        for axis in range(3):
            packet[ORIGIN_ROW + axis, k] = view.eye[axis]
            packet[DIRECTION_ROW + axis, k] = (
                view.forward[axis] + u * view.right[axis] + v * view.down[axis]
            )


@njit(fastmath=True)
@no_type_check
def _paint_sky(planes, y, x, up):
    """A pixel that hits nothing; `up` is the sine of its elevation."""
    red, green, blue = sky_color(up)
    planes.rgb[y, x, 0] = to_byte(red)
    planes.rgb[y, x, 1] = to_byte(green)
    planes.rgb[y, x, 2] = to_byte(blue)
    planes.semantic[y, x] = _SKY
    planes.instance[y, x] = 0
    planes.depth_m[y, x] = SKY_DEPTH_M


@njit(fastmath=True)
@no_type_check
def _paint_hit(planes, y, x, color, tables, face, slot):
    """A pixel that hits a face, but for its depth."""
    planes.rgb[y, x, 0] = to_byte(color[0])
    planes.rgb[y, x, 1] = to_byte(color[1])
    planes.rgb[y, x, 2] = to_byte(color[2])
    planes.semantic[y, x] = np.uint8(tables.faces[face, 6])
    planes.instance[y, x] = tables.actor_id[slot]


@njit(fastmath=True)
@no_type_check
def _paint_tile(job, packet, bits, valid, top, left, seen):
    """Colours and labels of a tile whose rays are cast; counts the slots that are seen."""
    view, tables, look, planes = job
    for k in range(PACKET):
        if valid[0, k] == 0:
            continue
        y, x = top + (k >> 2), left + (k & 3)
        slot, depth = bits[INSTANCE_ROW, k], packet[FAR_ROW, k]
        ray = (packet[DIRECTION_ROW, k], packet[DIRECTION_ROW + 1, k], packet[DIRECTION_ROW + 2, k])
        length = math.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
        if slot < 0:
            _paint_sky(planes, y, x, ray[2] / length)
            continue
        face = tables.first_face[slot] + bits[FACE_ROW, k]
        point = (
            view.eye[0] + depth * ray[0],
            view.eye[1] + depth * ray[1],
            view.eye[2] + depth * ray[2],
        )
        color = surface(tables, look, face, slot, ray, point, depth * length)
        _paint_hit(planes, y, x, color, tables, face, slot)
        planes.depth_m[y, x] = depth
        seen[slot] += 1


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def cast_view(
    view: View,
    tables: SceneTables,
    look: Look,
    planes: Planes,
    counts: Int32[np.ndarray, "chunk slot"],
) -> None:
    """Cast a whole picture.

    Tile rows are dealt out to a fixed number of chunks, so that neither the picture nor the counts
    depend on the number of threads.

    Args:
        view: eye and axes.
        tables: look-ups of the scene.
        look: look-ups of the shader.
        planes: filled.
        counts: visible pixels of each slot, by chunk; added to.
    """
    height, width = planes.semantic.shape
    chunks = len(counts)
    for chunk in prange(chunks):
        packet = aligned_rows(RAY_ROWS, np.float32(0.0))
        bits = packet.view(np.int32)
        valid = aligned_rows(1, np.float32(0.0)).view(np.int32)
        for top in range(chunk * _TILE, height, chunks * _TILE):
            for left in range(0, width, _TILE):
                reset_packet(packet, bits, NEAR_M, SKY_DEPTH_M, view.mask)
                _aim(packet, view, left, top, width, height)
                for k in range(PACKET):
                    inside = left + (k & 3) < width and top + (k >> 2) < height
                    valid[0, k] = -1 if inside else 0
                intersect16(valid.ctypes.data, view.scene, packet.ctypes.data, view.arguments)
                job = (view, tables, look, planes)
                _paint_tile(job, packet, bits, valid, top, left, counts[chunk])
