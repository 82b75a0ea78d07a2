import gc
import math
import resource
from pathlib import Path

import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.sensors.localisation import localise
from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.world.evidence import shifted_mount
from symdrive.world.rig import (
    BLIND_RIG,
    CameraSpec,
    LidarSpec,
    LocalisationSpec,
    Rig,
    three_cameras,
)

SMALL = three_cameras("small", 64, LidarSpec(channels=16, columns=90))
CROWD = [(0, 0, 0), (12, 0, 0), (-8, 3, 0), (10, 14, 0)]


@pytest.fixture
def truth(actors_of, truth_of):
    return truth_of(actors_of(CROWD, yaw=[0.1, 0.4, 2.0, 1.0]))


def test_evidence_has_a_row_for_every_actor(truth, town_of):
    observation, evidence = SensorSuite(Scene(town_of()), SMALL).sense(truth, 0)
    assert list(observation.images) == ["left", "front", "right"]
    assert observation.tick == 3
    assert observation.lidar.shape[1] == 4
    assert evidence.pixels.shape == evidence.lidar_points.shape == (4,)
    assert evidence.pixels[0] == evidence.lidar_points[0] == 0
    assert evidence.pixels[1] > 50
    assert evidence.lidar_points[2] > 0
    every = np.concatenate([labels.instance.ravel() for labels in evidence.labels.values()])
    np.testing.assert_array_equal(evidence.pixels, np.bincount(every, minlength=5)[1:])


def test_the_same_truth_and_seed_give_the_same_bytes(truth, town_of):
    suite = SensorSuite(Scene(town_of()), SMALL)
    first, _ = suite.sense(truth, 5)
    suite.shifted_view(truth, 0.8, 0.1, 5)
    again, _ = suite.sense(truth, 5)
    other, _ = SensorSuite(Scene(town_of()), SMALL).sense(truth, 5)
    for repeat in (again, other):
        assert repeat.lidar.tobytes() == first.lidar.tobytes()
        assert repeat.position.tobytes() == first.position.tobytes()
        assert repeat.images["front"].tobytes() == first.images["front"].tobytes()
    assert SensorSuite(Scene(town_of()), SMALL).sense(truth, 6)[0].lidar.tobytes() != (
        first.lidar.tobytes()
    )


def test_a_blind_rig_counts_nothing_and_builds_nothing(truth, town_of):
    scene = Scene(town_of())
    observation, evidence = SensorSuite(scene, BLIND_RIG).sense(truth, 0)
    assert (evidence.pixels == -1).all()
    assert (evidence.lidar_points == -1).all()
    assert observation.lidar.shape == (0, 4)
    assert "_trees" not in vars(scene)


def test_a_rig_without_lidar_says_so(truth, town_of):
    rig = Rig("eye", (CameraSpec("front", (0.0, 0.0, 2.0), 0.0, 64, 48, 1.0),))
    _, evidence = SensorSuite(Scene(town_of()), rig).sense(truth, 0)
    assert (evidence.lidar_points == -1).all()
    assert evidence.pixels[1] > 0


def test_several_lidars_add_up(truth, town_of):
    low = LidarSpec("low", (0.0, 0.0, 1.9), channels=8, columns=90)
    high = LidarSpec("high", (0.0, 0.0, 2.5), channels=8, columns=90)

    def sense(*lidars):
        return SensorSuite(Scene(town_of()), Rig("r", (), lidars)).sense(truth, 0)

    (a, seen_a), (b, seen_b), (both, seen) = sense(low), sense(high), sense(low, high)
    np.testing.assert_array_equal(both.lidar, np.concatenate([a.lidar, b.lidar]))
    np.testing.assert_array_equal(seen.lidar_points, seen_a.lidar_points + seen_b.lidar_points)


def test_the_shifted_view_is_the_view_of_a_shifted_rig(truth, town_of):
    suite = SensorSuite(Scene(town_of()), SMALL)
    view = suite.shifted_view(truth, 1.5, 0.2, 0)
    moved = Rig("moved", tuple(shifted_mount(spec, 1.5, 0.2) for spec in SMALL.cameras))
    observation, evidence = SensorSuite(suite.scene, moved).sense(truth, 0)
    assert (view.lateral_m, view.yaw) == (1.5, 0.2)
    for name, image in view.images.items():
        np.testing.assert_array_equal(image, observation.images[name])
        np.testing.assert_array_equal(view.labels[name].instance, evidence.labels[name].instance)
    assert (view.images["front"] != suite.sense(truth, 0)[0].images["front"]).any()


def test_noise_of_the_fix_has_the_deviation_of_the_spec():
    spec = LocalisationSpec(position_noise_m=0.5, yaw_noise=0.02, speed_noise_mps=0.1)
    fixes = [
        localise(spec, np.array([3.0, 4.0]), 0.5, 7.0, generator(0, f"t/{k}")) for k in range(2000)
    ]
    position = np.stack([fix.position for fix in fixes])
    np.testing.assert_allclose(position.mean(axis=0), [3.0, 4.0], atol=0.05)
    np.testing.assert_allclose(position.std(axis=0), 0.5, rtol=0.08)
    assert abs(np.std([fix.yaw for fix in fixes]) - 0.02) < 0.002
    assert abs(np.std([fix.speed_mps for fix in fixes]) - 0.1) < 0.01


def test_a_noisy_heading_stays_in_one_turn():
    spec = LocalisationSpec(yaw_noise=0.5)
    yaws = [
        localise(spec, np.zeros(2), math.pi - 0.01, 0.0, generator(k, "t")).yaw for k in range(50)
    ]
    assert min(yaws) >= -math.pi
    assert max(yaws) < math.pi
    assert min(yaws) < 0 < max(yaws)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to read memory use")
def test_scenes_that_are_dropped_give_their_memory_back(truth, town_of):
    floor = [((x * 4.0, y * 4.0, -0.5), (1.9, 1.9, 0.5), 1) for x in range(40) for y in range(40)]
    town = town_of(floor)

    def reset() -> None:
        SensorSuite(Scene(town), Rig("r", (), SMALL.lidars)).sense(truth, 0)

    for _ in range(4):
        reset()
    gc.collect()
    before = _resident_bytes()
    for _ in range(20):
        reset()
    # One leaked scene of 19200 triangles is over 1 MB.
    assert _resident_bytes() - before < 10e6
