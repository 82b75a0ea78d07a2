"""Each criterion on hand-made drives, with the numbers of the CARLA leaderboard 2.0."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.maps.town import LaneKind
from symdrive.scoring.criteria.blocked import Blocked
from symdrive.scoring.criteria.collision import Collisions
from symdrive.scoring.criteria.criterion import Criterion
from symdrive.scoring.criteria.lanes import LaneFinder
from symdrive.scoring.criteria.min_speed import MinSpeed
from symdrive.scoring.criteria.outside_lanes import OutsideRouteLanes
from symdrive.scoring.criteria.red_light import RedLight, segments_meet
from symdrive.scoring.criteria.route_completion import RouteCompletion
from symdrive.scoring.criteria.route_deviation import RouteDeviation
from symdrive.scoring.criteria.route_timeout import RouteTimeout
from symdrive.scoring.criteria.stop_sign import StopSign
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.truth import SignalState

EAST, WEST, PARK = -1.75, 1.75, -4.75
RED, GREEN, YELLOW = SignalState.RED, SignalState.GREEN, SignalState.YELLOW
Kit = Any
Moments = list[Any]


def watch(kit: Kit, criterion: Criterion, moments: Moments) -> list[Infraction]:
    found = [
        item
        for tick, moment in enumerate(moments)
        for item in criterion.update(kit.make_truth(tick, moment))
    ]
    return found + criterion.finish()


# ---- route completion ----------------------------------------------------------------


def test_completion_counts_points_passed(kit: Kit) -> None:
    completion = RouteCompletion(RouteTrack(kit.route))
    watch(kit, completion, kit.along(0, 110.6))
    assert completion.percent == 50.0
    assert not completion.reached


def test_completion_is_reached_past_99_percent_within_ten_metres(kit: Kit) -> None:
    completion = RouteCompletion(RouteTrack(kit.route))
    watch(kit, completion, kit.along(0, 217.9))
    assert (completion.percent, completion.reached) == (98.64, False)
    watch(kit, completion, kit.along(217.9, 218.5))
    assert (completion.percent, completion.reached) == (100.0, True)


def test_completion_does_not_jump(kit: Kit) -> None:
    """A shortcut past the window earns two points a tick, as in the source."""
    completion = RouteCompletion(RouteTrack(kit.route))
    completion.update(kit.make_truth(0, kit.moment(x=150.0)))
    assert completion.percent == round(2 / 220 * 100, 2)


def test_completion_beside_the_goal_is_not_enough(kit: Kit) -> None:
    completion = RouteCompletion(RouteTrack(kit.route))
    watch(kit, completion, kit.along(0, 219.5, y=EAST + 11))
    assert not completion.reached
    assert completion.percent == round(219 / 220 * 100, 2)


def test_a_route_without_length_is_refused(kit: Kit) -> None:
    route = kit.route
    still = dataclasses.replace(route, points=np.zeros_like(route.points))
    with pytest.raises(UserError, match="'street_0' has no length"):
        RouteTrack(still)


# ---- collisions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("vehicle.tesla.model3", InfractionKind.COLLISION_VEHICLE),
        ("vehicle.bh.crossbike", InfractionKind.COLLISION_VEHICLE),
        ("walker.child", InfractionKind.COLLISION_PEDESTRIAN),
        ("static.prop.trafficcone01", InfractionKind.COLLISION_LAYOUT),
    ],
)
def test_collision_kinds(kit: Kit, model: str, kind: InfractionKind) -> None:
    found = watch(kit, Collisions(), [kit.moment(others=(kit.other(8, model),), hits=(8,))])
    assert [(item.kind, item.other_id) for item in found] == [(kind, 8)]
    wanted = f"Agent collided against object with type={model} and id=8 at (x=50.0, y=-1.75, z=0.0)"
    assert found[0].message == wanted


def test_a_wall_that_stops_the_car_dead_counts(kit: Kit) -> None:
    """The speed before the contact counts, for after it there is none."""
    moments = [kit.moment(speed=6.0), kit.moment(speed=0.0, hits=(0,)), kit.moment(speed=0.0)]
    assert len(watch(kit, Collisions(), moments)) == 1
    assert not watch(kit, Collisions(), [kit.moment(speed=0.0), kit.moment(speed=0.0, hits=(0,))])


def test_collision_with_the_town(kit: Kit) -> None:
    found = watch(kit, Collisions(), [kit.moment(hits=(0,))])
    assert [item.kind for item in found] == [InfractionKind.COLLISION_LAYOUT]


def test_a_lasting_contact_counts_once(kit: Kit) -> None:
    moments = [kit.moment(others=(kit.other(8),), hits=(8,), speed=1.0)] * 400
    assert len(watch(kit, Collisions(), moments)) == 1


@pytest.mark.parametrize(("metres", "count"), [(4.9, 1), (5.1, 2)])
def test_another_actor_counts_five_metres_on(kit: Kit, metres: float, count: int) -> None:
    both = (kit.other(8), kit.other(9))
    moments = [
        kit.moment(x=50, others=both, hits=(8,)),
        kit.moment(x=50 + metres, others=both, hits=(9,)),
    ]
    assert len(watch(kit, Collisions(), moments)) == count


@pytest.mark.parametrize(("seconds", "count"), [(4.9, 1), (5.1, 2)])
def test_the_same_actor_counts_after_five_seconds(kit: Kit, seconds: float, count: int) -> None:
    moments = [
        kit.moment(x=50, others=(kit.other(8),), hits=(8,), time_s=1.0),
        kit.moment(x=60, others=(kit.other(8),), hits=(8,), time_s=1.0 + seconds),
    ]
    assert len(watch(kit, Collisions(), moments)) == count


@pytest.mark.parametrize(("speed", "count"), [(0.09, 0), (0.11, 1), (-0.5, 1)])
def test_being_hit_while_standing_is_forgiven(kit: Kit, speed: float, count: int) -> None:
    moment = kit.moment(others=(kit.other(8),), hits=(8,), speed=speed)
    assert len(watch(kit, Collisions(), [moment])) == count


def test_a_contact_with_nobody_is_an_error(kit: Kit) -> None:
    with pytest.raises(ValueError, match="actor 77"):
        watch(kit, Collisions(), [kit.moment(hits=(77,))])


# ---- red lights ----------------------------------------------------------------------


def red_light(kit: Kit, **town: Any) -> RedLight:
    made = kit.make_town(**town)
    return RedLight(made, LaneFinder(made.lanes, LaneKind.DRIVING, kit.route))


@pytest.mark.parametrize(("light", "count"), [(RED, 1), (YELLOW, 0), (GREEN, 0)])
def test_crossing_the_line(kit: Kit, light: SignalState, count: int) -> None:
    found = watch(kit, red_light(kit), kit.along(80, 115, light=light))
    assert len(found) == count
    if count:
        assert found[0].kind is InfractionKind.RED_LIGHT
        assert found[0].message == "Agent ran a red light 900 at (x=122.0, y=-6.0, z=0.0)"
        assert found[0].other_id == 0
        # the tail reaches from 1.96 m behind the centre on
        assert 98 + 1.96 <= found[0].position[0] <= 98 + 1.96 + 0.5


def test_standing_with_the_nose_over_the_line(kit: Kit) -> None:
    """Only the tail counts: 0.8 of the half length behind the centre, 1.96 m."""
    assert watch(kit, red_light(kit), kit.along(80, 99.9, light=RED)) == []
    assert len(watch(kit, red_light(kit), kit.along(80, 100.5, light=RED))) == 1


def test_a_light_that_turns_red_behind_the_car(kit: Kit) -> None:
    moments = kit.along(80, 101.6, light=GREEN) + kit.along(101.6, 115, light=RED)
    assert watch(kit, red_light(kit), kit.along(101.6, 115, light=RED)) == []
    assert watch(kit, red_light(kit), moments) == []


@pytest.mark.parametrize("options", [{"y": WEST}, {"yaw": math.pi}])
def test_other_lane_or_other_direction(kit: Kit, options: dict[str, float]) -> None:
    assert watch(kit, red_light(kit), kit.along(80, 115, light=RED, **options)) == []


def test_the_same_light_counts_once_in_a_row(kit: Kit) -> None:
    pass_twice = kit.along(80, 115, light=RED) * 2
    assert len(watch(kit, red_light(kit), pass_twice)) == 1


def test_two_lights_count_each_and_again(kit: Kit) -> None:
    town = kit.make_town(lights=((0, 40.0), (0, 98.0)))
    criterion = RedLight(town, LaneFinder(town.lanes, LaneKind.DRIVING, kit.route))
    seen: list[int | None] = []
    for tick, moment in enumerate(kit.along(20, 115, light=RED) * 2):
        truth = kit.make_truth(tick, moment)
        truth = dataclasses.replace(truth, signal_state=np.zeros(2, int))
        seen += [item.other_id for item in criterion.update(truth)]
    assert seen == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("c", "d", "meet"),
    [
        ((1.0, -1.0), (1.0, 1.0), True),
        ((2.0, 0.0), (2.0, 5.0), True),
        ((2.1, -1.0), (2.1, 1.0), False),
        ((0.5, 0.1), (1.5, 0.1), False),
        ((1.0, 0.0), (3.0, 0.0), True),
        ((3.0, 0.0), (4.0, 0.0), False),
    ],
)
def test_segments(c: tuple[float, float], d: tuple[float, float], meet: bool) -> None:
    assert segments_meet((0.0, 0.0), (2.0, 0.0), c, d) is meet
    assert segments_meet(c, d, (2.0, 0.0), (0.0, 0.0)) is meet


# ---- stop signs ----------------------------------------------------------------------


def stop_sign(kit: Kit) -> StopSign:
    town = kit.town
    return StopSign(town, LaneFinder(town.lanes, LaneKind.DRIVING, kit.route))


def test_passing_a_stop_sign(kit: Kit) -> None:
    found = watch(kit, stop_sign(kit), kit.along(150, 200))
    assert [item.message for item in found] == [
        "Agent ran a stop with id=0 at (x=181.0, y=-5.0, z=0.0)"
    ]
    # the box ends 1.8 m after its centre at x = 177
    assert 178.8 <= found[0].position[0] <= 179.4


@pytest.mark.parametrize(
    ("x", "count"),
    [(170.0, 1), (172.9, 1), (174.0, 0), (177.0, 0), (178.5, 0), (179.5, 1)],
)
def test_where_a_stop_counts(kit: Kit, x: float, count: int) -> None:
    """From 4 m before the centre of the box until 1.8 m after it."""
    stand = [kit.moment(x=x, speed=0.0)] * 3
    moments = kit.along(150, x) + stand + kit.along(x, 200)
    assert len(watch(kit, stop_sign(kit), moments)) == count


@pytest.mark.parametrize(("speed", "count"), [(0.2, 1), (0.09, 0)])
def test_rolling_is_not_stopping(kit: Kit, speed: float, count: int) -> None:
    roll = [kit.moment(x=177.0, speed=speed)] * 3
    moments = kit.along(150, 177) + roll + kit.along(177, 200)
    assert len(watch(kit, stop_sign(kit), moments)) == count


@pytest.mark.parametrize("options", [{"y": WEST, "yaw": math.pi}, {"yaw": math.pi}, {"y": 60.0}])
def test_stop_sign_of_somebody_else(kit: Kit, options: dict[str, float]) -> None:
    assert watch(kit, stop_sign(kit), kit.along(200, 150, **options)) == []


def test_reversing_past_a_stop_sign(kit: Kit) -> None:
    back = [dataclasses.replace(m, speed=-3.0) for m in kit.along(200, 150, speed=3.0)]
    assert watch(kit, stop_sign(kit), back) == []


def test_the_same_stop_sign_counts_once(kit: Kit) -> None:
    assert len(watch(kit, stop_sign(kit), kit.along(150, 200) * 2)) == 1


def test_a_car_at_the_edge_of_its_lane_is_seen(kit: Kit) -> None:
    """The points tested are the lane's, so the lateral place in it does not matter."""
    assert len(watch(kit, stop_sign(kit), kit.along(150, 200, y=EAST - 1.6))) == 1


