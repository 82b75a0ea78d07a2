"""A recorded frame and a live observation give equal tensors; the raster and the stitching."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.features.config import FeatureConfig, View
from symdrive.features.inputs import ViewPose, as_stored, check_rig, encode, rasterise, shrink
from symdrive.features.navigation import Navigator
from symdrive.features.targets import replay
from symdrive.maps.route import sparse_plan
from symdrive.record.reader import open_run
from symdrive.world.rig import BLIND_RIG, LEAD_RIG, NANO_RIG


def test_live_and_recorded_are_equal(drives: Any, features: FeatureConfig) -> None:
    run = open_run(drives.folder)
    recorded = replay(run, features)
    live = Navigator(sparse_plan(drives.ground().route), features.navigation)
    compared = 0
    for tick in range(drives.num_ticks):
        observation = drives.tick(tick).observation
        state = live.step(observation.position, observation.yaw, observation.speed_mps)
        if tick % 5:
            continue
        ours = encode(as_stored(observation, features), state, features, NANO_RIG)
        frame = run.frame(tick // 5)
        theirs = encode(frame.observation(), recorded[tick], features, NANO_RIG)
        for name, value in vars(ours).items():
            np.testing.assert_array_equal(value, getattr(theirs, name), err_msg=name)
        compared += 1
    assert compared == 16


def test_storing_matters_and_twice_the_lidar_is_once(drives: Any, features: FeatureConfig) -> None:
    observation = drives.tick(0).observation
    stored = as_stored(observation, features)
    assert not np.array_equal(stored.images["front"], observation.images["front"])
    assert not np.array_equal(stored.lidar, observation.lidar)
    np.testing.assert_array_equal(as_stored(stored, features).lidar, stored.lidar)


def test_raster_rows_run_from_left_to_right_and_columns_forwards(features: FeatureConfig) -> None:
    xy = np.array([[10.5, 31.5], [10.5, -31.5], [-15.5, 0.5], [47.5, 0.5], [48.0, 0.0]])
    raster = rasterise(np.column_stack([xy, np.full(5, 1.0)]), features)
    assert raster.shape == (4, 64, 64)
    found = {(int(r), int(c)) for r, c in np.argwhere(raster[3])}
    assert found == {(0, 26), (63, 26), (31, 0), (31, 63)}
    assert raster[:3].sum() == 0


def test_raster_counts_are_cut_and_slices_are_half_open(features: FeatureConfig) -> None:
    xy = np.tile([[5.5, 0.5]], (9, 1))
    z = np.array([0.0] * 7 + [0.3, 3.0])
    raster = rasterise(np.column_stack([xy, z]), features)
    assert raster[1].max() == features.lidar_clip
    assert raster[3].sum() == 1


def test_only_the_own_car_is_left_out_not_a_cross(features: FeatureConfig) -> None:
    inside = np.array([[0.0, 0.0], [2.4, 1.0]])
    outside = np.array([[10.0, 0.5], [0.5, 5.0], [2.5, 0.0], [0.0, 1.1]])
    xy = np.concatenate([inside, outside])
    assert rasterise(np.column_stack([xy, np.ones(6)]), features).sum() == 4


def test_a_shifted_raster_is_that_of_moved_points(features: FeatureConfig) -> None:
    draw = np.random.default_rng(3)
    points = draw.uniform([5.0, -30.0, -1.0], [47.0, 30.0, 3.0], (4000, 3))
    pose = ViewPose(lateral_m=0.7, yaw=-0.15)
    moved = np.column_stack([pose.to_view(points[:, :2]), points[:, 2]])
    shifted = rasterise(points, features, pose)
    assert np.array_equal(shifted, rasterise(moved, features))
    assert not np.array_equal(shifted, rasterise(points, features))


def test_shifted_view_moves_points_the_other_way(drives: Any, features: FeatureConfig) -> None:
    pose = ViewPose(lateral_m=1.0, yaw=np.pi / 2)
    moved = pose.to_view(np.array([[0.0, 1.0], [0.0, 3.0], [2.0, 1.0]]))
    np.testing.assert_allclose(moved, [[0.0, 0.0], [2.0, 0.0], [0.0, -2.0]], atol=1e-12)
    observation = as_stored(drives.tick(0).observation, features)
    state = Navigator(sparse_plan(drives.ground().route), features.navigation).step(
        observation.position, observation.yaw, observation.speed_mps
    )
    plain = encode(observation, state, features, NANO_RIG).target_points
    shifted = encode(observation, state, features, NANO_RIG, ViewPose(0.5, 0.1)).target_points
    np.testing.assert_allclose(ViewPose(0.5, 0.1).to_view(plain), shifted, atol=1e-4)


def test_shrinking_is_the_rounded_mean_of_squares() -> None:
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    image[0, 0] = 255
    image[:2, 2:4] = 9
    small = shrink(image, View("front", 0, 4, 0, 6, 2))
    assert small.shape == (2, 3, 3)
    assert small[0, 0].tolist() == [64, 64, 64]
    assert small[0, 1].tolist() == [9, 9, 9]


def test_stitched_size_is_the_configured_one(drives: Any, features: FeatureConfig) -> None:
    observation = drives.tick(0).observation
    state = Navigator(sparse_plan(drives.ground().route), features.navigation).step(
        observation.position, observation.yaw, observation.speed_mps
    )
    assert encode(observation, state, features, NANO_RIG).image.shape[1:] == features.image_size


def test_a_rig_without_the_views_is_refused(features: FeatureConfig) -> None:
    check_rig(NANO_RIG, features, "here")
    check_rig(LEAD_RIG, replace(features, views=features.views[:3]), "here")
    with pytest.raises(UserError, match="rig 'lead3' has no camera 'road'"):
        check_rig(LEAD_RIG, features, "here")
    with pytest.raises(UserError, match="rig 'blind' has no camera 'left'"):
        check_rig(BLIND_RIG, features, "here")
    tall = replace(features, views=(View("front", 0, 384, 0, 384),), label_stride=1)
    with pytest.raises(UserError, match="64x192 pixels, the features want rows up to 384"):
        check_rig(NANO_RIG, tall, "here")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"views": ()}, "views"),
        ({"views": (View("a", 0, 4, 0, 4), View("b", 0, 8, 0, 8))}, "one height"),
        ({"label_stride": 7}, "label_stride"),
        ({"lidar_slices": ((1.0, 1.0),)}, "low < high"),
        ({"frame": "carla"}, "iso8855"),
    ],
)
def test_features_that_make_no_sense_are_refused(
    features: FeatureConfig, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        replace(features, **changes)
