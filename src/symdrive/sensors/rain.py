"""Raindrops before a camera, as streaks drawn over its picture."""

from typing import no_type_check

import numpy as np
from jaxtyping import UInt8
from numba import njit

from symdrive.core.seeds import derived_seed
from symdrive.sensors.light import Look

_STREAKS_PER_PIXEL = 1.0 / 300.0
_LENGTH_SHARE = 0.085
_LEAN = 0.55


def draw_rain(
    rgb: UInt8[np.ndarray, "height width 3"], look: Look, camera: str, brightness: float
) -> None:
    """Draw the streaks of one moment over a picture, in place; nothing where it does not rain.

    Args:
        rgb: picture.
        look: says how hard it rains and blows; the same seed, tick and camera give the same drops.
        camera: name of the camera.
        brightness: of the sky (`Light.sky_share`); drops are as bright as what they mirror.
    """
    amount = look.weather.precipitation / 100.0
    if amount <= 0.0:
        return
    height, width = rgb.shape[:2]
    count = round(amount * height * width * _STREAKS_PER_PIXEL * (384 / max(height, 384)))
    seed = derived_seed(look.seed, f"rain/{camera}/{look.tick}")
    lean = _LEAN * look.weather.wind_intensity / 100.0
    white = 70.0 + 150.0 * min(brightness / 0.5, 1.0)
    _streaks(rgb, seed, count, lean, np.array([white, 0.12 + 0.2 * amount]))


@njit
@no_type_check
def _next(state):
    """The next number of a 32-bit xorshift generator (Marsaglia 2003), and it as a share of one."""
    state ^= (state << np.uint32(13)) & np.uint32(0xFFFFFFFF)
    state ^= state >> np.uint32(17)
    state ^= (state << np.uint32(5)) & np.uint32(0xFFFFFFFF)
    return state, (state & np.uint32(0xFFFFFF)) / 16777216.0


@njit(cache=True, nogil=True)
@no_type_check
def _streaks(rgb, seed, count, lean, tone):
    """Blend lines of random place, length and strength; `tone` is their grey and their opacity."""
    height, width = rgb.shape[0], rgb.shape[1]
    state = np.uint32(seed | 1)
    for _ in range(16):
        state, _ = _next(state)
    for _ in range(count):
        state, across = _next(state)
        state, down = _next(state)
        state, near = _next(state)
        length = max(int(height * _LENGTH_SHARE * (0.25 + near * near)), 2)
        left, top = across * (width + lean * height) - lean * length, down * height - 0.5 * length
        strength = tone[1] * (0.35 + 0.65 * near)
        for step in range(length):
            y, x = int(top + step), int(left + lean * step)
            if y < 0 or y >= height or x < 0 or x >= width:
                continue
            ends = min(step + 1, length - step) / (0.5 * length)
            share = strength * min(ends, 1.0)
            for channel in range(3):
                value = rgb[y, x, channel]
                rgb[y, x, channel] = np.uint8(value + (tone[0] - value) * share)
