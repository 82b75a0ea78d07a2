"""Shadow maps against rays that are cast to the sun, and against their own past."""

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.sensors.camera import camera_pose, render_cameras
from symdrive.sensors.light import Look
from symdrive.sensors.rays import cast
from symdrive.sensors.scene import Scene
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, CameraSpec
from symdrive.world.weather import DEFAULT_WEATHER, named_weather

FLOOR = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
BLOCK = ((24.0, 8.0, 5.0), (5.0, 5.0, 5.0), SemanticClass.BUILDING)
ROOF = CameraSpec("roof", (0.35, 0.0, 2.25), 0.0, 384, 288, math.radians(60))
ABOVE = CameraSpec("above", (20.0, 0.0, 30.0), 0.0, 160, 160, 1.0, pitch=-math.pi / 2)
WIDE = CameraSpec("wide", (-12.0, 0.0, 9.0), 0.0, 384, 288, 1.3, pitch=-0.3)
LEVEL = (SemanticClass.ROAD, SemanticClass.SIDEWALK, SemanticClass.ROAD_LINE, SemanticClass.TERRAIN)
MORNING = replace(named_weather("ClearNoon"), sun_altitude_angle=25.0, sun_azimuth_angle=60.0)
HIGH = replace(named_weather("ClearNoon"), sun_altitude_angle=45.0, sun_azimuth_angle=150.0)
EVENING = replace(named_weather("ClearNoon"), sun_altitude_angle=170.0)


@pytest.fixture(scope="module")
def rush_hour():
    """A street with traffic, some seconds into an episode."""
    town = open_town("alder")
    route = Network(town).random_route(generator(0, "shadows"), 200.0, "shadows")
    world = EmbeddedWorld(town, BLIND_RIG)
    world.reset(Episode(route, seed=0, traffic=TrafficConfig(60, 30, 20)))
    for _ in range(80):
        world.step(Control(throttle=0.4))
    return town, world.truth()


def picture(scene, truth, weather, *, shadows, spec=ROOF):
    scene.update(truth.actors, truth.signal_state, Look(weather, shadows))
    actors = truth.actors
    ego = actors.position[0], float(actors.yaw[0]), float(actors.pitch[0])
    return render_cameras(scene, [spec], *ego, skip_row=0)[spec.name]


def sunlit_by_casting(scene, truth, spec, depth):
    """Whether nothing stands between each pixel and the sun, by a ray from each."""
    actors = truth.actors
    ego = actors.position[0], float(actors.yaw[0]), float(actors.pitch[0])
    eye, turn = camera_pose(spec, *ego)
    right, down = np.meshgrid(
        np.arange(spec.width) + 0.5 - 0.5 * spec.width,
        np.arange(spec.height) + 0.5 - 0.5 * spec.height,
    )
    ray = (
        turn[:, 0] - (right[..., None] * turn[:, 1] + down[..., None] * turn[:, 2]) / spec.focal_px
    )
    start = (eye + depth[..., None] * 0.9998 * ray).reshape(-1, 3)
    sun = np.broadcast_to(np.array(scene.light.sun_direction), start.shape)
    hits = cast(scene.address, scene.ray_mask(0), start, sun, np.full(len(start), 300.0))
    distance = depth * np.linalg.norm(ray, axis=2)
    return (hits.slot < 0).reshape(depth.shape), distance


@pytest.mark.parametrize("weather", [MORNING, HIGH, EVENING], ids=["25", "45", "10"])
def test_shadows_lie_where_rays_to_the_sun_are_blocked(weather, rush_hour):
    town, truth = rush_hour
    scene = Scene(town)
    plain = picture(scene, truth, weather, shadows=False, spec=WIDE)
    shaded = picture(scene, truth, weather, shadows=True, spec=WIDE)
    lit, distance = sunlit_by_casting(scene, truth, WIDE, plain.labels.depth_m)
    kept = (plain.labels.semantic != SemanticClass.SKY) & (distance < 115.0)
    for edge in (lit.astype(np.uint8), plain.labels.semantic, plain.labels.instance):
        kept &= maximum_filter(edge, 5) == minimum_filter(edge, 5)
    before, after = plain.rgb.astype(float).mean(axis=2), shaded.rgb.astype(float).mean(axis=2)
    bright = kept & lit
    level = kept & np.isin(plain.labels.semantic, LEVEL)
    assert bright.sum() > 3_000
    assert (level & ~lit).sum() > 1_000
    assert (np.abs(after - before)[bright] < 3.0).mean() > 0.97
    fade = (after / np.maximum(before, 1.0))[level & ~lit]
    assert (fade < np.median(fade) + 0.1).mean() > 0.97
    assert np.median(fade) < 0.9


