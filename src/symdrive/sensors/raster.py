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

SKY_DEPTH_M = 1000.0
"""Depth of pixels that hit nothing, as CARLA's depth camera reports its far plane."""

NEAR_M = 0.05
"""Surfaces nearer than this are not seen."""

_CHUNKS, _STRIPS, _TILE_PX = 16, 16, 32
_PARTS = (0.03, 0.1, 0.3, 1.0)
"""Shares of the triangles, nearest first, after which it is asked anew what is hidden."""

_SLACK_PX = 1e-6
"""Neighbours overlap by this much rather than leave a crack."""

_NEAREST = np.float32(1.0 / NEAR_M)
_FARTHEST = np.float32(1.0 / SKY_DEPTH_M)
_BEHIND = 1e9
_LEVEL = 1e-30


class Blocks(NamedTuple):
    """Triangles in groups that are drawn, or left out, together.

    Attributes:
        triangles: x y z of three corners, in the frame of their body, m.
        face: of each triangle, its row in the face table.
        first: triangle where each block begins.
        last: triangle before which each block ends.
        slot: body of each block (0 the town, r + 1 the actor in row r).
        sphere: x y z and radius around each block, world, m.
    """

    triangles: Float32[np.ndarray, "face 9"]
    face: Int32[np.ndarray, " face"]
    first: Int64[np.ndarray, " block"]
    last: Int64[np.ndarray, " block"]
    slot: Int64[np.ndarray, " block"]
    sphere: Float32[np.ndarray, "block 4"]


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
        shown, depth = _shown_blocks(blocks.sphere, blocks.slot, lens, hidden_slot)
        shown = shown[np.argsort(depth, kind="stable")]
        counts = blocks.last[shown] - blocks.first[shown]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        self._make_room(int(offsets[-1]))
        nearness = np.empty((lens.height, lens.width), dtype=np.float32)
        index = np.empty((lens.height, lens.width), dtype=np.int32)
        found = np.empty((len(shown), 3), dtype=np.int64)
        buffers = _Buffers(nearness, index, np.zeros((_STRIPS, _columns(lens.width)), np.float32))
        bench = _Bench(self._edges, self._bounds, self._surface)
        begin = 0
        for share in _PARTS:
            end = int(np.searchsorted(offsets, share * offsets[-1], side="right")) - 1
            _draw(blocks, place, lens, _Todo(shown, offsets, found, begin, end), bench, buffers)
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
    """Blocks to draw: which, where each may write, and how many triangles, from row to row."""

    shown: Int64[np.ndarray, " shown"]
    offsets: Int64[np.ndarray, " shown+1"]
    found: Int64[np.ndarray, "shown 3"]
    begin: int
    end: int


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


@njit(cache=True)
@no_type_check
def _shown_blocks(sphere, slot, lens, hidden):
    """Blocks that reach into the picture, and the depth of their middles."""
    m, half_width, half_height = lens.matrix, 0.5 * lens.width, 0.5 * lens.height
    scale = math.sqrt(m[1, 0] ** 2 + m[1, 1] ** 2 + m[1, 2] ** 2)
    side, top = math.hypot(scale, half_width), math.hypot(scale, half_height)
    shown = np.empty(len(sphere), np.int64)
    depths = np.empty(len(sphere), np.float64)
    found = 0
    for block in range(len(sphere)):
        x, y, z, radius = sphere[block]
        depth = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        right = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        down = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        is_beside = (
            not -radius < depth < SKY_DEPTH_M + radius
            or half_width * depth - abs(right) < -radius * side
            or half_height * depth - abs(down) < -radius * top
        )
        if not is_beside and slot[block] != hidden:
            shown[found], depths[found] = block, depth
            found += 1
    return shown[:found], depths[:found]


