import numpy as np
import pytest

from symdrive.expert.crossings import Relation
from symdrive.expert.landmarks import lane_runs
from symdrive.expert.path import BEYOND_GOAL_M, dense_path
from symdrive.expert.scene import near_lane_change, plan_itinerary


def test_path_is_even_and_goes_on_past_the_goal(straight):
    path = dense_path(straight.town, straight.route)
    steps = np.linalg.norm(np.diff(path.xy, axis=0), axis=1)
    assert np.allclose(steps, path.step_m, atol=1e-6)
    assert path.goal_s_m == pytest.approx(200.0)
    assert (len(path) - 1) * path.step_m > 200.0 + BEYOND_GOAL_M - 3.0
    assert np.allclose(path.xy[-1], [path.xy[-1, 0], -1.75])


def test_goal_in_mid_lane_continues_along_the_followers(straight, kit):
    route = kit.make_route(straight.town, [kit.EAST_IN])
    path = dense_path(straight.town, route)
    assert kit.EAST_MID in path.lane
    assert kit.EAST_OUT in path.lane


def test_curvature_and_junction_distance_of_a_left_turn(left_turn):
    path = dense_path(left_turn.town, left_turn.route)
    middle = path.index(90.0 + 9.0)
    assert path.curvature[middle] == pytest.approx(1 / 11.75, rel=0.05)
    assert path.junction[middle] >= 0
    assert path.to_junction_m[path.index(60.0)] == pytest.approx(30.0, abs=1.6)
    assert path.to_junction_m[middle] == 0.0
    assert np.isinf(path.to_junction_m[path.index(150.0)])


def test_progress_never_goes_back_and_follows_the_car(straight):
    path = dense_path(straight.town, straight.route)
    s = 0.0
    for x in np.arange(-100.0, -50.0, 0.4):
        s = path.advance(s, np.array([x, -1.5]))
        assert s == pytest.approx(x + 100.0, abs=0.3)
    assert path.advance(s, np.array([-80.0, -1.5])) == s


def test_positions_between_points_are_interpolated(straight):
    path = dense_path(straight.town, straight.route)
    xy, yaw = path.at(np.array([10.2, 1e6]))
    assert xy[0] == pytest.approx([-89.8, -1.75])
    assert yaw[0] == pytest.approx(0.0)
    assert np.array_equal(xy[1], path.xy[-1])


def test_lane_runs_cover_the_route(left_turn, kit):
    path = dense_path(left_turn.town, left_turn.route)
    runs = lane_runs(path)
    assert [r.lane for r in runs] == [kit.EAST_IN, kit.LEFT_MID, kit.NORTH_OUT]
    assert runs[1].offset_m == pytest.approx(90.0, abs=0.6)


def test_landmarks_of_a_signalled_route(signalled):
    plan = plan_itinerary(signalled.town, signalled.route)
    assert [line.row for line in plan.lights] == [0]
    assert plan.lights[0].s_m == pytest.approx(90.0, abs=0.01)
    (junction,) = plan.junctions
    assert junction.signal == 0
    assert junction.entry_s_m == pytest.approx(90.0, abs=0.01)
    assert junction.exit_s_m == pytest.approx(110.0, abs=0.01)


def relations(stage, lane):
    plan = plan_itinerary(stage.town, stage.route)
    junction = plan.junctions[0]
    rows = np.flatnonzero(junction.watch_lane == lane)
    return {Relation(int(junction.relation[junction.watch_conflict[k]])) for k in rows}


def test_right_of_way_by_road_and_by_turn(straight, left_turn, kit):
    assert relations(straight, kit.SOUTH_MID) == {Relation.OURS}
    assert relations(left_turn, kit.WEST_MID) == {Relation.YIELD}
    side = kit.make_town(priority={kit.EAST_MID: 0})
    route = kit.make_route(side, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT])
    assert relations(kit.Stage(side, route), kit.SOUTH_MID) == {Relation.YIELD}
    equal = kit.make_town()
    route = kit.make_route(equal, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT])
    assert relations(kit.Stage(equal, route), kit.SOUTH_MID) == {Relation.EQUAL}


def test_approaches_are_watched_with_the_distance_to_the_shared_area(straight, kit):
    junction = plan_itinerary(straight.town, straight.route).junctions[0]
    row = int(np.flatnonzero(junction.watch_lane == kit.SOUTH_IN)[0])
    # The areas meet where the crossing lane (y from 10 down) comes within 3 m of y = -1.75.
    assert junction.watch_base_m[row] == pytest.approx(90.0 + 9.0, abs=1.0)
    assert not junction.watch_inside[row]


def test_the_own_approach_is_not_watched(left_turn, kit):
    junction = plan_itinerary(left_turn.town, left_turn.route).junctions[0]
    assert kit.EAST_IN not in junction.watch_lane
    assert kit.EAST_MID not in junction.watch_lane


def test_lane_change_is_near_within_its_window(straight):
    path = plan_itinerary(straight.town, straight.route).path
    assert not near_lane_change(path, 50.0, 10.0)
    path.changes_lane[path.index(80.0)] = True
    assert near_lane_change(path, 65.0, 0.0)
    assert not near_lane_change(path, 55.0, 0.0)
    assert near_lane_change(path, 55.0, 20.0)
    assert near_lane_change(path, 94.0, 0.0)
    assert not near_lane_change(path, 97.0, 0.0)
