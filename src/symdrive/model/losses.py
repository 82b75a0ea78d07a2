"""The training loss, term by term, and their weighted mean.

Terms follow kesai-labs/lead 4489176 (`perspective_decoder.py`, `bev_decoder.py`,
`center_net_decoder.py`, `planning_decoder.py`). Its label faults are switches of `Compat`; the
depth term never depends on the semantic one.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from symdrive.model.boxes import BoxTargets, coarse, encode_boxes
from symdrive.model.config import IGNORE, ModelConfig
from symdrive.model.radar_loss import radar_loss
from symdrive.model.resize import bilinear
from symdrive.model.tensors import BoxMaps, PlanOutput, Predictions, Targets

FOCAL_ALPHA = 2.0
FOCAL_GAMMA = 4.0
TINY = 1e-12


def losses(
    predictions: Predictions, targets: Targets, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Every term that there are predictions for, unweighted."""
    terms: dict[str, Tensor] = {}
    if predictions.semantic is not None:
        terms["semantic"] = cross_entropy(predictions.semantic, targets.semantic)
    if predictions.depth is not None:
        depth = targets.depth.trunc() if config.compat.whole_metre_depth else targets.depth
        terms["depth"] = depth_loss(predictions.depth, depth)
    if predictions.bev_semantic is not None:
        label = seen_labels(targets.bev_semantic, config)
        terms["bev_semantic"] = cross_entropy(predictions.bev_semantic, label)
    if predictions.boxes is not None:
        boxes = encode_boxes(targets.boxes, targets.num_boxes, config)
        terms |= box_losses(predictions.boxes, boxes, clipped=config.compat.clipped_focal)
    if predictions.radar is not None:
        if targets.radar is None:
            raise ValueError("the radar detector needs labels: Targets.radar is None")
        terms["radar"] = radar_loss(predictions.radar, _rounded(targets.radar, config), config)
    if predictions.plan is not None:
        terms |= plan_losses(predictions.plan, targets, config)
    return terms


def total_loss(terms: dict[str, Float[Tensor, ""]], config: ModelConfig) -> Float[Tensor, ""]:
    """Weighted mean of the terms that are there."""
    weights = {name: getattr(config.loss_weights, name) for name in terms}
    total = sum(weights.values())
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum() / total


def cross_entropy(logits: Float[Tensor, "b k _ _"], label: Tensor) -> Float[Tensor, ""]:
    """Mean over all pixels; ignored ones count as zero. Logits are scaled to the labels."""
    logits = bilinear(logits, (label.shape[1], label.shape[2]))
    loss = functional.cross_entropy(logits, label.long(), ignore_index=IGNORE, reduction="sum")
    return loss / label.numel()


def depth_loss(depth: Float[Tensor, "b _ _"], label: Float[Tensor, "b h w"]) -> Tensor:
    """Mean absolute error, m; the prediction is scaled to the labels."""
    depth = bilinear(depth[:, None], (label.shape[1], label.shape[2]))[:, 0]
    return functional.l1_loss(depth, label)


def seen_labels(label: Tensor, config: ModelConfig) -> Tensor:
    """Bird's-eye view labels without the cells that fewer than three cameras cannot see."""
    if config.num_cameras >= 3:
        return label
    return torch.where(frustum(config, label.device), label, torch.full_like(label, IGNORE))


@lru_cache(maxsize=8)
def frustum(config: ModelConfig, device: torch.device) -> Bool[Tensor, "rows cols"]:
    """Cells within 30 degrees a camera, and 2.5 more, to both sides (`common_utils.py`)."""
    rows, cols = config.bev.size
    half = math.radians((60 * config.num_cameras + 5) / 2)
    x = torch.arange(cols, device=device) + config.bev.x_min * config.bev.px_per_m
    y = torch.arange(rows, device=device) - rows // 2
    return torch.atan2(y[:, None].to(x.dtype), x[None]).abs() <= half


