"""Trees along sidewalks and in yards, hedges and fences."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.cover import Cover, away_from, clear_of
from symdrive.maps.scenery.frontage import SETBACK_M, Frontage
from symdrive.maps.scenery.plots import Plots
from symdrive.maps.scenery.solids import join, prisms, regular_rings, triangles
from symdrive.maps.scenery.strips import lane_of_point
from symdrive.maps.scenery.styles import STYLES
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable, Mesh

STREET_TREE_EVERY = 6
STREET_TREE_SHARE = 0.75
# Trunks keep this far from the middle of a sidewalk, where people walk.
WALKWAY_M = 0.8
CONTROL_CLEAR_M = 14.0
YARD_M = (3.0, 42.0)
TREE_SPACING_M = 3.2
LEAVES = ((76, 112, 52), (92, 126, 58), (62, 98, 58), (110, 128, 58), (84, 104, 44))
NEEDLES = (48, 84, 62)
HEDGE = (72, 102, 54)
BOARDS = (150, 122, 92)
MASONRY = (168, 156, 142)


@dataclass(frozen=True)
class Trees:
    """Trees.

    Attributes:
        xy: trunk, m.
        radius_m: of the crown.
        conifer: whether it is a cone.
    """

    xy: Float[np.ndarray, "tree 2"]
    radius_m: Float[np.ndarray, " tree"]
    conifer: Bool[np.ndarray, " tree"]


@dataclass(frozen=True)
class FreeLand:
    """What trees and fences have to keep off.

    Attributes:
        cover: lanes.
        plots: buildings, indexed.
        walk: middle points of sidewalks.
        control: feet of traffic lights and stop signs.
    """

    cover: Cover
    plots: shapely.STRtree
    walk: cKDTree
    control: cKDTree

    @classmethod
    def around(
        cls, lanes: LaneTable, cover: Cover, plots: Plots, control: Float[np.ndarray, "n 2"]
    ) -> "FreeLand":
        """Index everything."""
        walk = lanes.points[lanes.kind[lane_of_point(lanes)] == LaneKind.SIDEWALK, :2]
        return cls(cover, shapely.STRtree(plots.polygons()), cKDTree(walk), cKDTree(control))

    def off_walkway(self, xy: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
        """Which points leave the middle of every sidewalk free."""
        return away_from(self.walk, xy, WALKWAY_M)

    def off_control(self, xy: Float[np.ndarray, "n 2"], gap_m: float) -> Bool[np.ndarray, " n"]:
        """Which points are far from traffic lights and stop signs."""
        return away_from(self.control, xy, gap_m)


def plant(frontage: Frontage, style: Int[np.ndarray, " point"], land: FreeLand, seed: int) -> Trees:
    """Street trees at the outer edge of sidewalks, and trees in yards and fields."""
    rng = generator(seed, "scenery.trees")
    rows = np.arange(0, len(frontage.xy), STREET_TREE_EVERY)
    rows = rows[(rng.random(len(rows)) < STREET_TREE_SHARE) & frontage.urban[rows]]
    xy = frontage.xy[rows] - frontage.outward[rows] * (SETBACK_M + 0.45)
    radius = rng.uniform(1.3, 1.8, len(rows))
    fits = _crowns_fit(land.cover.roads, land.plots, xy, radius)
    fits &= land.off_walkway(xy) & land.off_control(xy, CONTROL_CLEAR_M)
    street = Trees(xy[fits], radius[fits], np.zeros(int(fits.sum()), dtype=bool))
    yard = _yard_trees(frontage, style, land, rng)
    return _spaced(
        Trees(
            np.concatenate([street.xy, yard.xy]),
            np.concatenate([street.radius_m, yard.radius_m]),
            np.concatenate([street.conifer, yard.conifer]),
        )
    )


def _yard_trees(
    frontage: Frontage,
    style: Int[np.ndarray, " point"],
    land: FreeLand,
    rng: np.random.Generator,
) -> Trees:
    """Trees at random distances behind the frontage."""
    share = np.array([s.trees_per_m for s in STYLES])[style] * 2.0
    rows = np.flatnonzero(rng.random(len(share)) < share)
    reach = rng.uniform(*YARD_M, len(rows))[:, None]
    xy = frontage.xy[rows] + frontage.outward[rows] * reach
    radius = rng.uniform(1.5, 3.0, len(rows))
    fits = _crowns_fit(land.cover.lanes, land.plots, xy, radius) & land.off_control(xy, 4.0)
    return Trees(xy[fits], radius[fits], rng.random(int(fits.sum())) < 0.3)


def _crowns_fit(
    lanes: shapely.STRtree,
    plots: shapely.STRtree,
    xy: Float[np.ndarray, "n 2"],
    radius_m: Float[np.ndarray, " n"],
) -> Bool[np.ndarray, " n"]:
    """Which crowns are clear of lanes and, but for some twigs, of walls."""
    crowns = shapely.buffer(shapely.points(xy), radius_m)
    return clear_of(lanes, crowns, 0.4) & clear_of(
        plots, shapely.buffer(shapely.points(xy), np.maximum(radius_m - 0.3, 0.5)), 0.0
    )


def _spaced(trees: Trees) -> Trees:
    """The trees without those too close to an earlier one."""
    close = cKDTree(trees.xy).query_pairs(TREE_SPACING_M, output_type="ndarray")
    kept = np.ones(len(trees.xy), dtype=bool)
    kept[close[:, 1]] = False
    return Trees(trees.xy[kept], trees.radius_m[kept], trees.conifer[kept])


def trees_mesh(trees: Trees, foot_z: Float[np.ndarray, " tree"], seed: int) -> Mesh:
    """Trunks and crowns: two blobs of leaves, or two cones of needles.

    Args:
        trees: where they stand.
        foot_z: height of the ground there, m.
        seed: of the town.
    """
    rng = generator(seed, "scenery.crowns")
    height = 2.3 + trees.radius_m * rng.uniform(0.9, 1.3, len(foot_z))
    foot = np.column_stack([trees.xy, foot_z - 0.3])
    girth = 0.09 + 0.05 * trees.radius_m
    neck = np.column_stack([trees.xy, foot_z + height])
    trunks = prisms(
        regular_rings(foot, girth, 5),
        regular_rings(neck, girth * 0.7, 5),
        palette.tinted(palette.TRUNK, len(foot), 0.15, rng),
        SemanticClass.VEGETATION,
    )
    leafy = np.flatnonzero(~trees.conifer)
    needles = np.flatnonzero(trees.conifer)
    return join(
        [
            trunks,
            _blobs(neck[leafy], trees.radius_m[leafy], rng),
            _cones(np.column_stack([trees.xy, foot_z + 1.2])[needles], trees.radius_m[needles]),
        ]
    )


def _blobs(
    neck: Float[np.ndarray, "n 3"], radius_m: Float[np.ndarray, " n"], rng: np.random.Generator
) -> Mesh:
    """A large and a smaller dented ball on each trunk, within the crown's radius."""
    count = len(neck)
    turn = rng.uniform(0.0, 2.0 * np.pi, count)
    aside = np.stack([np.cos(turn), np.sin(turn), np.full(count, 2.0)], axis=1)
    center = np.concatenate(
        [
            neck + np.array([0.0, 0.0, 0.75]) * radius_m[:, None],
            neck + 0.4 * aside * radius_m[:, None] + [0.0, 0.0, 0.7],
        ]
    )
    size = np.concatenate([radius_m, 0.6 * radius_m])
    ball, faces = _icosahedron()
    dent = rng.uniform(0.8, 1.0, (len(center), len(ball), 1))
    scale = np.array([1.0, 1.0, 1.1]) * size[:, None]
    points = center[:, None] + ball * dent * scale[:, None]
    leaf = np.array(LEAVES, dtype=np.uint8)[np.tile(rng.integers(0, len(LEAVES), count), 2)]
    color = palette.shaded(np.repeat(leaf, len(faces), axis=0), 0.12, rng)
    return triangles(points[:, faces].reshape(-1, 3, 3), color, SemanticClass.VEGETATION)


