"""Changes to inputs on the training device; torch's default generator, seeded by the caller."""

from collections.abc import Callable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from symdrive.model.tensors import Inputs
from symdrive.training.config import AugmentConfig

Picture = Float[Tensor, "n 3 h w"]
Change = Callable[[Picture, AugmentConfig], Picture]

LEAST_ELASTIC = 1.0 / 3.0
"""Share of the farthest way that every elastic sample has at least."""


def augment(inputs: Inputs, config: AugmentConfig) -> Inputs:
    """The batch with changed pictures and speeds; each change hits a sample of its own accord."""
    if config.probability > 0.0:
        inputs = inputs._replace(image=_augment(inputs.image, config))
    if config.other_speed > 0.0:
        inputs = inputs._replace(speed=_other_speed(inputs.speed, config.other_speed))
    return inputs


def _other_speed(speed: Float[Tensor, " b"], probability: float) -> Float[Tensor, " b"]:
    """Some samples get the reading of another one."""
    hit = torch.rand(len(speed), device=speed.device) < probability
    return torch.where(hit, speed[torch.randperm(len(speed), device=speed.device)], speed)


def _augment(image: UInt8[Tensor, "b 3 h w"], config: AugmentConfig) -> UInt8[Tensor, "b 3 h w"]:
    """Samples that are hit are changed.

    On a GPU every change is worked out for all samples, for the device would wait while it is
    asked which are hit; elsewhere only those that are hit are touched.
    """
    steps: tuple[Change, ...] = (_gain, _contrast, _noise, _dropout, _blur)
    if config.elastic > 0.0:
        steps = (*steps, _elastic)
    hits = torch.rand(len(steps), len(image), device=image.device) < config.probability
    hits &= torch.tensor(_switches(config)[: len(steps)], device=image.device)[:, None]
    if config.any_order:
        order = torch.randperm(len(steps))
        steps, hits = tuple(steps[k] for k in order.tolist()), hits[order.to(hits.device)]
    if image.is_cuda:
        x = image.to(torch.float32)
        for step, hit in zip(steps, hits, strict=True):
            x = torch.where(hit[:, None, None, None], step(x, config), x)
        return x.round().clamp(0, 255).to(torch.uint8)
    result = image.clone()
    touched = hits.any(dim=0).nonzero()[:, 0]
    if not len(touched):
        return result
    part = image[touched].to(torch.float32)
    for step, hit in zip(steps, hits[:, touched], strict=True):
        rows = hit.nonzero()[:, 0]
        if len(rows):
            part[rows] = step(part[rows], config)
    result[touched] = part.round().clamp(0, 255).to(torch.uint8)
    return result


def _switches(config: AugmentConfig) -> list[bool]:
    """Which changes are on."""
    return [
        config.gain > 1.0,
        config.contrast > 1.0,
        config.noise > 0.0,
        config.dropout > 0.0,
        config.blur,
        True,
    ]


def _factors(x: Picture, largest: float) -> Float[Tensor, "n 3 1 1"]:
    """Factors between 1 / largest and largest; for half of the samples one a channel."""
    n = len(x)
    exponent = torch.rand(n, 3, 1, 1, device=x.device) * 2.0 - 1.0
    common = torch.rand(n, 1, 1, 1, device=x.device) < 0.5
    return largest ** torch.where(common, exponent[:, :1], exponent)


def _gain(x: Picture, config: AugmentConfig) -> Picture:
    """Brighter or darker."""
    return x * _factors(x, config.gain)


def _contrast(x: Picture, config: AugmentConfig) -> Picture:
    """Stronger or weaker differences from middle grey."""
    return (x - 128.0) * _factors(x, config.contrast) + 128.0


def _noise(x: Picture, config: AugmentConfig) -> Picture:
    """Gaussian noise; for half of the samples the same in all channels."""
    n, _, h, w = x.shape
    scale = torch.rand(n, 1, 1, 1, device=x.device) * config.noise
    grain = torch.randn(n, 3, h, w, device=x.device)
    common = torch.rand(n, 1, 1, 1, device=x.device) < 0.5
    return x + scale * torch.where(common, grain[:, :1], grain)


def _dropout(x: Picture, config: AugmentConfig) -> Picture:
    """Black pixels; for half of the samples in all channels at once."""
    n, _, h, w = x.shape
    share = 0.01 + torch.rand(n, 1, 1, 1, device=x.device) * (config.dropout - 0.01)
    draw = torch.rand(n, 3, h, w, device=x.device)
    common = torch.rand(n, 1, 1, 1, device=x.device) < 0.5
    return x * (torch.where(common, draw[:, :1], draw) >= share)


def _blur(x: Picture, config: AugmentConfig) -> Picture:  # noqa: ARG001  one shape for all changes
    """Gaussian of standard deviation 0 to 1, cut at two pixels."""
    sigma = torch.rand(len(x), 1, device=x.device).clamp(min=1e-3)
    at = torch.arange(-2, 3, device=x.device, dtype=x.dtype)
    weight = torch.exp(-(at**2) / (2 * sigma**2))
    weight = (weight / weight.sum(dim=1, keepdim=True)).repeat_interleave(3, dim=0)
    n, _, h, w = x.shape
    flat = functional.pad(x, (2, 2, 2, 2), mode="replicate").view(1, 3 * n, h + 4, w + 4)
    flat = functional.conv2d(flat, weight[:, None, :, None], groups=3 * n)
    return functional.conv2d(flat, weight[:, None, None, :], groups=3 * n).view(n, 3, h, w)


def _elastic(x: Picture, config: AugmentConfig) -> Picture:
    """Every pixel from a place nearby, each its own (Simard et al., "Best practices", 2003).

    The published blur of the ways, a quarter of a pixel, would change them by less than a
    thousandth, and is left out. What lies outside is the edge.
    """
    n, _, h, w = x.shape
    share = LEAST_ELASTIC + torch.rand(n, 1, 1, 1, device=x.device) * (1.0 - LEAST_ELASTIC)
    way = (torch.rand(n, h, w, 2, device=x.device) * 2.0 - 1.0) * (share * config.elastic)
    rows = torch.arange(h, device=x.device, dtype=x.dtype)[:, None].expand(h, w)
    cols = torch.arange(w, device=x.device, dtype=x.dtype).expand(h, w)
    at = torch.stack([cols, rows], dim=-1) + way
    unit = (2.0 * at + 1.0) / torch.tensor([w, h], device=x.device, dtype=x.dtype) - 1.0
    return functional.grid_sample(x, unit, padding_mode="border", align_corners=False)
