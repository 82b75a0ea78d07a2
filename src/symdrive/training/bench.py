"""Training steps and decisions on made-up data, for measuring."""

import resource
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from symdrive.core.seeds import derived_seed
from symdrive.model.config import ModelConfig
from symdrive.model.ensemble import Ensemble
from symdrive.model.losses import losses, total_loss
from symdrive.model.made_up import made_up_inputs
from symdrive.model.network import TransFuser, use_channels_last
from symdrive.model.tensors import Inputs, Targets, to_device
from symdrive.training.augment import augment
from symdrive.training.config import PRESETS, TrainConfig

NUM_BOXES = 12


@dataclass(frozen=True)
class Work:
    """Something to measure.

    Attributes:
        once: does it, and waits until it is done.
        samples: that one call deals with.
        flops: of one sample's forward pass, twice the multiply-adds of convolutions and products.
        parameters: of one network.
    """

    once: Callable[[], object]
    samples: int
    flops: float
    parameters: int


def training_step(preset: str, batch: int, device: str, *, compiled: bool = False) -> Work:
    """One whole step: augmentation, forward, loss, backward, optimiser; data on the device.

    On a GPU in bfloat16, as the presets train there.
    """
    config = PRESETS[preset]
    network = _network(config, device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    inputs = to_device(made_up_inputs(config.model, batch, seed=0), device)
    targets = to_device(made_up_targets(config, batch), device)

    def loss(inputs: Inputs, targets: Targets) -> Tensor:
        return total_loss(losses(network(inputs), targets, config.model), config.model)

    forward = torch.compile(loss) if compiled else loss

    def step() -> None:
        optimizer.zero_grad()
        with _autocast(device):
            result = forward(augment(inputs, config.augment), targets)
        result.backward()
        optimizer.step()
        _wait(device)

    return Work(step, batch, flops(config), _count(network))


def decision(preset: str, device: str, *, members: int = 1, compiled: bool = False) -> Work:
    """One decision: plan and bird's-eye view features, of one network or of several at once."""
    config = PRESETS[preset]
    networks = [_network(config, device).eval() for _ in range(members)]
    inputs = to_device(made_up_inputs(config.model, 1, seed=0), device)
    ensemble = Ensemble(networks)
    drive = networks[0].drive if members == 1 else ensemble.drive
    drive = torch.compile(drive, mode="reduce-overhead") if compiled else drive

    def step() -> None:
        with torch.inference_mode(), _autocast(device):
            drive(inputs)
        _wait(device)

    return Work(step, 1, members * flops(config), _count(networks[0]))


def flops(config: TrainConfig) -> float:
    """Of one sample's forward pass with all heads; counted without computing it."""
    with torch.device("meta"):
        network = TransFuser(config.model).eval().requires_grad_(requires_grad=False)
    inputs = to_device(made_up_inputs(config.model, 1, seed=0), "meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(inputs)
    return float(counter.get_total_flops())


def memory_mb(device: str) -> float:
    """Most memory in use so far: of the GPU, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


def made_up_targets(config: TrainConfig, batch: int) -> Targets:
    """Noise of the shapes that the labels have."""
    draw = torch.Generator().manual_seed(derived_seed(0, "bench/targets"))
    model, (height, width) = config.model, config.features.label_size

    def classes(count: int, rows: int, cols: int) -> Tensor:
        return torch.randint(0, count, (batch, rows, cols), generator=draw).to(torch.uint8)

    boxes = torch.rand(batch, NUM_BOXES, 7, generator=draw)
    scale = torch.tensor([40.0, 20.0, 2.0, 1.0, 3.0, 8.0, model.num_box_classes - 0.01])
    padded = torch.zeros(batch, config.features.max_boxes, 7)
    padded[:, :NUM_BOXES] = boxes * scale
    return Targets(
        classes(model.num_semantic_classes, height, width),
        torch.rand(batch, height, width, generator=draw) * 50.0,
        classes(model.num_bev_classes, *model.bev.size),
        padded,
        torch.full((batch,), NUM_BOXES),
        torch.randn(batch, model.num_waypoints, 2, generator=draw),
        torch.randn(batch, model.num_route_points, 2, generator=draw),
        torch.rand(batch, generator=draw) * 15.0,
        torch.rand(batch, generator=draw) < 0.2,
        radar_objects=None if model.radar is None else _made_up_objects(model, batch, draw),
    )


def _made_up_objects(model: ModelConfig, batch: int, draw: torch.Generator) -> Tensor:
    """Half of the rows are objects."""
    assert model.radar is not None
    rows = torch.zeros(batch, model.radar.queries, 4)
    half = model.radar.queries // 2
    rows[:, :half, :3] = torch.rand(batch, half, 3, generator=draw) * 10.0
    rows[:, :half, 3] = 1.0
    return rows


def _network(config: TrainConfig, device: str) -> TransFuser:
    """The preset's network with random weights, laid out as in training."""
    torch.manual_seed(derived_seed(0, "bench/weights"))
    network = TransFuser(config.model).to(device)
    if config.channels_last:
        use_channels_last(network)
    return network


def _count(network: TransFuser) -> int:
    """Parameters."""
    return sum(p.numel() for p in network.parameters())


def _autocast(device: str) -> AbstractContextManager[object]:
    """bfloat16 on a GPU."""
    return torch.autocast("cuda", torch.bfloat16) if device == "cuda" else nullcontext()


def _wait(device: str) -> None:
    """Kernels of a GPU run on their own; a measurement waits for them."""
    if device == "cuda":
        torch.cuda.synchronize()
