"""Where buildings stand: corner lots first, then along the streets, then a second row."""

from dataclasses import dataclass, fields, replace

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int

from symdrive.core.geometry import box_corners
from symdrive.core.seeds import generator
from symdrive.maps.scenery.cover import Cover, clear_of
from symdrive.maps.scenery.frontage import Frontage
from symdrive.maps.scenery.styles import STYLES

CLEARANCE_M = 0.9
PUSH_M = 0.75
PUSHES = 16
CORNER_TURN = -0.6
SECOND_ROW_M = (20.0, 46.0)
SECOND_ROW_EVERY = 4
# Land inside of roads that is smaller than this is an island, not a block: a roundabout of 25 m.
ISLAND_M2 = 2000.0


@dataclass(frozen=True)
class Plots:
    """Rectangles to build on; the box's x axis points to the street.

    Attributes:
        center: m.
        yaw: direction from the building to the street, rad.
        half_extent: half depth and half width, m.
        style: row of `STYLES`.
        push: direction in which the rectangle gives way to lanes (unit vector).
    """

    center: Float[np.ndarray, "plot 2"]
    yaw: Float[np.ndarray, " plot"]
    half_extent: Float[np.ndarray, "plot 2"]
    style: Int[np.ndarray, " plot"]
    push: Float[np.ndarray, "plot 2"]

    def __len__(self) -> int:
        """Number of plots."""
        return len(self.yaw)

    def take(self, rows: Int[np.ndarray, " n"]) -> "Plots":
        """Some of the plots."""
        return Plots(*(getattr(self, f.name)[rows] for f in fields(self)))

    def polygons(self, grow_m: float | Float[np.ndarray, "plot 1"] = 0.0) -> np.ndarray:
        """Outlines, each grown by a margin."""
        corners = box_corners(self.center, self.yaw, self.half_extent + grow_m)
        return np.asarray(shapely.polygons(corners))


def lay_plots(
    frontage: Frontage, style: Int[np.ndarray, " point"], cover: Cover, seed: int
) -> Plots:
    """Plots that are clear of all lanes and of each other.

    Corner lots come first: they hide the side street, which is what visibility is about.

    Args:
        frontage: where streets are faced.
        style: row of `STYLES` for each frontage point.
        cover: the lanes.
        seed: of the town.
    """
    rng = generator(seed, "scenery.plots")
    rows = np.arange(len(frontage.xy))
    row_sets = [_corner_lots(frontage, style, rng)]
    row_sets.append(_street_lots(frontage, rows[_built(style, rng)], style, rng))
    second = rows[::SECOND_ROW_EVERY]
    second = second[frontage.urban[second]]
    behind = _street_lots(frontage, second, style, rng)
    back = rng.uniform(*SECOND_ROW_M, len(behind))[:, None] * behind.push
    row_sets.append(replace(behind, center=behind.center + back))
    wanted = Plots(*(np.concatenate([getattr(p, f.name) for p in row_sets]) for f in fields(Plots)))
    return _apart(_off_islands(_pushed_clear(wanted, cover), cover))


def _off_islands(plots: Plots, cover: Cover) -> Plots:
    """The plots without those in the middle of roundabouts and between ramps."""
    rings = shapely.get_rings(shapely.get_parts(cover.outline))
    land = np.asarray(shapely.polygons(rings))
    islands = shapely.STRtree(land[shapely.area(land) < ISLAND_M2])
    inside = islands.query(shapely.points(plots.center), predicate="within")[0]
    return plots.take(np.setdiff1d(np.arange(len(plots)), inside))


