"""Street lamps along sidewalks and roads."""

import numpy as np
import shapely
from jaxtyping import Float

from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.cover import clear_of
from symdrive.maps.scenery.frontage import SETBACK_M, Frontage
from symdrive.maps.scenery.greenery import FreeLand
from symdrive.maps.scenery.solids import box_rings, join, posts, prisms
from symdrive.maps.town import Mesh

LAMP_EVERY = 15
LAMP_HEIGHT_M = 6.2
ARM_M = 1.2
GLASS_SHADE = (222, 216, 190)


def lamp_places(frontage: Frontage, land: FreeLand) -> tuple[np.ndarray, np.ndarray]:
    """Feet of the lamps, and the unit vectors towards the road; arms end short of it."""
    rows = np.arange(LAMP_EVERY // 2, len(frontage.xy), LAMP_EVERY)
    inset = np.where(frontage.urban[rows], SETBACK_M + 0.3, 0.2)[:, None]
    foot = frontage.xy[rows] - frontage.outward[rows] * inset
    tip = foot - frontage.outward[rows] * (ARM_M + 0.3)
    arm = np.asarray(shapely.linestrings(np.stack([foot, tip], axis=1)))
    free = clear_of(land.cover.roads, arm, 0.25) & clear_of(land.plots, arm, 0.2)
    free &= land.off_walkway(foot) & land.off_control(foot, 4.0)
    return foot[free], -frontage.outward[rows[free]]


def lamps_mesh(
    xy: Float[np.ndarray, "lamp 2"],
    toward: Float[np.ndarray, "lamp 2"],
    foot_z: Float[np.ndarray, " lamp"],
) -> Mesh:
    """Posts with a short arm and a flat lamp head.

    Args:
        xy: foot, m.
        toward: unit vector along the arm.
        foot_z: height of the ground, m.
    """
    count = len(xy)
    metal = palette.uniform(palette.METAL, count)
    top = foot_z + LAMP_HEIGHT_M
    yaw = np.arctan2(toward[:, 1], toward[:, 0])
    parts = [posts(np.column_stack([xy, foot_z - 0.2]), top, 0.07, metal, SemanticClass.POLE)]
    for begin, end, half_width, thick, color in (
        (0.0, ARM_M, 0.04, 0.08, metal),
        (ARM_M - 0.5, ARM_M + 0.2, 0.14, 0.12, palette.uniform(GLASS_SHADE, count)),
    ):
        center = xy + toward * ((begin + end) / 2.0)
        half = np.broadcast_to(np.array([(end - begin) / 2.0, half_width]), (count, 2))
        parts.append(
            prisms(
                box_rings(center, yaw, half, top - thick),
                box_rings(center, yaw, half, top),
                color,
                SemanticClass.POLE,
                floor=True,
            )
        )
    return join(parts)
