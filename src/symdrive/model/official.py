"""Official checkpoints: their options to a model config, their names to ours, strictly.

Option names and defaults: kesai-labs/lead 4489176, `config_training.py`; state dict layout as that
code makes it. Nothing is guessed: an option that this network has no answer to is refused, and so
is a tensor without a place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symdrive.core.errors import UserError
from symdrive.model.compat import OFFICIAL_NETWORK
from symdrive.model.config import (
    BEV_CLASSES,
    BOX_CLASSES,
    NAVSIM_BEV_CLASSES,
    NAVSIM_BOX_CLASSES,
    SEMANTIC_CLASSES,
    BevGrid,
    LabelSpace,
    LossWeights,
    ModelConfig,
    RadarConfig,
    TargetPoint,
)
from symdrive.model.network import TransFuser
from symdrive.model.strictness import check_tensors

Options = Mapping[str, Any]

FIXED: Mapping[str, object] = {
    "block_exp": 4,
    "perspective_downsample_factor": 1,
    "deconv_channel_num_0": 128,
    "deconv_channel_num_1": 64,
    "deconv_channel_num_2": 32,
    "deconv_scale_factor_0": 4,
    "deconv_scale_factor_1": 8,
    "bev_upsample_factor": 2,
    "use_past_positions": False,
    "use_past_speeds": False,
    "use_waymo_e2e_data": False,
    "predict_temporal_spatial_waypoints": True,
}
"""Options that this network knows one value of."""

TARGET_SPEEDS = (0.0, 4.0, 8.0, 10.0, 13.88888888, 16.0, 17.77777777, 20.0)


@dataclass(frozen=True)
class OfficialNetwork:
    """What the options of an official checkpoint say.

    Attributes:
        config: of our network.
        planner: whether it has one; pre-training checkpoints have none.
    """

    config: ModelConfig
    planner: bool


def read_options(options: Options, where: str) -> OfficialNetwork:
    """Official options to a config of ours; what is left out has the official default.

    Args:
        options: of `config.json` or of a reference bundle.
        where: file, for messages.

    Raises:
        UserError: naming the option that this network cannot follow.
    """
    for name, known in FIXED.items():
        if options.get(name, known) != known:
            raise UserError(
                f"{where}: option {name} is {options[name]!r}; this network knows {known!r} only."
            )
    carla, navsim = bool(options.get("use_carla_data", True)), bool(options.get("use_navsim_data"))
    if not (carla or navsim):
        raise UserError(
            f"{where}: neither use_carla_data nor use_navsim_data is on; one has to be."
        )
    try:
        config = ModelConfig(
            **_encoders(options),
            **_grid(options),
            **_heads(options, carla=carla, navsim=navsim),
            **_planner(options, navsim=navsim),
            **_radar(options, carla=carla),
            dropout=float(options.get("embd_pdrop", 0.1)),
            compat=OFFICIAL_NETWORK,
        )
    except (ValueError, TypeError) as error:
        raise UserError(f"{where}: {error}.") from error
    return OfficialNetwork(config, bool(options.get("use_planning_decoder", True)))


def _encoders(options: Options) -> dict[str, Any]:
    """Both encoders, their inputs and their fusion."""
    height, width = options.get("final_image_height", 384), options.get("final_image_width", 1152)
    return {
        "image_backbone": str(options.get("image_architecture", "resnet34")),
        "lidar_backbone": str(options.get("lidar_architecture", "resnet34")),
        "image_size": (int(height), int(width)),
        "latent": bool(options.get("LTF", False)),
        "num_cameras": int(options.get("num_used_cameras", 3)),
        "lidar_clip": int(options.get("hist_max_per_pixel", 5)),
        "fusion_layers": int(options.get("n_layer", 2)),
        "fusion_heads": int(options.get("n_head", 4)),
        "fusion_image": (
            int(options.get("img_vert_anchors", height // 32)),
            int(options.get("img_horz_anchors", width // 32)),
        ),
    }


def _grid(options: Options) -> dict[str, Any]:
    """The bird's-eye view; official y runs to the right, so its limits change places."""
    grid = BevGrid(
        float(options.get("min_x_meter", -32)),
        float(options.get("max_x_meter", 64)),
        -float(options.get("max_y_meter", 40)),
        -float(options.get("min_y_meter", -40)),
        float(options.get("pixels_per_meter", 4.0)),
    )
    rows, cols = grid.size
    width = int(options.get("bev_features_chanels", 64))
    return {
        "bev": grid,
        "fusion_lidar": (
            int(options.get("lidar_vert_anchors", rows // 32)),
            int(options.get("lidar_horz_anchors", cols // 32)),
        ),
        "bev_channels": width,
        "bev_stride": int(options.get("bev_down_sample_factor", 4)),
        "box_width": int(options.get("bb_input_channel", width)),
        "num_yaw_bins": int(options.get("num_dir_bins", 12)),
    }


def _heads(options: Options, *, carla: bool, navsim: bool) -> dict[str, Any]:
    """Heads of the first label space, and of the second in mixed training."""
    bev, boxes = (
        bool(options.get("use_bev_semantic", True)),
        bool(options.get("detect_boxes", True)),
    )
    of_carla = LabelSpace(
        "carla",
        bev * int(options.get("num_bev_semantic_classes", len(BEV_CLASSES))),
        boxes * int(options.get("num_bb_classes", len(BOX_CLASSES))),
    )
    of_navsim = LabelSpace(
        "navsim",
        bev * int(options.get("navsim_num_bev_semantic_classes", len(NAVSIM_BEV_CLASSES))),
        boxes * int(options.get("navsim_num_bb_classes", len(NAVSIM_BOX_CLASSES))),
    )
    first = of_carla if carla else of_navsim
    semantic = carla and bool(options.get("use_semantic", True))
    still = bool(options.get("LTF", False)) or not carla
    return {
        "label_space": first.name,
        "num_bev_classes": first.num_bev_classes,
        "num_box_classes": first.num_box_classes,
        "other_spaces": (of_navsim,) if carla and navsim else (),
        "num_semantic_classes": semantic
        * int(options.get("num_semantic_classes", len(SEMANTIC_CLASSES))),
        "depth": carla and bool(options.get("use_depth", True)),
        "loss_weights": LossWeights(velocity=0.0) if still else LossWeights(),
    }


def _planner(options: Options, *, navsim: bool) -> dict[str, Any]:
    """Planner, what it reads and what it predicts."""
    points: list[TargetPoint] = []
    named: tuple[tuple[str, TargetPoint], ...] = (
        ("use_tp", "current"),
        ("use_previous_tp", "previous"),
        ("use_next_tp", "next"),
    )
    points.extend(point for option, point in named if options.get(option, not navsim))
    gru = bool(options.get("use_tfv5_planning_decoder", False))
    speeds = options.get("target_speed_classes", TARGET_SPEEDS)
    (scale,) = options.get("target_points_normalization_constants", [[200.0, 50.0]])
    route = bool(options.get("predict_spatial_path", not navsim))
    return {
        "planner": "gru" if gru else "queries",
        "gru_width": int(options.get("gru_hidden_size", 64)),
        "planner_width": int(options.get("transfuser_token_dim", 256)),
        "planner_layers": int(options.get("transfuser_num_bev_cross_attention_layers", 6)),
        "planner_heads": int(options.get("transfuser_num_bev_cross_attention_heads", 8)),
        "num_waypoints": int(options.get("num_way_points_prediction", 8)),
        "num_route_points": route * int(options.get("num_route_points_prediction", 10)),
        "target_speeds": tuple(map(float, speeds))
        if options.get("predict_target_speed", not navsim)
        else (),
        "headings": navsim and not gru,
        "speed_token": bool(options.get("use_velocity", True)),
        "speed_scale": float(options.get("max_speed", 15.0 if navsim else 25.0)),
        "acceleration_token": bool(options.get("use_acceleration", navsim)),
        "acceleration_scale": float(options.get("max_acceleration") or 10.0),
        "command_token": bool(options.get("use_discrete_command", True)),
        "num_commands": 6 if gru else int(options.get("discrete_command_dim", 4 if navsim else 6)),
        "target_point_tokens": tuple(points),
        "target_point_scale": (float(scale[0]), float(scale[1])),
    }


def _radar(options: Options, *, carla: bool) -> dict[str, Any]:
    """The detector, and whether the planner listens to it."""
    if not (carla and options.get("radar_detection", True)):
        return {"radar": None, "radar_queries": 0}
    radar = RadarConfig(
        queries=int(options.get("num_radar_queries", 20)),
        sensors=int(options.get("num_radar_sensors", 4)),
        points=int(options.get("num_radar_points_per_sensor", 75)),
        width=int(options.get("radar_token_dim", 256)),
        layers=int(options.get("radar_num_layers", 4)),
        heads=int(options.get("radar_num_heads", 8)),
        hidden=int(options.get("radar_tf_dim_ff", 1024)),
        tokenizer_hidden=int(options.get("radar_hidden_dim_tokenizer", 1024)),
        state_hidden=int(options.get("radar_hidden_dim_decoder", 1024)),
    )
    heard = options.get("use_radars", True) and options.get("use_radar_detection", True)
    gru = options.get("use_tfv5_planning_decoder", False)
    return {"radar": radar, "radar_queries": radar.queries if heard and not gru else 0}


def name_map(config: ModelConfig) -> tuple[tuple[str, str], ...]:
    """Beginnings of official tensor names that differ from ours, and ours.

    Heads of another dataset than CARLA carry its name in official state dicts. Ours belong to the
    first label space of the config, or are listed under `other_heads`.
    """
    heads = ("bev_semantic_decoder", "center_net_decoder")
    pairs = [
        (f"{head}_{space.name}.", f"other_heads.{space.name}.{head}.")
        for space in config.other_spaces
        for head in heads
    ]
    if config.label_space != "carla":
        pairs += [(f"{head}_{config.label_space}.", f"{head}.") for head in heads]
    return tuple(pairs)


def to_our_name(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Our name of an official tensor."""
    for official, ours in pairs:
        if name.startswith(official):
            return ours + name.removeprefix(official)
    return name


def to_official_name(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The official name of one of our tensors."""
    return to_our_name(name, [(ours, official) for official, ours in pairs])


def convert_state(state: Mapping[str, Tensor], network: OfficialNetwork, where: str) -> TransFuser:
    """An official state dict in our network: every tensor used, every shape right.

    Raises:
        UserError: listing missing, unused and wrongly shaped tensors.
    """
    pairs = name_map(network.config)
    ours = {to_our_name(name, pairs): value for name, value in state.items()}
    with torch.device("meta"):
        made = TransFuser(network.config, planner=network.planner)
    check_tensors(made, ours, where)
    result = TransFuser(network.config, planner=network.planner)
    result.load_state_dict(ours)
    return result
