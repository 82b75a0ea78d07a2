"""What a TransFuser v6 network is made of, as one frozen value; presets at the end.

Sizes are (height, width) or (rows, columns). Numbers of the official presets follow
kesai-labs/lead 4489176, `lead/training/config_training.py`, with the planner width 256 of the
published checkpoints.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from symdrive.model.compat import OFFICIAL_NETWORK, Compat

Size = tuple[int, int]
TargetPoint = Literal["previous", "current", "next"]

SEMANTIC_CLASSES = (
    "unlabeled",
    "vehicle",
    "road",
    "traffic_light",
    "pedestrian",
    "road_line",
    "obstacle",
    "special_vehicle",
    "stop_sign",
    "biker",
)
"""Classes of the semantic picture."""

BEV_CLASSES = (
    "unlabeled",
    "road",
    "lane_marking",
    "stop_sign",
    "vehicle",
    "walker",
    "obstacle",
    "parked_vehicle",
    "special_vehicle",
    "biker",
    "green_light",
    "red_light",
    "red_light_overhead",
)
"""Classes of the bird's-eye view."""

BOX_CLASSES = (
    "vehicle",
    "walker",
    "red_light",
    "stop_sign",
    "special_vehicle",
    "obstacle",
    "parked_vehicle",
    "biker",
)
"""Classes of detected boxes."""

IGNORE = 255
"""Label of pixels that no loss looks at."""

NAVSIM_BEV_CLASSES = (
    "unlabeled",
    "road",
    "walkway",
    "centreline",
    "static",
    "vehicle",
    "pedestrian",
)
"""Classes of the bird's-eye view in NAVSIM."""

NAVSIM_BOX_CLASSES = ("vehicle",)
"""Classes of detected boxes in NAVSIM."""

PLAIN = "nano"
"""Name of the plain built-in encoder; every other name is a timm model."""


@dataclass(frozen=True)
class BevGrid:
    """Extent and resolution of the bird's-eye view, ego frame.

    Row 0 is the leftmost strip (y_max), column 0 the rearmost (x_min).

    Attributes:
        x_min: m.
        x_max: m.
        y_min: m.
        y_max: m.
        px_per_m: pixels per metre.
    """

    x_min: float = -32.0
    x_max: float = 64.0
    y_min: float = -40.0
    y_max: float = 40.0
    px_per_m: float = 4.0

    def __post_init__(self) -> None:
        """A grid has an inside and whole pixels."""
        if not (self.x_min < self.x_max and self.y_min < self.y_max and self.px_per_m > 0):
            raise ValueError(f"empty bird's-eye view: {self}")
        rows = (self.y_max - self.y_min) * self.px_per_m
        cols = (self.x_max - self.x_min) * self.px_per_m
        if abs(rows - round(rows)) > 1e-6 or abs(cols - round(cols)) > 1e-6:
            raise ValueError(f"{rows} x {cols} pixels are not whole; change a range or px_per_m")

    @property
    def size(self) -> Size:
        """Rows and columns."""
        return (
            round((self.y_max - self.y_min) * self.px_per_m),
            round((self.x_max - self.x_min) * self.px_per_m),
        )