def heatmap_loss(
    logits: Tensor, heat: Tensor, count: Tensor, *, clipped: bool = False
) -> Float[Tensor, " b"]:
    """Gaussian focal loss of each sample, divided by its number of centres (Law and Deng)."""
    probability = logits.sigmoid()
    if clipped:
        log_hit, log_miss = (probability + TINY).log(), (1 - probability + TINY).log()
    else:
        log_hit, log_miss = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    hit = -log_hit * (1 - probability) ** FOCAL_ALPHA * (heat == 1.0)
    miss = -log_miss * probability**FOCAL_ALPHA * (1 - heat) ** FOCAL_GAMMA
    return (hit + miss).flatten(1).sum(dim=1) / count.clamp(min=1)


def box_losses(
    maps: BoxMaps, targets: BoxTargets, *, clipped: bool = False
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the CenterNet head; regressions count at the peaks."""
    peak, count = targets.peak[:, None], targets.centres.clamp(min=1)

    def mean(loss: Tensor) -> Tensor:
        channels = loss.shape[1]
        return ((loss * peak).flatten(1).sum(dim=1) / (channels * count)).mean()

    yaw_class = functional.cross_entropy(maps.yaw_class, targets.yaw_class, reduction="none")
    yaw_residual = functional.smooth_l1_loss(
        maps.yaw_residual, targets.yaw_residual, reduction="none"
    )
    return {
        "heatmap": heatmap_loss(
            maps.heatmap, targets.heatmap, targets.centres, clipped=clipped
        ).mean(),
        "wh": mean((maps.wh - targets.wh).abs()),
        "offset": mean((maps.offset - targets.offset).abs()),
        "yaw_class": mean(yaw_class[:, None]),
        "yaw_residual": mean(yaw_residual),
        "velocity": mean((maps.velocity - targets.velocity).abs()),
    }


class PlanLabels(NamedTuple):
    """What the planner should say; units as in `Targets`."""

    waypoints: Float[Tensor, "b step 2"]
    route: Float[Tensor, "b point 2"]
    target_speed: Float[Tensor, " b"]
    brake: Bool[Tensor, " b"]
    headings: Float[Tensor, "b step"] | None


def plan_losses(
    plan: PlanOutput, targets: Targets, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the planner, for what it predicts."""
    headings = targets.headings
    if config.headings and headings is None:
        raise ValueError("the planner predicts headings: Targets.headings is None")
    labels = PlanLabels(
        _rounded(targets.waypoints, config),
        _rounded(targets.route, config),
        _rounded(targets.target_speed, config),
        targets.brake,
        None if headings is None else _rounded(headings, config),
    )
    return plan_terms(plan, labels, config)


def plan_terms(
    plan: PlanOutput, labels: PlanLabels, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the planner against labels as they are.

    The end of the route counts once more; not so for the gru planner, as published.
    """
    terms = {"waypoints": functional.l1_loss(plan.waypoints, labels.waypoints)}
    if plan.headings is not None and labels.headings is not None:
        terms["waypoints"] = terms["waypoints"] + functional.l1_loss(plan.headings, labels.headings)
    if config.num_route_points:
        terms["route"] = functional.l1_loss(plan.route, labels.route)
        if config.planner != "gru":
            end = functional.l1_loss(plan.route[:, -1], labels.route[:, -1])
            terms["route"] = terms["route"] + end
    if config.target_speeds:
        label = two_hot(labels.target_speed, labels.brake, config.target_speeds)
        terms["target_speed"] = functional.cross_entropy(plan.speed_logits, label)
    return terms


def _rounded(label: Tensor, config: ModelConfig) -> Tensor:
    """A label as it is, or in the precision that the official code hands it on with."""
    return coarse(label) if config.compat.coarse_labels else label


def two_hot(
    speed: Float[Tensor, " b"], brake: Tensor, target_speeds: tuple[float, ...]
) -> Float[Tensor, "b speed"]:
    """A speed as weights on its two neighbours among the classes; all on class 0 for a brake."""
    classes = speed.new_tensor(target_speeds)
    wanted = torch.where(brake, torch.zeros_like(speed), speed).clamp(0.0, float(classes[-1]))
    upper = torch.searchsorted(classes, wanted).clamp(1, len(classes) - 1)
    low, high = classes[upper - 1], classes[upper]
    share = (wanted - low) / (high - low)
    label = torch.zeros(len(speed), len(classes), dtype=speed.dtype, device=speed.device)
    label = label.scatter(1, (upper - 1)[:, None], (1 - share)[:, None])
    return label.scatter(1, upper[:, None], share[:, None])