def _built(
    style: Int[np.ndarray, " point"], rng: np.random.Generator
) -> Bool[np.ndarray, " point"]:
    """Which frontage may be built upon, in stretches of 24 m."""
    stretch = (np.arange(len(style)) // 12).astype(np.int64)
    chance = rng.random(int(stretch.max(initial=0)) + 1)[stretch]
    return chance < np.array([s.built for s in STYLES])[style]


def _sizes(
    style: Int[np.ndarray, " n"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Width, depth and setback of each building, m."""
    low_high = np.array([[s.width_m, s.depth_m, s.setback_m] for s in STYLES])[style]
    size = rng.uniform(low_high[..., 0], low_high[..., 1])
    return size[:, 0], size[:, 1], size[:, 2]


def _street_lots(
    frontage: Frontage,
    rows: Int[np.ndarray, " n"],
    style: Int[np.ndarray, " point"],
    rng: np.random.Generator,
) -> Plots:
    """One lot for each frontage point, facing the street."""
    width, depth, setback = _sizes(style[rows], rng)
    chord = _chords(frontage, rows, width)
    outward = np.stack([chord[:, 1], -chord[:, 0]], axis=1)
    center = frontage.xy[rows] + outward * (setback + depth / 2.0)[:, None]
    yaw = np.arctan2(-outward[:, 1], -outward[:, 0])
    half = np.stack([depth, width], axis=1) / 2.0
    return Plots(center, yaw, half, style[rows], outward)


def _chords(
    frontage: Frontage, rows: Int[np.ndarray, " n"], width: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 2"]:
    """Unit vector along the frontage from half a width before each point to half a width behind."""
    reach = np.clip(np.rint(width / 4.0), 1, 8).astype(np.int64)
    chord = np.zeros((len(rows), 2))
    back = front = rows
    for steps in range(1, 9):
        back, front = frontage.before[back], frontage.after[front]
        here = reach == steps
        chord[here] = frontage.xy[front[here]] - frontage.xy[back[here]]
    return chord / np.maximum(np.linalg.norm(chord, axis=1, keepdims=True), 1e-9)


def _corner_lots(
    frontage: Frontage, style: Int[np.ndarray, " point"], rng: np.random.Generator
) -> Plots:
    """A lot in each corner of a block, in line with the street that leads to the corner."""
    rows = np.arange(len(frontage.turn))
    around = np.stack([frontage.shifted(rows, k) for k in range(-5, 6)], axis=1)
    sharpest = around[rows, frontage.turn[around].argmin(axis=1)] == rows
    corner = np.flatnonzero((frontage.turn < CORNER_TURN) & sharpest & frontage.urban)
    width, depth, _ = _sizes(style[corner], rng)
    along = frontage.tangent[frontage.shifted(corner, -6)]
    onward = frontage.tangent[frontage.shifted(corner, 6)]
    outward = np.stack([along[:, 1], -along[:, 0]], axis=1)
    # Corner of the two street lines, from which the lot gives way into the block.
    reach = frontage.xy[frontage.shifted(corner, 6)] - frontage.xy[frontage.shifted(corner, -6)]
    cross = along[:, 0] * onward[:, 1] - along[:, 1] * onward[:, 0]
    far = (reach[:, 0] * onward[:, 1] - reach[:, 1] * onward[:, 0]) / np.minimum(cross, -0.2)
    apex = frontage.xy[frontage.shifted(corner, -6)] + along * np.clip(far, 0.0, 24.0)[:, None]
    center = apex - along * (width / 2.0)[:, None] + outward * (depth / 2.0)[:, None]
    inward = outward - along
    push = inward / np.linalg.norm(inward, axis=1, keepdims=True)
    yaw = np.arctan2(-outward[:, 1], -outward[:, 0])
    half = np.stack([depth, width], axis=1) / 2.0
    return Plots(center, yaw, half, style[corner], push)


def _pushed_clear(plots: Plots, cover: Cover) -> Plots:
    """Each plot at the first step along its push direction that is clear of all lanes, if any."""
    center = plots.center.copy()
    todo = np.arange(len(plots))
    for _ in range(PUSHES):
        shapes = replace(plots, center=center).take(todo).polygons()
        todo = todo[~clear_of(cover.lanes, shapes, CLEARANCE_M)]
        center[todo] += plots.push[todo] * PUSH_M
    placed = np.setdiff1d(np.arange(len(plots)), todo)
    return replace(plots, center=center).take(placed)


def _apart(plots: Plots) -> Plots:
    """The plots without those that meet an earlier one that stays."""
    gap = np.array([s.gap_m for s in STYLES])[plots.style][:, None]
    shapes = plots.polygons(gap / 2.0)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    order = np.lexsort([other, one])
    one, other = one[order], other[order]
    start = np.searchsorted(one, np.arange(len(plots) + 1))
    blocked = np.zeros(len(plots), dtype=bool)
    kept = []
    for row in range(len(plots)):
        if not blocked[row]:
            kept.append(row)
            blocked[other[start[row] : start[row + 1]]] = True
    return plots.take(np.array(kept, dtype=np.int64))
