"""The presets run, refuse what they cannot take, and need torch and timm alone."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from symdrive.model import losses
from symdrive.model.config import (
    LEAD_RESNET34,
    NANO,
    OFFICIAL_RESNET34,
    BevGrid,
    LossWeights,
    ModelConfig,
    PlainNet,
)
from symdrive.model.encoders import make_encoder
from symdrive.model.network import TransFuser, expected_speed, use_channels_last
from symdrive.model.planner import sine_grid
from symdrive.model.tensors import Inputs, Targets, to_device


def made_up(config: ModelConfig, b: int = 2) -> tuple[Inputs, Targets]:
    torch.manual_seed(0)
    rows, cols = config.bev.size
    height, width = config.image_size
    inputs = Inputs(
        torch.randint(0, 256, (b, 3, height, width), dtype=torch.uint8),
        torch.randint(0, 6, (b, config.lidar_channels, rows, cols), dtype=torch.uint8),
        torch.rand(b) * 10,
        torch.randint(0, 6, (b,)),
        torch.rand(b, 3, 2) * 30,
    )
    boxes = torch.rand(b, 3, 7) * torch.tensor([40.0, 20.0, 2.0, 1.0, 3.0, 8.0, 7.9])
    targets = Targets(
        torch.randint(0, 10, (b, height // 4, width // 4), dtype=torch.uint8),
        torch.rand(b, height // 4, width // 4) * 50,
        torch.randint(0, 13, (b, rows, cols), dtype=torch.uint8),
        boxes,
        torch.tensor([3] * b),
        torch.randn(b, 8, 2),
        torch.randn(b, 10, 2),
        torch.rand(b) * 20,
        torch.rand(b) < 0.5,
    )
    return inputs, targets


def test_nano_learns_with_every_weight() -> None:
    network = TransFuser(NANO)
    use_channels_last(network)
    inputs, targets = made_up(NANO)
    terms = losses.losses(network(inputs), targets, NANO)
    assert set(terms) == set(vars(LossWeights()))
    losses.total_loss(terms, NANO).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_driving_says_the_same_plan_as_seeing_everything() -> None:
    network = TransFuser(NANO).eval()
    inputs, _ = made_up(NANO)
    with torch.no_grad():
        everything, (plan, _) = network(inputs), network.drive(inputs)
    for one, other in zip(everything.plan, plan, strict=True):
        assert torch.equal(one, other)


def test_shapes_of_nano() -> None:
    with torch.no_grad():
        out = TransFuser(NANO).eval()(made_up(NANO)[0])
    assert out.semantic.shape == (2, 10, 8, 56)
    assert out.depth.shape == (2, 8, 56)
    assert out.bev_semantic.shape == (2, 13, 64, 64)
    assert out.boxes.heatmap.shape == (2, 8, 32, 32)
    assert out.plan.route.shape == (2, 10, 2)
    assert out.plan.waypoints.shape == (2, 8, 2)
    assert out.plan.speed_logits.shape == (2, 8)


def test_perception_stage_has_no_planner_and_no_planner_loss() -> None:
    network = TransFuser(NANO, planner=False)
    inputs, targets = made_up(NANO)
    out = network(inputs)
    assert out.plan is None
    assert "route" not in losses.losses(out, targets, NANO)
    with pytest.raises(RuntimeError, match="no planner"):
        network.drive(inputs)


def test_a_planner_for_radar_wants_radar() -> None:
    config = replace(NANO, radar_queries=4)
    with pytest.raises(ValueError, match="4 radar tokens"):
        TransFuser(config)(made_up(config)[0])
    with torch.device("meta"):
        assert "radar" not in " ".join(TransFuser(LEAD_RESNET34).state_dict())


@pytest.mark.parametrize("name", ["resnet18", "regnety_002", "convnext_atto"])
def test_other_timm_nets_fit(name: str) -> None:
    encoder = make_encoder(name, None, 2)
    x = torch.zeros(1, 2, 64, 64)
    for i, side in enumerate((16, 8, 4, 2)):
        x = encoder.stage(i, x)
        assert x.shape == (1, encoder.widths[i], side, side)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vgg11", "swin_tiny_patch4_window7_224"])
def test_a_timm_net_without_four_maps_of_stages_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="choose one with four stages"):
        make_encoder(name, None, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_net": None}, "image_net is given if and only if"),
        ({"planner_width": 100}, "planner_width 100"),
        ({"bev_stride": 3}, "bev_stride 3"),
        ({"target_speeds": (0.0, 4.0, 2.0)}, "rise from 0"),
        ({"fusion_stages": (4,)}, "lie in 0 to 3"),
        ({"perspective_full": True}, "read the last stage"),
        ({"dropout": 1.0}, "dropout"),
        ({"frame": "carla"}, "iso8855"),
    ],
)
def test_models_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(NANO, **changes)


def test_grids_and_nets_are_checked_when_made() -> None:
    with pytest.raises(ValueError, match="not whole"):
        BevGrid(0.0, 1.5, 0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="empty"):
        BevGrid(1.0, 1.0, 0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="at least 1"):
        PlainNet(4, (1, 2, 3, 0), (1, 1, 1, 1, 1), (0, 0, 0, 0))
    with pytest.raises(ValueError, match="zero or more"):
        LossWeights(route=-1.0)


def test_two_hot_labels_mean_their_speed() -> None:
    speeds = NANO.target_speeds
    wanted = torch.tensor([0.0, 2.0, 4.0, 9.0, 25.0, 7.0])
    brake = torch.tensor([False, False, False, False, False, True])
    label = losses.two_hot(wanted, brake, speeds)
    torch.testing.assert_close(label.sum(dim=1), torch.ones(6))
    mean = label @ torch.tensor(speeds)
    torch.testing.assert_close(mean, torch.tensor([0.0, 2.0, 4.0, 9.0, 20.0, 0.0]))
    assert (label > 0).sum(dim=1).max() == 2
    assert label[5, 0] == 1.0


def test_a_sure_stop_is_zero_and_an_unsure_one_an_expectation() -> None:
    logits = torch.log(torch.tensor([[0.91, 0.09], [0.5, 0.5]]))
    speed, stop = expected_speed(logits, (0.0, 4.0))
    torch.testing.assert_close(speed, torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(stop, torch.tensor([0.91, 0.5]))


def test_ignored_pixels_count_as_zero() -> None:
    logits = torch.zeros(1, 4, 2, 2)
    label = torch.tensor([[[0, 255], [255, 1]]], dtype=torch.uint8)
    assert float(losses.cross_entropy(logits, label)) == pytest.approx(0.5 * 1.3862944)


def test_depth_keeps_fractions() -> None:
    assert float(losses.depth_loss(torch.full((1, 2, 2), 7.0), torch.full((1, 2, 2), 7.4))) == (
        pytest.approx(0.4)
    )


def test_sine_grid_names_every_cell() -> None:
    grid = sine_grid((3, 5), 32)[0]
    gaps = torch.cdist(grid, grid) + torch.eye(15) * 9
    assert float(gaps.min()) > 0.1


def test_moving_a_batch_keeps_its_type() -> None:
    inputs, _ = made_up(NANO)
    assert type(to_device(inputs, "cpu")) is Inputs


def test_resizing_is_between_pixel_centres() -> None:
    from symdrive.model.resize import bilinear

    x = torch.rand(1, 2, 4, 4)
    assert bilinear(x, (4, 4)) is x
    wanted = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    assert torch.equal(bilinear(x, (8, 8)), wanted)


def test_the_model_needs_nothing_of_the_simulator() -> None:
    """Importable with the simulator's own libraries out of reach."""
    code = (
        "import sys\n"
        "for name in 'numba embreex shapely pyarrow cv2 simplejpeg lightning carla'.split():\n"
        "    sys.modules[name] = None\n"
        "import symdrive.model.network, symdrive.model.losses\n"
        "mine = [m for m in sys.modules if m.startswith('symdrive.')]\n"
        "print(sorted({m.split('.')[1] for m in mine}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['model']"


def test_official_preset_reads_official_sizes() -> None:
    assert OFFICIAL_RESNET34.bev_feature_size == (80, 96)
    assert OFFICIAL_RESNET34.cell_m == 1.0
    assert OFFICIAL_RESNET34.num_status_tokens == 25
