import math

import numpy as np
import pytest

from symdrive.expert.arbitration import FREE, Limit, strictest
from symdrive.expert.hazards.collision import Collision
from symdrive.expert.hazards.exits import BlockedExit
from symdrive.expert.hazards.leader import Leader
from symdrive.expert.hazards.lights import Lights
from symdrive.expert.hazards.obstacle import Obstacle
from symdrive.expert.hazards.pedestrians import Pedestrians
from symdrive.expert.hazards.right_of_way import RightOfWay
from symdrive.expert.hazards.stop_signs import StopSigns
from symdrive.expert.idm import Gap, idm_speed
from symdrive.expert.scene import ForecastConfig, Memory, Scene, build_scene, plan_itinerary
from symdrive.world.catalogue import ActorKind
from symdrive.world.truth import SignalState

Y = -1.75


def scene_of(stage, bodies, *, wanted=10.0, waiting=0.0, cleared=frozenset()) -> Scene:
    itinerary = plan_itinerary(stage.town, stage.route)
    ego = np.array([bodies[0].x, bodies[0].y])
    points = itinerary.path.xy
    s = int(np.argmin(np.linalg.norm(points - ego, axis=1))) * itinerary.path.step_m
    memory = Memory(s_m=s, waiting_s=waiting, cleared=cleared)
    return build_scene(stage.visible(bodies), itinerary, memory, wanted, ForecastConfig())


def ego(kit, x, speed=8.0):
    return kit.Body(x, Y, speed=speed, lane=kit.EAST_IN, lane_s=x + 100.0)


# ---- the model behind the gaps -------------------------------------------------------


def test_idm_speeds_up_on_a_free_road_and_stops_behind_a_wall():
    gap = Gap(4.0, 0.25)
    assert idm_speed(0.0, 10.0, 1000.0, 0.0, gap) > 1.0
    assert idm_speed(10.0, 10.0, 1000.0, 0.0, gap) == pytest.approx(10.0, abs=0.05)
    assert idm_speed(5.0, 10.0, 0.5, 0.0, gap) == 0.0


def test_idm_matches_a_fine_integration():
    v, s, h = 8.0, 25.0, 1e-5
    for _ in range(5000):
        keep = 3.0 + 0.5 * v + v * v / (2 * math.sqrt(24.0 * 3.72))
        v += h * 24.0 * (1 - (v / 10.0) ** 4 - (keep / s) ** 2)
        s -= v * h
    assert idm_speed(8.0, 10.0, 25.0, 0.0, Gap(3.0, 0.5)) == pytest.approx(v, abs=0.01)


def test_idm_stopping_distance_leaves_the_standstill_gap():
    v, s = 10.0, 60.0
    for _ in range(600):
        v = max(idm_speed(v, 10.0, s, 0.0, Gap(4.0, 0.25)), v - 8.0 * 0.05)
        s -= v * 0.05
    assert s == pytest.approx(4.0, abs=0.4)
    assert v < 0.05


def test_a_negligible_difference_does_not_change_the_reason():
    chosen = strictest([Limit(8.33, "speed_limit"), Limit(8.30, "stop_sign"), FREE])
    assert chosen == Limit(8.30, "speed_limit")
    assert strictest([Limit(8.33, "speed_limit"), Limit(8.0, "stop_sign")]).reason == "stop_sign"


def test_the_strictest_limit_wins_and_a_brake_wins_a_tie():
    soft, hard = Limit(0.0, "soft"), Limit(0.0, "hard", brake=True)
    assert strictest([FREE, soft, hard]) is hard
    assert strictest([Limit(3.0, "a"), Limit(3.0, "b")]).reason == "a"


# ---- vehicles ahead ------------------------------------------------------------------


def test_leader_ahead_limits_and_nobody_does_not(straight, kit):
    alone = Leader()(scene_of(straight, [ego(kit, -60)]))
    assert alone is FREE
    near = Leader()(scene_of(straight, [ego(kit, -60), kit.Body(-48, Y, speed=2.0)]))
    assert near.speed_mps < 7.8
    assert near.reason == "leading_vehicle"


@pytest.mark.parametrize("y", [1.75, Y - 3.5])
def test_vehicles_in_the_next_lane_do_not_lead(straight, kit, y):
    scene = scene_of(straight, [ego(kit, -60), kit.Body(-50, y, speed=2.0)])
    assert Leader()(scene) is FREE
    assert Obstacle()(scene) is FREE


