"""Paint on the road: lane lines, stop lines, block letters, crosswalks."""

import numpy as np
import shapely
from jaxtyping import Float, Int

from symdrive.core.geometry import ranges
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.heights import SurfaceHeights
from symdrive.maps.scenery.solids import join, quads
from symdrive.maps.scenery.strips import (
    EdgeMatch,
    chord_quads,
    lane_edges,
    lane_of_point,
    leftward,
    segments,
    stations,
)
from symdrive.maps.town import (
    CrosswalkTable,
    LaneKind,
    LaneTable,
    Marking,
    Mesh,
    SignalTable,
    StopSignTable,
)

LINE_WIDTH_M = 0.15
# German guideline for road markings RMS 1, narrow line in built-up areas: 3 m dash, 6 m gap.
DASH_M = 3.0
DASH_PERIOD_M = 9.0
STOP_LINE_WIDTH_M = 0.5
STRIPE_M = 0.5
STRIPE_PERIOD_M = 1.1
LETTER_M = (0.42, 1.9)
LETTER_GAP_M = 1.0

# Strokes of each letter as rectangles (x0, y0, x1, y1) in a unit cell: x to the right, y up.
LETTERS = {
    "S": ((0, 0.8, 1, 1), (0, 0.5, 0.3, 0.8), (0, 0.4, 1, 0.6), (0.7, 0.2, 1, 0.5), (0, 0, 1, 0.2)),
    "T": ((0, 0.8, 1, 1), (0.35, 0, 0.65, 0.8)),
    "O": ((0, 0.8, 1, 1), (0, 0.2, 0.3, 0.8), (0.7, 0.2, 1, 0.8), (0, 0, 1, 0.2)),
    "P": ((0, 0.8, 1, 1), (0, 0, 0.3, 0.8), (0.7, 0.5, 1, 0.8), (0.3, 0.4, 1, 0.55)),
}


def painted(lanes: LaneTable) -> Int[np.ndarray, " edge_point"]:
    """Marking of each edge point, left edges first; kerbs are not paint, and no line has code 0."""
    code = np.concatenate([lanes.marking_left, lanes.marking_right])
    kind = np.tile(lanes.kind[lane_of_point(lanes)], 2)
    no_paint = (code == Marking.CURB) | (kind == LaneKind.SIDEWALK)
    return np.where(no_paint, int(Marking.NONE), code)


def lane_lines(lanes: LaneTable, edges: EdgeMatch) -> Mesh:
    """Lines along lane edges; a line between two lanes is painted once, on their common edge."""
    count = len(lanes.points)
    code = painted(lanes)
    broken = np.isin(code, (Marking.BROKEN_WHITE, Marking.BROKEN_YELLOW))
    in_gap = np.tile(lanes.s_m % DASH_PERIOD_M >= DASH_M, 2)
    skipped = edges.superseded | edges.inside | (broken & in_gap)
    code = np.where(skipped, int(Marking.NONE), code)
    parts = []
    for side, edge in enumerate(lane_edges(lanes)):
        rows = slice(side * count, (side + 1) * count)
        parts.append(_edge_lines(lanes, edge, code[rows]))
    return join(parts)


def _edge_lines(
    lanes: LaneTable, edge: Float[np.ndarray, "point 3"], code: Int[np.ndarray, " point"]
) -> Mesh:
    """Lines along one edge; the code at a point holds until the next point."""
    breaks = np.diff(code, prepend=0) != 0
    a, b = segments(lanes, stations(lanes, breaks=breaks), np.ones(len(lanes), dtype=bool))
    drawn = code[a] != Marking.NONE
    a, b = a[drawn], b[drawn]
    half = leftward(lanes) * (LINE_WIDTH_M / 2.0)
    lift = np.array([0.0, 0.0, palette.PAINT_M])
    yellow = np.isin(code[a], (Marking.SOLID_YELLOW, Marking.BROKEN_YELLOW))
    color = np.where(yellow[:, None], palette.PAINT_YELLOW, palette.PAINT_WHITE).astype(np.uint8)
    corners = chord_quads(edge + half + lift, edge - half + lift, a, b)
    return quads(corners, color, SemanticClass.ROAD_LINE)


