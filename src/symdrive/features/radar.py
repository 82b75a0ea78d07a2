"""Radar detections to network inputs, and the objects that they met to labels.

Columns, order and limits follow kesai-labs/lead 4489176, `carla_dataset.py`. Detections and mounts
turn with the rig, so those of a shifted view come out in the frame of that view by themselves.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64

from symdrive.core.geometry import rotation
from symdrive.features.config import FeatureConfig, RadarFeatures
from symdrive.model.config import BevGrid
from symdrive.world.observation import RadarColumn, RadarPoints
from symdrive.world.rig import Rig
from symdrive.world.specs import RadarSpec


def radar_inputs(
    readings: Mapping[str, RadarPoints], rig: Rig, config: FeatureConfig
) -> Float32[np.ndarray, "point 5"] | None:
    """Detections of all radars: x, y, z, speed along the ray, number of the radar.

    Those outside of the bird's-eye view are left out; each radar has as many rows as the features
    say, filled up with zeros. The speed is that of the target relative to the car, m/s, negative
    for what comes nearer.

    Args:
        readings: by name, each in the frame of its mount; a radar that did not read yet is silent.
        rig: its mounts, ego frame.
        config: which radars, and the bird's-eye view.

    Returns:
        Ego frame of the view, m; None for features without radar.
    """
    radar = config.radar
    if radar is None:
        return None
    mounts = {spec.name: spec for spec in rig.radars}
    table = np.zeros((len(radar.sensors), radar.points, 5), dtype=np.float32)
    for number, name in enumerate(radar.sensors):
        points = readings.get(name)
        if points is None:
            continue
        xyz = from_mount(points, mounts[name])
        found = np.column_stack([xyz, points[:, RadarColumn.VELOCITY]])
        found = found[_inside(xyz, config.bev)][: radar.points]
        table[number, : len(found), :4] = found
        table[number, : len(found), 4] = number
    return table.reshape(-1, 5)


def from_mount(points: RadarPoints, spec: RadarSpec) -> Float64[np.ndarray, "detection 3"]:
    """Places of detections in the ego frame, x y z, m."""
    azimuth, altitude, depth = (
        points[:, column].astype(np.float64)
        for column in (RadarColumn.AZIMUTH, RadarColumn.ALTITUDE, RadarColumn.DEPTH)
    )
    flat = depth * np.cos(altitude)
    local = np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), depth * np.sin(altitude)], axis=1
    )
    return local @ rotation(spec.yaw, spec.pitch, spec.roll).T + np.array(spec.position)


def padded_objects(
    table: Float64[np.ndarray, "object 3"], radar: RadarFeatures
) -> Float32[np.ndarray, "row 4"]:
    """The first objects (x, y, speed) with a 1 behind each, filled up with zeros."""
    rows = np.zeros((radar.objects, 4), dtype=np.float32)
    kept = table[: radar.objects]
    rows[: len(kept), :3] = kept
    rows[: len(kept), 3] = 1.0
    return rows


def _inside(xyz: Float64[np.ndarray, "n 3"], grid: BevGrid) -> np.ndarray:
    """Which points the bird's-eye view holds."""
    x, y = xyz[:, 0], xyz[:, 1]
    return (x > grid.x_min) & (x < grid.x_max) & (y > grid.y_min) & (y < grid.y_max)
