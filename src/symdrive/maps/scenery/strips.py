"""Lanes as strips: edges, thinned stations, and which edges coincide."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from symdrive.core.geometry import wrap_angle
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable

DECK_M = 0.7
MATCHED_AT_ONCE = 200_000
ROAD_KINDS = (LaneKind.DRIVING, LaneKind.PARKING, LaneKind.SHOULDER, LaneKind.BIKING)


def lane_of_point(lanes: LaneTable) -> Int[np.ndarray, " point"]:
    """Lane of each row of the point columns."""
    return np.repeat(np.arange(len(lanes)), np.diff(lanes.start))


def leftward(lanes: LaneTable) -> Float[np.ndarray, "point 3"]:
    """Level unit vector to the left at each point."""
    return np.stack([-np.sin(lanes.yaw), np.cos(lanes.yaw), np.zeros(len(lanes.yaw))], axis=1)


def lane_edges(
    lanes: LaneTable, grow_m: float = 0.0
) -> tuple[Float[np.ndarray, "point 3"], Float[np.ndarray, "point 3"]]:
    """Left and right edge at each point, moved outwards by `grow_m`."""
    reach = leftward(lanes) * (lanes.width_m / 2.0 + grow_m)[:, None]
    return lanes.points + reach, lanes.points - reach


@dataclass(frozen=True)
class Thinning:
    """How far a chord may reach before a station is kept.

    Attributes:
        chord_m: longest chord.
        turn: largest change of heading along a chord, rad.
    """

    chord_m: float = 4.0
    turn: float = 0.07


SURFACE = Thinning()
COARSE = Thinning(chord_m=10.0, turn=0.1)


def stations(
    lanes: LaneTable, thinning: Thinning = SURFACE, breaks: Bool[np.ndarray, " point"] | None = None
) -> Bool[np.ndarray, " point"]:
    """Points to keep: both ends of each lane, bends, changes of width or slope, and `breaks`.

    Between two kept points the strip is straight to within a few centimetres.
    """
    step = np.diff(lanes.points, axis=0)
    run = np.maximum(np.linalg.norm(step[:, :2], axis=1), 1e-6)
    slope = np.append(step[:, 2] / run, 0.0)
    cost = (
        run / thinning.chord_m
        + np.abs(wrap_angle(np.diff(lanes.yaw))) / thinning.turn
        + np.abs(np.diff(lanes.width_m)) / 0.2
        + np.abs(np.diff(slope)) / 0.02
    )
    ends = np.zeros(len(lanes.points), dtype=bool)
    ends[lanes.start[:-1]] = True
    ends[lanes.start[1:] - 1] = True
    spent = np.floor(np.concatenate([[0.0], np.cumsum(cost)]))
    kept = ends | (np.diff(spent, prepend=-1.0) > 0)
    return kept if breaks is None else kept | breaks


def segments(
    lanes: LaneTable, kept: Bool[np.ndarray, " point"], lane_mask: Bool[np.ndarray, " lane"]
) -> tuple[Int[np.ndarray, " segment"], Int[np.ndarray, " segment"]]:
    """First and last point of each chord between kept points of the chosen lanes."""
    lane = lane_of_point(lanes)
    rows = np.flatnonzero(kept & lane_mask[lane])
    same = lane[rows[:-1]] == lane[rows[1:]]
    return rows[:-1][same], rows[1:][same]


def chord_quads(
    left: Float[np.ndarray, "point 3"],
    right: Float[np.ndarray, "point 3"],
    a: Int[np.ndarray, " segment"],
    b: Int[np.ndarray, " segment"],
) -> Float[np.ndarray, "segment 4 3"]:
    """Quads between two edges, counter-clockwise seen from above."""
    return np.stack([right[a], right[b], left[b], left[a]], axis=1)


def walls(
    edge: Float[np.ndarray, "point 3"],
    a: Int[np.ndarray, " segment"],
    b: Int[np.ndarray, " segment"],
    depth_m: Float[np.ndarray, " point"],
) -> Float[np.ndarray, "segment 4 3"]:
    """Upright quads hanging down from an edge, facing right of the direction a to b."""
    low = edge - depth_m[:, None] * np.array([0.0, 0.0, 1.0])
    return np.stack([low[a], low[b], edge[b], edge[a]], axis=1)


def hanging_m(
    lanes: LaneTable, ground: HeightGrid, least_m: float, bridge_m: float
) -> Float[np.ndarray, " point"]:
    """How far walls under the edges of a lane reach down: into the ground, or as a bridge deck.

    Args:
        lanes: all lanes.
        ground: height of the terrain.
        least_m: shortest wall.
        bridge_m: what is higher above the ground than this is a bridge.
    """
    edges = np.stack([lanes.points, *lane_edges(lanes)])
    low = ground.height(edges[..., :2].reshape(-1, 2)).reshape(3, -1).min(axis=0)
    gap = lanes.points[:, 2] - low
    return np.where(gap > bridge_m, DECK_M, np.maximum(gap + 0.15, least_m))


@dataclass(frozen=True)
class EdgeMatch:
    """What lies along each lane edge; rows are points, first of the left edges, then of the right.

    Attributes:
        shared: whether an edge of another lane runs along here.
        superseded: whether one of those edges comes first in the table and carries a line, so that
            a line along this edge would be painted twice.
        inside: whether the edge runs through the inside of another driving lane.
    """

    shared: Bool[np.ndarray, " edge_point"]
    superseded: Bool[np.ndarray, " edge_point"]
    inside: Bool[np.ndarray, " edge_point"]


def match_edges(lanes: LaneTable, painted: Bool[np.ndarray, " edge_point"]) -> EdgeMatch:
    """Find edges that coincide, within 0.25 m across and 0.75 m along.

    Args:
        lanes: all lanes.
        painted: whether each edge point carries a line (left edges, then right edges).
    """
    xyz = np.concatenate(lane_edges(lanes))
    lane = np.tile(lane_of_point(lanes), 2)
    tree = cKDTree(xyz)
    links = _links(lanes)
    shared, superseded = np.zeros(len(xyz), dtype=bool), np.zeros(len(xyz), dtype=bool)
    order = lane * 2 + (np.arange(len(xyz)) >= len(lanes.points))
    # In pieces, so that a large town does not need gigabytes for its neighbours.
    for begin in range(0, len(xyz), MATCHED_AT_ONCE):
        rows = np.arange(begin, min(begin + MATCHED_AT_ONCE, len(xyz)))
        one, other = _beside(lanes, tree, lane, rows)
        twin = ~_continues(lanes, links, lane[one], lane[other])
        one, other = one[twin], other[twin]
        shared[one] = True
        superseded[one[(order[other] < order[one]) & painted[other]]] = True
    return EdgeMatch(shared, superseded, _inside_other_lane(lanes, xyz, lane))


def _beside(
    lanes: LaneTable,
    tree: cKDTree,
    lane: Int[np.ndarray, " edge_point"],
    rows: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Pairs of edge points of different lanes, one of the given ones and one that lies beside it.

    Args:
        lanes: all lanes.
        tree: over all edge points.
        lane: lane of each edge point.
        rows: the points to look at.
    """
    xyz = np.asarray(tree.data)
    _, near = tree.query(xyz[rows], k=min(10, len(xyz)), distance_upper_bound=1.0, workers=-1)
    near = np.reshape(near, (len(rows), -1))
    at, column = np.nonzero(near < len(xyz))
    one, other = rows[at], near[at, column]
    different = lane[one] != lane[other]
    one, other = one[different], other[different]
    gap = xyz[other] - xyz[one]
    yaw = lanes.yaw[one % len(lanes.points)]
    along = np.abs(gap[:, 0] * np.cos(yaw) + gap[:, 1] * np.sin(yaw))
    across = np.abs(gap[:, 1] * np.cos(yaw) - gap[:, 0] * np.sin(yaw))
    close = (along < 0.75) & (across < 0.25)
    return one[close], other[close]


