"""Radar: from readings to points, live as from disk, and the objects that it met."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.datasets.runs import Selection, usable_drives
from symdrive.features import config as presets
from symdrive.features.checkpoint import check_fit
from symdrive.features.config import FeatureConfig, RadarFeatures
from symdrive.features.inputs import EGO_VIEW, ViewPose, as_stored, check_rig, encode
from symdrive.features.navigation import Navigator
from symdrive.features.radar import from_mount, radar_inputs
from symdrive.features.scene_labels import Moment, SeenMoment, radar_objects
from symdrive.features.table import DriveSamples, encode_all
from symdrive.features.targets import RunSamples, replay
from symdrive.maps.route import sparse_plan
from symdrive.model import config as models
from symdrive.model.tensors import Inputs, Targets
from symdrive.record.reader import open_run
from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.world.rig import LEAD_RIG, NANO_RIG
from symdrive.world.truth import SignalState, Truth

RIG = replace(NANO_RIG, name="nano_radar", radars=LEAD_RIG.radars)
CAR, BIKE, ADULT = 1, 9, 10  # rows of the catalogue


@pytest.fixture
def wanted(features: FeatureConfig) -> FeatureConfig:
    return replace(features, radar=replace(presets.OFFICIAL_RADAR, points=8, objects=4))


@pytest.fixture(scope="module")
def radar_run(tmp_path_factory: pytest.TempPathFactory, drives: Any) -> Path:
    return drives.record(tmp_path_factory.mktemp("radar") / "run", rig=RIG)


def reading(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def test_a_detection_lies_where_the_mount_looks() -> None:
    left = next(spec for spec in RIG.radars if spec.name == "radar_front_left")
    rear = next(spec for spec in RIG.radars if spec.name == "radar_rear_right")
    straight = reading((0.0, 0.0, 10.0, -2.0))
    side = 10.0 * math.sin(math.radians(45.0))
    np.testing.assert_allclose(from_mount(straight, left), [[2.6 + side, side, 0.6]], atol=1e-5)
    np.testing.assert_allclose(from_mount(straight, rear), [[-2.6 - side, -side, 0.6]], atol=1e-5)
    turned = reading((math.radians(-45.0), 0.1, 10.0, 0.0))
    height = 0.6 + 10.0 * math.sin(0.1)
    ahead = 2.6 + 10.0 * math.cos(0.1)
    np.testing.assert_allclose(from_mount(turned, left), [[ahead, 0.0, height]], atol=1e-4)


def test_each_radar_has_its_rows_and_its_number(wanted: FeatureConfig) -> None:
    near, far = (0.0, 0.0, 10.0, -2.5), (0.0, 0.0, 70.0, 1.0)
    readings = {
        "radar_front_left": reading(far, *[near] * 9),
        "radar_rear_left": reading(near),
    }
    found = radar_inputs(readings, RIG, wanted)
    assert found is not None
    assert found.shape == (4 * 8, 5)
    blocks = found.reshape(4, 8, 5)
    assert (blocks[0, :, 3] == -2.5).all()
    assert not blocks[1:3].any()
    assert blocks[3, 0, 3:].tolist() == [-2.5, 3.0]
    assert blocks[3, 0, 0] < 0 < blocks[3, 0, 1]
    assert not blocks[3, 1:].any()


def test_live_and_recorded_radar_are_equal(
    drives: Any, wanted: FeatureConfig, radar_run: Path
) -> None:
    run = open_run(radar_run)
    recorded = replay(run, wanted)
    live = Navigator(sparse_plan(drives.ground().route), wanted.navigation)
    compared = 0
    for tick in range(40):
        observation = drives.radar_tick(tick, RIG).observation
        state = live.step(observation.position, observation.yaw, observation.speed_mps)
        if tick % 5:
            continue
        ours = encode(as_stored(observation, wanted), state, wanted, RIG)
        theirs = encode(run.frame(tick // 5).observation(), recorded[tick], wanted, RIG)
        for name, value in vars(ours).items():
            np.testing.assert_array_equal(value, getattr(theirs, name), err_msg=name)
        assert ours.radar is not None
        assert np.count_nonzero(ours.radar[:, 3]) > 10
        compared += 1
    assert compared == 8


def test_samples_carry_points_and_objects_of_their_view(
    drives: Any, wanted: FeatureConfig, radar_run: Path
) -> None:
    ground = drives.ground()
    samples = RunSamples(open_run(radar_run), ground.town, ground.raster, wanted)
    plain, shifted = samples.sample(2), samples.sample(2, shifted=True)
    assert plain is not None
    assert shifted is not None
    second = drives.radar_tick(10, RIG).evidence.shifted
    stored = as_stored(replace(drives.tick(10).observation, radar=second.radar), wanted)
    assert plain.inputs.radar is not None
    assert shifted.inputs.radar is not None
    np.testing.assert_array_equal(shifted.inputs.radar, radar_inputs(stored.radar, RIG, wanted))
    assert not np.array_equal(plain.inputs.radar, shifted.inputs.radar)
    objects, moved = plain.targets.radar_objects, shifted.targets.radar_objects
    assert objects is not None
    assert moved is not None
    np.testing.assert_allclose(objects[0], [12.0, 3.0, drives.speed, 1.0], atol=1e-4)
    view = ViewPose(drives.lateral, drives.turn)
    np.testing.assert_allclose(moved[0, :2], view.to_view(objects[:1, :2])[0], atol=1e-4)
    assert not objects[1:].any()


def test_columns_of_inputs_and_labels_have_names_of_their_own(
    wanted: FeatureConfig, radar_run: Path
) -> None:
    assert not set(Inputs._fields) & set(Targets._fields)
    found = usable_drives([radar_run], Selection())
    table = encode_all(found, wanted, workers=0)
    row = DriveSamples(found, wanted).row(1, shifted=True)
    assert set(row) == set(table)
    for name in ("radar", "radar_objects"):
        np.testing.assert_array_equal(table[name][1, 1], row[name])


def moment(actors: Any, points: list[int]) -> Moment:
    many = np.full(len(actors), 99)
    return Moment(actors, many, many, (), int(SignalState.GREEN), None, np.array(points))


def test_objects_go_by_speed_class_and_returns(drives: Any, wanted: FeatureConfig) -> None:
    others = [(ADULT, 9.0, 1.0), (CAR, 20.0, 2.0), (CAR, 12.0, 3.0), (CAR, 15.0, 4.0)]
    actors = drives.actors([*others, (BIKE, 8.0, 0.0), (CAR, 90.0, 0.0)])
    speed = np.array([9.0, 2.0, 2.0, 2.0, 7.0, 5.0, 9.0])
    now = moment(replace(actors, speed=speed), [9, 5, 5, 6, 1, 0, 5])
    found = radar_objects(SeenMoment.of(now, wanted, EGO_VIEW), wanted)
    assert found is not None
    np.testing.assert_allclose(
        found, [[15, 4, 7, 1], [12, 3, 2, 1], [20, 2, 2, 1], [9, 1, 2, 1]], atol=1e-5
    )
    few = replace(wanted, radar=RadarFeatures(("radar_front_left",), objects=1))
    first = radar_objects(SeenMoment.of(now, few, EGO_VIEW), few)
    assert first is not None
    assert first.shape == (1, 4)


def test_the_returns_of_a_car_lie_on_its_box(drives: Any, wanted: FeatureConfig) -> None:
    """The real sensor, the mounts and the evidence agree, with the right signs."""
    ground = drives.ground()
    xyz, yaw = drives.pose(40.0)
    local = drives.actors([(CAR, 9.0, 4.0)])
    cos, sin = math.cos(yaw), math.sin(yaw)
    spots = local.position @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) + xyz
    actors = replace(
        local, position=spots, yaw=np.full(2, yaw), speed=np.array([drives.speed, 0.0])
    )
    truth = Truth(7, 0.35, actors, np.zeros(len(ground.town.signals), dtype=np.int64))
    seen, evidence = SensorSuite(Scene(ground.town), RIG).sense(truth, 1)
    full = replace(wanted, radar=presets.OFFICIAL_RADAR)
    points = radar_inputs(seen.radar, RIG, full)
    assert points is not None
    assert evidence.radar_points is not None
    half = actors.half_extent[1, :2] + 0.05
    on_box = (np.abs(points[:, :2] - [9.0, 4.0]) <= half).all(axis=1)
    assert on_box.sum() == evidence.radar_points[1] > 5
    assert (points[on_box, 3] < 0).all()  # it stands, the ego comes nearer


def test_rigs_and_networks_without_radar_are_refused(
    wanted: FeatureConfig,
) -> None:
    check_rig(RIG, wanted, "here")
    with pytest.raises(UserError, match="has no radar 'radar_front_left'"):
        check_rig(NANO_RIG, wanted, "here")
    with pytest.raises(UserError, match=r"differ in radar.*None"):
        check_fit(models.NANO, wanted)
    with pytest.raises(UserError, match=r"differ in radar"):
        check_fit(models.LEAD_RESNET34_RADAR, presets.OFFICIAL)
    check_fit(models.LEAD_RESNET34_RADAR, presets.OFFICIAL_WITH_RADAR)


def test_features_without_radar_keep_their_name() -> None:
    """Checkpoints from before radar was read stay readable."""
    navigation = replace(presets.NANO.navigation, position_gain=0.15)
    assert replace(presets.NANO, navigation=navigation).digest == "cc76e71ac4835b27"
    assert presets.OFFICIAL_WITH_RADAR.digest != presets.OFFICIAL.digest
