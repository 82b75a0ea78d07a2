"""Static top view of a town: road and lane lines, drawn once, cut out around the ego."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from symdrive.maps.scenery.junctions import filled, lane_unions, paved
from symdrive.maps.scenery.markings import painted
from symdrive.maps.scenery.strips import (
    chord_quads,
    lane_edges,
    match_edges,
    segments,
    stations,
)
from symdrive.maps.town import LaneKind, LaneTable, Marking, Town

UNLABELED, ROAD, LANE_MARKER = 0, 1, 2
TILE_PX = 256
# One pixel of LEAD's own map raster, which has 2 pixels per metre
# (kesai-labs/lead 4489176, `hdmap` of the recorded data).
LINE_WIDTH_M = 0.5
# Fractional bits of the coordinates that OpenCV's drawing takes.
SHIFT = 4


@dataclass(frozen=True)
class TownRaster:
    """Classes of a town seen from above: 0 unlabeled, 1 road, 2 lane marker.

    Only tiles that hold something are kept, so that a large town costs memory by its roads and not
    by its area. Rows follow world y, columns world x.

    Attributes:
        tiles: class of each pixel; tile 0 is empty and stands for every tile without a lane.
        index: row of `tiles` for each place.
        origin: world x, y of the outer corner of pixel (0, 0), m.
        px_per_m: resolution.
    """

    tiles: UInt8[np.ndarray, "tile size size"]
    index: Int[np.ndarray, "rows cols"]
    origin: Float[np.ndarray, " 2"]
    px_per_m: float

    @classmethod
    def from_town(cls, town: Town, px_per_m: float = 4.0) -> "TownRaster":
        """Draw a town.

        Road is where driving lanes are, with the gaps between them in junctions. A broken line is
        drawn as one line, as on the maps that LEAD records.
        """
        return cls.from_lanes(town.lanes, px_per_m)

    @classmethod
    def from_lanes(cls, lanes: LaneTable, px_per_m: float = 4.0) -> "TownRaster":
        """Draw lanes; see `from_town`."""
        road, lines = _road_quads(lanes), _line_quads(lanes)
        both = np.concatenate([road, lines]) * px_per_m
        origin_px = np.floor(both.reshape(-1, 2).min(axis=0) / TILE_PX) * TILE_PX
        both -= origin_px
        value = np.repeat([ROAD, LANE_MARKER], [len(road), len(lines)])
        index, quad, place = _places(both)
        tiles = np.zeros((int(index.max()) + 1, TILE_PX, TILE_PX), dtype=np.uint8)
        cols = index.shape[1]
        # Lines come after the road in `both`, and `_places` keeps that order.
        for q, p in zip(quad, place, strict=True):
            row, col = divmod(int(p), cols)
            local = both[q] - np.array([col, row]) * TILE_PX - 0.5
            points = np.rint(local * (1 << SHIFT)).astype(np.int32)
            tile = tiles[index[row, col]]
            cv2.fillConvexPoly(tile, points, int(value[q]), cv2.LINE_8, SHIFT)
        return cls(tiles, index, origin_px / px_per_m, px_per_m)

    def crop(
        self,
        center_xy: Float[np.ndarray, " 2"],
        yaw: float,
        *,
        x_min: float,
        x_max: float,
        y_min: float,
        y_max: float,
        px_per_m: float,
    ) -> UInt8[np.ndarray, "rows cols"]:
        """The classes around an ego, in its frame.

        Row 0 is the leftmost strip (y = `y_max`) and the last row the rightmost (y = `y_min`);
        column 0 is the rearmost (x = `x_min`) and columns follow x forwards. Pixel (r, c) shows the
        point x = x_min + (c + 0.5) / px_per_m, y = y_max - (r + 0.5) / px_per_m. This is
        TransFuser's grid: its y points right, so its rows run from left to right as well.

        Args:
            center_xy: ego in the world, m.
            yaw: ego heading, rad.
            x_min: rear border in the ego frame, m.
            x_max: front border.
            y_min: right border.
            y_max: left border.
            px_per_m: resolution of the crop.
        """
        shape = (round((y_max - y_min) * px_per_m), round((x_max - x_min) * px_per_m))
        cos, sin = np.cos(yaw), np.sin(yaw)
        # Columns of `to_town`: one crop column, one crop row, and the crop's first pixel, in town
        # pixels with whole numbers at pixel centres.
        scale = self.px_per_m / px_per_m
        x0, y0 = x_min + 0.5 / px_per_m, y_max - 0.5 / px_per_m
        first = np.array([cos * x0 - sin * y0, sin * x0 + cos * y0]) + center_xy - self.origin
        to_town = np.array([[cos * scale, sin * scale, 0.0], [sin * scale, -cos * scale, 0.0]])
        to_town[:, 2] = first * self.px_per_m - 0.5
        ends = np.array([[0, shape[1], 0, shape[1]], [0, 0, shape[0], shape[0]], [1, 1, 1, 1]])
        corners = to_town @ ends
        low = np.floor((corners.min(axis=1) - 1.0) / TILE_PX).astype(int)
        high = np.floor((corners.max(axis=1) + 1.0) / TILE_PX).astype(int) + 1
        window = self._window(low, high)
        to_town[:, 2] -= low * TILE_PX
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(window, to_town, (shape[1], shape[0]), flags=flags), dtype=np.uint8
        )

    def _window(
        self, low: Int[np.ndarray, " 2"], high: Int[np.ndarray, " 2"]
    ) -> UInt8[np.ndarray, "h w"]:
        """Tiles from column, row `low` to below `high`, side by side; empty outside the town."""
        rows, cols = self.index.shape
        window = np.zeros(tuple((high - low)[::-1] * TILE_PX), dtype=np.uint8)
        for row in range(max(low[1], 0), min(high[1], rows)):
            for col in range(max(low[0], 0), min(high[0], cols)):
                r, c = (row - low[1]) * TILE_PX, (col - low[0]) * TILE_PX
                window[r : r + TILE_PX, c : c + TILE_PX] = self.tiles[self.index[row, col]]
        return window


def _road_quads(lanes: LaneTable) -> Float[np.ndarray, "n 4 2"]:
    """Pieces of driving lanes and of the junctions that they make up, m."""
    driving = lanes.kind == LaneKind.DRIVING
    chords = segments(lanes, stations(lanes), driving)
    strips = chord_quads(*lane_edges(lanes), *chords)[..., :2]
    areas = [paved(filled(union))[0] for union in lane_unions(lanes, driving).values()]
    triangles = np.concatenate([np.zeros((0, 3, 2)), *areas])
    return np.concatenate([strips, triangles[:, [0, 1, 2, 2]]])


def _line_quads(lanes: LaneTable) -> Float[np.ndarray, "n 4 2"]:
    """Pieces of painted lines, m; the same lines as in the scenery, without gaps."""
    code = painted(lanes)
    edges = match_edges(lanes, code > 0)
    drawn = (code != Marking.NONE) & ~edges.superseded & ~edges.inside
    count = len(lanes.points)
    parts = []
    for side, edge in enumerate(lane_edges(lanes)):
        on = drawn[side * count : (side + 1) * count]
        kept = stations(lanes, breaks=np.diff(on, prepend=False))
        a, b = segments(lanes, kept, np.ones(len(lanes), dtype=bool))
        a, b = a[on[a]], b[on[a]]
        along = edge[b, :2] - edge[a, :2]
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        half = np.stack([-along[:, 1], along[:, 0]], axis=1) * (LINE_WIDTH_M / 2.0)
        ends = [edge[a, :2] - half, edge[b, :2] - half, edge[b, :2] + half, edge[a, :2] + half]
        parts.append(np.stack(ends, axis=1))
    return np.concatenate(parts)


def _places(
    quads_px: Float[np.ndarray, "quad 4 2"],
) -> tuple[Int[np.ndarray, "rows cols"], Int[np.ndarray, " hit"], Int[np.ndarray, " hit"]]:
    """Which tiles each quad touches.

    Returns:
        Row of the tile array at each place (0 where nothing is), and the pairs of quad and place
        (row-major), ordered by quad.
    """
    low = np.floor((quads_px.min(axis=1) - 1.0) / TILE_PX).astype(np.int64).clip(0)
    high = np.floor((quads_px.max(axis=1) + 1.0) / TILE_PX).astype(np.int64)
    cols, rows = high.max(axis=0) + 1
    span = high - low + 1
    count = span[:, 0] * span[:, 1]
    quad = np.repeat(np.arange(len(quads_px)), count)
    nth = np.arange(len(quad)) - np.repeat(np.cumsum(count) - count, count)
    row = low[quad, 1] + nth // span[quad, 0]
    col = low[quad, 0] + nth % span[quad, 0]
    place = row * cols + col
    used = np.unique(place)
    index = np.zeros(rows * cols, dtype=np.int64)
    index[used] = np.arange(1, len(used) + 1)
    return index.reshape(rows, cols), quad, place
