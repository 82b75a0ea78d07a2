"""Training: stop and go on, over-fit, refusals."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symdrive.core.errors import UserError
from symdrive.features.checkpoint import load_checkpoint
from symdrive.model.network import TransFuser, expected_speed
from symdrive.training.batches import BatchPlan, Clock, MemoryBatches, Order, table_tensors
from symdrive.training.config import StageConfig
from symdrive.training.module import StageRun, StudentModule
from symdrive.training.train import RESUME_FILE, Source, train_on


class StoppedError(Exception):
    """Stands for a kill."""


class Dying(MemoryBatches):
    """Batches during which the process is killed."""

    steps = 0

    def __iter__(self) -> Any:
        for n, batch in enumerate(super().__iter__()):
            if n == self.steps:
                raise StoppedError
            yield batch


def dying_in(stage: str, steps: int, source: Source, order: Order) -> MemoryBatches:
    """The data of a source; the process dies some steps into a stage."""
    whole = source.batches(order)
    assert isinstance(whole, MemoryBatches)
    if order.plan.name != stage:
        return whole
    dying = Dying(whole._table, order)
    dying.steps = steps
    return dying


@pytest.mark.parametrize("killed_after", [2, 3, 5])
def test_stopped_training_goes_on_bit_for_bit(lab: Any, tmp_path: Path, killed_after: int) -> None:
    source = lab.source(12)  # 3 steps of perception, 6 of planning
    whole = load_file(train_on(lab.config, source, tmp_path / "whole"))
    out = tmp_path / "stopped"
    stages = ("perception", "planning")
    stage, steps = (stages[0], killed_after) if killed_after < 3 else (stages[1], killed_after - 3)
    dying = replace(source, batches=lambda order: dying_in(stage, steps, source, order))
    with pytest.raises(StoppedError):
        train_on(lab.config, dying, out)
    resumed = load_file(train_on(lab.config, source, out, resume=True))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_curves_go_on_where_they_stopped(lab: Any, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    source = lab.source(12)
    dying = replace(source, batches=lambda order: dying_in("planning", 3, source, order))
    with pytest.raises(StoppedError):
        train_on(lab.config, dying, tmp_path)
    train_on(lab.config, source, tmp_path, resume=True)
    events = EventAccumulator(str(tmp_path / "tensorboard" / "planning"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [0, 1, 2, 3, 4, 5]


def test_training_twice_gives_the_same_and_another_seed_another(lab: Any, tmp_path: Path) -> None:
    first = load_file(train_on(lab.config, lab.source(8), tmp_path / "a"))
    again = load_file(train_on(lab.config, lab.source(8), tmp_path / "b"))
    other = load_file(train_on(replace(lab.config, seed=1), lab.source(8), tmp_path / "c"))
    name = "planning_decoder.route_decoder.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_eight_frames_are_learnt_by_heart(lab: Any, tmp_path: Path) -> None:
    config = replace(
        lab.config,
        planning=StageConfig(200.0, 7e-3, "one_cycle"),
        augment=replace(lab.config.augment, probability=0.0),
        batch=8,
        shifted=0.0,
        average=0.0,
        save_every=1000,
        log_every=1000,
    )
    path = train_on(config, lab.source(8), tmp_path)
    network = load_checkpoint(path).network
    order = Order(BatchPlan(0, "check", 8, 8, 0.0, 1), Clock(1))
    inputs, targets = next(iter(MemoryBatches(table_tensors(lab.table(8)), order)))
    with torch.inference_mode():
        plan, _ = network.drive(inputs)
    speed, _ = expected_speed(plan.speed_logits, config.model.target_speeds)
    wanted = torch.where(targets.brake, torch.zeros_like(speed), targets.target_speed)
    assert float((plan.route - targets.route).norm(dim=-1).mean()) < 0.2
    assert float((plan.waypoints - targets.waypoints).norm(dim=-1).mean()) < 0.2
    assert float((speed - wanted).abs().mean()) < 0.5


def test_every_epoch_has_its_own_order_and_covers_every_frame() -> None:
    plan = BatchPlan(seed=3, name="planning", num_frames=32, batch=8, shifted=0.5, steps=8)
    epochs = [
        [frame for step in range(first, first + 4) for frame, _ in plan.picks(step)]
        for first in (0, 4)
    ]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(32))
    assert epochs[0] != epochs[1]
    views = [view for step in range(8) for _, view in plan.picks(step)]
    assert 10 < sum(views) < 54


def test_a_small_data_set_still_fills_a_batch(lab: Any, tmp_path: Path) -> None:
    assert len(BatchPlan(0, "planning", 3, 8, 0.0, 1).picks(0)) == 8


def test_a_loss_that_is_not_finite_stops_with_the_batch_saved(lab: Any, tmp_path: Path) -> None:
    table = lab.table(8)
    table["waypoints"][:, 3] = np.nan
    tensors = table_tensors(table)
    source = Source(8, lab.source(8).rig, lambda order: MemoryBatches(tensors, order))
    with pytest.raises(UserError, match=r"planning stage stopped at step \d+: loss waypoints"):
        train_on(lab.config, source, tmp_path)
    (saved,) = tmp_path.glob("not_finite_planning_*.pt")
    assert torch.load(saved)["waypoints"].isnan().any()


def test_time_box_ends_a_stage_early(lab: Any, tmp_path: Path) -> None:
    config = replace(
        lab.config, planning=StageConfig(1e6, 1e-3), minutes=1e-3, perception=StageConfig(0.0)
    )
    path = train_on(config, lab.source(8), tmp_path)
    assert load_checkpoint(path).stage == "planning"


def test_planning_starts_from_the_perception_weights(lab: Any, tmp_path: Path) -> None:
    config = replace(lab.config, planning=StageConfig(0.5, 1e-12, "one_cycle"), average=0.0)
    student = load_file(train_on(config, lab.source(8), tmp_path))
    perception = load_file(tmp_path / "perception.safetensors")
    assert not any(name.startswith("planning_decoder") for name in perception)
    for name in perception:
        if name.endswith("weight"):
            torch.testing.assert_close(student[name], perception[name], rtol=1e-4, atol=1e-6)


def test_resume_refuses_what_is_not_there_or_foreign(lab: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"nothing to resume.*{RESUME_FILE}"):
        train_on(lab.config, lab.source(8), tmp_path, resume=True)
    source = lab.source(8)
    dying = replace(source, batches=lambda order: dying_in("planning", 1, source, order))
    with pytest.raises(StoppedError):
        train_on(lab.config, dying, tmp_path)
    with pytest.raises(UserError, match="another training config"):
        train_on(replace(lab.config, batch=2), lab.source(8), tmp_path, resume=True)


def test_average_follows_the_weights(lab: Any, tmp_path: Path) -> None:
    network = TransFuser(lab.config.model)
    plan = BatchPlan(0, "planning", 8, 4, 0.0, 10)
    run = StageRun("planning", StageConfig(1.0), plan, Clock(10), tmp_path)
    module = StudentModule(network, lab.config, run, lambda _: None)
    module._follow()
    name = "planning_decoder.route_decoder.bias"
    before = module.averages[name].clone()
    with torch.no_grad():
        network.state_dict()[name].add_(1.0)
    module.clock.done = 1000
    module._follow()
    torch.testing.assert_close(module.averages[name], before + 0.1)
