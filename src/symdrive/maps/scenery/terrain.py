"""The ground around the roads: a grid that follows the height grid and lies under every lane."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.solids import join, triangles
from symdrive.maps.scenery.strips import lane_edges, lane_of_point
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable, Mesh

CELL_M = 5.0
BLOCK = 12
MARGIN_M = 192.0
FINE_WITHIN_M = 35.0
APRON_WITHIN_M = 13.0
HILLS_FROM_M = 60.0
HILL_M = 9.0


@dataclass(frozen=True)
class Terrain:
    """Ground outside of the carriageways.

    Attributes:
        grid: heights at the corners of cells, rows and columns a multiple of `BLOCK` plus 1.
        road_gap_m: distance from each corner to the nearest lane, m.
        walk_gap_m: distance from each corner to the nearest sidewalk, m.
    """

    grid: HeightGrid
    road_gap_m: Float[np.ndarray, "rows cols"]
    walk_gap_m: Float[np.ndarray, "rows cols"]


def lay_terrain(lanes: LaneTable, ground: HeightGrid, seed: int) -> Terrain:
    """Heights on a grid of `CELL_M` that reaches `MARGIN_M` beyond the lanes.

    Every corner of a cell lies below each lane that crosses the cell, so that the plane between
    the corners does, too. Far from the roads the ground rises to gentle hills.
    """
    edges = np.concatenate([lanes.points, *lane_edges(lanes, grow_m=0.5)]).astype(np.float64)
    origin, shape = _extent(edges[:, :2])
    road_gap = _gap(edges[:, :2], origin, shape)
    walk = np.tile(lanes.kind[lane_of_point(lanes)] == LaneKind.SIDEWALK, 3)
    walk_gap = _gap(edges[walk, :2], origin, shape)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    xy = np.stack([cols, rows], axis=-1).reshape(-1, 2) * CELL_M + origin
    z = ground.height(xy).reshape(shape) + palette.TERRAIN_M
    z += _hills(shape, seed) * np.clip((road_gap - HILLS_FROM_M) / 100.0, 0.0, 1.0)
    cell = np.floor((edges[:, :2] - origin) / CELL_M).astype(np.int64)
    for dr, dc in ((0, 0), (0, 1), (1, 0), (1, 1)):
        np.minimum.at(z, (cell[:, 1] + dr, cell[:, 0] + dc), edges[:, 2] + palette.TERRAIN_M)
    return Terrain(HeightGrid(origin, CELL_M, z), road_gap, walk_gap)


def _extent(xy: Float[np.ndarray, "n 2"]) -> tuple[Float[np.ndarray, " 2"], tuple[int, int]]:
    """Origin and number of rows and columns of corners, in whole blocks."""
    size = BLOCK * CELL_M
    low = np.floor((xy.min(axis=0) - MARGIN_M) / size) * size
    blocks = np.ceil((xy.max(axis=0) + MARGIN_M - low) / size).astype(int)
    return low, (int(blocks[1]) * BLOCK + 1, int(blocks[0]) * BLOCK + 1)


def _gap(
    xy: Float[np.ndarray, "n 2"], origin: Float[np.ndarray, " 2"], shape: tuple[int, int]
) -> Float[np.ndarray, "rows cols"]:
    """Distance from each corner to the nearest of the points, to about half a cell."""
    empty = np.ones(shape, dtype=np.uint8)
    near = np.rint((xy - origin) / CELL_M).astype(np.int64)
    empty[near[:, 1], near[:, 0]] = 0
    if empty.all():
        return np.full(shape, np.inf)
    return cv2.distanceTransform(empty, cv2.DIST_L2, 5).astype(np.float64) * CELL_M


def _hills(shape: tuple[int, int], seed: int) -> Float[np.ndarray, "rows cols"]:
    """Smooth random heights in [0, `HILL_M`]."""
    rng = generator(seed, "scenery.hills")
    coarse = rng.random((shape[0] // 19 + 3, shape[1] // 19 + 3))
    smooth = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0.0, 1.0) * HILL_M


def terrain_mesh(terrain: Terrain, seed: int) -> Mesh:
    """Fine cells near the roads, one fan for each block far from them; no cracks in between."""
    rows, cols = terrain.road_gap_m.shape
    gap = terrain.road_gap_m[:-1, :-1].reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK)
    fine = gap.min(axis=(1, 3)) < FINE_WITHIN_M
    rng = generator(seed, "scenery.grass")
    return join([_fine(terrain, fine, rng), _coarse(terrain, fine, rng)])


def _vertices(terrain: Terrain) -> Float[np.ndarray, "rows cols 3"]:
    """Corners of all cells."""
    rows, cols = terrain.road_gap_m.shape
    r, c = np.mgrid[:rows, :cols]
    x = c * CELL_M + terrain.grid.origin[0]
    y = r * CELL_M + terrain.grid.origin[1]
    return np.stack([x, y, terrain.grid.z], axis=-1)


def _fine(terrain: Terrain, fine: Bool[np.ndarray, "r c"], rng: np.random.Generator) -> Mesh:
    """Two triangles for each cell of the fine blocks."""
    cells = np.repeat(np.repeat(fine, BLOCK, axis=0), BLOCK, axis=1)
    r, c = np.nonzero(cells)
    v = _vertices(terrain)
    low = np.stack([v[r, c], v[r, c + 1], v[r + 1, c + 1]], axis=1)
    high = np.stack([v[r, c], v[r + 1, c + 1], v[r + 1, c]], axis=1)
    corners = np.stack([low, high], axis=1).reshape(-1, 3, 3)
    apron = np.repeat(terrain.walk_gap_m[r, c] < APRON_WITHIN_M, 2)
    color = palette.shaded(_tone(apron), 0.07, rng)
    grass = triangles(corners[~apron], color[~apron], SemanticClass.TERRAIN)
    return join([grass, triangles(corners[apron], color[apron], SemanticClass.GROUND)])


def _tone(apron: Bool[np.ndarray, " n"]) -> UInt8[np.ndarray, "n 3"]:
    """Paving beside sidewalks, grass elsewhere."""
    return np.where(apron[:, None], palette.APRON, palette.GRASS).astype(np.uint8)


def _coarse(terrain: Terrain, fine: Bool[np.ndarray, "r c"], rng: np.random.Generator) -> Mesh:
    """A fan from the middle of each other block to every corner on its rim."""
    r, c = np.nonzero(~fine)
    rim = _rim()
    v = _vertices(terrain)
    ring = v[r[:, None] * BLOCK + rim[:, 0], c[:, None] * BLOCK + rim[:, 1]]
    middle = v[r * BLOCK + BLOCK // 2, c * BLOCK + BLOCK // 2]
    corners = np.stack(
        [np.broadcast_to(middle[:, None], ring.shape), ring, np.roll(ring, -1, axis=1)], axis=2
    ).reshape(-1, 3, 3)
    color = palette.tinted(palette.GRASS, len(corners), 0.08, rng)
    return triangles(corners, color, SemanticClass.TERRAIN)


def _rim() -> Int[np.ndarray, "n 2"]:
    """Row and column of the corners around a block, counter-clockwise seen from above."""
    step = np.arange(BLOCK)
    south = np.stack([np.zeros(BLOCK, int), step], axis=1)
    east = np.stack([step, np.full(BLOCK, BLOCK)], axis=1)
    north = np.stack([np.full(BLOCK, BLOCK), BLOCK - step], axis=1)
    west = np.stack([BLOCK - step, np.zeros(BLOCK, int)], axis=1)
    return np.concatenate([south, east, north, west])
