"""Raised sidewalks outside of junctions, with kerbs."""

import numpy as np
from jaxtyping import Float

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.carriageways import BRIDGE_M, undersides
from symdrive.maps.scenery.solids import join, quads
from symdrive.maps.scenery.strips import (
    chord_quads,
    hanging_m,
    lane_edges,
    lane_of_point,
    leftward,
    segments,
    stations,
    walls,
)
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable, Mesh

KERB_WIDTH_M = 0.2
KERB_DEPTH_M = 0.45


def sidewalks(lanes: LaneTable, ground: HeightGrid, seed: int) -> Mesh:
    """Raised strips of sidewalk lanes outside of junctions: paving, kerb stones, kerb faces.

    Args:
        lanes: all lanes.
        ground: height of the terrain, into which the kerb faces reach.
        seed: of the town.
    """
    rng = generator(seed, "scenery.paving")
    up = np.array([0.0, 0.0, palette.SIDEWALK_M])
    left, right = (edge + up for edge in lane_edges(lanes))
    lane = lane_of_point(lanes)
    a, b = segments(
        lanes, stations(lanes), (lanes.kind == LaneKind.SIDEWALK) & (lanes.junction < 0)
    )
    # Sidewalks follow the direction of the road: right of the reference line (negative id) the
    # carriageway is on their left.
    road_left = (lanes.lane_id < 0)[lane][:, None]
    kerb = np.minimum(KERB_WIDTH_M, lanes.width_m * 0.25)[:, None] * leftward(lanes)
    slab_left = np.where(road_left, left - kerb, left)
    slab_right = np.where(road_left, right, right + kerb)
    kerb_left = np.where(road_left, left, right + kerb)
    kerb_right = np.where(road_left, left - kerb, right)
    stone = palette.KERB
    depth = hanging_m(lanes, ground, KERB_DEPTH_M, BRIDGE_M) + palette.SIDEWALK_M
    faces = np.concatenate(
        [
            chord_quads(kerb_left, kerb_right, a, b),
            walls(left, b, a, depth),
            walls(right, a, b, depth),
            _end_walls(lanes, left, right),
        ]
    )
    return join(
        [
            undersides(chord_quads(left, right, a, b), ground),
            quads(
                chord_quads(slab_left, slab_right, a, b),
                palette.tinted(palette.PAVING, len(a), 0.05, rng),
                SemanticClass.SIDEWALK,
            ),
            quads(faces, palette.tinted(stone, len(faces), 0.03, rng), SemanticClass.SIDEWALK),
        ]
    )


def _end_walls(
    lanes: LaneTable, left: Float[np.ndarray, "point 3"], right: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "n 4 3"]:
    """Walls across both ends of each sidewalk strip, facing away from it."""
    rows = np.flatnonzero((lanes.kind == LaneKind.SIDEWALK) & (lanes.junction < 0))
    down = np.array([0.0, 0.0, KERB_DEPTH_M])
    first, last = lanes.start[rows], lanes.start[rows + 1] - 1
    begin = [left[first] - down, right[first] - down, right[first], left[first]]
    end = [right[last] - down, left[last] - down, left[last], right[last]]
    return np.concatenate([np.stack(begin, axis=1), np.stack(end, axis=1)])