# ---- outside of the route's lanes ----------------------------------------------------


def outside(kit: Kit) -> OutsideRouteLanes:
    lanes, route = kit.town.lanes, kit.route
    driving = LaneFinder(lanes, LaneKind.DRIVING, route)
    parking = LaneFinder(lanes, LaneKind.PARKING, route)
    return OutsideRouteLanes(RouteTrack(route), lanes, driving, parking)


def test_inside_the_lanes(kit: Kit) -> None:
    assert watch(kit, outside(kit), kit.along(0, 219)) == []


@pytest.mark.parametrize(("y", "count"), [(EAST - 2.2, 0), (EAST - 2.3, 1)])
def test_half_a_metre_of_slack(kit: Kit, y: float, count: int) -> None:
    """Half a lane of 1.75 m and 0.5 m, where there is no parking lane."""
    assert len(watch(kit, outside(kit), kit.along(0, 70) + kit.along(70, 90, y=y))) == count


def test_metres_and_percentage(kit: Kit) -> None:
    moments = kit.along(0, 70) + kit.along(70.5, 90, y=-6.0) + kit.along(90.5, 200.6)
    (found,) = watch(kit, outside(kit), moments)
    assert found.kind is InfractionKind.OUTSIDE_ROUTE_LANES
    assert found.distance_m == pytest.approx(20.0)
    assert found.percentage == pytest.approx(20.0 / 200.0 * 100)
    assert found.message == (
        "Agent went outside its route lanes for about 20.0 meters (10.0% of the completed route)"
    )
    assert found.position[0] == pytest.approx(70.5)


