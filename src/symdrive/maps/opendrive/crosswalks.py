"""Crosswalks: the painted polygon and the line on which people walk from kerb to kerb."""

import numpy as np
import shapely
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from symdrive.core.geometry import ranges
from symdrive.maps.town import CrosswalkTable, LaneKind, LaneTable

REACH_M = 25.0
"""The walking line ends within this distance of the crosswalk's middle."""

KERB_M = 0.4
"""How far the line goes on beyond the edge of the roadway."""

PROBE_M = 0.1
"""Steps in which that edge is looked for."""

SEAM_M = 0.05
"""Strips of neighbouring lanes overlap by twice this."""

ROADWAY = (LaneKind.DRIVING, LaneKind.PARKING, LaneKind.BIKING, LaneKind.SHOULDER)


def build_crosswalks(
    polygons: list[Float[np.ndarray, "corner 3"]], lanes: LaneTable
) -> CrosswalkTable:
    """The crosswalks of a town.

    Args:
        polygons: corners of each, x y z, m, as CARLA finds them in a map.
        lanes: of the town.
    """
    corners = np.concatenate(polygons) if polygons else np.zeros((0, 3))
    return CrosswalkTable(
        start=np.cumsum([0, *[len(polygon) for polygon in polygons]]),
        corners=corners,
        line=_walking_lines(polygons, lanes),
    )


def _walking_lines(
    polygons: list[Float[np.ndarray, "corner 3"]], lanes: LaneTable
) -> Float[np.ndarray, "crosswalk 2 3"]:
    """Middle lines of crosswalks, square to the road, from one edge of it to the other."""
    driving = np.flatnonzero(np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start)))
    if not polygons or not len(driving):
        ends = [[polygon[0], polygon[len(polygon) // 2]] for polygon in polygons]
        return np.array(ends).reshape(-1, 2, 3)
    tree = cKDTree(lanes.points[driving, :2])
    middle = np.array([polygon.mean(axis=0) for polygon in polygons])
    across, painted = np.zeros((len(polygons), 2)), np.zeros((len(polygons), 2))
    for row, polygon in enumerate(polygons):
        yaw = lanes.yaw[_nearest(tree, driving, lanes, middle[row, :2])]
        across[row] = _long_axis(polygon, np.array([-np.sin(yaw), np.cos(yaw)]))
        extent = (polygon[:, :2] - middle[row, :2]) @ across[row]
        painted[row] = -extent.min(), extent.max()
    way = np.stack([-across, across], axis=1)
    far = _kerbs(lanes, middle[:, :2], way, painted)
    lines = np.repeat(middle[:, None], 2, axis=1)
    lines[..., :2] += way * far[..., None]
    return lines


def _nearest(
    tree: cKDTree,
    driving: Int[np.ndarray, " n"],
    lanes: LaneTable,
    xy: Float[np.ndarray, " 2"],
) -> int:
    """The first of the driving lanes' points that are nearest to a place."""
    gap, _ = tree.query(xy)
    near = np.sort(tree.query_ball_point(xy, float(gap) + 1e-6))
    rows = driving[near]
    return int(rows[np.argmin(np.linalg.norm(lanes.points[rows, :2] - xy, axis=1))])


def _long_axis(
    polygon: Float[np.ndarray, "corner 3"], square: Float[np.ndarray, " 2"]
) -> Float[np.ndarray, " 2"]:
    """The edge direction of the polygon that is closest to square to the road."""
    edges = np.diff(np.concatenate([polygon, polygon[:1]])[:, :2], axis=0)
    length = np.linalg.norm(edges, axis=1)
    edges = edges[length > 0.5] / length[length > 0.5, None]
    if not len(edges):
        return square
    best = edges[np.argmax(np.abs(edges @ square))]
    return best if abs(float(best @ square)) > np.cos(np.radians(30.0)) else square


def _kerbs(
    lanes: LaneTable,
    middle: Float[np.ndarray, "crosswalk 2"],
    way: Float[np.ndarray, "crosswalk 2 2"],
    painted: Float[np.ndarray, "crosswalk 2"],
) -> Float[np.ndarray, "crosswalk 2"]:
    """Distance from each middle, both ways, at which the roadway ends, near the end of the paint.

    Args:
        lanes: of the town.
        middle: x y of each crosswalk, m.
        way: unit vectors along each crosswalk, the two ways.
        painted: how far the paint reaches each way, m.
    """
    roadway = shapely.STRtree(_roadway(lanes, middle))
    low = np.maximum(painted - 1.5, 0.3)
    count = np.ceil((np.minimum(painted + 6.0, REACH_M) - low) / PROBE_M).clip(0).astype(np.int64)
    owner = np.repeat(np.arange(count.size), count.ravel())
    step = ranges(np.zeros(count.size, np.int64), count.ravel())
    far = low.ravel()[owner] + PROBE_M * step
    points = middle[owner // 2] + far[:, None] * way.reshape(-1, 2)[owner]
    outside = np.ones(len(points), dtype=bool)
    outside[roadway.query(shapely.points(points), predicate="within")[0]] = False
    # The first place outside, or the end of the paint where there is none.
    first, at = np.unique(owner[outside], return_index=True)
    found = painted.ravel().copy()
    found[first] = far[outside][at] + KERB_M
    return found.reshape(painted.shape)


def _roadway(lanes: LaneTable, middle: Float[np.ndarray, "crosswalk 2"]) -> np.ndarray:
    """The strips of all lanes that vehicles use within reach of a crosswalk."""
    used = np.flatnonzero(np.isin(lanes.kind, ROADWAY))
    lines = np.array(
        [shapely.LineString(lanes.points[lanes.slice_of(lane), :2]) for lane in used.tolist()]
    )
    index = shapely.STRtree(lines)
    near = np.unique(index.query(shapely.points(middle), predicate="dwithin", distance=REACH_M)[1])
    half = np.maximum.reduceat(lanes.width_m, lanes.start[:-1])[used[near]] / 2
    return shapely.buffer(lines[near], half + SEAM_M, cap_style="flat")
