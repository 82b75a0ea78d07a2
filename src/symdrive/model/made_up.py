"""Inputs drawn at random, for measuring and for tracing a network."""

import torch

from symdrive.model.config import ModelConfig
from symdrive.model.tensors import Inputs

RADAR_REACH_M = 20.0


def made_up_inputs(config: ModelConfig, batch: int, seed: int) -> Inputs:
    """Noise of the shapes and ranges that a network reads; radar and acceleration where it does.

    Args:
        config: of the network.
        batch: samples.
        seed: of the noise.
    """
    draw = torch.Generator().manual_seed(seed)
    rows, cols = config.bev.size
    raster = (batch, config.lidar_channels, rows, cols)
    radar = None
    if config.radar is not None:
        points = config.radar.points
        radar = torch.rand(batch, config.radar.sensors * points, 5, generator=draw) * RADAR_REACH_M
        radar[..., 4] = torch.arange(config.radar.sensors).repeat_interleave(points).float()
    return Inputs(
        torch.randint(0, 256, (batch, 3, *config.image_size), generator=draw, dtype=torch.uint8),
        torch.randint(0, config.lidar_clip + 1, raster, generator=draw).to(torch.uint8),
        torch.rand(batch, generator=draw) * 10.0,
        torch.randint(0, config.num_commands, (batch,), generator=draw),
        torch.rand(batch, 3, 2, generator=draw) * 40.0,
        radar,
        torch.rand(batch, generator=draw) if config.acceleration_token else None,
    )
