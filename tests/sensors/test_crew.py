"""Sensors that are read side by side say what they say one after the other."""

import os
import threading
from dataclasses import replace

import numba
import numpy as np
import pytest

from symdrive.sensors.camera import render_cameras
from symdrive.sensors.crew import do_together, workers_for
from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.world.rig import CameraSpec, LidarSpec, RadarSpec, Rig

CROWD = [(0, 0, 0), (12, 0, 0), (-8, 3, 0), (10, 14, 0)]
CAMERAS = tuple(
    CameraSpec(name, (x, 0.0, z), yaw=yaw, width=96, height=64, fov=1.2)
    for name, x, z, yaw in (
        ("ahead", 1.0, 2.0, 0.0),
        ("drone", 0.0, 25.0, 0.4),
        ("behind", -1.0, 2.0, 3.0),
        ("follower", -12.0, 6.0, 0.0),
    )
)
LIDARS = tuple(LidarSpec(name=f"lidar{k}", channels=16, columns=90) for k in range(3))
RIG = Rig(
    "many", cameras=CAMERAS, lidars=LIDARS, radars=(RadarSpec("radar", (2.0, 0.0, 1.0), yaw=0.0),)
)


@pytest.fixture
def two_threads():
    before = numba.get_num_threads()
    if (os.cpu_count() or 1) < 2:
        pytest.skip("one core has nobody to share with")
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


@pytest.fixture
def truth(actors_of, truth_of):
    return truth_of(actors_of(CROWD, yaw=[0.1, 0.4, 2.0, 1.0]))


def said(suite, truth):
    observation, evidence = suite.sense(truth, 5)
    shifted = suite.shifted_view(truth, 0.8, 0.1, 5)
    assert list(observation.images) == list(shifted.images) == [spec.name for spec in CAMERAS]
    seen = [*observation.images.values(), *shifted.images.values(), observation.lidar]
    labels = [*evidence.labels.values(), *shifted.labels.values()]
    counts = [evidence.pixels, evidence.lidar_points, evidence.radar_points]
    radar = [observation.radar["radar"], shifted.radar["radar"]]
    maps = [(view.semantic, view.instance, view.depth_m) for view in labels]
    return [np.ascontiguousarray(a).tobytes() for a in (*seen, *counts, *radar, *sum(maps, ()))]


@pytest.mark.parametrize("shadows", [False, True])
def test_two_workers_say_what_one_says(truth, town_of, two_threads, shadows):
    assert workers_for(len(CAMERAS)) == 2
    together = said(SensorSuite(Scene(town_of()), RIG, shadows=shadows), truth)
    numba.set_num_threads(1)
    assert workers_for(len(CAMERAS)) == 1
    assert said(SensorSuite(Scene(town_of()), RIG, shadows=shadows), truth) == together


def test_cameras_off_the_car_have_their_own_shadows(truth, town_of, two_threads):
    suite = SensorSuite(Scene(town_of()), RIG, shadows=True)
    together = suite.sense(truth, 5)[0].images
    ego = truth.actors.position[0], float(truth.actors.yaw[0]), float(truth.actors.pitch[0])
    for spec in CAMERAS:
        alone = Scene(town_of())
        alone.update(truth.actors, truth.signal_state, suite.scene.look)
        frame = render_cameras(alone, [spec], *ego, skip_row=0)[spec.name]
        np.testing.assert_array_equal(together[spec.name], frame.rgb)


def test_few_sensors_leave_the_cores_to_the_kernels(two_threads):
    assert workers_for(1) == 1
    assert workers_for(2) == workers_for(9) == 2


def test_results_come_in_the_order_of_the_jobs(two_threads):
    gate = threading.Event()

    def slow():
        assert gate.wait(10.0)
        return "slow"

    def quick():
        gate.set()
        return "quick"

    assert do_together([slow, quick], 2) == ["slow", "quick"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_job_is_raised(two_threads, workers):
    def bad():
        raise ValueError("lens cap")

    with pytest.raises(ValueError, match="lens cap"):
        do_together([bad, lambda: 1], workers)


def test_the_others_have_ended_when_an_error_is_raised(two_threads):
    ended = []

    def bad():
        raise ValueError("lens cap")

    with pytest.raises(ValueError, match="lens cap"):
        do_together([bad, lambda: ended.append(1), lambda: ended.append(2)], 2)
    assert sorted(ended) == [1, 2]


def test_a_worker_uses_its_share_of_the_threads(two_threads):
    assert do_together([numba.get_num_threads] * 4, 2) == [1] * 4
    assert numba.get_num_threads() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_fork_has_workers_of_its_own(two_threads):
    assert do_together([os.getpid] * 2, 2) == [os.getpid()] * 2
    child = os.fork()
    if child == 0:
        os._exit(0 if do_together([lambda: 7] * 2, 2) == [7, 7] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_rig_without_sensors_asks_nobody(truth, town_of, two_threads):
    rig = replace(RIG, cameras=(), lidars=(), radars=())
    observation, _ = SensorSuite(Scene(town_of()), rig).sense(truth, 5)
    assert not observation.images
    assert not len(observation.lidar)