@dataclass(frozen=True)
class PlainNet:
    """The built-in encoder: a stem and four stages of plain residual blocks.

    Attributes:
        stem_width: channels after the stem convolution.
        widths: channels of the four stages.
        strides: of the stem and of the four stages.
        blocks: residual blocks of each stage after its entry convolution.
    """

    stem_width: int
    widths: tuple[int, int, int, int]
    strides: tuple[int, int, int, int, int]
    blocks: tuple[int, int, int, int]

    def __post_init__(self) -> None:
        """Four stages, one stride each and one for the stem."""
        if (len(self.widths), len(self.strides), len(self.blocks)) != (4, 5, 4):
            raise ValueError(f"four widths, five strides and four block counts, not {self}")
        if min(self.stem_width, *self.widths, *self.strides) < 1:
            raise ValueError(f"widths and strides are at least 1: {self}")


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term; the total is the weighted mean of the terms that are on."""

    semantic: float = 1.0
    depth: float = 1e-5
    bev_semantic: float = 1.0
    heatmap: float = 1.0
    wh: float = 1.0
    offset: float = 1.0
    yaw_class: float = 1.0
    yaw_residual: float = 1.0
    velocity: float = 1.0
    waypoints: float = 1.0
    route: float = 1.0
    target_speed: float = 1.0
    radar: float = 1.0

    def __post_init__(self) -> None:
        """Weights pull, they do not push."""
        if min(vars(self).values()) < 0:
            raise ValueError(f"loss weights are zero or more: {self}")


@dataclass(frozen=True)
class RadarConfig:
    """The radar detector: which of the points are moving objects.

    Attributes:
        queries: objects that it may find.
        sensors: radars on the car.
        points: of each sensor that are looked at.
        width: of its tokens.
        layers: decoder layers.
        heads: attention heads.
        hidden: feed-forward width of the decoder.
        tokenizer_hidden: hidden width of the network that makes tokens of points.
        state_hidden: hidden width of the network that makes states of queries.
    """

    queries: int = 20
    sensors: int = 4
    points: int = 75
    width: int = 256
    layers: int = 4
    heads: int = 8
    hidden: int = 1024
    tokenizer_hidden: int = 1024
    state_hidden: int = 1024

    def __post_init__(self) -> None:
        """Everything is there at least once."""
        if min(vars(self).values()) < 1:
            raise ValueError(f"radar sizes are at least 1: {self}")


@dataclass(frozen=True)
class LabelSpace:
    """Heads for the labels of one more dataset, on the shared features.

    Attributes:
        name: of the dataset.
        num_bev_classes: of its bird's-eye view; 0 for no such head.
        num_box_classes: of its boxes; 0 for no such head.
    """

    name: str
    num_bev_classes: int
    num_box_classes: int


NAVSIM_SPACE = LabelSpace("navsim", len(NAVSIM_BEV_CLASSES), len(NAVSIM_BOX_CLASSES))


@dataclass(frozen=True)
class ModelConfig:
    """A TransFuser v6 network.

    Attributes:
        image_backbone: timm `features_only` name of a net with four stages, or `nano`.
        lidar_backbone: the same for the raster.
        image_net: layers of the image encoder where it is `nano`.
        lidar_net: layers of the raster encoder where it is `nano`.
        image_size: stitched picture.
        bev: geometry of the raster.
        lidar_channels: height slices of the raster.
        lidar_clip: count that reads as 1.0.
        fusion_stages: stages (0 to 3) after which the branches are fused.
        fusion_layers: transformer blocks of each fusion.
        fusion_heads: attention heads of each fusion.
        fusion_image: token grid of the picture.
        fusion_lidar: token grid of the raster.
        bev_channels: width of the bird's-eye view features.
        bev_stride: raster pixels per bird's-eye view feature cell.
        perspective_full: full-resolution semantic and depth decoders as published; without it one
            small convolution head whose logits are scaled up by the loss.
        perspective_scales: how much the full decoders enlarge between their three parts. (8, 4)
            ends at full resolution; (8, 1) has the same parameters, stays at a quarter of it, and
            leaves it to the loss to scale the logits up, which saves a fifth of the work.
        perspective_stage: image stage (0 to 3) that the semantic and depth heads read.
        perspective_width: hidden channels of the small head.
        box_width: hidden channels of each box head.
        box_kernel: size of its first convolution.
        box_min_radius: least radius of a heat spot, cells.
        planner_width: token width.
        planner_layers: decoder layers.
        planner_heads: attention heads.
        planner_hidden: feed-forward width.
        planner_image_tokens: hand the planner the image tokens besides the raster's.
        planner_state_queries: also add speed, command and target points to every query; off in
            the published networks, and not known to the gru planner.
        planner: `queries` (TransFuser v6), or `gru` (TransFuser v5), which reads speed and command
            and begins two recurrent nets with the current target point.
        gru_width: of the recurrent nets.
        radar: the radar detector; None for none.
        radar_queries: radar tokens that the planner reads: all of the detector's, or 0 for none.
        latent: two coordinate channels in place of the LiDAR raster (latent TransFuser).
        num_cameras: pictures side by side; with fewer than three, labels of the bird's-eye view
            outside of their field of view do not count.
        speed_token: hand the planner the speed.
        acceleration_token: hand the planner the acceleration.
        acceleration_scale: acceleration that reads as 1.0, m/s2.
        command_token: hand the planner the navigation command.
        target_point_tokens: target points that the planner is handed, in this order.
        headings: predict a heading at each waypoint.
        num_waypoints: future positions at 4 Hz.
        num_route_points: path points, 1 m apart; 0 for none.
        target_speeds: speeds of the speed classes, m/s; empty for no target speed.
        speed_scale: speed that reads as 1.0, m/s.
        target_point_scale: x and y of a target point that read as 1.0, m.
        num_commands: navigation commands.
        label_space: dataset whose classes the following numbers are.
        num_semantic_classes: of the picture; 0 for no such head.
        depth: whether there is a depth head.
        num_bev_classes: of the bird's-eye view; 0 for no such head.
        num_box_classes: of the boxes; 0 for no such head.
        other_spaces: heads for further datasets.
        num_yaw_bins: heading classes of the boxes.
        dropout: in every transformer.
        loss_weights: of the training loss.
        compat: what official weights were trained with.
        frame: axes of every vector; y is left in `iso8855`.
    """

    image_backbone: str = "resnet34"
    lidar_backbone: str = "resnet34"
    image_net: PlainNet | None = None
    lidar_net: PlainNet | None = None
    image_size: Size = (384, 1152)
    bev: BevGrid = field(default_factory=BevGrid)
    lidar_channels: int = 1
    lidar_clip: int = 5
    fusion_stages: tuple[int, ...] = (0, 1, 2, 3)
    fusion_layers: int = 2
    fusion_heads: int = 4
    fusion_image: Size = (12, 36)
    fusion_lidar: Size = (10, 12)
    bev_channels: int = 64
    bev_stride: int = 4
    perspective_full: bool = True
    perspective_scales: tuple[int, int] = (8, 4)
    perspective_stage: int = 3
    perspective_width: int = 64
    box_width: int = 64
    box_kernel: int = 3
    box_min_radius: int = 2
    planner_width: int = 256
    planner_layers: int = 6
    planner_heads: int = 8
    planner_hidden: int = 2048
    planner_image_tokens: bool = False
    planner_state_queries: bool = False
    planner: Literal["queries", "gru"] = "queries"
    gru_width: int = 64
    radar: RadarConfig | None = None
    radar_queries: int = 0
    latent: bool = False
    num_cameras: int = 3
    speed_token: bool = True
    acceleration_token: bool = False
    acceleration_scale: float = 10.0
    command_token: bool = True
    target_point_tokens: tuple[TargetPoint, ...] = ("current", "previous", "next")
    headings: bool = False
    num_waypoints: int = 8
    num_route_points: int = 10
    target_speeds: tuple[float, ...] = (0.0, 4.0, 8.0, 10.0, 50 / 3.6, 16.0, 64 / 3.6, 20.0)
    speed_scale: float = 25.0
    target_point_scale: tuple[float, float] = (200.0, 50.0)
    num_commands: int = 6
    label_space: str = "carla"
    num_semantic_classes: int = len(SEMANTIC_CLASSES)
    depth: bool = True
    num_bev_classes: int = len(BEV_CLASSES)
    num_box_classes: int = len(BOX_CLASSES)
    other_spaces: tuple[LabelSpace, ...] = ()
    num_yaw_bins: int = 12
    dropout: float = 0.1
    loss_weights: LossWeights = field(default_factory=LossWeights)
    compat: Compat = field(default_factory=Compat)
    frame: str = "iso8855"

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("image", "lidar"):
            plain = getattr(self, f"{name}_backbone") == PLAIN
            if plain != (getattr(self, f"{name}_net") is not None):
                raise ValueError(f"{name}_net is given if and only if {name}_backbone is {PLAIN!r}")
        if not set(self.fusion_stages) <= {0, 1, 2, 3} or self.perspective_stage not in range(4):
            raise ValueError("fusion_stages and perspective_stage lie in 0 to 3")
        if self.perspective_full and self.perspective_stage != 3:
            raise ValueError("the full decoders read the last stage: perspective_stage is 3")
        if any(side % self.bev_stride for side in self.bev.size):
            raise ValueError(f"bev_stride {self.bev_stride} must divide {self.bev.size}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout is {self.dropout}; in [0, 1)")
        if self.frame != "iso8855":
            raise ValueError(f"frame is {self.frame!r}; only 'iso8855' (y left) is known")
        self._check_planner()

    def _check_planner(self) -> None:
        """Refuse a planner that cannot be built."""
        if self.planner_width % (4 * self.planner_heads):
            raise ValueError(
                f"planner_width {self.planner_width} must be a multiple of four times"
                f" planner_heads {self.planner_heads}"
            )
        speeds = self.target_speeds
        if speeds and (list(speeds) != sorted(set(speeds)) or speeds[0]):
            raise ValueError(f"target_speeds rise from 0: {speeds}")
        found = 0 if self.radar is None else self.radar.queries
        if self.radar_queries not in (0, found):
            raise ValueError(
                f"the planner reads {self.radar_queries} radar tokens, the detector makes {found}"
            )
        if len(set(self.target_point_tokens)) != len(self.target_point_tokens):
            raise ValueError(f"a target point is named twice: {self.target_point_tokens}")
        if self.planner == "gru" and not (self.num_route_points and speeds):
            raise ValueError("the gru planner predicts route, waypoints and speed, all three")
        if not self.num_status_tokens:
            raise ValueError("the planner reads nothing of the car's state; switch one token on")

    @property
    def bev_feature_size(self) -> Size:
        """Rows and columns of the bird's-eye view features and of the box maps."""
        rows, cols = self.bev.size
        return rows // self.bev_stride, cols // self.bev_stride

    @property
    def cell_m(self) -> float:
        """Side of a bird's-eye view feature cell."""
        return self.bev_stride / self.bev.px_per_m

    @property
    def num_status_tokens(self) -> int:
        """Speed, acceleration, command, target points, radar; the gru planner has fewer."""
        few = self.speed_token + self.command_token
        if self.planner == "gru":
            return few
        return few + self.acceleration_token + len(self.target_point_tokens) + self.radar_queries


