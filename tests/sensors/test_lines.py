"""Lane invasion on roads of our own towns."""

import dataclasses

import numpy as np
import pytest

from symdrive.maps.open import open_town
from symdrive.maps.town import LaneKind, Marking, Town
from symdrive.sensors.lines import LineWatch
from symdrive.world.truth import Trail, Truth


@pytest.fixture(scope="module")
def alder() -> Town:
    return open_town("alder")


@pytest.fixture(scope="module")
def watch(alder: Town) -> LineWatch:
    return LineWatch(alder.lanes)


@pytest.fixture
def step(alder, actors_of, truth_of):
    """The truth after the ego moved between two offsets (m, to the left) beside a lane's middle."""

    def make(lane: int, before: float, after: float) -> Truth:
        rows = alder.lanes.slice_of(lane)
        row = (rows.start + rows.stop) // 2
        yaw, middle = float(alder.lanes.yaw[row]), alder.lanes.points[row].astype(np.float64)
        left = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        places = np.stack([middle + after * left, middle + before * left, middle + before * left])
        actors = actors_of([tuple(places[0])], yaw=yaw)
        trail = Trail(places, np.full(3, yaw), np.zeros(3))
        return dataclasses.replace(truth_of(actors), trail=trail)

    return make


def long_lane(town: Town, *, with_left: bool) -> int:
    """A driving lane outside of junctions, long enough for the car to stand in its middle."""
    lanes = town.lanes
    fit = (lanes.kind == LaneKind.DRIVING) & (lanes.junction < 0) & (lanes.length_m > 30.0)
    fit &= (lanes.left >= 0) if with_left else (lanes.right < 0)
    return int(np.flatnonzero(fit)[0])


def half_width(town: Town, lane: int) -> float:
    rows = town.lanes.slice_of(lane)
    return 0.5 * float(town.lanes.width_m[(rows.start + rows.stop) // 2])


def test_staying_in_the_lane_crosses_nothing(watch, step, alder):
    lane = long_lane(alder, with_left=True)
    assert watch.crossed(step(lane, -0.1, 0.1)) == ()


def test_a_lane_change_crosses_the_line_between_the_lanes(watch, step, alder):
    lane = long_lane(alder, with_left=True)
    edge = half_width(alder, lane) - 1.06
    rows = alder.lanes.slice_of(lane)
    line = int(alder.lanes.marking_left[(rows.start + rows.stop) // 2])
    assert watch.crossed(step(lane, edge - 0.15, edge + 0.15)) == (line,)
    assert watch.crossed(step(lane, edge + 0.15, edge - 0.15)) == (line,)
    assert line in {Marking.BROKEN_WHITE, Marking.SOLID_WHITE}


def test_leaving_the_road_crosses_its_edge_once(watch, step, alder):
    lane = long_lane(alder, with_left=False)
    rows = alder.lanes.slice_of(lane)
    line = int(alder.lanes.marking_right[(rows.start + rows.stop) // 2])
    kinds = (LaneKind.DRIVING, LaneKind.BIKING, LaneKind.PARKING)
    beside = alder.lanes.kind[alder.lanes.road == alder.lanes.road[lane]]
    assert set(beside.tolist()) <= {*kinds, LaneKind.SIDEWALK, LaneKind.SHOULDER, LaneKind.OTHER}
    edge = -half_width(alder, lane) + 1.06
    assert watch.crossed(step(lane, edge + 0.15, edge - 0.15)) == (line,)
    assert watch.crossed(step(lane, edge - 0.15, edge - 0.3)) == ()


def test_junctions_have_no_lines(watch, step, alder):
    lanes = alder.lanes
    inside = np.flatnonzero((lanes.junction >= 0) & (lanes.kind == LaneKind.DRIVING))
    for lane in inside[:5].tolist():
        if lanes.length_m[lane] > 8.0:
            assert watch.crossed(step(lane, -1.5, 1.5)) == ()


def test_a_town_without_lanes_has_no_lines(town_of, actors_of, truth_of):
    watch = LineWatch(town_of().lanes)
    assert watch.crossed(truth_of(actors_of([(0, 0, 0)]))) == ()