def _links(lanes: LaneTable) -> Int[np.ndarray, " link"]:
    """Pairs of lanes of which one follows the other, in both orders, as one number each."""
    count = len(lanes)
    origin = np.repeat(np.arange(count), np.diff(lanes.next_start))
    return np.unique(
        np.concatenate([origin * count + lanes.next_lane, lanes.next_lane * count + origin])
    )


def _continues(
    lanes: LaneTable,
    links: Int[np.ndarray, " link"],
    one: Int[np.ndarray, " pair"],
    other: Int[np.ndarray, " pair"],
) -> Bool[np.ndarray, " pair"]:
    """Whether one lane is the other's continuation, so that their edges join end to end."""
    same_road = (lanes.road[one] == lanes.road[other]) & (
        lanes.lane_id[one] == lanes.lane_id[other]
    )
    return same_road | np.isin(one * len(lanes) + other, links)


def _inside_other_lane(
    lanes: LaneTable, xyz: Float[np.ndarray, "edge_point 3"], lane: Int[np.ndarray, " edge_point"]
) -> Bool[np.ndarray, " edge_point"]:
    """Whether each point lies inside a driving lane other than its own."""
    rows = np.flatnonzero(lanes.kind[lane_of_point(lanes)] == LaneKind.DRIVING)
    if not len(rows):
        return np.zeros(len(xyz), dtype=bool)
    k = min(6, len(rows))
    tree, of_point = cKDTree(lanes.points[rows]), lane_of_point(lanes)
    # No lane reaches farther than half the widest one.
    reach = min(4.0, float(lanes.width_m[rows].max()) / 2.0)
    inside = np.zeros(len(xyz), dtype=bool)
    for begin in range(0, len(xyz), MATCHED_AT_ONCE):
        part = slice(begin, begin + MATCHED_AT_ONCE)
        gap, near = tree.query(xyz[part], k=k, distance_upper_bound=reach, workers=-1)
        gap, near = np.reshape(gap, (-1, k)), np.reshape(near, (-1, k))
        found = near < len(rows)
        center = rows[np.where(found, near, 0)]
        other = of_point[center] != lane[part, None]
        inside[part] = (found & other & (gap < lanes.width_m[center] / 2.0 - 0.4)).any(axis=1)
    return inside