def _icosahedron() -> tuple[Float[np.ndarray, "12 3"], Int[np.ndarray, "20 3"]]:
    """Unit icosahedron: corners, and faces counter-clockwise seen from outside."""
    upper, lower = 2.0 * np.pi * np.arange(5) / 5.0, 2.0 * np.pi * (np.arange(5) + 0.5) / 5.0
    z, r = 1.0 / np.sqrt(5.0), 2.0 / np.sqrt(5.0)
    ring = [
        np.stack([r * np.cos(turn), r * np.sin(turn), np.full(5, level)], axis=1)
        for turn, level in ((upper, z), (lower, -z))
    ]
    corners = np.concatenate([[[0.0, 0.0, 1.0]], *ring, [[0.0, 0.0, -1.0]]])
    i, j = np.arange(5), (np.arange(5) + 1) % 5
    faces = np.concatenate(
        [
            np.stack([np.zeros(5, int), 1 + i, 1 + j], axis=1),
            np.stack([1 + i, 6 + i, 1 + j], axis=1),
            np.stack([6 + i, 6 + j, 1 + j], axis=1),
            np.stack([np.full(5, 11), 6 + j, 6 + i], axis=1),
        ]
    )
    return corners, faces


def _cones(foot: Float[np.ndarray, "n 3"], radius_m: Float[np.ndarray, " n"]) -> Mesh:
    """Two stacked cones for each conifer."""
    parts = []
    for rise, width, tall in ((0.0, 1.0, 1.8), (1.2, 0.7, 1.6)):
        low = foot + np.array([0.0, 0.0, rise]) * radius_m[:, None]
        tip = low + np.array([0.0, 0.0, tall]) * radius_m[:, None]
        parts.append(
            prisms(
                regular_rings(low, width * radius_m, 7),
                regular_rings(tip, np.zeros(len(foot)), 7),
                palette.uniform(NEEDLES, len(foot)),
                SemanticClass.VEGETATION,
                floor=True,
            )
        )
    return join(parts)


