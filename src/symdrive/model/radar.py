"""The radar detector: learned queries ask radar points and the scene for moving objects.

Layers and names follow kesai-labs/lead 4489176, `radar_detector.py`.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from symdrive.model.config import ModelConfig
from symdrive.model.planner import mirrored, sine_points, transformer, unit_points
from symdrive.model.tensors import RadarObjects


class RadarDetector(nn.Module):
    """Points of all radars, the last raster map and the own speed to objects."""

    def __init__(self, config: ModelConfig, lidar_width: int) -> None:
        super().__init__()
        if config.radar is None:
            raise ValueError("a radar detector needs its sizes: ModelConfig.radar is None")
        self.config, self.radar = config, config.radar
        width, cells = self.radar.width, config.fusion_lidar[0] * config.fusion_lidar[1]
        self.bev_proj = nn.Conv2d(lidar_width, width, 1)
        self.ego_vel_proj = nn.Linear(1, width)
        self.radar_point_tokenizer = nn.Sequential(
            nn.Linear(width + 1 + self.radar.sensors, self.radar.tokenizer_hidden),
            nn.ReLU(),
            nn.Linear(self.radar.tokenizer_hidden, width),
        )
        self.bev_pos_embed = nn.Parameter(torch.zeros(1, cells, width))
        self.ego_vel_pos_embed = nn.Parameter(torch.zeros(1, 1, width))
        self.q = nn.Parameter(torch.zeros(1, self.radar.queries, width))
        nn.init.xavier_uniform_(self.q)
        self.tf = transformer(
            width, self.radar.heads, self.radar.hidden, self.radar.layers, config.dropout
        )
        self.state_decoder = nn.Sequential(
            nn.Linear(width, self.radar.state_hidden),
            nn.ReLU(),
            nn.Linear(self.radar.state_hidden, 3),
        )
        self.label_decoder = nn.Linear(width, 1)

    def forward(
        self,
        lidar: Float[Tensor, "b c h w"],
        points: Float[Tensor, "b n 5"],
        speed: Float[Tensor, " b"],
    ) -> RadarObjects:
        """One object a query.

        Args:
            lidar: last raster map.
            points: x, y, z, speed along the ray, sensor; ego frame, m, m/s; zeros for no point.
            speed: of the own car, m/s.
        """
        pooled = functional.adaptive_avg_pool2d(lidar, self.config.fusion_lidar)
        bev = self.bev_proj(pooled)
        own = self.ego_vel_proj(speed[:, None] / self.config.speed_scale)[:, None]
        tokens = [
            bev.flatten(2).transpose(1, 2) + self.bev_pos_embed,
            own + self.ego_vel_pos_embed,
            self._tokens(bev, points),
        ]
        queries = self.q.expand(len(points), -1, -1)
        context = torch.cat(tokens, dim=1)
        mask = self._padding(points, context.shape[1])
        features = self.tf(queries, context, memory_key_padding_mask=mask)
        return RadarObjects(
            features,
            self._state(self.state_decoder(features)),
            self.label_decoder(features)[..., 0],
        )

    def _tokens(
        self, bev: Float[Tensor, "b c h w"], points: Float[Tensor, "b n 5"]
    ) -> Float[Tensor, "b n c"]:
        """What is at each point, how fast it moves, and which sensor says so."""
        unit = unit_points(points[..., :2], self.config.bev)
        sensor = functional.one_hot(points[..., 4].long(), self.radar.sensors).to(bev.dtype)
        speed = points[..., 3:4] / self.config.speed_scale
        tokens = self.radar_point_tokenizer(torch.cat([self._at(bev, unit), speed, sensor], dim=-1))
        return tokens + sine_points(unit, self.radar.width)

    def _at(
        self, bev: Float[Tensor, "b c h w"], unit: Float[Tensor, "b n 2"]
    ) -> Float[Tensor, "b n c"]:
        """Features at points, bilinear; zero outside of the grid."""
        swapped = self.config.compat.radar_axes_swapped
        at = 2.0 * (unit.flip(-1) if swapped else unit) - 1.0
        found = functional.grid_sample(
            bev, at[:, :, None].to(bev.dtype), mode="bilinear", align_corners=swapped
        )
        return found[..., 0].transpose(1, 2)

    def _padding(self, points: Float[Tensor, "b n 5"], tokens: int) -> Bool[Tensor, "b t"] | None:
        """Tokens that no query may look at: rows without a point."""
        if self.config.compat.radar_padding_read:
            return None
        empty = (points[..., :3] == 0.0).all(dim=-1)
        return functional.pad(empty, (tokens - empty.shape[1], 0))

    def _state(self, x: Float[Tensor, "b q 3"]) -> Float[Tensor, "b q 3"]:
        """Anything to a place on the grid and a speed up to `speed_scale`."""
        grid = self.config.bev
        share = torch.tanh(x)
        xy = mirrored(share[..., :2], self.config)
        low = xy.new_tensor([grid.x_min, grid.y_min])
        high = xy.new_tensor([grid.x_max, grid.y_max])
        place = xy * ((high - low) / 2.0) + (high + low) / 2.0
        speed = (share[..., 2:] + 1.0) / 2.0 * self.config.speed_scale
        return torch.cat([place, speed], dim=-1)
