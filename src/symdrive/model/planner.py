"""The planner: learned queries ask the scene and the car's state for route, waypoints and speed.

Layers, names and token order follow kesai-labs/lead 4489176, `planning_decoder.py`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.config import BevGrid, ModelConfig, Size, TargetPoint
from symdrive.model.tensors import Inputs, PlanOutput, RadarObjects

TEMPERATURE = 10000.0

TARGET_POINTS: tuple[TargetPoint, ...] = ("previous", "current", "next")
"""Rows of `Inputs.target_points`."""


def sine_grid(size: Size, width: int) -> Float[Tensor, "1 cell width"]:
    """Fixed 2-D sine embedding of a grid, rows first (Carion et al., DETR)."""
    rows, cols = size
    y = torch.arange(1, rows + 1, dtype=torch.float32) / (rows + 1e-6)
    x = torch.arange(1, cols + 1, dtype=torch.float32) / (cols + 1e-6)
    unit = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)  # (rows, cols, xy)
    return sine_points(unit.view(1, rows * cols, 2), width)


def sine_points(unit: Float[Tensor, "b n 2"], width: int) -> Float[Tensor, "b n width"]:
    """Sine embedding of x, y in [0, 1]: half the channels for y, then half for x."""
    half = width // 2
    step = torch.arange(half, dtype=torch.float32, device=unit.device)
    scale = 2 * math.pi / TEMPERATURE ** (2 * (step // 2) / half)
    angle = unit.flip(-1)[..., None] * scale  # (b, n, yx, half)
    waves = torch.stack([angle[..., 0::2].sin(), angle[..., 1::2].cos()], dim=-1)
    return waves.flatten(-3)


def unit_points(xy: Float[Tensor, "*n 2"], grid: BevGrid) -> Float[Tensor, "*n 2"]:
    """Points as shares of the grid, along columns and along rows, which run to the right."""
    along_cols = (xy[..., 0] - grid.x_min) / (grid.x_max - grid.x_min)
    along_rows = (grid.y_max - xy[..., 1]) / (grid.y_max - grid.y_min)
    return torch.stack([along_cols, along_rows], dim=-1)


def transformer(
    width: int, heads: int, hidden: int, layers: int, dropout: float
) -> nn.TransformerDecoder:
    """Post-norm decoder with ReLU.

    The official code asks for GELU as a module; `nn.TransformerDecoder` copies its layer, and the
    copy falls back to ReLU, so that ReLU is what official weights know.
    """
    layer = nn.TransformerDecoderLayer(
        width, heads, hidden, dropout, activation=nn.functional.relu, batch_first=True
    )
    return nn.TransformerDecoder(layer, layers, norm=nn.LayerNorm(width))


def query_decoder(config: ModelConfig) -> nn.TransformerDecoder:
    """The transformer in which the planner's queries look at the scene."""
    return transformer(
        config.planner_width,
        config.planner_heads,
        config.planner_hidden,
        config.planner_layers,
        config.dropout,
    )


