"""The top view: its convention, its agreement with the lanes, its memory."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from symdrive.core.geometry import to_local, to_world
from symdrive.maps.raster import LANE_MARKER, ROAD, UNLABELED, TownRaster
from symdrive.maps.scenery.strips import chord_quads, lane_edges, segments
from symdrive.maps.town import LaneKind

VIEW = {"x_min": -32.0, "x_max": 64.0, "y_min": -40.0, "y_max": 40.0, "px_per_m": 4.0}


def pixel_points(shape: tuple[int, int]) -> np.ndarray:
    """Ego-frame point of each pixel, by the stated convention."""
    row, col = np.mgrid[: shape[0], : shape[1]]
    x = VIEW["x_min"] + (col + 0.5) / VIEW["px_per_m"]
    y = VIEW["y_max"] - (row + 0.5) / VIEW["px_per_m"]
    return np.stack([x, y], axis=-1)


@pytest.fixture(scope="module")
def raster(crossroads) -> TownRaster:
    return TownRaster.from_lanes(crossroads.lanes)


def test_rows_run_from_left_to_right(raster) -> None:
    """On the right-hand side of a road that leads east, the other half of the road is on top."""
    crop = raster.crop(np.array([50.0, -1.75]), 0.0, **VIEW)
    assert crop.shape == (320, 384)
    column = crop[:, 128]
    drawn = np.flatnonzero(column != UNLABELED)
    # The road reaches from 5.25 m left of the ego to 1.75 m right of it, lines 0.25 m further.
    assert abs(drawn[0] - (40.0 - 5.25 - 0.25) * 4) <= 1
    assert abs(drawn[-1] - (40.0 + 1.75 + 0.25) * 4) <= 1
    # The dividing line is 1.75 m to the left.
    assert column[int((40.0 - 1.75) * 4)] == LANE_MARKER
    assert column[160] == ROAD


def test_columns_run_forwards(raster) -> None:
    """Facing west towards the junction, its mouth (x = 12) is ahead."""
    crop = raster.crop(np.array([60.0, 1.75]), np.pi, **VIEW)
    side_street = crop[20, :] != UNLABELED
    middle = np.flatnonzero(side_street).mean() / 4.0 + VIEW["x_min"]
    assert middle == pytest.approx(60.0, abs=0.5)


@pytest.mark.parametrize("px_per_m", [2.0, 4.0, 8.0])
def test_agrees_with_the_lanes(crossroads, px_per_m) -> None:
    """Away from borders and lines every pixel knows whether it lies in a driving lane."""
    lanes = crossroads.lanes
    raster = TownRaster.from_lanes(lanes, px_per_m)
    a, b = segments(lanes, np.ones(len(lanes.points), dtype=bool), lanes.kind == LaneKind.DRIVING)
    quads = shapely.polygons(chord_quads(*lane_edges(lanes), a, b)[..., :2])
    road = shapely.union_all(shapely.buffer(quads, 0.05))
    rng = np.random.default_rng(1)
    slack = 0.8
    inner, outer = road.buffer(-slack), road.buffer(2.5)
    for _ in range(6):
        center, yaw = rng.uniform(-70.0, 70.0, 2), float(rng.uniform(-np.pi, np.pi))
        crop = raster.crop(center, yaw, **VIEW)
        world = to_world(pixel_points(crop.shape), center, yaw)
        inside = shapely.contains_xy(inner, world[..., 0], world[..., 1])
        outside = ~shapely.contains_xy(outer, world[..., 0], world[..., 1])
        assert (crop[inside] != UNLABELED).all()
        assert (crop[outside] == UNLABELED).all()


def test_lane_markers_follow_the_markings(crossroads, raster) -> None:
    """Edge lines of the arms are markers; there are none inside the junction."""
    lanes = crossroads.lanes
    rows = np.flatnonzero(np.repeat(lanes.road < 4, np.diff(lanes.start)))
    rows = np.setdiff1d(rows, np.concatenate([lanes.start[:-1], lanes.start[1:] - 1]))
    rows = rows[lanes.marking_right[rows] > 0]
    center, yaw = np.array([3.0, -5.0]), 0.7
    crop = raster.crop(center, yaw, **VIEW)
    local = to_local(lane_edges(lanes)[1][rows, :2], center, yaw)
    col = np.floor((local[:, 0] - VIEW["x_min"]) * 4).astype(int)
    row = np.floor((VIEW["y_max"] - local[:, 1]) * 4).astype(int)
    seen = (row >= 0) & (row < 320) & (col >= 0) & (col < 384)
    assert seen.sum() > 10
    assert (crop[row[seen], col[seen]] == LANE_MARKER).all()
    in_junction = np.linalg.norm(to_world(pixel_points(crop.shape), center, yaw), axis=-1) < 9.0
    assert not (crop[in_junction] == LANE_MARKER).any()


def test_far_from_the_town_nothing_is_drawn(raster) -> None:
    crop = raster.crop(np.array([5000.0, -5000.0]), 1.0, **VIEW)
    assert not crop.any()


def test_a_wide_town_costs_memory_by_its_roads(crossroads) -> None:
    lanes = crossroads.lanes
    points = lanes.points.copy()
    points[lanes.slice_of(0), :2] += 20_000.0
    raster = TownRaster.from_lanes(replace(lanes, points=points))
    assert raster.tiles.nbytes < 4_000_000
    crop = raster.crop(points[10, :2].astype(np.float64), 0.0, **VIEW)
    assert crop.any()