def on_lane(
    lanes: LaneTable,
    lane: Int[np.ndarray, " n"],
    s_m: Float[np.ndarray, " n"],
    column: Float[np.ndarray, " point"],
) -> Float[np.ndarray, " n"]:
    """A point column interpolated at arc lengths along lanes."""
    spacing = np.maximum(lanes.length_m[lane], 1e-6) / np.maximum(np.diff(lanes.start)[lane] - 1, 1)
    last = np.diff(lanes.start)[lane] - 1
    at = np.clip(s_m / spacing, 0.0, last)
    low = np.minimum(at.astype(np.int64), np.maximum(last - 1, 0))
    row = lanes.start[lane] + low
    part = at - low
    return column[row] * (1.0 - part) + column[np.minimum(row + 1, len(column) - 1)] * part


def lane_rectangles(
    lanes: LaneTable,
    lane: Int[np.ndarray, " n"],
    s_m: Float[np.ndarray, " n"],
    local: Float[np.ndarray, "n k 2"],
    lift_m: float,
) -> Float[np.ndarray, "n k 3"]:
    """Points given along and across a lane, draped over its slope.

    Args:
        lanes: all lanes.
        lane: lane of each row.
        s_m: arc length of the local origin.
        local: m ahead of it, m left of the centre line.
        lift_m: height above the lane.
    """
    k = local.shape[1]
    row, s = np.repeat(lane, k), np.repeat(s_m, k)
    at = [on_lane(lanes, row, s, lanes.points[:, c].astype(np.float64)) for c in range(2)]
    yaw = np.arctan2(
        on_lane(lanes, row, s, np.sin(lanes.yaw)), on_lane(lanes, row, s, np.cos(lanes.yaw))
    )
    ahead, left = local.reshape(-1, 2).T
    x = at[0] + np.cos(yaw) * ahead - np.sin(yaw) * left
    y = at[1] + np.sin(yaw) * ahead + np.cos(yaw) * left
    z = on_lane(lanes, row, s + ahead, lanes.points[:, 2].astype(np.float64)) + lift_m
    return np.stack([x, y, z], axis=1).reshape(-1, k, 3)


def stop_lines(lanes: LaneTable, signals: SignalTable, stop_signs: StopSignTable) -> Mesh:
    """Bars across each lane that ends at a signal or stop sign, and STOP before the latter."""
    lane = np.concatenate([signals.stop_lane, stop_signs.lane]).astype(np.int64)
    s_m = np.concatenate([signals.stop_s_m, stop_signs.s_m]).astype(np.float64)
    _, rows = np.unique(lane, return_index=True)
    lane, s_m = lane[rows], s_m[rows]
    half = on_lane(lanes, lane, s_m, lanes.width_m) / 2.0 - 0.1
    back = np.full(len(lane), -STOP_LINE_WIDTH_M)
    ahead = np.zeros(len(lane))
    local = np.stack([back, -half, ahead, -half, ahead, half, back, half], axis=1)
    bars = lane_rectangles(lanes, lane, s_m, local.reshape(-1, 4, 2), palette.STOP_LINE_M)
    letters = stop_words(lanes, stop_signs)
    corners = np.concatenate([bars, letters])
    return quads(
        corners, palette.uniform(palette.PAINT_WHITE, len(corners)), SemanticClass.ROAD_LINE
    )


def stop_words(lanes: LaneTable, stop_signs: StopSignTable) -> Float[np.ndarray, "n 4 3"]:
    """The word STOP on each stop-sign lane that is long enough for it, readable on approach."""
    length = LETTER_GAP_M + STOP_LINE_WIDTH_M + LETTER_M[1]
    rows = np.flatnonzero(stop_signs.s_m > length)
    strokes = word_strokes("STOP", LETTER_M, 1.35)
    lane = np.repeat(stop_signs.lane[rows].astype(np.int64), len(strokes))
    s_m = np.repeat(stop_signs.s_m[rows].astype(np.float64) - length, len(strokes))
    local = np.tile(strokes, (len(rows), 1, 1))
    return lane_rectangles(lanes, lane, s_m, local, palette.STOP_LINE_M)


