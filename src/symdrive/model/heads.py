"""Perception heads: semantic and depth pictures, bird's-eye view, CenterNet boxes.

Layers and names of the full-resolution heads follow kesai-labs/lead 4489176,
`perspective_decoder.py`, `bev_decoder.py` and `center_net_decoder.py`.
"""

import math

from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.config import LabelSpace, ModelConfig, Size
from symdrive.model.resize import bilinear
from symdrive.model.tensors import BoxMaps, SpaceMaps

RARE = -math.log(99.0)
"""Logit of 1 %: at the start a heat map says that boxes are rare."""


STRIDE = 32
"""Of the last image map."""


class FullPerspectiveHead(nn.Module):
    """Last image map to full or reduced resolution in three steps of convolutions."""

    def __init__(self, config: ModelConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.scales = config.perspective_scales
        self.size = config.image_size if math.prod(self.scales) == STRIDE else None
        self.deconv1 = _pair(in_channels, 128, 64)
        self.deconv2 = _pair(64, 32, 32)
        self.deconv3 = _pair(32, 32, out_channels, last=True)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Map of stride 32 to a picture; at full resolution exactly of the size of the input."""
        x = _scale(self.deconv1(x), self.scales[0])
        x = _scale(self.deconv2(x), self.scales[1])
        x = self.deconv3(x)
        return x if self.size is None else bilinear(x, self.size)


class SmallPerspectiveHead(nn.Sequential):
    """One hidden convolution; the loss scales the logits up."""

    def __init__(self, in_channels: int, width: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, out_channels, 1),
        )


def perspective_head(config: ModelConfig, in_channels: int, out_channels: int) -> nn.Module:
    """The semantic or depth head that the config asks for."""
    if config.perspective_full:
        return FullPerspectiveHead(config, in_channels, out_channels)
    return SmallPerspectiveHead(in_channels, config.perspective_width, out_channels)


class BevSemanticHead(nn.Module):
    """Class of each raster cell."""

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        width = config.bev_channels
        self.net = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, num_classes, 1, bias=False),
        )
        self.size: Size = config.bev.size

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k rows cols"]:
        """Features to logits at raster resolution."""
        return bilinear(self.net(x), self.size)


class CenterNetHead(nn.Module):
    """Boxes as heat spots with regressions beside them (Zhou et al., "Objects as Points")."""

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        self.compat = config.compat
        self.heatmap_head = _box_head(config, num_classes)
        self.wh_head = _box_head(config, 2)
        self.offset_head = _box_head(config, 2)
        self.yaw_class_head = _box_head(config, config.num_yaw_bins)
        self.yaw_res_head = _box_head(config, 1)
        self.velocity_head = _box_head(config, 1)
        last = self.heatmap_head[-1]
        if isinstance(last, nn.Conv2d) and last.bias is not None:
            nn.init.constant_(last.bias, RARE)

    def forward(self, x: Float[Tensor, "b c rows cols"]) -> BoxMaps:
        """Features to maps."""
        yaw_class, yaw_residual = self.yaw_class_head(x), self.yaw_res_head(x)
        if self.compat.y_right:
            yaw_class, yaw_residual = mirror_yaw(yaw_class, yaw_residual)
        return BoxMaps(
            self.heatmap_head(x),
            self.wh_head(x),
            self.offset_head(x),
            yaw_class,
            yaw_residual,
            self.velocity_head(x),
        )


def mirror_yaw(yaw_class: Tensor, yaw_residual: Tensor) -> tuple[Tensor, Tensor]:
    """Heading maps with the other turning sense: bin k becomes bin -k; its own inverse."""
    return yaw_class.flip(1).roll(1, 1), -yaw_residual


class SpaceHeads(nn.Module):
    """Heads of one more label space on the same features."""

    def __init__(self, config: ModelConfig, space: LabelSpace) -> None:
        super().__init__()
        bev, boxes = space.num_bev_classes, space.num_box_classes
        self.bev_semantic_decoder = BevSemanticHead(config, bev) if bev else None
        self.center_net_decoder = CenterNetHead(config, boxes) if boxes else None

    def forward(self, x: Float[Tensor, "b c rows cols"]) -> SpaceMaps:
        """Bird's-eye view features to what this dataset's labels say."""
        bev, boxes = self.bev_semantic_decoder, self.center_net_decoder
        return SpaceMaps(None if bev is None else bev(x), None if boxes is None else boxes(x))


def _box_head(config: ModelConfig, out_channels: int) -> nn.Sequential:
    """One hidden convolution and a pointwise output."""
    kernel = config.box_kernel
    return nn.Sequential(
        nn.Conv2d(config.bev_channels, config.box_width, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.Conv2d(config.box_width, out_channels, 1),
    )


def _pair(a: int, b: int, c: int, *, last: bool = False) -> nn.Sequential:
    """Two 3x3 convolutions; the last pair of a head ends without ReLU."""
    layers: list[nn.Module] = [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
    layers.append(nn.Conv2d(b, c, 3, padding=1))
    return nn.Sequential(*layers) if last else nn.Sequential(*layers, nn.ReLU())


def _scale(x: Tensor, factor: int) -> Tensor:
    """Bilinear enlargement."""
    return bilinear(x, (factor * x.shape[2], factor * x.shape[3]))
