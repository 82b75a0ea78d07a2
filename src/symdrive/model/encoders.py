"""Convolutional encoders with four stages: timm's by name, and the plain built-in one.

The only module that imports timm.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.config import PLAIN, PlainNet


def _declare_torchvision_operators() -> tuple[torch.library.Library, ...]:
    """Let a torchvision built for CUDA be imported beside a torch without CUDA.

    Such a torchvision registers shape functions for `nms` and `qnms`, which only its CUDA library
    would define; timm needs neither. Beside a fitting pair the operators exist already after
    torchvision's own import, so this is done for CPU builds of torch only.
    """
    if torch.version.cuda is not None:
        return ()
    try:
        importlib.import_module("torchvision")  # tried first: a fitting pair needs no help
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return ()
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define(
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"  # quantised twin
    )
    return (library,)


_OPERATORS = _declare_torchvision_operators()  # the declaration lives as long as the object

import timm  # noqa: E402  after the declaration it depends on


class Encoder(nn.ModuleDict):
    """Named modules run in order, cut into four stages; the stem belongs to the first.

    The names are those of the modules, without a prefix, so that state dicts of timm fit.

    Attributes:
        widths: channels after each stage.
    """

    def __init__(
        self, modules: dict[str, nn.Module], ends: tuple[str, ...], widths: tuple[int, ...]
    ) -> None:
        super().__init__(modules)
        cuts = [list(modules).index(end) + 1 for end in ends]
        names = list(modules)
        self.widths = widths
        self._stages = [names[a:b] for a, b in zip([0, *cuts[:-1]], cuts, strict=True)]

    def stage(self, index: int, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Run one stage."""
        for name in self._stages[index]:
            x = self[name](x)
        return x


def make_encoder(
    name: str, plain: PlainNet | None, in_channels: int, *, pretrained: bool = False
) -> Encoder:
    """An encoder by name.

    Args:
        name: `nano`, or a timm model that offers `features_only` with four stages.
        plain: layers of `nano`.
        in_channels: of the picture or raster.
        pretrained: start from timm's published weights (downloads them on first use).

    Raises:
        ValueError: for a timm model without four stages after an optional stem.
    """
    if name == PLAIN:
        if plain is None:
            raise ValueError(f"the {PLAIN!r} encoder needs its layers")
        return _plain(plain, in_channels)
    net: Any = timm.create_model(
        name, features_only=True, in_chans=in_channels, pretrained=pretrained
    )
    ends, widths = list(getattr(net, "return_layers", ())), net.feature_info.channels()
    channels_first = str(getattr(net, "output_fmt", "NCHW")).endswith("NCHW")
    if not isinstance(net, nn.ModuleDict) or len(ends) not in (4, 5) or not channels_first:
        raise ValueError(
            f"timm model {name!r} offers {len(ends)} feature maps as {type(net).__name__};"
            " choose one with four stages, such as resnet34 or regnety_032"
        )
    return Encoder(dict(net.items()), tuple(ends[-4:]), tuple(widths[-4:]))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Input plus what the convolutions add to it."""
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


def _plain(net: PlainNet, in_channels: int) -> Encoder:
    """The built-in encoder; plain nets beat mobile ones on CPUs."""
    widths, strides = (net.stem_width, *net.widths), net.strides
    modules: dict[str, nn.Module] = {"stem": _conv(in_channels, widths[0], strides[0])}
    for i, blocks in enumerate(net.blocks, start=1):
        entry = _conv(widths[i - 1], widths[i], strides[i])
        rest = (ResidualBlock(widths[i]) for _ in range(blocks))
        modules[f"s{i}"] = nn.Sequential(*_flatten(entry), *rest)
    return Encoder(modules, ("s1", "s2", "s3", "s4"), net.widths)


def _conv(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _flatten(block: nn.Sequential) -> Iterator[nn.Module]:
    """The layers of a sequential one by one."""
    yield from block
