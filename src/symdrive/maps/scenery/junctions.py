"""Junctions: the union of their lanes, paved without holes, and the sidewalks around it."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from shapely.geometry.base import BaseGeometry

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.carriageways import road_mask, undersides
from symdrive.maps.scenery.cover import united
from symdrive.maps.scenery.heights import SurfaceHeights
from symdrive.maps.scenery.sidewalks import KERB_DEPTH_M
from symdrive.maps.scenery.solids import join, quads, triangles
from symdrive.maps.scenery.strips import (
    chord_quads,
    lane_edges,
    lane_of_point,
    segments,
    stations,
    walls,
)
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable, Mesh

PATCH_M = 4.0
# Gaps up to twice this width between the lanes of a junction are paved over, and so are islands
# of up to this area.
CLOSING_M = 2.0
ISLAND_M2 = 40.0


@dataclass(frozen=True)
class JunctionArea:
    """Outlines of one junction.

    Attributes:
        road: paved area.
        walk: sidewalk area, apart from the lanes of the road.
        z: mean height of its lanes, m.
    """

    road: BaseGeometry
    walk: BaseGeometry
    z: float


def junction_areas(lanes: LaneTable) -> list[JunctionArea]:
    """The area of each junction."""
    roads = lane_unions(lanes, road_mask(lanes))
    walks = lane_unions(lanes, lanes.kind == LaneKind.SIDEWALK)
    of_point = lanes.junction[lane_of_point(lanes)]
    ids, row = np.unique(of_point, return_inverse=True)
    mean_z = np.bincount(row, weights=lanes.points[:, 2]) / np.bincount(row)
    height = dict(zip(ids.tolist(), mean_z.tolist(), strict=True))
    return [
        JunctionArea(
            filled(road),
            walks[junction].difference(road.buffer(0.02)),
            height[junction],
        )
        for junction, road in roads.items()
    ]


def lane_unions(lanes: LaneTable, lane_mask: Bool[np.ndarray, " lane"]) -> dict[int, BaseGeometry]:
    """Union of the chosen lanes of each junction, by junction id."""
    a, b = segments(lanes, stations(lanes), lane_mask & (lanes.junction >= 0))
    quads_of_all = chord_quads(*lane_edges(lanes), a, b)
    owner = lanes.junction[lane_of_point(lanes)[a]]
    order = np.argsort(owner, kind="stable")
    junctions_of_all = np.unique(lanes.junction[lanes.junction >= 0])
    begin = np.searchsorted(owner[order], junctions_of_all)
    end = np.searchsorted(owner[order], junctions_of_all, side="right")
    return {
        int(junction): _union(quads_of_all[order[first:last]])
        for junction, first, last in zip(junctions_of_all, begin, end, strict=True)
    }


def _union(corners: Float[np.ndarray, "n 4 3"]) -> BaseGeometry:
    """Union of quads in the plane; self-crossing ones (tight bends) are repaired."""
    flat = shapely.make_valid(
        shapely.polygons(corners[..., :2]), method="structure", keep_collapsed=False
    )
    return united(np.asarray(flat)).buffer(0.06, join_style="mitre")


def _polygons(area: BaseGeometry) -> np.ndarray:
    """The polygons of an area, without the points and lines that set operations may leave."""
    parts = np.asarray(shapely.get_parts(area))
    return parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]


def filled(area: BaseGeometry) -> BaseGeometry:
    """An area with narrow gaps closed and small islands paved over."""
    closed = area.buffer(CLOSING_M, join_style="mitre").buffer(-CLOSING_M, join_style="mitre")
    polygons = _polygons(closed.union(area))
    solid = [
        shapely.Polygon(
            polygon.exterior,
            [hole for hole in polygon.interiors if shapely.Polygon(hole).area > ISLAND_M2],
        )
        for polygon in polygons
    ]
    return united(np.array(solid))


def junctions(
    areas: list[JunctionArea], heights: SurfaceHeights, ground: HeightGrid, seed: int
) -> Mesh:
    """Asphalt and sidewalks of all junction areas, with an underside where they are bridges.

    Args:
        areas: outlines.
        heights: of the carriageways.
        ground: height of the terrain, which tells bridges from roads on the ground.
        seed: of the town.
    """
    rng = generator(seed, "scenery.junctions")
    parts = []
    for area in areas:
        for outline, rgb, lift_m, kind in (
            (area.road, palette.ASPHALT_JUNCTION, palette.JUNCTION_M, SemanticClass.ROAD),
            (area.walk, palette.PAVING, palette.SIDEWALK_M, SemanticClass.SIDEWALK),
        ):
            flat, patch = paved(outline)
            color = palette.tinted(rgb, len(flat), 0.045, rng)[patch]
            corners = _raised(flat, area.z, heights, lift_m)
            parts.append(triangles(corners, color, kind))
            parts.append(undersides(corners[:, [0, 1, 2, 2]], ground))
        kerb = _outline_walls(area.walk, area.z, heights)
        stone = palette.uniform(palette.KERB, len(kerb))
        parts.append(quads(kerb, stone, SemanticClass.SIDEWALK))
    return join(parts)


def paved(
    area: BaseGeometry,
) -> tuple[Float[np.ndarray, "n 3 2"], Int[np.ndarray, " n"]]:
    """An area cut into square patches and triangulated, counter-clockwise.

    Returns:
        Triangles in the plane, and the number of the patch that each belongs to.
    """
    if area.is_empty:
        return np.zeros((0, 3, 2)), np.zeros(0, dtype=np.int64)
    x0, y0, x1, y1 = np.floor(np.array(area.bounds) / PATCH_M) * PATCH_M
    x, y = np.meshgrid(np.arange(x0, x1 + PATCH_M, PATCH_M), np.arange(y0, y1 + PATCH_M, PATCH_M))
    cells = shapely.box(x.ravel(), y.ravel(), x.ravel() + PATCH_M, y.ravel() + PATCH_M)
    shapely.prepare(area)
    pieces = shapely.get_parts(shapely.intersection(cells[shapely.intersects(area, cells)], area))
    pieces = pieces[shapely.area(pieces) > 1e-3]
    parts, patch = shapely.get_parts(
        shapely.constrained_delaunay_triangles(pieces), return_index=True
    )
    xy = shapely.get_coordinates(parts).reshape(-1, 4, 2)[:, :3]
    e, f = xy[:, 1] - xy[:, 0], xy[:, 2] - xy[:, 0]
    clockwise = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0] < 0
    xy[clockwise] = xy[clockwise][:, ::-1]
    return xy, patch.astype(np.int64)


def _raised(
    xy: Float[np.ndarray, "n k 2"], near_z: float, heights: SurfaceHeights, lift_m: float
) -> Float[np.ndarray, "n k 3"]:
    """Plane points with the height of the carriageway plus a lift."""
    flat = xy.reshape(-1, 2)
    z = heights.at(flat, np.full(len(flat), near_z)) + lift_m
    return np.concatenate([xy, z.reshape(*xy.shape[:2], 1)], axis=2)


def _outline_walls(
    area: BaseGeometry, near_z: float, heights: SurfaceHeights
) -> Float[np.ndarray, "n 4 3"]:
    """Kerb faces around a raised area."""
    polygons = _polygons(shapely.segmentize(area, PATCH_M))
    if not len(polygons):
        return np.zeros((0, 4, 3))
    rings = shapely.get_rings(shapely.orient_polygons(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    top = _raised(xy[:, None], near_z, heights, palette.SIDEWALK_M)[:, 0]
    a = np.flatnonzero(ring[:-1] == ring[1:])
    return walls(top, a, a + 1, np.full(len(top), KERB_DEPTH_M))
