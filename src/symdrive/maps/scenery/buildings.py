"""Buildings on their plots: walls, windows, doors, shop fronts, flat and gabled roofs."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int, UInt8

from symdrive.core.geometry import box_corners, ranges
from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.plots import Plots
from symdrive.maps.scenery.solids import box_rings, fans, join, prisms, quads, triangles
from symdrive.maps.scenery.styles import STYLES
from symdrive.maps.town import HeightGrid, Mesh

FLOOR_M = 3.1
GROUND_FLOOR_M = 3.6
WINDOW_PITCH_M = 2.9
PROUD_M = 0.03
EAVES_M = 0.35
GLASS = ((58, 70, 84), (74, 88, 102), (46, 54, 64), (112, 126, 136))
DOORS = ((96, 58, 40), (48, 62, 74), (74, 44, 40), (52, 72, 56))
SIGNS = ((158, 44, 40), (36, 84, 132), (44, 104, 74), (206, 156, 48), (92, 52, 112))


@dataclass(frozen=True)
class Buildings:
    """What stands on each plot.

    Attributes:
        plots: where.
        ring: ground corners: front left, rear left, rear right, front right.
        base: height below the ground at which the walls begin, m.
        ground: height of the doorstep, m.
        top: height of the eaves or the flat roof, m.
        floors: number of floors.
        gabled: whether it has a gabled roof.
        shop: whether it has a shop on the ground floor.
        door_m: middle of the door, m from the left end of the front.
        wall: facade colour.
        roof: roof colour.
    """

    plots: Plots
    ring: Float[np.ndarray, "plot 4 2"]
    base: Float[np.ndarray, " plot"]
    ground: Float[np.ndarray, " plot"]
    top: Float[np.ndarray, " plot"]
    floors: Int[np.ndarray, " plot"]
    gabled: Bool[np.ndarray, " plot"]
    shop: Bool[np.ndarray, " plot"]
    door_m: Float[np.ndarray, " plot"]
    wall: UInt8[np.ndarray, "plot 3"]
    roof: UInt8[np.ndarray, "plot 3"]


def design(plots: Plots, ground: HeightGrid, seed: int) -> Buildings:
    """Choose height, roof and colours of each building."""
    rng = generator(seed, "scenery.buildings")
    count = len(plots)
    ring = box_corners(plots.center, plots.yaw, plots.half_extent)
    corner_z = ground.height(ring.reshape(-1, 2)).reshape(count, 4)
    doorstep = ground.height((ring[:, 0] + ring[:, 3]) / 2.0)
    low_high = np.array([s.floors for s in STYLES])[plots.style]
    floors = rng.integers(low_high[:, 0], low_high[:, 1], endpoint=True)
    rates = np.array([(s.gabled, s.shops) for s in STYLES])[plots.style]
    chance = rng.random((count, 2)) < rates
    wall = _choose([s.walls for s in STYLES], plots.style, rng)
    roof = _choose([s.roofs for s in STYLES], plots.style, rng)
    return Buildings(
        plots,
        ring,
        corner_z.min(axis=1) - 0.4,
        doorstep,
        np.maximum(doorstep, corner_z.max(axis=1)) + GROUND_FLOOR_M + FLOOR_M * (floors - 1),
        floors,
        chance[:, 0],
        chance[:, 1],
        2.0 * plots.half_extent[:, 1] * rng.uniform(0.3, 0.7, count),
        palette.shaded(wall, 0.06, rng),
        palette.shaded(roof, 0.06, rng),
    )


def _choose(
    options: list[tuple[palette.Rgb, ...]],
    style: Int[np.ndarray, " n"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n 3"]:
    """One of the colours of each style."""
    most = max(len(colors) for colors in options)
    table = np.array([(colors * most)[:most] for colors in options], dtype=np.uint8)
    size = np.array([len(colors) for colors in options])[style]
    return table[style, (rng.random(len(style)) * size).astype(np.int64)]


def buildings_mesh(buildings: Buildings, seed: int) -> Mesh:
    """Triangles of all buildings."""
    rng = generator(seed, "scenery.facades")
    facades = _facades(buildings)
    return join(
        [
            _bodies(buildings),
            _flat_roofs(buildings, rng),
            _gables(buildings),
            _windows(buildings, facades, rng),
            _entrances(buildings, rng),
        ]
    )


def _at(ring: Float[np.ndarray, "n k 2"], z: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n k 3"]:
    """A ring at one height."""
    return np.concatenate([ring, np.broadcast_to(z[:, None, None], (*ring.shape[:2], 1))], axis=2)


def _bodies(b: Buildings) -> Mesh:
    """Walls with a flat lid."""
    return prisms(_at(b.ring, b.base), _at(b.ring, b.top), b.wall, SemanticClass.BUILDING)


def _flat_roofs(b: Buildings, rng: np.random.Generator) -> Mesh:
    """A cornice around each flat roof, the roof, and a cabin on some."""
    rows = np.flatnonzero(~b.gabled)
    plots = b.plots.take(rows)
    outer = plots.half_extent + 0.15
    cornice = prisms(
        box_rings(plots.center, plots.yaw, outer, b.top[rows] - 0.25),
        box_rings(plots.center, plots.yaw, outer, b.top[rows] + 0.35),
        np.rint(b.wall[rows] * 0.82).astype(np.uint8),
        SemanticClass.BUILDING,
        floor=True,
    )
    lid = fans(
        box_rings(plots.center, plots.yaw, outer - 0.3, b.top[rows] + 0.36),
        b.roof[rows],
        SemanticClass.BUILDING,
    )
    tall = np.flatnonzero((b.floors[rows] >= 3) & (rng.random(len(rows)) < 0.6))
    shift = plots.half_extent[tall] * rng.uniform(-0.4, 0.4, (len(tall), 2))
    cos, sin = np.cos(plots.yaw[tall]), np.sin(plots.yaw[tall])
    center = plots.center[tall] + np.stack(
        [cos * shift[:, 0] - sin * shift[:, 1], sin * shift[:, 0] + cos * shift[:, 1]], axis=1
    )
    half = plots.half_extent[tall] * rng.uniform(0.2, 0.4, (len(tall), 2))
    foot = b.top[rows[tall]] + 0.3
    cabin = prisms(
        box_rings(center, plots.yaw[tall], half, foot),
        box_rings(center, plots.yaw[tall], half, foot + 2.4),
        b.roof[rows[tall]],
        SemanticClass.BUILDING,
    )
    return join([cornice, lid, cabin])


def _gables(b: Buildings) -> Mesh:
    """Roofs with a ridge along the front."""
    rows = np.flatnonzero(b.gabled)
    plots = b.plots.take(rows)
    eaves = box_rings(plots.center, plots.yaw, plots.half_extent + EAVES_M, b.top[rows] - 0.05)
    ridge_z = b.top[rows] + plots.half_extent[:, 0] * 0.75
    left, right = (eaves[:, 0] + eaves[:, 1]) / 2.0, (eaves[:, 2] + eaves[:, 3]) / 2.0
    left[:, 2] = right[:, 2] = ridge_z
    slopes = np.concatenate(
        [
            np.stack([eaves[:, 3], eaves[:, 0], left, right], axis=1),
            np.stack([eaves[:, 1], eaves[:, 2], right, left], axis=1),
        ]
    )
    ends = np.concatenate(
        [
            np.stack([eaves[:, 0], eaves[:, 1], left], axis=1),
            np.stack([eaves[:, 2], eaves[:, 3], right], axis=1),
        ]
    )
    kind = SemanticClass.BUILDING
    return join(
        [
            quads(slopes, np.tile(b.roof[rows], (2, 1)), kind),
            triangles(ends, np.tile(b.wall[rows], (2, 1)), kind),
            fans(eaves[:, ::-1], b.roof[rows], kind),
        ]
    )


@dataclass(frozen=True)
class Facades:
    """Walls that can be seen.

    Attributes:
        plot: building of each wall.
        start: its left end seen from the street, m.
        along: unit vector to its other end.
        length_m: of the wall.
        front: whether it faces the street.
    """

    plot: Int[np.ndarray, " wall"]
    start: Float[np.ndarray, "wall 2"]
    along: Float[np.ndarray, "wall 2"]
    length_m: Float[np.ndarray, " wall"]
    front: Bool[np.ndarray, " wall"]

    def panels(
        self,
        wall: Int[np.ndarray, " n"],
        span: Float[np.ndarray, "n 2"],
        z: Float[np.ndarray, "n 2"],
        proud_m: float,
    ) -> Float[np.ndarray, "n 4 3"]:
        """Upright quads on walls, facing out.

        Args:
            wall: row of each panel.
            span: begin and end along the wall, m.
            z: lower and upper height, m.
            proud_m: distance in front of the wall.
        """
        along = self.along[wall]
        out = np.stack([along[:, 1], -along[:, 0]], axis=1) * proud_m
        a, b = (self.start[wall] + out + along * span[:, k : k + 1] for k in (0, 1))
        low, high = z[:, :1], z[:, 1:]
        return np.stack(
            [np.hstack([a, low]), np.hstack([b, low]), np.hstack([b, high]), np.hstack([a, high])],
            axis=1,
        )


def _facades(b: Buildings) -> Facades:
    """All walls but those that stand against a neighbour."""
    count = len(b.plots)
    start = b.ring.reshape(-1, 2)
    step = (np.roll(b.ring, -1, axis=1) - b.ring).reshape(-1, 2)
    length = np.linalg.norm(step, axis=1)
    along = step / length[:, None]
    outside = start + step / 2.0 + np.stack([along[:, 1], -along[:, 0]], axis=1)
    hidden = np.zeros(4 * count, dtype=bool)
    tree = shapely.STRtree(b.plots.polygons())
    hidden[tree.query(shapely.points(outside), predicate="intersects")[0]] = True
    rows = np.flatnonzero(~hidden)
    return Facades(rows // 4, start[rows], along[rows], length[rows], rows % 4 == 3)


def _windows(b: Buildings, walls: Facades, rng: np.random.Generator) -> Mesh:
    """Rows of windows on every visible wall, apart from shop fronts and doors."""
    columns = np.maximum(((walls.length_m - 1.2) / WINDOW_PITCH_M).astype(np.int64), 1)
    count = columns * b.floors[walls.plot]
    wall = np.repeat(np.arange(len(columns)), count)
    nth = ranges(np.zeros_like(count), count)
    column, floor = nth % columns[wall], nth // columns[wall]
    plot = walls.plot[wall]
    pitch = (walls.length_m / columns)[wall]
    half = rng.choice([0.21, 0.25, 0.36], len(b.plots))[plot] * pitch
    middle = (column + 0.5) * pitch
    at_door = np.abs(middle - b.door_m[plot]) < half + 0.8
    shown = ~(walls.front[wall] & (floor == 0) & (b.shop[plot] | at_door))
    wall, floor, plot = wall[shown], floor[shown], plot[shown]
    span = np.stack([middle - half, middle + half], axis=1)[shown]
    sill = np.where(floor == 0, 1.2, GROUND_FLOOR_M + FLOOR_M * (floor - 1) + 0.9)
    low = b.ground[plot] + sill
    panels = walls.panels(wall, span, np.stack([low, low + 1.5], axis=1), PROUD_M)
    glass = np.array(GLASS, dtype=np.uint8)[rng.integers(0, len(GLASS), len(panels))]
    return quads(panels, glass, SemanticClass.BUILDING)


def _entrances(b: Buildings, rng: np.random.Generator) -> Mesh:
    """The door of each building, and shop windows under a coloured sign."""
    rows, shops = np.arange(len(b.plots)), np.flatnonzero(b.shop)
    step = b.ring[:, 0] - b.ring[:, 3]
    length = np.linalg.norm(step, axis=1)
    fronts = Facades(
        rows, b.ring[:, 3], step / length[:, None], length, np.ones(len(rows), dtype=bool)
    )
    door = b.door_m[:, None] + np.array([-0.6, 0.6])
    doors = fronts.panels(rows, door, b.ground[:, None] + np.array([0.0, 2.25]), PROUD_M)
    margin = np.full(len(shops), 0.6)
    panes = np.concatenate(
        [
            fronts.panels(shops, span, b.ground[shops, None] + np.array([0.5, 2.6]), PROUD_M)
            for span in (
                np.stack([margin, b.door_m[shops] - 0.9], axis=1),
                np.stack([b.door_m[shops] + 0.9, length[shops] - margin], axis=1),
            )
        ]
    )
    band = np.stack([margin, length[shops] - margin], axis=1)
    signs = fronts.panels(shops, band, b.ground[shops, None] + np.array([2.75, 3.4]), 2.0 * PROUD_M)
    return join(
        [
            quads(
                panels,
                np.array(colors, dtype=np.uint8)[rng.integers(0, len(colors), len(panels))],
                SemanticClass.BUILDING,
            )
            for panels, colors in ((doors, DOORS), (panes, GLASS), (signs, SIGNS))
        ]
    )