@njit(cache=True, parallel=True, fastmath=True, error_model="numpy")
@no_type_check
def _draw(blocks, place, lens, todo, bench, buffers):
    """Set up the triangles of some blocks and draw them strip by strip."""
    nearness, index, tiles = buffers
    height = len(nearness)
    rows = (height + _STRIPS - 1) // _STRIPS
    for chunk in prange(_CHUNKS):
        for i in range(todo.begin + chunk, todo.end, _CHUNKS):
            if todo.begin == 0 or not _is_hidden(blocks, lens, todo, i, tiles, rows):
                _set_up_block(blocks, place, lens, todo, bench, i)
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
    for column in range(tiles.shape[1]):
        least = np.float32(_NEAREST)
        for y in range(top, below):
            for x in range(column * _TILE_PX, min(width, (column + 1) * _TILE_PX)):
                least = min(least, nearness[y, x])
        tiles[strip, column] = least


@njit(fastmath=True)
@no_type_check
def _is_hidden(blocks, lens, todo, i, tiles, rows):
    """Whether everything in the picture where a block can be is nearer than the block."""
    m, sphere, block = lens.matrix, blocks.sphere, todo.shown[i]
    x, y, z, radius = sphere[block, 0], sphere[block, 1], sphere[block, 2], sphere[block, 3]
    scale = math.sqrt(m[1, 0] ** 2 + m[1, 1] ** 2 + m[1, 2] ** 2)
    depth = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
    right = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
    down = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
    near, far, reach = depth - radius, depth + radius, radius * scale
    if near < NEAR_M:
        return False
    extent = (
        min((right - reach) / near, (right - reach) / far),
        max((right + reach) / near, (right + reach) / far),
        min((down - reach) / near, (down - reach) / far),
        max((down + reach) / near, (down + reach) / far),
    )
    left, last, upper, lower = _pixel_bounds(extent, lens.width, lens.height)
    if left <= last and upper <= lower:
        for strip in range(upper // rows, lower // rows + 1):
            for column in range(left // _TILE_PX, last // _TILE_PX + 1):
                if tiles[strip, column] * near <= 1.0:
                    return False
    found = todo.found
    found[i, 0], found[i, 1], found[i, 2] = todo.offsets[i], lens.height, -1
    return True


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _set_up_block(blocks, place, lens, todo, bench, i):
    """Edges and bounds of those triangles of a block that lie over a pixel."""
    triangles, faces, first, last, slots, _ = blocks
    edges, bounds, surface = bench
    block = todo.shown[i]
    slot = slots[block]
    view = _view_matrix(lens.matrix, place, slot)
    width, height = lens.width, lens.height
    row = todo.offsets[i]
    top, bottom = height, -1
    for t in range(first[block], last[block]):
        a = _seen_from(view, triangles[t, 0], triangles[t, 1], triangles[t, 2])
        b = _seen_from(view, triangles[t, 3], triangles[t, 4], triangles[t, 5])
        c = _seen_from(view, triangles[t, 6], triangles[t, 7], triangles[t, 8])
        left, right, upper, lower = _pixel_bounds(_extent(a, b, c), width, height)
        if left > right or upper > lower:
            continue
        normal = _cross(_minus(b, a), _minus(c, a))
        volume = normal[0] * a[0] + normal[1] * a[1] + normal[2] * a[2]
        if volume == 0.0:
            continue
        sign = 1.0 if volume > 0.0 else -1.0
        middle = (0.5 * width - 0.5, 0.5 * height - 0.5)
        edges[row, 0], edges[row, 1], edges[row, 2] = _edge(a, b, sign, middle)
        edges[row, 3], edges[row, 4], edges[row, 5] = _edge(b, c, sign, middle)
        edges[row, 6], edges[row, 7], edges[row, 8] = _edge(c, a, sign, middle)
        edges[row, 9], edges[row, 10], edges[row, 11] = _on_grid(normal, 1.0 / volume, middle)
        bounds[row, 0], bounds[row, 1] = left, right
        bounds[row, 2], bounds[row, 3] = upper, lower
        surface[row, 0], surface[row, 1] = slot, faces[t]
        top, bottom = min(top, upper), max(bottom, lower)
        row += 1
    found = todo.found
    found[i, 0], found[i, 1], found[i, 2] = row, top, bottom


@njit(fastmath=True)
@no_type_check
def _view_matrix(matrix, place, slot):
    """From a body's frame to the camera's, as three rows of four."""
    rows = (
        (place[slot, 0], place[slot, 1], place[slot, 2], place[slot, 3]),
        (place[slot, 4], place[slot, 5], place[slot, 6], place[slot, 7]),
        (place[slot, 8], place[slot, 9], place[slot, 10], place[slot, 11]),
    )
    return (
        _row_times(matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3], rows),
        _row_times(matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3], rows),
        _row_times(matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3], rows),
    )


