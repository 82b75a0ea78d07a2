"""Two encoders that exchange what they see after each stage (TransFuser).

Layer order and names follow kesai-labs/lead 4489176, `transfuser_backbone.py`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from symdrive.model.config import ModelConfig, Size
from symdrive.model.encoders import make_encoder
from symdrive.model.resize import bilinear

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)
"""ImageNet statistics of RGB in [0, 1]."""


class Attention(nn.Module):
    """Self-attention with separate projections."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)
        self.heads, self.dropout = heads, dropout

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t c"]:
        """Every token looks at every token."""
        b, t, c = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(b, t, self.heads, c // self.heads).transpose(1, 2)

        y = functional.scaled_dot_product_attention(
            split(self.query(x)),
            split(self.key(x)),
            split(self.value(x)),
            dropout_p=self.dropout if self.training else 0.0,
        )
        y = self.proj(y.transpose(1, 2).reshape(b, t, c))
        return functional.dropout(y, self.dropout, self.training)


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(width)
        self.ln2 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t c"]:
        """Attention, then the pointwise network, both added."""
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Fusion(nn.Module):
    """Image and raster tokens through a small transformer, and back to their grids."""

    def __init__(self, width: int, config: ModelConfig) -> None:
        super().__init__()
        self.image_grid, self.lidar_grid = config.fusion_image, config.fusion_lidar
        tokens = _cells(self.image_grid) + _cells(self.lidar_grid)
        self.pos_emb = nn.Parameter(torch.zeros(1, tokens, width))
        self.dropout = config.dropout
        self.blocks = nn.Sequential(
            *(
                Block(width, config.fusion_heads, config.dropout)
                for _ in range(config.fusion_layers)
            )
        )
        self.ln_f = nn.LayerNorm(width)
        self.apply(_small_linear)

    def forward(
        self, image: Float[Tensor, "b c ih iw"], lidar: Float[Tensor, "b c lh lw"]
    ) -> tuple[Float[Tensor, "b c ih iw"], Float[Tensor, "b c lh lw"]]:
        """Pooled maps of both branches, of one width."""
        b, c = image.shape[:2]
        x = torch.cat([image.flatten(2), lidar.flatten(2)], dim=2).transpose(1, 2)
        x = functional.dropout(x + self.pos_emb, self.dropout, self.training)
        x = self.ln_f(self.blocks(x)).transpose(1, 2)
        cut = _cells(self.image_grid)
        return (
            x[:, :, :cut].reshape(b, c, *self.image_grid),
            x[:, :, cut:].reshape(b, c, *self.lidar_grid),
        )


class Backbone(nn.Module):
    """Picture and raster to fused maps, and the top-down path to fine bird's-eye view features."""

    def __init__(self, config: ModelConfig, *, pretrained: bool) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = make_encoder(
            config.image_backbone, config.image_net, 3, pretrained=pretrained
        )
        channels = 2 if config.latent else config.lidar_channels
        self.lidar_encoder = make_encoder(config.lidar_backbone, config.lidar_net, channels)
        pairs = list(zip(self.image_encoder.widths, self.lidar_encoder.widths, strict=True))
        stages = {str(i): pairs[i] for i in config.fusion_stages}
        self.lidar_channel_to_img = nn.ModuleDict(
            {i: nn.Conv2d(lidar, image, 1) for i, (image, lidar) in stages.items()}
        )
        self.img_channel_to_lidar = nn.ModuleDict(
            {i: nn.Conv2d(image, lidar, 1) for i, (image, lidar) in stages.items()}
        )
        self.transformers = nn.ModuleDict(
            {i: Fusion(image, config) for i, (image, _) in stages.items()}
        )
        width = config.bev_channels
        self.c5_conv = nn.Conv2d(self.lidar_encoder.widths[3], width, 1)
        self.up_conv5 = nn.Conv2d(width, width, 3, padding=1)
        self.up_conv4 = nn.Conv2d(width, width, 3, padding=1)
        mean = torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1) * 255.0
        scale = 1.0 / (torch.tensor(IMAGE_STD).view(1, 3, 1, 1) * 255.0)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", -mean * scale, persistent=False)
        self.scale: Tensor
        self.shift: Tensor
        if config.latent:
            self.register_buffer("ramps", coordinate_ramps(config.bev.size), persistent=False)
            self.ramps: Tensor

    def forward(
        self, image: Float[Tensor, "b 3 h w"], lidar: Float[Tensor, "b slice rows cols"]
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], Float[Tensor, "b c2 h2 w2"]]:
        """Picture in [0, 255] and counts to the image map of each stage and the last raster map.

        The latent network reads coordinates in place of the counts.
        """
        x = torch.addcmul(self.shift, image, self.scale)
        y = lidar / self.config.lidar_clip
        if self.config.latent:
            y = self.ramps.to(x.dtype).expand(len(x), -1, -1, -1)
        maps: list[Tensor] = []
        for i in range(4):
            x, y = self.image_encoder.stage(i, x), self.lidar_encoder.stage(i, y)
            if i in self.config.fusion_stages:
                x, y = self._fuse(str(i), x, y)
            maps.append(x)
        return maps, y

    def _fuse(self, stage: str, image: Tensor, lidar: Tensor) -> tuple[Tensor, Tensor]:
        """Add to both branches what the transformer makes of their pooled maps."""
        pooled_image = functional.adaptive_avg_pool2d(image, self.config.fusion_image)
        pooled_lidar = functional.adaptive_avg_pool2d(lidar, self.config.fusion_lidar)
        to_image, to_lidar = self.transformers[stage](
            pooled_image, self.lidar_channel_to_img[stage](pooled_lidar)
        )
        to_lidar = self.img_channel_to_lidar[stage](to_lidar)
        return image + bilinear(to_image, _size(image)), lidar + bilinear(to_lidar, _size(lidar))

    def top_down(self, lidar: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Last raster map to the bird's-eye view features, `bev_feature_size`."""
        x = torch.relu(self.c5_conv(lidar))
        x = bilinear(x, (2 * x.shape[2], 2 * x.shape[3]))
        x = torch.relu(self.up_conv5(x))
        x = bilinear(x, self.config.bev_feature_size)
        return torch.relu(self.up_conv4(x))


def coordinate_ramps(size: Size) -> Float[Tensor, "1 2 rows cols"]:
    """Row and column of each cell, from 0 to 1."""
    rows, cols = (torch.linspace(0.0, 1.0, side) for side in size)
    return torch.stack(torch.meshgrid(rows, cols, indexing="ij"))[None]


def _size(x: Tensor) -> Size:
    """Height and width of a map."""
    return x.shape[2], x.shape[3]


def _cells(grid: Size) -> int:
    """Tokens of a grid."""
    return grid[0] * grid[1]


def _small_linear(module: nn.Module) -> None:
    """Linear weights from N(0, 0.02), biases zero."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
