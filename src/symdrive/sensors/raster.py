"""Which triangle a pinhole camera sees in each pixel: exact coverage, one depth test a pixel.

The rays of one camera start at one place and lie on a grid, so drawing triangles into a depth
buffer finds what casting the rays finds, several times faster. Edges are homogeneous (Olano and
Greer, "Triangle scan conversion using 2D homogeneous coordinates", 1997): a triangle that reaches
behind the eye needs no clipping, and each row of pixels that it covers is solved for, not searched.

Setup is in double precision, pixels in single. Nothing depends on the number of threads: every row
of pixels is drawn by one thread, which meets the triangles in one order.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from numba import njit, prange

from symdrive.sensors.projection import (
    BEHIND,
    NEAR_M,
    SLACK_PX,
    cross,
    edge,
    extent,
    holds_centre,
    minus,
    on_grid,
    pixel_bounds,
    seen_from,
    view_matrix,
    with_point,
)

SKY_DEPTH_M = 1000.0
"""Depth of pixels that hit nothing, as CARLA's depth camera reports its far plane."""

_CHUNKS, _STRIPS, _TILE_PX = 16, 16, 8
_PARTS = (0.03, 0.1, 0.2, 0.35, 0.6, 1.0)
"""Shares of the triangles, nearest first, after which it is asked anew what is hidden."""

GROUP = 32
"""So many blocks of the town are looked at together first."""

_NEAREST = np.float32(1.0 / NEAR_M)
_FARTHEST = np.float32(1.0 / SKY_DEPTH_M)
_CLEARLY = 1.0001
"""Ratio of depths from which on single precision cannot say otherwise."""

_LEVEL = 1e-30


class Blocks(NamedTuple):
    """Triangles in groups that are drawn, or left out, together.

    Attributes:
        triangles: rows of x, y and z of the first corners, then of the second and third ones, in
            the frames of their bodies, m.
        face: of each triangle, its row in the face table.
        first: triangle where each block begins.
        last: triangle before which each block ends.
        slot: body of each block (0 the town, r + 1 the actor in row r).
        sphere: x y z and radius around each block, world, m.
        half: half the sides of the box around each block, which has the middle of the sphere, m.
        group: middles and half the sides of boxes around the town's blocks, `GROUP` by `GROUP`, m.
    """

    triangles: Float32[np.ndarray, "9 face"]
    face: Int32[np.ndarray, " face"]
    first: Int64[np.ndarray, " block"]
    last: Int64[np.ndarray, " block"]
    slot: Int64[np.ndarray, " block"]
    sphere: Float32[np.ndarray, "block 4"]
    half: Float32[np.ndarray, "block 3"]
    group: Float32[np.ndarray, "group 6"]


class Lens(NamedTuple):
    """Where a camera stands and what lies in its picture.

    Attributes:
        matrix: takes a world point (x, y, z, 1) to its depth, m, and to depth times columns right
            of the centre and rows below it, m px.
        width: columns.
        height: rows.
    """

    matrix: Float64[np.ndarray, "3 4"]
    width: int
    height: int


class Drawing(NamedTuple):
    """What is seen in each pixel.

    Attributes:
        nearness: one over the depth, 1/m; that of `SKY_DEPTH_M` where nothing is.
        row: of `surface`, -1 where nothing is.
        surface: slot and face of each triangle that may be seen.
    """

    nearness: Float32[np.ndarray, "height width"]
    row: Int32[np.ndarray, "height width"]
    surface: Int32[np.ndarray, "triangle 2"]


class Workbench:
    """Buffers that pictures of one scene are drawn with, one after the other."""

    def __init__(self) -> None:
        self._edges = np.empty((0, 12), dtype=np.float64)
        self._bounds = np.empty((0, 4), dtype=np.int32)
        self._surface = np.empty((0, 2), dtype=np.int32)

    def draw(
        self,
        blocks: Blocks,
        place: Float64[np.ndarray, "slot 12"],
        lens: Lens,
        hidden_slot: int,
    ) -> Drawing:
        """Draw everything but one body.

        Args:
            blocks: what there is.
            place: 3x4 matrix, row by row, that takes each body's frame to the world.
            lens: the camera.
            hidden_slot: body that is not drawn, -1 for none.
        """
        shown, depth = _shown_blocks(blocks, lens, hidden_slot)
        shown = shown[np.argsort(depth, kind="stable")]
        counts = blocks.last[shown] - blocks.first[shown]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        self._make_room(int(offsets[-1]))
        nearness = np.empty((lens.height, lens.width), dtype=np.float32)
        index = np.empty((lens.height, lens.width), dtype=np.int32)
        found = np.empty((len(shown), 3), dtype=np.int64)
        buffers = _Buffers(nearness, index, np.zeros((_STRIPS, _columns(lens.width)), np.float32))
        bench = _Bench(self._edges, self._bounds, self._surface)
        begin, most = 0, int(counts.max(initial=0))
        for share in _PARTS:
            end = int(np.searchsorted(offsets, share * offsets[-1], side="right")) - 1
            todo = _Todo(shown, offsets, found, begin, end, most)
            _draw(blocks, place, lens, todo, bench, buffers)
            begin = end
        return Drawing(nearness, index, self._surface)

    def _make_room(self, triangles: int) -> None:
        """Buffers for so many triangles; the last drawing is lost."""
        if triangles > len(self._edges):
            rows = triangles + triangles // 2
            self._edges = np.empty((rows, 12), dtype=np.float64)
            self._bounds = np.empty((rows, 4), dtype=np.int32)
            self._surface = np.empty((rows, 2), dtype=np.int32)