def test_a_parking_lane_is_not_outside(kit: Kit) -> None:
    assert watch(kit, outside(kit), kit.along(0, 58, y=PARK)) == []
    assert len(watch(kit, outside(kit), kit.along(0, 70) + kit.along(70, 90, y=PARK))) == 1


def test_the_oncoming_lane_is_wrong_until_the_car_is_back(kit: Kit) -> None:
    moments = kit.along(0, 20) + kit.along(20.5, 50.2, y=WEST) + kit.along(50.5, 95)
    (found,) = watch(kit, outside(kit), moments)
    assert found.distance_m == pytest.approx(30.0)


def test_out_of_a_junction_into_the_oncoming_lane(kit: Kit) -> None:
    right = kit.along(0, 95)
    through = kit.along(95.5, 119.5, y=EAST)
    moments = right + through + kit.along(120.5, 150.2, y=WEST)
    (found,) = watch(kit, outside(kit), moments)
    assert found.distance_m == pytest.approx(30.0)


def test_lanes_in_a_junction_are_not_judged(kit: Kit) -> None:
    """Going over to the oncoming side inside of the junction clears the wrong lane."""
    moments = kit.along(0, 90) + kit.along(90.5, 99.2, y=WEST) + kit.along(100.9, 119, y=WEST)
    (found,) = watch(kit, outside(kit), moments)
    assert found.distance_m == pytest.approx(9.0, abs=1.01)


