"""What a network says of a scene, in plain arrays: for pictures, tables and people."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from symdrive.model.boxes import decode_boxes
from symdrive.model.config import BOX_CLASSES, ModelConfig
from symdrive.model.network import TransFuser
from symdrive.model.tensors import BoxMaps
from symdrive.world.control import DetectedBox

BOX_SCORE = 0.3
"""Lowest score of a box that is believed in."""

MOST_BOXES = 30
"""Peaks of the heat maps that are looked at."""


@dataclass(frozen=True)
class Prediction:
    """What a network, or several, made of a scene; ego frame, m.

    Attributes:
        name: of the scene.
        image: the stitched picture.
        semantic: class of each of its pixels, None without such a head.
        bev_semantic: class of each cell, None without such a head.
        route: path points.
        waypoints: future positions.
        target_points: as given.
        target_speed_mps: wanted; None where the network predicts none.
        boxes: objects.
    """

    name: str
    image: UInt8[np.ndarray, "height width 3"]
    semantic: UInt8[np.ndarray, "h w"] | None
    bev_semantic: UInt8[np.ndarray, "rows cols"] | None
    route: Float[np.ndarray, "point 2"]
    waypoints: Float[np.ndarray, "step 2"]
    target_points: Float[np.ndarray, "3 2"]
    target_speed_mps: float | None
    boxes: tuple[DetectedBox, ...]


def detected_boxes(network: TransFuser, bev: Tensor, score: float) -> list[DetectedBox]:
    """Boxes of one network, best first.

    Args:
        network: that made the features.
        bev: bird's-eye view features, (1, c, rows, cols).
        score: lowest that counts.
    """
    if network.center_net_decoder is None:
        return []
    return read_boxes(network.center_net_decoder(bev), network.config, score)


def read_boxes(maps: BoxMaps, config: ModelConfig, score: float) -> list[DetectedBox]:
    """Boxes of the first sample of a batch, best first; none in a label space that is not ours.

    Args:
        maps: of a network.
        config: of the same.
        score: lowest that counts.
    """
    if config.label_space != "carla":
        return []
    decoded = decode_boxes(maps, config, top=MOST_BOXES)
    return [
        DetectedBox(BOX_CLASSES[int(kind)], (x, y), (abs(length), abs(width)), yaw, speed, sure)
        for (x, y, length, width, yaw, speed, kind), sure in zip(
            decoded.boxes[0].tolist(), decoded.score[0].tolist(), strict=True
        )
        if sure >= score
    ]
