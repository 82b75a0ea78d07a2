"""The official presets hold the official parameters, and compute the official numbers."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from symdrive.model import losses
from symdrive.model.boxes import BoxTargets
from symdrive.model.config import OFFICIAL_REGNETY032, OFFICIAL_RESNET34, ModelConfig
from symdrive.model.network import TransFuser, expected_speed
from symdrive.model.tensors import Inputs, Predictions, RadarTokens, Targets

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden" / "tfv6"


def official_keys(name: str) -> dict[str, tuple[int, ...]]:
    path = SHARED / "reference" / name
    if not path.exists():
        pytest.skip(f"the list of official parameters {path} is not on this machine")
    rows = (line.split("\t") for line in path.read_text().splitlines() if line)
    return {
        row[0]: tuple(int(n) for n in row[1].strip("()").split(",") if n.strip())
        for row in rows
        if not row[0].startswith("radar_detector.")
    }


@pytest.mark.parametrize(
    ("config", "listing"),
    [
        (OFFICIAL_RESNET34, "tfv6_keys_resnet34.txt"),
        (OFFICIAL_REGNETY032, "tfv6_keys_regnety032.txt"),
    ],
    ids=["resnet34", "regnety032"],
)
def test_names_and_shapes_are_the_official_ones(config: ModelConfig, listing: str) -> None:
    wanted = official_keys(listing)
    with torch.device("meta"):
        state = TransFuser(config).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == wanted


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    if not (GOLDEN / "bundle.py").exists():
        pytest.skip(f"the reference bundle {GOLDEN} is not on this machine")
    spec = importlib.util.spec_from_file_location("tfv6_bundle", GOLDEN / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bundle(reference: ModuleType) -> dict[str, Any]:
    return reference.load(GOLDEN / "carla_resnet34.pt")


@pytest.fixture(scope="module")
def predictions(reference: ModuleType, bundle: dict[str, Any]) -> Predictions:
    """The network with the bundle's weights, on the bundle's inputs.

    The radar detector is not part of the network; the tokens it produced are handed in. Official
    vectors have y to the right, and so have these weights; only the radar position embedding
    knows about the sign, so its y is mirrored here.
    """
    net = TransFuser(OFFICIAL_RESNET34).eval()
    state = reference.official_state(bundle)
    state = {k: v for k, v in state.items() if not k.startswith("radar_detector.")}
    net.load_state_dict(state)
    given = bundle["inputs"]
    radar = bundle["outputs"]["pred_radar_predictions"][..., :2] * torch.tensor([1.0, -1.0])
    inputs = Inputs(
        given["rgb"],
        (given["rasterized_lidar"] * 5).round().to(torch.uint8),
        given["speed"],
        given["command"].argmax(dim=1),
        torch.stack(
            [
                given["target_point_previous"],
                given["target_point"],
                given["target_point_next"],
            ],
            dim=1,
        ),
    )
    with torch.no_grad():
        return net(inputs, RadarTokens(bundle["outputs"]["pred_radar_features"], radar))


def official_names(out: Predictions) -> dict[str, Tensor]:
    assert out.plan is not None
    speed, _ = expected_speed(out.plan.speed_logits, OFFICIAL_RESNET34.target_speeds)
    boxes = out.boxes
    return {
        "pred_future_waypoints": out.plan.waypoints,
        "pred_target_speed_distribution": out.plan.speed_logits,
        "pred_target_speed_scalar": speed,
        "pred_route": out.plan.route,
        "pred_semantic": out.semantic,
        "pred_bev_semantic": out.bev_semantic,
        "pred_depth": out.depth,
        "pred_bounding_box.center_heatmap_logit_pred": boxes.heatmap,
        "pred_bounding_box.center_heatmap_pred": boxes.heatmap.sigmoid(),
        "pred_bounding_box.wh_pred": boxes.wh,
        "pred_bounding_box.offset_pred": boxes.offset,
        "pred_bounding_box.yaw_class_pred": boxes.yaw_class,
        "pred_bounding_box.yaw_res_pred": boxes.yaw_residual,
        "pred_bounding_box.velocity_pred": boxes.velocity,
    }


def test_outputs_are_the_official_ones(
    reference: ModuleType, bundle: dict[str, Any], predictions: Predictions
) -> None:
    failures = reference.failures(bundle, official_names(predictions))
    assert [line for line in failures if not line.startswith("pred_radar")] == []


def planner_targets(label: dict[str, Tensor]) -> Targets:
    b = len(label["brake"])
    return Targets(
        label["semantic"],
        label["depth"],
        label["bev_semantic"],
        torch.zeros(b, 0, 7),
        torch.zeros(b, dtype=torch.long),
        label["future_waypoints"],
        label["route"],
        label["target_speed"],
        label["brake"],
    )


def test_losses_are_the_official_ones(bundle: dict[str, Any], predictions: Predictions) -> None:
    label, want = bundle["labels"], bundle["losses"]
    assert predictions.plan is not None
    targets = BoxTargets(
        label["center_net_heatmap"],
        label["center_net_wh"],
        label["center_net_offset"],
        label["center_net_yaw_class"].long(),
        label["center_net_yaw_res"],
        label["center_net_velocity"],
        label["center_net_pixel_weight"][:, 0] > 0,
    )
    ours = {f"center_net_{k}": v for k, v in losses.box_losses(predictions.boxes, targets).items()}
    ours["semantic"] = losses.cross_entropy(predictions.semantic, label["semantic"])
    ours["bev_semantic"] = losses.cross_entropy(predictions.bev_semantic, label["bev_semantic"])
    ours["depth"] = losses.depth_loss(predictions.depth, label["depth"].trunc())  # their fault
    plan = losses.plan_losses(
        predictions.plan, planner_targets(label), OFFICIAL_RESNET34.target_speeds
    )
    ours["spatio_temporal_waypoints"] = plan["waypoints"]
    ours["spatial_route"], ours["target_speed"] = plan["route"], plan["target_speed"]
    ours["center_net_yaw_res"] = ours.pop("center_net_yaw_residual")
    for name, value in ours.items():
        torch.testing.assert_close(
            value, want[f"loss_{name}"], rtol=1e-3, atol=1e-5, msg=f"{name}: {value}"
        )
