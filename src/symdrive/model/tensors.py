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
        radar: points of all sensors: x, y, z, speed along the ray, number of the sensor; rows of
            zeros hold no point. None where the network has no radar detector.
        acceleration: m/s2; None where the network does not read it.
    """

    image: UInt8[Tensor, "b 3 height width"]
    lidar: UInt8[Tensor, "b slice rows cols"]
    speed: Float[Tensor, " b"]
    command: Int[Tensor, " b"]
    target_points: Float[Tensor, "b 3 2"]
    radar: Float[Tensor, "b radar_point 5"] | None = None
    acceleration: Float[Tensor, " b"] | None = None


class RadarObjects(NamedTuple):
    """What the radar detector found, one row a query.

    Attributes:
        features: of its queries.
        state: x, y, speed of the object.
        logit: of there being one.
    """

    features: Float[Tensor, "b query width"]
    state: Float[Tensor, "b query 3"]
    logit: Float[Tensor, "b query"]


class Targets(NamedTuple):
    """One batch of labels.

    Attributes:
        semantic: class of each pixel, at label resolution.
        depth: metres, at label resolution; while a batch travels, bytes of the label.
        bev_semantic: class of each cell, 255 where unknown.
        boxes: x, y, half length, half width, yaw, speed, class of each box; padded.
        num_boxes: rows of `boxes` that count.
        waypoints: future positions at 4 Hz.
        route: path points 1 m apart.
        target_speed: what the expert aimed at.
        brake: whether the expert wanted to stop at once.
        headings: of the car at the waypoints, rad; None where the network predicts none.
        radar_objects: x, y, speed, 1 of each object that the radar met, rows of zeros for none;
            None where the network has no radar detector.
        space: number of the label space of each sample: 0 for the network's own, 1 for the first of
            `other_spaces`, ...; None where all samples are of its own.
    """

    semantic: UInt8[Tensor, "b label_height label_width"]
    depth: Float[Tensor, "b label_height label_width"] | UInt8[Tensor, "b label_height label_width"]
    bev_semantic: UInt8[Tensor, "b bev_rows bev_cols"]
    boxes: Float[Tensor, "b box 7"]
    num_boxes: Int[Tensor, " b"]
    waypoints: Float[Tensor, "b step 2"]
    route: Float[Tensor, "b point 2"]
    target_speed: Float[Tensor, " b"]
    brake: Bool[Tensor, " b"]
    headings: Float[Tensor, "b step"] | None = None
    radar_objects: Float[Tensor, "b query 4"] | None = None
    space: Int[Tensor, " b"] | None = None


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
        route: path points 1 m apart; no points where the network predicts none.
        waypoints: future positions at 4 Hz.
        speed_logits: over `target_speeds`; no classes where the network predicts none.
        headings: at the waypoints, rad; None where the network predicts none.
    """

    route: Float[Tensor, "b point 2"]
    waypoints: Float[Tensor, "b step 2"]
    speed_logits: Float[Tensor, "b speed"]
    headings: Float[Tensor, "b step"] | None = None


class SpaceMaps(NamedTuple):
    """What the heads of one label space say; None for a head that it lacks."""

    bev_semantic: Float[Tensor, "b bev_class rows cols"] | None
    boxes: BoxMaps | None


class Predictions(NamedTuple):
    """Everything that the network says; None for a head that it lacks.

    Attributes:
        semantic: logits; full or reduced resolution.
        depth: metres, the same resolution.
        bev_semantic: logits.
        boxes: CenterNet maps.
        plan: None in the perception stage.
        radar: objects that the radar met.
        others: what the heads of further label spaces say, in the order of `other_spaces`.
    """

    semantic: Float[Tensor, "b semantic_class h w"] | None
    depth: Float[Tensor, "b h w"] | None
    bev_semantic: Float[Tensor, "b bev_class rows cols"] | None
    boxes: BoxMaps | None
    plan: PlanOutput | None
    radar: RadarObjects | None = None
    others: tuple[SpaceMaps, ...] = ()


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """The same batch on a device."""

    def move(column: Tensor | None) -> Tensor | None:
        return None if column is None else column.to(device, non_blocking=True)

    columns: Any = (move(column) for column in batch)
    return type(batch)(*columns)