@njit(fastmath=True)
@no_type_check
def _row_times(x, y, z, w, rows):
    """A row of four times a 3x4 matrix."""
    a, b, c = rows
    return (
        x * a[0] + y * b[0] + z * c[0],
        x * a[1] + y * b[1] + z * c[1],
        x * a[2] + y * b[2] + z * c[2],
        x * a[3] + y * b[3] + z * c[3] + w,
    )


@njit(fastmath=True)
@no_type_check
def _seen_from(view, x, y, z):
    """Depth, right and down of a corner."""
    a, b, c = view
    return (
        a[0] * x + a[1] * y + a[2] * z + a[3],
        b[0] * x + b[1] * y + b[2] * z + b[3],
        c[0] * x + c[1] * y + c[2] * z + c[3],
    )


@njit(fastmath=True)
@no_type_check
def _minus(a, b):
    """Difference of triples."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@njit(fastmath=True)
@no_type_check
def _cross(a, b):
    """Cross product of triples."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(fastmath=True)
@no_type_check
def _on_grid(plane, factor, middle):
    """A linear function of the ray (1, right, down) as one of (1, column, row)."""
    right, down = factor * plane[1], factor * plane[2]
    return factor * plane[0] - right * middle[0] - down * middle[1], right, down


@njit(fastmath=True)
@no_type_check
def _edge(start, end, sign, middle):
    """A linear function of column and row that is positive on the inner side of an edge."""
    return _on_grid(_cross(start, _minus(end, start)), sign, middle)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _extent(a, b, c):
    """Least and greatest column and row (from the centre) of the part before the near plane."""
    nearest = min(a[0], b[0], c[0])
    if nearest > NEAR_M:
        right = (a[1] / a[0], b[1] / b[0], c[1] / c[0])
        down = (a[2] / a[0], b[2] / b[0], c[2] / c[0])
        return min(right), max(right), min(down), max(down)
    extent = (_BEHIND, -_BEHIND, _BEHIND, -_BEHIND)
    if max(a[0], b[0], c[0]) <= NEAR_M:
        return extent
    for start, end in ((a, b), (b, c), (c, a)):
        if start[0] > NEAR_M:
            extent = _with_point(extent, start[1] / start[0], start[2] / start[0])
        if (start[0] > NEAR_M) != (end[0] > NEAR_M):
            share = (NEAR_M - start[0]) / (end[0] - start[0])
            right = start[1] + share * (end[1] - start[1])
            down = start[2] + share * (end[2] - start[2])
            extent = _with_point(extent, right / NEAR_M, down / NEAR_M)
    return extent


@njit(fastmath=True)
@no_type_check
def _with_point(extent, right, down):
    """An extent that reaches to a point."""
    left, most, up, low = extent
    return min(left, right), max(most, right), min(up, down), max(low, down)


@njit(fastmath=True)
@no_type_check
def _pixel_bounds(extent, width, height):
    """First and last column and row whose centres can lie in an extent."""
    right, down = 0.5 * width - 0.5, 0.5 * height - 0.5
    return (
        _clamped(math.ceil(extent[0] + right - _SLACK_PX), 0.0, width),
        _clamped(math.floor(extent[1] + right + _SLACK_PX), -1.0, width - 1.0),
        _clamped(math.ceil(extent[2] + down - _SLACK_PX), 0.0, height),
        _clamped(math.floor(extent[3] + down + _SLACK_PX), -1.0, height - 1.0),
    )


@njit(fastmath=True)
@no_type_check
def _clamped(value, low, high):
    """As a whole number from `low` to `high`."""
    return int(min(max(value, low), high))


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
                if span[0] > span[1] + _SLACK_PX:
                    continue
                first = math.ceil(span[0] - _SLACK_PX)
                after = math.floor(span[1] + _SLACK_PX) + 1
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