def test_a_bicycle_gets_more_room_with_wide_margins(straight, kit):
    bodies = [ego(kit, -60), kit.Body(-48, Y, speed=5.0, kind=ActorKind.BICYCLE)]
    exact = straight.with_caution(wide_margins=False)
    wide = Leader()(scene_of(straight, bodies))
    assert wide.speed_mps < Leader()(scene_of(exact, bodies)).speed_mps


def test_leader_follows_the_bend(left_turn, kit):
    # On the arc of the left turn, well beside the straight continuation.
    car = kit.Body(-10 + 11.75 * math.sin(1.0), Y + 11.75 * (1 - math.cos(1.0)), 1.0, 2.0)
    limit = Leader()(scene_of(left_turn, [ego(kit, -14), car]))
    assert limit.speed_mps < 8.0


def test_a_standing_thing_across_the_lane_stops_the_ego(straight, kit):
    scene = scene_of(straight, [ego(kit, -60), kit.Body(-49, Y + 2.5, math.pi / 2)])
    assert Leader()(scene) is FREE
    assert Obstacle()(scene).speed_mps < 8.0
    cone = scene_of(straight, [ego(kit, -60), kit.Body(-50, Y, kind=ActorKind.PROP)])
    assert Obstacle()(cone).reason == "obstacle"


def test_parked_cars_beside_the_lane_do_not_block(straight, kit):
    scene = scene_of(straight, [ego(kit, -60), kit.Body(-50, Y - 2.75, parked=True)])
    assert Obstacle()(scene) is FREE


# ---- forecasts -----------------------------------------------------------------------


def test_crossing_vehicle_on_a_collision_course_means_brake(straight, kit):
    # Both reach the crossing point after about 1.5 s.
    crossing = kit.Body(-1.75, 11, -math.pi / 2, 8.0, lane=kit.SOUTH_MID, lane_s=0.0)
    limit = Collision()(scene_of(straight, [ego(kit, -14), crossing]))
    assert limit.brake
    assert limit.reason == "collision_course"


def test_one_that_passes_before_or_brakes_is_no_course(straight, kit):
    gone = kit.Body(-1.75, -14, -math.pi / 2, 8.0)
    braking = kit.Body(-1.75, 16, -math.pi / 2, 8.0, acceleration=-4.0)
    assert Collision()(scene_of(straight, [ego(kit, -14), gone])) is FREE
    assert Collision()(scene_of(straight, [ego(kit, -14), braking])) is FREE
    going = kit.Body(-1.75, 16, -math.pi / 2, 8.0)
    assert Collision()(scene_of(straight, [ego(kit, -14), going])).brake


def test_oncoming_and_following_traffic_is_no_course(straight, kit):
    oncoming = kit.Body(-40, 1.75, math.pi, 10.0, lane=kit.WEST_MID + 1, lane_s=30.0)
    following = kit.Body(-68, Y, 0.0, 12.0, lane=kit.EAST_IN, lane_s=32.0)
    leading = kit.Body(-50, Y, 0.0, 2.0, lane=kit.EAST_IN, lane_s=50.0)
    scene = scene_of(straight, [ego(kit, -60), oncoming, following, leading])
    assert Collision()(scene) is FREE


def test_a_turning_forecast_meets_where_a_straight_one_does_not(straight, kit):
    at = {"x": -40.0, "y": 1.75, "yaw": math.pi, "speed": 8.0}
    assert Collision()(scene_of(straight, [ego(kit, -62), kit.Body(**at)])) is FREE
    turning = kit.Body(**at, yaw_rate=0.5)
    assert Collision()(scene_of(straight, [ego(kit, -62), turning])).brake


def test_forecast_does_not_look_past_a_red_light(signalled, kit):
    crossing = kit.Body(-1.75, 11, -math.pi / 2, 8.0)
    assert Collision()(scene_of(signalled, [ego(kit, -18), crossing])) is FREE
    green = type(signalled)(signalled.town, signalled.route, states=(2, 2, 2))
    assert Collision()(scene_of(green, [ego(kit, -18), crossing])).brake


def test_forecast_goes_on_over_a_line_that_cannot_be_met(signalled, kit):
    yellow = type(signalled)(signalled.town, signalled.route, states=(1, 0, 1))
    crossing = kit.Body(-1.75, 11, -math.pi / 2, 8.0)
    bodies = [ego(kit, -13.5, speed=9.0), crossing]
    assert Lights()(scene_of(yellow, bodies)) is FREE
    assert Collision()(scene_of(yellow, bodies)).brake


def test_vehicles_that_stand_close_by_are_no_course(straight, kit):
    parked = kit.Body(-50, Y - 2.2, parked=True)
    moving = kit.Body(-50, Y - 2.2, 1.0, 2.0)
    assert Collision()(scene_of(straight, [ego(kit, -60), parked])) is FREE
    assert Collision()(scene_of(straight, [ego(kit, -60), moving])).brake


