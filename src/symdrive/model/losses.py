"""The training loss, term by term, and their weighted mean.

Terms follow kesai-labs/lead 4489176 (`perspective_decoder.py`, `bev_decoder.py`,
`center_net_decoder.py`, `planning_decoder.py`), without its label faults: labels keep full
precision, depth is not cut to whole metres, padding boxes are not drawn, and the depth term does
not depend on the semantic one.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from symdrive.model.boxes import BoxTargets, encode_boxes
from symdrive.model.config import IGNORE, ModelConfig
from symdrive.model.resize import bilinear
from symdrive.model.tensors import BoxMaps, PlanOutput, Predictions, Targets

FOCAL_ALPHA = 2.0
FOCAL_GAMMA = 4.0


def losses(
    predictions: Predictions, targets: Targets, config: ModelConfig
) -> dict[str, Float[Tensor, ""]]:
    """Every term, unweighted; the planner's only where there is a plan."""
    boxes = encode_boxes(targets.boxes, targets.num_boxes, config)
    terms = {
        "semantic": cross_entropy(predictions.semantic, targets.semantic),
        "depth": depth_loss(predictions.depth, targets.depth),
        "bev_semantic": cross_entropy(predictions.bev_semantic, targets.bev_semantic),
        **box_losses(predictions.boxes, boxes),
    }
    if predictions.plan is not None:
        terms |= plan_losses(predictions.plan, targets, config.target_speeds)
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


def heatmap_loss(logits: Tensor, heat: Tensor) -> Float[Tensor, " b"]:
    """Gaussian focal loss of each sample, divided by its number of peaks (Law and Deng)."""
    probability = logits.sigmoid()
    peak = heat == 1.0
    hit = -functional.logsigmoid(logits) * (1 - probability) ** FOCAL_ALPHA * peak
    miss = -functional.logsigmoid(-logits) * probability**FOCAL_ALPHA * (1 - heat) ** FOCAL_GAMMA
    loss = hit + miss * ~peak
    return loss.flatten(1).sum(dim=1) / peak.flatten(1).sum(dim=1).clamp(min=1)


def box_losses(maps: BoxMaps, targets: BoxTargets) -> dict[str, Float[Tensor, ""]]:
    """Terms of the CenterNet head; regressions count at the peaks."""
    peak = targets.peak[:, None]
    count = targets.peak.flatten(1).sum(dim=1).clamp(min=1)

    def mean(loss: Tensor) -> Tensor:
        channels = loss.shape[1]
        return ((loss * peak).flatten(1).sum(dim=1) / (channels * count)).mean()

    yaw_class = functional.cross_entropy(maps.yaw_class, targets.yaw_class, reduction="none")
    yaw_residual = functional.smooth_l1_loss(
        maps.yaw_residual, targets.yaw_residual, reduction="none"
    )
    return {
        "heatmap": heatmap_loss(maps.heatmap, targets.heatmap).mean(),
        "wh": mean((maps.wh - targets.wh).abs()),
        "offset": mean((maps.offset - targets.offset).abs()),
        "yaw_class": mean(yaw_class[:, None]),
        "yaw_residual": mean(yaw_residual),
        "velocity": mean((maps.velocity - targets.velocity).abs()),
    }


def plan_losses(
    plan: PlanOutput, targets: Targets, target_speeds: tuple[float, ...]
) -> dict[str, Float[Tensor, ""]]:
    """Terms of the planner."""
    label = two_hot(targets.target_speed, targets.brake, target_speeds)
    end = functional.l1_loss(plan.route[:, -1], targets.route[:, -1])
    return {
        "waypoints": functional.l1_loss(plan.waypoints, targets.waypoints),
        "route": functional.l1_loss(plan.route, targets.route) + end,
        "target_speed": functional.cross_entropy(plan.speed_logits, label),
    }


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
