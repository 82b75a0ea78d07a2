"""Answers of a network and labels of the same moment, side by side for people."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from symdrive.features.prediction import BOX_SCORE, Prediction, read_boxes
from symdrive.model.config import BOX_CLASSES, BevGrid, ModelConfig
from symdrive.model.network import expected_speed
from symdrive.model.tensors import BoxMaps, Inputs, Predictions, Targets
from symdrive.world.control import DetectedBox

Picture = UInt8[np.ndarray, "height width 3"]
Draw = Callable[[Prediction, BevGrid], Picture]
"""Makes a picture of a prediction; `report.prediction.draw_prediction` is one."""

NO_POINTS = np.zeros((0, 2))


def stack(draw: Draw, said: Prediction, labelled: Prediction, grid: BevGrid) -> Picture:
    """The prediction above, the labels below, drawn in the same way."""
    return np.concatenate([draw(said, grid), draw(labelled, grid)])


def as_prediction(
    inputs: Inputs, predictions: Predictions, config: ModelConfig, index: int
) -> Prediction:
    """One sample of what a network says.

    Args:
        inputs: batch that it was asked about.
        predictions: of the same batch.
        config: of the network.
        index: of the sample.
    """
    plan = predictions.plan
    speed = None
    if plan is not None and config.target_speeds:
        logits = plan.speed_logits[index : index + 1].float()
        speed = float(expected_speed(logits, config.target_speeds)[0])
    boxes: list[DetectedBox] = []
    if predictions.boxes is not None:
        maps = BoxMaps(*(column[index : index + 1].float() for column in predictions.boxes))
        boxes = read_boxes(maps, config, BOX_SCORE)
    return Prediction(
        f"sample {index}",
        _picture(inputs, index),
        _classes(predictions.semantic, index),
        _classes(predictions.bev_semantic, index),
        NO_POINTS if plan is None else _points(plan.route[index]),
        NO_POINTS if plan is None else _points(plan.waypoints[index]),
        _points(inputs.target_points[index]),
        speed,
        tuple(boxes),
    )


def as_label(inputs: Inputs, targets: Targets, config: ModelConfig, index: int) -> Prediction:
    """The labels of one sample, as if a network had said them."""
    boxes = [
        DetectedBox(BOX_CLASSES[int(kind)], (x, y), (length, width), yaw, speed, 1.0)
        for x, y, length, width, yaw, speed, kind in targets.boxes[index].tolist()
    ]
    stop = bool(targets.brake[index])
    return Prediction(
        f"labels {index}",
        _picture(inputs, index),
        targets.semantic[index].cpu().numpy() if config.num_semantic_classes else None,
        targets.bev_semantic[index].cpu().numpy() if config.num_bev_classes else None,
        _points(targets.route[index]),
        _points(targets.waypoints[index]),
        _points(inputs.target_points[index]),
        0.0 if stop else float(targets.target_speed[index]),
        tuple(boxes[: int(targets.num_boxes[index])]),
    )


def _picture(inputs: Inputs, index: int) -> Picture:
    """The stitched cameras, as they stand in memory of the CPU."""
    return inputs.image[index].permute(1, 2, 0).contiguous().cpu().numpy()


def _classes(
    logits: Float[Tensor, "b k h w"] | None, index: int
) -> UInt8[np.ndarray, "h w"] | None:
    """Likeliest class of each pixel, None without such a head."""
    return None if logits is None else logits[index].argmax(dim=0).byte().cpu().numpy()


def _points(points: Float[Tensor, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """On the CPU, in double precision."""
    return points.double().cpu().numpy()
