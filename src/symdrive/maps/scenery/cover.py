"""Where lanes lie in the plane: the ground that scenery keeps off."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from symdrive.maps.scenery.strips import COARSE, chord_quads, lane_edges, segments, stations
from symdrive.maps.town import LaneKind, LaneTable

OUTLINE_M = 0.05
"""How far the outline may be from the edges of the lanes."""

SQUARE_M = 400.0
"""Large towns are outlined square by square, for the time grows faster than the outline."""

IN_ONE = 40_000
"""Up to so many pieces of lane are outlined in one."""

THREADS = 2

GRID_M = 1e-3


@dataclass(frozen=True)
class Cover:
    """Lane areas as pieces of at most ten metres, indexed.

    Attributes:
        lanes: all lanes of every kind.
        roads: the lanes that vehicles use (all but sidewalks).
        outline: union of `lanes`, with as few corners as 5 cm allow.
    """

    lanes: shapely.STRtree
    roads: shapely.STRtree
    outline: BaseGeometry

    @classmethod
    def from_lanes(cls, lanes: LaneTable) -> "Cover":
        """Pieces of the strips of all lanes."""
        edges = lane_edges(lanes)
        kept = stations(lanes, COARSE)
        walk = lanes.kind == LaneKind.SIDEWALK
        strips = [chord_quads(*edges, *segments(lanes, kept, mask)) for mask in (~walk, walk)]
        roads, walks = (
            _valid(np.asarray(shapely.polygons(corners[..., :2]))) for corners in strips
        )
        everything = np.concatenate([roads, walks])
        at = np.concatenate(strips)[:, 0, :2]
        return cls(shapely.STRtree(everything), shapely.STRtree(roads), _outline(everything, at))


def _valid(shapes: np.ndarray) -> np.ndarray:
    """The polygons; those that cross themselves (strips in tight bends) are repaired."""
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    return shapes


def _outline(shapes: np.ndarray, at: Float[np.ndarray, "n 2"]) -> BaseGeometry:
    """The union of shapes that stand at some places, simplified."""
    if len(shapes) <= IN_ONE:
        return united(shapes).simplify(OUTLINE_M)
    square = np.floor(at / SQUARE_M).astype(np.int64)
    _, which = np.unique(square, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(which.ravel()))[:-1])

    def outlined(rows: Int[np.ndarray, " n"]) -> BaseGeometry:
        return united(shapes[rows]).simplify(OUTLINE_M)

    with ThreadPoolExecutor(THREADS) as pool:
        return united(np.array(list(pool.map(outlined, groups))))


def united(shapes: np.ndarray) -> BaseGeometry:
    """The union of polygons; where edges all but coincide, to the millimetre.

    GEOS finds no union of some of those in double precision (Town13 has such lanes), and always one
    of polygons on a grid.
    """
    try:
        return shapely.union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes, grid_size=GRID_M)


def clear_of(
    tree: shapely.STRtree, shapes: np.ndarray, distance_m: float
) -> Bool[np.ndarray, " n"]:
    """Which of an array of shapes keep a distance from everything in the tree."""
    clear = np.ones(len(shapes), dtype=bool)
    if len(shapes) and len(tree):
        clear[tree.query(shapes, predicate="dwithin", distance=distance_m)[0]] = False
    return clear


def away_from(
    tree: cKDTree, xy: Float[np.ndarray, "n 2"], distance_m: float
) -> Bool[np.ndarray, " n"]:
    """Which points keep a distance from all points in the tree."""
    gap, _ = tree.query(xy, distance_upper_bound=distance_m)
    return np.asarray(gap) > distance_m