# ---- route deviation -----------------------------------------------------------------


@pytest.mark.parametrize(("gap", "count"), [(29.9, 0), (30.1, 1)])
def test_thirty_metres_off(kit: Kit, gap: float, count: int) -> None:
    criterion = RouteDeviation(RouteTrack(kit.route))
    moments = kit.along(0, 20) + [kit.moment(x=20, y=EAST + gap)] * 5
    found = watch(kit, criterion, moments)
    assert len(found) == count
    assert all(item.kind is InfractionKind.ROUTE_DEVIATION for item in found)


@pytest.mark.parametrize(("gap", "count"), [(14.9, 0), (15.1, 1)])
def test_a_third_of_the_route_fifteen_metres_off(kit: Kit, gap: float, count: int) -> None:
    criterion = RouteDeviation(RouteTrack(kit.route))
    found = watch(kit, criterion, kit.along(0, 80, y=EAST + gap))
    assert len(found) == count
    if count:
        assert found[0].position[0] == pytest.approx(0.3 * 220 + 1, abs=1.1)


# ---- blocked, timeout ----------------------------------------------------------------


def test_blocked_after_its_limit(kit: Kit) -> None:
    criterion = Blocked(180.0)
    still = [kit.moment(speed=0.0, time_s=float(t)) for t in range(182)]
    found = watch(kit, criterion, still)
    assert [item.time_s for item in found] == [181.0]
    assert found[0].message == "Agent got blocked at (x=50.0, y=-1.75, z=0.0)"


def test_a_twitch_restarts_the_clock(kit: Kit) -> None:
    still = [kit.moment(speed=0.2 if t == 100 else 0.0, time_s=float(t)) for t in range(281)]
    assert watch(kit, Blocked(180.0), still) == []


def test_timeout_grants_time_for_progress(kit: Kit) -> None:
    """300 s, and 100 m at a tenth of 10 m/s: 100 s more."""
    criterion = RouteTimeout(RouteTrack(kit.route))
    assert watch(kit, criterion, kit.along(0, 100.2)) == []
    assert criterion.update(kit.make_truth(9, kit.moment(x=100.2, time_s=400.0))) == []
    found = criterion.update(kit.make_truth(9, kit.moment(x=100.2, time_s=400.1)))
    assert [item.kind for item in found] == [InfractionKind.ROUTE_TIMEOUT]