def word_strokes(
    word: str, letter_m: tuple[float, float], pitch: float
) -> Float[np.ndarray, "n 4 2"]:
    """Rectangles that make up a word, counter-clockwise as the reader sees them.

    Args:
        word: of letters in `LETTERS`.
        letter_m: width and height of a letter.
        pitch: distance between letters, in widths.

    Returns:
        Corners as (m above the base line, m left of the middle).
    """
    width, height = letter_m
    x_start = -width * (pitch * (len(word) - 1) + 1.0) / 2.0
    boxes = []
    for i, letter in enumerate(word):
        for x0, y0, x1, y1 in LETTERS[letter]:
            right0, right1 = (x_start + width * (i * pitch + x) for x in (x0, x1))
            up0, up1 = height * y0, height * y1
            boxes.append([(up0, -right1), (up1, -right1), (up1, -right0), (up0, -right0)])
    return np.array(boxes, dtype=np.float64)


def crosswalk_stripes(
    crosswalks: CrosswalkTable, roads: shapely.STRtree, heights: SurfaceHeights
) -> Mesh:
    """Zebra stripes along the direction of traffic, kept to the carriageway.

    Args:
        crosswalks: outlines and walking lines.
        roads: pieces of the lanes.
        heights: of the carriageways.
    """
    rectangles, owner = _stripe_rectangles(crosswalks)
    middle = shapely.points(rectangles.mean(axis=1))
    on_road = np.unique(roads.query(middle, predicate="intersects")[0])
    rectangles, owner = rectangles[on_road], owner[on_road]
    flat = rectangles.reshape(-1, 2)
    near_z = np.repeat(crosswalks.line[owner, :, 2].mean(axis=1), 4)
    z = (heights.at(flat, near_z) + palette.CROSSWALK_M).reshape(-1, 4, 1)
    corners = np.concatenate([rectangles, z], axis=2)
    return quads(
        corners, palette.uniform(palette.PAINT_WHITE, len(corners)), SemanticClass.ROAD_LINE
    )


def _stripe_rectangles(
    crosswalks: CrosswalkTable,
) -> tuple[Float[np.ndarray, "n 4 2"], Int[np.ndarray, " n"]]:
    """Stripes of each crosswalk, counter-clockwise, and the crosswalk that each belongs to."""
    if not len(crosswalks):
        return np.zeros((0, 4, 2)), np.zeros(0, dtype=np.int64)
    first, last = crosswalks.line[:, 0, :2], crosswalks.line[:, 1, :2]
    walk = last - first
    length = np.linalg.norm(walk, axis=1)
    yaw = np.arctan2(walk[:, 1], walk[:, 0])
    side = np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    owner = np.repeat(np.arange(len(crosswalks)), np.diff(crosswalks.start))
    reach = np.abs(((crosswalks.corners[:, :2] - first[owner]) * side[owner]).sum(axis=1))
    half = np.zeros(len(crosswalks))
    np.maximum.at(half, owner, reach)
    count = np.maximum(np.floor(length / STRIPE_PERIOD_M), 1).astype(np.int64)
    row = np.repeat(np.arange(len(crosswalks)), count)
    along = (ranges(np.zeros_like(count), count) + 0.5) * (length / count)[row]
    w, h = STRIPE_M / 2.0, half[row] - 0.1
    local = np.stack([along - w, -h, along + w, -h, along + w, h, along - w, h], axis=1).reshape(
        -1, 4, 2
    )
    ahead = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    world = first[row, None] + local[..., :1] * ahead[row, None] + local[..., 1:] * side[row, None]
    return world, row
