"""Height of the carriageway between the points of lanes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from symdrive.maps.scenery.strips import lane_edges
from symdrive.maps.town import LaneTable

# Vertical distances count this much when neighbours are looked up, so that a bridge and the road
# under it do not mix.
VERTICAL_WEIGHT = 4.0


@dataclass(frozen=True)
class SurfaceHeights:
    """Inverse-distance interpolation over the centres and edges of lanes.

    Attributes:
        tree: over x, y and weighted z of the samples.
        z: height of each sample, m.
    """

    tree: cKDTree
    z: Float[np.ndarray, " sample"]

    @classmethod
    def from_lanes(cls, lanes: LaneTable) -> "SurfaceHeights":
        """Samples at the centre and both edges of every lane point."""
        xyz = np.concatenate([lanes.points, *lane_edges(lanes)]).astype(np.float64)
        return cls(cKDTree(xyz * [1.0, 1.0, VERTICAL_WEIGHT]), xyz[:, 2])

    def at(
        self, xy: Float[np.ndarray, "n 2"], near_z: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Height of the carriageway at each point, m.

        Args:
            xy: where.
            near_z: about how high; picks the level where roads cross above each other.
        """
        query = np.column_stack([xy, near_z * VERTICAL_WEIGHT])
        count = min(6, len(self.z))
        gap, row = self.tree.query(query, k=count)
        weight = 1.0 / (np.reshape(gap, (len(xy), count)) ** 2 + 1e-4)
        return (self.z[np.reshape(row, (len(xy), count))] * weight).sum(axis=1) / weight.sum(axis=1)
