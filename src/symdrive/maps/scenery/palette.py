"""Colours and layer heights of the scenery; RGB 0..255, metres above the lane's centre line."""

from typing import Final

import numpy as np
from jaxtyping import UInt8

Rgb = tuple[int, int, int]

ASPHALT: Final[Rgb] = (82, 83, 86)
ASPHALT_JUNCTION: Final[Rgb] = (79, 80, 83)
ASPHALT_PARKING: Final[Rgb] = (96, 95, 95)
ASPHALT_SHOULDER: Final[Rgb] = (101, 100, 97)
ASPHALT_BIKING: Final[Rgb] = (128, 82, 72)
PAINT_WHITE: Final[Rgb] = (228, 228, 222)
PAINT_YELLOW: Final[Rgb] = (224, 178, 44)
PAVING: Final[Rgb] = (158, 154, 147)
KERB: Final[Rgb] = (186, 184, 178)
GRASS: Final[Rgb] = (98, 128, 66)
APRON: Final[Rgb] = (140, 137, 128)
TRUNK: Final[Rgb] = (92, 70, 52)
METAL: Final[Rgb] = (88, 92, 96)
HOUSING: Final[Rgb] = (26, 28, 30)
LAMPS_OFF: Final[tuple[Rgb, Rgb, Rgb]] = ((72, 16, 16), (74, 58, 12), (12, 58, 34))
SIGN_RED: Final[Rgb] = (186, 24, 32)
SIGN_WHITE: Final[Rgb] = (236, 236, 236)
SIGN_BACK: Final[Rgb] = (128, 130, 132)

# Layers: the junction area lies under the strips that run into it, driving lanes over the strips
# beside them, paint over all. Paint is lifted by more than the sagitta of a 4 m chord on the
# sharpest crest that roads have (3 mm).
JUNCTION_M: Final = -0.006
BESIDE_M: Final = -0.003
PAINT_M: Final = 0.012
CROSSWALK_M: Final = 0.02
STOP_LINE_M: Final = 0.024
SIDEWALK_M: Final = 0.15
TERRAIN_M: Final = -0.08


def uniform(rgb: Rgb, count: int) -> UInt8[np.ndarray, "n 3"]:
    """One colour for `count` faces or solids."""
    return np.broadcast_to(np.array(rgb, dtype=np.uint8), (count, 3)).copy()


def tinted(
    rgb: Rgb, count: int, spread: float, rng: np.random.Generator
) -> UInt8[np.ndarray, "n 3"]:
    """One colour with a random brightness for each row: factor uniform in 1 +- `spread`."""
    return shaded(uniform(rgb, count), spread, rng)


def shaded(
    color: UInt8[np.ndarray, "n 3"], spread: float, rng: np.random.Generator
) -> UInt8[np.ndarray, "n 3"]:
    """Each row with a random brightness: factor uniform in 1 +- `spread`."""
    factor = rng.uniform(1.0 - spread, 1.0 + spread, (len(color), 1))
    return np.clip(np.rint(color * factor), 0, 255).astype(np.uint8)
