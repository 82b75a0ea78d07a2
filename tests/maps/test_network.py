"""Finding lanes and ways: on our own towns and, where they are, on CARLA's."""

import re
import time
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symdrive.core.errors import UserError
from symdrive.core.geometry import wrap_angle
from symdrive.core.seeds import generator
from symdrive.maps.carla_frame import from_carla_xyz
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Command, Route
from symdrive.maps.search import MIN_CHANGE_M
from symdrive.maps.town import LaneKind, Turn

ROUTES = Path(__file__).parents[3] / "shared" / "routes" / "samples"
CHANGES = (Command.CHANGE_LEFT, Command.CHANGE_RIGHT)
SHARED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@cache
def network(name: str) -> Network:
    return Network(open_town(name))


@pytest.fixture(params=["alder", "birch"])
def net(request) -> Network:
    return network(request.param)


@pytest.fixture(scope="module")
def wide(baked) -> Network:
    """A town with four lanes each way."""
    return Network(baked("Town10HD"))


def driving(net: Network, *, outside: bool = False) -> np.ndarray:
    lanes = net.lanes
    return np.flatnonzero((lanes.kind == LaneKind.DRIVING) & ((lanes.junction < 0) | (not outside)))


def assert_drivable(net: Network, route: Route):
    """Dense, smooth, along its headings, and through lanes that hang together."""
    lanes = net.lanes
    step = np.diff(route.points[:, :2], axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    assert length.min() > 0.5
    assert length.max() < 1.25
    middle = route.yaw[:-1] + wrap_angle(np.diff(route.yaw)) / 2
    assert np.abs(wrap_angle(np.arctan2(step[:, 1], step[:, 0]) - middle)).max() < 0.15
    assert np.abs(wrap_angle(np.diff(route.yaw))).max() < 0.45
    for a, b in zip(route.lane[:-1].tolist(), route.lane[1:].tolist(), strict=True):
        linked = a == b or b in lanes.successors(a) or b in (lanes.left[a], lanes.right[a])
        assert linked or any(b in lanes.successors(n) for n in lanes.successors(a).tolist())
    steady = ~np.isin(route.command, CHANGES)
    place, yaw = net.position(route.lane[steady], route.lane_s_m[steady])
    assert np.abs(place - route.points[steady]).max() < 0.02
    assert np.abs(wrap_angle(yaw - route.yaw[steady])).max() < 0.02
    assert np.array_equal(route.speed_limit_mps, lanes.speed_limit_mps[route.lane])
    assert route.s_m[0] == 0.0
    assert np.all(np.diff(route.s_m) > 0.0)


@SHARED
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.floats(-1.2, 1.2))
def test_places_on_lanes_are_found_again(net, pick: int, share: float, lateral: float):
    lanes = driving(net, outside=True)
    lane = np.array([lanes[pick % len(lanes)]])
    s = share * net.lanes.length_m[lane]
    point, yaw = net.position(lane, s)
    point[:, :2] += lateral * np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    found = net.locate(point[:, :2], yaw)
    there, _ = net.position(found.lane, found.s_m)
    if 0.02 < share < 0.98:
        assert found.lane[0] == lane[0]
        assert abs(found.s_m[0] - s[0]) < 0.3
    assert abs(abs(found.lateral_m[0]) - abs(lateral)) < 0.05
    assert np.linalg.norm(there[0, :2] - point[0, :2]) == pytest.approx(abs(lateral), abs=0.05)
    if abs(lateral) > 0.05:
        assert np.sign(found.lateral_m[0]) == np.sign(lateral)


def test_batches_and_singles_agree(net):
    lanes = driving(net)
    rng = np.random.default_rng(2)
    lane = rng.choice(lanes, 100)
    point, yaw = net.position(lane, rng.uniform(0.0, 1.0, 100) * net.lanes.length_m[lane])
    together = net.locate(point[:, :2], yaw)
    single = [net.locate(point[i : i + 1, :2], yaw[i : i + 1]) for i in range(100)]
    assert np.array_equal(together.lane, [one.lane[0] for one in single])
    assert np.allclose(together.s_m, [one.s_m[0] for one in single])


def test_the_heading_picks_the_lane_of_the_right_direction(net):
    """A car that stands on the oncoming lane belongs to its own direction."""
    lanes = net.lanes
    checked = 0
    for lane in driving(net, outside=True).tolist():
        if lanes.length_m[lane] < 30.0 or abs(lanes.lane_id[lane]) != 1 or lanes.left[lane] >= 0:
            continue
        middle = np.array([lane]), np.array([lanes.length_m[lane] / 2])
        point, yaw = net.position(*middle)
        back = net.locate(point[:, :2], wrap_angle(yaw + np.pi))
        if back.lane[0] != lane:
            _, other = net.position(back.lane, back.s_m)
            assert abs(wrap_angle(other - yaw)[0]) > 2.5
            checked += 1
        assert net.locate(point[:, :2]).lane[0] == lane
    assert checked > 10


