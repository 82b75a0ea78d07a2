"""Sensors with a `sensor_tick` of their own."""

import dataclasses

import numpy as np
import pytest

from symdrive.sensors import suite as suite_module
from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.world.clock import ticks_between
from symdrive.world.rig import CameraSpec, GnssSpec, ImuSpec, LidarSpec, RadarSpec, Rig
from symdrive.world.truth import Truth

RIG = Rig(
    "mixed",
    (
        CameraSpec("slow", (0.3, 0.0, 2.2), 0.0, 32, 24, 1.2, sensor_tick_s=0.25),
        CameraSpec("fast", (0.3, 0.0, 2.2), 0.0, 32, 24, 1.2),
    ),
    (LidarSpec(channels=4, columns=60, sensor_tick_s=0.1),),
    radars=(RadarSpec("radar", (2.6, 0.0, 0.6), 0.0, sensor_tick_s=0.25),),
    gnss=GnssSpec(noise=(1e-5, 1e-5, 0.0), sensor_tick_s=0.2),
    imu=ImuSpec(),
)


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [(0.0, 1), (0.01, 1), (0.05, 1), (0.051, 2), (0.1, 2), (0.25, 5), (1.0, 20)],
)
def test_a_sensor_reads_when_its_time_has_passed(seconds, ticks):
    assert ticks_between(seconds) == ticks


@pytest.fixture
def drive(actors_of):
    """Truths of a car that comes nearer, tick by tick."""

    def truth(tick: int) -> Truth:
        actors = actors_of([(0, 0, 0), (20.0 - tick, 0, 0)])
        return Truth(tick, 0.05 * tick, actors, np.zeros(0, dtype=np.int64))

    return [truth(tick) for tick in range(11)]


def sense(suite: SensorSuite, drive: list[Truth], tick: int):
    return suite.sense(drive[tick], 0, lambda every: drive[tick - tick % every])


def test_each_sensor_holds_its_last_reading(town_of, drive):
    suite = SensorSuite(Scene(town_of()), RIG)
    assert suite.periods == (2, 4, 5)
    seen = [sense(suite, drive, tick)[0] for tick in range(11)]
    assert seen[7].read_at == {
        "slow": 5, "fast": 7, "top": 6, "radar": 5, "gnss": 4, "imu": 7
    }  # fmt: skip
    for tick in range(1, 11):
        before, now = seen[tick - 1], seen[tick]
        same = np.array_equal(before.images["slow"], now.images["slow"])
        assert same == (tick % 5 != 0)
        assert not np.array_equal(before.images["fast"], now.images["fast"])
        assert np.array_equal(before.lidar, now.lidar) == (tick % 2 != 0)
        assert np.array_equal(before.radar["radar"], now.radar["radar"]) == (tick % 5 != 0)
        assert np.array_equal(before.position, now.position) == (tick % 4 != 0)


def test_a_held_reading_is_that_of_its_tick_whoever_asks_when(town_of, drive):
    eager, lazy = (SensorSuite(Scene(town_of()), RIG) for _ in range(2))
    for tick in range(7):
        sense(eager, drive, tick)
    for tick in (7, 3, 7):
        a, seen_a = sense(eager, drive, tick)
        b, seen_b = sense(lazy, drive, tick)
        assert a.lidar.tobytes() == b.lidar.tobytes()
        assert a.images["slow"].tobytes() == b.images["slow"].tobytes()
        assert a.radar["radar"].tobytes() == b.radar["radar"].tobytes()
        np.testing.assert_array_equal(seen_a.pixels, seen_b.pixels)
        np.testing.assert_array_equal(seen_a.radar_points, seen_b.radar_points)


def test_only_due_sensors_are_cast(town_of, drive, monkeypatch):
    cast: list[str] = []
    render = suite_module.render_cameras

    def counted(scene, specs, *args, **kwargs):
        cast.extend(spec.name for spec in specs)
        return render(scene, specs, *args, **kwargs)

    monkeypatch.setattr(suite_module, "render_cameras", counted)
    suite = SensorSuite(Scene(town_of()), RIG)
    for tick in range(10):
        sense(suite, drive, tick)
        sense(suite, drive, tick)
    assert (cast.count("slow"), cast.count("fast")) == (2, 10)


def test_counts_follow_the_actors_by_their_ids(town_of, drive, actors_of):
    rig = Rig("one", (RIG.cameras[0],))
    suite = SensorSuite(Scene(town_of()), rig)
    _, then = sense(suite, drive, 5)
    others = actors_of([(0, 0, 0), (5, 9, 0), (15, 0, 0)])
    others = dataclasses.replace(others, actor_id=np.array([1, 7, 2]))
    now = Truth(6, 0.3, others, np.zeros(0, dtype=np.int64))
    _, evidence = suite.sense(now, 0, lambda every: drive[5] if every == 5 else now)
    assert evidence.pixels.tolist() == [0, 0, then.pixels[1]]
    assert then.pixels[1] > 0


def test_a_slower_suite_slows_what_casts_and_nothing_else(town_of):
    suite = SensorSuite(Scene(town_of()), RIG, cast_every=5)
    assert suite.periods == (4, 5)
