"""What happens when the ego touches something."""

import numpy as np
import pytest

from symdrive.core.geometry import box_corners, boxes_overlap
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.sim.contact import DENSITY_TPM3, collide_bodies, collide_town
from symdrive.sim.obstacles import BLOCK, CELL_M, TILE, Obstacles, obstacles_of
from symdrive.sim.state import WalkerMode, empty_bodies, empty_walkers
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import MODEL_ROW, MODELS, ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, Rig

GO = Control(throttle=1.0)


def pair(kind: str, x: float, y: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """The ego at the origin, and another body."""
    bodies = empty_bodies(2)
    for row, name in enumerate(("vehicle.lincoln.mkz_2020", kind)):
        model = MODELS[MODEL_ROW[name]]
        bodies["model"][row], bodies["kind"][row] = MODEL_ROW[name], model.kind
        for axis, column in enumerate(("half_length", "half_width", "half_height")):
            bodies[column][row] = model.half_extent[axis]
    bodies["x"][1], bodies["y"][1], bodies["yaw"][1] = x, y, yaw
    return bodies


def resolve(bodies: np.ndarray, walkers: int = 0) -> tuple[int, np.ndarray, np.ndarray]:
    minds, places = empty_walkers(walkers), np.zeros((4, 3))
    count = collide_bodies(bodies, minds, np.zeros(4, np.int64), places)
    return count, places, minds


def overlap(bodies: np.ndarray) -> bool:
    xy = np.stack([bodies["x"], bodies["y"]], axis=1)
    half = np.stack([bodies["half_length"], bodies["half_width"]], axis=1) - 0.001
    corners = box_corners(xy, bodies["yaw"].copy(), half)
    return bool(boxes_overlap(corners[:1], corners[1:])[0])


@pytest.mark.parametrize(
    ("x", "y", "yaw", "touches"),
    [(4.8, 0.0, 0.0, True), (5.0, 0.0, 0.0, False), (0.0, 2.2, 0.0, False),
     (0.0, 2.0, 0.0, True), (4.0, 3.0, 0.8, False), (3.4, 2.4, 0.8, True)],
)  # fmt: skip
def test_contact_is_the_overlap_of_turned_boxes(x: float, y: float, yaw: float, touches: bool):
    bodies = pair("vehicle.tesla.model3", x, y, yaw)
    assert overlap(bodies) == touches
    assert resolve(bodies)[0] == int(touches)
    assert not overlap(bodies)


def test_a_rear_end_crash_shares_the_speed_and_leaves_a_contact_between_the_boxes():
    bodies = pair("vehicle.lincoln.mkz_2020", 4.8)
    bodies["speed"][:] = 10.0, 2.0
    count, places, _ = resolve(bodies)
    assert count == 1
    np.testing.assert_allclose(bodies["speed"], [6.0, 6.0], atol=0.01)
    assert places[0, 0] == pytest.approx(2.45, abs=0.01)
    assert bodies["x"][1] - bodies["x"][0] == pytest.approx(4.9, abs=0.01)


def test_a_parked_car_does_not_yield():
    bodies = pair("vehicle.tesla.model3", 4.8)
    bodies["speed"][0], bodies["parked"][1] = 10.0, 1
    resolve(bodies)
    assert bodies["speed"][0] == pytest.approx(0.0, abs=0.01)
    assert bodies["x"][1] == 4.8


def test_parting_boxes_keep_their_speed():
    bodies = pair("vehicle.tesla.model3", 4.84)
    bodies["speed"][:] = 1.0, 5.0
    assert resolve(bodies)[0] == 1
    np.testing.assert_allclose(bodies["speed"], [1.0, 5.0])


def test_bodies_on_different_levels_do_not_touch():
    bodies = pair("vehicle.tesla.model3", 3.0)
    bodies["z"][1] = 6.0
    assert resolve(bodies)[0] == 0


def test_a_walker_who_is_hit_stays_down_and_barely_slows_the_car():
    bodies = pair("walker.adult", 2.6)
    bodies["speed"][0] = 8.0
    count, _, minds = resolve(bodies, walkers=1)
    assert count == 1
    assert minds["mode"][0] == WalkerMode.DOWN
    assert bodies["speed"][1] == 0.0
    assert 6.5 < bodies["speed"][0] < 8.0
    assert bodies["x"][0] == 0.0


def test_driving_into_a_standing_car_is_reported_while_it_lasts(alder: Town, straight_route: Route):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(straight_route, 0, TrafficConfig(0, 0, 1)))
    sim = world._sim
    assert sim is not None
    at = 20
    bodies = sim.traffic.bodies
    bodies["x"][1], bodies["y"][1] = straight_route.points[at, :2]
    bodies["z"][1], bodies["yaw"][1] = straight_route.points[at, 2], straight_route.yaw[at]
    contacts = []
    for _ in range(120):
        world.step(GO)
        truth = world.truth()
        assert not overlap(bodies)
        contacts.append([hit.other_id for hit in truth.collisions])
    begin = contacts.index([2])
    assert all(hit == [] for hit in contacts[:begin])
    assert all(hit == [2] for hit in contacts[begin:])
    assert world.truth().actors.speed[0] < 0.5
    for _ in range(60):
        world.step(Control(throttle=0.6, reverse=True))
    assert world.truth().collisions == ()
    assert world.truth().actors.speed[0] < -1.0


