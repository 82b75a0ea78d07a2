"""Crosswalks: the painted polygon and the line on which people walk from kerb to kerb."""

from typing import Any

import numpy as np
import shapely
from jaxtyping import Float
from scipy.spatial import cKDTree

from symdrive.maps.town import CrosswalkTable, LaneKind, LaneTable

REACH_M = 25.0
"""The walking line ends within this distance of the crosswalk's middle."""

KERB_M = 0.4
"""How far the line goes on beyond the edge of the roadway."""

ROADWAY = (LaneKind.DRIVING, LaneKind.PARKING, LaneKind.BIKING, LaneKind.SHOULDER)


def build_crosswalks(native: Any, lanes: LaneTable) -> CrosswalkTable:
    """All crosswalks that CARLA finds in a map."""
    polygons = _polygons(native)
    near = _Nearby(lanes) if polygons else None
    lines = [near.walking_line(polygon) for polygon in polygons] if near else []
    corners = np.concatenate(polygons) if polygons else np.zeros((0, 3))
    return CrosswalkTable(
        start=np.cumsum([0, *[len(polygon) for polygon in polygons]]),
        corners=corners,
        line=np.array(lines).reshape(-1, 2, 3),
    )


def _polygons(native: Any) -> list[Float[np.ndarray, "corner 3"]]:
    """CARLA's flat list cut into polygons: each ends with its first corner again."""
    points = np.array([[p.x, -p.y, p.z] for p in native.get_crosswalks()]).reshape(-1, 3)
    polygons: list[Float[np.ndarray, "corner 3"]] = []
    first = 0
    for index in range(1, len(points)):
        if index > first and np.allclose(points[index], points[first], atol=1e-3):
            if index - first >= 3:
                polygons.append(points[first:index])
            first = index + 1
    return polygons


class _Nearby:
    """Finds the lanes around a crosswalk.

    Args:
        lanes: of the town.
    """

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        of_point = np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start))
        self._driving = np.flatnonzero(of_point)
        self._tree = cKDTree(lanes.points[self._driving, :2])
        self._lane = np.flatnonzero(np.isin(lanes.kind, ROADWAY))
        self._lines = [
            shapely.LineString(lanes.points[lanes.slice_of(lane), :2])
            for lane in self._lane.tolist()
        ]
        self._index = shapely.STRtree(self._lines)

    def walking_line(self, polygon: Float[np.ndarray, "corner 3"]) -> Float[np.ndarray, "2 3"]:
        """Middle line of a crosswalk, square to the road, from one edge of it to the other."""
        middle = polygon.mean(axis=0)
        if not len(self._driving):
            return np.stack([polygon[0], polygon[len(polygon) // 2]])
        yaw = self._lanes.yaw[self._nearest(middle[:2])]
        across = _long_axis(polygon, np.array([-np.sin(yaw), np.cos(yaw)]))
        ends = []
        extent = (polygon[:, :2] - middle[:2]) @ across
        roadway = self._roadway(middle[:2])
        for sign in (-1.0, 1.0):
            painted = float((sign * extent).max())
            far = _kerb(roadway, middle[:2], sign * across, painted)
            ends.append([*(middle[:2] + sign * across * far), middle[2]])
        return np.array(ends)

    def _nearest(self, xy: Float[np.ndarray, " 2"]) -> int:
        """The first of the driving lanes' points that are nearest to a place."""
        gap, _ = self._tree.query(xy)
        near = np.sort(self._tree.query_ball_point(xy, float(gap) + 1e-6))
        rows = self._driving[near]
        return int(rows[np.argmin(np.linalg.norm(self._lanes.points[rows, :2] - xy, axis=1))])

    def _roadway(self, middle: Float[np.ndarray, " 2"]) -> shapely.Geometry:
        """The area that vehicles use around a point."""
        found = self._index.query(shapely.Point(middle), predicate="dwithin", distance=REACH_M)
        pieces = []
        for k in np.sort(found).tolist():
            rows = self._lanes.slice_of(int(self._lane[k]))
            half = float(self._lanes.width_m[rows].max()) / 2
            pieces.append(self._lines[k].buffer(half + 0.05, cap_style="flat"))
        return shapely.union_all(pieces)


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


def _kerb(
    roadway: shapely.Geometry,
    middle: Float[np.ndarray, " 2"],
    way: Float[np.ndarray, " 2"],
    painted: float,
) -> float:
    """Distance along `way` at which the roadway ends, near the end of the paint."""
    far = np.arange(max(painted - 1.5, 0.3), min(painted + 6.0, REACH_M), 0.1)
    points = shapely.points(middle + far[:, None] * way)
    outside = np.flatnonzero(~shapely.contains(roadway, points))
    return float(far[outside[0]] + KERB_M) if len(outside) else painted
