"""Where lanes lie in the plane: the ground that scenery keeps off."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from symdrive.maps.scenery.strips import COARSE, chord_quads, lane_edges, segments, stations
from symdrive.maps.town import LaneKind, LaneTable


@dataclass(frozen=True)
class Cover:
    """Lane areas as pieces of at most ten metres, indexed.

    Attributes:
        lanes: all lanes of every kind.
        roads: the lanes that vehicles use (all but sidewalks).
        outline: union of `lanes`.
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
        roads, walks = (
            np.asarray(
                shapely.make_valid(
                    shapely.polygons(chord_quads(*edges, *segments(lanes, kept, mask))[..., :2])
                )
            )
            for mask in (~walk, walk)
        )
        everything = np.concatenate([roads, walks])
        return cls(
            shapely.STRtree(everything),
            shapely.STRtree(roads),
            shapely.union_all(everything),
        )


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
