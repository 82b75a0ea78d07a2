import dataclasses
import math

import numba
import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.sensors.lidar import beam_angles, scan
from symdrive.sensors.mount import Pose, rotation
from symdrive.world.rig import LEAD_RIG, LidarSpec

FLOOR = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
WALL = ((30.0, 0.0, 5.0), (0.5, 20.0, 5.0), SemanticClass.BUILDING)
CLEAN = LidarSpec(channels=32, columns=402, dropoff=0.0, noise_m=0.0)
ORIGIN = np.zeros(3)


def turn(
    scene,
    spec=CLEAN,
    *,
    position=ORIGIN,
    yaw=0.0,
    pitch=0.0,
    seed=0,
    reading=0,
    skip_row: int | None = 0,
):
    ego = Pose(position, rotation(yaw, pitch))
    return scan(scene, spec, ego, generator(seed, "t"), reading, skip_row=skip_row)


def test_points_lie_on_surfaces_within_a_centimetre(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]), (FLOOR, WALL))
    points, _ = turn(scene)
    on_floor = np.abs(points[:, 2]) < 0.01
    on_wall = np.abs(points[:, 0] - 29.5) < 0.01
    assert (on_floor | on_wall).all()
    assert on_floor.sum() > 1000
    assert on_wall.sum() > 200


def test_points_stand_in_the_frame_of_the_ego(actors_of, scene_of):
    position, yaw, pitch = np.array([5.0, -3.0, 1.0]), 2.0, 0.1
    points, _ = turn(
        scene_of(actors_of([tuple(position)]), (FLOOR, WALL)),
        position=position,
        yaw=yaw,
        pitch=pitch,
    )
    x = math.cos(pitch) * points[:, 0] - math.sin(pitch) * points[:, 2]
    z = math.sin(pitch) * points[:, 0] + math.cos(pitch) * points[:, 2] + position[2]
    world_x = math.cos(yaw) * x - math.sin(yaw) * points[:, 1] + position[0]
    assert (np.minimum(np.abs(z), np.abs(world_x - 29.5)) < 0.01).all()


def test_intensity_fades_with_distance(actors_of, scene_of):
    points, _ = turn(scene_of(actors_of([(0, 0, 0)])))
    distance = np.linalg.norm(points[:, :3] - np.array(CLEAN.position), axis=1)
    np.testing.assert_allclose(points[:, 3], np.exp(-CLEAN.attenuation_per_m * distance), rtol=1e-4)
    assert distance.max() <= CLEAN.range_m + 0.01


def test_an_actor_behind_a_wall_has_no_returns(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (36, 0, 0), (20, 0, 0)])
    _, counts = turn(scene_of(actors, (FLOOR, WALL)))
    assert counts[0] == counts[1] == 0
    assert counts[2] > 10


def test_the_own_car_is_met_only_when_it_is_not_left_out(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]))
    low = LidarSpec(position=(0.0, 0.0, 2.0), dropoff=0.0, noise_m=0.0, lower=-1.4, upper=-0.2)
    assert turn(scene, low)[1][0] == 0
    assert turn(scene, low, skip_row=None)[1][0] > 100


def test_noise_and_lost_returns_follow_the_spec(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]))
    clean, _ = turn(scene)
    lost, _ = turn(scene, LidarSpec(channels=32, columns=402, dropoff=0.3, noise_m=0.0))
    assert abs(len(lost) / len(clean) - 0.7) < 0.02
    rough, _ = turn(scene, LidarSpec(channels=32, columns=402, dropoff=0.0, noise_m=0.05))
    error = np.linalg.norm(rough[:, :3] - clean[:, :3], axis=1)
    assert abs(math.sqrt((error**2).mean()) - 0.05) < 0.003


def test_same_seed_same_bytes_and_another_seed_other_noise(actors_of, scene_of):
    scene, spec = scene_of(actors_of([(0, 0, 0)])), LidarSpec(channels=8, columns=100)
    a, b, c = turn(scene, spec)[0], turn(scene, spec)[0], turn(scene, spec, seed=1)[0]
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != c.tobytes()


def test_the_same_bytes_on_any_number_of_threads(actors_of, scene_of):
    if numba.get_num_threads() < 2:
        pytest.skip("this process may use one thread only")
    scene = scene_of(actors_of([(0, 0, 0), (9, 2, 0)]), (FLOOR, WALL))
    before, clouds = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        clouds.append(turn(scene, LidarSpec())[0].tobytes())
    numba.set_num_threads(before)
    assert clouds[0] == clouds[1]


def test_two_half_turns_of_leads_lidars_make_a_full_one(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]), (FLOOR, WALL))
    degrees = {0: set[int](), 1: set[int]()}
    for noisy in LEAD_RIG.lidars:
        spec = dataclasses.replace(noisy, dropoff=0.0, dropoff_zero=0.0)
        halves = []
        for reading, seen in degrees.items():
            points, _ = turn(scene, spec, reading=reading)
            halves.append(
                {round(a) % 360 for a in np.degrees(np.arctan2(points[:, 1], points[:, 0]))}
            )
            seen.update(halves[-1])
        assert len(halves[0] & halves[1]) <= 4
    assert degrees[0] == degrees[1] == set(range(360))


def test_beams_turn_clockwise_from_the_left_end_and_go_on_where_they_were():
    spec = LidarSpec(channels=3, columns=90, horizontal_fov=math.radians(90), turn=math.radians(60))
    elevation, first = beam_angles(spec)
    np.testing.assert_allclose(np.degrees(elevation), [10, -10, -30])
    assert first[0] == pytest.approx(math.radians(45))
    assert (np.diff(first) < 0).all()
    assert math.degrees(first.min()) > -15.0
    second = np.degrees(beam_angles(spec, 1)[1])
    assert second[0] == pytest.approx(-15.0)
    assert second.min() > -45.0 - 1e-9
    assert second[-1] > 0.0  # past the right end the beams begin again on the left


def test_a_turned_mount_moves_its_points_with_it(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]), (FLOOR, WALL))
    pose = {"yaw": 0.7, "pitch": -0.05, "roll": 0.1}
    points, _ = turn(scene, dataclasses.replace(CLEAN, **pose))
    on_floor, on_wall = np.abs(points[:, 2]) < 0.01, np.abs(points[:, 0] - 29.5) < 0.01
    assert (on_floor | on_wall).all()
    assert on_wall.sum() > 100


def test_weak_returns_are_lost_as_carla_loses_them(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]))
    spec = dataclasses.replace(CLEAN, attenuation_per_m=0.04, dropoff_limit=0.6, dropoff_zero=0.5)
    all_of_them = turn(scene, dataclasses.replace(spec, dropoff_zero=0.0))[0][:, 3]
    kept = turn(scene, spec)[0][:, 3]
    assert (kept > 0.6).sum() == (all_of_them > 0.6).sum()
    for low, high in ((0.1, 0.3), (0.3, 0.5)):
        chance = 0.5 + 0.5 * all_of_them[(all_of_them > low) & (all_of_them < high)].mean() / 0.6
        share = ((kept > low) & (kept < high)).sum() / (
            (all_of_them > low) & (all_of_them < high)
        ).sum()
        assert share == pytest.approx(chance, abs=0.03)
