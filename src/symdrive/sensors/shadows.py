"""Shadow maps: how high, towards the sun, the topmost surface lies over each place.

Three square maps surround the eye, of texels that double in size from one to the next. They are
grids fixed in the world for a sun, of which the part around the eye is kept, row and column modulo
their side. What a texel holds depends on the town, the sun and the texel alone, so it does not
matter when and for which eye it was drawn: the town is drawn in square tiles when they come into
reach, the actors of a tick over it. A surface lies in shadow where a map has something higher
(Williams, "Casting curved shadows on curved surfaces", 1978; edges blended between texels as in
Reeves, Salesin and Cook, "Rendering antialiased shadows with depth maps", 1987).
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from numba import njit, prange

from symdrive.sensors.raster import Blocks
from symdrive.sensors.shadow_pass import LEVELS, REACH_M, SIDE, TEXEL_M

Triple = tuple[float, float, float]

_TILE = 64
_TILES = SIDE // _TILE
_NOTHING = np.float32(-1e9)
_MASK, _LAYER = SIDE - 1, SIDE * SIDE
_SLACK = 1e-6
_FLAT = 1e-9
_EYE_OFF_M = 3.0
"""Eyes this near to the middle of the maps see no shadows beyond their rim."""

_PERIOD_M = SIDE * TEXEL_M * 2 ** (LEVELS - 1)
_BELOW_M = 3.0
"""Actors shade what lies so far below their feet; deeper, a coarser map may miss it."""


class Frame(NamedTuple):
    """Axes of the maps and the sun's direction, world, length one."""

    u: Float64[np.ndarray, " 3"]
    v: Float64[np.ndarray, " 3"]
    sun: Float64[np.ndarray, " 3"]

    @staticmethod
    def of(sun: Triple) -> "Frame":
        """The first axis lies level, so shadows of poles run along the second one."""
        toward = np.array(sun, dtype=np.float64)
        toward /= np.linalg.norm(toward)
        level = math.hypot(toward[0], toward[1])
        u = np.array([-toward[1], toward[0], 0.0]) / level if level > 0 else np.eye(3)[0]
        return Frame(u, np.cross(toward, u), toward)

    def seen_from(self, eye: Float[np.ndarray, " 3"]) -> Float32[np.ndarray, " 12"]:
        """Axes, and the place of an eye, for kernels; places repeat with the coarsest map."""
        u, v = (float(axis @ eye) % _PERIOD_M + _PERIOD_M for axis in (self.u, self.v))
        numbers = [self.u, self.v, self.sun, [u, v, float(self.sun @ eye)]]
        return np.concatenate(numbers).astype(np.float32)


