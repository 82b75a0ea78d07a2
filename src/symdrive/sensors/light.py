"""From weather to light: sun, sky, fog and wetness as the numbers that kernels work with.

Every formula is continuous in the weather's parameters and leaves the default weather exactly as
the constants below have it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from symdrive.world.weather import DEFAULT_WEATHER, Weather, lamps_on

Triple = tuple[float, float, float]

# The default day: red, green, blue.
_HORIZON, _ZENITH = (206.0, 218.0, 229.0), (98.0, 148.0, 212.0)
_SUN_COLOR, _SKY_COLOR = (1.05, 1.0, 0.9), (0.92, 0.98, 1.08)
_SUN_SHARE, _SKY_SHARE, _GROUND_SHARE = 0.62, 0.54, 0.38
_HAZE_PER_M = 0.0011
_SUN_ELEVATION_DEG, _SUN_BEARING_DEG = math.degrees(math.asin(0.8)), math.degrees(math.atan(0.75))

_DEEP_ZENITH, _DEEP_HORIZON = (58.0, 116.0, 206.0), (186.0, 212.0, 236.0)
_GREY_ZENITH, _GREY_HORIZON = (134.0, 140.0, 149.0), (166.0, 171.0, 177.0)
_WARM_ZENITH, _WARM_HORIZON = (96.0, 112.0, 164.0), (248.0, 182.0, 120.0)
_NIGHT_ZENITH, _NIGHT_HORIZON = (7.0, 10.0, 22.0), (30.0, 32.0, 44.0)
_LIT_CLOUDS = (44.0, 41.0, 42.0)
_DUST = (186.0, 148.0, 102.0)
_WARM_SUN, _GREY_SKY, _NIGHT_SKY = (1.32, 0.80, 0.44), (0.98, 0.99, 1.02), (0.80, 0.90, 1.25)

# The share of daylight that a moonless town keeps.
_NIGHT_SHARE = 0.14


class Light(NamedTuple):
    """Sun, sky and haze, in single precision: a double would turn a kernel to double.

    Attributes:
        sun_direction: towards the sun, world, length one.
        sun_color: factor on surfaces.
        sky_color: factor on surfaces.
        sun_share: brightness of the sun on a surface that faces it.
        sky_share: brightness of the sky on a surface that faces up.
        ground_share: brightness of the ground's reflection on a surface that faces down.
        horizon: red, green, blue of the sky at elevation 0; haze and fog have it, too.
        zenith: straight above.
        haze_per_m: how quickly distance fades into the horizon.
    """

    sun_direction: tuple[np.float32, np.float32, np.float32]
    sun_color: tuple[np.float32, np.float32, np.float32]
    sky_color: tuple[np.float32, np.float32, np.float32]
    sun_share: np.float32
    sky_share: np.float32
    ground_share: np.float32
    horizon: tuple[np.float32, np.float32, np.float32]
    zenith: tuple[np.float32, np.float32, np.float32]
    haze_per_m: np.float32


class Air(NamedTuple):
    """What lies between the eye and the world, and on it; single precision.

    Attributes:
        fog_per_m: extinction at the height of the eye.
        fog_from_m: distance before which there is no fog.
        fog_fade: how quickly fog thins out upwards, 1/m.
        fog_color: red, green, blue.
        glow: red, green, blue that the sun adds to the sky (and to fog) around it.
        clouds: how clearly single clouds stand out, 0 to 1.
        drift: of the clouds, texels.
        wet: darkness and gloss of roads, 0 to 1.
        puddles: share of the road under water, 0 to 1.
        dark: how much of what lamps throw shows against daylight, 0 to 1.
        corner: x, y of the first cell of the lamp grid.
        cells: light that lamps throw (`lamps.lamp_grid`).
    """

    fog_per_m: np.float32
    fog_from_m: np.float32
    fog_fade: np.float32
    fog_color: tuple[np.float32, np.float32, np.float32]
    glow: tuple[np.float32, np.float32, np.float32]
    clouds: np.float32
    drift: tuple[np.float32, np.float32]
    wet: np.float32
    puddles: np.float32
    dark: np.float32
    corner: tuple[np.float32, np.float32]
    cells: Float32[np.ndarray, "row column 5"]


def packed(value: Light | Air) -> Float32[np.ndarray, " number"]:
    """All numbers of a light, or of an air without its cells, in a row.

    Numba hands arrays to the threads of a kernel, but no tuples of tuples.
    """
    numbers = [np.atleast_1d(item) for item in value if not isinstance(item, np.ndarray)]
    return np.concatenate(numbers).astype(np.float32)


@njit
@no_type_check
def unpacked_light(row):
    """The light of a row of numbers."""
    return Light(
        (row[0], row[1], row[2]),
        (row[3], row[4], row[5]),
        (row[6], row[7], row[8]),
        row[9],
        row[10],
        row[11],
        (row[12], row[13], row[14]),
        (row[15], row[16], row[17]),
        row[18],
    )


@njit
@no_type_check
def unpacked_air(row, cells):
    """The air of a row of numbers and the lamp grid."""
    return Air(
        row[0],
        row[1],
        row[2],
        (row[3], row[4], row[5]),
        (row[6], row[7], row[8]),
        row[9],
        (row[10], row[11]),
        row[12],
        row[13],
        row[14],
        (row[15], row[16]),
        cells,
    )


@dataclass(frozen=True)
class Look:
    """How a moment is drawn.

    Attributes:
        weather: sun, clouds, fog, rain.
        shadows: whether things cast shadows in cameras.
        seed: of the run; raindrops fall by it.
        tick: of the moment; clouds drift and rain falls with it.
    """

    weather: Weather = DEFAULT_WEATHER
    shadows: bool = False
    seed: int = 0
    tick: int = 0


def sun_place(weather: Weather) -> tuple[float, float]:
    """Elevation and bearing (from x towards y) of the sun as it is drawn, degrees.

    CARLA's documentation leaves open where azimuth 0 lies; here it is where the default day has its
    sun. A sun above the horizon is drawn lower than it stands, the more so the higher it stands (70
    degrees at 53), so that upright faces keep light and shade at noon. Behind the zenith the sun
    goes down on the other side.
    """
    altitude = math.radians(weather.sun_altitude_angle)
    elevation = math.degrees(math.asin(math.sin(altitude)))
    bearing = _SUN_BEARING_DEG - weather.sun_azimuth_angle
    if math.cos(altitude) < 0.0:
        bearing += 180.0
    bend = (1.0 - _SUN_ELEVATION_DEG / 70.0) / 70.0
    return elevation * (1.0 - bend * max(elevation, 0.0)), bearing


@dataclass(frozen=True)
class _Mood:
    """What the looks of a weather depend on, each 0 to 1.

    Attributes:
        day: between night and daylight.
        warm: how low the sun is.
        gloom: how far clouds and rain exceed the default's.
        blue: how far clouds fall short of the default's.
        dust: of a dust storm.
    """

    day: float
    warm: float
    gloom: float
    blue: float
    dust: float

    @staticmethod
    def of(weather: Weather) -> "_Mood":
        """From the sun's place and what is in the air."""
        elevation, _ = sun_place(weather)
        surplus = (weather.cloudiness - DEFAULT_WEATHER.cloudiness) / 50.0
        dust = weather.dust_storm / 100.0
        return _Mood(
            day=_smooth((elevation + 6.0) / 14.0),
            warm=_clamped((30.0 - elevation) / 26.0) * _clamped((elevation + 8.0) / 8.0),
            gloom=_clamped(max(surplus, 0.8 * weather.precipitation / 100.0, 0.7 * dust)),
            blue=_clamped(-surplus),
            dust=dust,
        )


