"""Weather as CARLA describes it: fourteen parameters, the named presets, and LEAD's draw."""

import csv
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import cache
from importlib.resources import files

import numpy as np

from symdrive.core.errors import UserError
from symdrive.core.seeds import generator

_PERCENT = (0.0, 100.0)
_HALF_TURN = (-180.0, 180.0)
_RANGES: dict[str, tuple[float, float]] = {
    "cloudiness": _PERCENT,
    "precipitation": _PERCENT,
    "precipitation_deposits": _PERCENT,
    "wind_intensity": _PERCENT,
    "sun_azimuth_angle": (-360.0, 360.0),
    "sun_altitude_angle": _HALF_TURN,
    "fog_density": _PERCENT,
    "fog_distance": (0.0, 1e6),
    "fog_falloff": (0.0, 1e3),
    "wetness": _PERCENT,
    "scattering_intensity": (0.0, 1e3),
    "mie_scattering_scale": (0.0, 100.0),
    "rayleigh_scattering_scale": (0.0, 100.0),
    "dust_storm": _PERCENT,
}


@dataclass(frozen=True)
class Weather:
    """CARLA's weather parameters by CARLA's names; percent, degrees and metres as CARLA has them.

    The defaults are the day that leaderboard 2.0 gives a route without weather
    (`route_parser.parse_weather`: a high sun behind half a sky of clouds). The sun's altitude may
    pass the zenith (90) and the nadir (-90), as LEAD's sunset presets do.

    Raises:
        ValueError: for a number that is none, or out of its range.
    """

    cloudiness: float = 50.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 70.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.0
    wetness: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no sky can be."""
        for name, (low, high) in _RANGES.items():
            value = float(getattr(self, name))
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"weather: {name} is {value:g}; from {low:g} to {high:g}")


DEFAULT_WEATHER = Weather()
"""What everything is in that says nothing else."""

PARAMETERS = tuple(f.name for f in fields(Weather))
"""CARLA's names of the parameters, in CARLA's order."""


class Visibility(IntEnum):
    """How far LEAD's expert believes to see in a weather (`common/weathers.py`)."""

    CLEAR = 0
    OK = 1
    LIMITED = 2
    VERY_LIMITED = 3


@dataclass(frozen=True)
class Preset:
    """A weather with a name.

    Attributes:
        name: CARLA's or LEAD's.
        weather: its parameters.
        visibility: LEAD's class; None for CARLA's own presets.
    """

    name: str
    weather: Weather
    visibility: Visibility | None = None


@cache
def carla_presets() -> Mapping[str, Preset]:
    """The named presets of CARLA, without `Default` (which stands for a map's own weather).

    Source: `carla.WeatherParameters` of the 0.9.16 wheel.
    """
    return _table("carla_weathers.csv")


@cache
def lead_presets() -> Mapping[str, Preset]:
    """LEAD's 52 weathers with their visibility classes.

    Many share their name with one of CARLA's, but not the sun: here noon is 90, sunrise 30 and
    sunset 150 degrees. Source: kesai-labs/lead 4489176, `lead/common/weathers.py`; what its custom
    weathers leave out is 0, as in an empty `carla.WeatherParameters`.
    """
    return _table("lead_weathers.csv")


def _table(name: str) -> dict[str, Preset]:
    """The presets of one file."""
    text = (files("symdrive.world") / "tables" / name).read_text(encoding="utf-8")
    found: dict[str, Preset] = {}
    for row in csv.DictReader(text.splitlines()):
        weather = Weather(**{key: float(row[key]) for key in PARAMETERS})
        kind = Visibility[row["visibility"]] if "visibility" in row else None
        found[row["name"]] = Preset(row["name"], weather, kind)
    return found


LEAD_PREFIX = "lead."
DEFAULT_NAME, RANDOM_WEATHER = "default", "random"


def weather_names() -> list[str]:
    """Everything that `named_weather` knows."""
    return [DEFAULT_NAME, *carla_presets(), *(LEAD_PREFIX + name for name in lead_presets())]


def named_weather(name: str) -> Weather:
    """The weather with a name.

    Args:
        name: `default`, one of CARLA's presets (`ClearSunset`), or one of LEAD's (`lead.ClearNoon`;
            the prefix may be left out where CARLA has no preset of that name).

    Raises:
        UserError: for any other name; says the nearest one.
    """
    if name == DEFAULT_NAME:
        return DEFAULT_WEATHER
    own, lead = carla_presets(), lead_presets()
    bare = name.removeprefix(LEAD_PREFIX)
    if name in own:
        return own[name].weather
    if bare in lead:
        return lead[bare].weather
    near = difflib.get_close_matches(name, weather_names(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "known are, for example, ClearNoon, WetNight."
    raise UserError(f"no weather is called {name!r}; {hint}")


def drawn_preset(seed: int, name: str) -> Preset:
    """LEAD's draw for one route: a preset, with its sun, wind, fog and wetness moved a little.

    The presets are equally likely. The sun moves by up to 45 degrees (noon) or 15 (others, but not
    the custom ones); wind, fog and wetness by up to 5 below 30 and from 80 on, else by up to 10,
    and stay in 0 .. 100. Source: kesai-labs/lead 4489176, `lead/expert/expert_data.py:274-320`.

    Args:
        seed: of the run.
        name: of the route; the same seed and name give the same weather.
    """
    random = generator(seed, f"weather/{name}")
    presets = list(lead_presets().values())
    preset = presets[int(random.integers(len(presets)))]
    return replace(preset, weather=_moved(preset, random))


def _moved(preset: Preset, random: np.random.Generator) -> Weather:
    """The weather of a preset, shaken."""
    weather = preset.weather
    reach = 45.0 if "Noon" in preset.name else 0.0 if "Custom" in preset.name else 15.0
    altitude = weather.sun_altitude_angle + random.uniform(-reach, reach)
    changed = {"sun_altitude_angle": float(altitude)}
    for key in ("wind_intensity", "fog_density", "wetness"):
        value = float(getattr(weather, key))
        step = 10.0 if 30.0 <= value < 80.0 else 5.0
        changed[key] = min(max(value + float(random.uniform(-step, step)), 0.0), 100.0)
    return replace(weather, **changed)


_LAMPS_SUN, _LAMPS_CLOUDS, _LAMPS_FOG, _LAMPS_MARGIN = 15.0, 80.0, 40.0, 10.0


def lamps_on(weather: Weather) -> bool:
    """Whether vehicles drive with their lights on.

    LEAD's rule: the sun below 15 degrees (on either side), clouds above 80 or fog above 40, or two
    of the three within 10 of it. Source: kesai-labs/lead 4489176, `get_night_mode` in
    `lead/expert/expert_utils.py`.
    """
    altitude = weather.sun_altitude_angle
    low = min(altitude, 180.0 - altitude)
    excess = (
        _LAMPS_SUN - low,
        weather.cloudiness - _LAMPS_CLOUDS,
        weather.fog_density - _LAMPS_FOG,
    )
    near = sum(value > -_LAMPS_MARGIN for value in excess)
    return any(value > 0.0 for value in excess) or near >= 2
