"""Official checkpoints: their options, names and shapes, and the numbers that they compute."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from symdrive.core.errors import UserError
from symdrive.model.bundle import Bundle, read_bundle
from symdrive.model.config import (
    NAVSIM_SPACE,
    OFFICIAL_LTF_NAVSIM,
    OFFICIAL_REGNETY032,
    OFFICIAL_RESNET34,
    ModelConfig,
)
from symdrive.model.network import TransFuser
from symdrive.model.official import (
    OfficialNetwork,
    convert_state,
    name_map,
    read_options,
    to_official_name,
    to_our_name,
)
from symdrive.model.parity import Check, verify

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden" / "tfv6" / "carla_resnet34.pt"

NAVSIM_OPTIONS: Mapping[str, Any] = {
    "use_carla_data": False,
    "use_navsim_data": True,
    "LTF": True,
    "final_image_height": 270,
    "final_image_width": 1920,
    "num_used_cameras": 4,
    "min_x_meter": -32,
    "max_x_meter": 32,
    "min_y_meter": -32,
    "max_y_meter": 32,
    "max_acceleration": 4.0,
}
SMALL: Mapping[str, Any] = {
    "image_architecture": "resnet18",
    "lidar_architecture": "resnet18",
    "final_image_height": 64,
    "final_image_width": 192,
    "max_y_meter": 16,
    "min_y_meter": -16,
    "max_x_meter": 32,
    "min_x_meter": -32,
    "pixels_per_meter": 1.0,
    "n_layer": 1,
    "transfuser_token_dim": 32,
    "transfuser_num_bev_cross_attention_layers": 1,
    "radar_token_dim": 32,
    "radar_num_layers": 1,
}


def official_keys(name: str) -> dict[str, tuple[int, ...]]:
    path = SHARED / "reference" / name
    if not path.exists():
        pytest.skip(f"the list of official parameters {path} is not on this machine")
    rows = (line.split("\t") for line in path.read_text().splitlines() if line)
    return {
        row[0]: tuple(int(n) for n in row[1].strip("()").split(",") if n.strip()) for row in rows
    }


@pytest.mark.parametrize(
    ("config", "listing", "parameters"),
    [
        (OFFICIAL_RESNET34, "tfv6_keys_resnet34.txt", 68.879),
        (OFFICIAL_REGNETY032, "tfv6_keys_regnety032.txt", 126.228),
        (OFFICIAL_LTF_NAVSIM, "ltfv6_keys_navsim.txt", 62.147),
    ],
    ids=["resnet34", "regnety032", "navsim"],
)
def test_names_shapes_and_number_are_the_official_ones(
    config: ModelConfig, listing: str, parameters: float
) -> None:
    wanted = official_keys(listing)
    with torch.device("meta"):
        network = TransFuser(config)
    pairs = name_map(config)
    state = {to_official_name(k, pairs): tuple(v.shape) for k, v in network.state_dict().items()}
    assert state == wanted
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(parameters, abs=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "listing"),
    [
        ({}, "tfv6_keys_resnet34.txt"),
        (
            {"image_architecture": "regnety_032", "lidar_architecture": "regnety_032"},
            "tfv6_keys_regnety032.txt",
        ),
        (NAVSIM_OPTIONS, "ltfv6_keys_navsim.txt"),
    ],
    ids=["resnet34", "regnety032", "navsim"],
)
def test_a_random_official_state_is_placed_whole(options: dict[str, Any], listing: str) -> None:
    shapes = official_keys(listing)
    draw = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(shape, generator=draw) if shape else torch.tensor(3)
        for name, shape in shapes.items()
    }
    network = convert_state(state, read_options(options, "here"), "here")
    pairs = name_map(network.config)
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[to_official_name(name, pairs)]), name


def test_options_left_out_are_the_official_ones() -> None:
    found = read_options({}, "here")
    wanted = OFFICIAL_RESNET34.target_speeds  # published with eight digits
    assert found.config.target_speeds == pytest.approx(wanted, abs=1e-7)
    same = replace(found.config, target_speeds=wanted)
    assert OfficialNetwork(same, planner=found.planner) == OfficialNetwork(
        OFFICIAL_RESNET34, planner=True
    )
    assert read_options(NAVSIM_OPTIONS, "here").config == OFFICIAL_LTF_NAVSIM


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"LTF": True}, {"latent": True}),
        ({"use_radar_detection": False}, {"radar_queries": 0}),
        ({"radar_detection": False}, {"radar": None, "radar_queries": 0}),
        ({"use_previous_tp": False, "use_next_tp": False}, {"target_point_tokens": ("current",)}),
        ({"use_tfv5_planning_decoder": True}, {"planner": "gru", "radar_queries": 0}),
        ({"use_semantic": False, "use_depth": False}, {"num_semantic_classes": 0, "depth": False}),
        ({"use_navsim_data": True}, {"other_spaces": (NAVSIM_SPACE,)}),
        ({"num_used_cameras": 2, "final_image_width": 768}, {"image_size": (384, 768)}),
        ({"transfuser_token_dim": 64}, {"planner_width": 64}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_options_become_values(options: dict[str, Any], wanted: dict[str, Any]) -> None:
    config = read_options(options, "here").config
    assert {name: getattr(config, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"use_past_speeds": True}, "option use_past_speeds is True"),
        ({"deconv_channel_num_1": 32}, "option deconv_channel_num_1 is 32"),
        ({"use_carla_data": False}, "neither use_carla_data nor use_navsim_data"),
        ({"transfuser_token_dim": 100}, "planner_width 100"),
        ({"pixels_per_meter": 0.3}, "are not whole"),
    ],
)
def test_options_without_an_answer_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_options(options, "config.json")


@pytest.mark.parametrize(
    "changes", [{}, {"use_navsim_data": True}, {"use_planning_decoder": False}]
)
def test_a_state_dict_fits_or_is_refused_with_a_list(changes: dict[str, Any]) -> None:
    official = read_options({**SMALL, **changes}, "here")
    network = TransFuser(official.config, planner=official.planner)
    pairs = name_map(official.config)
    state = {to_official_name(name, pairs): v for name, v in network.state_dict().items()}
    assert {to_our_name(name, pairs) for name in state} == set(network.state_dict())
    converted = convert_state(state, official, "here")
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in converted.state_dict().items())
    del state["backbone.c5_conv.bias"]
    state["backbone.up_conv5.bias"] = torch.zeros(3)
    state["something.else"] = torch.zeros(1)
    with pytest.raises(UserError, match=r"model.pth: 3 tensors do not fit") as caught:
        convert_state(state, official, "model.pth")
    text = str(caught.value)
    assert "backbone.c5_conv.bias (64,) is missing" in text
    assert "something.else (1,) has no place" in text
    assert "backbone.up_conv5.bias is (3,), not (64,)" in text


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    if not GOLDEN.exists():
        pytest.skip(f"the reference bundle {GOLDEN} is not on this machine")
    return read_bundle(GOLDEN)


def off(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.is_good]


def test_outputs_and_losses_are_the_official_ones(bundle: Bundle) -> None:
    checks = verify(bundle, gradients=False)
    assert off(checks) == []
    names = {check.name for check in checks}
    assert set(bundle.intermediates) | set(bundle.losses) <= names
    assert set(bundle.outputs) - names == {"pred_bounding_box.decoded_image_system"}


@pytest.mark.slow
def test_gradients_are_the_official_ones(bundle: Bundle) -> None:
    checks = verify(bundle)
    assert off(checks) == []
    assert set(bundle.grad_norms) <= {check.name for check in checks}


@pytest.mark.slow
def test_a_wrong_weight_is_noticed(bundle: Bundle) -> None:
    name = "planning_decoder.wp_decoder.weight"
    wrong = replace(bundle, state={**bundle.state, name: bundle.state[name] * 1.001})
    assert {check.name for check in off(verify(wrong, gradients=False))} == {
        "pred_future_waypoints",
        "loss_spatio_temporal_waypoints",
    }


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no reference bundle"):
        read_bundle(tmp_path / "none.pt")
    tmp_path.joinpath("text.pt").write_text("nothing")
    with pytest.raises(UserError, match="is no reference bundle or is damaged"):
        read_bundle(tmp_path / "text.pt")
    with pytest.raises(UserError, match=r"text\.pt is no reference bundle"):
        read_bundle(tmp_path)  # a folder means the one bundle in it
    torch.save({"meta": {"seed": 1}}, tmp_path / "half.pt")
    with pytest.raises(UserError, match=r"name a \.pt file"):
        read_bundle(tmp_path)
    with pytest.raises(UserError, match="damaged: 'parameters'"):
        read_bundle(tmp_path / "half.pt")