@lru_cache(maxsize=8)  # asked for in every tick, and the weather stays
def light_of(weather: Weather) -> Light:
    """Sun and sky of a weather."""
    mood = _Mood.of(weather)
    elevation, bearing = (math.radians(angle) for angle in sun_place(weather))
    level = math.cos(elevation)
    direction = (level * math.cos(bearing), level * math.sin(bearing), math.sin(elevation))
    horizon, zenith = _sky(weather, mood)
    risen = _clamped(math.degrees(elevation) / 6.0 + 0.15)
    sun = _SUN_SHARE * (1.0 + 0.22 * mood.blue) * (1.0 - 0.94 * mood.gloom) * risen
    spread = (1.0 - 0.10 * mood.blue) * (1.0 - 0.24 * mood.gloom) * (1.0 - 0.18 * mood.warm)
    spread *= _between(_NIGHT_SHARE, 1.0, mood.day)
    sky = _mixed(_mixed(_SKY_COLOR, _GREY_SKY, mood.gloom), _NIGHT_SKY, 1.0 - mood.day)
    tint = tuple(value / 170.0 for value in _DUST)
    return Light(
        _triple(direction),
        _triple(_mixed(_mixed(_SUN_COLOR, _WARM_SUN, mood.warm), tint, 0.6 * mood.dust)),
        _triple(_mixed(sky, tint, 0.5 * mood.dust * mood.day)),
        np.float32(sun),
        np.float32(_SKY_SHARE * spread),
        np.float32(_GROUND_SHARE * spread),
        _triple(horizon),
        _triple(zenith),
        np.float32(_HAZE_PER_M),
    )


