"""Baked towns, ours and CARLA's, held against what the docstrings of `Town` promise."""

import logging
import re
from itertools import pairwise

import numpy as np
import pytest

from symdrive.core.geometry import wrap, wrap_angle
from symdrive.maps.carla_frame import to_carla_xyz
from symdrive.maps.opendrive import lanes as lane_building
from symdrive.maps.opendrive.baking import bake, source_digest
from symdrive.maps.opendrive.document import parse
from symdrive.maps.opendrive.native import open_map
from symdrive.maps.opendrive.survey import survey
from symdrive.maps.town import LaneKind, Marking, Town, Turn

ALL = (
    "alder",
    "Town01",
    "Town10HD",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("birch", "Town02")),
)
STRAIGHT, LEFT, RIGHT = Turn.STRAIGHT, Turn.LEFT, Turn.RIGHT


@pytest.fixture(params=ALL)
def town(request, baked) -> Town:
    return baked(request.param)


@pytest.fixture
def without_scenery(monkeypatch, baked):
    """Baking that borrows another town's mesh: for tests of everything else."""
    mesh = baked("alder").mesh
    monkeypatch.setattr("symdrive.maps.opendrive.baking.build_mesh", lambda *_: mesh)
    return bake


def end(town: Town, lane: int) -> int:
    """Row of a lane's last point."""
    return int(town.lanes.start[lane + 1] - 1)


def driving(town: Town) -> np.ndarray:
    return np.flatnonzero(town.lanes.kind == LaneKind.DRIVING)


def test_points_are_even_and_dense(town):
    lanes = town.lanes
    for lane in range(len(lanes)):
        rows = lanes.slice_of(lane)
        steps = np.diff(lanes.s_m[rows])
        chords = np.linalg.norm(np.diff(lanes.points[rows], axis=0), axis=1)
        assert len(steps) >= 1
        assert steps.max() <= 1.0 + 1e-5
        assert np.ptp(steps) < 1e-3
        assert np.all(chords <= steps + 1e-4)
        assert np.all(chords > 0.95 * steps)
        assert lanes.s_m[rows][-1] == lanes.length_m[lane]


def test_a_lane_ends_where_its_successors_begin(town):
    lanes = town.lanes
    for lane in range(len(lanes)):
        for after in lanes.successors(lane):
            assert np.array_equal(lanes.points[end(town, lane)], lanes.points[lanes.start[after]])
            assert lane in lanes.predecessors(int(after))
    assert len(lanes.next_lane) == len(lanes.prev_lane)


@pytest.mark.parametrize("name", ALL)
def test_gaps_are_small_before_welding(name, source):
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    text = source(name)
    sampled = survey(parse(text, name), name).lanes
    links = lane_building.find_links(sampled, name)
    gaps = [
        np.linalg.norm(sampled[b].points[0] - sampled[a].points[-1])
        for a, b in links
        if sampled[a].kind == LaneKind.DRIVING
    ]
    assert len(gaps) > 50
    assert max(gaps) < 0.2


def test_no_driving_lane_is_a_dead_end(town):
    assert all(len(town.lanes.successors(lane)) for lane in driving(town).tolist())
    assert all(len(town.lanes.predecessors(lane)) for lane in driving(town).tolist())


def test_headings_point_along_the_lane(town):
    lanes = town.lanes
    for lane in driving(town).tolist():
        rows = lanes.slice_of(lane)
        step = np.diff(lanes.points[rows, :2], axis=0)
        chord = np.arctan2(step[:, 1], step[:, 0])
        middle = lanes.yaw[rows][:-1] + wrap_angle(np.diff(lanes.yaw[rows])) / 2
        if lanes.length_m[lane] > 2.0:
            assert np.abs(wrap_angle(chord - middle)).max() < 0.1


def test_neighbours_drive_side_by_side(town):
    lanes = town.lanes
    for lane in driving(town).tolist():
        left = int(lanes.left[lane])
        if left < 0:
            assert not lanes.may_change_left[lane]
            continue
        assert lanes.right[left] == lane
        a, b = lanes.points[lanes.start[lane]], lanes.points[lanes.start[left]]
        yaw = lanes.yaw[lanes.start[lane]]
        sideways = np.cos(yaw) * (b - a)[1] - np.sin(yaw) * (b - a)[0]
        assert 0.0 < sideways < 6.0


