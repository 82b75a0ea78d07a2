"""A checkpoint on pictures from a folder: what it sees and what it plans."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from symdrive.agent.boxes import surest_boxes
from symdrive.agent.student import StudentConfig
from symdrive.core import config as plain
from symdrive.core.errors import UserError
from symdrive.features.checkpoint import Checkpoint
from symdrive.features.inputs import command_index, rasterise, stitch
from symdrive.features.prediction import Prediction, read_boxes
from symdrive.features.radar import radar_inputs
from symdrive.maps.route import Command
from symdrive.model.config import ModelConfig
from symdrive.model.ensemble import joined, joined_classes
from symdrive.model.network import expected_speed
from symdrive.model.tensors import Inputs, PlanOutput, Predictions, to_device
from symdrive.world.control import DetectedBox
from symdrive.world.observation import RadarColumn, RadarPoints

SCENES_FILE = "scenes.json"


@dataclass(frozen=True)
class CameraFile:
    """A picture of one camera.

    Attributes:
        camera: name in the rig of the checkpoint.
        file: picture, relative to the folder.
    """

    camera: str
    file: str


@dataclass(frozen=True)
class RadarFile:
    """Detections of one radar.

    Attributes:
        sensor: name in the rig of the checkpoint.
        file: .npy file, relative to the folder: azimuth (left positive, rad), altitude (rad),
            depth (m) and speed along the ray (m/s, negative for what comes nearer), in the frame
            of the radar's mount.
    """

    sensor: str
    file: str


@dataclass(frozen=True)
class Scene:
    """One moment to look at.

    Attributes:
        name: of the result.
        images: one picture for each camera that the checkpoint looks through.
        target_points: previous, current and next; x forward, y left of the car, m.
        speed_mps: of the car.
        command: name of a `Command`.
        lidar: .npy file with x, y, z, ... in the ego frame, m; empty for no points.
        radar: detections; a radar that is not listed has met nothing.
    """

    name: str
    images: tuple[CameraFile, ...]
    target_points: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    speed_mps: float = 0.0
    command: str = "LANE_FOLLOW"
    lidar: str = ""
    radar: tuple[RadarFile, ...] = ()


def read_scenes(folder: Path) -> list[Scene]:
    """The scenes that `scenes.json` of a folder lists.

    Raises:
        UserError: when it is missing, is no list of scenes, or is empty.
    """
    path = folder / SCENES_FILE
    if not path.is_file():
        raise UserError(f"there is no {path}; list the pictures and target points there.")
    try:
        rows = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{path} holds no list of scenes; write [{{...}}, ...].")
    return [plain.from_plain(Scene, row, f"{path}[{i}]") for i, row in enumerate(rows)]


def predict(
    scene: Scene, folder: Path, checkpoints: Sequence[Checkpoint], config: StudentConfig
) -> Prediction:
    """Look at one scene.

    Args:
        scene: what to look at.
        folder: that its files are in.
        checkpoints: one, or several that vote.
        config: when a speed is a stop and a box is one.

    Raises:
        UserError: when a file is missing or does not fit the rig, or when the networks read what
            a folder does not hold.
    """
    first = checkpoints[0]
    inputs = _inputs(scene, folder, first)
    with torch.inference_mode():
        said = [checkpoint.network(inputs) for checkpoint in checkpoints]
    plan = _plan(said, scene)
    speed = None
    if first.network.config.target_speeds:
        speeds = first.network.config.target_speeds
        speed = float(expected_speed(plan.speed_logits, speeds, config.stop_above)[0])
    return Prediction(
        scene.name,
        inputs.image[0].permute(1, 2, 0).cpu().numpy(),
        _classes([one.semantic for one in said]),
        _classes([one.bev_semantic for one in said]),
        plan.route[0].double().cpu().numpy(),
        plan.waypoints[0].double().cpu().numpy(),
        np.array(scene.target_points),
        speed,
        _boxes(said, first.network.config, config),
    )


def _inputs(scene: Scene, folder: Path, checkpoint: Checkpoint) -> Inputs:
    """A batch of one on the device of the network."""
    model, features = checkpoint.network.config, checkpoint.features
    if model.acceleration_token:
        raise UserError(
            f"{scene.name}: this checkpoint reads the acceleration, which a folder of pictures"
            " does not hold; take one that was trained without."
        )
    if scene.command not in Command.__members__:
        raise UserError(
            f"{scene.name}: no command is called {scene.command!r}; known:"
            f" {', '.join(Command.__members__)}."
        )
    points = _points(folder / scene.lidar) if scene.lidar else np.zeros((0, 3), dtype=np.float32)
    raster = rasterise(points, features)
    image = stitch(_images(scene, folder, checkpoint), features)
    radar = radar_inputs(_detections(scene, folder, checkpoint), checkpoint.rig, features)
    inputs = Inputs(
        torch.from_numpy(image)[None],
        torch.from_numpy(raster)[None],
        torch.tensor([scene.speed_mps], dtype=torch.float32),
        torch.tensor([command_index(Command[scene.command])]),
        torch.tensor([scene.target_points], dtype=torch.float32),
        None if radar is None else torch.from_numpy(radar)[None],
    )
    device = next(checkpoint.network.parameters()).device
    return to_device(inputs, device)


def _images(scene: Scene, folder: Path, checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Pictures by camera, of the sizes of the rig."""
    files = {one.camera: folder / one.file for one in scene.images}
    sizes = {c.name: (c.height, c.width, 3) for c in checkpoint.rig.cameras}
    found: dict[str, np.ndarray] = {}
    for view in checkpoint.features.views:
        path = files.get(view.camera)
        if path is None:
            raise UserError(
                f"{scene.name}: no picture of camera {view.camera!r} is listed; rig"
                f" {checkpoint.rig.name!r} wants {[v.camera for v in checkpoint.features.views]}."
            )
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if picture is None:
            raise UserError(f"{scene.name}: {path} is missing or is no picture.")
        if picture.shape != sizes[view.camera]:
            raise UserError(
                f"{scene.name}: {path} has {picture.shape[0]}x{picture.shape[1]} pixels, camera"
                f" {view.camera!r} of rig {checkpoint.rig.name!r} has"
                f" {sizes[view.camera][0]}x{sizes[view.camera][1]}."
            )
        found[view.camera] = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    return found