# ---- people --------------------------------------------------------------------------


def walker(kit, x, y, yaw, speed=1.4):
    return kit.Body(x, y, yaw, speed, kind=ActorKind.PEDESTRIAN)


def test_crossing_walker_close_ahead_means_emergency_stop(straight, kit):
    bodies = [ego(kit, -60), walker(kit, -48, Y - 2.5, math.pi / 2)]
    limit = Pedestrians()(scene_of(straight, bodies))
    assert limit.brake
    assert limit.reason == "crossing_pedestrian"
    exact = straight.with_caution(emergency_stop=False)
    assert not Pedestrians()(scene_of(exact, bodies)).brake


@pytest.mark.parametrize(
    ("x", "y", "yaw", "speed"),
    [
        (-48, Y - 4.0, 0.0, 1.4),  # along the sidewalk
        (-48, Y - 4.0, math.pi / 2, 0.0),  # waits at the kerb
        (-48, Y + 3.0, math.pi / 2, 1.4),  # has crossed
        (-70, Y, math.pi / 2, 1.4),  # behind
        (10, Y - 3.0, math.pi / 2, 1.4),  # far ahead
    ],
)
def test_other_walkers_do_not(straight, kit, x, y, yaw, speed):
    scene = scene_of(straight, [ego(kit, -60), walker(kit, x, y, yaw, speed)])
    assert not Pedestrians()(scene).brake


def test_walker_on_course_slows_the_clairvoyant_too(straight, kit):
    exact = straight.with_caution(emergency_stop=False, wide_margins=False)
    limit = Pedestrians()(scene_of(exact, [ego(kit, -60), walker(kit, -50, Y, 0.0, 0.2)]))
    assert limit.reason == "pedestrian"
    assert limit.speed_mps < 8.0


# ---- lights and signs ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "stops"),
    [
        (SignalState.RED, True),
        (SignalState.YELLOW, True),
        (SignalState.GREEN, False),
        (SignalState.OFF, False),
    ],
)
def test_lights(signalled, kit, state, stops):
    stage = type(signalled)(signalled.town, signalled.route, states=(int(state), 2, 0))
    limit = Lights()(scene_of(stage, [ego(kit, -25)]))
    assert (limit is not FREE) is stops
    if stops:
        assert limit.speed_mps < 8.0


def test_a_line_that_cannot_be_met_or_is_behind_is_crossed(signalled, kit):
    assert Lights()(scene_of(signalled, [ego(kit, -14, speed=9.0)])) is FREE
    assert Lights()(scene_of(signalled, [ego(kit, -10, speed=0.0)])) is FREE
    assert Lights()(scene_of(signalled, [ego(kit, -12.6, speed=1.0)])).speed_mps == 0.0


def test_near_side_lamps_are_kept_in_the_picture(signalled, kit):
    bodies = [ego(kit, -22, speed=5.0)]
    blind = signalled.with_caution(lamps_in_view=False)
    near = Lights()(scene_of(signalled, bodies))
    assert near.speed_mps <= Lights()(scene_of(blind, bodies)).speed_mps


@pytest.fixture(scope="session")
def stop_town(kit):
    town = kit.make_town(stop_sign=kit.EAST_IN, priority={kit.EAST_MID: 0})
    route = kit.make_route(town, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT])
    return kit.Stage(town, route)


def test_stop_sign_holds_until_cleared(stop_town, kit):
    bodies = [ego(kit, -16)]
    limit = StopSigns()(scene_of(stop_town, bodies))
    assert limit.reason == "stop_sign"
    assert limit.speed_mps < 8.0
    assert StopSigns()(scene_of(stop_town, bodies, cleared=frozenset({0}))) is FREE


# ---- right of way --------------------------------------------------------------------


def crossing_car(kit, y, speed):
    if y > 10:
        return kit.Body(-1.75, y, -math.pi / 2, speed, lane=kit.SOUTH_IN, lane_s=100.0 - y)
    return kit.Body(-1.75, y, -math.pi / 2, speed, lane=kit.SOUTH_MID, lane_s=10.0 - y)


def oncoming_car(kit, x, speed):
    if x > 10:
        return kit.Body(x, 1.75, math.pi, speed, lane=kit.WEST_IN, lane_s=100.0 - x)
    return kit.Body(x, 1.75, math.pi, speed, lane=kit.WEST_MID, lane_s=10.0 - x)