def test_far_points_are_on_no_lane(net):
    found = net.locate(np.array([[1e5, 1e5], [-9e4, 0.0]]))
    assert found.lane.tolist() == [-1, -1]
    assert found.s_m.tolist() == [0.0, 0.0]


def test_the_distance_limit_is_kept(net):
    lane = driving(net, outside=True)[:1]
    point, yaw = net.position(lane, net.lanes.length_m[lane] / 2)
    aside = point[:, :2] + 60.0 * np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    for limit in (0.5, 5.0, 100.0):
        found = net.locate(aside, max_distance_m=limit)
        assert found.lane[0] == -1 or abs(found.lateral_m[0]) <= limit


@pytest.mark.parametrize("kind", [LaneKind.SIDEWALK, LaneKind.PARKING])
def test_only_lanes_of_the_kind_are_found(kind):
    net = network("alder")
    rows = np.flatnonzero(net.lanes.kind == kind)
    point, _ = net.position(rows, net.lanes.length_m[rows] / 2)
    found = net.locate(point[:, :2], kinds=(kind,))
    assert np.all(net.lanes.kind[found.lane] == kind)
    assert np.all(np.abs(found.lateral_m) < 0.1)


def test_a_kind_that_is_nowhere_is_found_nowhere():
    net = network("alder")
    assert not np.any(net.lanes.kind == LaneKind.BIKING)
    assert net.locate(np.zeros((3, 2)), kinds=(LaneKind.BIKING,)).lane.tolist() == [-1, -1, -1]


def test_no_points_are_no_trouble(net):
    assert net.locate(np.zeros((0, 2))).lane.shape == (0,)


def test_heights_part_levels():
    """Two queries at one place, at two heights: the point cost falls on the far level only."""
    net = network("alder")
    lane = driving(net)[:1]
    point, _ = net.position(lane, net.lanes.length_m[lane] / 2)
    low = net._locator.candidates(point[0])
    high = net._locator.candidates(point[0] + [0.0, 0.0, 8.0])
    assert high[0][2] - low[0][2] == pytest.approx(12.0, abs=0.01)


def test_positions_are_clamped_to_the_lane(net):
    lane = driving(net)[:3]
    before, _ = net.position(lane, np.full(3, -5.0))
    after, _ = net.position(lane, np.full(3, 1e6))
    assert np.allclose(before, net.lanes.points[net.lanes.start[lane]])
    assert np.allclose(after, net.lanes.points[net.lanes.start[lane + 1] - 1])


@pytest.mark.parametrize("seed", range(8))
def test_random_routes_are_drivable(net, seed: int):
    rng = generator(seed, "test")
    wanted = float(rng.uniform(150.0, 1500.0))
    route = net.random_route(rng, wanted, f"random_{seed}")
    assert_drivable(net, route)
    assert wanted - 20.0 < route.length_m < wanted + 150.0
    assert net.lanes.junction[route.lane[[0, -1]]].tolist() == [-1, -1]
    assert (route.route_id, route.town) == (f"random_{seed}", net.town.name)


def test_random_routes_avoid_repeating_a_lane(net):
    repeats = 0
    for seed in range(20):
        lane = net.random_route(generator(seed, "repeat"), 800.0, "r").lane
        visits = lane[np.concatenate([[True], np.diff(lane) != 0])]
        repeats += len(set(visits.tolist())) != len(visits)
    assert repeats <= 1


def test_random_routes_differ_by_seed_and_only_by_seed(net):
    first, again, other = (net.random_route(generator(k, "x"), 400.0, "r") for k in (1, 1, 2))
    assert np.array_equal(first.points, again.points)
    assert len(first.points) != len(other.points) or not np.allclose(first.points, other.points)


def test_random_routes_turn_both_ways(net):
    commands: set[int] = set()
    for seed in range(15):
        commands |= set(net.random_route(generator(seed, "turns"), 900.0, "r").command.tolist())
    assert {Command.LEFT, Command.RIGHT, Command.STRAIGHT, Command.LANE_FOLLOW} <= commands


@pytest.mark.parametrize("length", [0.0, -5.0, float("nan")])
def test_random_routes_without_length_are_refused(net, length: float):
    with pytest.raises(UserError, match="route none in"):
        net.random_route(generator(0, "x"), length, "none")


