"""The presets run, refuse what they cannot take, and need torch and timm alone."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from symdrive.model import losses
from symdrive.model.boxes import coarse, encode_boxes
from symdrive.model.compat import OFFICIAL_TRAINING, Compat
from symdrive.model.config import (
    LEAD_RESNET34,
    NANO,
    NAVSIM_SPACE,
    OFFICIAL_RESNET34,
    BevGrid,
    LossWeights,
    ModelConfig,
    PlainNet,
    RadarConfig,
)
from symdrive.model.encoders import make_encoder
from symdrive.model.network import TransFuser, expected_speed, use_channels_last
from symdrive.model.planner import fine_points, sine_grid, unit_points
from symdrive.model.radar_loss import radar_loss
from symdrive.model.tensors import Inputs, RadarObjects, Targets, to_device


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
    assert set(terms) == set(vars(LossWeights())) - {"radar"}
    losses.total_loss(terms, NANO).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_driving_says_the_same_plan_as_seeing_everything() -> None:
    network = TransFuser(NANO).eval()
    inputs, _ = made_up(NANO)
    with torch.no_grad():
        everything, (plan, _) = network(inputs), network.drive(inputs)
    for one, other in zip(everything.plan[:3], plan[:3], strict=True):
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


SMALL_RADAR = RadarConfig(queries=4, sensors=2, points=3, width=32, layers=1, heads=4, hidden=32)


def radar_inputs(config: ModelConfig, b: int = 2) -> tuple[Inputs, Targets]:
    inputs, targets = made_up(config, b)
    points = torch.rand(b, 6, 5) * torch.tensor([40.0, 20.0, 1.0, 9.0, 0.0])
    points[:, 3:, 4] = 1.0
    label = torch.rand(b, 4, 4) * torch.tensor([40.0, 20.0, 9.0, 0.0])
    label[:, :2, 3] = 1.0
    label[:, 2:] = 0.0
    return inputs._replace(radar=points), targets._replace(radar_objects=label)


def test_a_detector_of_radar_wants_radar() -> None:
    config = replace(NANO, radar=SMALL_RADAR, radar_queries=4)
    inputs, targets = made_up(config)
    with pytest.raises(ValueError, match="got no radar points"):
        TransFuser(config)(inputs)
    out = TransFuser(config)(radar_inputs(config)[0])
    with pytest.raises(ValueError, match=r"Targets.radar_objects is None"):
        losses.losses(out, targets, config)
    with torch.device("meta"):
        assert "radar" not in " ".join(TransFuser(LEAD_RESNET34).state_dict())


VARIANTS: dict[str, dict[str, Any]] = {
    "radar": {"radar": SMALL_RADAR, "radar_queries": 4},
    "radar unheard": {"radar": SMALL_RADAR},
    "latent": {"latent": True},
    "gru": {"planner": "gru"},
    "one target point": {"target_point_tokens": ("current",)},
    "navsim": {
        "headings": True,
        "acceleration_token": True,
        "num_route_points": 0,
        "target_speeds": (),
        "target_point_tokens": (),
        "num_semantic_classes": 0,
        "depth": False,
    },
    "two datasets": {"other_spaces": (NAVSIM_SPACE,)},
    "two cameras": {"num_cameras": 2},
    "official": {
        "radar": SMALL_RADAR,
        "radar_queries": 4,
        "headings": True,
        "compat": OFFICIAL_TRAINING,
    },
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_learns_with_every_weight(name: str) -> None:
    config = replace(NANO, **VARIANTS[name])
    network = TransFuser(config)
    inputs, targets = radar_inputs(config)
    inputs = inputs._replace(acceleration=torch.randn(2))
    out = network(inputs)
    terms = losses.losses(out, targets._replace(headings=torch.randn(2, 8)), config)
    others = [one.sum() for maps in out.others for one in (maps.bev_semantic, *maps.boxes)]
    (losses.total_loss(terms, config) + 1e-3 * sum(others)).backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert {one for one in idle if not one.startswith("backbone.lidar_encoder.stem")} == set()


def test_mirrored_weights_say_the_mirrored_scene() -> None:
    """With `y_right` the same weights read and say every y with the other sign."""
    plain = replace(NANO, radar=SMALL_RADAR, radar_queries=4, headings=True)
    mirrored = replace(plain, compat=Compat(y_right=True))
    torch.manual_seed(3)
    one = TransFuser(plain).eval()
    other = TransFuser(mirrored).eval()
    other.load_state_dict(one.state_dict())
    inputs, _ = radar_inputs(plain)
    flipped = inputs._replace(target_points=inputs.target_points * torch.tensor([1.0, -1.0]))
    # The radar's places are read through the grid, which looks the same from both sides; without
    # the detector's word the planner's mirror can be seen alone.
    with torch.no_grad():
        a, b = one(inputs), other(flipped)
    assert a.radar is not None
    assert b.radar is not None
    torch.testing.assert_close(a.radar.state * torch.tensor([1.0, -1.0, 1.0]), b.radar.state)
    assert torch.equal(a.boxes.wh, b.boxes.wh)
    assert torch.equal(a.boxes.yaw_class[:, 1:], b.boxes.yaw_class[:, 1:].flip(1))
    assert torch.equal(a.boxes.yaw_residual, -b.boxes.yaw_residual)


def test_mirrored_plans() -> None:
    mirrored = replace(NANO, compat=Compat(y_right=True))
    torch.manual_seed(3)
    one, other = TransFuser(NANO).eval(), TransFuser(mirrored).eval()
    other.load_state_dict(one.state_dict())
    inputs, _ = made_up(NANO)
    flip = torch.tensor([1.0, -1.0])
    with torch.no_grad():
        a = one.drive(inputs)[0]
        b = other.drive(inputs._replace(target_points=inputs.target_points * flip))[0]
    torch.testing.assert_close(a.route * flip, b.route)
    torch.testing.assert_close(a.waypoints * flip, b.waypoints)
    torch.testing.assert_close(a.speed_logits, b.speed_logits)


def test_padding_of_radar_is_not_read_and_points_read_their_own_cell() -> None:
    config = replace(NANO, radar=SMALL_RADAR, radar_queries=4)
    network = TransFuser(config).eval()
    inputs, _ = radar_inputs(config)
    assert inputs.radar is not None
    points = inputs.radar[:, :4]
    short = inputs._replace(radar=points)
    padded = short._replace(radar=torch.cat([points, torch.zeros(2, 5, 5)], dim=1))
    with torch.no_grad():
        a, b = network(short), network(padded)
    torch.testing.assert_close(a.radar.state, b.radar.state, atol=1e-4, rtol=1e-4)
    detector, grid = network.radar_detector, config.bev
    assert detector is not None
    bev = torch.arange(64.0).view(1, 1, 8, 8)
    centre = torch.tensor([[[grid.x_min + 20.0, grid.y_max - 4.0]]])  # row 0, column 2
    assert float(detector._at(bev, unit_points(centre, grid))) == pytest.approx(2.0)


def test_radar_objects_are_matched_whatever_their_order() -> None:
    config = replace(NANO, radar=SMALL_RADAR, radar_queries=4)
    label = radar_inputs(config)[1].radar_objects
    assert label is not None
    order = torch.tensor([2, 0, 3, 1])
    logit = torch.where(label[..., 3] > 0, 9.0, -9.0)[:, order]
    found = RadarObjects(torch.zeros(2, 4, 32), label[:, order, :3], logit)
    assert float(radar_loss(found, label, config).mean()) < 1e-3
    moved = found._replace(state=found.state + torch.tensor([6.4, 0.0, 0.0]))
    assert float(radar_loss(moved, label, config).mean()) == pytest.approx(0.5, abs=1e-3)


def test_label_faults_are_switches() -> None:
    """Each fault of the official labels can be turned on, and does what it is known to do."""
    inputs, targets = made_up(NANO)
    targets = targets._replace(
        depth=torch.full_like(targets.depth, 7.9), num_boxes=torch.tensor([1, 1])
    )
    clean = encode_boxes(targets.boxes, targets.num_boxes, NANO)
    phantom = replace(NANO, compat=Compat(phantom_box=True))
    drawn = encode_boxes(targets.boxes, targets.num_boxes, phantom)
    assert clean.centres.tolist() == [1.0, 1.0]
    assert drawn.centres.tolist() == [2.0, 2.0]
    assert drawn.heatmap[:, 0, 0, 0].tolist() == [1.0, 1.0]
    assert not clean.peak[:, 0, 0].any()
    torch.manual_seed(0)
    with torch.no_grad():
        out = TransFuser(NANO).eval()(inputs)

    def term(name: str, **switches: bool) -> float:
        config = replace(NANO, compat=Compat(**switches))
        return float(losses.losses(out, targets, config)[name])

    assert term("depth") - term("depth", whole_metre_depth=True) == pytest.approx(0.9, abs=1e-4)
    assert term("waypoints") != term("waypoints", coarse_labels=True)
    assert coarse(torch.tensor([23.7, 130.6])).tolist() == [23.75, 131.0]
    sure = torch.full((1, 1, 2, 2), 40.0)
    heat, one = torch.zeros(1, 1, 2, 2), torch.ones(1)
    assert float(losses.heatmap_loss(sure, heat, one)) == pytest.approx(160.0)
    clipped = float(losses.heatmap_loss(sure, heat, one, clipped=True))
    assert clipped == pytest.approx(4 * 27.631, abs=1e-2)


def test_few_cameras_leave_the_rear_unlabelled() -> None:
    config = replace(OFFICIAL_RESNET34, num_cameras=2)
    seen = losses.seen_labels(torch.ones(1, 320, 384, dtype=torch.uint8), config)[0]
    assert seen[160, 383] == 1
    assert seen[160, 0] == 255
    assert seen[0, 200] == 255  # 53 degrees half a field: the far left is out of it
    assert seen[0, 383] == 1
    assert losses.seen_labels(seen[None], OFFICIAL_RESNET34)[0] is not None


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


def test_fine_points_say_where_the_way_passes_and_where_it_leads() -> None:
    half_left = torch.tensor([[[-40.0, -0.5], [40.0, -0.5], [90.0, 3.0]]])
    turned = torch.tensor([[[0.0, 0.0], [0.0, 20.0], [0.0, 40.0]]])
    found = fine_points(torch.cat([half_left, turned]))
    assert found.shape == (2, 14)
    torch.testing.assert_close(found[0, 0], torch.tanh(torch.tensor(-0.5)))
    torch.testing.assert_close(found[0, 9:12], torch.tanh(3.0 / torch.tensor([1.0, 4.0, 16.0])))
    torch.testing.assert_close(found[:, 12:], torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert torch.isfinite(fine_points(torch.zeros(1, 3, 2))).all()
