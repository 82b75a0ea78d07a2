"""What weather does to pictures."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numba
import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.sensors.camera import render_cameras
from symdrive.sensors.light import Look, air_of, light_of, sun_place
from symdrive.sensors.scene import DAY
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import CameraSpec, Rig
from symdrive.world.weather import (
    DEFAULT_WEATHER,
    PARAMETERS,
    Weather,
    carla_presets,
    lead_presets,
    named_weather,
)

GOLDEN = Path(__file__).parent / "golden" / "default_day.png"
FLOOR = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
WALL = ((60.0, 25.0, 6.0), (1.0, 12.0, 6.0), SemanticClass.BUILDING)
LAMPS = [(0, lamp, (20.0, 0.0, 4.0 - 0.5 * lamp)) for lamp in range(3)]
SMALL = CameraSpec("small", (0.0, 0.0, 2.0), 0.0, 160, 120, math.radians(60))
NIGHT = named_weather("ClearNight")


def shoot(street, weather, *, seed=0, tick=0, shadows=False, spec=SMALL):
    scene, actors = street
    scene.update(
        actors, np.zeros(len(scene.town.signals), np.int64), Look(weather, shadows, seed, tick)
    )
    frame = render_cameras(scene, [spec], np.zeros(3), 0.0, 0.0, skip_row=0)[spec.name]
    return frame.rgb.astype(np.float64), frame.labels.semantic


@pytest.fixture
def street(actors_of, scene_of):
    """A car before the camera, a wall, and a signal that is red."""
    actors = actors_of([(0, 0, 0), (12, -1, 0)])
    return scene_of(actors, (FLOOR, WALL), LAMPS), actors


def test_the_default_day_looks_as_it_did_before_there_was_weather():
    """The picture is from before; other CPUs may round a few pixels otherwise."""
    town = open_town("alder")
    route = Network(town).random_route(generator(0, "weather"), 200.0, "weather")
    camera = CameraSpec("small", (0.35, 0.0, 2.25), 0.0, 96, 64, 1.2)
    world = EmbeddedWorld(town, Rig("g", (camera,)))
    world.reset(Episode(route, seed=0, traffic=TrafficConfig(40, 20, 20)))
    for _ in range(60):
        world.step(Control(throttle=0.5))
    seen = world.observe().images["small"]
    stored = np.asarray(cv2.imread(str(GOLDEN)))[:, :, ::-1]
    assert (seen == stored).all(axis=2).mean() > 0.99


def test_the_default_light_is_the_old_constants():
    light = light_of(DEFAULT_WEATHER)
    single = [np.float32(value) for value in (0.48, 0.36, 0.8, 0.62, 0.54, 0.38, 0.0011)]
    assert list(light.sun_direction) == single[:3]
    shares = [light.sun_share, light.sky_share, light.ground_share, light.haze_per_m]
    assert shares == single[3:]
    assert (light.horizon, light.zenith) == ((206, 218, 229), (98, 148, 212))
    assert air_of(DAY) is None


def test_a_trace_of_weather_changes_no_picture(street):
    """Both kernels agree where they meet."""
    plain, _ = shoot(street, DEFAULT_WEATHER)
    trace = replace(DEFAULT_WEATHER, fog_density=1e-3, wetness=1e-4)
    assert air_of(Look(trace)) is not None
    assert np.abs(shoot(street, trace)[0] - plain).max() <= 1


MUCH = Weather(
    cloudiness=60.0,
    precipitation=50.0,
    precipitation_deposits=40.0,
    wind_intensity=20.0,
    sun_azimuth_angle=40.0,
    sun_altitude_angle=30.0,
    fog_density=40.0,
    fog_distance=5.0,
    fog_falloff=1.0,
    wetness=60.0,
    scattering_intensity=1.0,
    mie_scattering_scale=0.03,
    rayleigh_scattering_scale=0.0331,
    dust_storm=20.0,
)


@pytest.mark.parametrize("key", PARAMETERS)
def test_every_parameter_shows(key, street):
    much = {"rayleigh_scattering_scale": 0.2, "mie_scattering_scale": 0.15}
    much |= {"scattering_intensity": 6.0, "fog_falloff": 5.0}
    other = much.get(key, 1.6 * getattr(MUCH, key))
    ahead = replace(SMALL, yaw=math.radians(-5.0))
    before, _ = shoot(street, MUCH, tick=40, spec=ahead)
    after, _ = shoot(street, replace(MUCH, **{key: other}), tick=40, spec=ahead)
    assert (np.abs(after - before).max(axis=2) >= 2).mean() > 0.005


@pytest.mark.parametrize("name", ["ClearNoon", "HardRainSunset", "WetNight", "DustStorm"])
def test_the_same_bytes_on_any_number_of_threads(name, street):
    if numba.get_num_threads() < 2:
        pytest.skip("this process may use one thread only")
    before, pictures = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        pictures.append(shoot(street, named_weather(name), shadows=True)[0].tobytes())
    numba.set_num_threads(before)
    assert pictures[0] == pictures[1]


def test_all_presets_can_be_drawn(street):
    tiny = replace(SMALL, width=16, height=12)
    means = {
        name: shoot(street, preset.weather, spec=tiny)[0].mean()
        for presets in (carla_presets(), lead_presets())
        for name, preset in presets.items()
    }
    assert all(4 < mean < 245 for mean in means.values()), means


def test_night_is_dark_but_signals_are_not(street):
    day, semantic = shoot(street, DEFAULT_WEATHER)
    night, _ = shoot(street, NIGHT)
    assert night.mean() < 0.4 * day.mean()
    red = semantic == SemanticClass.TRAFFIC_LIGHT
    assert night[red].max(axis=0)[0] > 200
    assert (night[red][:, 0] > 150).sum() == (day[red][:, 0] > 150).sum() > 0


def test_headlights_light_the_road_ahead_and_not_beside(actors_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors)
    above = CameraSpec("above", (10.0, 0.0, 40.0), 0.0, 80, 80, 1.0, pitch=-math.pi / 2)
    lit, _ = shoot((scene, actors), NIGHT, spec=above)
    ahead, beside, behind = lit[30, 40].mean(), lit[30, 5].mean(), lit[75, 40].mean()
    assert ahead > 2.5 * beside
    assert ahead > 2.5 * behind
    actors = replace(actors, parked=np.array([True]))
    dark, _ = shoot((scene_of(actors), actors), NIGHT, spec=above)
    assert dark[30, 40].mean() < 1.3 * beside


def test_tail_lights_glow_at_night_unless_parked(actors_of, scene_of):
    def reds(parked: bool) -> int:
        actors = actors_of([(0, 0, 0), (9, 0, 0)])
        actors.parked[1], actors.color[1] = parked, (90, 90, 90)
        picture, _ = shoot((scene_of(actors), actors), NIGHT)
        return int(((picture[..., 0] > 140) & (picture[..., 1] < 60)).sum())

    assert reds(parked=False) > 6
    assert reds(parked=True) == 0


def test_street_lamps_and_some_windows_shine_at_night_and_go_out_again():
    from symdrive.sensors.lamps import town_lamps
    from symdrive.sensors.scene import Scene

    town = open_town("alder")
    lamps = town_lamps(town.mesh)
    assert len(lamps.heads) == 12 * len(lamps.foot) > 0
    assert len(lamps.windows) > 0
    scene = Scene(town)
    world = EmbeddedWorld(town, Rig("none", ()))
    route = Network(town).random_route(generator(0, "weather"), 200.0, "weather")
    world.reset(Episode(route, traffic=TrafficConfig(0, 0, 0)))
    truth = world.truth()
    scene.update(truth.actors, truth.signal_state)
    before = scene.tables.faces.copy()
    foot = lamps.foot[0]
    air = _air_at(scene, truth, Look(NIGHT), foot)
    row, column = (round(float(foot[k] - air.corner[k])) for k in (0, 1))
    assert air.cells[row, column, 0] > 0.8
    assert (scene.tables.faces != before).any(axis=1).sum() >= len(lamps.heads)
    scene.update(truth.actors, truth.signal_state)
    np.testing.assert_array_equal(scene.tables.faces, before)


def _air_at(scene, truth, look, place):
    scene.update(truth.actors, truth.signal_state, look)
    air = scene.air(float(place[0]), float(place[1]))
    assert air is not None
    return air


def test_rain_falls_by_seed_and_tick(street):
    rain = named_weather("HardRainNoon")
    one, _ = shoot(street, rain, seed=3, tick=5)
    assert np.array_equal(one, shoot(street, rain, seed=3, tick=5)[0])
    for seed, tick in ((4, 5), (3, 6)):
        changed = np.abs(one - shoot(street, rain, seed=seed, tick=tick)[0]).max(axis=2) > 4
        assert 0.01 < changed.mean() < 0.5


def test_wet_roads_are_darker_below_and_mirror_the_sky_far_away(street):
    dry, semantic = shoot(street, replace(DEFAULT_WEATHER, cloudiness=60.0))
    wet, _ = shoot(street, replace(DEFAULT_WEATHER, cloudiness=60.0, wetness=100.0))
    road = semantic == SemanticClass.ROAD
    assert wet[110][road[110]].mean() < 0.75 * dry[110][road[110]].mean()
    assert wet[62][road[62]].mean() > dry[62][road[62]].mean()
    wall = semantic == SemanticClass.BUILDING
    np.testing.assert_allclose(wet[wall], dry[wall], atol=1)


def test_fog_hides_what_is_far_and_begins_at_its_distance(street):
    thick = replace(DEFAULT_WEATHER, fog_density=90.0)
    clear, semantic = shoot(street, DEFAULT_WEATHER)
    foggy, _ = shoot(street, thick)
    late, _ = shoot(street, replace(thick, fog_distance=40.0))
    wall = semantic == SemanticClass.BUILDING
    spread = [float(picture[wall].mean(axis=0) @ [1, 0, -1]) for picture in (clear, late, foggy)]
    distance = [abs(value - float(foggy[0, 0] @ [1, 0, -1])) for value in spread]
    assert distance[0] > distance[1] > distance[2]
    np.testing.assert_allclose(late[115], clear[115], atol=1)


def test_a_low_sun_is_warm_and_stands_where_it_should():
    low, high = light_of(named_weather("ClearSunset")), light_of(named_weather("ClearNoon"))
    assert low.horizon[0] > low.horizon[2]
    assert high.horizon[0] < high.horizon[2]
    assert low.sun_direction[2] < high.sun_direction[2]
    noon, evening = replace(DEFAULT_WEATHER, sun_altitude_angle=40.0), DEFAULT_WEATHER
    evening = replace(DEFAULT_WEATHER, sun_altitude_angle=140.0)
    assert sun_place(evening)[0] == pytest.approx(sun_place(noon)[0])
    assert sun_place(evening)[1] - sun_place(noon)[1] == pytest.approx(180.0)
    heights = [
        sun_place(replace(DEFAULT_WEATHER, sun_altitude_angle=a))[0]
        for a in np.arange(-90.0, 91.0).tolist()
    ]
    assert (np.diff(heights) > 0).all()


def test_shadows_are_a_switch(actors_of, scene_of):
    slab = ((20.0, 0.0, 4.0), (2.0, 2.0, 0.2), SemanticClass.WALL)
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors, (FLOOR, slab))
    above = CameraSpec("above", (20.0, 0.0, 20.0), 0.0, 80, 80, 1.2, pitch=-math.pi / 2)
    plain, semantic = shoot((scene, actors), DEFAULT_WEATHER, spec=above)
    shaded, _ = shoot((scene, actors), DEFAULT_WEATHER, spec=above, shadows=True)
    darker = (shaded.mean(axis=2) < 0.8 * plain.mean(axis=2)) & (semantic == SemanticClass.ROAD)
    rows, columns = np.nonzero(darker)
    assert len(rows) > 20
    assert rows.mean() > 42
    assert columns.mean() > 42
    overcast, _ = shoot((scene, actors), named_weather("HardRainNight"), spec=above, shadows=True)
    np.testing.assert_array_equal(
        overcast, shoot((scene, actors), named_weather("HardRainNight"), spec=above)[0]
    )


def test_the_world_draws_the_weather_of_its_episode():
    town = open_town("alder")
    route = Network(town).random_route(generator(0, "weather"), 200.0, "weather")
    world = EmbeddedWorld(town, Rig("g", (replace(SMALL, width=48, height=32),)))
    traffic = TrafficConfig(2, 0, 0)
    pictures = []
    for weather in (DEFAULT_WEATHER, NIGHT, DEFAULT_WEATHER):
        world.reset(Episode(route, traffic=traffic, weather=weather))
        assert world.truth().weather == weather
        pictures.append(world.observe().images["small"].astype(float))
    assert pictures[1].mean() < 0.6 * pictures[0].mean()
    np.testing.assert_array_equal(pictures[0], pictures[2])