OFFICIAL_RESNET34 = ModelConfig(radar=RadarConfig(), radar_queries=20, compat=OFFICIAL_NETWORK)
OFFICIAL_REGNETY032 = replace(
    OFFICIAL_RESNET34, image_backbone="regnety_032", lidar_backbone="regnety_032"
)
OFFICIAL_LTF_NAVSIM = ModelConfig(
    image_size=(270, 1920),
    bev=BevGrid(-32.0, 32.0, -32.0, 32.0),
    fusion_image=(8, 60),
    fusion_lidar=(8, 8),
    latent=True,
    num_cameras=4,
    acceleration_token=True,
    acceleration_scale=4.0,
    target_point_tokens=(),
    headings=True,
    num_route_points=0,
    target_speeds=(),
    speed_scale=15.0,
    num_commands=4,
    label_space="navsim",
    num_semantic_classes=0,
    depth=False,
    num_bev_classes=len(NAVSIM_BEV_CLASSES),
    num_box_classes=len(NAVSIM_BOX_CLASSES),
    loss_weights=LossWeights(velocity=0.0),
    compat=OFFICIAL_NETWORK,
)
"""The latent network for NAVSIM's four cameras."""

LEAD_RESNET34 = ModelConfig(perspective_scales=(8, 1))
"""The ResNet-34 network for rigs without radar, without the official faults."""

