"""Kinds of neighbourhood: how large and how dense buildings are, and in which colours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from symdrive.core.seeds import generator
from symdrive.maps.scenery.frontage import Frontage
from symdrive.maps.scenery.palette import Rgb

DISTRICT_M = 130.0


@dataclass(frozen=True)
class Style:
    """A kind of neighbourhood.

    Attributes:
        width_m: least and largest width of a front.
        depth_m: least and largest depth.
        floors: least and largest number of floors.
        setback_m: least and largest distance behind the frontage.
        gap_m: between buildings.
        built: share of the frontage that may be built upon.
        gabled: share of buildings with a gabled roof.
        shops: share of buildings with a shop on the ground floor.
        fenced: share of the frontage with a fence or hedge.
        trees_per_m: trees in yards for each metre of frontage.
        walls: facade colours.
        roofs: roof colours.
    """

    width_m: tuple[float, float]
    depth_m: tuple[float, float]
    floors: tuple[int, int]
    setback_m: tuple[float, float]
    gap_m: float
    built: float
    gabled: float
    shops: float
    fenced: float
    trees_per_m: float
    walls: tuple[Rgb, ...]
    roofs: tuple[Rgb, ...]


DOWNTOWN = Style(
    (12.0, 24.0), (11.0, 18.0), (3, 8), (0.0, 1.2), 0.3, 0.95, 0.0, 0.7, 0.02, 0.01,
    ((176, 164, 148), (150, 92, 74), (196, 188, 172), (128, 134, 142), (206, 176, 132),
     (112, 98, 92), (184, 140, 116)),
    ((104, 102, 100), (120, 114, 106), (86, 88, 92)),
)  # fmt: skip
TERRACE = Style(
    (7.0, 12.0), (9.0, 12.0), (2, 4), (0.3, 1.8), 0.2, 0.92, 0.75, 0.25, 0.15, 0.03,
    ((206, 178, 146), (172, 96, 76), (222, 206, 168), (148, 166, 178), (198, 130, 104),
     (214, 214, 206), (164, 172, 138)),
    ((150, 78, 60), (112, 70, 60), (92, 88, 90)),
)  # fmt: skip
SUBURB = Style(
    (9.0, 14.0), (8.0, 11.0), (1, 2), (2.0, 5.0), 4.0, 0.85, 0.95, 0.0, 0.6, 0.08,
    ((226, 218, 200), (214, 190, 158), (188, 202, 206), (236, 232, 224), (202, 164, 132)),
    ((158, 84, 62), (118, 92, 80), (98, 98, 106)),
)  # fmt: skip
WORKS = Style(
    (20.0, 36.0), (14.0, 24.0), (1, 3), (2.0, 6.0), 3.0, 0.8, 0.2, 0.0, 0.5, 0.02,
    ((168, 172, 176), (136, 146, 156), (190, 180, 160), (150, 116, 96)),
    ((124, 128, 132), (98, 102, 106)),
)  # fmt: skip
COUNTRY = Style(
    (9.0, 16.0), (8.0, 13.0), (1, 2), (6.0, 16.0), 12.0, 0.12, 1.0, 0.0, 0.12, 0.2,
    ((206, 186, 156), (168, 100, 78), (226, 220, 206)),
    ((142, 76, 58), (96, 90, 86)),
)  # fmt: skip

STYLES = (DOWNTOWN, TERRACE, SUBURB, WORKS, COUNTRY)
# How often a district with sidewalks is of each style; without sidewalks all land is country.
URBAN_SHARES = (0.36, 0.34, 0.22, 0.08, 0.0)


def districts(frontage: Frontage, seed: int) -> Int[np.ndarray, " point"]:
    """Row of `STYLES` for each frontage point: points nearest to one random site share a style."""
    rng = generator(seed, "scenery.districts")
    low, high = frontage.xy.min(axis=0), frontage.xy.max(axis=0)
    count = int(np.ceil(np.prod((high - low) / DISTRICT_M + 1.0)))
    sites: Float[np.ndarray, "site 2"] = rng.uniform(low, high, (count, 2))
    style = rng.choice(len(STYLES), size=count, p=URBAN_SHARES)
    near = style[cKDTree(sites).query(frontage.xy)[1]]
    return np.where(frontage.urban, near, STYLES.index(COUNTRY))
