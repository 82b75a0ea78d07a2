"""Real frames of a real drive are learnt by heart: labels, features, network and loss fit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from symdrive.datasets.runs import evenly, usable_drives
from symdrive.features.checkpoint import load_checkpoint
from symdrive.features.config import OFFICIAL_RADAR
from symdrive.features.table import encode_all
from symdrive.model.config import RadarConfig
from symdrive.training.batches import (
    BatchPlan,
    Clock,
    MemoryBatches,
    Order,
    on_device,
    table_tensors,
)
from symdrive.training.config import NANO, StageConfig, TrainConfig
from symdrive.training.open_loop import OpenLoop
from symdrive.training.train import Source, train_on
from symdrive.world.rig import LEAD_RIG, NANO_RIG, Rig

FRAMES = 8
RADAR_RIG = replace(NANO_RIG, name="nano_radar", radars=LEAD_RIG.radars)

PLAIN = replace(
    NANO,
    perception=StageConfig(0.0),
    planning=StageConfig(500.0, 2e-3, "one_cycle"),
    batch=FRAMES,
    shifted=0.0,
    average=0.0,
    augment=replace(NANO.augment, probability=0.0, other_speed=0.0),
    save_every=10_000,
    log_every=10_000,
    progress=False,
)
RADAR = replace(
    PLAIN,
    model=replace(
        PLAIN.model, radar=RadarConfig(20, 4, 75, 64, 2, 4, 128, 128, 64), radar_queries=20
    ),
    features=replace(PLAIN.features, radar=OFFICIAL_RADAR),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "rig"), [(PLAIN, NANO_RIG), (RADAR, RADAR_RIG)], ids=["plain", "radar"]
)
def test_eight_recorded_frames_are_learnt_by_heart(
    config: TrainConfig, rig: Rig, tmp_path: Path, lab: Any
) -> None:
    lab.record(tmp_path / "drive", rig)
    drives = evenly(usable_drives([tmp_path], lab.every_frame), FRAMES)
    table = table_tensors(encode_all(drives, config.features, workers=0))
    source = Source(FRAMES, rig, lambda order: MemoryBatches(table, order))
    network = load_checkpoint(train_on(config, source, tmp_path / "model")).network
    order = Order(BatchPlan(0, "check", FRAMES, FRAMES, 0.0, 1), Clock(1))
    inputs, targets = next(iter(MemoryBatches(table, order)))
    errors = OpenLoop(config.model)
    with torch.no_grad():
        errors.update(network(inputs), on_device(targets))
    found = errors.result()
    assert int(targets.num_boxes.sum()) >= FRAMES
    assert found["waypoints_m"] < 0.2
    assert found["route_m"] < 0.2
    assert found["box_recall"] > 0.9  # within 2 m of the centre, class and score right
    assert found["box_precision"] > 0.9
    assert found["target_speed_mps"] < 0.5
    if config.model.radar is not None:
        assert targets.radar_objects is not None
        assert float(targets.radar_objects[..., 3].sum()) > 0