def test_turns_follow_the_heading(town):
    lanes = town.lanes
    inside = (lanes.junction >= 0) & (lanes.kind == LaneKind.DRIVING)
    assert np.all(lanes.turn[lanes.junction < 0] == Turn.NONE)
    assert np.all(lanes.turn[inside] != Turn.NONE)
    alone = [
        lane
        for lane in np.flatnonzero(inside).tolist()
        if not any(
            lanes.junction[n] == lanes.junction[lane]
            for n in [*lanes.successors(lane), *lanes.predecessors(lane)]
        )
    ]
    last = lanes.start[np.array(alone) + 1] - 1
    change = wrap_angle(lanes.yaw[last] - lanes.yaw[lanes.start[alone]])
    turn = lanes.turn[alone]
    assert np.all(change[turn == LEFT] > 0.5)
    assert np.all(change[turn == RIGHT] < -0.5)
    assert np.all(np.abs(change[turn == STRAIGHT]) < 0.53)
    assert set(turn.tolist()) == {STRAIGHT, LEFT, RIGHT}


@pytest.mark.parametrize("name", ["Town01", "Town10HD", "alder"])
def test_lanes_lie_where_carla_has_them(name, baked, source):
    carla = pytest.importorskip("carla", reason="the wheel is the reference")

    town, native = baked(name), open_map(name, source(name))
    lanes = town.lanes
    rng = np.random.default_rng(1)
    outside = [k for k in driving(town).tolist() if lanes.junction[k] < 0]
    for lane in rng.choice(outside, 40).tolist():
        row = int(rng.integers(lanes.start[lane] + 1, end(town, lane)))
        x, y, z = to_carla_xyz(lanes.points[row]).tolist()
        there = native.get_waypoint(carla.Location(x, y, z))
        found = (there.road_id, there.section_id, there.lane_id)
        assert found == (lanes.road[lane], lanes.section[lane], lanes.lane_id[lane])
        location = there.transform.location
        step = np.array([location.x, -location.y]) - lanes.points[row, :2]
        yaw = lanes.yaw[row]
        assert abs(np.cos(yaw) * step[1] - np.sin(yaw) * step[0]) < 0.02
        assert np.linalg.norm(step) < 0.5, "CARLA's nearest waypoint is coarse along the lane"
        off = wrap(float(np.radians(-there.transform.rotation.yaw) - lanes.yaw[row]))
        assert abs(off) < 0.02
        assert there.lane_width == pytest.approx(lanes.width_m[row], abs=0.05)


def test_speed_limits_come_from_the_file_in_its_unit(baked):
    town = baked("Town01")
    assert np.allclose(town.lanes.speed_limit_mps[driving(town)], 25 * 0.44704)
    town = baked("Town10HD")
    limits = town.lanes.speed_limit_mps[driving(town)]
    assert set(np.round(limits / 0.44704).tolist()) == {40.0, 50.0}


def test_a_file_without_limits_means_fifty(source, without_scenery):
    text = re.sub(r"<speed[^>]*/>", "", source("alder"))
    assert np.allclose(without_scenery(text, "alder").lanes.speed_limit_mps, 50 / 3.6)


def test_lane_limits_override_the_road(source, without_scenery):
    text = re.sub(
        r'(<lane id="-1" type="driving"[^>]*>)(.*?)(<roadMark)',
        r'\1\2<speed sOffset="0.0" max="7.5" unit="m/s"/>\3',
        source("alder"),
        flags=re.DOTALL,
    )
    lanes = without_scenery(text, "alder").lanes
    mine = (lanes.lane_id == -1) & (lanes.kind == LaneKind.DRIVING)
    assert np.allclose(lanes.speed_limit_mps[mine], 7.5)
    assert lanes.speed_limit_mps[~mine].max() > 7.5


def test_markings_and_lane_changes_are_carlas(baked):
    """Town10HD road 5: four lanes each way, double yellow in the middle, broken white between."""
    lanes = baked("Town10HD").lanes
    several = np.flatnonzero((lanes.left >= 0) & lanes.may_change_left)
    assert len(several) > 20
    rows = np.concatenate([np.arange(lanes.start[k], lanes.start[k + 1]) for k in several])
    assert (lanes.marking_left[rows] == Marking.BROKEN_WHITE).mean() > 0.5
    inner = [k for k in driving(baked("Town10HD")).tolist() if abs(lanes.lane_id[k]) == 1]
    outside = [k for k in inner if lanes.junction[k] < 0]
    rows = np.concatenate([np.arange(lanes.start[k], lanes.start[k + 1]) for k in outside])
    yellow = np.isin(lanes.marking_left[rows], (Marking.SOLID_YELLOW, Marking.BROKEN_YELLOW))
    assert yellow.mean() > 0.8


