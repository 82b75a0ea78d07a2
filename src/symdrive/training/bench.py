"""Training steps and decisions on made-up data, for measuring."""

from collections.abc import Callable

import torch

from symdrive.core.seeds import derived_seed
from symdrive.model.config import BEV_CLASSES, BOX_CLASSES, SEMANTIC_CLASSES
from symdrive.model.losses import losses, total_loss
from symdrive.model.network import TransFuser, use_channels_last
from symdrive.model.tensors import Inputs, Targets, to_device
from symdrive.training.augment import augment
from symdrive.training.config import PRESETS, TrainConfig

NUM_BOXES = 12


def training_step(preset: str, batch: int, device: str) -> Callable[[], object]:
    """One whole step: augmentation, forward, loss, backward, optimiser."""
    config = PRESETS[preset]
    network = _network(config, device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    inputs = to_device(made_up_inputs(config, batch), device)
    targets = to_device(made_up_targets(config, batch), device)

    def step() -> None:
        optimizer.zero_grad()
        terms = losses(network(augment(inputs, config.augment)), targets, config.model)
        total_loss(terms, config.model).backward()
        optimizer.step()
        _wait(device)

    return step


def decision(preset: str, device: str) -> Callable[[], object]:
    """One decision: the plan and the bird's-eye view features."""
    config = PRESETS[preset]
    network = _network(config, device).eval()
    inputs = to_device(made_up_inputs(config, 1), device)

    def step() -> None:
        with torch.inference_mode():
            network.drive(inputs)
        _wait(device)

    return step


def made_up_inputs(config: TrainConfig, batch: int) -> Inputs:
    """Noise of the shapes that the features have."""
    draw = torch.Generator().manual_seed(derived_seed(0, "bench/inputs"))
    rows, cols = config.model.bev.size
    height, width = config.model.image_size
    return Inputs(
        torch.randint(0, 256, (batch, 3, height, width), generator=draw, dtype=torch.uint8),
        torch.randint(0, 6, (batch, config.model.lidar_channels, rows, cols), generator=draw).to(
            torch.uint8
        ),
        torch.rand(batch, generator=draw) * 10.0,
        torch.randint(0, config.model.num_commands, (batch,), generator=draw),
        torch.rand(batch, 3, 2, generator=draw) * 40.0,
    )


def made_up_targets(config: TrainConfig, batch: int) -> Targets:
    """Noise of the shapes that the labels have."""
    draw = torch.Generator().manual_seed(derived_seed(0, "bench/targets"))
    model, (height, width) = config.model, config.features.label_size

    def classes(count: int, rows: int, cols: int) -> torch.Tensor:
        return torch.randint(0, count, (batch, rows, cols), generator=draw).to(torch.uint8)

    boxes = torch.rand(batch, NUM_BOXES, 7, generator=draw)
    scale = torch.tensor([40.0, 20.0, 2.0, 1.0, 3.0, 8.0, float(len(BOX_CLASSES)) - 0.01])
    return Targets(
        classes(len(SEMANTIC_CLASSES), height, width),
        torch.rand(batch, height, width, generator=draw) * 50.0,
        classes(len(BEV_CLASSES), *model.bev.size),
        boxes * scale,
        torch.full((batch,), NUM_BOXES),
        torch.randn(batch, model.num_waypoints, 2, generator=draw),
        torch.randn(batch, model.num_route_points, 2, generator=draw),
        torch.rand(batch, generator=draw) * 15.0,
        torch.rand(batch, generator=draw) < 0.2,
    )


def _network(config: TrainConfig, device: str) -> TransFuser:
    """The preset's network with random weights, laid out as in training."""
    torch.manual_seed(derived_seed(0, "bench/weights"))
    network = TransFuser(config.model).to(device)
    if config.channels_last:
        use_channels_last(network)
    return network


def _wait(device: str) -> None:
    """Kernels of a GPU run on their own; a measurement waits for them."""
    if device == "cuda":
        torch.cuda.synchronize()
