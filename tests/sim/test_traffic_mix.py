"""Who crosses where, who drives where, who rides at the edge, and who makes way for whom."""

from dataclasses import replace

import numpy as np
import pytest

from symdrive.maps.locate import Locator
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import LaneKind, Town
from symdrive.sim.phases import _jaywalkers, _walkers, run_phases
from symdrive.sim.recycling import recycle, recycler_of
from symdrive.sim.road import road_of
from symdrive.sim.simulation import Simulation, new_simulation
from symdrive.sim.spawning import populate, slots_of
from symdrive.sim.state import WalkerMode
from symdrive.sim.world import EmbeddedWorld
from symdrive.world import catalogue
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import VehicleLight


@pytest.fixture
def route(alder: Town, random_route) -> Route:
    return random_route(alder, 300.0, 7)


def alone(town: Town, route: Route, traffic: TrafficConfig, seed: int = 0) -> Simulation:
    sim = new_simulation(town, Episode(route, seed, traffic))
    sim.traffic.bodies["x"][0] = 5000.0
    sim.recycler = sim.recycler._replace(large=False)
    return sim


def test_jaywalkers_cross_away_from_crosswalks_and_are_not_run_over(
    alder: Town, route, overlapping
):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(route, 1, TrafficConfig(30, 40, 10, jaywalking=6.0)))
    sim = world._sim
    assert sim is not None
    sim.traffic.bodies["x"][0] = 5000.0
    sim.recycler = sim.recycler._replace(large=False)
    locator, kerbs = Locator(alder.lanes), alder.crosswalks.line.reshape(-1, 3)[:, :2]
    strayed, arrived, on_road = set(), set(), 0
    for tick in range(1800):
        world.step(Control(brake=1.0))
        stray = np.flatnonzero(sim.walkers["mode"] == WalkerMode.STRAY)
        arrived |= {w for w in strayed if sim.walkers["mode"][w] == WalkerMode.WALK}
        strayed |= set(stray.tolist())
        actors = world.truth().actors
        people = actors.kind == ActorKind.PEDESTRIAN
        if tick % 20 == 0 and len(stray):
            xy = actors.position[people, :2][stray]
            found = locator.locate(xy, kinds=(LaneKind.DRIVING,))
            on_road += int((np.abs(found.lateral_m[found.lane >= 0]) < 1.0).sum())
            assert np.linalg.norm(xy[:, None] - kerbs[None], axis=2).min() > 3.0
        if tick % 4 == 0:
            hit = overlapping(actors)
            ids = set(actors.actor_id[people].tolist())
            assert not [pair for pair in hit if ids & set(pair)]
    assert len(strayed) > 10
    assert len(arrived) > 5
    assert on_road > 10


def test_a_jaywalker_whose_way_stays_blocked_goes_back(alder: Town, route: Route):
    sim = alone(alder, route, TrafficConfig(1, 1, 0, jaywalking=1.0))
    lanes = sim.road.lanes
    single = (lanes["left"] < 0) & (lanes["right"] < 0) & (lanes["junction"] < 0)
    single &= (lanes["kind"] == LaneKind.DRIVING) & (lanes["length"] > 80.0)
    point = sim.road.points[lanes["first"][single][0] + 40]
    left = np.array([-np.sin(point["yaw"]), np.cos(point["yaw"])])
    car, walker = sim.traffic.bodies[1], sim.traffic.bodies[2]
    car["x"], car["y"], car["z"], car["yaw"] = point["x"], point["y"], point["z"], point["yaw"]
    car["lane"], car["lane_s"], car["speed"] = point["lane"], point["s"], 0.0
    walker["x"], walker["y"] = point["x"] + 2.0 * left[0], point["y"] + 2.0 * left[1]
    walker["z"] = point["z"]
    mind = sim.walkers[0]
    mind["mode"], mind["goal_z"] = WalkerMode.STRAY, point["z"]
    mind["goal_x"], mind["goal_y"] = point["x"] - 8.0 * left[0], point["y"] - 8.0 * left[1]
    started = np.array([walker["x"], walker["y"]])
    for _ in range(300):
        # The car stands for good: only walkers move.
        _walkers(sim)
        _jaywalkers(sim)
        sim.tick += 1
        if mind["mode"] == WalkerMode.WALK:
            break
    gone = np.array([walker["x"], walker["y"]]) - started
    assert mind["mode"] == WalkerMode.WALK
    assert gone @ left > 2.0


def test_nobody_jaywalks_unasked(alder: Town, route: Route):
    sim = alone(alder, route, TrafficConfig(10, 40, 5))
    for _ in range(400):
        run_phases(sim)
        assert not np.isin(sim.walkers["mode"], (WalkerMode.LOOK, WalkerMode.STRAY)).any()


