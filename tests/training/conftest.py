"""A tiny student and made-up columns of its shapes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symdrive.core.seeds import generator
from symdrive.datasets.runs import Selection
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import Job, drive
from symdrive.features import config as features
from symdrive.features.config import FeatureConfig, View
from symdrive.features.table import Row
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.model import config as models
from symdrive.model.config import BevGrid, ModelConfig, PlainNet
from symdrive.record.config import RecordConfig
from symdrive.scoring.infraction import InfractionKind
from symdrive.training.batches import MemoryBatches, table_tensors
from symdrive.training.config import AugmentConfig, StageConfig, TrainConfig
from symdrive.training.train import Source
from symdrive.world.backend import STORE_EVERY, TrafficConfig
from symdrive.world.rig import NANO_RIG, Rig

GRID = BevGrid(-8.0, 24.0, -16.0, 16.0, 1.0)

TINY_FEATURES: FeatureConfig = replace(
    features.NANO,
    views=(View("front", 0, 64, 0, 192, 2),),
    bev=GRID,
    max_boxes=4,
)
TINY_MODEL: ModelConfig = replace(
    models.NANO,
    image_net=PlainNet(8, (8, 8, 16, 16), (2, 2, 2, 2, 2), (0, 0, 0, 0)),
    lidar_net=PlainNet(8, (8, 8, 16, 16), (1, 2, 2, 2, 1), (0, 0, 0, 0)),
    image_size=(32, 96),
    bev=GRID,
    fusion_image=(1, 3),
    fusion_lidar=(4, 4),
    fusion_heads=2,
    bev_channels=8,
    perspective_width=8,
    box_width=8,
    planner_width=32,
    planner_heads=2,
    planner_layers=1,
    planner_hidden=32,
)
TINY_TRAIN = TrainConfig(
    model=TINY_MODEL,
    features=TINY_FEATURES,
    perception=StageConfig(1.0, 1e-3, "one_cycle"),
    planning=StageConfig(2.0, 1e-3),
    batch=4,
    average=0.9,
    in_memory=True,
    augment=AugmentConfig(probability=0.5),
    log_every=1,
    save_every=1,
    progress=False,
)

EVERY_FRAME = Selection(harmless=tuple(kind.name for kind in InfractionKind), min_completion=0.0)


def made_up_table(num_frames: int, config: FeatureConfig, seed: int = 0) -> Row:
    """Columns (view, frame, ...) that a planner can learn: the picture tells the speed."""
    draw = generator(seed, "table")
    shape = (2, num_frames)
    height, width = config.label_size
    speed = draw.uniform(0.0, 12.0, shape).astype(np.float32)
    image = np.broadcast_to(
        (speed * 20)[..., None, None, None].astype(np.uint8), (*shape, 3, *config.image_size)
    )
    boxes = np.zeros((*shape, config.max_boxes, 7), dtype=np.float32)
    boxes[..., 0] = draw.uniform(0, 20, boxes.shape[:3])
    boxes[..., 1] = draw.uniform(-10, 10, boxes.shape[:3])
    boxes[..., 2:4] = (2.2, 1.0)
    steps = np.arange(1, 9, dtype=np.float32)
    route = np.stack([np.arange(2.5, 12), np.zeros(10)], axis=1).astype(np.float32)
    ahead = np.stack([speed[..., None] * 0.25 * steps, np.zeros((*shape, 8))], axis=-1)
    return {
        "image": np.ascontiguousarray(image),
        "lidar": draw.integers(
            0, 5, (*shape, len(config.lidar_slices), *config.bev.size), dtype=np.uint8
        ),
        "speed": speed,
        "command": draw.integers(0, 6, shape),
        "target_points": draw.uniform(-5, 40, (*shape, 3, 2)).astype(np.float32),
        "semantic": draw.integers(0, 10, (*shape, height, width), dtype=np.uint8),
        "depth": draw.integers(0, 250, (*shape, height, width), dtype=np.uint8),
        "bev_semantic": draw.integers(0, 13, (*shape, *config.bev.size), dtype=np.uint8),
        "boxes": boxes,
        "num_boxes": np.full(shape, 2),
        "waypoints": ahead.astype(np.float32),
        "route": np.broadcast_to(route, (*shape, 10, 2)).copy(),
        "target_speed": speed,
        "brake": speed < 1.0,
    }


def made_up_source(num_frames: int, config: FeatureConfig = TINY_FEATURES) -> Source:
    table = table_tensors(made_up_table(num_frames, config))
    return Source(num_frames, NANO_RIG, lambda order: MemoryBatches(table, order))


@dataclass(frozen=True)
class Lab:
    """What tests need, without importing a conftest."""

    config: TrainConfig = TINY_TRAIN
    every_frame: Selection = EVERY_FRAME

    def record(self, folder: Path, rig: Rig) -> Path:
        """A short drive of the expert among traffic, with frames."""
        network = Network(open_town("alder"))
        drive(
            Job(
                folder=folder,
                town="alder",
                route=network.random_route(generator(5, "short"), 120.0, "short"),
                driver=DriverSpec("expert"),
                rig=rig,
                seed=5,
                traffic=TrafficConfig(vehicles=40, pedestrians=20, parked=20),
                record=RecordConfig(),
                sense_every=STORE_EVERY,
            )
        )
        return folder

    def table(self, num_frames: int) -> Row:
        return made_up_table(num_frames, self.config.features)

    def source(self, num_frames: int) -> Source:
        return made_up_source(num_frames, self.config.features)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """One thread: the default test run shares its cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Lab()
    torch.set_num_threads(before)
