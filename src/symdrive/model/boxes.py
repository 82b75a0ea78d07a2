"""Boxes to CenterNet maps and back; both on the device of their tensors.

Formulas: Law and Deng, "CornerNet" (radius); Zhou et al., "Objects as Points" (maps); bins and
half extents as in kesai-labs/lead 4489176, `carla_dataset_utils.py` and `center_net_decoder.py`.
Only real boxes are drawn; padding rows leave no trace.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from symdrive.model.config import ModelConfig
from symdrive.model.tensors import BoxMaps

MIN_OVERLAP = 0.1


class BoxTargets(NamedTuple):
    """What the CenterNet maps should say.

    Attributes:
        heatmap: 1 at each centre, falling off around it.
        wh: half length and half width, cells.
        offset: centre within its cell, along columns and rows.
        yaw_class: heading bin.
        yaw_residual: rad from the centre of the bin.
        velocity: m/s.
        peak: cells that hold a centre; only there the regressions count.
        centres: number of each sample, which its losses are divided by.
    """

    heatmap: Float[Tensor, "b kind rows cols"]
    wh: Float[Tensor, "b 2 rows cols"]
    offset: Float[Tensor, "b 2 rows cols"]
    yaw_class: Int[Tensor, "b rows cols"]
    yaw_residual: Float[Tensor, "b 1 rows cols"]
    velocity: Float[Tensor, "b 1 rows cols"]
    peak: Bool[Tensor, "b rows cols"]
    centres: Float[Tensor, " b"]


class DecodedBoxes(NamedTuple):
    """Detected boxes, best first; ego frame.

    Attributes:
        boxes: x, y, half length, half width, yaw, speed, class.
        score: confidence in [0, 1].
    """

    boxes: Float[Tensor, "b k 7"]
    score: Float[Tensor, "b k"]


def encode_boxes(
    boxes: Float[Tensor, "b n 7"], num_boxes: Int[Tensor, " b"], config: ModelConfig
) -> BoxTargets:
    """Draw the first `num_boxes` rows of each sample.

    Where two centres share a cell, the later row counts. Rows outside the grid are left out.

    Args:
        boxes: x, y, half length, half width, yaw, speed, class.
        num_boxes: rows that count.
        config: geometry and classes.
    """
    rows, cols = config.bev_feature_size
    cell = config.cell_m
    real = torch.arange(boxes.shape[1], device=boxes.device) < num_boxes[:, None]
    if config.compat.phantom_box:
        boxes, real = _phantoms(boxes, real, config), torch.ones_like(real)
    at = torch.stack(
        [(boxes[..., 0] - config.bev.x_min) / cell, (config.bev.y_max - boxes[..., 1]) / cell], -1
    )
    whole = at.floor().long()
    inside = (whole >= 0).all(-1) & (whole[..., 0] < cols) & (whole[..., 1] < rows)
    keep = inside & real
    owner = _owners(whole, keep, rows, cols)
    peak = owner >= 0
    safe = owner.clamp(min=0)

    def gather(column: Tensor) -> Tensor:
        picked = torch.gather(column, 1, safe.flatten(1)) if column.shape[1] else safe.flatten(1)
        return picked.view(-1, 1, rows, cols).to(boxes.dtype) * peak[:, None]

    bins, residual = yaw_to_bin(boxes[..., 4], config.num_yaw_bins)
    fraction = at - whole
    heat = _heatmap(boxes, whole, keep, config)
    targets = BoxTargets(
        heat,
        torch.cat([gather(boxes[..., 2] / cell), gather(boxes[..., 3] / cell)], dim=1),
        torch.cat([gather(fraction[..., 0]), gather(fraction[..., 1])], dim=1),
        gather(bins)[:, 0].long(),
        gather(residual),
        gather(boxes[..., 5]),
        peak,
        (heat == 1.0).flatten(1).sum(dim=1).to(heat.dtype),
    )
    return _coarse(targets) if config.compat.coarse_labels else targets


def _phantoms(boxes: Tensor, real: Tensor, config: ModelConfig) -> Tensor:
    """Padding rows as the official code draws them: vehicles without size in cell (0, 0)."""
    corner = boxes.new_zeros(7)
    corner[:2] = boxes.new_tensor([config.bev.x_min, config.bev.y_max])
    return torch.where(real[..., None], boxes, corner)


def _coarse(targets: BoxTargets) -> BoxTargets:
    """The maps in the precision of bfloat16."""
    names = ("heatmap", "wh", "offset", "yaw_residual", "velocity")
    columns = targets._asdict()
    return targets._replace(**{name: coarse(columns[name]) for name in names})


def coarse(x: Tensor) -> Tensor:
    """Rounded to bfloat16."""
    return x.to(torch.bfloat16).to(x.dtype)


def _owners(whole: Tensor, keep: Tensor, rows: int, cols: int) -> Tensor:
    """Row of the box whose centre lies in each cell, -1 for none; (b, rows, cols)."""
    b, n = keep.shape
    cell = torch.where(keep, whole[..., 1] * cols + whole[..., 0], rows * cols)
    order = torch.arange(n, device=whole.device).expand(b, n)
    owner = torch.full((b, rows * cols + 1), -1, dtype=torch.long, device=whole.device)
    owner = owner.scatter_reduce(1, cell, order, reduce="amax")
    return owner[:, :-1].view(b, rows, cols)


def _heatmap(boxes: Tensor, whole: Tensor, keep: Tensor, config: ModelConfig) -> Tensor:
    """One Gaussian a box, combined by the maximum."""
    rows, cols = config.bev_feature_size
    radius = gaussian_radius(boxes[..., 2] / config.cell_m, boxes[..., 3] / config.cell_m)
    radius = radius.floor().clamp(min=config.box_min_radius)[..., None]
    scale = -0.5 * (6.0 / (2.0 * radius + 1.0)) ** 2

    def along(side: int, centre: Tensor) -> Tensor:
        away = torch.arange(side, device=boxes.device) - centre[..., None]
        return torch.exp(scale * away**2) * (away.abs() <= radius)

    across = along(rows, whole[..., 1]) * keep[..., None]
    spot = (
        (across[..., :, None] * along(cols, whole[..., 0])[..., None, :]).flatten(2).flatten(0, 1)
    )
    heat = boxes.new_zeros(len(boxes) * config.num_box_classes, rows * cols)
    sample = torch.arange(len(boxes), device=boxes.device)[:, None]
    index = (sample * config.num_box_classes + boxes[..., 6].long()).flatten()
    heat = heat.scatter_reduce(0, index[:, None].expand_as(spot), spot.to(heat.dtype), "amax")
    return heat.view(len(boxes), config.num_box_classes, rows, cols)


def gaussian_radius(
    height: Float[Tensor, "*n"], width: Float[Tensor, "*n"], min_overlap: float = MIN_OVERLAP
) -> Float[Tensor, "*n"]:
    """How far a centre may be off while the boxes still overlap by `min_overlap`, cells."""
    total, area = height + width, height * width
    c1 = area * (1 - min_overlap) / (1 + min_overlap)
    r1 = (total - (total**2 - 4 * c1).sqrt()) / 2
    c2 = (1 - min_overlap) * area
    r2 = (2 * total - (4 * total**2 - 16 * c2).sqrt()) / 8
    b3 = -2 * min_overlap * total
    r3 = (b3 + (b3**2 + 16 * min_overlap * c2).sqrt()) / (8 * min_overlap)
    return torch.minimum(torch.minimum(r1, r2), r3)


def yaw_to_bin(yaw: Float[Tensor, "*n"], bins: int) -> tuple[Int[Tensor, "*n"], Tensor]:
    """Nearest of `bins` headings, and the rest in rad."""
    width = 2 * math.pi / bins
    nearest = torch.round(yaw / width)
    return nearest.long() % bins, yaw - nearest * width


def decode_boxes(maps: BoxMaps, config: ModelConfig, top: int = 100) -> DecodedBoxes:
    """The `top` strongest local maxima of the heat maps as boxes in the ego frame."""
    heat = maps.heatmap.sigmoid()
    heat = heat * (functional.max_pool2d(heat, 3, stride=1, padding=1) == heat)
    b, _, rows, cols = heat.shape
    score, index = heat.flatten(1).topk(min(top, heat[0].numel()))
    kind, cell = index // (rows * cols), index % (rows * cols)

    def at(column: Tensor) -> Tensor:
        flat = column.flatten(2)
        return flat.gather(2, cell[:, None].expand(b, flat.shape[1], -1)).transpose(1, 2)

    offset, wh = at(maps.offset), at(maps.wh)
    side = config.cell_m
    x = config.bev.x_min + (cell % cols + offset[..., 0]) * side
    y = config.bev.y_max - (cell // cols + offset[..., 1]) * side
    bins = at(maps.yaw_class).argmax(dim=-1)
    yaw = bins * (2 * math.pi / config.num_yaw_bins) + at(maps.yaw_residual)[..., 0]
    yaw = (yaw + math.pi) % (2 * math.pi) - math.pi
    columns = [x, y, wh[..., 0] * side, wh[..., 1] * side, yaw, at(maps.velocity)[..., 0], kind]
    return DecodedBoxes(torch.stack([c.to(heat.dtype) for c in columns], dim=-1), score)
