"""The planner: learned queries ask the scene and the car's state for route, waypoints and speed.

Layers, names and token order follow kesai-labs/lead 4489176, `planning_decoder.py`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from symdrive.model.config import ModelConfig, Size
from symdrive.model.tensors import Inputs, PlanOutput, RadarTokens

TEMPERATURE = 10000.0


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


class ContextEncoder(nn.Module):
    """Scene and state as tokens of one width."""

    def __init__(self, config: ModelConfig, image_width: int, lidar_width: int) -> None:
        super().__init__()
        width = config.planner_width
        self.config = config
        self.velocity_encoder = nn.Sequential(nn.Linear(1, width))
        self.command_encoder = nn.Sequential(nn.Linear(config.num_commands, width))
        self.tp_encoder = nn.Linear(2, width)
        self.dimension_adapter = nn.Conv2d(lidar_width, width, 1)
        if config.radar_queries:
            self.radar_encoder = nn.Linear(width, width)
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
        radar: RadarTokens | None,
    ) -> Float[Tensor, "b token width"]:
        """Raster tokens, then image tokens if they are on, then the state."""
        pooled = nn.functional.adaptive_avg_pool2d(lidar, self.config.fusion_lidar)
        scene = [_tokens(self.dimension_adapter(pooled)) + self.bev_position]
        if self.config.planner_image_tokens:
            small = nn.functional.adaptive_avg_pool2d(image, self.config.fusion_image)
            scene.append(_tokens(self.image_adapter(small)) + self.image_pos_embedding)
        state = self._state(inputs, radar) + self.status_pos_embedding
        return torch.cat([*scene, state], dim=1)

    def _state(self, inputs: Inputs, radar: RadarTokens | None) -> Tensor:
        """Speed, command, current, previous and next target point, radar."""
        config = self.config
        speed = self.velocity_encoder(inputs.speed[:, None] / config.speed_scale)
        one_hot = nn.functional.one_hot(inputs.command, config.num_commands)
        command = self.command_encoder(one_hot.to(speed.dtype))
        scale = inputs.target_points.new_tensor(config.target_point_scale)
        points = self.tp_encoder(inputs.target_points[:, [1, 0, 2]] / scale)
        tokens = [speed[:, None], command[:, None], points]
        if config.radar_queries:
            if radar is None:
                raise ValueError(
                    f"this planner was built for {config.radar_queries} radar tokens and got none;"
                    " hand them in, or build it with radar_queries=0"
                )
            tokens.append(self._radar(radar))
        return torch.cat(tokens, dim=1)

    def _radar(self, radar: RadarTokens) -> Tensor:
        """Radar features with the place they speak of."""
        bev = self.config.bev
        low = radar.positions.new_tensor([bev.x_min, bev.y_min])
        span = radar.positions.new_tensor([bev.x_max - bev.x_min, bev.y_max - bev.y_min])
        unit = (radar.positions - low) / span
        unit = torch.stack([unit[..., 0], 1.0 - unit[..., 1]], dim=-1)  # rows run to the right
        return self.radar_encoder(radar.features) + sine_points(unit, self.config.planner_width)


class StateQuery(nn.Module):
    """Speed, command and target points as one vector that is added to every query.

    The published planner finds them as five tokens among many by attention alone, which takes it
    long to learn: a student of a few minutes drives past its target points.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.planner_width
        self.layers = nn.Sequential(
            nn.Linear(1 + config.num_commands + 6, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, inputs: Inputs) -> Float[Tensor, "b 1 width"]:
        """The vector, with an axis for the queries."""
        config = self.config
        speed = inputs.speed[:, None] / config.speed_scale
        command = nn.functional.one_hot(inputs.command, config.num_commands).to(speed.dtype)
        points = inputs.target_points / speed.new_tensor(config.target_point_scale)
        state = torch.cat([speed, command, points.flatten(1).to(speed.dtype)], dim=1)
        return self.layers(state)[:, None]


class Planner(nn.Module):
    """Transformer decoder with one query a route point, a waypoint, and one for the speed."""

    def __init__(self, config: ModelConfig, image_width: int, lidar_width: int) -> None:
        super().__init__()
        width = config.planner_width
        self.config = config
        queries = config.num_route_points + config.num_waypoints + 1
        # Published queries begin uniform in [0, 1]; their common mean makes them part slowly.
        self.query = nn.Parameter(torch.randn(1, queries, width))
        self.planning_context_encoder = ContextEncoder(config, image_width, lidar_width)
        self.state_query = StateQuery(config) if config.planner_state_queries else None
        self.transformer_decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(
                width,
                config.planner_heads,
                config.planner_hidden,
                config.dropout,
                activation=nn.functional.relu,
                batch_first=True,
            ),
            config.planner_layers,
            norm=nn.LayerNorm(width),
        )
        self.route_decoder = nn.Linear(width, 2)
        with torch.no_grad():  # route points are a metre apart: begin with that, straight on
            self.route_decoder.bias.copy_(torch.tensor([1.0, 0.0]))
        self.wp_decoder = nn.Linear(width, 2)
        self.target_speed_decoder = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, len(config.target_speeds))
        )

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        lidar: Float[Tensor, "b c2 h2 w2"],
        inputs: Inputs,
        radar: RadarTokens | None,
    ) -> PlanOutput:
        """Last maps of both branches and the state of the car to a plan."""
        context = self.planning_context_encoder(image, lidar, inputs, radar)
        queries = self.query.expand(len(context), -1, -1)
        if self.state_query is not None:
            queries = queries + self.state_query(inputs)
        x = self.transformer_decoder(queries, context)
        sizes = [self.config.num_route_points, self.config.num_waypoints, 1]
        route, waypoints, speed = x.split(sizes, dim=1)
        return PlanOutput(
            self.route_decoder(route).cumsum(dim=1),
            self.wp_decoder(waypoints).cumsum(dim=1),
            self.target_speed_decoder(speed[:, 0]),
        )


def _tokens(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b t c"]:
    """Map to tokens, row by row."""
    return x.flatten(2).transpose(1, 2)