def _detections(scene: Scene, folder: Path, checkpoint: Checkpoint) -> dict[str, RadarPoints]:
    """Detections by radar."""
    read = checkpoint.features.radar
    known = () if read is None else read.sensors
    found: dict[str, RadarPoints] = {}
    for one in scene.radar:
        path = folder / one.file
        if one.sensor not in known:
            raise UserError(
                f"{scene.name}: the checkpoint reads no radar {one.sensor!r}; it reads"
                f" {', '.join(known) or 'none'}."
            )
        if not path.is_file():
            raise UserError(f"{scene.name}: there is no radar file {path}.")
        points = np.load(path, allow_pickle=False)
        if points.ndim != 2 or points.shape[1] != len(RadarColumn):
            raise UserError(
                f"{path} has shape {points.shape}; rows of azimuth, altitude, depth and speed are"
                " wanted."
            )
        found[one.sensor] = points.astype(np.float32)
    return found


def _points(path: Path) -> Float[np.ndarray, "point channel"]:
    """LiDAR points of a file."""
    if not path.is_file():
        raise UserError(f"there is no LiDAR file {path}; leave `lidar` out for none.")
    points = np.load(path, allow_pickle=False)
    if points.ndim != 2 or points.shape[1] < 3:
        raise UserError(f"{path} has shape {points.shape}; rows of x, y, z are wanted.")
    return points.astype(np.float32)


def _plan(said: Sequence[Predictions], scene: Scene) -> PlanOutput:
    """The joined plan."""
    plans = [one.plan for one in said if one.plan is not None]
    if len(plans) < len(said):
        raise UserError(f"{scene.name}: a checkpoint of the perception stage plans nothing.")
    stacked: Any = (None if c[0] is None else torch.stack(c) for c in zip(*plans, strict=True))
    return joined(PlanOutput(*stacked))


def _classes(logits: Sequence[Tensor | None]) -> UInt8[np.ndarray, "h w"] | None:
    """One class map of all opinions."""
    given = [one for one in logits if one is not None]
    if not given:
        return None
    return joined_classes(torch.stack(given)).argmax(dim=1)[0].to(torch.uint8).cpu().numpy()


def _boxes(
    said: Sequence[Predictions], model: ModelConfig, config: StudentConfig
) -> tuple[DetectedBox, ...]:
    """Boxes of all networks."""
    found = [
        box
        for one in said
        if one.boxes is not None
        for box in read_boxes(one.boxes, model, config.box_score)
    ]
    return surest_boxes(found)
