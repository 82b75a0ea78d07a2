"""Presets hold the published numbers; LEAD's draw is its own; absurd skies are refused."""

from collections import Counter
from dataclasses import replace

import pytest

from symdrive.core.config import from_plain, to_plain
from symdrive.core.errors import UserError
from symdrive.world.weather import (
    DEFAULT_WEATHER,
    PARAMETERS,
    Visibility,
    Weather,
    carla_presets,
    drawn_preset,
    lamps_on,
    lead_presets,
    named_weather,
    weather_names,
)


def test_carlas_presets_are_those_of_the_wheel():
    carla = pytest.importorskip("carla", reason="needs the carla wheel (the carla extra)")
    kind = carla.WeatherParameters
    published = {n: v for n in dir(kind) if isinstance(v := getattr(kind, n), kind)}
    assert set(carla_presets()) == set(published) - {"Default"}
    for name, preset in carla_presets().items():
        for key in PARAMETERS:
            assert getattr(preset.weather, key) == pytest.approx(getattr(published[name], key))


def test_lead_has_52_weathers_in_four_classes():
    """Counts: the reference, section 1.12."""
    classes = Counter(preset.visibility for preset in lead_presets().values())
    assert classes == {
        Visibility.CLEAR: 10,
        Visibility.OK: 11,
        Visibility.LIMITED: 15,
        Visibility.VERY_LIMITED: 16,
    }
    for name, preset in lead_presets().items():
        if name.endswith("Night"):
            assert preset.visibility == Visibility.VERY_LIMITED
            assert preset.weather.sun_altitude_angle == -90
            assert 60 <= preset.weather.fog_density <= 100
    alike = replace(lead_presets()["ClearNoon"], name="Custom0", visibility=Visibility.LIMITED)
    assert lead_presets()["Custom0"] == alike


def test_names_lead_to_carla_first():
    assert named_weather("ClearNoon").sun_altitude_angle == 45
    assert named_weather("lead.ClearNoon").sun_altitude_angle == 90
    assert named_weather("FoggyWetNoon") == lead_presets()["FoggyWetNoon"].weather
    assert named_weather("default") == DEFAULT_WEATHER
    assert all(isinstance(named_weather(name), Weather) for name in weather_names())


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match="no weather is called 'ClearNon'; did you mean 'ClearNoon"):
        named_weather("ClearNon")


def test_the_draw_moves_within_leads_bounds():
    presets = lead_presets()
    names = set[str]()
    for route in range(600):
        drawn = drawn_preset(7, f"route {route}")
        before, after = presets[drawn.name].weather, drawn.weather
        names.add(drawn.name)
        reach = 45 if "Noon" in drawn.name else 0 if "Custom" in drawn.name else 15
        assert abs(after.sun_altitude_angle - before.sun_altitude_angle) <= reach
        assert after.cloudiness == before.cloudiness
        for key in ("wind_intensity", "fog_density", "wetness"):
            old, new = getattr(before, key), getattr(after, key)
            assert abs(new - old) <= (10 if 30 <= old < 80 else 5)
            assert 0 <= new <= 100
    assert names == set(presets)
    assert drawn_preset(7, "a") == drawn_preset(7, "a")
    assert drawn_preset(7, "a") != drawn_preset(8, "a")


@pytest.mark.parametrize(
    ("changes", "on"),
    [
        ({}, False),
        ({"sun_altitude_angle": 10}, True),
        ({"sun_altitude_angle": 166}, True),
        ({"sun_altitude_angle": -90}, True),
        ({"cloudiness": 81}, True),
        ({"fog_density": 41}, True),
        ({"cloudiness": 75}, False),
        ({"cloudiness": 75, "fog_density": 35}, True),
        ({"sun_altitude_angle": 24, "fog_density": 31}, True),
    ],
)
def test_lamps_go_on_as_leads_do(changes, on):
    weather = {key: float(value) for key, value in changes.items()}
    assert lamps_on(replace(DEFAULT_WEATHER, **weather)) is on


@pytest.mark.parametrize("key", PARAMETERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e9, 1e9])
def test_absurd_weather_is_refused(key, value):
    plain = to_plain(DEFAULT_WEATHER) | {key: value}
    with pytest.raises(UserError, match=rf"^run\.json: weather: {key} is "):
        from_plain(Weather, plain, "run.json")