class _Windows(NamedTuple):
    """First row and column of tiles of each map."""

    first: Int64[np.ndarray, "level 2"]

    @staticmethod
    def around(frame: Frame, middle: Float[np.ndarray, " 3"]) -> "_Windows":
        """The tiles nearest to a place."""
        sides = _TILE * TEXEL_M * 2.0 ** np.arange(LEVELS)
        place = np.array([frame.v @ middle, frame.u @ middle])
        return _Windows(np.rint(place / sides[:, None]).astype(np.int64) - _TILES // 2)

    def tiles(self) -> Int64[np.ndarray, "tile 3"]:
        """Level, row and column of all of them."""
        steps = np.indices((LEVELS, _TILES, _TILES)).reshape(3, -1).T.astype(np.int64)
        steps[:, 1:] += self.first[steps[:, 0]]
        return steps


class ShadowMaps:
    """The maps of one scene.

    Args:
        blocks: everything; those of the town come first and stay the same.
    """

    def __init__(self, blocks: Blocks) -> None:
        self._cells = int(np.searchsorted(blocks.slot, 1))
        self._town = np.full(LEVELS * _LAYER, _NOTHING, dtype=np.float32)
        self._shade = self._town.copy()
        self._held = np.zeros((LEVELS, _TILES, _TILES, 2), dtype=np.int64)
        self._bounds = np.zeros((self._cells, 4))
        self._dirty = np.zeros((0, 5), dtype=np.int64)
        self._sun: Triple | None = None
        self._frame = Frame.of((0.0, 0.0, 1.0))
        self._drawn: tuple[object, int, Triple] | None = None

    def around(
        self,
        sun: Triple,
        middle: Float[np.ndarray, " 3"],
        things: tuple[Blocks, Float64[np.ndarray, "slot 12"]],
        hidden_slot: int,
    ) -> tuple[Frame, Float32[np.ndarray, " texel"]]:
        """The maps with everything around a place; good until they are asked for again.

        Args:
            sun: towards it.
            middle: world, m.
            things: what there is, and where; the same tuple means that nothing has moved.
            hidden_slot: body that casts no shadow, -1 for none.
        """
        if sun != self._sun:
            self._sun, self._frame, self._drawn = sun, Frame.of(sun), None
            self._held[:] = np.iinfo(np.int64).min
            _find_bounds(things[0], self._cells, np.stack(self._frame), self._bounds)
        place = (float(middle[0]), float(middle[1]), float(middle[2]))
        drawn = (things, hidden_slot, place)
        kept = self._drawn
        if kept is None or kept[0] is not things or kept[1:] != drawn[1:]:
            self._draw(things, hidden_slot, middle.astype(np.float64))
            self._drawn = drawn
        return self._frame, self._shade

    def _draw(
        self,
        things: tuple[Blocks, Float64[np.ndarray, "slot 12"]],
        hidden_slot: int,
        middle: Float64[np.ndarray, " 3"],
    ) -> None:
        """The town where it has come into reach, and the actors where they are now."""
        blocks, place = things
        axes = np.stack(self._frame)
        windows = _Windows.around(self._frame, middle)
        _restore(self._dirty, self._town, self._shade)
        tiles = windows.tiles()
        held = self._held[tiles[:, 0], tiles[:, 1] % _TILES, tiles[:, 2] % _TILES]
        new = tiles[(held != tiles[:, 1:]).any(axis=1)]
        if len(new):
            _draw_town(blocks, self._bounds, axes, new, self._town, self._shade)
            self._held[new[:, 0], new[:, 1] % _TILES, new[:, 2] % _TILES] = new[:, 1:]
        wanted = _levels_of_actors(blocks, place, self._cells, hidden_slot, axes[2], middle)
        rows = np.flatnonzero(wanted.any(axis=1))
        wanted, rows = wanted[rows], rows + self._cells
        counts = blocks.last[rows] - blocks.first[rows]
        begins = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        corners = np.empty((int(begins[-1]), 9))
        boxes = np.zeros((len(rows), LEVELS, 4), dtype=np.int64)
        _place_actors(blocks, place, axes, rows, begins, corners)
        _find_boxes(corners, begins, wanted, windows.first * _TILE, boxes)
        _draw_actors(corners, begins, boxes, windows.first * _TILE, self._shade)
        level = np.broadcast_to(np.arange(LEVELS)[None, :, None], (len(rows), LEVELS, 1))
        self._dirty = np.concatenate([level, boxes], axis=2).reshape(-1, 5)


def middle_of(
    ego: Float[np.ndarray, " 3"], eye: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " 3"]:
    """Where the maps of an eye are to have their middle: the cameras of one car share them."""
    return ego if float(np.linalg.norm(eye - ego)) < _EYE_OFF_M else eye


def _levels_of_actors(
    blocks: Blocks,
    place: Float64[np.ndarray, "slot 12"],
    cells: int,
    hidden_slot: int,
    sun: Float64[np.ndarray, " 3"],
    middle: Float64[np.ndarray, " 3"],
) -> np.ndarray:
    """Which maps are asked about what lies in the shadow of each actor: bool, actor by level."""
    sphere, slot = blocks.sphere[cells:].astype(np.float64), blocks.slot[cells:]
    radius, center = sphere[:, 3], sphere[:, :3] - middle
    deep = sphere[:, 2] + radius - place[slot, 11] + _BELOW_M
    length = deep / max(float(sun[2]), 0.02)
    along = np.clip(center @ sun, 0.0, length)
    nearest = np.linalg.norm(center - along[:, None] * sun, axis=1) - radius - _EYE_OFF_M
    ends = np.stack([center, center - length[:, None] * sun])
    farthest = np.linalg.norm(ends, axis=2).max(axis=0) + radius + _EYE_OFF_M
    until = np.array(REACH_M)
    since = np.concatenate([np.zeros(1), until[:-1]])
    reached = (nearest[:, None] < until) & (farthest[:, None] > since)
    return reached & (slot != hidden_slot)[:, None]


@njit(error_model="numpy")
@no_type_check
def _in_maps(axes, x, y, z):
    """Both places across the sun's direction and the height towards it, m."""
    return (
        axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z,
        axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z,
        axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z,
    )


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _find_bounds(
    blocks: Blocks,
    cells: int,
    axes: Float64[np.ndarray, "3 3"],
    bounds: Float64[np.ndarray, "cell 4"],
) -> None:
    """What each block of the town covers: least and greatest u, least and greatest v."""
    for block in prange(cells):
        low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
        for t in range(blocks.first[block], blocks.last[block]):
            corner = blocks.triangles[:, t]
            for k in range(0, 9, 3):
                u, v, _ = _in_maps(axes, corner[k], corner[k + 1], corner[k + 2])
                low_u, high_u, low_v, high_v = (
                    min(low_u, u),
                    max(high_u, u),
                    min(low_v, v),
                    max(high_v, v),
                )
        bounds[block, 0], bounds[block, 1] = low_u, high_u
        bounds[block, 2], bounds[block, 3] = low_v, high_v


@njit(error_model="numpy")
@no_type_check
def _crossed(span, start, end, row):
    """A span of columns that reaches to where an edge crosses a row."""
    above, below = start[1] - row, end[1] - row
    if above * below > 0.0:
        return span
    if above == below:
        return min(span[0], start[0], end[0]), max(span[1], start[0], end[0])
    column = start[0] + (end[0] - start[0]) * (above / (above - below))
    return min(span[0], column), max(span[1], column)


@njit(error_model="numpy")
@no_type_check
def _plane(a, b, c):
    """Height of a triangle at the origin, and its rise by column and by row; flat ones: none."""
    along, beside = (b[0] - a[0], b[1] - a[1], b[2] - a[2]), (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    area = along[0] * beside[1] - beside[0] * along[1]
    if abs(area) < _FLAT:
        return False, 0.0, 0.0, 0.0
    by_column = (along[2] * beside[1] - beside[2] * along[1]) / area
    by_row = (along[0] * beside[2] - beside[0] * along[2]) / area
    return True, a[2] - by_column * a[0] - by_row * a[1], by_column, by_row


@njit(error_model="numpy")
@no_type_check
def _draw_triangle(shade, layer, a, b, c, box):
    """Keep the higher of a triangle and what is there, in the texels of a box.

    Corners are in texels, their height in metres; centres of texels lie at whole numbers. In plain
    arithmetic, so that a texel gets the same value whatever box it is drawn with.
    """
    left, right, top, bottom = box
    if max(a[0], b[0], c[0]) < left or min(a[0], b[0], c[0]) > right - 1:
        return
    first = max(math.ceil(min(a[1], b[1], c[1])), top)
    after = min(math.floor(max(a[1], b[1], c[1])) + 1, bottom)
    if first >= after:
        return
    is_seen, start, by_column, by_row = _plane(a, b, c)
    if not is_seen:
        return
    low, high = min(a[2], b[2], c[2]), max(a[2], b[2], c[2])
    for row in range(first, after):
        span = _crossed((np.inf, -np.inf), a, b, row)
        span = _crossed(_crossed(span, b, c, row), c, a, row)
        base, height = layer + (row & _MASK) * SIDE, start + by_row * row
        begin = max(math.ceil(max(span[0], -1e9) - _SLACK), left)
        end = min(math.floor(min(span[1], 1e9) + _SLACK) + 1, right)
        for column in range(begin, end):
            at = base + (column & _MASK)
            here = np.float32(min(max(height + by_column * column, low), high))
            shade[at] = max(here, shade[at])


@njit(error_model="numpy")
@no_type_check
def _texels(corners, t, k, per_m):
    """A corner in texels."""
    return corners[t, k] * per_m - 0.5, corners[t, k + 1] * per_m - 0.5, corners[t, k + 2]


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _draw_town(
    blocks: Blocks,
    bounds: Float64[np.ndarray, "cell 4"],
    axes: Float64[np.ndarray, "3 3"],
    tiles: Int64[np.ndarray, "tile 3"],
    town: Float32[np.ndarray, " texel"],
    shade: Float32[np.ndarray, " texel"],
) -> None:
    """Draw tiles of the town, and copy them to where actors go over them."""
    for n in prange(len(tiles)):
        level, top, left = tiles[n, 0], tiles[n, 1] * _TILE, tiles[n, 2] * _TILE
        per_m, layer = 1.0 / (TEXEL_M * 2.0**level), level * _LAYER
        box = (left, left + _TILE, top, top + _TILE)
        _blank(town, layer, box)
        triangles, begin, end = blocks.triangles, blocks.first, blocks.last
        for block in range(len(bounds)):
            low_u, high_u = bounds[block, 0] * per_m - 0.5, bounds[block, 1] * per_m - 0.5
            low_v, high_v = bounds[block, 2] * per_m - 0.5, bounds[block, 3] * per_m - 0.5
            if high_u < left or low_u > box[1] or high_v < top or low_v > box[3]:
                continue
            for t in range(begin[block], end[block]):
                a = _in_maps(axes, triangles[0, t], triangles[1, t], triangles[2, t])
                b = _in_maps(axes, triangles[3, t], triangles[4, t], triangles[5, t])
                c = _in_maps(axes, triangles[6, t], triangles[7, t], triangles[8, t])
                a = (a[0] * per_m - 0.5, a[1] * per_m - 0.5, a[2])
                b = (b[0] * per_m - 0.5, b[1] * per_m - 0.5, b[2])
                c = (c[0] * per_m - 0.5, c[1] * per_m - 0.5, c[2])
                _draw_triangle(town, layer, a, b, c, box)
        _copy(town, shade, layer, box)


@njit
@no_type_check
def _blank(target, layer, box):
    """Nothing at all in the texels of a box."""
    for row in range(box[2], box[3]):
        base = layer + (row & _MASK) * SIDE
        for column in range(box[0], box[1]):
            target[base + (column & _MASK)] = _NOTHING


@njit
@no_type_check
def _copy(source, target, layer, box):
    """Copy the texels of a box."""
    for row in range(box[2], box[3]):
        base = layer + (row & _MASK) * SIDE
        for column in range(box[0], box[1]):
            at = base + (column & _MASK)
            target[at] = source[at]


@njit(cache=True, nogil=True)
@no_type_check
def _restore(
    dirty: Int64[np.ndarray, "box 5"],
    town: Float32[np.ndarray, " texel"],
    shade: Float32[np.ndarray, " texel"],
) -> None:
    """Take the actors away again."""
    for n in range(len(dirty)):
        box = (dirty[n, 1], dirty[n, 2], dirty[n, 3], dirty[n, 4])
        _copy(town, shade, dirty[n, 0] * _LAYER, box)


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _place_actors(
    blocks: Blocks,
    place: Float64[np.ndarray, "slot 12"],
    axes: Float64[np.ndarray, "3 3"],
    rows: Int64[np.ndarray, " actor"],
    begins: Int64[np.ndarray, " actor+1"],
    corners: Float64[np.ndarray, "triangle 9"],
) -> None:
    """Corners of the triangles of actors in the frame of the maps, m."""
    for n in prange(len(rows)):
        first, p = blocks.first[rows[n]], place[blocks.slot[rows[n]]]
        triangles = blocks.triangles
        m = np.empty((3, 4))
        for i in range(3):
            for j in range(4):
                m[i, j] = axes[i, 0] * p[j] + axes[i, 1] * p[4 + j] + axes[i, 2] * p[8 + j]
        for t in range(begins[n], begins[n + 1]):
            own = first + t - begins[n]
            for k in range(0, 9, 3):
                x, y, z = triangles[k, own], triangles[k + 1, own], triangles[k + 2, own]
                for i in range(3):
                    corners[t, k + i] = m[i, 0] * x + m[i, 1] * y + m[i, 2] * z + m[i, 3]


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _find_boxes(
    corners: Float64[np.ndarray, "triangle 9"],
    begins: Int64[np.ndarray, " actor+1"],
    wanted: np.ndarray,
    first: Int64[np.ndarray, "level 2"],
    boxes: Int64[np.ndarray, "actor level 4"],
) -> None:
    """Columns and rows of texels that each actor may cover, within the maps; none if unwanted."""
    for n in prange(len(begins) - 1):
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        for t in range(begins[n], begins[n + 1]):
            for k in range(0, 9, 3):
                for axis in range(2):
                    low[axis] = min(low[axis], corners[t, k + axis])
                    high[axis] = max(high[axis], corners[t, k + axis])
        for level in range(LEVELS):
            if not wanted[n, level]:
                continue
            per_m = 1.0 / (TEXEL_M * 2.0**level)
            for axis in range(2):
                start = first[level, 1 - axis]
                least = math.ceil(low[axis] * per_m - 0.5 - _SLACK)
                most = math.floor(high[axis] * per_m - 0.5 + _SLACK) + 1
                least = min(max(least, start), start + SIDE)
                boxes[n, level, 2 * axis] = least
                boxes[n, level, 2 * axis + 1] = max(min(most, start + SIDE), least)


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _draw_actors(
    corners: Float64[np.ndarray, "triangle 9"],
    begins: Int64[np.ndarray, " actor+1"],
    boxes: Int64[np.ndarray, "actor level 4"],
    first: Int64[np.ndarray, "level 2"],
    shade: Float32[np.ndarray, " texel"],
) -> None:
    """Draw actors over the town; each band of rows of a map is drawn by one thread."""
    for turn in prange(LEVELS * _TILES):
        # Threads take neighbouring turns; bands near the middle, and maps, are shared out.
        band = LEVELS * _TILES // 2 * (turn % 2) + turn // 2
        level = band // _TILES
        top = first[level, 0] + band % _TILES * _TILE
        per_m = 1.0 / (TEXEL_M * 2.0**level)
        for n in range(len(begins) - 1):
            upper, lower = max(boxes[n, level, 2], top), min(boxes[n, level, 3], top + _TILE)
            if upper >= lower:
                continue
            box = (boxes[n, level, 0], boxes[n, level, 1], upper, lower)
            for t in range(begins[n], begins[n + 1]):
                a = _texels(corners, t, 0, per_m)
                b = _texels(corners, t, 3, per_m)
                c = _texels(corners, t, 6, per_m)
                _draw_triangle(shade, level * _LAYER, a, b, c, box)