def test_a_crash_is_felt_as_the_momentum_that_it_takes(alder: Town, straight_route: Route):
    world = EmbeddedWorld(alder, Rig("feeling", (), collision=True))
    world.reset(Episode(straight_route, 0, TrafficConfig(0, 0, 1)))
    sim = world._sim
    assert sim is not None
    bodies = sim.traffic.bodies
    bodies["x"][1], bodies["y"][1] = straight_route.points[20, :2]
    bodies["z"][1], bodies["yaw"][1] = straight_route.points[20, 2], straight_route.yaw[20]
    speeds = [0.0]
    for _ in range(200):
        if world.observe().collisions:
            break
        speeds.append(float(world.truth().actors.speed[0]))
        world.step(GO)
    (event,), (contact,) = world.observe().collisions, world.truth().collisions
    assert event.other_id == contact.other_id == 2
    mass_kg = 1e3 * DENSITY_TPM3 * 8.0 * float(np.prod(MODELS[0].half_extent))
    assert event.impulse[0] == pytest.approx(-mass_kg * speeds[-1], rel=0.1)
    assert abs(event.impulse[1]) < 0.1 * abs(event.impulse[0])
    np.testing.assert_allclose(np.linalg.norm(contact.impulse), np.linalg.norm(event.impulse))


def clear_run(world: EmbeddedWorld) -> tuple[float, float]:
    """An occupied place that the ego now stands 8 m before, with room for it to back out."""
    assert world._sim is not None
    ego = world._sim.traffic.bodies[0]
    obstacles = obstacles_of(world.town).around(*world.town.lanes.points[0, :2])
    for row, col in np.argwhere(obstacles.tile >= 0):
        cells = np.argwhere(obstacles.cells[obstacles.tile[row, col]])
        y, x = obstacles.origin[::-1] + (np.array([row, col]) * TILE + cells[0] + 0.5) * CELL_M
        for yaw in np.linspace(0.0, 2 * np.pi, 24):
            touched = []
            for away in (24.0, 20.0, 16.0, 12.0, 8.0):
                ego["x"], ego["y"], ego["yaw"] = x - away * np.cos(yaw), y - away * np.sin(yaw), yaw
                ego["speed"] = 0.0
                world.step(Control(brake=1.0))
                touched += world.truth().collisions
                if touched:
                    break
            if not touched:
                return float(x), float(y)
    raise AssertionError("nothing to run into")


