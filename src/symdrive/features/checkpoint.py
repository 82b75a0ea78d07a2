"""A trained network with all that it takes to feed it, in one safetensors file.

The header of the file holds a JSON document: model config, feature config and its digest, rig and
its digest, frame convention, stage, and the symdrive version that wrote it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

import symdrive
from symdrive.core import config as plain
from symdrive.core.errors import UserError
from symdrive.features.config import FeatureConfig
from symdrive.features.inputs import check_rig
from symdrive.model.config import ModelConfig
from symdrive.model.network import TransFuser
from symdrive.model.strictness import check_tensors
from symdrive.world.rig import Rig

FORMAT = 1
"""Grows with every change that an older reader cannot read."""

SUFFIX = ".safetensors"
HEADER = "symdrive"

PERCEPTION, PLANNING = "perception", "planning"
"""Stages of training; a network of the first has no planner."""


@dataclass(frozen=True)
class Checkpoint:
    """A network and its surroundings.

    Attributes:
        network: on the device it was loaded to, in evaluation mode.
        features: how to make its inputs.
        rig: sensors that it was trained with.
        stage: `perception` or `planning`.
        version: of symdrive that wrote it.
        licence: note on the licence of the weights.
    """

    network: TransFuser
    features: FeatureConfig
    rig: Rig
    stage: str
    version: str
    licence: str = ""


def check_fit(model: ModelConfig, features: FeatureConfig) -> None:
    """Refuse features that the network cannot take.

    Raises:
        UserError: naming the size that differs.
    """
    radar, read = model.radar, features.radar
    pairs: dict[str, tuple[object, object]] = {
        "image_size": (model.image_size, features.image_size),
        "bev": (model.bev, features.bev),
        "number of LiDAR slices": (model.lidar_channels, len(features.lidar_slices)),
        "lidar_clip": (model.lidar_clip, features.lidar_clip),
        "frame": (model.frame, features.frame),
        "radar (sensors, points, objects)": (
            None if radar is None else (radar.sensors, radar.points, radar.queries),
            None if read is None else (len(read.sensors), read.points, read.objects),
        ),
    }
    for name, (wanted, given) in pairs.items():
        if wanted != given:
            raise UserError(
                f"model and features differ in {name}: {wanted} and {given}; change one of them."
            )


def save_checkpoint(
    path: Path,
    network: TransFuser,
    features: FeatureConfig,
    rig: Rig,
    weights: Mapping[str, torch.Tensor] | None = None,
    *,
    licence: str = "",
) -> Path:
    """Write a checkpoint, whole or not at all.

    Args:
        path: file to write, ending in `.safetensors`.
        network: what was trained.
        features: how its inputs are made.
        rig: that it was trained with.
        weights: to store in place of the network's own, such as their moving average.
        licence: note on the licence of the weights.
    """
    document = {
        "format": FORMAT,
        "symdrive_version": symdrive.__version__,
        "stage": PERCEPTION if network.planning_decoder is None else PLANNING,
        "frame": features.frame,
        "model": plain.to_plain(network.config),
        "features": plain.to_plain(features),
        "features_digest": features.digest,
        "rig": plain.to_plain(rig),
        "rig_digest": rig.digest,
        "licence": licence,
    }
    state = network.state_dict() if weights is None else weights
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={HEADER: json.dumps(document)})
    part.replace(path)
    return path


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a checkpoint.

    Raises:
        UserError: for a missing, damaged or foreign file, one of a newer symdrive, or one whose
            features or rig mean something else by now.
    """
    check_device(device)
    document, tensors = _read(path, str(device))
    where = str(path)
    try:
        model = plain.from_plain(ModelConfig, document["model"], f"{where}: model")
        features = plain.from_plain(FeatureConfig, document["features"], f"{where}: features")
        rig = plain.from_plain(Rig, document["rig"], f"{where}: rig")
        stage, version = str(document["stage"]), str(document["symdrive_version"])
        digests = {"features": document["features_digest"], "rig": document["rig_digest"]}
    except KeyError as error:
        raise UserError(f"{where} has no entry {error} in its header; it is damaged.") from error
    for name, value in (("features", features.digest), ("rig", rig.digest)):
        if digests[name] != value:
            raise UserError(
                f"{where}: its {name} have digest {digests[name]}, this symdrive"
                f" {symdrive.__version__} reads them as {value}; use symdrive {version}."
            )
    check_fit(model, features)
    check_rig(rig, features, where)
    network = TransFuser(model, planner=stage == PLANNING).to(device)
    check_tensors(network, tensors, where)
    network.load_state_dict(tensors)
    licence = str(document.get("licence", ""))
    return Checkpoint(network.eval(), features, rig, stage, version, licence)


def load_checkpoints(path: Path, device: torch.device | str = "cpu") -> list[Checkpoint]:
    """One file, or every checkpoint of the planning stage in a folder, which then make an ensemble.

    Raises:
        UserError: as `load_checkpoint`; for a folder without a checkpoint that can drive, or with
            such that were not trained alike.
    """
    if not path.is_dir():
        return [load_checkpoint(path, device)]
    found = [load_checkpoint(file, device) for file in sorted(path.glob(f"*{SUFFIX}"))]
    found = [one for one in found if one.stage == PLANNING]
    if not found:
        raise UserError(
            f"{path} holds no checkpoint of the planning stage; name a folder with some."
        )
    first = found[0]
    for other in found[1:]:
        pairs = {
            "model": (other.network.config, first.network.config),
            "features": (other.features, first.features),
            "rig": (other.rig, first.rig),
        }
        for name, (ours, theirs) in pairs.items():
            if ours != theirs:
                raise UserError(
                    f"{path}: its checkpoints differ in their {name}; an ensemble is trained alike."
                )
    return found


def check_device(device: torch.device | str, count: int = 1) -> None:
    """Refuse GPUs that are not there.

    Raises:
        UserError: then; nothing falls back to the CPU by itself.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise UserError("CUDA was asked for, but torch finds no GPU; use --device cpu.")
    if torch.device(device).type == "cuda" and torch.cuda.device_count() < count:
        raise UserError(
            f"{count} GPUs were asked for, but torch finds {torch.cuda.device_count()}; use fewer"
            " --devices."
        )


def _read(path: Path, device: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Header and tensors of a file of ours."""
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}; name a file that `symdrive train` wrote.")
    try:
        with safe_open(path, framework="pt", device=device) as file:
            header = (file.metadata() or {}).get(HEADER)
            if header is None:
                raise UserError(
                    f"{path} holds tensors but was not written by symdrive; name a file that"
                    " `symdrive train` wrote."
                )
            document: dict[str, Any] = json.loads(header)
            _check_format(document, path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no dict
    except (SafetensorError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is no checkpoint or is damaged: {_first_line(error)}.") from error
    return document, tensors


def _check_format(document: Mapping[str, Any], path: Path) -> None:
    """Refuse what a newer symdrive wrote."""
    found = document.get("format")
    if not isinstance(found, int):
        raise UserError(f"{path} has no format number in its header; it is damaged.")
    if found > FORMAT:
        raise UserError(
            f"{path} has format {found}, and this symdrive reads up to {FORMAT}; update symdrive."
        )


def _first_line(error: Exception) -> str:
    """The start of a long message."""
    return str(error).splitlines()[0]