def test_what_the_maps_hold_does_not_depend_on_where_the_eye_was(rush_hour):
    town, truth = rush_hour
    fresh = picture(Scene(town), truth, MORNING, shadows=True)
    scene, far = Scene(town), replace(ROOF, position=(150.0, 40.0, 3.0))
    picture(scene, truth, DEFAULT_WEATHER, shadows=True)
    picture(scene, truth, MORNING, shadows=True, spec=far)
    for step in np.arange(-40.0, 0.0, 5.0).tolist():
        picture(scene, truth, MORNING, shadows=True, spec=replace(ROOF, position=(step, 0.0, 2.0)))
    assert picture(scene, truth, MORNING, shadows=True).rgb.tobytes() == fresh.rgb.tobytes()


def test_the_same_shadows_on_any_number_of_threads(rush_hour):
    if numba.get_num_threads() < 2:
        pytest.skip("this process may use one thread only")
    town, truth = rush_hour
    before, frames = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        frames.append(picture(Scene(town), truth, MORNING, shadows=True).rgb.tobytes())
    numba.set_num_threads(before)
    assert frames[0] == frames[1]


def darkness(scene, actors, skip_row: int | None = 0):
    """Where the picture from above has shadow."""
    pictures = []
    for shadows in (False, True):
        scene.update(actors, np.zeros(0, np.int64), Look(DEFAULT_WEATHER, shadows))
        frame = render_cameras(scene, [ABOVE], np.zeros(3), 0.0, 0.0, skip_row=skip_row)["above"]
        pictures.append(frame.rgb.astype(float).mean(axis=2))
    road = frame.labels.semantic == SemanticClass.ROAD
    return road & (pictures[1] < 0.8 * pictures[0])


def test_the_shadow_of_an_actor_goes_with_it_and_leaves_nothing(actors_of, scene_of):
    here, there = (actors_of([(0, 0, 0), (20, y, 0)]) for y in (5.0, -5.0))
    scene = scene_of(here, (FLOOR,))
    first, second, third = (darkness(scene, actors) for actors in (here, there, here))
    assert first.sum() > 30
    assert second.sum() > 30
    assert not (first & second).any()
    np.testing.assert_array_equal(first, third)
    alone = darkness(scene, actors_of([(0, 0, 0)]))
    assert not alone.any()


def test_a_car_that_is_not_seen_casts_no_shadow(actors_of, scene_of):
    actors = actors_of([(20, 0, 0)])
    scene = scene_of(actors, (FLOOR,))
    assert not darkness(scene, actors, skip_row=0).any()
    scene.update(actors, np.zeros(0, np.int64), Look(DEFAULT_WEATHER, True))
    assert darkness(scene, actors, skip_row=None).sum() > 30


@pytest.mark.parametrize("altitude", [8.0, 20.0, 45.0, 70.0])
def test_nothing_shades_itself(altitude, actors_of, scene_of):
    """With the sun behind the camera, ground and wall look as they do without shadows."""
    weather = replace(DEFAULT_WEATHER, sun_altitude_angle=altitude, sun_azimuth_angle=217.0)
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors, (FLOOR, BLOCK))
    pictures = []
    for shadows in (False, True):
        scene.update(actors, np.zeros(0, np.int64), Look(weather, shadows))
        frame = render_cameras(scene, [ROOF], np.zeros(3), 0.0, 0.0, skip_row=0)["roof"]
        pictures.append(frame.rgb.astype(int))
    wall = frame.labels.semantic == SemanticClass.BUILDING
    ground = (frame.labels.semantic == SemanticClass.ROAD) & (frame.labels.depth_m < 15.0)
    wall = minimum_filter(wall, 5)
    assert wall.sum() > 500
    changed = np.abs(pictures[1] - pictures[0]).max(axis=2) > 2
    assert not changed[ground].any()
    assert changed[wall].mean() < 0.01