def fences(
    frontage: Frontage,
    style: Int[np.ndarray, " point"],
    land: FreeLand,
    ground: HeightGrid,
    seed: int,
) -> Mesh:
    """Hedges, board fences and low walls along the frontage, where no building stands."""
    rng = generator(seed, "scenery.fences")
    stretch = np.arange(len(style)) // 9
    count = int(stretch.max(initial=0)) + 1
    share = np.array([s.fenced for s in STYLES])[style]
    kind = rng.choice(3, size=count, p=(0.55, 0.25, 0.2))[stretch]
    wanted = np.flatnonzero(rng.random(count)[stretch] < share)
    out = frontage.outward * 0.35
    a = frontage.xy[wanted] + out[wanted]
    b = frontage.xy[frontage.after[wanted]] + out[frontage.after[wanted]]
    lines = np.asarray(shapely.linestrings(np.stack([a, b], axis=1)))
    free = clear_of(land.plots, lines, 0.6) & clear_of(land.cover.lanes, lines, 0.6)
    free &= land.off_control((a + b) / 2.0, 2.0)
    a, b, kind = a[free], b[free], kind[wanted[free]]
    half = np.array([0.35, 0.06, 0.12])[kind]
    height = np.array([1.3, 1.5, 0.9])[kind]
    rgb = np.array([HEDGE, BOARDS, MASONRY], dtype=np.uint8)
    classes = (SemanticClass.VEGETATION, SemanticClass.FENCE, SemanticClass.WALL)
    rings = _bars(a, b, half, ground)
    up = np.zeros((len(a), 1, 3))
    up[:, 0, 2] = height
    tint = palette.shaded(rgb[kind], 0.1, rng)
    return join(
        [
            prisms(rings[kind == k] - [0.0, 0.0, 0.3], (rings + up)[kind == k], tint[kind == k], c)
            for k, c in enumerate(classes)
        ]
    )


def _bars(
    a: Float[np.ndarray, "n 2"],
    b: Float[np.ndarray, "n 2"],
    half_m: Float[np.ndarray, " n"],
    ground: HeightGrid,
) -> Float[np.ndarray, "n 4 3"]:
    """Rectangles around segments, on the ground, counter-clockwise seen from above."""
    along = (b - a) / np.maximum(np.linalg.norm(b - a, axis=1, keepdims=True), 1e-9)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * half_m[:, None]
    flat = np.stack([a - side, b - side, b + side, a + side], axis=1)
    z = ground.height(flat.reshape(-1, 2)).reshape(-1, 4, 1)
    return np.concatenate([flat, z], axis=2)