def test_commands_in_junctions_are_their_turns(net):
    lanes = net.lanes
    names = {Turn.LEFT: Command.LEFT, Turn.RIGHT: Command.RIGHT, Turn.STRAIGHT: Command.STRAIGHT}
    for seed in range(6):
        route = net.random_route(generator(seed, "commands"), 700.0, "r")
        for command, lane in zip(route.command.tolist(), route.lane.tolist(), strict=True):
            if lanes.junction[lane] >= 0:
                assert command == names[Turn(int(lanes.turn[lane]))]
            else:
                assert command in (Command.LANE_FOLLOW, *CHANGES)


@pytest.mark.parametrize("seed", range(10))
def test_a_route_leads_through_its_key_points(net, seed: int):
    route = net.random_route(generator(seed, "keys"), 600.0, "r")
    keys = [*range(0, len(route.points) - 1, 40), len(route.points) - 1]
    again = net.route_through(route.points[keys], "again", float(route.yaw[0]))
    assert_drivable(net, again)
    gap = np.linalg.norm(again.points[None, :, :2] - route.points[keys, None, :2], axis=2)
    assert gap.min(axis=1).max() < 4.0, "a key point may lie within a lane change of the first"
    assert again.length_m < route.length_m + 5.0
    assert np.all(np.diff(gap.argmin(axis=1)) > 0)


def test_the_way_between_two_points_is_the_shortest(net):
    lanes = net.lanes
    rng = np.random.default_rng(4)
    for a, b in rng.choice(driving(net, outside=True), (10, 2)).tolist():
        ends, yaw = net.position(np.array([a, b]), lanes.length_m[[a, b]] / 2)
        if np.linalg.norm(ends[0] - ends[1]) < 5.0:
            continue
        route = net.route_through(ends, "pair", float(yaw[0]))
        assert route.length_m >= np.linalg.norm(ends[1, :2] - ends[0, :2]) - 0.1
        half = len(route.points) // 2
        via = net.route_through(np.array([ends[0], route.points[half], ends[1]]), "via")
        assert via.length_m == pytest.approx(route.length_m, abs=6.0)


def lane_change(wide: Network) -> tuple[int, int]:
    """A long lane and its left neighbour."""
    lanes = wide.lanes
    long = lanes.may_change_left & (lanes.junction < 0) & (lanes.length_m > 60.0)
    lane = int(np.flatnonzero(long)[0])
    return lane, int(lanes.left[lane])


def test_a_lane_change_is_smooth_and_told(wide):
    lane, left = lane_change(wide)
    ends, _ = wide.position(np.array([lane, left]), np.array([5.0, 55.0]))
    route = wide.route_through(ends, "change")
    assert_drivable(wide, route)
    assert set(route.lane.tolist()) == {lane, left}
    changing = route.command == Command.CHANGE_LEFT
    assert 14.0 <= changing.sum() <= 27.0
    assert np.all(np.diff(np.flatnonzero(changing)) == 1)
    place, yaw = wide.position(np.full(len(route.points), lane), route.s_m + 5.0)
    off = route.points[:, :2] - place[:, :2]
    lateral = np.cos(yaw) * off[:, 1] - np.sin(yaw) * off[:, 0]
    assert abs(lateral[0]) < 0.01
    assert lateral[-1] == pytest.approx(3.5, abs=0.3)
    assert np.all(np.diff(lateral) > -0.02)


def test_there_and_back_changes_right(wide):
    lane, left = lane_change(wide)
    ends, _ = wide.position(np.array([left, lane]), np.array([5.0, 55.0]))
    route = wide.route_through(ends, "right")
    assert Command.CHANGE_RIGHT in route.command
    assert Command.CHANGE_LEFT not in route.command


def test_key_points_may_squeeze_a_lane_change(wide):
    """Benchmarks put key points on both lanes a few metres apart; nobody circles the block."""
    lane, left = lane_change(wide)
    ends, _ = wide.position(np.array([lane, lane, left, left]), np.array([5.0, 28.0, 32.0, 55.0]))
    route = wide.route_through(ends, "squeeze")
    assert_drivable(wide, route)
    assert route.length_m < 52.0
    assert (route.command == Command.CHANGE_LEFT).sum() >= MIN_CHANGE_M - 1


def test_solid_lines_are_not_crossed(wide):
    lanes = wide.lanes
    for seed in range(10):
        route = wide.random_route(generator(seed, "solid"), 1200.0, "r")
        for a, b in zip(route.lane[:-1].tolist(), route.lane[1:].tolist(), strict=True):
            if b == lanes.left[a] and b not in lanes.successors(a):
                assert lanes.may_change_left[a]
                assert lanes.junction[a] < 0
            if b == lanes.right[a] and b not in lanes.successors(a):
                assert lanes.may_change_right[a]
                assert lanes.junction[a] < 0