class _Todo(NamedTuple):
    """Blocks to draw: which, where each may write, and how many triangles, from row to row.

    `most` is the number of triangles of the largest one.
    """

    shown: Int64[np.ndarray, " shown"]
    offsets: Int64[np.ndarray, " shown+1"]
    found: Int64[np.ndarray, "shown 3"]
    begin: int
    end: int
    most: int


class _Buffers(NamedTuple):
    """The picture, and the least nearness in each of its tiles."""

    nearness: Float32[np.ndarray, "height width"]
    row: Int32[np.ndarray, "height width"]
    tiles: Float32[np.ndarray, "strip column"]


def _columns(width: int) -> int:
    """Tiles side by side."""
    return (width + _TILE_PX - 1) // _TILE_PX


class _Bench(NamedTuple):
    """Edges and depth plane of a triangle, its pixel bounds, and its slot and face."""

    edges: Float64[np.ndarray, "triangle 12"]
    bounds: Int32[np.ndarray, "triangle 4"]
    surface: Int32[np.ndarray, "triangle 2"]


@njit(cache=True, nogil=True)
@no_type_check
def _shown_blocks(blocks, lens, hidden):
    """Blocks that reach into the picture, and the depth of their middles."""
    m, sides = lens.matrix, np.empty((6, 4))
    sides[0], sides[1] = m[0], -m[0]
    sides[1, 3] += SKY_DEPTH_M
    for k in range(2):
        reach = 0.5 * (lens.width, lens.height)[k]
        sides[2 + 2 * k], sides[3 + 2 * k] = reach * m[0] - m[1 + k], reach * m[0] + m[1 + k]
    shown = np.empty(len(blocks.slot), np.int64)
    depths = np.empty(len(blocks.slot), np.float64)
    found, block = 0, 0
    while block < len(blocks.slot):
        if block % GROUP == 0 and block // GROUP < len(blocks.group):
            box = blocks.group[block // GROUP]
            if not _reaches_into(sides, box[:3], box[3:]):
                # Actors follow the last square of the town.
                block = _next_group(blocks.slot, block)
                continue
        middle = blocks.sphere[block, :3]
        if blocks.slot[block] != hidden and _reaches_into(sides, middle, blocks.half[block]):
            x, y, z = middle[0], middle[1], middle[2]
            shown[found], depths[found] = block, m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
            found += 1
        block += 1
    return shown[:found], depths[:found]


@njit
@no_type_check
def _next_group(slot, block):
    """Where the next group of the town's blocks, or the first actor, begins."""
    after = min(block + GROUP, len(slot))
    while after > block + 1 and slot[after - 1] > 0:
        after -= 1
    return after


@njit
@no_type_check
def _reaches_into(sides, middle, half):
    """Whether a box lies partly on the inner side of every plane."""
    x, y, z = middle[0], middle[1], middle[2]
    for k in range(6):
        p = sides[k]
        most = abs(p[0]) * half[0] + abs(p[1]) * half[1] + abs(p[2]) * half[2]
        if p[0] * x + p[1] * y + p[2] * z + p[3] + most <= 0.0:
            return False
    return True


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
@no_type_check
def _draw(blocks, place, lens, todo, bench, buffers):
    """Set up the triangles of some blocks and draw them strip by strip."""
    nearness, index, tiles = buffers
    height = len(nearness)
    rows = (height + _STRIPS - 1) // _STRIPS
    for chunk in prange(_CHUNKS):
        kept = np.empty(todo.most, np.bool_)
        for i in range(todo.begin + chunk, todo.end, _CHUNKS):
            if todo.begin == 0 or not _is_hidden(blocks, lens, todo, i, tiles, rows):
                _set_up_block(blocks, place, lens, todo, bench, (tiles, kept), i)
    for turn in prange(_STRIPS):
        # Threads take neighbouring turns; every other strip shares the horizon among them.
        strip = 2 * (turn % (_STRIPS // 2)) + turn // (_STRIPS // 2)
        top, below = strip * rows, min(height, (strip + 1) * rows)
        if todo.begin == 0:
            nearness[top:below] = _FARTHEST
            index[top:below] = -1
        _draw_strip(todo, bench, nearness, index, top, below)
        _sum_up(nearness, tiles, strip, top, below)


@njit(fastmath=True)
@no_type_check
def _sum_up(nearness, tiles, strip, top, below):
    """The least nearness in each tile of a strip."""
    width = nearness.shape[1]
    least = np.full(width, _NEAREST)
    for y in range(top, below):
        row = nearness[y]
        for k in range(np.uint32(width)):
            x = np.uint64(k)
            least[x] = min(least[x], row[x])
    for column in range(tiles.shape[1]):
        tiles[strip, column] = least[column * _TILE_PX : (column + 1) * _TILE_PX].min()


@njit(fastmath=True)
@no_type_check
def _is_hidden(blocks, lens, todo, i, tiles, rows):
    """Whether everything in the picture where a block can be is nearer than the block."""
    m, sphere, half, block = lens.matrix, blocks.sphere, blocks.half, todo.shown[i]
    near, extent = np.inf, (BEHIND, -BEHIND, BEHIND, -BEHIND)
    for corner in range(8):
        x = sphere[block, 0] + (half[block, 0] if corner & 1 else -half[block, 0])
        y = sphere[block, 1] + (half[block, 1] if corner & 2 else -half[block, 1])
        z = sphere[block, 2] + (half[block, 2] if corner & 4 else -half[block, 2])
        depth = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        if depth < NEAR_M:
            return False
        right = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        down = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        near, extent = min(near, depth), with_point(extent, right / depth, down / depth)
    if not _is_covered(tiles, rows, pixel_bounds(extent, lens.width, lens.height), near):
        return False
    found = todo.found
    found[i, 0], found[i, 1], found[i, 2] = todo.offsets[i], lens.height, -1
    return True


@njit(fastmath=True)
@no_type_check
def _is_covered(tiles, rows, bounds, near):
    """Whether what is drawn already is nearer than a depth wherever tiles reach into bounds."""
    left, last, upper, lower = bounds
    if left <= last and upper <= lower:
        for strip in range(upper // rows, lower // rows + 1):
            for column in range(left // _TILE_PX, last // _TILE_PX + 1):
                if tiles[strip, column] * near <= _CLEARLY:
                    return False
    return True


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _set_up_block(blocks, place, lens, todo, bench, spare, i):
    """Edges and bounds of those triangles of a block that lie over a pixel."""
    triangles, faces, first, last, slots, _, _, _ = blocks
    (edges, bounds, surface), (tiles, kept) = bench, spare
    block = todo.shown[i]
    slot = slots[block]
    view = view_matrix(lens.matrix, place, slot)
    width, height = lens.width, lens.height
    middle = (0.5 * width - 0.5, 0.5 * height - 0.5)
    row, rows = todo.offsets[i], (height + _STRIPS - 1) // _STRIPS
    top, bottom = height, -1
    _sift(triangles[:, first[block] : last[block]], view, lens, kept)
    for t in range(first[block], last[block]):
        if not kept[t - first[block]]:
            continue
        a = seen_from(view, triangles[0, t], triangles[1, t], triangles[2, t])
        b = seen_from(view, triangles[3, t], triangles[4, t], triangles[5, t])
        c = seen_from(view, triangles[6, t], triangles[7, t], triangles[8, t])
        box = pixel_bounds(extent(a, b, c), width, height)
        near = min(a[0], b[0], c[0])
        is_behind = todo.begin > 0 and near > NEAR_M and _is_covered(tiles, rows, box, near)
        if box[0] > box[1] or box[2] > box[3] or is_behind:
            continue
        normal = cross(minus(b, a), minus(c, a))
        volume = normal[0] * a[0] + normal[1] * a[1] + normal[2] * a[2]
        if volume == 0.0:
            continue
        sign = 1.0 if volume > 0.0 else -1.0
        edges[row, 0], edges[row, 1], edges[row, 2] = edge(a, b, sign, middle)
        edges[row, 3], edges[row, 4], edges[row, 5] = edge(b, c, sign, middle)
        edges[row, 6], edges[row, 7], edges[row, 8] = edge(c, a, sign, middle)
        edges[row, 9], edges[row, 10], edges[row, 11] = on_grid(normal, 1.0 / volume, middle)
        bounds[row, 0], bounds[row, 1], bounds[row, 2], bounds[row, 3] = box
        surface[row, 0], surface[row, 1] = slot, faces[t]
        top, bottom = min(top, box[2]), max(bottom, box[3])
        row += 1
    found = todo.found
    found[i, 0], found[i, 1], found[i, 2] = row, top, bottom


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _sift(triangles, view, lens, kept):
    """Which triangles may lie over a pixel: a loop without branches, many at a time."""
    ax, ay, az = triangles[0], triangles[1], triangles[2]
    bx, by, bz = triangles[3], triangles[4], triangles[5]
    cx, cy, cz = triangles[6], triangles[7], triangles[8]
    right, down = 0.5 * lens.width - 0.5, 0.5 * lens.height - 0.5
    for k in range(np.uint32(len(ax))):
        i = np.uint64(k)
        a, b = seen_from(view, ax[i], ay[i], az[i]), seen_from(view, bx[i], by[i], bz[i])
        c = seen_from(view, cx[i], cy[i], cz[i])
        nearest = min(a[0], b[0], c[0])
        # Who is too near is kept for a closer look, whatever its places are.
        p, q, r = max(a[0], NEAR_M), max(b[0], NEAR_M), max(c[0], NEAR_M)
        columns, rows = (a[1] / p, b[1] / q, c[1] / r), (a[2] / p, b[2] / q, c[2] / r)
        kept[i] = (nearest <= NEAR_M) | (holds_centre(columns, right) & holds_centre(rows, down))


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _draw_strip(todo, bench, nearness, index, top, below):
    """Draw what reaches into some rows of the picture."""
    edges, bounds, _ = bench
    width = nearness.shape[1]
    nearness, index = nearness.reshape(-1), index.reshape(-1)
    offsets, found = todo.offsets, todo.found
    for i in range(todo.begin, todo.end):
        if found[i, 1] >= below or found[i, 2] < top:
            continue
        for t in range(offsets[i], found[i, 0]):
            upper, lower = max(bounds[t, 2], top), min(bounds[t, 3], below - 1)
            if upper > lower:
                continue
            plane = (edges[t, 9], edges[t, 10], edges[t, 11])
            one = (edges[t, 0], edges[t, 1], edges[t, 2])
            two = (edges[t, 3], edges[t, 4], edges[t, 5])
            three = (edges[t, 6], edges[t, 7], edges[t, 8])
            steps = (_inverse(one[1]), _inverse(two[1]), _inverse(three[1]))
            for y in range(upper, lower + 1):
                span = (float(bounds[t, 0]), float(bounds[t, 1]))
                span = _cut_span(span, one, steps[0], y)
                span = _cut_span(span, two, steps[1], y)
                span = _cut_span(span, three, steps[2], y)
                if span[0] > span[1] + SLACK_PX:
                    continue
                first = math.ceil(span[0] - SLACK_PX)
                after = math.floor(span[1] + SLACK_PX) + 1
                start = np.float32(plane[0] + plane[1] * first + plane[2] * y)
                _fill(
                    nearness,
                    index,
                    y * width + first,
                    y * width + after,
                    start,
                    np.float32(plane[1]),
                    np.int32(t),
                )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _fill(nearness, index, first, after, start, step, triangle):
    """Keep the nearer of a triangle and what is there, along a row of pixels."""
    for x in range(np.uint32(after - first)):
        at = np.uint64(first) + np.uint64(x)
        near, kept, other = start + step * np.float32(np.int32(x)), nearness[at], index[at]
        is_nearer = near > kept and near < _NEAREST
        nearness[at] = near if is_nearer else kept
        index[at] = triangle if is_nearer else other


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _inverse(slope):
    """One over a slope; of a level line nobody asks."""
    return 1.0 / slope if abs(slope) > _LEVEL else 0.0


@njit(fastmath=True)
@no_type_check
def _cut_span(span, edge, inverse, y):
    """The part of a row of pixels that lies inside of an edge."""
    value, slope = edge[0] + edge[2] * y, edge[1]
    if slope > _LEVEL:
        return max(span[0], -value * inverse), span[1]
    if slope < -_LEVEL:
        return span[0], min(span[1], -value * inverse)
    return span if value >= 0.0 else (1.0, 0.0)
