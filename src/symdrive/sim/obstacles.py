"""Static things that a car can run into, as an occupancy grid of the town's mesh.

A cell is occupied where a building, wall, pole, tree or the like reaches between bumper and roof.
Cells are kept in square tiles, made only where there is something, and square blocks of tiles are
made only when the ego comes there, so that large towns fit and are driven in at once.
"""

import math
from functools import cached_property
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

BLOCK = 8
"""Tiles on each side of a block, without the rim of one tile that it shares with its neighbours."""

SIDE_M = BLOCK * TILE * CELL_M

LOWEST_M, HIGHEST_M = 0.3, 2.0
"""Heights above the ground between which a car meets things."""

SLACK_M = 1e-3
"""Heights are compared with so much slack before they are compared exactly."""

SOLID = (
    SemanticClass.BUILDING, SemanticClass.WALL, SemanticClass.FENCE, SemanticClass.POLE,
    SemanticClass.TRAFFIC_LIGHT, SemanticClass.TRAFFIC_SIGN, SemanticClass.VEGETATION,
    SemanticClass.STATIC, SemanticClass.GUARD_RAIL, SemanticClass.BRIDGE,
)  # fmt: skip
"""Classes that stop a car."""


class Obstacles(NamedTuple):
    """Occupied cells of a square.

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


@inner
@no_type_check
def _band(triangle: Float[np.ndarray, "3 3"], ground: _Ground) -> tuple[float, float]:
    """Heights above sea between which a sample of the triangle can lie before a car."""
    rows, cols = ground.z.shape
    low = np.empty(2, np.int64)
    high = np.empty(2, np.int64)
    for axis in range(2):
        least = min(triangle[0, axis], triangle[1, axis], triangle[2, axis])
        most = max(triangle[0, axis], triangle[1, axis], triangle[2, axis])
        last = (cols if axis == 0 else rows) - 1
        low[axis] = int((least - ground.origin[axis]) / ground.cell_m) - 1
        high[axis] = int((most - ground.origin[axis]) / ground.cell_m) + 2
        low[axis] = min(max(low[axis], 0), last)
        high[axis] = min(max(high[axis], 0), last)
    lowest = highest = ground.z[low[1], low[0]]
    for row in range(low[1], high[1] + 1):
        for col in range(low[0], high[0] + 1):
            lowest = min(lowest, ground.z[row, col])
            highest = max(highest, ground.z[row, col])
    return lowest + LOWEST_M - SLACK_M, highest + HIGHEST_M + SLACK_M


@inner
@no_type_check
def _between(start: float, step: float, band: tuple[float, float], last: int) -> tuple[int, int]:
    """Which of the numbers 0 .. last lead from a height into the band, if any: first, end."""
    low, high = band[0] - start, band[1] - start
    if abs(step) < 1e-12:
        return (0, last + 1) if low <= 0.0 <= high else (0, 0)
    if step < 0.0:
        low, high, step = -high, -low, -step
    # Numbers beyond these do not matter, and would not fit into an integer.
    first = math.ceil(max(low / step, 0.0) - 1e-6)
    end = math.floor(min(high / step, float(last)) + 1e-6) + 1
    return max(first, 0), min(end, last + 1)


@entry
@no_type_check
def _rasterise(
    triangles: Float[np.ndarray, "n 3 3"], ground: _Ground, obstacles: Obstacles, fill: int
) -> None:
    """Visit the cells under every triangle: mark their tiles (`fill` 0) or fill the cells."""
    rows, cols = obstacles.tile.shape
    for t in range(len(triangles)):
        corners = triangles[t]
        n = _steps(corners)
        band = _band(corners, ground)
        for a in range(n + 1):
            rest = 1.0 - a / n
            start = a / n * corners[0, 2] + rest * corners[2, 2]
            first, end = _between(start, (corners[1, 2] - corners[2, 2]) / n, band, n - a)
            for b in range(first, end):
                u, v = a / n, b / n
                place = u * corners[0] + v * corners[1] + (1.0 - u - v) * corners[2]
                high = place[2] - _height(ground, place[0], place[1])
                if not LOWEST_M <= high <= HIGHEST_M:
                    continue
                col = math.floor((place[0] - obstacles.origin[0]) / CELL_M)
                row = math.floor((place[1] - obstacles.origin[1]) / CELL_M)
                if not (0 <= row < rows * TILE and 0 <= col < cols * TILE):
                    continue
                if fill == 0:
                    obstacles.tile[row // TILE, col // TILE] = 0
                else:
                    kept = obstacles.tile[row // TILE, col // TILE]
                    obstacles.cells[kept, row % TILE, col % TILE] = True


class ObstacleMap:
    """The solid scenery of a town, rasterised block by block when somebody comes there.

    A triangle is looked for in the block of its first corner and in those around it, so none may
    be larger than a block.

    Args:
        town: its mesh and ground.
    """

    def __init__(self, town: Town) -> None:
        ground = town.ground
        self._mesh, self._heights = town.mesh, ground
        self._ground = _Ground(ground.origin.astype(np.float64), float(ground.cell_m), ground.z)
        self._blocks: dict[tuple[int, int], Obstacles] = {}

    @cached_property
    def _index(self) -> tuple[Int[np.ndarray, " face"], dict[tuple[int, int], slice]]:
        """Solid faces block by block, and where each block stands among them."""
        mesh = self._mesh
        is_solid = np.zeros(256, dtype=bool)
        is_solid[[int(kind) for kind in SOLID]] = True
        solid = np.flatnonzero(is_solid[mesh.semantic])
        if not len(solid):
            return solid, {}
        block = np.floor(mesh.vertices[mesh.faces[solid, 0], :2] / SIDE_M).astype(np.int32)
        low = block.min(axis=0)
        columns = int(block[:, 0].max() - low[0]) + 1
        key = (block[:, 1] - low[1]) * columns + block[:, 0] - low[0]
        # Sorting numbers of two bytes takes a tenth of the time.
        order = np.argsort(key.astype(np.min_scalar_type(int(key.max()))), kind="stable")
        stop = np.cumsum(np.bincount(key))
        blocks = {
            (number % columns + int(low[0]), number // columns + int(low[1])): slice(first, last)
            for number, (first, last) in enumerate(zip([0, *stop[:-1]], stop, strict=True))
            if last > first
        }
        return solid[order], blocks

    def around(self, x: float, y: float) -> Obstacles:
        """The occupied cells around a place, as far as a tile in every direction, and farther.

        Args:
            x: world, m.
            y: world, m.
        """
        key = math.floor(x / SIDE_M), math.floor(y / SIDE_M)
        if key not in self._blocks:
            self._blocks[key] = self._block(key)
        return self._blocks[key]

    def _block(self, key: tuple[int, int]) -> Obstacles:
        """The cells of one block and its rim."""
        origin = np.array(key) * SIDE_M - TILE * CELL_M
        triangles = self._triangles(key)
        end = origin + (BLOCK + 2) * TILE * CELL_M
        low, high = triangles.min(axis=1), triangles.max(axis=1)
        at = self._heights.height(triangles[..., :2].mean(axis=1))
        # A slack of 3 m for slopes under long walls; each sample is tested exactly.
        met = (high[:, 2] > at + LOWEST_M - 3.0) & (low[:, 2] < at + HIGHEST_M + 3.0)
        met &= (high[:, :2] >= origin).all(axis=1) & (low[:, :2] <= end).all(axis=1)
        triangles = triangles[met]
        tile = np.full((BLOCK + 2, BLOCK + 2), -1, dtype=np.int64)
        nothing = np.zeros((0, TILE, TILE), bool)
        _rasterise(triangles, self._ground, Obstacles(origin, tile, nothing), 0)
        kept = np.flatnonzero(tile.ravel() >= 0)
        tile.ravel()[kept] = np.arange(len(kept))
        obstacles = Obstacles(origin, tile, np.zeros((len(kept), TILE, TILE), bool))
        _rasterise(triangles, self._ground, obstacles, 1)
        return obstacles

    def _triangles(self, key: tuple[int, int]) -> Float[np.ndarray, "n 3 3"]:
        """The solid triangles that may reach into a block."""
        solid, blocks = self._index
        near = [
            solid[blocks[key[0] + right, key[1] + up]]
            for up in (-1, 0, 1)
            for right in (-1, 0, 1)
            if (key[0] + right, key[1] + up) in blocks
        ]
        rows = np.concatenate(near) if near else np.zeros(0, dtype=np.int64)
        return self._mesh.vertices[self._mesh.faces[rows]].astype(np.float64)


obstacles_of = PerTown(ObstacleMap)
"""The obstacles of a town."""


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
