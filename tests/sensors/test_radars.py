import dataclasses
import math

import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.sensors.radar import detect
from symdrive.world.observation import RadarColumn as Column
from symdrive.world.rig import LEAD_RIG, RadarSpec
from symdrive.world.truth import Trail

WALL = ((30.0, 0.0, 5.0), (0.5, 40.0, 5.0), SemanticClass.BUILDING)
AHEAD = RadarSpec("ahead", (2.6, 0.0, 0.6), 0.0, math.radians(90), math.radians(0.1), points=400)


def read(scene, truth, spec=AHEAD, seed=0):
    return detect(scene, spec, truth, generator(seed, "t"), skip_row=0)


@pytest.fixture
def before_a_wall(actors_of, truth_of, scene_of):
    actors = actors_of([(0, 0, 0), (20, 0, 0)])
    return scene_of(actors, (WALL,)), truth_of(actors)


def test_depth_and_angles_lead_back_to_the_surfaces(before_a_wall):
    scene, truth = before_a_wall
    frame = read(scene, truth)
    azimuth, altitude, depth = frame.points[:, :3].T
    x = AHEAD.position[0] + depth * np.cos(altitude) * np.cos(azimuth)
    y = depth * np.cos(altitude) * np.sin(azimuth)
    on_wall = np.abs(x - 29.5) < 0.01
    on_car = (np.abs(x - 17.6) < 1.0) & (np.abs(y) < 1.1)
    assert (on_wall | on_car).all()
    assert frame.counts.tolist() == [0, int(on_car.sum())]
    assert on_car.sum() > 5
    assert on_wall.sum() > 100


def test_rays_are_uniform_in_radius_and_angle(actors_of, truth_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    screen = ((30.0, 0.0, 0.0), (0.5, 80.0, 80.0), SemanticClass.BUILDING)
    scene, truth = scene_of(actors, (screen,)), truth_of(actors)
    wide = dataclasses.replace(AHEAD, points=20000, vertical_fov=math.radians(20))
    azimuth, altitude = read(scene, truth, wide).points[:, :2].T
    radius = np.hypot(
        np.tan(azimuth) / math.tan(math.radians(45)),
        np.tan(altitude) / np.cos(azimuth) / math.tan(math.radians(10)),
    )
    counts, _ = np.histogram(radius, bins=10, range=(0, 1))
    assert counts.sum() == 20000
    np.testing.assert_allclose(counts, 2000, atol=200)


def test_what_comes_nearer_has_a_negative_velocity(before_a_wall):
    scene, truth = before_a_wall
    standing = read(scene, truth).points
    np.testing.assert_allclose(standing[:, Column.VELOCITY], 0.0, atol=1e-6)
    speed = np.array([10.0, 4.0])
    driving = dataclasses.replace(truth, actors=dataclasses.replace(truth.actors, speed=speed))
    points = read(scene, driving).points
    cos = np.cos(points[:, Column.AZIMUTH])
    on_car = points[:, Column.DEPTH] * cos < 20.0
    np.testing.assert_allclose(points[~on_car, 3], -10.0 * cos[~on_car], atol=1e-3)
    np.testing.assert_allclose(points[on_car, 3], -6.0 * cos[on_car], atol=1e-3)


def test_left_is_positive_and_so_is_up(actors_of, truth_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    high_on_the_left = ((20.0, 8.0, 6.0), (1.0, 1.0, 1.0), SemanticClass.BUILDING)
    spec = dataclasses.replace(AHEAD, vertical_fov=math.radians(90), points=4000)
    points = read(scene_of(actors, (high_on_the_left,)), truth_of(actors), spec).points
    assert len(points) > 3
    assert (points[:, Column.AZIMUTH] > 0.2).all()
    assert (points[:, Column.ALTITUDE] > 0.1).all()


def test_the_sensor_moves_with_the_way_of_its_mount(before_a_wall):
    scene, truth = before_a_wall
    # The car has turned on the spot by 0.02 rad: a side mount moved forwards, 1 m from the centre.
    trail = Trail(np.zeros((3, 3)), np.array([0.0, -0.02, -0.04]), np.zeros(3))
    side = dataclasses.replace(AHEAD, position=(0.0, -1.0, 0.6), horizontal_fov=0.02)
    points = read(scene, dataclasses.replace(truth, trail=trail), side).points
    np.testing.assert_allclose(points[:, 3], -0.4, atol=0.01)


def test_leads_radars_look_to_the_four_corners(actors_of, truth_of, scene_of):
    around = [(0, 0, 0), (22, 20, 0), (22, -20, 0), (-22, 20, 0), (-22, -20, 0)]
    actors = actors_of(around)
    scene, truth = scene_of(actors), truth_of(actors)
    for row, spec in enumerate(LEAD_RIG.radars, start=1):
        assert spec.points == 75
        counts = np.sum([read(scene, truth, spec, seed).counts for seed in range(12)], axis=0)
        assert counts[row] > 0, spec.name
        assert counts.sum() == counts[row], spec.name


def test_nothing_within_range_is_no_detection(actors_of, truth_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors, (WALL,))
    near = read(scene, truth_of(actors), dataclasses.replace(AHEAD, range_m=20.0))
    assert near.points.shape == (0, 4)
    assert near.counts.tolist() == [0]


def test_same_seed_same_bytes(before_a_wall):
    scene, truth = before_a_wall
    assert read(scene, truth).points.tobytes() == read(scene, truth).points.tobytes()
    assert read(scene, truth).points.tobytes() != read(scene, truth, seed=1).points.tobytes()