def test_timeout_needs_a_speed_limit(kit: Kit) -> None:
    limits = kit.route.speed_limit_mps.copy()
    limits[7] = 0.0
    with pytest.raises(UserError, match="route point 7"):
        RouteTimeout(RouteTrack(dataclasses.replace(kit.route, speed_limit_mps=limits)))


# ---- minimum speed -------------------------------------------------------------------


def test_speed_is_compared_on_each_quarter(kit: Kit) -> None:
    criterion = MinSpeed(RouteTrack(kit.route), 4)
    traffic = (kit.other(5, speed=8.0), kit.other(6, speed=-12.0))
    moments: Moments = []
    for part, speed in enumerate((12.0, 5.0, 2.5, 20.0)):
        moments += kit.along(part * 56.0, part * 56.0 + 56.0, speed=speed, others=traffic)
    found = watch(kit, criterion, moments)
    assert criterion.values == pytest.approx([120.0, 50.0, 25.0, 200.0], rel=0.02)
    assert [item.percentage for item in found] == criterion.values[1:3]
    wanted = f"Average speed is {criterion.values[1]}% of the surrounding traffic's one"
    assert found[0].message == wanted


def test_only_moving_vehicles_are_traffic(kit: Kit) -> None:
    others = (
        kit.other(5, speed=50.0, parked=True),
        kit.other(6, model="walker.adult", speed=50.0),
        kit.other(7, speed=10.0),
    )
    criterion = MinSpeed(RouteTrack(kit.route), 1)
    watch(kit, criterion, kit.along(0, 219, speed=5.0, others=others))
    assert criterion.values == [50.0]


def test_no_traffic_no_demand(kit: Kit) -> None:
    criterion = MinSpeed(RouteTrack(kit.route), 4)
    assert watch(kit, criterion, kit.along(0, 219, speed=5.0)) == []
    assert criterion.values == [100.0] * 4


def test_every_checkpoint_can_be_reported(kit: Kit) -> None:
    criterion = MinSpeed(RouteTrack(kit.route), 20, report_every_checkpoint=True)
    traffic = (kit.other(5, speed=8.0),)
    found = watch(kit, criterion, kit.along(0, 219, speed=16.0, others=traffic))
    # a part is closed by the first point past its end, so parts of 11 m take 12 m each
    assert len(found) == math.floor(219 / 12) + 1
    assert {item.percentage for item in found} == {200.0}


def test_the_last_part_counts_only_near_the_end(kit: Kit) -> None:
    traffic = (kit.other(5, speed=8.0),)
    for to_x, parts in ((205.0, 3), (212.0, 4)):
        criterion = MinSpeed(RouteTrack(kit.route), 4)
        watch(kit, criterion, kit.along(0, to_x, others=traffic))
        assert len(criterion.values) == parts


# ---- lanes ---------------------------------------------------------------------------


def test_nearest_lane_by_segment(kit: Kit) -> None:
    finder = LaneFinder(kit.town.lanes, LaneKind.DRIVING, kit.route)
    place = finder.nearest(30.4, -1.0, 0.0)
    assert place is not None
    assert (place.lane, place.s_m, place.distance_m) == pytest.approx((0, 30.4, 0.75))
    assert place.position == pytest.approx((30.4, EAST, 0.0))
    other = finder.nearest(30.4, 0.1, 0.0)
    assert other is not None
    assert (other.lane, other.s_m, other.yaw) == pytest.approx((1, 69.6, math.pi))


def test_nearest_lane_keeps_storeys_apart(kit: Kit) -> None:
    bridge = kit.make_town(strips=(*kit.strips, kit.strip(9, -1, 0, 100, EAST)))
    points = bridge.lanes.points.copy()
    points[bridge.lanes.slice_of(7), 2] = 6.0
    lanes = dataclasses.replace(bridge.lanes, points=points)
    finder = LaneFinder(lanes, LaneKind.DRIVING, kit.route)
    low, high = finder.nearest(50.0, EAST, 0.2), finder.nearest(50.0, EAST, 5.8)
    assert low is not None
    assert high is not None
    assert (low.lane, high.lane) == (0, 7)


def test_no_lane_of_a_kind(kit: Kit) -> None:
    finder = LaneFinder(kit.town.lanes, LaneKind.BIKING, kit.route)
    assert finder.nearest(0.0, 0.0, 0.0) is None
    parking = LaneFinder(kit.town.lanes, LaneKind.PARKING, kit.route)
    assert parking.nearest(100.0, PARK, 0.0, 10.0) is None
    assert parking.nearest(100.0, PARK, 0.0) is not None
