"""Official checkpoints become files of ours, or are refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from symdrive.cli.main import run
from symdrive.core.errors import UserError
from symdrive.features.checkpoint import load_checkpoint
from symdrive.features.official import NAVSIM_RIG, features_of, open_official
from symdrive.model.config import OFFICIAL_LTF_NAVSIM, OFFICIAL_RESNET34
from symdrive.model.network import TransFuser
from symdrive.model.official import read_options
from symdrive.world.rig import LEAD6_RIG, LEAD_RIG

OPTIONS = {
    "image_architecture": "resnet10t",
    "lidar_architecture": "resnet10t",
    "n_layer": 1,
    "transfuser_token_dim": 32,
    "transfuser_num_bev_cross_attention_layers": 1,
    "radar_detection": False,
    "use_planning_decoder": True,
}


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    folder.joinpath("config.json").write_text(json.dumps(OPTIONS))
    network = TransFuser(read_options(OPTIONS, "here").config)
    torch.save(network.state_dict(), folder / "model_0030.pth")
    return folder


def test_converted_whole_and_read_again(
    official: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lead.safetensors"
    weights = official / "model_0030.pth"
    assert run(["checkpoint", "convert", str(weights), "--out", str(out), "--licence", "MIT"]) == 0
    found = load_checkpoint(out)
    state = torch.load(weights, weights_only=True)
    assert all(torch.equal(v, state[k]) for k, v in found.network.state_dict().items())
    assert found.rig == LEAD_RIG
    assert found.licence == "MIT"
    assert found.network.config.compat.y_right
    assert run(["checkpoint", "inspect", str(out)]) == 0
    text = capsys.readouterr().out
    assert "resnet10t" in text
    assert "lead3" in text
    assert "MIT" in text


def test_rigs_of_official_networks() -> None:
    _, rig = features_of(OFFICIAL_RESNET34, None, "here")
    assert rig == LEAD_RIG
    features, rig = features_of(OFFICIAL_LTF_NAVSIM, None, "here")
    assert rig == NAVSIM_RIG
    assert features.image_size == (270, 1920)
    six = read_options({"num_used_cameras": 6, "final_image_width": 2304}, "here").config
    assert features_of(six, None, "here")[1] == LEAD6_RIG
    two = read_options({"num_used_cameras": 2, "final_image_width": 768}, "here").config
    features, _ = features_of(two, [False, True, True], "here")
    assert [view.camera for view in features.views] == ["front", "right"]
    with pytest.raises(UserError, match="no rig is known for carla with 2 cameras"):
        features_of(two, None, "here")


def broken(official: Path, folder: Path, **changes: Any) -> tuple[Path, Path]:
    state = torch.load(official / "model_0030.pth", weights_only=True)
    state = {k: v for k, v in state.items() if k != changes.get("drop")}
    torch.save(changes.get("state", state), folder / "model.pth")
    folder.joinpath("config.json").write_text(changes.get("options", json.dumps(OPTIONS)))
    return folder / "model.pth", folder / "config.json"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"drop": "backbone.c5_conv.bias"},
            r"1 tensors do not fit.*c5_conv.bias \(64,\) is missing",
        ),
        ({"options": "{"}, "is no JSON file"),
        ({"options": "[]"}, "holds list, not a table"),
        ({"state": {"a": 1}}, "it holds more than named tensors"),
    ],
)
def test_broken_checkpoints_are_refused(
    official: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        open_official(*broken(official, tmp_path, **changes))


def test_missing_files_are_named(official: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there are no options .*config.json"):
        open_official(official / "model_0030.pth", tmp_path / "config.json")
    with pytest.raises(UserError, match="there is no checkpoint"):
        open_official(tmp_path / "model.pth", official / "config.json")
    tmp_path.joinpath("text.pth").write_text("nothing")
    with pytest.raises(UserError, match="is no state dict or is damaged"):
        open_official(tmp_path / "text.pth", official / "config.json")
