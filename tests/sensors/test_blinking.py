"""Brake lights, indicators, beacons, head and tail lights: when they shine, and how that looks."""

import dataclasses

import numpy as np
import pytest

from symdrive.sensors.blinking import BLINK_HZ, FLASH_HZ, shining_lamps
from symdrive.sensors.camera import render_cameras
from symdrive.sensors.light import Look
from symdrive.sensors.shading import TAIL_BIT
from symdrive.sensors.solids import FaceRole
from symdrive.world.catalogue import MODEL_ROW
from symdrive.world.rig import CameraSpec
from symdrive.world.truth import VehicleLight
from symdrive.world.weather import DEFAULT_WEATHER, named_weather

LEFT, RIGHT, BEACON = (
    VehicleLight.LEFT_BLINKER,
    VehicleLight.RIGHT_BLINKER,
    VehicleLight.SPECIAL_1,
)
TICKS = range(800)
BEHIND = CameraSpec("behind", (0.0, 0.0, 1.6), 0.0, 320, 240, 0.9)


def lit(actors, role: int, row: int, *, dark: bool = False) -> np.ndarray:
    bits = np.array([shining_lamps(actors, tick, dark=dark)[row] for tick in TICKS])
    return (bits >> int(role)) & 1


def begins(on: np.ndarray) -> int:
    return int((np.diff(on) == 1).sum())


@pytest.mark.parametrize(
    ("light", "role", "other"),
    [
        (LEFT, FaceRole.INDICATOR_LEFT, FaceRole.INDICATOR_RIGHT),
        (RIGHT, FaceRole.INDICATOR_RIGHT, FaceRole.INDICATOR_LEFT),
    ],
)
def test_an_indicator_blinks_at_its_rate_and_the_other_does_not(light, role, other, actors_of):
    actors = dataclasses.replace(actors_of([(0, 0, 0)] * 3), lights=np.array([0, int(light), 0]))
    on = lit(actors, role, 1)
    assert begins(on) == pytest.approx(BLINK_HZ * 40.0, abs=1)
    assert on.mean() == pytest.approx(0.5, abs=0.05)
    assert not lit(actors, other, 1).any()
    assert not lit(actors, role, 0).any()


def test_hazard_lights_blink_together_and_neighbours_out_of_step(actors_of):
    both = int(LEFT | RIGHT)
    actors = dataclasses.replace(actors_of([(0, 0, 0)] * 2), lights=np.array([both, both]))
    left, right = (lit(actors, r, 0) for r in (FaceRole.INDICATOR_LEFT, FaceRole.INDICATOR_RIGHT))
    np.testing.assert_array_equal(left, right)
    assert (left != lit(actors, FaceRole.INDICATOR_LEFT, 1)).mean() > 0.1


def test_beacons_flash_in_turn(actors_of):
    actors = dataclasses.replace(actors_of([(0, 0, 0)] * 2), lights=np.array([0, int(BEACON)]))
    blue, red = (lit(actors, role, 1) for role in (FaceRole.BEACON_LEFT, FaceRole.BEACON_RIGHT))
    np.testing.assert_array_equal(blue + red, 1)
    assert begins(blue) == pytest.approx(FLASH_HZ * 40.0, abs=1)


def test_head_and_tail_lights_follow_the_dark_and_parked_cars_have_none(actors_of):
    actors = dataclasses.replace(actors_of([(0, 0, 0)] * 2), parked=np.array([False, True]))
    for role in (FaceRole.HEADLAMP, TAIL_BIT):
        assert lit(actors, role, 0, dark=True).all()
        assert not lit(actors, role, 0).any()
        assert not lit(actors, role, 1, dark=True).any()


def picture(scene, actors, tick: int, weather=DEFAULT_WEATHER):
    scene.update(actors, np.zeros(0, dtype=np.int64), Look(weather, tick=tick))
    frames = render_cameras(scene, [BEHIND], np.zeros(3), 0.0, 0.0, skip_row=0)
    return frames["behind"].rgb.astype(int)


def amber(rgb: np.ndarray) -> np.ndarray:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    return (red > 235) & (green > 130) & (green < 190) & (blue < 60)


@pytest.mark.parametrize("weather", [DEFAULT_WEATHER, named_weather("ClearNight")])
def test_a_picture_shows_the_indicator_on_its_side_while_it_is_lit(weather, actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (7, 0, 0)])
    actors = dataclasses.replace(actors, lights=np.array([0, int(RIGHT)]))
    scene, middle = scene_of(actors), 160
    on = lit(actors, FaceRole.INDICATOR_RIGHT, 1)
    for tick in range(0, 14, 2):
        shines = amber(picture(scene, actors, tick, weather))
        assert (shines[:, middle:].sum() > 8) == bool(on[tick])
        assert not shines[:, :middle].any()


def test_the_beacons_of_a_police_car_shine_in_turn(actors_of, scene_of):
    police = MODEL_ROW["vehicle.dodge.charger_police_2020"]
    actors = actors_of([(0, 0, 0), (9, 0, 0)], model=[0, police])
    actors = dataclasses.replace(actors, lights=np.array([0, int(BEACON)]))
    scene, blue = scene_of(actors), lit(actors, FaceRole.BEACON_LEFT, 1)
    for tick in range(0, 16, 3):
        rgb = picture(scene, actors, tick)
        bright = (rgb[..., 2] > 240) & (rgb[..., 0] < 90) & (rgb[..., 1] < 140)
        assert (bright.sum() > 5) == bool(blue[tick])


def test_lamps_change_with_the_tick_although_the_actors_are_the_same(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (7, 0, 0)])
    actors = dataclasses.replace(actors, lights=np.array([0, int(LEFT)]))
    scene = scene_of(actors)
    seen = {picture(scene, actors, tick).tobytes() for tick in range(14)}
    assert len(seen) == 2
