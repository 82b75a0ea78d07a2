"""What is measured on held-out drives, and that measuring leaves the training as it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from symdrive.features.prediction import Prediction
from symdrive.features.table import Row
from symdrive.model import config as models
from symdrive.model.boxes import encode_boxes
from symdrive.model.config import BOX_CLASSES, IGNORE, BevGrid
from symdrive.model.tensors import BoxMaps, PlanOutput, Predictions, Targets
from symdrive.report.prediction import draw_prediction
from symdrive.training.config import TrainConfig, ValidationConfig
from symdrive.training.open_loop import OpenLoop, match_boxes, mean_iou
from symdrive.training.train import train_on

MODEL = models.NANO
CAR, WALKER = BOX_CLASSES.index("vehicle"), BOX_CLASSES.index("walker")


def labels(boxes: list[list[float]]) -> Targets:
    """One sample with these boxes; straight on at 8 m/s."""
    rows = torch.zeros(1, 6, 7)
    for k, (x, y, kind) in enumerate(boxes):
        rows[0, k] = torch.tensor([x, y, 2.2, 1.0, 0.3, 4.0, kind])
    ahead = torch.arange(1.0, 9.0)
    zero = torch.zeros(1, 8)
    return Targets(
        torch.zeros(1, 4, 6, dtype=torch.uint8),
        torch.zeros(1, 4, 6),
        torch.zeros(1, 8, 8, dtype=torch.uint8),
        rows,
        torch.tensor([len(boxes)]),
        torch.stack([2.0 * ahead[None], zero], dim=-1),
        torch.stack([torch.arange(2.5, 12.0)[None], torch.zeros(1, 10)], dim=-1),
        torch.tensor([8.0]),
        torch.tensor([False]),
    )


def maps_of(targets: Targets) -> BoxMaps:
    """Maps that say just what the labels are."""
    truth = encode_boxes(targets.boxes, targets.num_boxes, MODEL)
    bins = torch.nn.functional.one_hot(truth.yaw_class, MODEL.num_yaw_bins).permute(0, 3, 1, 2)
    return BoxMaps(
        torch.logit(truth.heatmap.clamp(1e-4, 1 - 1e-4)),
        truth.wh,
        truth.offset,
        bins.float(),
        truth.yaw_residual,
        truth.velocity,
    )


def plan_of(targets: Targets) -> PlanOutput:
    speeds = torch.full((1, 8), -30.0)
    speeds[:, 2] = 30.0  # 8 m/s
    return PlanOutput(targets.route, targets.waypoints, speeds)


def one_hot(label: torch.Tensor, kinds: int) -> torch.Tensor:
    known = torch.where(label == IGNORE, 0, label).long()
    return torch.nn.functional.one_hot(known, kinds).permute(0, 3, 1, 2).float()


def test_a_network_that_says_the_labels_has_no_error() -> None:
    targets = labels([[20.0, 5.0, CAR], [10.0, -6.0, WALKER], [30.0, 0.0, CAR]])
    targets.semantic[0, 2:] = 2
    targets.bev_semantic[0, 0] = IGNORE
    targets.bev_semantic[0, 1:3] = 4
    said = Predictions(
        one_hot(targets.semantic, 10),
        None,
        one_hot(targets.bev_semantic, 13),
        maps_of(targets),
        plan_of(targets),
    )
    errors = OpenLoop(MODEL)
    errors.update(said, targets)
    found = errors.result()
    assert found.pop("target_speed_mps") == pytest.approx(0.0, abs=1e-5)
    assert found == {
        "route_m": 0.0,
        "waypoints_m": 0.0,
        "waypoints_end_m": 0.0,
        "semantic_iou": 1.0,
        "bev_iou": 1.0,
        "box_recall": 1.0,
        "box_precision": 1.0,
    }


def test_distances_and_speeds_are_means_over_samples() -> None:
    targets = labels([])
    plan = plan_of(targets)
    off = plan._replace(waypoints=plan.waypoints + torch.tensor([3.0, 4.0]))
    braking = targets._replace(brake=torch.tensor([True]))
    errors = OpenLoop(MODEL)
    errors.update(Predictions(None, None, None, None, plan), targets)
    errors.update(Predictions(None, None, None, None, off), braking)
    found = errors.result()
    assert found["waypoints_m"] == pytest.approx(2.5)
    assert found["target_speed_mps"] == pytest.approx(4.0, abs=1e-4)
    assert "box_recall" not in found
    assert "semantic_iou" not in found


@pytest.mark.parametrize(
    ("moved", "kind", "hits"),
    [(0.0, CAR, 1), (1.9, CAR, 1), (2.1, CAR, 0), (0.0, WALKER, 0)],
)
def test_a_box_counts_where_centre_and_class_fit(moved: float, kind: int, hits: int) -> None:
    said = maps_of(labels([[20.0 + moved, 5.0, kind]]))
    (found,) = match_boxes(said, labels([[20.0, 5.0, CAR]]), MODEL)
    assert found == (hits, 1, 1)


def test_one_box_finds_one_object_only() -> None:
    said = maps_of(labels([[20.0, 5.0, CAR]]))
    (found,) = match_boxes(said, labels([[20.0, 4.0, CAR], [20.0, 6.0, CAR]]), MODEL)
    assert found == (1, 2, 1)


def test_iou_is_of_classes_that_occur() -> None:
    table = torch.tensor([[4, 0, 0], [2, 2, 0], [0, 0, 0]])
    assert mean_iou(table) == pytest.approx((4 / 6 + 2 / 4) / 2)


def held_out(lab: Any, count: int) -> list[Row]:
    table = lab.table(count)
    return [{name: column[0, row] for name, column in table.items()} for row in range(count)]


def watched(config: TrainConfig, share: float = 0.2) -> TrainConfig:
    return replace(config, validation=ValidationConfig(share, pictures=2))


def test_a_watched_training_goes_the_same_way(lab: Any, tmp_path: Path) -> None:
    source = lab.source(8)
    plain = load_file(train_on(lab.config, source, tmp_path / "plain"))
    seen = replace(source, held_out=held_out(lab, 5))
    again = load_file(train_on(watched(lab.config), seen, tmp_path / "seen"))
    assert all(torch.equal(plain[name], again[name]) for name in plain)


def test_each_epoch_writes_errors_losses_and_pictures(lab: Any, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    drawn: list[Prediction] = []

    def draw(prediction: Prediction, grid: BevGrid) -> np.ndarray:
        drawn.append(prediction)
        return draw_prediction(prediction, grid)

    source = replace(lab.source(8), held_out=held_out(lab, 5))  # 2 steps an epoch
    train_on(watched(lab.config), source, tmp_path, draw=draw)
    events = EventAccumulator(str(tmp_path / "tensorboard" / "planning"))
    events.Reload()
    scalars, pictures = events.Tags()["scalars"], events.Tags()["images"]
    assert {"validation/route_m", "validation/loss/all", "validation/box_recall"} <= set(scalars)
    assert [event.step for event in events.Scalars("validation/waypoints_m")] == [2, 4]
    assert pictures == ["validation/0", "validation/1"]
    assert events.Images("validation/0")[-1].height > 200
    said, labelled = drawn[-2:]
    assert labelled.target_speed_mps != said.target_speed_mps
    assert len(labelled.boxes) == 2
    first = events.Scalars("validation/loss/all")
    assert first[0].value != first[1].value