@pytest.mark.parametrize("seed", range(8))
def test_random_routes_of_wide_streets_are_drivable(wide, seed: int):
    assert_drivable(wide, wide.random_route(generator(seed, "wide"), 900.0, "r"))


def test_the_initial_heading_chooses_the_side(net):
    lanes = net.lanes
    tried = 0
    for lane in driving(net, outside=True).tolist():
        s = float(lanes.length_m[lane])
        if s < 60.0 or lanes.left[lane] >= 0:
            continue
        ends, yaw = net.position(np.array([lane, lane]), np.array([s / 3, 2 * s / 3]))
        middle = ends.copy()
        width = lanes.width_m[lanes.start[lane]]
        middle[:, :2] += width / 2 * np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
        route = net.route_through(middle, "side", float(yaw[0]))
        assert abs(wrap_angle(route.yaw[:1] - yaw[:1])[0]) < 0.3
        tried += 1
        if tried == 5:
            break
    assert tried == 5


def test_a_key_point_off_the_road_is_named(net):
    point, _ = net.position(driving(net)[:1], np.array([1.0]))
    far = np.array([point[0], [5e4, 5e4, 0.0]])
    with pytest.raises(UserError, match=r"route lost: key point 1 at \(50000.0, 50000.0\)") as no:
        net.route_through(far, "lost")
    assert re.search(r"is \d+\.\d m away", str(no.value))


def test_a_point_that_cannot_be_reached_is_named():
    """Against the direction of a lane that ends at the edge of the map."""
    net = network("alder")
    import dataclasses

    lanes = net.lanes
    cut = dataclasses.replace(
        lanes,
        next_start=np.zeros_like(lanes.next_start),
        next_lane=lanes.next_lane[:0],
        prev_start=np.zeros_like(lanes.prev_start),
        prev_lane=lanes.prev_lane[:0],
        may_change_left=np.zeros(len(lanes), dtype=bool),
        may_change_right=np.zeros(len(lanes), dtype=bool),
    )
    islands = Network(dataclasses.replace(net.town, lanes=cut))
    ends, _ = net.position(driving(net, outside=True)[[0, 40]], np.array([2.0, 2.0]))
    with pytest.raises(UserError, match=r"route cut: no way leads .* key point 1 at .* m from the"):
        islands.route_through(ends, "cut")
    with pytest.raises(UserError, match="no route of 5000 m"):
        islands.random_route(generator(0, "x"), 5000.0, "cut")


@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.zeros((0, 3)), np.full((3, 2), np.nan)])
def test_useless_key_points_are_refused(net, points: np.ndarray):
    with pytest.raises(UserError, match="route bad: at least two"):
        net.route_through(points, "bad")


def test_equal_key_points_are_refused(net):
    point, _ = net.position(driving(net, outside=True)[:1], np.array([3.0]))
    with pytest.raises(UserError, match=r"route still: .* coincide"):
        net.route_through(np.repeat(point, 2, axis=0), "still")


@pytest.mark.parametrize("name", ["Town01", "Town02", "Town10HD"])
def test_routes_of_carlas_benchmarks(name, baked):
    """Sample routes of the public route sets: every one has a way of a sensible length."""
    if not ROUTES.is_dir():
        pytest.skip(f"{ROUTES} is not there; benchmark routes are tested only where they are")
    net = Network(baked(name))
    tried = 0
    for file in sorted(ROUTES.glob(f"*_{name}_*.xml")):
        for route in ET.parse(file).getroot().iter("route"):
            keys = [
                [float(p.get(axis, "nan")) for axis in "xyz"]
                for p in route.iterfind("waypoints/position")
            ]
            if len(keys) < 2:
                continue
            points = from_carla_xyz(np.array(keys))
            found = net.route_through(points, file.stem)
            straight = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1).sum()
            assert_drivable(net, found)
            assert straight - 2.0 < found.length_m < 1.6 * straight + 40.0, file.stem
            tried += 1
    assert tried >= 1


def test_lookups_are_fast():
    net = network("alder")
    lanes = driving(net)
    lane = np.resize(lanes, 100)
    point, yaw = net.position(lane, net.lanes.length_m[lane] / 2)
    net.locate(point[:, :2], yaw)
    best = np.inf
    for _ in range(10):
        begin = time.process_time()
        net.locate(point[:, :2], yaw)
        best = min(best, time.process_time() - begin)
    assert best < 0.02, "100 lookups cost about 3 ms on an idle core"