LEAD_RESNET34_RADAR = replace(LEAD_RESNET34, radar=RadarConfig(), radar_queries=20)
"""The same with the radar detector, as published."""

LEAD_REGNETY032 = replace(LEAD_RESNET34, image_backbone="regnety_032", lidar_backbone="regnety_032")

NANO = ModelConfig(
    image_backbone=PLAIN,
    lidar_backbone=PLAIN,
    image_net=PlainNet(16, (24, 32, 64, 128), (2, 2, 2, 2, 2), (0, 1, 1, 1)),
    lidar_net=PlainNet(16, (24, 32, 64, 128), (1, 2, 2, 2, 1), (0, 1, 1, 0)),
    image_size=(64, 448),
    bev=BevGrid(-16.0, 48.0, -32.0, 32.0, 1.0),
    lidar_channels=4,
    fusion_stages=(2, 3),
    fusion_layers=1,
    fusion_image=(2, 14),
    fusion_lidar=(8, 8),
    bev_channels=24,
    bev_stride=2,
    perspective_full=False,
    perspective_stage=1,
    perspective_width=16,
    box_width=24,
    box_kernel=1,
    box_min_radius=1,
    planner_width=128,
    planner_layers=2,
    planner_heads=4,
    planner_hidden=256,
    planner_image_tokens=True,
    planner_state_queries=True,
    radar_queries=0,
    target_point_scale=(50.0, 25.0),
    speed_scale=10.0,
    dropout=0.0,
    loss_weights=LossWeights(depth=0.01, waypoints=2.0, route=4.0, target_speed=4.0),
)
"""A student for two CPU cores: small pictures, 1 m raster cells."""
