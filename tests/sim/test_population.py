"""Who is in town, where they start, who is put back, and how the second rig is displaced."""

import logging

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.maps.town import LaneKind, Town
from symdrive.sim.recycling import HIDDEN_M, REACH_M, recycle, recycler_of
from symdrive.sim.shift import WIDE, ShiftConfig, draw_shift
from symdrive.sim.spawning import BUBBLE_M, populate
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG


@pytest.fixture
def route(alder: Town, random_route) -> Route:
    return random_route(alder, 300.0, 7)


def test_a_full_town_warns_once_with_the_numbers(
    alder: Town, route: Route, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        people = populate(alder, Episode(route, 0, TrafficConfig(5000, 10, 5)))
    assert len(caplog.records) == 1
    assert "5000" in caplog.text
    assert str(people.counts.vehicles) in caplog.text
    assert 100 < people.counts.vehicles < 5000


def test_nobody_starts_inside_of_anybody(alder: Town, route: Route, overlapping):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(route, 0, TrafficConfig(80, 20, 40)))
    assert overlapping(world.truth().actors) == set()


def test_traffic_is_mixed_and_stands_on_the_right_lanes(alder: Town, route: Route):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(route, 0, TrafficConfig(80, 20, 15)))
    actors, lanes = world.truth().actors, alder.lanes
    walks = actors.kind == ActorKind.PEDESTRIAN
    assert (lanes.kind[actors.lane[walks]] == LaneKind.SIDEWALK).all()
    assert (lanes.kind[actors.lane[actors.parked]] == LaneKind.PARKING).all()
    drives = ~walks & ~actors.parked
    assert (lanes.kind[actors.lane[drives]] == LaneKind.DRIVING).all()
    assert len(set(actors.kind[drives].tolist())) >= 4
    assert (actors.kind[drives] == ActorKind.CAR).mean() > 0.5
    several = lanes.left[actors.lane[drives]] >= 0
    assert several.any()
    assert not several.all()


def test_more_vehicles_start_near_the_route(alder: Town, random_route):
    route = random_route(alder, 60.0, 3)
    people = populate(alder, Episode(route, 0, TrafficConfig(60, 0, 0)))
    bodies = people.traffic.bodies
    away = np.hypot(bodies["x"] - route.points[0, 0], bodies["y"] - route.points[0, 1])[1:]
    even = populate(alder, Episode(route, 0, TrafficConfig(5000, 0, 0))).traffic.bodies
    far = np.hypot(even["x"] - route.points[0, 0], even["y"] - route.points[0, 1])[1:]
    assert (away < 250.0).mean() > (far < 250.0).mean()


def test_actors_out_of_reach_are_put_back_out_of_sight(alder: Town, random_route):
    route = random_route(alder, 60.0, 3)
    people = populate(alder, Episode(route, 0, TrafficConfig(25, 10, 0)))
    traffic = people.traffic
    # An ego in the corner of the town has part of it out of reach.
    corner = np.argmax(np.abs(traffic.bodies["x"]) + np.abs(traffic.bodies["y"]))
    for axis in ("x", "y"):
        traffic.bodies[axis][0] = traffic.bodies[axis][corner]

    def away() -> np.ndarray:
        b = traffic.bodies
        return np.hypot(b["x"] - b["x"][0], b["y"] - b["y"][0])

    before = away()
    far = before > BUBBLE_M
    assert far.sum() > 3
    small, large = recycler_of(alder), recycler_of(alder)._replace(large=True)
    recycle(small, traffic, people.walkers)
    np.testing.assert_array_equal(away(), before)
    for _ in range(20):
        recycle(large, traffic, people.walkers)
    after = away()
    assert (after <= BUBBLE_M).all()
    assert (after[far] >= HIDDEN_M).all()
    assert (after[far] <= REACH_M).all()
    np.testing.assert_array_equal(after[~far], before[~far])
    paths = traffic.paths[np.arange(len(traffic.drivers)), 0]
    np.testing.assert_array_equal(paths[1:], traffic.bodies["lane"][1 : len(paths)])


def test_a_world_without_episode_and_a_foreign_route_are_refused(alder: Town, birch: Town, route):
    world = EmbeddedWorld(birch, BLIND_RIG)
    with pytest.raises(UserError, match="reset"):
        world.truth()
    with pytest.raises(UserError, match="reset"):
        world.step(Control())
    with pytest.raises(UserError, match=r"alder.*birch"):
        world.reset(Episode(route))


def test_shift_keeps_its_ranges_and_leans_back_to_the_lane(alder: Town, route: Route):
    config, episode = ShiftConfig(), Episode(route, 3)
    draws = np.array([draw_shift(config, alder, episode, tick) for tick in range(400)])
    lateral, yaw = draws.T
    assert (np.abs(lateral) >= 0.1).all()
    assert (np.abs(lateral) <= 1.0).all()
    assert (np.abs(yaw) >= np.radians(0.5)).all()
    assert (np.abs(yaw) <= np.radians(12.5)).all()
    assert yaw[lateral > 0].mean() < -np.radians(1.0)
    assert yaw[lateral < 0].mean() > np.radians(1.0)
    assert draw_shift(config, alder, episode, 7) == tuple(draws[7])


def test_shift_can_be_drawn_once_an_episode_as_lead_does(alder: Town, route: Route):
    config = ShiftConfig(per_frame=False)
    one = draw_shift(config, alder, Episode(route, 3), 0)
    assert one == draw_shift(config, alder, Episode(route, 3), 99)
    assert one != draw_shift(config, alder, Episode(route, 4), 0)


def test_the_wide_shift_leaves_the_lane(alder: Town, route: Route):
    draws = [draw_shift(WIDE, alder, Episode(route, 3), tick) for tick in range(400)]
    lateral, yaw = np.abs(np.array(draws)).T
    assert 1.5 < lateral.max() <= 1.6
    assert np.radians(15.0) < yaw.max() <= np.radians(20.0)


def test_empty_shift_ranges_are_refused():
    with pytest.raises(ValueError, match="min <= max"):
        ShiftConfig(min_lateral_m=2.0)
    with pytest.raises(ValueError, match="does not fit"):
        ShiftConfig(min_yaw=1.0)


@pytest.mark.parametrize("count", [2.5, float("nan"), -1, 10**9])
def test_crowds_are_whole_numbers(count):
    # Where types are checked, as under pytest, that comes first.
    with pytest.raises((ValueError, TypeError), match=r"traffic|vehicles"):
        TrafficConfig(count, 0, 0)
