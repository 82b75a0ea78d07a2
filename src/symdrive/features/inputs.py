"""Observation to tensors: the one path, live and from disk.

A live observation first goes through `as_stored`, because recorded ones have been through JPEG and
the LiDAR grid; from then on both take the same way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from symdrive.core.errors import UserError
from symdrive.core.geometry import to_local
from symdrive.features.config import FeatureConfig, View
from symdrive.features.navigation import NavigationState
from symdrive.features.radar import radar_inputs
from symdrive.features.raster_kernel import GridPose, RasterGeometry, count_points
from symdrive.maps.route import Command
from symdrive.record import codec
from symdrive.world.observation import Observation
from symdrive.world.rig import Rig

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class InputArrays:
    """What the network is fed, for one view.

    Attributes:
        image: stitched RGB, channels first.
        lidar: counts by height slice.
        speed_mps: speedometer.
        command: `Command` - 1.
        target_points: previous, current, next; x y, ego frame of the view, m.
        radar: detections as of `radar.radar_inputs`; None for features without radar.
    """

    image: UInt8[np.ndarray, "3 height width"]
    lidar: UInt8[np.ndarray, "slice rows cols"]
    speed_mps: float
    command: int
    target_points: Float32[np.ndarray, "3 2"]
    radar: Float32[np.ndarray, "point 5"] | None = None


@dataclass(frozen=True)
class ViewPose:
    """Where a (shifted) rig sits in the ego frame.

    Attributes:
        lateral_m: to the left.
        yaw: turned to the left, rad.
    """

    lateral_m: float = 0.0
    yaw: float = 0.0

    def to_view(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Ego-frame points in the frame of the view."""
        return to_local(points, np.array([0.0, self.lateral_m]), self.yaw)


EGO_VIEW = ViewPose()


def check_rig(rig: Rig, config: FeatureConfig, where: str) -> None:
    """Refuse a rig whose pictures do not hold the views, or that lacks a radar.

    Raises:
        UserError: naming the camera or the radar.
    """
    radars = [radar.name for radar in rig.radars]
    for name in config.radar.sensors if config.radar is not None else ():
        if name not in radars:
            raise UserError(
                f"{where}: rig {rig.name!r} has no radar {name!r}; it has {sorted(radars)}, choose"
                " features for this rig."
            )
    cameras = {camera.name: camera for camera in rig.cameras}
    for view in config.views:
        camera = cameras.get(view.camera)
        if camera is None:
            raise UserError(
                f"{where}: rig {rig.name!r} has no camera {view.camera!r}; it has"
                f" {sorted(cameras)}, choose features for this rig."
            )
        if camera.height < view.bottom or camera.width < view.right:
            raise UserError(
                f"{where}: camera {view.camera!r} of rig {rig.name!r} has"
                f" {camera.height}x{camera.width} pixels, the features want rows up to"
                f" {view.bottom} and columns up to {view.right}."
            )


def as_stored(observation: Observation, config: FeatureConfig) -> Observation:
    """A live observation as a recorded frame would give it back."""
    wanted = {view.camera for view in config.views}
    return replace(
        observation,
        images={
            name: codec.as_recorded(image, config.jpeg_quality)
            for name, image in observation.images.items()
            if name in wanted
        },
        lidar=codec.quantise_lidar(observation.lidar),
        radar={
            name: codec.quantise_radar(points)
            for name, points in observation.radar.items()
            if config.radar is not None and name in config.radar.sensors
        },
    )


def encode(
    observation: Observation,
    navigation: NavigationState,
    config: FeatureConfig,
    rig: Rig,
    view: ViewPose = EGO_VIEW,
) -> InputArrays:
    """Stored (or `as_stored`) readings to network inputs.

    For a shifted view the observation carries the shifted pictures and radar readings; points and
    target points are moved here.

    Args:
        observation: one tick.
        navigation: of the same tick.
        config: features.
        rig: that the readings are of.
        view: pose of the rig that took the pictures.
    """
    ego_frame = to_local(navigation.target_points, navigation.position, observation.yaw)
    return InputArrays(
        stitch(observation.images, config),
        rasterise(observation.lidar, config, view),
        float(observation.speed_mps),
        command_index(navigation.command),
        view.to_view(ego_frame).astype(np.float32),
        radar_inputs(observation.radar, rig, config),
    )


def command_index(command: Command) -> int:
    """Place of a command in the one-hot vector."""
    return int(command) - 1


def stitch(images: Mapping[str, Image], config: FeatureConfig) -> UInt8[np.ndarray, "3 h w"]:
    """The views side by side, channels first."""
    stops = np.cumsum([view.size[1] for view in config.views])
    stitched = np.empty((3, config.views[0].size[0], stops[-1]), dtype=np.uint8)
    for view, stop in zip(config.views, stops, strict=True):
        # One picture at a time: a recorded one is decoded here and fits into a core's own cache.
        piece = shrink(images[view.camera], view)
        cv2.split(piece, list(stitched[:, :, stop - view.size[1] : stop]))
    return stitched


def shrink(image: Image, view: View) -> UInt8[np.ndarray, "h w 3"]:
    """One view: cut out, then the mean over squares, rounded to the nearest."""
    piece = image[view.top : view.bottom, view.left : view.right]
    k = view.shrink
    if k == 1:
        return piece
    total = np.full((*view.size, 3), k * k // 2, dtype=np.uint32)
    for row, col in np.ndindex(k, k):  # strided adds; numpy reduces two short axes slowly
        total += piece[row::k, col::k]
    return (total // (k * k)).astype(np.uint8)


def rasterise(
    points: Float[np.ndarray, "point column"], config: FeatureConfig, view: ViewPose = EGO_VIEW
) -> UInt8[np.ndarray, "slice rows cols"]:
    """Count points in each cell, slice by slice; those on the own car are left out.

    Args:
        points: x, y, z and what else is known; ego frame, m.
        config: grid, slices, clip.
        view: pose of the grid.
    """
    grid = config.bev
    raster = np.zeros((len(config.lidar_slices), *grid.size), dtype=np.uint8)
    count_points(
        points,
        RasterGeometry(grid.x_min, grid.y_max, grid.px_per_m, *config.ego_half_extent),
        GridPose(view.lateral_m, math.cos(view.yaw), math.sin(view.yaw)),
        np.array(config.lidar_slices),
        config.lidar_clip,
        raster,
    )
    return raster
