"""Checkpoints: whole, readable, and refused with a reason when they are not ours."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from symdrive.core.errors import UserError
from symdrive.features import checkpoint as checkpoints
from symdrive.features import config as features
from symdrive.features.checkpoint import check_fit, load_checkpoint, save_checkpoint
from symdrive.model import config as models
from symdrive.model.network import TransFuser
from symdrive.world.rig import NANO_RIG


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    file = tmp_path / "deep" / "student.safetensors"
    return save_checkpoint(file, TransFuser(models.NANO), features.NANO, NANO_RIG)


def header(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["symdrive"])


def rewrite(path: Path, document: dict[str, Any] | None, drop: str = "") -> None:
    tensors = {name: value for name, value in load_file(path).items() if name != drop}
    metadata = None if document is None else {"symdrive": json.dumps(document)}
    save_file(tensors, path, metadata=metadata)


def test_what_is_saved_comes_back(path: Path) -> None:
    found = load_checkpoint(path)
    torch.manual_seed(1)
    for name, value in TransFuser(models.NANO).state_dict().items():
        assert torch.equal(found.network.state_dict()[name], value)
    assert (found.features, found.rig, found.stage) == (features.NANO, NANO_RIG, "planning")
    assert found.network.config == models.NANO
    assert not found.network.training
    assert list(path.parent.iterdir()) == [path]


def test_header_names_everything(path: Path) -> None:
    document = header(path)
    assert document["features_digest"] == features.NANO.digest
    assert document["rig_digest"] == NANO_RIG.digest
    assert document["frame"] == "iso8855"
    assert {"symdrive_version", "format", "model", "features", "rig", "stage"} <= set(document)


def test_other_weights_can_be_saved(path: Path) -> None:
    found = load_checkpoint(path)
    doubled = {k: v * 2 for k, v in found.network.state_dict().items()}
    save_checkpoint(path, found.network, found.features, found.rig, doubled)
    name = "planning_decoder.query"
    again = load_checkpoint(path).network.state_dict()[name]
    assert torch.equal(again, found.network.state_dict()[name] * 2)


def test_missing_torn_and_foreign_files_are_refused(path: Path) -> None:
    with pytest.raises(UserError, match="there is no checkpoint"):
        load_checkpoint(path.with_name("nowhere.safetensors"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="no checkpoint or is damaged"):
        load_checkpoint(path)
    path.write_bytes(b"hello")
    with pytest.raises(UserError, match="no checkpoint or is damaged"):
        load_checkpoint(path)
    path.write_bytes(whole)
    rewrite(path, None)
    with pytest.raises(UserError, match="was not written by symdrive"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": checkpoints.FORMAT + 1}, "update symdrive"),
        ({"format": "one"}, "no format number"),
        ({"rig_digest": "0" * 16}, "its rig have digest 0000"),
        ({"features_digest": "0" * 16}, "its features have digest 0000"),
        ({"rig": None}, "expected a table of Rig fields"),
    ],
)
def test_headers_that_mean_something_else_are_refused(
    path: Path, changes: dict[str, Any], words: str
) -> None:
    rewrite(path, header(path) | changes)
    with pytest.raises(UserError, match=words):
        load_checkpoint(path)


def test_missing_entries_and_weights_are_damage(path: Path) -> None:
    document = header(path)
    rewrite(path, document, drop="planning_decoder.query")
    with pytest.raises(UserError, match=r"planning_decoder\.query .* is missing"):
        load_checkpoint(path)
    counter = next(name for name in load_file(path) if name.endswith("num_batches_tracked"))
    rewrite(path, document, drop=counter)  # torch alone would let it be missing
    with pytest.raises(UserError, match=f"{counter} .* is missing"):
        load_checkpoint(path)
    del document["model"]
    rewrite(path, document)
    with pytest.raises(UserError, match="no entry 'model'"):
        load_checkpoint(path)


def test_model_and_features_must_fit() -> None:
    check_fit(models.NANO, features.NANO)
    check_fit(models.LEAD_RESNET34, features.OFFICIAL)
    with pytest.raises(UserError, match="differ in image_size"):
        check_fit(models.NANO, features.OFFICIAL)
    with pytest.raises(UserError, match="differ in number of LiDAR slices"):
        check_fit(replace(models.NANO, lidar_channels=1), features.NANO)
