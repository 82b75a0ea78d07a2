"""The line along which buildings, trees and fences face the street."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from symdrive.core.geometry import ranges, wrap_angle
from symdrive.maps.scenery.cover import Cover, away_from
from symdrive.maps.scenery.strips import lane_of_point
from symdrive.maps.town import LaneKind, LaneTable

SETBACK_M = 1.2
SPACING_M = 2.0
# Medians and islands narrower than twice this hold nothing.
ISLAND_M = 6.0
SHORTEST_RING_M = 30.0
URBAN_WITHIN_M = 6.0


@dataclass(frozen=True)
class Frontage:
    """Points every two metres along rings that run `SETBACK_M` beside all lanes.

    Rings run so that the lanes are on the left and the free land on the right.

    Attributes:
        xy: points, m.
        tangent: unit vector along the ring.
        outward: unit vector away from the lanes.
        ring: ring of each point.
        before: row of the previous point of the ring.
        after: row of the next one.
        turn: change of heading from 8 m before to 8 m behind, rad; negative at corners of blocks.
        urban: whether a sidewalk runs along here.
    """

    xy: Float[np.ndarray, "point 2"]
    tangent: Float[np.ndarray, "point 2"]
    outward: Float[np.ndarray, "point 2"]
    ring: Int[np.ndarray, " point"]
    before: Int[np.ndarray, " point"]
    after: Int[np.ndarray, " point"]
    turn: Float[np.ndarray, " point"]
    urban: Bool[np.ndarray, " point"]

    def shifted(self, rows: Int[np.ndarray, "*n"], steps: int) -> Int[np.ndarray, "*n"]:
        """Rows a number of points further along their rings (backwards if negative)."""
        link = self.after if steps > 0 else self.before
        for _ in range(abs(steps)):
            rows = link[rows]
        return rows


def lay_frontage(lanes: LaneTable, cover: Cover) -> Frontage:
    """Walk around the lanes of a town."""
    outline = cover.outline.buffer(ISLAND_M, quad_segs=4)
    outline = outline.buffer(SETBACK_M - ISLAND_M, quad_segs=4)
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(outline)))
    rings = rings[shapely.length(rings) > SHORTEST_RING_M]
    length = shapely.length(rings)
    count = np.rint(length / SPACING_M).astype(np.int64)
    ring = np.repeat(np.arange(len(rings)), count)
    nth = ranges(np.zeros_like(count), count)
    xy = points_along(rings, ring, nth * (length / count)[ring])
    first = (np.cumsum(count) - count)[ring]
    before = first + (nth - 1) % count[ring]
    after = first + (nth + 1) % count[ring]
    step = xy[after] - xy[before]
    tangent = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    turn = _turn(np.arctan2(tangent[:, 1], tangent[:, 0]), before, after)
    return Frontage(xy, tangent, outward, ring, before, after, turn, _urban(lanes, xy))


def points_along(
    rings: np.ndarray, ring: Int[np.ndarray, " point"], s_m: Float[np.ndarray, " point"]
) -> Float[np.ndarray, "point 2"]:
    """Points at distances along rings, without walking each ring anew for each of its points.

    Args:
        rings: shapely rings.
        ring: ring of each point, ascending.
        s_m: distance of each point from the beginning of its ring, ascending within a ring.
    """
    corners, owner = shapely.get_coordinates(rings, return_index=True)
    begin = np.searchsorted(owner, np.arange(len(rings) + 1))
    ends = np.searchsorted(ring, np.arange(len(rings) + 1))
    xy = np.empty((len(ring), 2))
    for number in range(len(rings)):
        line = corners[begin[number] : begin[number + 1]]
        here = slice(ends[number], ends[number + 1])
        step = np.diff(line, axis=0)
        run = np.sqrt(step[:, 0] ** 2 + step[:, 1] ** 2)
        reached = np.concatenate([[0.0], np.cumsum(run)])
        at = np.clip(np.searchsorted(reached, s_m[here], side="right") - 1, 0, len(step) - 1)
        share = (s_m[here] - reached[at]) / np.maximum(run[at], 1e-300)
        xy[here] = share[:, None] * step[at] + line[at]
    return xy


def _turn(
    heading: Float[np.ndarray, " point"],
    before: Int[np.ndarray, " point"],
    after: Int[np.ndarray, " point"],
) -> Float[np.ndarray, " point"]:
    """Change of heading over the four points before and behind each point."""
    turn = np.zeros(len(heading))
    back = front = np.arange(len(heading))
    for _ in range(4):
        turn += wrap_angle(heading[back] - heading[before[back]])
        turn += wrap_angle(heading[after[front]] - heading[front])
        back, front = before[back], after[front]
    return turn


def _urban(lanes: LaneTable, xy: Float[np.ndarray, "point 2"]) -> Bool[np.ndarray, " point"]:
    """Whether a sidewalk's centre line is near each point."""
    walk = lanes.points[lanes.kind[lane_of_point(lanes)] == LaneKind.SIDEWALK, :2]
    if not len(walk):
        return np.zeros(len(xy), dtype=bool)
    return ~away_from(cKDTree(walk), xy, URBAN_WITHIN_M)
