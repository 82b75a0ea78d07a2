"""The training loss, term by term, and their weighted mean.

Terms follow kesai-labs/lead 4489176 (`perspective_decoder.py`, `bev_decoder.py`,
`center_net_decoder.py`, `planning_decoder.py`). Its label faults are switches of `Compat`; the
depth term never depends on the semantic one.
"""

import math
from dataclasses import replace
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
from symdrive.model.spaces import Mask, mean_of, of_space
from symdrive.model.tensors import BoxMaps, PlanOutput, Predictions, SpaceMaps, Targets

FOCAL_ALPHA = 2.0
FOCAL_GAMMA = 4.0
TINY = 1e-12


def losses(
    predictions: Predictions, targets: Targets, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Every term that there are predictions for, unweighted.

    Where a batch mixes label spaces (`Targets.space`), each term is a mean over the samples of its
    own. Samples of other spaces have labels for the bird's-eye view, for boxes (without speed) and
    for waypoints; terms of those heads are called `<space>/<term>`.
    """
    own = of_space(targets.space, 0)
    terms = _picture_losses(predictions, targets, config, own)
    terms |= _ground_losses(
        SpaceMaps(predictions.bev_semantic, predictions.boxes), targets, config, own
    )
    if predictions.radar is not None:
        if targets.radar_objects is None:
            raise ValueError("the radar detector needs labels: Targets.radar_objects is None")
        label = _rounded(targets.radar_objects, config)
        terms["radar"] = mean_of(radar_loss(predictions.radar, label, config), own)
    if predictions.plan is not None:
        terms |= plan_losses(predictions.plan, targets, config, own)
    return terms | _other_losses(predictions, targets, config)


def _picture_losses(
    predictions: Predictions, targets: Targets, config: ModelConfig, mask: Mask
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the semantic and the depth head."""
    terms: dict[str, Tensor] = {}
    if predictions.semantic is not None:
        terms["semantic"] = cross_entropy(predictions.semantic, targets.semantic, mask)
    if predictions.depth is not None:
        depth = targets.depth.trunc() if config.compat.whole_metre_depth else targets.depth
        terms["depth"] = depth_loss(predictions.depth, depth, mask)
    return terms


def _ground_losses(
    maps: SpaceMaps, targets: Targets, config: ModelConfig, mask: Mask
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the heads on the bird's-eye view."""
    terms: dict[str, Tensor] = {}
    if maps.bev_semantic is not None:
        label = seen_labels(targets.bev_semantic, config)
        terms["bev_semantic"] = cross_entropy(maps.bev_semantic, label, mask)
    if maps.boxes is not None:
        rows, count = targets.boxes, targets.num_boxes
        if mask is not None:  # classes of another space may be none of these
            rows, count = rows * mask[:, None, None], count * mask
        boxes = encode_boxes(rows, count, config)
        terms |= box_losses(maps.boxes, boxes, mask, clipped=config.compat.clipped_focal)
    return terms


def _other_losses(
    predictions: Predictions, targets: Targets, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the heads of further label spaces, where the batch has some of their samples."""
    terms: dict[str, Tensor] = {}
    if targets.space is None:
        return terms
    for number, (space, maps) in enumerate(
        zip(config.other_spaces, predictions.others, strict=True), start=1
    ):
        classes = replace(config, num_box_classes=space.num_box_classes, other_spaces=())
        found = _ground_losses(maps, targets, classes, of_space(targets.space, number))
        found.pop("velocity", None)
        terms |= {f"{space.name}/{name}": term for name, term in found.items()}
    return terms


def total_loss(terms: dict[str, Float[Tensor, ""]], config: ModelConfig) -> Float[Tensor, ""]:
    """Weighted mean of the terms that are there."""
    weights = {name: getattr(config.loss_weights, name.split("/")[-1]) for name in terms}
    total = sum(weights.values())
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum() / total


def cross_entropy(
    logits: Float[Tensor, "b k _ _"], label: Tensor, mask: Mask = None
) -> Float[Tensor, ""]:
    """Mean over all pixels; ignored ones count as zero. Logits are scaled to the labels."""
    logits = bilinear(logits, (label.shape[1], label.shape[2]))
    if mask is not None:
        # Classes of another space may be none of these, so they are taken out before.
        kept = torch.where(mask[:, None, None], label.long(), IGNORE)
        each = functional.cross_entropy(logits, kept, ignore_index=IGNORE, reduction="none")
        return mean_of(each.flatten(1).mean(dim=1), mask)
    loss = functional.cross_entropy(logits, label.long(), ignore_index=IGNORE, reduction="sum")
    return loss / label.numel()


def depth_loss(
    depth: Float[Tensor, "b _ _"], label: Float[Tensor, "b h w"], mask: Mask = None
) -> Float[Tensor, ""]:
    """Mean absolute error, m; the prediction is scaled to the labels."""
    depth = bilinear(depth[:, None], (label.shape[1], label.shape[2]))[:, 0]
    return l1(depth, label, mask)


def l1(x: Tensor, label: Tensor, mask: Mask = None) -> Float[Tensor, ""]:
    """Mean absolute error over the samples that count."""
    if mask is None:
        return functional.l1_loss(x, label)
    return mean_of((x - label).abs().flatten(1).mean(dim=1), mask)


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
    maps: BoxMaps, targets: BoxTargets, mask: Mask = None, *, clipped: bool = False
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the CenterNet head; regressions count at the peaks."""
    peak, count = targets.peak[:, None], targets.centres.clamp(min=1)

    def mean(loss: Tensor) -> Tensor:
        channels = loss.shape[1]
        return mean_of((loss * peak).flatten(1).sum(dim=1) / (channels * count), mask)

    yaw_class = functional.cross_entropy(maps.yaw_class, targets.yaw_class, reduction="none")
    yaw_residual = functional.smooth_l1_loss(
        maps.yaw_residual, targets.yaw_residual, reduction="none"
    )
    heat = heatmap_loss(maps.heatmap, targets.heatmap, targets.centres, clipped=clipped)
    return {
        "heatmap": mean_of(heat, mask),
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
    plan: PlanOutput, targets: Targets, config: ModelConfig, own: Mask = None
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the planner, for what it predicts; those that are not `own` have waypoints only."""
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
    return plan_terms(plan, labels, config, own)


def plan_terms(
    plan: PlanOutput, labels: PlanLabels, config: ModelConfig, own: Mask = None
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the planner against labels as they are.

    The end of the route counts once more; not so for the gru planner, as published.
    """
    terms = {"waypoints": functional.l1_loss(plan.waypoints, labels.waypoints)}
    if plan.headings is not None and labels.headings is not None:
        terms["waypoints"] = terms["waypoints"] + functional.l1_loss(plan.headings, labels.headings)
    if config.num_route_points:
        terms["route"] = l1(plan.route, labels.route, own)
        if config.planner != "gru":
            end = l1(plan.route[:, -1], labels.route[:, -1], own)
            terms["route"] = terms["route"] + end
    if config.target_speeds:
        label = two_hot(labels.target_speed, labels.brake, config.target_speeds)
        each = functional.cross_entropy(plan.speed_logits, label, reduction="none")
        terms["target_speed"] = mean_of(each, own)
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
