import math
from dataclasses import replace

import numpy as np
import pytest

from symdrive.core.config import digest
from symdrive.expert.baselines import BlindRoute
from symdrive.expert.bound import BoundConfig, bend_profile, speed_bound
from symdrive.expert.creep import CreepConfig
from symdrive.expert.expert import ExpertConfig, RuleExpert
from symdrive.expert.path import dense_path
from symdrive.sim.ego import EgoState, Pedals, advance
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Control
from symdrive.world.truth import SignalState

DT = 0.05


class Drive:
    """The embedded car on the hand-made town; other actors come from a function of time."""

    def __init__(self, stage, kit, driver, others=lambda t: [], states=None, speed=0.0):
        self.stage, self.kit, self.driver = stage, kit, driver
        self.others, self.states = others, states
        x, y = stage.route.points[0, :2].tolist()
        self.state = EgoState(x, y, float(stage.route.yaw[0]), speed, 0.0)
        self.tick = 0
        self.trace: list[tuple[float, float, float, str]] = []
        driver.reset(stage.town, stage.route, 0)

    def step(self) -> Control:
        e = self.state
        t = self.tick * DT
        lane = self.stage.route.lane[
            int(np.argmin(np.hypot(*(self.stage.route.points[:, :2] - (e.x, e.y)).T)))
        ]
        ego = self.kit.Body(e.x, e.y, e.yaw, e.speed, lane=int(lane))
        stage = self.stage
        if self.states is not None:
            stage = replace(stage, states=self.states(t))
        control = self.driver.act(stage.visible([ego, *self.others(t)]))
        pedals = Pedals(control.steer, control.throttle, control.brake, 1.0)
        self.state = advance(e, pedals, 0.0, DT)
        self.tick += 1
        self.trace.append((t, self.state.x, self.state.speed, self.driver.plan.reason))
        return control

    def run(self, seconds):
        for _ in range(round(seconds / DT)):
            self.step()
        return self


def near_junction(stage, kit, lanes):
    """The same stage with a route that begins 50 m before the junction."""
    return replace(stage, route=kit.make_route(stage.town, lanes, start_m=40.0))


def test_drives_the_route_at_its_limits(straight, kit):
    drive = Drive(straight, kit, RuleExpert()).run(12.0)
    speeds = np.array([row[2] for row in drive.trace])
    assert abs(drive.state.y + 1.75) < 0.2
    assert speeds.max() < 13.9 * 1.04
    assert speeds.max() > 13.0


def test_turns_left_without_leaving_its_lane(left_turn, kit):
    stage = near_junction(left_turn, kit, [kit.EAST_IN, kit.LEFT_MID, kit.NORTH_OUT])
    drive = Drive(stage, kit, RuleExpert(), speed=8.0)
    path = dense_path(stage.town, stage.route)
    worst = 0.0
    for _ in range(260):
        drive.step()
        gap = np.hypot(path.xy[:, 0] - drive.state.x, path.xy[:, 1] - drive.state.y).min()
        worst = max(worst, float(gap))
    assert drive.state.y > 20.0
    assert worst < 0.6


def test_stops_for_red_and_goes_on_green(signalled, kit):
    def states(t):
        own = SignalState.RED if t < 12.0 else SignalState.GREEN
        return (int(own), 2, 0)

    stage = near_junction(signalled, kit, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT])
    drive = Drive(stage, kit, RuleExpert(), states=states, speed=8.0).run(11.5)
    front = drive.state.x + 2.45
    assert drive.state.speed < 0.1
    assert -15.0 < front < -10.0
    assert drive.trace[-1][3] == "red_light"
    drive.run(5.0)
    assert drive.state.x > 0.0


def test_stops_at_the_stop_sign_once(kit):
    town = kit.make_town(stop_sign=kit.EAST_IN, priority={kit.EAST_MID: 0})
    route = kit.make_route(town, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT], start_m=50.0)
    drive = Drive(kit.Stage(town, route), kit, RuleExpert(), speed=8.0).run(15.0)
    standing = [x for _, x, v, _ in drive.trace if v < 0.05]
    assert len(standing) * DT == pytest.approx(1.3, abs=0.3)
    assert -13.0 < standing[-1] + 2.45 < -10.0
    assert drive.state.x > 0.0


def test_follows_a_slow_car_and_stops_behind_it(straight, kit):
    def others(t):
        x = min(-70.0 + 4.0 * t, -40.0)
        speed = 4.0 if x < -40.0 else 0.0
        return [kit.Body(x, -1.75, 0.0, speed, lane=kit.EAST_IN, lane_s=x + 100)]

    drive = Drive(straight, kit, RuleExpert(), others, speed=6.0).run(13.0)
    gap = (-40.0 - 2.45) - (drive.state.x + 2.45)
    assert drive.state.speed < 0.1
    assert 2.0 < gap < 5.5


def test_stops_for_a_crossing_walker_and_goes_on(straight, kit):
    def others(t):
        y = -6.0 + 1.4 * max(0.0, t - 2.0)
        return [kit.Body(-75.0, y, math.pi / 2, 1.4 if t > 2.0 else 0.0, kind=ActorKind.PEDESTRIAN)]

    drive = Drive(straight, kit, RuleExpert(), others, speed=5.0)
    nearest = math.inf
    for k in range(260):
        drive.step()
        walker = others(k * DT)[0]
        dx = max(0.0, abs(drive.state.x - walker.x) - 2.45)
        dy = max(0.0, abs(drive.state.y - walker.y) - 1.06)
        nearest = min(nearest, math.hypot(dx, dy))
    assert any(reason == "crossing_pedestrian" for *_, reason in drive.trace)
    assert nearest > 0.8
    assert drive.state.x > -60.0