def test_conflicts_are_listed_both_ways(town):
    table, lanes = town.conflicts, town.lanes
    own = np.repeat(np.arange(len(lanes)), np.diff(table.start))
    pairs = set(zip(own.tolist(), table.other.tolist(), strict=True))
    assert len(pairs) == len(own) > 0
    assert all((b, a) in pairs for a, b in pairs)
    assert np.all(lanes.junction[own] == lanes.junction[table.other])
    assert np.all(lanes.junction[own] >= 0)
    assert np.all(table.enter_m <= table.exit_m)
    assert np.all(table.exit_m <= lanes.length_m[own] + 0.01)
    assert np.all(table.enter_m >= 0.0)


def test_conflicts_are_where_the_lanes_meet(town):
    table, lanes = town.conflicts, town.lanes
    own = np.repeat(np.arange(len(lanes)), np.diff(table.start))
    for row in range(0, len(own), 7):
        a, b = lanes.slice_of(int(own[row])), lanes.slice_of(int(table.other[row]))
        near = np.linalg.norm(lanes.points[a, None, :2] - lanes.points[None, b, :2], axis=2)
        s = lanes.s_m[a]
        inside = (s > table.enter_m[row] - 0.05) & (s < table.exit_m[row] + 0.05)
        assert not np.any(near[~inside].min(axis=1, initial=9.0) < 1.2)


def test_diverging_and_parallel_lanes_do_not_conflict(town):
    table, lanes = town.conflicts, town.lanes
    own = np.repeat(np.arange(len(lanes)), np.diff(table.start))
    for a, b in zip(own.tolist(), table.other.tolist(), strict=True):
        assert not set(lanes.predecessors(a).tolist()) & set(lanes.predecessors(b).tolist())
        assert lanes.left[a] != b
        assert lanes.right[a] != b


def test_crossing_straights_conflict_and_opposing_ones_do_not(baked):
    town = baked("alder")
    lanes, table = town.lanes, town.conflicts
    straight = np.flatnonzero((lanes.turn == STRAIGHT) & (lanes.kind == LaneKind.DRIVING))
    crossing = opposing = 0
    for a in straight.tolist():
        conflicts = set(table.other[table.start[a] : table.start[a + 1]].tolist())
        for b in straight.tolist():
            if a == b or lanes.junction[a] != lanes.junction[b]:
                continue
            angle = abs(wrap(float(lanes.yaw[lanes.start[a]] - lanes.yaw[lanes.start[b]])))
            if abs(angle - np.pi / 2) < 0.5:
                crossing += 1
                assert b in conflicts
            elif angle > np.pi - 0.3:
                opposing += 1
                assert b not in conflicts
    assert crossing >= 8
    assert opposing >= 8


def test_merging_lanes_conflict_up_to_their_end(baked):
    town = baked("alder")
    lanes, table = town.lanes, town.conflicts
    merging = 0
    for lane in driving(town).tolist():
        before = [p for p in lanes.predecessors(lane).tolist() if lanes.junction[p] >= 0]
        for a, b in pairwise(before):
            row = np.flatnonzero(table.other[table.start[a] : table.start[a + 1]] == b)
            assert len(row) == 1
            assert table.exit_m[table.start[a] + row[0]] == pytest.approx(
                lanes.length_m[a], abs=0.1
            )
            merging += 1
    assert merging > 10


def test_lights_and_their_stop_lines(town):
    lanes, lights = town.lanes, town.signals
    for row in range(len(lights)):
        stops = slice(lights.stop_start[row], lights.stop_start[row + 1])
        assert stops.stop > stops.start, f"light {lights.signal_id[row]} controls no lane"
        for lane, s in zip(lights.stop_lane[stops], lights.stop_s_m[stops], strict=True):
            assert lanes.kind[lane] == LaneKind.DRIVING
            assert lanes.junction[lane] < 0
            assert 0.0 <= lanes.length_m[lane] - s < 5.0
            after = lanes.successors(int(lane))
            assert np.all(lanes.junction[after] == lights.junction[row])
            facing = wrap(float(lights.yaw[row] - lanes.yaw[end(town, int(lane))]))
            assert abs(facing) > np.pi - np.radians(30.0)


def test_lamp_heads_hang_above_poles_that_stand_beside_the_road(town):
    lanes, lights = town.lanes, town.signals
    rows = np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start))
    for foot, head in zip(lights.position, lights.head, strict=True):
        assert 3.0 < head[2] - foot[2] < 6.0
        gap = np.linalg.norm(lanes.points[rows, :2] - foot[:2], axis=1) - lanes.width_m[rows] / 2
        assert gap.min() > 0.3


