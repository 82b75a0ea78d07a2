"""A picture of a prediction: the cameras with what was recognised, and the plan from above."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from symdrive.core.geometry import box_corners
from symdrive.features.prediction import Prediction
from symdrive.model.config import BEV_CLASSES, SEMANTIC_CLASSES, BevGrid

Picture = UInt8[np.ndarray, "height width 3"]

COLOURS = {
    "road": (86, 92, 103),
    "road_line": (196, 200, 208),
    "lane_marking": (196, 200, 208),
    "vehicle": (96, 165, 250),
    "parked_vehicle": (70, 110, 170),
    "special_vehicle": (186, 104, 200),
    "pedestrian": (255, 183, 77),
    "walker": (255, 183, 77),
    "biker": (255, 241, 118),
    "obstacle": (240, 98, 146),
    "traffic_light": (239, 83, 80),
    "red_light": (239, 83, 80),
    "red_light_overhead": (239, 83, 80),
    "green_light": (74, 201, 126),
    "stop_sign": (200, 60, 60),
}
"""RGB by class; all others stay dark."""

DARK = (24, 27, 33)
ROUTE, WAYPOINTS, TARGET = (74, 201, 126), (255, 255, 255), (255, 183, 77)
SCALE = 5.0
"""Pixels a metre of the view from above."""


def draw_prediction(prediction: Prediction, grid: BevGrid) -> Picture:
    """The stitched picture, the same with its classes, and the view from above beside them.

    Args:
        prediction: of a scene.
        grid: of its bird's-eye view.
    """
    above = _from_above(prediction, grid)
    pictures = [prediction.image]
    if prediction.semantic is not None:
        height, width = prediction.image.shape[:2]
        colours = _table(SEMANTIC_CLASSES)[prediction.semantic]
        painted = cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)
        pictures.append(np.asarray(cv2.addWeighted(prediction.image, 0.45, painted, 0.55, 0.0)))
    left = np.concatenate(pictures)
    size = (round(left.shape[1] * above.shape[0] / left.shape[0]), above.shape[0])
    left = np.asarray(cv2.resize(left, size, interpolation=cv2.INTER_AREA))
    return np.concatenate([left, above], axis=1).astype(np.uint8)


def _from_above(prediction: Prediction, grid: BevGrid) -> Picture:
    """Classes, boxes and plan; the car drives up."""
    height = round((grid.x_max - grid.x_min) * SCALE)
    width = round((grid.y_max - grid.y_min) * SCALE)
    canvas = np.full((height, width, 3), DARK, dtype=np.uint8)
    if prediction.bev_semantic is not None:
        upright = np.ascontiguousarray(prediction.bev_semantic.T[::-1])
        colours = _table(BEV_CLASSES)[upright]
        resized = cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)
        canvas = np.asarray(resized, dtype=np.uint8)
    for box in prediction.boxes:
        corners = box_corners(
            np.array([box.center]), np.array([box.yaw]), np.array([box.half_extent])
        )[0]
        cv2.polylines(canvas, [_pixels(corners, grid).astype(np.int32)], True, TARGET, 1)  # noqa: FBT003  OpenCV's
    for points, colour, radius in (
        (prediction.route, ROUTE, 3),
        (prediction.waypoints, WAYPOINTS, 2),
        (prediction.target_points, TARGET, 5),
    ):
        for column, row in _pixels(points, grid).round().astype(int).tolist():
            cv2.circle(canvas, (column, row), radius, colour, -1, cv2.LINE_AA)
    return canvas


def _pixels(points: Float[np.ndarray, "n 2"], grid: BevGrid) -> Float[np.ndarray, "n 2"]:
    """Column and row of points."""
    return np.stack([grid.y_max - points[:, 1], grid.x_max - points[:, 0]], axis=1) * SCALE


def _table(names: tuple[str, ...]) -> UInt8[np.ndarray, "name 3"]:
    """Colour of each class."""
    return np.array([COLOURS.get(name, DARK) for name in names], dtype=np.uint8)
