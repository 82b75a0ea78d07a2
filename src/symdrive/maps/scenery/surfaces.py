"""Carriageways, junction areas, kerbs and sidewalks."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.heights import SurfaceHeights
from symdrive.maps.scenery.solids import join, quads, triangles
from symdrive.maps.scenery.strips import (
    ROAD_KINDS,
    EdgeMatch,
    chord_quads,
    lane_edges,
    lane_of_point,
    leftward,
    segments,
    stations,
    walls,
)
from symdrive.maps.town import LaneKind, LaneTable, Mesh

PATCH_M = 4.0
KERB_WIDTH_M = 0.2
KERB_DEPTH_M = 0.45
SKIRT_M = 0.5
# Gaps up to twice this width between the lanes of a junction are paved over.
CLOSING_M = 2.0
TONES = {
    LaneKind.DRIVING: palette.ASPHALT,
    LaneKind.PARKING: palette.ASPHALT_PARKING,
    LaneKind.SHOULDER: palette.ASPHALT_SHOULDER,
    LaneKind.BIKING: palette.ASPHALT_BIKING,
}


def road_mask(lanes: LaneTable) -> Bool[np.ndarray, " lane"]:
    """Lanes that are part of the carriageway."""
    return np.isin(lanes.kind, ROAD_KINDS)


def carriageways(lanes: LaneTable, edges: EdgeMatch, seed: int) -> Mesh:
    """Strips of all carriageway lanes outside of junctions, with skirts at open edges."""
    rng = generator(seed, "scenery.asphalt")
    # Neighbouring strips are thinned at different stations; growing them closes the slits.
    left, right = lane_edges(lanes, grow_m=0.03)
    a, b = segments(lanes, stations(lanes), road_mask(lanes) & (lanes.junction < 0))
    lane = lane_of_point(lanes)[a]
    tone = np.array([TONES.get(LaneKind(k), palette.ASPHALT) for k in range(len(LaneKind))])
    road_shade = rng.uniform(0.94, 1.06, int(lanes.road.max()) + 1)[lanes.road[lane]]
    base = np.rint(tone[lanes.kind[lane]] * road_shade[:, None]).astype(np.uint8)
    color = palette.shaded(base, 0.04, rng)
    mended = rng.random(len(a)) < 0.05
    color[mended] = np.rint(color[mended] * 0.86).astype(np.uint8)
    surface = quads(chord_quads(left, right, a, b), color, SemanticClass.ROAD)
    return join([surface, _skirts(lanes, edges, a, b)])


def _skirts(
    lanes: LaneTable,
    edges: EdgeMatch,
    a: Int[np.ndarray, " segment"],
    b: Int[np.ndarray, " segment"],
) -> Mesh:
    """Short walls under carriageway edges that nothing adjoins; they hide steps on slopes."""
    left, right = lane_edges(lanes)
    count = len(lanes.points)
    open_left = ~(edges.shared[a] & edges.shared[b])
    open_right = ~(edges.shared[count + a] & edges.shared[count + b])
    corners = np.concatenate(
        [
            walls(left, b[open_left], a[open_left], SKIRT_M),
            walls(right, a[open_right], b[open_right], SKIRT_M),
        ]
    )
    return quads(
        corners, palette.uniform(palette.ASPHALT_SHOULDER, len(corners)), SemanticClass.ROAD
    )


def sidewalks(lanes: LaneTable, seed: int) -> Mesh:
    """Raised strips of sidewalk lanes outside of junctions: paving, kerb stones, kerb faces."""
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
    faces = np.concatenate(
        [
            chord_quads(kerb_left, kerb_right, a, b),
            walls(left, b, a, KERB_DEPTH_M),
            walls(right, a, b, KERB_DEPTH_M),
            _end_walls(lanes, left, right),
        ]
    )
    return join(
        [
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


@dataclass(frozen=True)
class JunctionArea:
    """Outlines of one junction.

    Attributes:
        road: paved area.
        walk: sidewalk area, apart from the road.
        z: mean height of its lanes, m.
    """

    road: shapely.Geometry
    walk: shapely.Geometry
    z: float


def junction_areas(lanes: LaneTable) -> list[JunctionArea]:
    """Union of the lanes of each junction, with narrow gaps closed."""
    left, right = lane_edges(lanes)
    kept = stations(lanes)
    lane = lane_of_point(lanes)
    is_road = road_mask(lanes)
    walk_mask = lanes.kind == LaneKind.SIDEWALK
    areas = []
    for junction in np.unique(lanes.junction[lanes.junction >= 0]):
        inside = lanes.junction == junction
        outline = [
            _union(chord_quads(left, right, *segments(lanes, kept, inside & mask)))
            for mask in (is_road, walk_mask)
        ]
        road = (
            outline[0].buffer(CLOSING_M, join_style="mitre").buffer(-CLOSING_M, join_style="mitre")
        )
        walk = outline[1].difference(outline[0].buffer(0.02))
        z = float(lanes.points[inside[lane], 2].mean())
        areas.append(JunctionArea(road.union(outline[0]), walk, z))
    return areas


def _union(corners: Float[np.ndarray, "n 4 3"]) -> shapely.Geometry:
    """Union of quads in the plane; self-crossing ones (tight bends) are repaired."""
    flat = shapely.polygons(corners[..., :2])
    return shapely.union_all(shapely.make_valid(flat)).buffer(0.01, join_style="mitre")


def junctions(areas: list[JunctionArea], heights: SurfaceHeights, seed: int) -> Mesh:
    """Asphalt and sidewalks of all junction areas."""
    rng = generator(seed, "scenery.junctions")
    parts = []
    for area in areas:
        road = _paved(area.road, area.z, heights, palette.JUNCTION_M)
        road_color = palette.tinted(palette.ASPHALT_JUNCTION, len(road), 0.035, rng)
        walk = _paved(area.walk, area.z, heights, palette.SIDEWALK_M)
        walk_color = palette.tinted(palette.PAVING, len(walk), 0.05, rng)
        kerb = _outline_walls(area.walk, area.z, heights)
        parts += [
            triangles(road, road_color, SemanticClass.ROAD),
            triangles(walk, walk_color, SemanticClass.SIDEWALK),
            quads(kerb, palette.uniform(palette.KERB, len(kerb)), SemanticClass.SIDEWALK),
        ]
    return join(parts)


def _paved(
    area: shapely.Geometry, near_z: float, heights: SurfaceHeights, lift_m: float
) -> Float[np.ndarray, "n 3 3"]:
    """An area cut into patches and triangulated, facing up.

    Args:
        area: polygons in the plane.
        near_z: about how high they lie, m.
        heights: gives the height of each corner.
        lift_m: added to it.
    """
    if area.is_empty:
        return np.zeros((0, 3, 3))
    x0, y0, x1, y1 = np.floor(np.array(area.bounds) / PATCH_M) * PATCH_M
    x, y = np.meshgrid(np.arange(x0, x1 + PATCH_M, PATCH_M), np.arange(y0, y1 + PATCH_M, PATCH_M))
    cells = shapely.box(x.ravel(), y.ravel(), x.ravel() + PATCH_M, y.ravel() + PATCH_M)
    shapely.prepare(area)
    pieces = shapely.get_parts(shapely.intersection(cells[shapely.intersects(area, cells)], area))
    pieces = pieces[shapely.area(pieces) > 1e-3]
    parts = shapely.get_parts(shapely.constrained_delaunay_triangles(pieces))
    xy = shapely.get_coordinates(parts).reshape(-1, 4, 2)[:, :3]
    e, f = xy[:, 1] - xy[:, 0], xy[:, 2] - xy[:, 0]
    clockwise = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0] < 0
    xy[clockwise] = xy[clockwise][:, ::-1]
    return _raised(xy, near_z, heights, lift_m)


def _raised(
    xy: Float[np.ndarray, "n k 2"], near_z: float, heights: SurfaceHeights, lift_m: float
) -> Float[np.ndarray, "n k 3"]:
    """Plane points with the height of the carriageway plus a lift."""
    flat = xy.reshape(-1, 2)
    z = heights.at(flat, np.full(len(flat), near_z)) + lift_m
    return np.concatenate([xy, z.reshape(*xy.shape[:2], 1)], axis=2)


def _outline_walls(
    area: shapely.Geometry, near_z: float, heights: SurfaceHeights
) -> Float[np.ndarray, "n 4 3"]:
    """Kerb faces around a raised area."""
    polygons = shapely.get_parts(shapely.segmentize(area, PATCH_M))
    polygons = polygons[shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON]
    if not len(polygons):
        return np.zeros((0, 4, 3))
    rings = shapely.get_rings(shapely.orient_polygons(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    top = _raised(xy[:, None], near_z, heights, palette.SIDEWALK_M)[:, 0]
    a = np.flatnonzero(ring[:-1] == ring[1:])
    return walls(top, a, a + 1, KERB_DEPTH_M)
