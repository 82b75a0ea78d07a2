"""TransFuser v6: backbone, heads and planner put together."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.backbone import Backbone
from symdrive.model.config import ModelConfig
from symdrive.model.heads import BevSemanticHead, CenterNetHead, perspective_head
from symdrive.model.planner import Planner
from symdrive.model.tensors import Inputs, PlanOutput, Predictions, RadarTokens


class TransFuser(nn.Module):
    """The network; names of its parameters are those of the official checkpoints.

    Args:
        config: what it is made of.
        planner: False for the perception stage, which has no planner (as in the official
            pre-training checkpoints).
        pretrained: start the image encoder from timm's published weights.
    """

    def __init__(
        self, config: ModelConfig, *, planner: bool = True, pretrained: bool = False
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config, pretrained=pretrained)
        image, lidar = self.backbone.image_encoder.widths, self.backbone.lidar_encoder.widths
        read = image[config.perspective_stage]
        self.semantic_decoder = perspective_head(config, read, config.num_semantic_classes)
        self.depth_decoder = perspective_head(config, read, 1)
        self.bev_semantic_decoder = BevSemanticHead(config)
        self.center_net_decoder = CenterNetHead(config)
        self.planning_decoder = Planner(config, image[3], lidar[3]) if planner else None

    def forward(self, inputs: Inputs, radar: RadarTokens | None = None) -> Predictions:
        """Everything: for training, labels and pictures of what it sees."""
        maps, lidar = self._scene(inputs)
        bev = self.backbone.top_down(lidar)
        read = maps[self.config.perspective_stage]
        return Predictions(
            self.semantic_decoder(read),
            self.depth_decoder(read)[:, 0],
            self.bev_semantic_decoder(bev),
            self.center_net_decoder(bev),
            None
            if self.planning_decoder is None
            else self.planning_decoder(maps[3], lidar, inputs, radar),
        )

    def drive(self, inputs: Inputs, radar: RadarTokens | None = None) -> tuple[PlanOutput, Tensor]:
        """The plan and the bird's-eye view features (for boxes on demand); skips other heads.

        Raises:
            RuntimeError: for a network of the perception stage.
        """
        if self.planning_decoder is None:
            raise RuntimeError("a network of the perception stage has no planner")
        maps, lidar = self._scene(inputs)
        plan = self.planning_decoder(maps[3], lidar, inputs, radar)
        return plan, self.backbone.top_down(lidar)

    def _scene(
        self, inputs: Inputs
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], Float[Tensor, "b c h w"]]:
        """Image map of each stage and the last raster map."""
        dtype = self.backbone.c5_conv.weight.dtype
        image, lidar = inputs.image.to(dtype), inputs.lidar.to(dtype)
        if self.backbone.c5_conv.weight.is_contiguous(memory_format=torch.channels_last):
            image = image.contiguous(memory_format=torch.channels_last)
            lidar = lidar.contiguous(memory_format=torch.channels_last)
        return self.backbone(image, lidar)


def use_channels_last(network: nn.Module) -> None:
    """Lay out convolution weights as convolutions on CPUs and tensor cores like them."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def expected_speed(
    logits: Float[Tensor, "b speed"], target_speeds: tuple[float, ...], stop_above: float = 0.9
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Target speed, m/s, and the probability of the stop class.

    The speed is the expectation, or 0 where the stop class is surer than `stop_above` (source:
    kesai-labs/lead 4489176, `open_loop_inference.py`).
    """
    share = logits.softmax(dim=-1)
    speed = share @ share.new_tensor(target_speeds)
    return torch.where(share[:, 0] > stop_above, torch.zeros_like(speed), speed), share[:, 0]
