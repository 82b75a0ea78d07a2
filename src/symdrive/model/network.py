"""TransFuser v6: backbone, heads and planner put together."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.backbone import Backbone
from symdrive.model.config import ModelConfig
from symdrive.model.heads import BevSemanticHead, CenterNetHead, SpaceHeads, perspective_head
from symdrive.model.planner import make_planner
from symdrive.model.radar import RadarDetector
from symdrive.model.tensors import Inputs, PlanOutput, Predictions, RadarObjects


class TransFuser(nn.Module):
    """The network; `symdrive.model.official` maps names of official checkpoints to its own.

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
        self.channels_last = False
        self.backbone = Backbone(config, pretrained=pretrained)
        image, lidar = self.backbone.image_encoder.widths, self.backbone.lidar_encoder.widths
        read, semantic = image[config.perspective_stage], config.num_semantic_classes
        self.semantic_decoder = perspective_head(config, read, semantic) if semantic else None
        self.depth_decoder = perspective_head(config, read, 1) if config.depth else None
        bev, boxes = config.num_bev_classes, config.num_box_classes
        self.bev_semantic_decoder = BevSemanticHead(config, bev) if bev else None
        self.center_net_decoder = CenterNetHead(config, boxes) if boxes else None
        self.other_heads = nn.ModuleDict(
            {space.name: SpaceHeads(config, space) for space in config.other_spaces}
        )
        self.radar_detector = None if config.radar is None else RadarDetector(config, lidar[3])
        self.planning_decoder = make_planner(config, image[3], lidar[3]) if planner else None

    def forward(self, inputs: Inputs) -> Predictions:
        """Everything: for training, labels and pictures of what it sees."""
        maps, lidar = self._scene(inputs)
        radar = self._radar(lidar, inputs)
        plan = None if self.planning_decoder is None else self._plan(maps[3], lidar, inputs, radar)
        bev, read = self.backbone.top_down(lidar), maps[self.config.perspective_stage]
        return Predictions(
            None if self.semantic_decoder is None else self.semantic_decoder(read),
            None if self.depth_decoder is None else self.depth_decoder(read)[:, 0],
            None if self.bev_semantic_decoder is None else self.bev_semantic_decoder(bev),
            None if self.center_net_decoder is None else self.center_net_decoder(bev),
            plan,
            radar,
            tuple(heads(bev) for heads in self.other_heads.values()),
        )

    def drive(self, inputs: Inputs) -> tuple[PlanOutput, Tensor]:
        """The plan and the bird's-eye view features (for boxes on demand); skips other heads.

        Raises:
            RuntimeError: for a network of the perception stage.
        """
        maps, lidar = self._scene(inputs)
        reads_radar = self.config.radar_queries > 0
        radar = self._radar(lidar, inputs) if reads_radar else None
        return self._plan(maps[3], lidar, inputs, radar), self.backbone.top_down(lidar)

    def _plan(
        self, image: Tensor, lidar: Tensor, inputs: Inputs, radar: RadarObjects | None
    ) -> PlanOutput:
        """What the planner makes of it."""
        if self.planning_decoder is None:
            raise RuntimeError("a network of the perception stage has no planner")
        return self.planning_decoder(image, lidar, inputs, radar)

    def _radar(self, lidar: Tensor, inputs: Inputs) -> RadarObjects | None:
        """Objects that the radar met, where there is a detector."""
        if self.radar_detector is None:
            return None
        if inputs.radar is None:
            raise ValueError(
                "this network has a radar detector and got no radar points; hand them in as"
                " Inputs.radar, or build it with radar=None"
            )
        return self.radar_detector(lidar, inputs.radar, inputs.speed)

    def _scene(
        self, inputs: Inputs
    ) -> tuple[list[Float[Tensor, "b _ _ _"]], Float[Tensor, "b c h w"]]:
        """Image map of each stage and the last raster map."""
        dtype = self.backbone.c5_conv.weight.dtype
        image, lidar = inputs.image.to(dtype), inputs.lidar.to(dtype)
        if self.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
            lidar = lidar.contiguous(memory_format=torch.channels_last)
        return self.backbone(image, lidar)


def use_channels_last(network: TransFuser) -> None:
    """Lay out weights and inputs as convolutions on CPUs and tensor cores like them."""
    network.channels_last = True
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
