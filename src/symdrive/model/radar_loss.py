"""The loss of the radar detector: each object is held against the query that fits it best.

Costs and loss follow kesai-labs/lead 4489176, `radar_detector.py`.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from symdrive.model.config import ModelConfig
from symdrive.model.tensors import RadarObjects

STATE_WEIGHT = 5.0


def radar_loss(
    found: RadarObjects, label: Float[Tensor, "b q 4"], config: ModelConfig
) -> Float[Tensor, " b"]:
    """Error of the matched states, five-fold, and of the guess whether there is an object.

    One value a sample.

    Args:
        found: by the detector.
        label: x, y, speed, 1 of each object; rows of zeros for none.
        config: ranges that the errors are measured in.
    """
    grid = config.bev
    scale = label.new_tensor([grid.x_max - grid.x_min, grid.y_max - grid.y_min, config.speed_scale])
    state, real = label[..., :3], label[..., 3]
    query, row = match(_costs(found, state, real, scale))
    real = real.gather(1, row)
    error = (_rows(found.state, query) - _rows(state, row)).abs() / scale
    error = (error.sum(dim=-1) * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
    guess = functional.binary_cross_entropy_with_logits(
        found.logit.gather(1, query), real, reduction="none"
    )
    return STATE_WEIGHT * error + guess.mean(dim=1)


def match(cost: Float[Tensor, "b q n"]) -> tuple[Int[Tensor, "b q"], Int[Tensor, "b q"]]:
    """Pairs of query and label with the least total cost.

    The solver runs on the CPU: all costs travel there in one copy, and all pairs back in one.
    """
    costs = cost.detach().to("cpu", torch.float32).numpy()
    pairs = torch.from_numpy(np.stack([linear_sum_assignment(one) for one in costs]))
    query, row = pairs.to(cost.device, non_blocking=True).unbind(dim=1)
    return query, row


def _costs(
    found: RadarObjects, state: Tensor, real: Tensor, scale: Tensor
) -> Float[Tensor, "b q q"]:
    """Cost of each query for each label; the state counts for real objects only."""
    with torch.no_grad():
        apart = ((found.state[:, :, None] - state[:, None]) / scale).abs().sum(dim=-1)
        logit = found.logit[:, :, None].expand_as(apart)
        wanted = real[:, None].expand_as(apart)
        guess = functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")
        return STATE_WEIGHT * apart * wanted + guess


def _rows(x: Float[Tensor, "b q c"], index: Int[Tensor, "b q"]) -> Float[Tensor, "b q c"]:
    """Rows of each sample by number."""
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[-1]))
