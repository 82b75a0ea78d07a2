"""Rules that hold while a scenario runs, and what scenarios do to the other rules."""

import math
from typing import Any

import pytest

from symdrive.maps.town import LaneKind
from symdrive.scoring.criteria import (
    Criteria,
    CriteriaConfig,
    ScenarioTimeout,
    YieldToEmergencyVehicle,
    default_criteria,
)
from symdrive.scoring.criteria.lanes import LaneFinder
from symdrive.scoring.criteria.stop_sign import StopSign
from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.world.truth import Truth

EAST, WEST = -1.75, 1.75
Kit = Any
AMBULANCE = 9


def truth_with(
    kit: Kit, tick: int, x: float, other_x: float, yaw: float = 0.0, **same: Any
) -> Truth:
    """The ego at x and an ambulance at other_x on the same lane."""
    moment = kit.moment(x=x, others=(kit.other(AMBULANCE, speed=10.0),), **same)
    truth = kit.make_truth(tick, moment)
    truth.actors.position[1] = (other_x, EAST, 0.0)
    truth.actors.yaw[1] = yaw
    return truth


def test_yielding_is_judged_at_the_end(kit: Kit) -> None:
    for last_x, failed in ((40.0, True), (60.0, False)):
        rule = YieldToEmergencyVehicle(AMBULANCE)
        assert rule.update(truth_with(kit, 0, 50.0, 20.0)) == []
        assert rule.update(truth_with(kit, 1, 50.0, last_x)) == []
        kinds = [item.kind for item in rule.finish()]
        assert kinds == ([Kind.YIELD_EMERGENCY_VEHICLE] if failed else [])


def test_behind_follows_the_heading_of_the_emergency_vehicle(kit: Kit) -> None:
    """Coming the other way, a vehicle at greater x is behind as long as it has not passed."""
    rule = YieldToEmergencyVehicle(AMBULANCE)
    rule.update(truth_with(kit, 0, 50.0, 80.0, yaw=math.pi))
    (found,) = rule.finish()
    assert found.message == "Agent failed to yield to an emergency vehicle"
    assert found.other_id == AMBULANCE


def test_a_vehicle_that_is_gone_leaves_the_answer(kit: Kit) -> None:
    rule = YieldToEmergencyVehicle(AMBULANCE)
    assert rule.finish() == []
    rule.update(truth_with(kit, 0, 50.0, 20.0))
    rule.update(kit.make_truth(1, kit.moment(x=50.0)))
    assert len(rule.finish()) == 1
    never = YieldToEmergencyVehicle(77)
    never.update(truth_with(kit, 0, 50.0, 20.0))
    assert never.finish() == []


def test_a_scenario_times_out_after_its_limit(kit: Kit) -> None:
    rule = ScenarioTimeout(10.0)
    assert rule.finish() == []
    for time_s in (100.0, 110.0):
        rule.update(kit.make_truth(0, kit.moment(time_s=time_s)))
        assert not rule.is_over
        assert rule.finish() == []
    rule.update(kit.make_truth(0, kit.moment(time_s=110.05)))
    assert rule.is_over
    assert [item.message for item in rule.finish()] == ["Agent timed out a scenario"]
    with pytest.raises(ValueError, match="limit_s is 0"):
        ScenarioTimeout(0.0)


def stand(
    kit: Kit, judge: Criteria, seconds: float, start_s: float = 0.0, **same: Any
) -> list[Any]:
    """The ego stands; one truth a second."""
    found: list[Any] = []
    for i in range(int(seconds)):
        moment = kit.moment(x=20.0, speed=0.0, time_s=start_s + i, **same)
        found += judge.update(kit.make_truth(i, moment))
    return found


def test_the_judge_ends_a_scenario_that_is_over(kit: Kit) -> None:
    judge = default_criteria(kit.town, kit.route)
    judge.begin("Accident_1", [ScenarioTimeout(30.0)])
    found = stand(kit, judge, 40.0)
    assert [item.kind for item in found] == [Kind.SCENARIO_TIMEOUT]
    assert judge.infractions == found
    assert judge.end("Accident_1") == []
    assert judge.terminated is None