def test_scenery_stops_the_ego_and_lets_it_back_out(empty_world: EmbeddedWorld):
    world = empty_world
    x, y = clear_run(world)
    ids = []
    for _ in range(100):
        world.step(GO)
        ids += [hit.other_id for hit in world.truth().collisions]
    actors = world.truth().actors
    assert set(ids) == {0}
    assert len(ids) > 10
    assert np.hypot(x - actors.position[0, 0], y - actors.position[0, 1]) < 8.0
    assert actors.speed[0] < 0.5
    for _ in range(60):
        world.step(Control(throttle=0.7, reverse=True))
    assert world.truth().collisions == ()


def test_blocks_of_obstacles_agree_where_they_meet(birch: Town):
    obstacles = obstacles_of(birch)
    x, y = birch.lanes.points[:, :2].mean(axis=0)
    side = BLOCK * TILE * CELL_M
    west, east = obstacles.around(x, y), obstacles.around(x + side, y)
    np.testing.assert_allclose(east.origin - west.origin, [side, 0.0], atol=1e-9)
    shared = []
    for tiles, block in ((west.tile[:, BLOCK:], west), (east.tile[:, :2], east)):
        assert (tiles >= 0).any()
        shared.append(np.where((tiles >= 0)[..., None, None], block.cells[tiles], False))
    np.testing.assert_array_equal(shared[0], shared[1])
    assert obstacles.around(1e7, -1e7).cells.size == 0


def wall(x0: float, x1: float, y0: float, y1: float) -> Obstacles:
    """A 16 m square around the origin with one solid block."""
    cells = np.zeros((1, TILE, TILE), bool)
    low, high = (np.array([[y0, x0], [y1, x1]]) + 8.0) / CELL_M
    cells[0, int(low[0]) : int(high[0]), int(low[1]) : int(high[1])] = True
    return Obstacles(np.array([-8.0, -8.0]), np.zeros((1, 1), np.int64), cells)


def test_a_wall_beside_the_car_is_scraped_along_and_pushes_it_away():
    bodies, place = pair("vehicle.tesla.model3", 100.0), np.zeros(3)
    bodies["speed"][0] = 5.0
    obstacles = wall(-8.0, 8.0, 1.0, 2.0)
    assert collide_town(bodies, obstacles, (-0.25, 0.0, 0.0), place)
    assert 4.0 < bodies["speed"][0] < 5.0
    assert bodies["y"][0] <= 0.0
    assert bodies["x"][0] == 0.0
    assert place[1] > 0.9
    bodies["y"][0] -= 0.2
    assert not collide_town(bodies, obstacles, (0.0, 0.0, 0.0), place)


@pytest.mark.parametrize(("speed", "x0", "x1"), [(5.0, 2.25, 4.0), (-3.0, -4.0, -2.25)])
def test_a_wall_across_the_way_stops_the_car_where_it_was(speed: float, x0: float, x1: float):
    bodies, place = pair("vehicle.tesla.model3", 100.0), np.zeros(3)
    bodies["speed"][0] = speed
    assert collide_town(bodies, wall(x0, x1, -4.0, 4.0), (-0.3, 0.1, 0.05), place)
    ego = bodies[0]
    assert (ego["speed"], ego["x"], ego["y"], ego["yaw"]) == (0.0, -0.3, 0.1, 0.05)
    assert x0 - 0.2 < place[0] < x1 + 0.2
    bodies["speed"][0], bodies["x"][0] = -speed, 0.0
    assert collide_town(bodies, wall(x0, x1, -4.0, 4.0), (-0.3, 0.1, 0.05), place)
    assert bodies["speed"][0] == -speed


def test_a_walker_who_is_only_touched_stays_up():
    bodies = pair("walker.adult", 2.71)
    bodies["speed"][0] = 0.3
    count, _, minds = resolve(bodies, walkers=1)
    assert count == 1
    assert minds["mode"][0] == WalkerMode.WALK


def test_an_empty_road_has_no_contacts(empty_world: EmbeddedWorld):
    for _ in range(100):
        empty_world.step(Control(throttle=0.4))
        assert empty_world.truth().collisions == ()
    assert empty_world.truth().actors.position[0, 0] != 0.0
    assert (empty_world.truth().actors.kind == ActorKind.CAR).all()
