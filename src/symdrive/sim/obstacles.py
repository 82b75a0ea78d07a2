"""Static things that a car can run into, as an occupancy grid of the town's mesh.

A cell is occupied where a building, wall, pole, tree or the like reaches between bumper and roof.
Cells are kept in square tiles, made only where there is something, so that large towns fit.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.semantics import SemanticClass
from symdrive.maps.town import Town
from symdrive.sim.kernel import entry, inner
from symdrive.sim.road import PerTown

CELL_M = 0.25
TILE = 64
"""Cells on each side of a tile."""

LOWEST_M, HIGHEST_M = 0.3, 2.0
"""Heights above the ground between which a car meets things."""

SOLID = (
    SemanticClass.BUILDING, SemanticClass.WALL, SemanticClass.FENCE, SemanticClass.POLE,
    SemanticClass.TRAFFIC_LIGHT, SemanticClass.TRAFFIC_SIGN, SemanticClass.VEGETATION,
    SemanticClass.STATIC, SemanticClass.GUARD_RAIL, SemanticClass.BRIDGE,
)  # fmt: skip
"""Classes that stop a car."""


class Obstacles(NamedTuple):
    """Occupied cells.

    Attributes:
        origin: x, y of the first tile's corner.
        tile: row of `cells` for each tile (rows follow y), -1 where there is nothing.
        cells: occupancy of each kept tile.
    """

    origin: Float[np.ndarray, " 2"]
    tile: Int[np.ndarray, "tile_row tile_col"]
    cells: Bool[np.ndarray, "kept row col"]


class _Ground(NamedTuple):
    """`HeightGrid` as plain arrays."""

    origin: Float[np.ndarray, " 2"]
    cell_m: float
    z: Float[np.ndarray, "row col"]


@inner
@no_type_check
def _height(ground: _Ground, x: float, y: float) -> float:
    """Height of the nearest ground sample."""
    rows, cols = ground.z.shape
    col = min(max(int((x - ground.origin[0]) / ground.cell_m + 0.5), 0), cols - 1)
    row = min(max(int((y - ground.origin[1]) / ground.cell_m + 0.5), 0), rows - 1)
    return ground.z[row, col]


@inner
@no_type_check
def _steps(triangle: Float[np.ndarray, "3 3"]) -> int:
    """Subdivisions that leave less than a cell between samples."""
    longest = 0.0
    for a in range(3):
        b = (a + 1) % 3
        edge = 0.0
        for axis in range(3):
            edge += (triangle[a, axis] - triangle[b, axis]) ** 2
        longest = max(longest, edge)
    return max(1, math.ceil(math.sqrt(longest) / (0.8 * CELL_M)))


@entry
@no_type_check
def _rasterise(
    triangles: Float[np.ndarray, "n 3 3"], ground: _Ground, obstacles: Obstacles, fill: int
) -> None:
    """Visit the cells under every triangle: mark their tiles (`fill` 0) or fill the cells."""
    for t in range(len(triangles)):
        corners = triangles[t]
        n = _steps(corners)
        for a in range(n + 1):
            for b in range(n + 1 - a):
                u, v = a / n, b / n
                place = u * corners[0] + v * corners[1] + (1.0 - u - v) * corners[2]
                high = place[2] - _height(ground, place[0], place[1])
                if not LOWEST_M <= high <= HIGHEST_M:
                    continue
                col = int((place[0] - obstacles.origin[0]) / CELL_M)
                row = int((place[1] - obstacles.origin[1]) / CELL_M)
                if fill == 0:
                    obstacles.tile[row // TILE, col // TILE] = 0
                else:
                    kept = obstacles.tile[row // TILE, col // TILE]
                    obstacles.cells[kept, row % TILE, col % TILE] = True


def build_obstacles(town: Town) -> Obstacles:
    """Rasterise a town's solid scenery."""
    mesh = town.mesh
    solid = np.isin(mesh.semantic, [int(kind) for kind in SOLID])
    triangles = mesh.vertices[mesh.faces[solid]].astype(np.float64)
    low, high = triangles[..., 2].min(axis=1), triangles[..., 2].max(axis=1)
    at = town.ground.height(triangles.mean(axis=1)[:, :2])
    # A slack of 3 m for slopes under long walls; each sample is tested exactly.
    triangles = triangles[(high > at + LOWEST_M - 3.0) & (low < at + HIGHEST_M + 3.0)]
    side = TILE * CELL_M
    if len(triangles) == 0:
        empty = np.full((1, 1), -1, dtype=np.int64)
        return Obstacles(np.zeros(2), empty, np.zeros((0, TILE, TILE), bool))
    origin = triangles[..., :2].min(axis=(0, 1)) - CELL_M
    cols, rows = ((triangles[..., :2].max(axis=(0, 1)) - origin) // side).astype(np.int64) + 1
    tile = np.full((rows, cols), -1, dtype=np.int64)
    ground = _Ground(
        town.ground.origin.astype(np.float64), float(town.ground.cell_m), town.ground.z
    )
    _rasterise(triangles, ground, Obstacles(origin, tile, np.zeros((0, TILE, TILE), bool)), 0)
    kept = np.flatnonzero(tile.ravel() >= 0)
    tile.ravel()[kept] = np.arange(len(kept))
    obstacles = Obstacles(origin, tile, np.zeros((len(kept), TILE, TILE), bool))
    _rasterise(triangles, ground, obstacles, 1)
    return obstacles


obstacles_of = PerTown(build_obstacles)
"""The occupancy grid of a town, built on first use."""


@inner
@no_type_check
def is_solid(obstacles: Obstacles, x: float, y: float) -> bool:
    """Whether the cell at a place is occupied."""
    col = math.floor((x - obstacles.origin[0]) / CELL_M)
    row = math.floor((y - obstacles.origin[1]) / CELL_M)
    rows, cols = obstacles.tile.shape
    if col < 0 or row < 0 or col >= cols * TILE or row >= rows * TILE:
        return False
    kept = obstacles.tile[row // TILE, col // TILE]
    return kept >= 0 and obstacles.cells[kept, row % TILE, col % TILE]


class Cover(NamedTuple):
    """What a box covers of the occupied cells, in the frame of the box.

    Attributes:
        samples: how many places of the box lie in occupied cells.
        along: mean of their places.
        aside: the same, left positive.
        depth_along: how deep they reach in from the front or the rear, m.
        depth_aside: how deep they reach in from a side, m.
    """

    samples: int
    along: float
    aside: float
    depth_along: float
    depth_aside: float


@inner
@no_type_check
def cover(
    obstacles: Obstacles, pose: tuple[float, float, float], half: tuple[float, float]
) -> Cover:
    """Test a box against the grid.

    Args:
        obstacles: the grid.
        pose: x, y and yaw of the box.
        half: half length and half width of the box.
    """
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    nx, ny = math.ceil(2.0 * half[0] / CELL_M), math.ceil(2.0 * half[1] / CELL_M)
    count, sum_along, sum_aside, deep_along, deep_aside = 0, 0.0, 0.0, 0.0, 0.0
    for a in range(nx + 1):
        along = half[0] * (2.0 * a / nx - 1.0)
        for b in range(ny + 1):
            aside = half[1] * (2.0 * b / ny - 1.0)
            x, y = pose[0] + cos * along - sin * aside, pose[1] + sin * along + cos * aside
            if is_solid(obstacles, x, y):
                count += 1
                sum_along += along
                sum_aside += aside
                deep_along = max(deep_along, half[0] - abs(along))
                deep_aside = max(deep_aside, half[1] - abs(aside))
    scale = 1.0 / max(count, 1)
    return Cover(count, sum_along * scale, sum_aside * scale, deep_along, deep_aside)