class ContextEncoder(nn.Module):
    """Scene and state as tokens of one width."""

    def __init__(self, config: ModelConfig, image_width: int, lidar_width: int) -> None:
        super().__init__()
        width = config.planner_width
        self.config = config
        self.target_points = () if config.planner == "gru" else config.target_point_tokens
        if config.speed_token:
            self.velocity_encoder = nn.Sequential(nn.Linear(1, width))
        self.acceleration_encoder = None
        if config.acceleration_token and config.planner == "queries":
            self.acceleration_encoder = nn.Sequential(nn.Linear(1, width))
        if config.command_token:
            self.command_encoder = nn.Sequential(nn.Linear(config.num_commands, width))
        if self.target_points:
            self.tp_encoder = nn.Linear(2, width)
        self.dimension_adapter = nn.Conv2d(lidar_width, width, 1)
        if config.radar is not None and config.radar_queries and config.planner == "queries":
            self.radar_encoder = nn.Linear(config.radar.width, width)
        if config.planner_image_tokens:
            self.image_adapter = nn.Conv2d(image_width, width, 1)
            self.image_pos_embedding = nn.Parameter(
                torch.rand(1, config.fusion_image[0] * config.fusion_image[1], width)
            )
        self.status_pos_embedding = nn.Parameter(torch.rand(1, config.num_status_tokens, width))
        grid = sine_grid(config.fusion_lidar, width)
        self.register_buffer("bev_position", grid, persistent=False)
        self.bev_position: Tensor

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        lidar: Float[Tensor, "b c2 h2 w2"],
        inputs: Inputs,
        radar: RadarObjects | None,
    ) -> Float[Tensor, "b token width"]:
        """Raster tokens, then image tokens if they are on, then the state."""
        pooled = nn.functional.adaptive_avg_pool2d(lidar, self.config.fusion_lidar)
        scene = [_tokens(self.dimension_adapter(pooled)) + self.bev_position]
        if self.config.planner_image_tokens:
            small = nn.functional.adaptive_avg_pool2d(image, self.config.fusion_image)
            scene.append(_tokens(self.image_adapter(small)) + self.image_pos_embedding)
        state = torch.cat(self._state(inputs, radar), dim=1) + self.status_pos_embedding
        return torch.cat([*scene, state], dim=1)

    def _state(self, inputs: Inputs, radar: RadarObjects | None) -> list[Tensor]:
        """Speed, acceleration, command, target points, radar; those that are on."""
        config, tokens = self.config, []
        if config.speed_token:
            tokens.append(self.velocity_encoder(inputs.speed[:, None] / config.speed_scale))
        if self.acceleration_encoder is not None:
            if inputs.acceleration is None:
                raise ValueError("this network reads the acceleration: Inputs.acceleration is None")
            scaled = inputs.acceleration[:, None] / config.acceleration_scale
            tokens.append(self.acceleration_encoder(scaled))
        if config.command_token:
            one_hot = nn.functional.one_hot(inputs.command, config.num_commands)
            tokens.append(self.command_encoder(one_hot.to(inputs.speed.dtype)))
        tokens = [token[:, None] for token in tokens]
        if self.target_points:
            tokens.append(self._target_points(inputs.target_points))
        if radar is not None and hasattr(self, "radar_encoder"):
            tokens.append(self._radar(radar))
        return tokens

    def _target_points(self, points: Float[Tensor, "b 3 2"]) -> Float[Tensor, "b n width"]:
        """Those that are read, in the order of the config."""
        rows = [TARGET_POINTS.index(name) for name in self.target_points]
        scaled = points[:, rows] / points.new_tensor(self.config.target_point_scale)
        return self.tp_encoder(mirrored(scaled, self.config))

    def _radar(self, radar: RadarObjects) -> Float[Tensor, "b query width"]:
        """Radar features with the place they speak of."""
        place = sine_points(
            unit_points(radar.state[..., :2], self.config.bev), self.config.planner_width
        )
        return self.radar_encoder(radar.features) + place


_FINE_M = (1.0, 4.0, 16.0)
"""Sideways distances that half fill a fine feature."""


def fine_points(points: Float[Tensor, "b 3 2"]) -> Float[Tensor, "b 14"]:
    """Target points in numbers that half a metre to the side changes well.

    The way from the previous point to the current one, as seen from the car: where it passes (at
    three scales) and its direction (sine and cosine); and how far each point lies to the side.

    Args:
        points: previous, current, next; x y, m.
    """
    way = points[:, 1] - points[:, 0]
    length = way.norm(dim=1, keepdim=True).clamp(min=1.0)
    aside = way[:, :1] * points[:, :1, 1] - way[:, 1:] * points[:, :1, 0]
    sideways = torch.cat([aside / length, points[..., 1]], dim=1)
    scales = points.new_tensor(_FINE_M)
    return torch.cat([torch.tanh(sideways[..., None] / scales).flatten(1), way / length], dim=1)


