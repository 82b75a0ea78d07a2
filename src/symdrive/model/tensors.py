"""What goes into the network, what it learns from, and what comes out.

Vectors are in the ego frame of the view: x forward, y left, metres, m/s, radians. B is the batch.
"""

from typing import Any, NamedTuple, TypeVar

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

Batch = TypeVar("Batch", "Inputs", "Targets")


class Inputs(NamedTuple):
    """One batch of observations.

    Attributes:
        image: stitched RGB.
        lidar: point counts per raster cell and height slice, not above `lidar_clip`.
        speed: m/s.
        command: index of the navigation command (`Command` - 1).
        target_points: previous, current, next; x y.
    """

    image: UInt8[Tensor, "b 3 height width"]
    lidar: UInt8[Tensor, "b slice rows cols"]
    speed: Float[Tensor, " b"]
    command: Int[Tensor, " b"]
    target_points: Float[Tensor, "b 3 2"]


class RadarTokens(NamedTuple):
    """What a radar detector tells the planner.

    Attributes:
        features: of its queries.
        positions: where each query believes an object, x y.
    """

    features: Float[Tensor, "b query width"]
    positions: Float[Tensor, "b query 2"]


class Targets(NamedTuple):
    """One batch of labels.

    Attributes:
        semantic: class of each pixel, at label resolution.
        depth: metres, at label resolution.
        bev_semantic: class of each cell, 255 where unknown.
        boxes: x, y, half length, half width, yaw, speed, class of each box; padded.
        num_boxes: rows of `boxes` that count.
        waypoints: future positions at 4 Hz.
        route: path points 1 m apart.
        target_speed: what the expert aimed at.
        brake: whether the expert wanted to stop at once.
    """

    semantic: UInt8[Tensor, "b label_height label_width"]
    depth: Float[Tensor, "b label_height label_width"]
    bev_semantic: UInt8[Tensor, "b bev_rows bev_cols"]
    boxes: Float[Tensor, "b box 7"]
    num_boxes: Int[Tensor, " b"]
    waypoints: Float[Tensor, "b step 2"]
    route: Float[Tensor, "b point 2"]
    target_speed: Float[Tensor, " b"]
    brake: Bool[Tensor, " b"]


class BoxMaps(NamedTuple):
    """CenterNet maps on the bird's-eye view features, as logits and as regressions.

    Attributes:
        heatmap: logit of a box centre, by class.
        wh: half length and half width, cells.
        offset: centre within its cell, along columns and rows, cells.
        yaw_class: logits of the heading bins.
        yaw_residual: heading from the centre of its bin, rad.
        velocity: m/s.
    """

    heatmap: Float[Tensor, "b kind rows cols"]
    wh: Float[Tensor, "b 2 rows cols"]
    offset: Float[Tensor, "b 2 rows cols"]
    yaw_class: Float[Tensor, "b bin rows cols"]
    yaw_residual: Float[Tensor, "b 1 rows cols"]
    velocity: Float[Tensor, "b 1 rows cols"]


class PlanOutput(NamedTuple):
    """What the planner says.

    Attributes:
        route: path points 1 m apart.
        waypoints: future positions at 4 Hz.
        speed_logits: over `target_speeds`.
    """

    route: Float[Tensor, "b point 2"]
    waypoints: Float[Tensor, "b step 2"]
    speed_logits: Float[Tensor, "b speed"]


class Predictions(NamedTuple):
    """Everything that the network says.

    Attributes:
        semantic: logits; full or reduced resolution.
        depth: metres, the same resolution.
        bev_semantic: logits.
        boxes: CenterNet maps.
        plan: None in the perception stage.
    """

    semantic: Float[Tensor, "b semantic_class h w"]
    depth: Float[Tensor, "b h w"]
    bev_semantic: Float[Tensor, "b bev_class rows cols"]
    boxes: BoxMaps
    plan: PlanOutput | None


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """The same batch on a device."""
    columns: Any = (column.to(device, non_blocking=True) for column in batch)
    return type(batch)(*columns)