def test_side_road_yields_to_the_main_road(stop_town, kit):
    waiting = ego(kit, -12.6, speed=0.0)
    near = scene_of(stop_town, [waiting, crossing_car(kit, 30, 10.0)])
    assert RightOfWay()(near).reason == "right_of_way"
    assert RightOfWay()(near).speed_mps < 0.5
    far = scene_of(stop_town, [waiting, crossing_car(kit, 75, 8.0)])
    assert RightOfWay()(far) is FREE


def test_main_road_does_not_yield_to_the_side_road(straight, kit):
    scene = scene_of(straight, [ego(kit, -30), crossing_car(kit, 25, 6.0)])
    assert RightOfWay()(scene) is FREE


def test_main_road_waits_for_a_car_that_stands_in_the_shared_area(straight, kit):
    scene = scene_of(straight, [ego(kit, -22), crossing_car(kit, -1, 0.0)])
    assert RightOfWay()(scene).reason == "right_of_way"


def test_left_turn_yields_to_oncoming_traffic_and_takes_gaps(left_turn, kit):
    waiting = ego(kit, -13.0, speed=0.0)
    assert RightOfWay()(scene_of(left_turn, [waiting, oncoming_car(kit, 30, 8.0)])) is not FREE
    assert RightOfWay()(scene_of(left_turn, [waiting, oncoming_car(kit, 78, 8.0)])) is FREE
    assert RightOfWay()(scene_of(left_turn, [waiting, oncoming_car(kit, -9, 8.0)])) is FREE


def test_left_turn_ignores_oncoming_traffic_held_by_a_red_light(kit):
    town = kit.make_town(signalled=True)
    route = kit.make_route(town, [kit.EAST_IN, kit.LEFT_MID, kit.NORTH_OUT])
    bodies = [ego(kit, -13.0, speed=0.0), oncoming_car(kit, 30, 8.0)]
    go = kit.Stage(town, route, states=(2, 0, 0))
    both = kit.Stage(town, route, states=(2, 0, 2))
    assert RightOfWay()(scene_of(go, bodies)) is FREE
    assert RightOfWay()(scene_of(both, bodies)) is not FREE


def test_a_committed_ego_clears_the_area(left_turn, kit):
    inside = kit.Body(-10 + 11.75 * math.sin(0.9), Y + 11.75 * (1 - math.cos(0.9)), 0.9, 5.0)
    scene = scene_of(left_turn, [inside, oncoming_car(kit, 30, 8.0)])
    assert RightOfWay()(scene) is FREE


def test_impatience_stops_waiting_for_those_who_stand(stop_town, kit):
    bodies = [ego(kit, -13.5, speed=0.0), crossing_car(kit, 12.6, 0.0)]
    assert RightOfWay()(scene_of(stop_town, bodies, waiting=2.0)) is not FREE
    assert RightOfWay()(scene_of(stop_town, bodies, waiting=5.0)) is FREE
    queue = [*bodies, crossing_car(kit, 22.0, 6.0)]
    assert RightOfWay()(scene_of(stop_town, queue, waiting=5.0)) is FREE
    coming = [*bodies[:1], crossing_car(kit, 22.0, 6.0)]
    assert RightOfWay()(scene_of(stop_town, coming, waiting=5.0)) is not FREE


def test_impatience_ends_the_wait_for_one_who_stands_inside_but_not_in_the_way(left_turn, kit):
    inside = ego(kit, -10.6, speed=0.0)
    beside = oncoming_car(kit, 9.0, 0.0)
    assert RightOfWay()(scene_of(left_turn, [inside, beside], waiting=1.0)) is not FREE
    assert RightOfWay()(scene_of(left_turn, [inside, beside], waiting=5.0)) is FREE
    in_the_way = oncoming_car(kit, 2.0, 0.0)
    assert RightOfWay()(scene_of(left_turn, [inside, in_the_way], waiting=5.0)) is not FREE


def test_full_exit_is_not_entered(straight, kit):
    full = [ego(kit, -30), kit.Body(15, Y, 0.0, 0.0, lane=kit.EAST_OUT, lane_s=5.0)]
    assert BlockedExit()(scene_of(straight, full)).reason == "blocked_exit"
    room = [ego(kit, -30), kit.Body(30, Y, 0.0, 0.0, lane=kit.EAST_OUT, lane_s=20.0)]
    assert BlockedExit()(scene_of(straight, room)) is FREE
    moving = [ego(kit, -30), kit.Body(15, Y, 0.0, 6.0, lane=kit.EAST_OUT, lane_s=5.0)]
    assert BlockedExit()(scene_of(straight, moving)) is FREE
    entered = [ego(kit, -11, speed=4.0), kit.Body(15, Y, 0.0, 0.0)]
    assert BlockedExit()(scene_of(straight, entered)) is FREE
