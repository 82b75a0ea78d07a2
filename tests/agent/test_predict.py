"""A checkpoint on a folder of pictures; exported to ONNX it says the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from symdrive.agent.predict import predict, read_scenes
from symdrive.agent.student import Student, StudentConfig
from symdrive.cli.main import run
from symdrive.core.errors import UserError
from symdrive.features import config as features
from symdrive.features.checkpoint import load_checkpoints, save_checkpoint
from symdrive.model import config as models
from symdrive.model.network import TransFuser
from symdrive.world.rig import LEAD_RIG, NANO_RIG


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ensemble")
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = TransFuser(models.NANO)
        save_checkpoint(folder / f"student{seed}.safetensors", network, features.NANO, NANO_RIG)
    return folder


def make_folder(folder: Path, **changes: Any) -> Path:
    draw = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    images = []
    for camera in NANO_RIG.cameras:
        picture = draw.integers(0, 256, (camera.height, camera.width, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{camera.name}.png"), picture)
        images.append({"camera": camera.name, "file": f"{camera.name}.png"})
    np.save(folder / "points.npy", draw.uniform(-1, 20, (300, 4)).astype(np.float32))
    scene = {
        "name": "first",
        "images": images,
        "target_points": [[-5.0, 0.0], [20.0, 1.0], [40.0, 2.0]],
        "speed_mps": 4.0,
        "command": "LEFT",
        "lidar": "points.npy",
    }
    folder.joinpath("scenes.json").write_text(json.dumps([{**scene, **changes}]))
    return folder


def test_a_folder_is_drawn_and_written_down(ensemble: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in")
    out = tmp_path / "out"
    code = run(["predict", str(folder), "--checkpoint", str(ensemble), "--out", str(out)])
    assert code == 0
    picture = cv2.imread(str(out / "first.png"))
    assert picture is not None
    assert picture.std() > 10
    said = json.loads((out / "predictions.json").read_text())["first"]
    assert np.shape(said["route"]) == (10, 2)
    assert np.shape(said["waypoints"]) == (8, 2)


def test_the_vote_of_a_folder_is_the_mean_of_its_files(ensemble: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in")
    (scene,) = read_scenes(folder)
    config = StudentConfig()
    both = predict(scene, folder, load_checkpoints(ensemble), config)
    files = sorted(ensemble.glob("*.safetensors"))
    alone = [predict(scene, folder, load_checkpoints(file), config) for file in files]
    np.testing.assert_allclose(both.route, (alone[0].route + alone[1].route) / 2, atol=1e-5)
    assert len(Student.load(ensemble).ensemble.members) == 2


def test_a_student_with_radar_hears_the_files_that_are_listed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = replace(models.NANO, radar=models.RadarConfig(4, 4, 6, 32, 1, 4, 32), radar_queries=4)
    read = replace(features.OFFICIAL_RADAR, points=6, objects=4)
    rig = replace(NANO_RIG, name="nano_radar", radars=LEAD_RIG.radars)
    file = tmp_path / "student.safetensors"
    save_checkpoint(file, TransFuser(model), replace(features.NANO, radar=read), rig)
    name = read.sensors[0]
    folder = make_folder(tmp_path / "in", radar=[{"sensor": name, "file": "radar.npy"}])
    routes = []
    for depth in (8.0, 30.0):
        np.save(folder / "radar.npy", np.array([[0.1, 0.0, depth, -4.0]], dtype=np.float32))
        (scene,) = read_scenes(folder)
        routes.append(predict(scene, folder, load_checkpoints(file), StudentConfig()).route)
    assert np.abs(routes[0] - routes[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"radar": [{"sensor": "radar_front", "file": "points.npy"}]}, "reads no radar 'radar_fr"),
        ({"images": []}, "no picture of camera"),
        ({"command": "ABOUT"}, "no command is called 'ABOUT'"),
        ({"lidar": "none.npy"}, "there is no LiDAR file"),
        ({"images": [{"camera": c.name, "file": "front.png"} for c in NANO_RIG.cameras]}, "pixels"),
        ({"pictures": 1}, "has no field 'pictures'"),
    ],
)
def test_scenes_that_do_not_fit_are_refused(
    ensemble: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    folder = make_folder(tmp_path / "in", **changes)
    with pytest.raises(UserError, match=words):
        predict(read_scenes(folder)[0], folder, load_checkpoints(ensemble), StudentConfig())


def test_ensembles_are_trained_alike_and_there(ensemble: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no checkpoint of the planning stage"):
        load_checkpoints(tmp_path)
    for number, layers in enumerate((1, 2)):
        network = TransFuser(replace(models.NANO, planner_layers=layers))
        save_checkpoint(tmp_path / f"{number}.safetensors", network, features.NANO, NANO_RIG)
    with pytest.raises(UserError, match="differ in their model"):
        load_checkpoints(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(ensemble: Path) -> None:
    with pytest.raises(UserError, match="CUDA was asked for"):
        load_checkpoints(ensemble, "cuda")


def test_networks_that_cannot_be_fed_here_do_not_drive(tmp_path: Path) -> None:
    config = replace(models.NANO, acceleration_token=True)
    path = save_checkpoint(
        tmp_path / "student.safetensors", TransFuser(config), features.NANO, NANO_RIG
    )
    with pytest.raises(UserError, match="reads the acceleration, which is not observed"):
        Student.load(path)


def test_the_onnx_file_says_what_torch_says(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    file = tmp_path / "student.onnx"
    arguments = ["checkpoint", "export", str(ensemble / "student0.safetensors")]
    assert run([*arguments, "--out", str(file)]) == 0
    assert file.is_file()
    assert "route" in capsys.readouterr().out