def test_waiting_in_a_scenario_with_a_limit_is_no_blockade(kit: Kit) -> None:
    limits = CriteriaConfig(blocked_s=60.0)
    free = default_criteria(kit.town, kit.route, limits)
    assert [item.kind for item in stand(kit, free, 70.0)] == [Kind.VEHICLE_BLOCKED]
    held = default_criteria(kit.town, kit.route, limits)
    held.begin("Accident_1", [ScenarioTimeout(240.0)])
    assert stand(kit, held, 70.0) == []
    assert held.end("Accident_1") == []
    assert stand(kit, held, 50.0, start_s=70.0) == []
    assert [i.kind for i in stand(kit, held, 15.0, start_s=120.0)] == [Kind.VEHICLE_BLOCKED]


def test_the_end_of_the_drive_ends_its_scenarios(kit: Kit) -> None:
    judge = default_criteria(kit.town, kit.route)
    judge.begin("YieldToEmergencyVehicle_1", [YieldToEmergencyVehicle(AMBULANCE)])
    judge.update(truth_with(kit, 0, 2.0, -20.0))
    found = judge.finish("Agent crashed")
    assert [item.kind for item in found] == [Kind.YIELD_EMERGENCY_VEHICLE]
    assert judge.terminated == "Failed - Agent crashed"


def test_a_scenario_runs_once_at_a_time(kit: Kit) -> None:
    judge = default_criteria(kit.town, kit.route)
    judge.begin("Accident_1", [])
    with pytest.raises(ValueError, match="'Accident_1' runs already"):
        judge.begin("Accident_1", [])
    judge.end("Accident_1")
    judge.begin("Accident_1", [])
    assert judge.end("nobody") == []


def test_the_wrong_side_is_allowed_while_a_scenario_says_so(kit: Kit) -> None:
    """From road 1 over the junction, out of it on the lane of the other direction."""
    for allowed in (False, True):
        judge = default_criteria(kit.town, kit.route)
        judge.switch(wrong_direction=not allowed)
        moments = [*kit.along(0, 110), *kit.along(110.5, 150, y=WEST)]
        for tick, moment in enumerate(moments):
            judge.update(kit.make_truth(tick, moment))
        judge.finish("enough")
        kinds = {item.kind for item in judge.infractions}
        assert (Kind.OUTSIDE_ROUTE_LANES in kinds) != allowed


def test_actors_of_a_scenario_are_no_background_traffic(kit: Kit) -> None:
    """The only other car drives at 40 m/s; left out, nobody is there to be slower than."""
    for actor_ids, is_slow in (((), True), ((5,), False)):
        judge = default_criteria(kit.town, kit.route)
        judge.begin("ActorFlow_1", [], actor_ids=actor_ids)
        for tick, moment in enumerate(kit.along(0, 100, others=(kit.other(5, speed=40.0),))):
            judge.update(kit.make_truth(tick, moment))
        kinds = [item.kind for item in judge.infractions]
        assert (Kind.MIN_SPEED in kinds) == is_slow


def test_no_traffic_is_a_whole_hundred(kit: Kit) -> None:
    """CARLA writes an integer there, on which some readers stumble."""
    judge = default_criteria(kit.town, kit.route, CriteriaConfig(report_every_checkpoint=True))
    for tick, moment in enumerate(kit.along(0, 100)):
        judge.update(kit.make_truth(tick, moment))
    messages = {item.message for item in judge.infractions if item.kind is Kind.MIN_SPEED}
    assert messages == {"Average speed is 100% of the surrounding traffic's one"}


def test_stop_boxes_are_as_wide_as_the_protocol_says(kit: Kit) -> None:
    """A quarter of a lane of 0.4 m is 0.1 m to each side; Fail2Drive asks for 0.5 m."""
    town = kit.make_town(strips=[_narrow(kit, strip) for strip in kit.strips])
    finder = LaneFinder(town.lanes, LaneKind.DRIVING, kit.route)
    for size, half_y in ((0.0, 0.1), (0.5, 0.5)):
        rule = StopSign(town, finder, size)
        assert rule._boxes[0].half_y == pytest.approx(half_y)
        assert rule._boxes[0].half_x == 1.5


def _narrow(kit: Kit, strip: Any) -> Any:
    """Road 4 with lanes of 0.4 m."""
    if strip.road != 4:
        return strip
    return kit.strip(
        strip.road, strip.lane_id, strip.from_x, strip.to_x, strip.y, after=strip.after, width=0.4
    )
