"""What `symdrive bench train` and `bench infer` measure."""

import pytest

from symdrive.cli.main import run
from symdrive.training.bench import decision, flops, training_step
from symdrive.training.config import PRESETS


def test_the_work_of_each_preset_is_counted() -> None:
    work = {name: flops(config) for name, config in PRESETS.items()}
    assert 1e7 < work["nano"] < 1e9
    assert 1e10 < work["resnet34"] < work["resnet34_radar"] < work["regnety032"]


def test_three_members_do_three_times_the_work_of_one() -> None:
    step = training_step("nano", batch=2, device="cpu")
    step.once()
    assert step.samples == 2
    one, three = decision("nano", "cpu"), decision("nano", "cpu", members=3)
    one.once()
    three.once()
    assert three.flops == 3 * one.flops
    assert one.parameters == step.parameters


@pytest.mark.parametrize("arguments", [["infer"], ["train", "--batch", "2"]])
def test_a_table_says_speed_memory_and_work(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *arguments, "--steps", "1"]) == 0
    shown = capsys.readouterr().out
    assert "nano" in shown
    assert "FLOP" in shown
    assert "peak MB" in shown
