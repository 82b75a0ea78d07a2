"""Lane changes: when drivers make them, when they do not, and how they look."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from symdrive.core.geometry import box_corners, boxes_overlap
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.sim.path import extend, place
from symdrive.sim.phases import run_phases
from symdrive.sim.road import road_of
from symdrive.sim.simulation import Simulation, new_simulation
from symdrive.sim.state import empty_drivers
from symdrive.sim.world import EmbeddedWorld
from symdrive.world import catalogue
from symdrive.world.backend import TICK_S, Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import VehicleLight

CAR = catalogue.MODEL_ROW["vehicle.tesla.model3"]
SLOW_MPS = 5.0


@pytest.fixture(scope="module")
def cedar() -> Town:
    return open_town("cedar")


@pytest.fixture(scope="module")
def dogwood() -> Town:
    return open_town("dogwood")


@pytest.fixture(scope="module")
def route(cedar: Town, random_route: Callable[[Town, float, int], Route]) -> Route:
    return random_route(cedar, 100.0, 0)


@pytest.fixture(scope="module")
def avenue(dogwood: Town) -> tuple[int, int]:
    """A long lane of a motorway and its left neighbour, which both go on."""
    lanes = road_of(dogwood).lanes
    good = (lanes["left"] >= 0) & (lanes["live"] == 2) & (lanes["length"] > 250.0)
    good &= (lanes["live"][lanes["left"]] == 2) & (lanes["right"] < 0)
    lane = int(np.flatnonzero(good)[0])
    return lane, int(lanes["left"][lane])


Stage = Callable[..., Simulation]


@pytest.fixture
def stage(dogwood: Town, random_route) -> Stage:
    """A simulation with cars at given places: lane, arc length, top speed; each drives as fast."""

    def make(places: list[tuple[int, float, float]], *, changes: bool = True) -> Simulation:
        traffic = TrafficConfig(len(places), 0, 0, lane_changes=changes)
        sim = new_simulation(dogwood, Episode(random_route(dogwood, 100.0, 0), 0, traffic))
        sim.traffic.bodies["x"][0] = 9000.0
        sim.recycler = sim.recycler._replace(large=False)
        for row, (lane, s, speed) in enumerate(places, start=1):
            put(sim, row, lane, s, speed)
        return sim

    return make


def put(sim: Simulation, row: int, lane: int, s: float, speed: float) -> None:
    driver, body = empty_drivers(1)[0], sim.traffic.bodies[row]
    driver["top_speed"], driver["path_count"] = speed, 1
    sim.traffic.drivers[row] = driver
    sim.traffic.paths[row, 0] = lane
    body["lane"], body["lane_s"], body["speed"] = lane, s, speed
    body["model"], body["kind"] = CAR, catalogue.MODELS[CAR].kind
    body["half_length"], body["half_width"], body["half_height"] = catalogue.MODELS[CAR].half_extent
    extend(sim.road, sim.traffic, row)
    place(sim.road, sim.traffic, row, 0.0)


def touching(sim: Simulation) -> bool:
    bodies = sim.traffic.bodies[1 : len(sim.traffic.drivers)]
    half = np.stack([bodies["half_length"], bodies["half_width"]], axis=1)
    corners = box_corners(np.stack([bodies["x"], bodies["y"]], axis=1), bodies["yaw"], half)
    a, b = np.triu_indices(len(bodies), 1)
    return bool(boxes_overlap(corners[a], corners[b]).any())


def test_a_faster_driver_passes_a_slower_one(stage: Stage, avenue: tuple[int, int]):
    right, left = avenue
    sim = stage([(right, 60.0, SLOW_MPS), (right, 20.0, 14.0)])
    bodies, drivers = sim.traffic.bodies, sim.traffic.drivers
    lanes, yaw = set(), []
    before = bodies[["x", "y"]][2].copy()
    for _ in range(400):
        run_phases(sim)
        lanes.add(int(bodies["lane"][2]))
        step = np.hypot(bodies["x"][2] - before["x"], bodies["y"][2] - before["y"])
        # Never sideways by itself: the body moves as far as its speed says.
        assert step < 1.08 * bodies["speed"][2] * TICK_S + 0.02
        before = bodies[["x", "y"]][2].copy()
        yaw.append(float(bodies["yaw_rate"][2]))
        assert not touching(sim)
    assert left in lanes
    assert drivers["changed_at"][2] > 0
    assert bodies["speed"][2] > 12.0
    gap = np.hypot(bodies["x"][2] - bodies["x"][1], bodies["y"][2] - bodies["y"][1])
    assert gap > 40.0
    assert np.abs(yaw).max() < 0.35
    # Back in the middle of a lane.
    assert drivers["shift_m"][2] == 0.0
    assert drivers["keep"][2] == 0.0


def test_who_changes_lanes_indicates_to_which_side(stage: Stage, avenue: tuple[int, int]):
    right, left = avenue
    sim = stage([(right, 60.0, SLOW_MPS), (right, 20.0, 14.0)])
    driver, body = sim.traffic.drivers[2:3], sim.traffic.bodies[2:3]
    lights = {left: set(), right: set()}
    for _ in range(400):
        run_phases(sim)
        moving = float(driver["shift_m"][0]) > 0.0
        if moving:
            lights[int(body["lane"][0])].add(int(body["lights"][0]))
        else:
            assert body["lights"][0] == 0
    # Out, and back to the right of the motorway.
    assert lights[left] == {int(VehicleLight.LEFT_BLINKER)}
    assert lights[right] <= {int(VehicleLight.RIGHT_BLINKER)}


def test_without_lane_changes_it_stays_behind(stage: Stage, avenue: tuple[int, int]):
    right, _ = avenue
    sim = stage([(right, 60.0, SLOW_MPS), (right, 20.0, 14.0)], changes=False)
    for _ in range(300):
        run_phases(sim)
    assert sim.traffic.drivers["changed_at"][2] < 0
    assert sim.traffic.bodies["speed"][2] < SLOW_MPS + 0.5


def test_nobody_is_cut_off(stage: Stage, avenue: tuple[int, int]):
    right, left = avenue
    slow = [(right, 60.0, SLOW_MPS), (right, 35.0, 14.0)]
    # As slow a car beside the gap, and a row of fast ones behind it: there is no gap.
    sim = stage([*slow, *((left, s, 14.0) for s in (5.0, 35.0, 65.0))])
    hardest = 0.0
    for _ in range(160):
        run_phases(sim)
        hardest = min(hardest, float(sim.traffic.bodies["acceleration"][3:].min()))
        assert not touching(sim)
    assert hardest > -4.0


def test_a_car_beside_is_no_gap(stage: Stage, avenue: tuple[int, int]):
    right, left = avenue
    sim = stage([(right, 60.0, SLOW_MPS), (right, 45.0, 14.0), (left, 45.0, SLOW_MPS)])
    sim.traffic.bodies["speed"][2] = SLOW_MPS
    for _ in range(200):
        run_phases(sim)
        assert not touching(sim)
    both = sim.traffic.bodies["lane_s"]
    if sim.traffic.drivers["changed_at"][2] < 0:
        return
    # Only behind or ahead of the one beside, never into it.
    assert abs(float(both[2] - both[3])) > 6.0


def test_who_gains_nothing_stays(stage: Stage, avenue: tuple[int, int]):
    right, _ = avenue
    sim = stage([(right, 180.0, 14.0), (right, 20.0, 14.0), (right, 10.0, 5.0)])
    for _ in range(200):
        run_phases(sim)
    assert (sim.traffic.drivers["changed_at"] < 0).all()


def without_successors(town: Town, lane: int) -> Town:
    """A town in which a lane leads nowhere."""
    lanes = town.lanes
    keep = np.ones(len(lanes.next_lane), dtype=bool)
    keep[lanes.next_start[lane] : lanes.next_start[lane + 1]] = False
    count = np.diff(lanes.next_start)
    count[lane] = 0
    start = np.concatenate([[0], np.cumsum(count)])
    cut = dataclasses.replace(lanes, next_start=start, next_lane=lanes.next_lane[keep])
    return dataclasses.replace(town, lanes=cut)


def test_a_lane_that_ends_is_left_in_time(
    dogwood: Town, avenue: tuple[int, int], random_route: Callable[[Town, float, int], Route]
):
    right, left = avenue
    town = without_successors(dogwood, left)
    lanes = road_of(town).lanes
    assert lanes["live"][left] == 1
    assert lanes["live"][right] == 2
    end = float(lanes["length"][left])
    route = random_route(dogwood, 100.0, 0)
    for changes in (True, False):
        episode = Episode(route, 0, TrafficConfig(4, 0, 0, lane_changes=changes))
        sim = new_simulation(town, episode)
        sim.traffic.bodies["x"][0] = 9000.0
        sim.recycler = sim.recycler._replace(large=False)
        put(sim, 1, left, end - 160.0, 25.0)
        # Traffic on the other lane leaves gaps that have to be found.
        for row in (2, 3, 4):
            put(sim, row, right, end - 190.0 + 30.0 * row, 12.0)
        for _ in range(700):
            run_phases(sim)
            assert not touching(sim)
        body = sim.traffic.bodies[1]
        if changes:
            assert lanes["live"][body["lane"]] == 2
            assert body["speed"] > 5.0
        else:
            assert body["lane"] == left
            assert body["speed"] < 0.1


def test_the_left_lane_of_a_motorway_is_for_passing(stage: Stage, avenue: tuple[int, int]):
    _, left = avenue
    sim = stage([(left, 30.0, 20.0)])
    for _ in range(200):
        run_phases(sim)
    assert sim.traffic.bodies["lane"][1] != left
    assert sim.traffic.drivers["changed_at"][1] > 0


def test_city_traffic_changes_lanes_only_outside_of_junctions(cedar: Town, route: Route):
    traffic = TrafficConfig(vehicles=50, pedestrians=10, parked=10, lane_changes=True)
    sim = new_simulation(cedar, Episode(route, 4, traffic))
    sim.traffic.bodies["x"][0] = 5000.0
    sim.recycler = sim.recycler._replace(large=False)
    changed = set()
    for _ in range(1200):
        run_phases(sim)
        drivers, bodies = sim.traffic.drivers, sim.traffic.bodies
        moving = np.flatnonzero(drivers["shift_m"] > 0.0)
        changed |= set(moving.tolist())
        assert (cedar.lanes.junction[bodies["lane"][moving]] < 0).all()
        assert not touching(sim)
    assert len(changed) > 4


def test_a_change_goes_on_after_a_restore(dogwood: Town, random_route):
    world = EmbeddedWorld(dogwood, BLIND_RIG)
    traffic = TrafficConfig(60, 0, 0, lane_changes=True)
    world.reset(Episode(random_route(dogwood, 300.0, 2), 2, traffic))
    sim = world._sim
    assert sim is not None
    for _ in range(2000):
        world.step(Control(throttle=0.4))
        if (sim.traffic.drivers["shift_m"] > 0.0).any():
            break
    else:
        pytest.fail("nobody changed lanes")
    snapshot = world.save()
    runs = []
    for _ in range(2):
        for _ in range(100):
            world.step(Control(throttle=0.4))
        actors = world.truth().actors
        runs.append(b"".join(getattr(actors, f.name).tobytes() for f in dataclasses.fields(actors)))
        world.restore(snapshot)
    assert runs[0] == runs[1]