def _sky(weather: Weather, mood: _Mood) -> tuple[Triple, Triple]:
    """Colours at the horizon and straight above."""
    horizon = _mixed(_mixed(_HORIZON, _DEEP_HORIZON, mood.blue), _GREY_HORIZON, mood.gloom)
    zenith = _mixed(_mixed(_ZENITH, _DEEP_ZENITH, mood.blue), _GREY_ZENITH, mood.gloom)
    # Rayleigh scattering makes the sky blue: none leaves it as pale as its horizon.
    rayleigh = weather.rayleigh_scattering_scale / DEFAULT_WEATHER.rayleigh_scattering_scale
    zenith = _mixed(zenith, horizon, 0.7 * _clamped(1.0 - rayleigh))
    zenith = _mixed(zenith, (30.0, 84.0, 190.0), 0.6 * _clamped(math.log1p(rayleigh) - math.log(2)))
    warm = mood.warm * (1.0 - 0.75 * mood.gloom)
    horizon, zenith = _mixed(horizon, _WARM_HORIZON, warm), _mixed(zenith, _WARM_ZENITH, warm)
    horizon, zenith = (_mixed(c, _DUST, 0.85 * mood.dust) for c in (horizon, zenith))
    night = _mixed(_NIGHT_HORIZON, _LIT_CLOUDS, mood.gloom)
    above = _mixed(_NIGHT_ZENITH, _LIT_CLOUDS, 0.5 * mood.gloom)
    return _mixed(night, horizon, mood.day), _mixed(above, zenith, mood.day)


_NO_CELLS = np.zeros((2, 2, 5), dtype=np.float32)


def air_of(look: Look) -> Air | None:
    """What lies in the air and on the road, without the light of lamps; None on a dry, clear day.

    Sizes: fog of density 60 lets one in twenty through at 270 m, of 100 at 110 m; a full dust storm
    at 90 m.
    """
    weather, mood = look.weather, _Mood.of(look.weather)
    light = light_of(weather)
    rain, dust = weather.precipitation / 100.0, weather.dust_storm / 100.0
    fog = 0.04 * (weather.fog_density / 100.0) ** 1.7 + 0.004 * rain + 0.05 * dust
    # CARLA's presets scatter by 1 (fog) and 0.03 (Mie); its halo grows with both.
    halo = weather.mie_scattering_scale / 0.03 * 0.3 + weather.scattering_intensity * 0.1
    halo *= float(light.sun_share) / _SUN_SHARE
    glow = tuple(255.0 * min(halo, 1.5) * float(c) for c in light.sun_color)
    lamps = lamps_on(weather)
    wind = 0.02 * weather.wind_intensity * look.tick * 0.05
    air = Air(
        np.float32(fog),
        np.float32(min(weather.fog_distance, 1e4)),
        np.float32(0.05 * weather.fog_falloff),
        light.horizon,
        _triple(glow),
        np.float32(mood.gloom * 0.8),
        (np.float32(wind % 512.0), np.float32((0.4 * wind) % 512.0)),
        np.float32(
            _clamped(max(weather.wetness, weather.precipitation) / 100.0 + 0.25 * _wet(look))
        ),
        np.float32(_wet(look)),
        np.float32((1.0 - mood.day) ** 0.5 if lamps else 0.0),
        (np.float32(0.0), np.float32(0.0)),
        _NO_CELLS,
    )
    seen = (air.fog_per_m, air.clouds, air.wet, air.dark, *air.glow)
    return air if any(value > 0.0 for value in seen) else None


def _wet(look: Look) -> float:
    """Share of the road under water."""
    return look.weather.precipitation_deposits / 100.0


def _mixed(a: Triple | tuple[float, ...], b: Triple | tuple[float, ...], share: float) -> Triple:
    """From a (0) to b (1)."""
    x, y, z = (_between(p, q, share) for p, q in zip(a, b, strict=True))
    return x, y, z


def _between(a: float, b: float, share: float) -> float:
    return a if share == 0.0 else b if share == 1.0 else a + (b - a) * share


def _clamped(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _smooth(value: float) -> float:
    share = _clamped(value)
    return share * share * (3.0 - 2.0 * share)


def _triple(values: tuple[float, ...]) -> tuple[np.float32, np.float32, np.float32]:
    x, y, z = (np.float32(value) for value in values)
    return x, y, z