def test_main_roads_are_busier_when_asked(alder: Town, random_route):
    route = random_route(alder, 60.0, 3)
    flow = []
    for main in (0.0, 1.0, 3.0):
        people = populate(alder, Episode(route, 0, TrafficConfig(60, 0, 0, main_roads=main)))
        lanes = people.traffic.bodies["lane"][1:]
        several = (alder.lanes.left[lanes] >= 0) | (alder.lanes.right[lanes] >= 0)
        flow.append(float(several.mean()))
    assert flow[0] < flow[1] < flow[2]


def test_who_is_put_back_prefers_main_roads_too(alder: Town, random_route):
    flow, slots = [], slots_of(alder).driving
    by_lane = dict(zip(slots.lane.tolist(), slots.flow.tolist(), strict=True))
    for main in (0.0, 4.0):
        episode = Episode(random_route(alder, 60.0, 3), 0, TrafficConfig(40, 0, 0))
        people = populate(alder, episode)
        traffic, recycler = people.traffic, recycler_of(alder)._replace(large=True)
        for _ in range(5):
            traffic.bodies["x"][1:] = 9000.0
            recycle(recycler, traffic, people.walkers, main)
        put = traffic.bodies["x"][1:] < 5000.0
        assert put.sum() > 10
        flow.append(np.mean([by_lane[lane] for lane in traffic.bodies["lane"][1:][put].tolist()]))
    assert flow[1] > 1.1 * flow[0]


def test_cyclists_ride_slowly_at_the_right(alder: Town, route: Route):
    sim = alone(alder, route, TrafficConfig(40, 0, 0, bicycles=0.3))
    bodies = sim.traffic.bodies[1:]
    rides = bodies["kind"] == ActorKind.BICYCLE
    assert 4 < rides.sum() < 20
    assert len(set(bodies["model"][rides].tolist())) > 1
    for _ in range(200):
        run_phases(sim)
    found = Locator(alder.lanes).locate(
        np.stack([bodies["x"], bodies["y"]], axis=1), bodies["yaw"], kinds=(LaneKind.DRIVING,)
    )
    plain = alder.lanes.junction[bodies["lane"]] < 0
    aside = found.lateral_m[rides & plain & (found.lane == bodies["lane"])]
    assert len(aside) > 2
    assert (aside < -0.5).all()
    assert bodies["speed"][rides].max() < 6.5


@pytest.fixture(scope="module")
def cedar() -> Town:
    return open_town("cedar")


def test_others_make_way_for_an_ambulance(cedar: Town, random_route):
    route = random_route(cedar, 300.0, 1)
    speeds, made_way = {}, 0
    for emergency in (0, 2):
        sim = alone(cedar, route, TrafficConfig(45, 0, 0, emergency=emergency), seed=1)
        sim.traffic.drivers["haste"][1:3] = 1.4
        speed = []
        for _ in range(2400):
            run_phases(sim)
            made_way += int((sim.traffic.drivers["yielded"] > 0).sum())
            speed.append(sim.traffic.bodies["speed"][1:3].mean())
        speeds[emergency] = float(np.mean(speed))
        # Their beacons are on, and nobody else's.
        beacon = sim.traffic.bodies["lights"] & int(VehicleLight.SPECIAL_1) > 0
        assert np.flatnonzero(beacon).tolist() == list(range(1, 1 + emergency))
    assert made_way > 100
    assert speeds[2] > speeds[0]


def test_nobody_stops_for_an_ambulance_that_could_not_pass(random_route):
    elm = open_town("elm")
    assert (road_of(elm).lanes["left"] < 0).all()
    sim = alone(elm, random_route(elm, 100.0, 0), TrafficConfig(30, 0, 0, emergency=2))
    for _ in range(600):
        run_phases(sim)
        assert not sim.traffic.drivers["yielded"].any()


def test_a_living_town_has_many_bodies_and_every_one_fits(alder: Town, route: Route):
    lane_m = slots_of(alder).lane_m
    few, many = (
        populate(alder, Episode(route, 0, TrafficConfig(60, 0, 0, all_bodies=every)))
        for every in (False, True)
    )
    usual, every = (set(people.traffic.bodies["model"][1:].tolist()) for people in (few, many))
    assert len(usual) <= 10 < 20 < len(every)
    models = [catalogue.MODELS[row] for row in every]
    assert not any(model.emergency for model in models)
    assert all(2.0 * model.half_extent[1] < lane_m - 0.6 for model in models)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jaywalking", -1.0),
        ("jaywalking", 1e9),
        ("main_roads", -0.1),
        ("main_roads", float("nan")),
        ("bicycles", 1.5),
        ("emergency", -1),
        ("emergency", 31),
    ],
)
def test_absurd_traffic_is_refused(name: str, value: float):
    with pytest.raises(ValueError, match=f"{name}|zero or more"):
        replace(TrafficConfig(), **{name: value})
