"""Official checkpoints with the rigs and features that they were trained with."""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symdrive.core.errors import UserError
from symdrive.features.config import OFFICIAL_RADAR, FeatureConfig, View
from symdrive.model.config import ModelConfig
from symdrive.model.network import TransFuser
from symdrive.model.official import convert_state, read_options
from symdrive.world.rig import LEAD6_RIG, LEAD_RIG, CameraSpec, LocalisationSpec, Rig

LICENCE = "converted from an official LEAD checkpoint; its licence is that of its source"


NAVSIM_RIG = Rig(
    "navsim4",
    tuple(
        CameraSpec(name, at, math.radians(yaw), 480, 280, math.radians(63.71), math.radians(pitch))
        for name, at, yaw, pitch in (
            ("left", (0.257, 0.149, 1.961), 56.010, -0.180),
            ("front", (0.344, -0.010, 1.952), 1.025, -2.345),
            ("right", (0.363, -0.164, 1.954), -54.262, -0.518),
            ("rear", (-1.837, -0.023, 1.911), 180.0, 1.982),
        )
    ),
    localisation=LocalisationSpec(position_noise_m=0.0, yaw_noise=0.0),
)
"""Four cameras of nuPlan's cars at a quarter of their size (kesai-labs/lead 4489176,
`constants.py`, to the millimetre, roll left out), mirrored to y left. No LiDAR."""

BOTTOM_ROWS_CUT = 10
"""Of NAVSIM's pictures: the bonnet."""


def features_of(
    model: ModelConfig, used: Sequence[bool] | None, where: str
) -> tuple[FeatureConfig, Rig]:
    """Features and rig of an official network.

    Args:
        model: of the network.
        used: which of the rig's cameras, in their order; None for all.
        where: file, for messages.

    Raises:
        UserError: when no known rig makes such pictures.
    """
    rig = _rig_of(model, used, where)
    names = [camera.name for camera in rig.cameras]
    kept = [
        name for name, is_used in zip(names, used or [True] * len(names), strict=True) if is_used
    ]
    height = rig.cameras[0].height - (BOTTOM_ROWS_CUT if rig is NAVSIM_RIG else 0)
    width = rig.cameras[0].width
    views = tuple(View(name, 0, height, 0, width) for name in kept)
    radar = None
    if model.radar is not None:
        radar = replace(OFFICIAL_RADAR, points=model.radar.points, objects=model.radar.queries)
    features = FeatureConfig(
        views,
        model.bev,
        ((-4.0, 10.0),),
        lidar_clip=model.lidar_clip,
        max_boxes=90,
        radar=radar,
    )
    if features.image_size != model.image_size:
        raise UserError(
            f"{where}: cameras {kept} of rig {rig.name!r} make pictures of {features.image_size},"
            f" the network wants {model.image_size}."
        )
    return features, rig


def _rig_of(model: ModelConfig, used: Sequence[bool] | None, where: str) -> Rig:
    """The rig by dataset and number of cameras."""
    rigs = {("carla", 3): LEAD_RIG, ("carla", 6): LEAD6_RIG, ("navsim", 4): NAVSIM_RIG}
    count = model.num_cameras if used is None else len(used)
    found = rigs.get((model.label_space, count))
    if found is None:
        known = ", ".join(f"{space} with {n}" for space, n in rigs)
        raise UserError(
            f"{where}: no rig is known for {model.label_space} with {count} cameras; known:"
            f" {known}. Name a camera subset with the option used_cameras."
        )
    return found


def open_official(weights: Path, options: Path) -> tuple[TransFuser, FeatureConfig, Rig]:
    """An official checkpoint as our network, with what it takes to feed it.

    Args:
        weights: state dict, `model_0030.pth`.
        options: its `config.json`.

    Raises:
        UserError: for missing or damaged files, options that cannot be followed, and tensors that
            do not fit.
    """
    table = _options(options)
    official = read_options(table, str(options))
    network = convert_state(_state(weights), official, str(weights))
    used = table.get("used_cameras")
    return network, *features_of(official.config, used, str(options))


def _options(path: Path) -> Mapping[str, Any]:
    """A `config.json`."""
    if not path.is_file():
        raise UserError(
            f"there are no options {path}; name the config.json that lies beside an official"
            " checkpoint."
        )
    try:
        table = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(table, dict):
        raise UserError(f"{path} holds {type(table).__name__}, not a table of options.")
    return table


def _state(path: Path) -> dict[str, Tensor]:
    """A state dict; only tensors are read, never code."""
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}; name an official model_XXXX.pth.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is no state dict or is damaged: {first}.") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{path} is no state dict: it holds more than named tensors.")
    return {str(name).removeprefix("module."): value for name, value in state.items()}