def test_groups_of_a_junction_are_counted_from_zero(town):
    lights = town.signals
    for junction in np.unique(lights.junction):
        rows = lights.junction == junction
        count = set(lights.num_groups[rows].tolist())
        assert count == {len(set(lights.group[rows].tolist()))}
        assert set(lights.group[rows].tolist()) == set(range(count.pop()))


def test_crossing_traffic_never_shares_a_group(town):
    lanes, lights = town.lanes, town.signals
    group = {
        int(lane): int(lights.group[row])
        for row in range(len(lights))
        for lane in lights.stop_lane[lights.stop_start[row] : lights.stop_start[row + 1]]
    }
    table = town.conflicts
    own = np.repeat(np.arange(len(lanes)), np.diff(table.start))
    for a, b in zip(own.tolist(), table.other.tolist(), strict=True):
        if lanes.turn[a] != STRAIGHT or lanes.turn[b] != STRAIGHT:
            continue
        groups = [{group.get(p) for p in lanes.predecessors(k).tolist()} for k in (a, b)]
        if None not in groups[0] | groups[1]:
            assert not groups[0] & groups[1]


def test_every_light_of_carlas_first_town_counts(baked):
    lights = baked("Town01").signals
    assert len(lights) == 36
    assert len(np.unique(lights.junction)) == 12
    assert set(lights.num_groups.tolist()) == {3}


def test_controllers_make_the_groups(baked):
    """Junction 23 of Town10HD has the controllers 964 (light 943), 965 (945) and 966 (944)."""
    lights = baked("Town10HD").signals
    group = dict(zip(lights.signal_id.tolist(), lights.group.tolist(), strict=True))
    assert (group[943], group[945], group[944]) == (0, 1, 2)


def test_without_controllers_opposing_approaches_share_a_phase(source, without_scenery):
    text = re.sub(
        r"<controller.*?</controller>|<controller[^>]*/>", "", source("alder"), flags=re.S
    )
    town = without_scenery(text, "alder")
    lights = town.signals
    together = apart = 0
    for a in range(len(lights)):
        for b in range(a):
            if lights.junction[a] != lights.junction[b]:
                continue
            angle = abs(np.cos(lights.yaw[a] - lights.yaw[b]))
            if angle > 0.9:
                assert lights.group[a] == lights.group[b]
                together += 1
            elif angle < 0.5:
                assert lights.group[a] != lights.group[b]
                apart += 1
    assert together >= 4
    assert apart >= 8


def test_a_light_without_a_lane_is_named(source, without_scenery, caplog):
    text = source("alder")
    block = re.search(r'<signal id="(\d+)".*?type="1000001".*?</signal>', text, re.S)
    assert block is not None
    blind = re.sub(r"<validity[^>]*/>", '<validity fromLane="0" toLane="0"/>', block[0])
    with caplog.at_level(logging.WARNING):
        town = without_scenery(text.replace(block[0], blind), "alder")
    warnings = [r.getMessage() for r in caplog.records if block[1] in r.getMessage()]
    assert len(warnings) == 1
    row = town.signals.signal_id.tolist().index(int(block[1]))
    assert town.signals.stop_start[row] == town.signals.stop_start[row + 1]


def test_stop_signs_stand_beside_their_approach(town):
    lanes, signs = town.lanes, town.stop_signs
    lit = set(town.signals.stop_lane.tolist())
    for row in range(len(signs)):
        lane = int(signs.lane[row])
        assert lane not in lit
        after = lanes.successors(lane)
        assert np.all(lanes.junction[after] >= 0)
        last = end(town, lane)
        assert np.linalg.norm(signs.position[row, :2] - lanes.points[last, :2]) < 12.0
        assert abs(wrap(float(signs.yaw[row] - lanes.yaw[last]))) > np.pi - 0.5


def test_stop_and_yield_signs_of_town10(baked):
    """Stop signs 946-948 hold for roads 12, 11 and 9 at junction 134, yield 963 for road 9."""
    town = baked("Town10HD")
    lanes = town.lanes
    signed = {(int(lanes.road[k]), int(lanes.lane_id[k])) for k in town.stop_signs.lane}
    assert signed == {(12, 1), (11, -1), (9, 1)}
    crossing = np.flatnonzero((lanes.junction == 134) & (lanes.kind == LaneKind.DRIVING))
    assert set(lanes.priority[crossing].tolist()) == {0}
    yielding = [
        lane
        for lane in np.flatnonzero(lanes.junction == 841).tolist()
        for p in lanes.predecessors(lane).tolist()
        if lanes.road[p] == 9 and lanes.kind[lane] == LaneKind.DRIVING
    ]
    assert yielding
    assert 1 in lanes.priority[yielding]


