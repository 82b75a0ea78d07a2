"""Height of the ground around a road network: exact along the roads, smooth away from them."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import zoom
from scipy.spatial import cKDTree

from symdrive.maps.town import HeightGrid, LaneTable

MARGIN_M = 60.0
"""How far the grid reaches beyond the outermost lane."""

FINE_CELLS = 400_000
"""Towns with more one-metre cells than this get two-metre cells."""

MAX_CELLS = 1_500_000
"""Towns with more two-metre cells than this get coarser ones."""

NEAR_M = 4.0
"""Grid nodes this close to a lane edge or centre take their height from it."""

CLEARANCE_M = 3.0
"""A lane this far above another one is a bridge, and the ground runs under it."""

BESIDE_M = 2.0
"""Side of the cells in which lanes lie above each other."""

POINTS_EVERY_M = 2.0
"""Of finer grids every lane point counts; of coarser ones fewer along each lane."""


def build_ground(lanes: LaneTable) -> HeightGrid:
    """The height grid of a town, from the centres and edges of its lanes."""
    points = _ground_points(lanes)
    low = points[:, :2].min(axis=0) - MARGIN_M
    high = points[:, :2].max(axis=0) + MARGIN_M
    cell = _cell_size(float(np.prod(high - low)))
    cols, rows = (np.ceil((high - low) / cell).astype(int) + 1).tolist()
    x = low[0] + cell * np.arange(cols)
    y = low[1] + cell * np.arange(rows)
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    points = points[:: max(1, int(cell / POINTS_EVERY_M))]
    tree = cKDTree(points[:, :2])
    found = tree.query(nodes, k=8, distance_upper_bound=max(NEAR_M, 2.0 * cell))
    distance, index = np.asarray(found[0]), np.asarray(found[1])
    known = np.isfinite(distance[:, 0])
    near = np.isfinite(distance[known])
    weight = np.where(near, 1.0 / (np.where(near, distance[known], 1.0) + 0.05) ** 2, 0.0)
    height = np.append(points[:, 2], 0.0)[index[known]]
    z = np.zeros(len(nodes))
    z[known] = (weight * height).sum(axis=1) / weight.sum(axis=1)
    filled = fill_gaps(z.reshape(rows, cols), known.reshape(rows, cols))
    return HeightGrid(low, cell, filled.astype(np.float32))


def _cell_size(area_m2: float) -> float:
    """One metre for small towns, two for large ones, more for huge ones."""
    if area_m2 <= FINE_CELLS:
        return 1.0
    return max(2.0, float(np.ceil(np.sqrt(area_m2 / MAX_CELLS))))


def _ground_points(lanes: LaneTable) -> Float[np.ndarray, "n 3"]:
    """Centres and both edges of all lanes, without bridges."""
    normal = np.stack([-np.sin(lanes.yaw), np.cos(lanes.yaw), np.zeros_like(lanes.yaw)], axis=1)
    offset = normal * (lanes.width_m / 2)[:, None]
    points = np.concatenate([lanes.points, lanes.points + offset, lanes.points - offset])
    if np.ptp(points[:, 2]) < CLEARANCE_M:
        return points
    return points[points[:, 2] - _lowest_around(points) < CLEARANCE_M]


def _lowest_around(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """The lowest height in the cell of each point and in the eight cells around it."""
    cell = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / BESIDE_M).astype(np.int64) + 1
    columns = int(cell[:, 0].max()) + 2
    key, row = np.unique(cell[:, 1] * columns + cell[:, 0], return_inverse=True)
    lowest = np.full(len(key), np.inf)
    np.minimum.at(lowest, row, points[:, 2])
    around = lowest.copy()
    for step in (-columns - 1, -columns, -columns + 1, -1, 1, columns - 1, columns, columns + 1):
        at = np.minimum(np.searchsorted(key, key + step), len(key) - 1)
        around = np.where(key[at] == key + step, np.minimum(around, lowest[at]), around)
    return around[row]


def fill_gaps(
    z: Float[np.ndarray, "rows cols"], known: Bool[np.ndarray, "rows cols"]
) -> Float[np.ndarray, "rows cols"]:
    """Heights for the unknown cells, from coarser and coarser means of the known ones.

    Source: pull-push interpolation, Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    if known.all() or min(z.shape) < 2:
        return np.where(known, z, z[known].mean() if known.any() else 0.0)
    rows, cols = z.shape
    half = (-(-rows // 2), -(-cols // 2))
    total, count = np.zeros(half), np.zeros(half)
    for r in (0, 1):
        for c in (0, 1):
            part, mask = z[r::2, c::2], known[r::2, c::2]
            total[: part.shape[0], : part.shape[1]] += np.where(mask, part, 0.0)
            count[: part.shape[0], : part.shape[1]] += mask
    coarse = fill_gaps(total / np.maximum(count, 1), count > 0)
    fine = zoom(coarse, 2, order=1, grid_mode=True, mode="nearest")[:rows, :cols]
    return np.where(known, z, fine)
