"""Strips of asphalt outside of junctions; bridges get an underside and parapets."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.solids import join, prisms, quads
from symdrive.maps.scenery.strips import (
    DECK_M,
    ROAD_KINDS,
    EdgeMatch,
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

# Carriageways this far above the ground are bridges with parapets; an underside is already needed
# where they begin.
BRIDGE_M = 2.2
UNDERSIDE_M = 0.8
SKIRT_M = 0.3
PARAPET_M = 0.9
PARAPET_WIDTH_M = 0.2
MENDED_SHARE = 0.05
TONES = {
    LaneKind.DRIVING: palette.ASPHALT,
    LaneKind.PARKING: palette.ASPHALT_PARKING,
    LaneKind.SHOULDER: palette.ASPHALT_SHOULDER,
    LaneKind.BIKING: palette.ASPHALT_BIKING,
}


def road_mask(lanes: LaneTable) -> Bool[np.ndarray, " lane"]:
    """Lanes that are part of the carriageway."""
    return np.isin(lanes.kind, ROAD_KINDS)


def carriageways(lanes: LaneTable, edges: EdgeMatch, ground: HeightGrid, seed: int) -> Mesh:
    """Strips of all carriageway lanes outside of junctions, with walls under open edges.

    Args:
        lanes: all lanes.
        edges: which lane edges are open.
        ground: height of the terrain, which tells bridges from roads on the ground.
        seed: of the town.
    """
    # Neighbouring strips are thinned at different stations; growing them closes the slits.
    left, right = lane_edges(lanes, grow_m=0.03)
    a, b = segments(lanes, stations(lanes), road_mask(lanes) & (lanes.junction < 0))
    corners = chord_quads(left, right, a, b)
    # What lies beside driving lanes is a little lower, so that the common edge is one clean line.
    driving = lanes.kind[lane_of_point(lanes)[a]] == LaneKind.DRIVING
    corners[..., 2] += np.where(driving, 0.0, palette.BESIDE_M)[:, None]
    middle = (lanes.points[a] + lanes.points[b]) / 2.0
    high = middle[:, 2] - ground.height(middle[:, :2]) > BRIDGE_M
    depth = hanging_m(lanes, ground, SKIRT_M, BRIDGE_M)
    skirts = np.concatenate(
        [walls(edge, first, last, depth) for edge, _, first, last in open_edges(lanes, edges, a, b)]
    )
    return join(
        [
            quads(corners, _asphalt(lanes, a, seed), SemanticClass.ROAD),
            quads(
                skirts,
                palette.uniform(palette.ASPHALT_SHOULDER, len(skirts)),
                SemanticClass.ROAD,
            ),
            undersides(corners, ground),
            *(
                _parapets(edge, inward, first, last)
                for edge, inward, first, last in open_edges(lanes, edges, a[high], b[high])
            ),
        ]
    )


def _asphalt(
    lanes: LaneTable, a: Int[np.ndarray, " segment"], seed: int
) -> UInt8[np.ndarray, "segment 3"]:
    """A tone for each kind of lane, a shade for each road, a tint for each piece, some mended."""
    rng = generator(seed, "scenery.asphalt")
    lane = lane_of_point(lanes)[a]
    tone = np.array([TONES.get(LaneKind(k), palette.ASPHALT) for k in range(len(LaneKind))])
    roads, road = np.unique(lanes.road, return_inverse=True)
    shade = rng.uniform(0.94, 1.06, len(roads))[road][lane]
    shade *= np.where(rng.random(len(a)) < MENDED_SHARE, 0.86, 1.0)
    base = np.rint(tone[lanes.kind[lane]] * shade[:, None]).astype(np.uint8)
    return palette.shaded(base, 0.04, rng)


def open_edges(
    lanes: LaneTable,
    edges: EdgeMatch,
    a: Int[np.ndarray, " segment"],
    b: Int[np.ndarray, " segment"],
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Lane edges that nothing adjoins, left ones and right ones.

    Returns:
        For each side: edge points, unit vectors from there into the lane, and first and last point
        of each open chord, so that the open land is on the right of its direction.
    """
    left, right = lane_edges(lanes)
    inward = leftward(lanes)
    count = len(lanes.points)
    adjoined = edges.shared | edges.inside
    open_left = ~(adjoined[a] & adjoined[b])
    open_right = ~(adjoined[count + a] & adjoined[count + b])
    return [
        (left, -inward, b[open_left], a[open_left]),
        (right, inward, a[open_right], b[open_right]),
    ]


def undersides(corners: Float[np.ndarray, "n 4 3"], ground: HeightGrid) -> Mesh:
    """What is seen from below of those quads that lie high above the ground."""
    middle = corners.mean(axis=1)
    high = corners[middle[:, 2] - ground.height(middle[:, :2]) > UNDERSIDE_M]
    deck = high[:, ::-1] - np.array([0.0, 0.0, DECK_M])
    return quads(deck, palette.uniform(palette.KERB, len(deck)), SemanticClass.BRIDGE)


def _parapets(
    edge: Float[np.ndarray, "point 3"],
    inward: Float[np.ndarray, "point 3"],
    first: Int[np.ndarray, " n"],
    last: Int[np.ndarray, " n"],
) -> Mesh:
    """Low walls along the edges of a bridge."""
    inner = edge + inward * PARAPET_WIDTH_M
    foot = np.stack([edge[first], edge[last], inner[last], inner[first]], axis=1)
    color = palette.uniform(palette.KERB, len(foot))
    return prisms(foot, foot + np.array([0.0, 0.0, PARAPET_M]), color, SemanticClass.GUARD_RAIL)
