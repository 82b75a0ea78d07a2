"""Pinhole cameras: picture, class, instance and depth of every pixel from one drawing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Int8, Int64, UInt8

from symdrive.sensors.light import packed
from symdrive.sensors.mount import Pose, mounted, rotation
from symdrive.sensors.painting import CHUNKS, Planes, View, paint, paint_weathered
from symdrive.sensors.rain import draw_rain
from symdrive.sensors.raster import Drawing, Lens
from symdrive.sensors.scene import Scene, SceneTables
from symdrive.sensors.shading import grain_texture
from symdrive.sensors.shadows import middle_of
from symdrive.world.evidence import CameraLabels
from symdrive.world.specs import CameraSpec

_NO_FRAME, _NO_SHADE = np.zeros(0, dtype=np.float32), np.zeros(1, dtype=np.float32)
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

    Returns:
        One frame for each camera name.
    """
    light = scene.light
    shadows = scene.look.shadows and float(light.sun_share) > _FAINT_SUN
    frames: dict[str, CameraFrame] = {}
    for spec in specs:
        eye, turn = camera_pose(spec, ego_position, ego_yaw, ego_pitch)
        samples = spec.samples
        step = 1.0 / (spec.focal_px * samples)
        axes = np.stack([eye, turn[:, 0], -step * turn[:, 1], -step * turn[:, 2]])
        planes = _planes(spec.height * samples, spec.width * samples, len(scene.tables.actor_id))
        frame, shade = _NO_FRAME, _NO_SHADE
        if shadows:
            maps, shade = scene.shade(middle_of(ego_position, eye), skip_row)
            frame = maps.seen_from(eye)
        view = View(axes.astype(np.float32), packed(light), frame, shade)
        drawing = scene.draw(_lens(spec, eye, turn), skip_row)
        _paint(scene, view, drawing, planes, spec.name)
        frames[spec.name] = _frame(scene.tables, planes, samples)
    return frames


def _lens(spec: CameraSpec, eye: Float[np.ndarray, " 3"], turn: Float[np.ndarray, "3 3"]) -> Lens:
    """What the rasteriser needs of a camera."""
    focal, samples = spec.focal_px * spec.samples, spec.samples
    rows = np.stack([turn[:, 0], -focal * turn[:, 1], -focal * turn[:, 2]])
    matrix = np.column_stack([rows, -rows @ eye])
    return Lens(np.ascontiguousarray(matrix), spec.width * samples, spec.height * samples)


def _planes(height: int, width: int, slots: int) -> Planes:
    """Pictures to be painted, and counts of nothing."""
    return Planes(
        np.empty((height, width, 3), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint8),
        np.empty((height, width), dtype=np.uint16),
        np.empty((height, width), dtype=np.float32),
        np.zeros((CHUNKS, slots), dtype=np.int32),
    )


def _paint(scene: Scene, view: View, drawing: Drawing, planes: Planes, name: str) -> None:
    """Paint what was drawn."""
    eye = view.axes[0]
    air = scene.air(float(eye[0]), float(eye[1]))
    if air is None:
        paint(view, drawing, scene.tables, _flat_grain(), planes)
        return
    paint_weathered(view, drawing, scene.tables, _flat_grain(), planes, packed(air), air.cells)
    draw_rain(planes.rgb, scene.look, name, float(scene.light.sky_share))


def _flat_grain() -> Int8[np.ndarray, " texel"]:
    """Both layers of the grain, one after the other."""
    return grain_texture().reshape(-1)


def _frame(tables: SceneTables, planes: Planes, samples: int) -> CameraFrame:
    """The reading of one camera."""
    if samples == 1:
        labels = CameraLabels(planes.semantic, planes.instance, planes.depth_m)
        return CameraFrame(planes.rgb, labels, planes.counts.sum(axis=0, dtype=np.int64)[1:])
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