def test_the_stem_of_a_t_junction_yields(baked):
    """Junctions without lights or signs: whoever cannot go straight on gives way."""
    town = baked("alder")
    lanes = town.lanes
    special = set(town.signals.stop_lane.tolist()) | set(town.stop_signs.lane.tolist())
    found = 0
    for junction in np.unique(lanes.junction[lanes.junction >= 0]):
        inside = np.flatnonzero((lanes.junction == junction) & (lanes.kind == LaneKind.DRIVING))
        before = {k: int(lanes.predecessors(k)[0]) for k in inside.tolist()}
        if special & set(before.values()):
            continue
        straight = {before[k] for k in inside.tolist() if lanes.turn[k] == STRAIGHT}
        stem = [k for k in inside.tolist() if before[k] not in straight]
        if not stem or not straight:
            continue
        found += 1
        assert set(lanes.priority[stem].tolist()) == {1}
        through = [k for k in inside.tolist() if lanes.turn[k] == STRAIGHT]
        assert set(lanes.priority[through].tolist()) == {2}
        lefts = [k for k in inside.tolist() if lanes.turn[k] == LEFT]
        assert set(lanes.priority[lefts].tolist()) == {1}
    assert found >= 1


def test_priority_is_the_main_roads_outside_of_junctions(town):
    assert np.all(town.lanes.priority[town.lanes.junction < 0] == 2)


def test_crosswalks_reach_from_side_to_side(town):
    lanes, walks = town.lanes, town.crosswalks
    rows = np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start))
    points, half = lanes.points[rows, :2], lanes.width_m[rows] / 2
    for row in range(len(walks)):
        a, b = walks.line[row, 0, :2], walks.line[row, 1, :2]
        assert 4.0 < np.linalg.norm(b - a) < 40.0
        for point in (a, b):
            assert (np.linalg.norm(points - point, axis=1) - half).min() > 0.0
        middle = walks.corners[walks.start[row] : walks.start[row + 1], :2].mean(axis=0)
        assert (np.linalg.norm(points - middle, axis=1) - half).min() < 4.0


def test_carlas_crosswalks_are_all_there(baked):
    assert len(baked("Town10HD").crosswalks) == 16
    assert len(baked("Town01").crosswalks) == 0


def test_the_ground_carries_the_lanes(town):
    gap = town.ground.height(town.lanes.points[:, :2]) - town.lanes.points[:, 2]
    assert np.abs(gap).max() < 0.05
    assert np.isfinite(town.ground.z).all()
    steps = (
        np.abs(np.diff(town.ground.z, axis=0)).max(),
        np.abs(np.diff(town.ground.z, axis=1)).max(),
    )
    assert max(steps) < 1.0 * town.ground.cell_m


def test_the_mesh_is_sound(town):
    mesh = town.mesh
    assert len(mesh.faces) > 1000
    assert mesh.faces.max() < len(mesh.vertices)
    lamps = set(
        zip(
            mesh.signal[mesh.signal >= 0].tolist(),
            mesh.lamp[mesh.signal >= 0].tolist(),
            strict=True,
        )
    )
    assert lamps == {(row, lamp) for row in range(len(town.signals)) for lamp in range(3)}


def test_the_name_and_the_source_are_kept(baked, source):
    town = baked("alder")
    assert town.name == "alder"
    assert town.source_digest == source_digest(source("alder"))


def test_left_hand_traffic_is_mirrored(source, without_scenery):
    """The same streets by the other rule: every street lane runs the other way round."""
    text = re.sub(r'rule="RHT"', "", source("Town01"))
    text = text.replace('junction="-1">', 'junction="-1" rule="LHT">')
    right, left = (without_scenery(t, "Town01").lanes for t in (source("Town01"), text))
    lane = np.flatnonzero((right.junction < 0) & (right.kind == LaneKind.DRIVING))[0]
    assert right.road[lane] == left.road[lane]
    assert right.lane_id[lane] == left.lane_id[lane]
    turned = wrap(float(right.yaw[right.start[lane]] - left.yaw[left.start[lane + 1] - 1]))
    assert abs(turned) > np.pi - 0.05
