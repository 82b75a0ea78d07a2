"""Boxes, bird's-eye view, semantic and depth planes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.features import scene_labels
from symdrive.features.concerns import Concern
from symdrive.features.config import FeatureConfig
from symdrive.features.inputs import EGO_VIEW, ViewPose
from symdrive.features.scene_labels import (
    Moment,
    SeenMoment,
    bev_semantic,
    boxes,
    depth,
    semantic,
    shown,
)
from symdrive.maps.raster import TownRaster
from symdrive.model.config import BEV_CLASSES, BOX_CLASSES, SEMANTIC_CLASSES
from symdrive.record import codec
from symdrive.record.config import RecordConfig
from symdrive.record.frame import StoredLabels
from symdrive.world.evidence import CameraLabels
from symdrive.world.truth import SignalState

CAR, BUS, BIKE, ADULT = 1, 7, 9, 10  # rows of the catalogue


def moment(actors: Any, **changes: Any) -> Moment:
    many = np.full(len(actors), 99)
    plain = Moment(actors, many, many, (), int(SignalState.GREEN), None)
    return replace(plain, **changes)


def empty_raster() -> TownRaster:
    tiles = np.zeros((1, 256, 256), dtype=np.uint8)
    return TownRaster(tiles, np.zeros((1, 1), dtype=np.int64), np.zeros(2), 4.0)


def test_a_box_has_its_place_size_heading_speed_and_class(
    drives: Any, features: FeatureConfig
) -> None:
    actors = drives.actors([(CAR, 10.0, 4.0)])
    actors = replace(actors, yaw=np.array([0.0, 0.5]))
    found = boxes(SeenMoment.of(moment(actors), features, EGO_VIEW), features)
    np.testing.assert_allclose(found, [[10.0, 4.0, 2.40, 1.08, 0.5, drives.speed, 0.0]], rtol=1e-6)


def test_a_rig_moved_and_turned_to_the_left_sees_the_box_further_right(
    drives: Any, features: FeatureConfig
) -> None:
    actors = drives.actors([(CAR, 10.0, 4.0)])
    (box,) = boxes(
        SeenMoment.of(moment(actors), features, ViewPose(lateral_m=1.0, yaw=0.3)), features
    )
    wanted = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]]) @ [10.0, 3.0]
    np.testing.assert_allclose(box[:2], wanted, rtol=1e-6)
    assert box[4] == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("model", "parked", "pixels", "points", "kept"),
    [
        (ADULT, False, 14, 4, False),
        (ADULT, False, 15, 0, True),
        (ADULT, False, 0, 5, True),
        (CAR, False, 0, 0, False),
        (CAR, False, 1, 0, True),
        (CAR, True, 4, 2, False),
        (CAR, True, 0, 3, True),
        (CAR, False, -1, -1, True),
        (CAR, False, -1, 0, False),
    ],
)
def test_actors_need_evidence(
    drives: Any,
    features: FeatureConfig,
    model: int,
    parked: bool,
    pixels: int,
    points: int,
    kept: bool,
) -> None:
    actors = replace(drives.actors([(model, 9.0, 0.0)]), parked=np.array([False, parked]))
    now = moment(actors, pixels=np.array([99, pixels]), lidar_points=np.array([99, points]))
    assert shown(now, features).tolist() == [False, kept]


def test_boxes_outside_the_view_are_left_out_and_the_nearest_stay(
    drives: Any, features: FeatureConfig
) -> None:
    actors = drives.actors([(CAR, -20.0, 0.0), (CAR, 40.0, 0.0), (CAR, 8.0, 0.0), (CAR, 20.0, 0.0)])
    found = boxes(
        SeenMoment.of(moment(actors), replace(features, max_boxes=2), EGO_VIEW),
        replace(features, max_boxes=2),
    )
    assert found[:, 0].tolist() == [20.0, 8.0]


@pytest.mark.parametrize(
    ("state", "name", "is_box"),
    [
        (SignalState.RED, "red_light", True),
        (SignalState.YELLOW, "red_light", True),
        (SignalState.GREEN, "green_light", False),
        (SignalState.OFF, "unlabeled", False),
    ],
)
def test_the_next_light_is_a_strip_and_when_it_holds_a_box(
    drives: Any, features: FeatureConfig, state: SignalState, name: str, is_box: bool
) -> None:
    line = Concern(0, np.array([12.0, 0.0]), 0.0, 3.5)
    now = moment(drives.actors([]), light=[line], light_state=int(state))
    canvas = bev_semantic(SeenMoment.of(now, features, EGO_VIEW), empty_raster(), features)
    row, col = 32, 12 + 16
    assert canvas[row, col] == BEV_CLASSES.index(name)
    found = boxes(SeenMoment.of(now, features, EGO_VIEW), features)
    assert len(found) == is_box
    if is_box:
        assert found[0, 6] == BOX_CLASSES.index("red_light")
        np.testing.assert_allclose(found[0, :4], [12.0, 0.0, 1.5, 1.5])


def test_actors_are_drawn_over_lines_and_people_larger_than_life(
    drives: Any, features: FeatureConfig
) -> None:
    actors = drives.actors([(CAR, 20.0, 10.0), (ADULT, 10.5, -5.5), (BIKE, 30.0, -10.0)])
    sign = Concern(0, np.array([18.0, 10.0]), 0.0, 3.5)
    canvas = bev_semantic(
        SeenMoment.of(moment(actors, stop_sign=sign), features, EGO_VIEW), empty_raster(), features
    )
    assert canvas[32 - 10, 16 + 20] == BEV_CLASSES.index("vehicle")
    assert (canvas == BEV_CLASSES.index("walker")).sum() >= 4
    assert (canvas == BEV_CLASSES.index("biker")).sum() >= 4
    assert (canvas == BEV_CLASSES.index("stop_sign")).any()


def test_a_shifted_view_cuts_the_map_out_where_the_rig_is(
    drives: Any, features: FeatureConfig
) -> None:
    """What the shifted crop shows at a place is what the plain one shows at the same place."""
    ground = drives.ground()
    xyz, yaw = drives.pose(40.0)
    actors = replace(drives.actors([]), position=xyz[None], yaw=np.array([yaw]))
    fine = replace(features, bev=replace(features.bev, px_per_m=4.0))
    view = ViewPose(0.8, 0.2)
    plain = bev_semantic(SeenMoment.of(moment(actors), fine, EGO_VIEW), ground.raster, fine)
    shifted = bev_semantic(SeenMoment.of(moment(actors), fine, view), ground.raster, fine)
    grid = np.stack(np.meshgrid(np.arange(2, 25), np.arange(-8, 8)), axis=-1).reshape(-1, 2) + 0.1
    moved = view.to_view(grid)

    def read(canvas: np.ndarray, xy: np.ndarray) -> np.ndarray:
        row = np.floor((fine.bev.y_max - xy[:, 1]) * 4).astype(int)
        return canvas[row, np.floor((xy[:, 0] - fine.bev.x_min) * 4).astype(int)]

    road = (read(plain, grid) > 0) == (read(shifted, moved) > 0)
    assert road.mean() > 0.97
    assert 0.2 < (read(plain, grid) > 0).mean() < 0.98


def stored_labels(label: CameraLabels, config: RecordConfig) -> StoredLabels:
    """Semantic and depth planes as a run folder keeps them."""
    small = codec.depth_to_bytes(label.depth_m, config.depth_divisor, config.depth_max_m)
    data = {"semantic": label.semantic, "depth": small}
    coded = {kind: memoryview(codec.encode_plane(plane, 1)) for kind, plane in data.items()}
    return StoredLabels({"instance": None, **coded}, label.semantic.shape[1], config)


def test_thin_and_important_things_survive_in_semantic_labels(
    drives: Any, features: FeatureConfig
) -> None:
    evidence = drives.tick(0).evidence
    stored = {name: stored_labels(label, RecordConfig()) for name, label in evidence.labels.items()}
    found = semantic(stored, features)
    assert found.shape == features.label_size
    lamp = SEMANTIC_CLASSES.index("traffic_light")
    assert np.argwhere(found == lamp).tolist() == [[20 // 4, (64 + 101) // 4]]
    assert (found == SEMANTIC_CLASSES.index("road")).any()
    metres = depth(stored, features) * scene_labels.DEPTH_STEP_M
    assert metres.shape == features.label_size
    np.testing.assert_allclose(metres, 20.0, atol=0.11)


def test_missing_planes_are_a_user_error(features: FeatureConfig) -> None:
    with pytest.raises(UserError, match="no semantic plane of camera 'left'"):
        semantic({}, features)


def test_every_class_of_the_picture_has_a_rank() -> None:
    assert sorted(scene_labels._RANK) == sorted(SEMANTIC_CLASSES)


@pytest.mark.parametrize("k", [2, 3, 4, 8])
def test_a_label_pixel_takes_the_highest_rank_of_its_square(k: int) -> None:
    """Squares that fit into machine words take a way of their own."""
    rng = np.random.default_rng(k)
    tags = rng.integers(0, 29, (5 * k, 7 * k)).astype(np.uint8)
    tags[k : 3 * k] = tags[0, 0]  # flat squares beside each other
    tags[2 * k, 3 * k] = 7
    ranks = scene_labels._TAG_TO_RANK[tags].reshape(5, k, 7, k)
    np.testing.assert_array_equal(scene_labels._coarser(tags, k), ranks.max(axis=(1, 3)))
