"""What every `World` promises; a back end joins by adding a factory to `WORLDS`."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import TICK_S, Episode, TrafficConfig, World
from symdrive.world.catalogue import EGO_MODEL, MODELS, ActorKind
from symdrive.world.control import Control
from symdrive.world.observation import Observation
from symdrive.world.rig import CameraSpec, LidarSpec, Rig
from symdrive.world.truth import Truth

RIG = Rig(
    "tiny",
    (CameraSpec("front", (0.3, 0.0, 2.2), 0.0, 48, 32, 1.2),),
    (LidarSpec(channels=8, columns=60, range_m=40.0),),
)


def embedded() -> World:
    return EmbeddedWorld(open_town("alder"), RIG)


WORLDS: dict[str, Callable[[], World]] = {"embedded": embedded}
TRAFFIC = TrafficConfig(vehicles=12, pedestrians=6, parked=4)
DRIVE = Control(throttle=0.5, steer=0.02)


@pytest.fixture(params=WORLDS, scope="module")
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]()


@pytest.fixture
def episode(world: World) -> Episode:
    route = Network(world.town).random_route(generator(3, "conformance"), 200.0, "conformance")
    return Episode(route, 3, TRAFFIC)


def columns(truth: Truth) -> dict[str, np.ndarray]:
    actors = {f.name: getattr(truth.actors, f.name) for f in fields(truth.actors)}
    return {**actors, "signals": truth.signal_state}


def assert_same_truth(a: Truth, b: Truth) -> None:
    assert (a.tick, a.time_s, len(a.collisions)) == (b.tick, b.time_s, len(b.collisions))
    for name, column in columns(a).items():
        np.testing.assert_array_equal(column, columns(b)[name], err_msg=name)


def assert_same_observation(a: Observation, b: Observation) -> None:
    assert (a.tick, a.time_s, a.yaw, a.speed_mps) == (b.tick, b.time_s, b.yaw, b.speed_mps)
    np.testing.assert_array_equal(a.position, b.position)
    np.testing.assert_array_equal(a.lidar, b.lidar)
    assert a.images.keys() == b.images.keys()
    for name, image in a.images.items():
        np.testing.assert_array_equal(image, b.images[name])


def test_it_is_a_world(world: World):
    assert isinstance(world, World)


def test_reset_puts_a_standing_ego_at_the_start_of_the_route(world: World, episode: Episode):
    world.reset(episode)
    truth = world.truth()
    route, ego = episode.route, truth.actors.rows(np.array([0]))
    assert (truth.tick, truth.time_s, truth.collisions) == (0, 0.0, ())
    assert (ego.actor_id[0], ego.model[0], ego.speed[0]) == (1, EGO_MODEL, 0.0)
    np.testing.assert_allclose(ego.position[0, :2], route.points[0, :2], atol=0.05)
    assert ego.position[0, 2] == pytest.approx(route.points[0, 2], abs=0.3)
    assert np.cos(ego.yaw[0] - route.yaw[0]) > 0.999
    assert ego.lane[0] == route.lane[0]


def test_reset_fills_the_town(world: World, episode: Episode):
    world.reset(episode)
    actors = world.truth().actors
    walks = actors.kind == ActorKind.PEDESTRIAN
    assert walks.sum() == TRAFFIC.pedestrians
    assert actors.parked.sum() == TRAFFIC.parked
    assert len(actors) == 1 + TRAFFIC.vehicles + TRAFFIC.pedestrians + TRAFFIC.parked
    assert len(set(actors.actor_id.tolist())) == len(actors)
    assert actors.actor_id.min() == 1
    away = np.linalg.norm(actors.position[1:, :2] - actors.position[0, :2], axis=1)
    assert away[~walks[1:]].min() > 12.0


def test_bodies_are_those_of_the_catalogue(world: World, episode: Episode):
    world.reset(episode)
    actors = world.truth().actors
    for row in range(len(actors)):
        model = MODELS[actors.model[row]]
        assert actors.kind[row] == model.kind
        np.testing.assert_allclose(actors.half_extent[row], model.half_extent)


def test_signals_and_lanes_are_those_of_the_town(world: World, episode: Episode):
    world.reset(episode)
    for _ in range(10):
        world.step(DRIVE)
        truth = world.truth()
        assert len(truth.signal_state) == len(world.town.signals)
        assert set(truth.signal_state.tolist()) <= {0, 1, 2, 3}
        on = truth.actors.lane >= 0
        lanes, s = truth.actors.lane[on], truth.actors.lane_s_m[on]
        assert (s >= 0.0).all()
        assert (s <= world.town.lanes.length_m[lanes] + 1e-6).all()


def test_a_step_is_a_twentieth_of_a_second(world: World, episode: Episode):
    world.reset(episode)
    for tick in range(1, 4):
        world.step(DRIVE)
        assert world.truth().tick == tick
        assert world.truth().time_s == pytest.approx(tick * TICK_S)
        assert world.observe().tick == tick
    assert world.truth().actors.speed[0] > 0.0


def test_asking_changes_nothing_and_order_does_not_matter(world: World, episode: Episode):
    world.reset(episode)
    for _ in range(5):
        world.step(DRIVE)
    first, seen = world.truth(), world.observe()
    late = world.evidence()
    for _ in range(5):
        world.step(DRIVE)
    then = world.truth()
    world.reset(episode)
    for _ in range(5):
        world.evidence()
        world.truth()
        world.step(DRIVE)
    np.testing.assert_array_equal(world.evidence(shifted=True).pixels, late.pixels)
    assert_same_observation(world.observe(), seen)
    assert_same_observation(world.observe(), seen)
    assert_same_truth(world.truth(), first)
    assert_same_truth(world.truth(), first)
    for _ in range(5):
        world.step(DRIVE)
    assert_same_truth(world.truth(), then)


def test_what_was_handed_out_does_not_change_later(world: World, episode: Episode):
    world.reset(episode)
    world.step(DRIVE)
    truth = world.truth()
    copies = {name: column.copy() for name, column in columns(truth).items()}
    for _ in range(20):
        world.step(DRIVE)
    for name, column in columns(truth).items():
        np.testing.assert_array_equal(column, copies[name], err_msg=name)


def test_another_seed_is_another_day(world: World, episode: Episode):
    world.reset(episode)
    one = world.truth().actors.position
    world.reset(Episode(episode.route, 4, TRAFFIC))
    assert not np.array_equal(one, world.truth().actors.position)


def test_evidence_has_a_row_for_each_actor_and_labels_for_each_camera(
    world: World, episode: Episode
):
    world.reset(episode)
    evidence = world.evidence()
    assert len(evidence.pixels) == len(evidence.lidar_points) == len(world.truth().actors)
    assert evidence.labels.keys() == {"front"}
    assert evidence.shifted is None


def test_the_shifted_rig_stands_beside_the_first(world: World, episode: Episode):
    world.reset(episode)
    evidence = world.evidence(shifted=True)
    assert evidence.shifted is not None
    assert 0.1 <= abs(evidence.shifted.lateral_m) <= 1.0
    assert np.radians(0.5) <= abs(evidence.shifted.yaw) <= np.radians(12.5)
    assert evidence.shifted.images["front"].shape == (32, 48, 3)
    assert not np.array_equal(evidence.shifted.images["front"], world.observe().images["front"])


def test_brake_holds_and_steering_turns_to_the_left(world: World, episode: Episode):
    world.reset(episode)
    for _ in range(10):
        world.step(Control(brake=1.0))
    actors = world.truth().actors
    assert actors.speed[0] == pytest.approx(0.0, abs=0.01)
    assert bool(actors.braking[0])
    for _ in range(40):
        world.step(Control(throttle=0.6, steer=0.4))
    assert world.truth().actors.yaw_rate[0] > 0.05