def test_creeps_past_somebody_who_stands_beside_the_road_for_good(straight, kit):
    def others(t):
        return [kit.Body(-88.0, -3.6, math.pi / 2, 0.0, kind=ActorKind.PEDESTRIAN)]

    calm = RuleExpert(ExpertConfig(creep=CreepConfig(after_s=2.0)))
    drive = Drive(straight, kit, calm, others).run(12.0)
    assert {"pedestrian", "creep"} <= {row[3] for row in drive.trace}
    assert drive.state.x > -80.0


def test_never_creeps_into_something(straight, kit):
    def others(t):
        return [kit.Body(-88.0, -2.6, math.pi / 2, 0.0, kind=ActorKind.PEDESTRIAN)]

    calm = RuleExpert(ExpertConfig(creep=CreepConfig(after_s=2.0)))
    drive = Drive(straight, kit, calm, others).run(12.0)
    assert drive.state.x + 2.45 < -88.5
    assert drive.state.speed < 0.1


def test_plan_holds_the_route_in_the_ego_frame(straight, kit):
    drive = Drive(straight, kit, RuleExpert()).run(3.0)
    plan = drive.driver.plan
    assert plan is not None
    assert plan.route.shape == (20, 2)
    assert plan.route[0] == pytest.approx([2.5, 0.0], abs=0.35)
    assert np.linalg.norm(np.diff(plan.route, axis=0), axis=1) == pytest.approx(1.0, abs=1e-3)
    assert plan.target_speed_mps > 0.0


def test_explain_names_every_rule(straight, kit):
    expert = RuleExpert()
    Drive(straight, kit, expert).step()
    assert len(expert.explain()) == 1 + len(expert.config.hazards)
    assert expert.explain()[0].reason == "speed_limit"


def test_without_a_route_it_refuses_to_drive(straight, kit):
    for driver in (RuleExpert(), BlindRoute()):
        with pytest.raises(RuntimeError, match="reset"):
            driver.act(straight.visible([kit.Body(0, 0)]))


def test_the_same_scene_gives_the_same_control(straight, kit):
    def controls():
        drive = Drive(straight, kit, RuleExpert())
        return [drive.step() for _ in range(40)]

    assert controls() == controls()


def test_blind_route_arrives_and_ignores_red(signalled, kit):
    drive = Drive(signalled, kit, BlindRoute()).run(24.0)
    assert drive.state.x > 0.0
    speeds = [v for t, _, v, _ in drive.trace if t > 5.0]
    assert min(speeds) > 4.5
    assert max(speeds) < 5.3


def test_config_is_a_value():
    assert digest(ExpertConfig()) == digest(ExpertConfig())
    assert digest(ExpertConfig()) != digest(ExpertConfig(stop_s=2.0))


# ---- free-road speed -----------------------------------------------------------------


def bound_at(stage, kit, x, others=(), **caution):
    stage = stage.with_caution(**caution)
    path = dense_path(stage.town, stage.route)
    config = BoundConfig()
    visible = stage.visible([kit.Body(x, -1.75, lane=kit.EAST_IN), *others])
    return speed_bound(visible, path, bend_profile(path, config), x + 100.0, config)


def test_bound_is_the_limit_far_from_everything(straight, kit):
    assert bound_at(straight, kit, -90.0).speed_mps == pytest.approx(50 / 3.6)


def test_caution_lowers_the_bound_but_not_below_the_floor(straight, kit):
    assert bound_at(straight, kit, -90.0, night=True).speed_mps == pytest.approx(50 / 3.6 - 4)
    assert bound_at(straight, kit, -90.0, parked_near=2).reason == "parked_cars"
    both = bound_at(straight, kit, -25.0, night=True, occluded_junction=True, parked_near=3)
    assert both.speed_mps == 6.75


def test_junctions_in_slow_streets_are_approached_slowly(kit):
    town = kit.make_town(limit_mps=30 / 3.6)
    route = kit.make_route(town, [kit.EAST_IN, kit.EAST_MID, kit.EAST_OUT])
    stage = kit.Stage(town, route)
    assert bound_at(stage, kit, -50.0).speed_mps == pytest.approx(30 / 3.6)
    assert bound_at(stage, kit, -30.0).speed_mps == pytest.approx(25 / 3.6)
    assert bound_at(stage, kit, -30.0, slow_junctions=False).speed_mps == pytest.approx(30 / 3.6)


def test_traffic_sets_the_pace(straight, kit):
    others = [kit.Body(-60 + 10 * k, 1.75, math.pi, v) for k, v in enumerate((11.0, 9.9, 3.0))]
    limit = bound_at(straight, kit, -90.0, others)
    assert limit.reason == "traffic_pace"
    assert limit.speed_mps == pytest.approx(11.0)


def test_bends_are_entered_slowly_enough(left_turn, kit):
    path = dense_path(left_turn.town, left_turn.route)
    config = BoundConfig()
    profile = bend_profile(path, config)
    inside = profile[path.index(99.0)]
    assert inside == pytest.approx(math.sqrt(2.5 * 11.75), rel=0.05)
    drop = profile[:-1] ** 2 - profile[1:] ** 2
    assert drop.max() <= 2 * config.ease_mps2 * path.step_m + 1e-6