class StateQuery(nn.Module):
    """Speed, command and target points as one vector that is added to every query.

    The published planner finds them as five tokens among many by attention alone, which takes it
    long to learn: a student of a few minutes drives past its target points. Nor does it learn in
    minutes what the target points say about its place in the lane, hence `fine_points`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.planner_width
        self.layers = nn.Sequential(
            nn.Linear(1 + config.num_commands + 6 + 14, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, inputs: Inputs) -> Float[Tensor, "b 1 width"]:
        """The vector, with an axis for the queries."""
        config = self.config
        speed = inputs.speed[:, None] / config.speed_scale
        command = nn.functional.one_hot(inputs.command, config.num_commands).to(speed.dtype)
        points = mirrored(inputs.target_points, config).to(speed.dtype)
        coarse = (points / speed.new_tensor(config.target_point_scale)).flatten(1)
        state = torch.cat([speed, command, coarse, fine_points(points)], dim=1)
        return self.layers(state)[:, None]


class Planner(nn.Module):
    """Transformer decoder with one query a route point, a waypoint, and one for the speed."""

    def __init__(self, config: ModelConfig, image_width: int, lidar_width: int) -> None:
        super().__init__()
        width, speeds = config.planner_width, len(config.target_speeds)
        self.config = config
        self.sizes = [config.num_route_points, config.num_waypoints, int(speeds > 0)]
        # Published queries begin uniform in [0, 1]; their common mean makes them part slowly.
        self.query = nn.Parameter(torch.randn(1, sum(self.sizes), width))
        self.planning_context_encoder = ContextEncoder(config, image_width, lidar_width)
        self.state_query = StateQuery(config) if config.planner_state_queries else None
        self.transformer_decoder = query_decoder(config)
        self._make_outputs(width, speeds)

    def _make_outputs(self, width: int, speeds: int) -> None:
        """From what a query found to numbers."""
        if self.config.num_route_points:
            self.route_decoder = nn.Linear(width, 2)
            with torch.no_grad():  # route points are a metre apart: begin with that, straight on
                self.route_decoder.bias.copy_(torch.tensor([1.0, 0.0]))
        self.wp_decoder = nn.Linear(width, 2)
        if self.config.headings:
            self.heading_decoder = nn.Linear(width, 1)
        if speeds:
            self.target_speed_decoder = _speed_decoder(width, speeds)

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        lidar: Float[Tensor, "b c2 h2 w2"],
        inputs: Inputs,
        radar: RadarObjects | None,
    ) -> PlanOutput:
        """Last maps of both branches and the state of the car to a plan."""
        context = self.planning_context_encoder(image, lidar, inputs, radar)
        queries = self.query.expand(len(context), -1, -1)
        if self.state_query is not None:
            queries = queries + self.state_query(inputs)
        x = self.transformer_decoder(queries, context)
        route, waypoints, speed = x.split(self.sizes, dim=1)
        config, headings = self.config, None
        if config.headings:
            headings = self.heading_decoder(waypoints).cumsum(dim=1)[..., 0]
            headings = -headings if config.compat.y_right else headings
        return PlanOutput(
            self._path(self.route_decoder, route) if config.num_route_points else route[..., :2],
            self._path(self.wp_decoder, waypoints),
            self.target_speed_decoder(speed[:, 0]) if config.target_speeds else x[:, 0, :0],
            headings,
        )

    def _path(self, decoder: nn.Module, x: Tensor) -> Float[Tensor, "b n 2"]:
        """Steps, added up."""
        return mirrored(decoder(x).cumsum(dim=1), self.config)


class GruPlanner(nn.Module):
    """The planner of TransFuser v5: recurrent nets go from query to query.

    They begin with the current target point, in metres. Layers and names follow kesai-labs/lead
    4489176, `tfv5_planning_decoder.py`.
    """

    def __init__(self, config: ModelConfig, image_width: int, lidar_width: int) -> None:
        super().__init__()
        width, hidden = config.planner_width, config.gru_width
        self.config = config
        self.sizes = [config.num_route_points, config.num_waypoints, 1]
        self.query = nn.Parameter(torch.rand(1, sum(self.sizes), width))
        self.planning_context_encoder = ContextEncoder(config, image_width, lidar_width)
        self.transformer_decoder = query_decoder(config)
        self.tp_encoder = nn.Linear(2, hidden)
        self.route_gru = nn.GRU(width, hidden, batch_first=True)
        self.route_decoder = nn.Sequential(nn.Linear(hidden, 2))
        self.wp_gru = nn.GRU(width, hidden, batch_first=True)
        self.wp_decoder = nn.Sequential(nn.Linear(hidden, 2))
        self.target_speed_decoder = _speed_decoder(width, len(config.target_speeds))

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        lidar: Float[Tensor, "b c2 h2 w2"],
        inputs: Inputs,
        radar: RadarObjects | None,
    ) -> PlanOutput:
        """Last maps of both branches and the state of the car to a plan; radar is not read."""
        context = self.planning_context_encoder(image, lidar, inputs, radar)
        x = self.transformer_decoder(self.query.expand(len(context), -1, -1), context)
        route, waypoints, speed = x.split(self.sizes, dim=1)
        current = inputs.target_points[:, TARGET_POINTS.index("current")]
        start = self.tp_encoder(mirrored(current, self.config))[None]
        route = self.route_decoder(self.route_gru(route, start)[0]).cumsum(dim=1)
        waypoints = self.wp_decoder(self.wp_gru(waypoints, start)[0]).cumsum(dim=1)
        return PlanOutput(
            mirrored(route, self.config),
            mirrored(waypoints, self.config),
            self.target_speed_decoder(speed[:, 0]),
        )


def make_planner(config: ModelConfig, image_width: int, lidar_width: int) -> Planner | GruPlanner:
    """The planner that the config asks for."""
    kind = GruPlanner if config.planner == "gru" else Planner
    return kind(config, image_width, lidar_width)


def mirrored(points: Float[Tensor, "*n 2"], config: ModelConfig) -> Float[Tensor, "*n 2"]:
    """Points between our axes and those of the weights; its own inverse."""
    return points * points.new_tensor([1.0, -1.0]) if config.compat.y_right else points


def _speed_decoder(width: int, speeds: int) -> nn.Sequential:
    """Logits of the speed classes."""
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, speeds))


def _tokens(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b t c"]:
    """Map to tokens, row by row."""
    return x.flatten(2).transpose(1, 2)
