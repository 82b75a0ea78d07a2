"""Several processes share each batch, and only one of them writes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from symdrive.core.errors import UserError
from symdrive.training.batches import BatchPlan, Clock, Order
from symdrive.training.config import TrainConfig
from symdrive.training.ranks import Rank
from symdrive.training.train import train
from symdrive.world.rig import NANO_RIG


@pytest.mark.parametrize("count", [1, 2, 4])
def test_shares_of_a_batch_are_the_batch(count: int) -> None:
    plan = BatchPlan(seed=1, name="planning", num_frames=40, batch=8, shifted=0.5, steps=7)
    shares = [list(Order(plan, Clock(7), Rank(number, count))) for number in range(count)]
    for step in range(7):
        parts = [share[step] for share in shares]
        assert {len(part) for part in parts} == {8 // count}
        assert sorted(pick for part in parts for pick in part) == sorted(plan.picks(step))


def test_a_batch_must_divide_and_time_boxes_are_for_one(lab: Any) -> None:
    with pytest.raises(ValueError, match="3 devices cannot share a batch of 4"):
        replace(lab.config, devices=3)
    with pytest.raises(ValueError, match="a time box ends at another step"):
        replace(lab.config, devices=2, minutes=1.0)


@pytest.mark.slow
def test_two_processes_train_one_student_and_do_so_again_bit_for_bit(
    lab: Any, tmp_path: Path
) -> None:
    data = lab.record(tmp_path / "data" / "run", NANO_RIG).parent
    config: TrainConfig = replace(lab.config, devices=2, selection=lab.every_frame)
    first = load_file(train(config, [data], tmp_path / "first"))
    again = load_file(train(config, [data], tmp_path / "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    alone = load_file(train(replace(config, devices=1), [data], tmp_path / "alone"))
    name = "planning_decoder.route_decoder.weight"
    assert not torch.equal(alone[name], first[name])  # each process normalises over its own share
    torch.testing.assert_close(alone[name], first[name], atol=0.02, rtol=0.1)
    assert list(tmp_path.glob("first/tensorboard/planning/events*"))
    assert not list(tmp_path.glob("first/resume*"))


@pytest.mark.slow
def test_a_refusal_in_one_process_ends_all_and_is_told(lab: Any, tmp_path: Path) -> None:
    data = lab.record(tmp_path / "data" / "run", NANO_RIG).parent
    config = replace(lab.config, devices=2, selection=lab.every_frame)
    with pytest.raises(UserError, match="nothing to resume"):
        train(config, [data], tmp_path / "model", resume=True)
