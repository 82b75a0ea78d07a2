"""Indicators of traffic, and how far walkers have walked."""

import numpy as np
import pytest

from symdrive.maps.town import Turn
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import Truth, VehicleLight

TRAFFIC = TrafficConfig(vehicles=40, pedestrians=15, parked=8)
LEFT, RIGHT = int(VehicleLight.LEFT_BLINKER), int(VehicleLight.RIGHT_BLINKER)


@pytest.fixture(scope="module")
def drive(birch, random_route) -> list[Truth]:
    """A minute of traffic."""
    world = EmbeddedWorld(birch, BLIND_RIG)
    world.reset(Episode(random_route(birch, 200.0, 3), 5, TRAFFIC))
    truths = [world.truth()]
    for _ in range(1200):
        world.step(Control(brake=1.0))
        truths.append(world.truth())
    return truths


def test_who_turns_in_a_junction_indicates_where_to(drive, birch):
    turn, turned = birch.lanes.turn, {Turn.LEFT: 0, Turn.RIGHT: 0}
    for truth in drive[1:]:
        for row in range(1, 1 + TRAFFIC.vehicles):
            way = turn[truth.actors.lane[row]]
            if way in turned:
                turned[Turn(way)] += 1
                assert truth.actors.lights[row] == (LEFT if way == Turn.LEFT else RIGHT)
    assert min(turned.values()) > 50


def test_turns_are_announced_before_the_junction(drive, birch):
    turn, ahead = birch.lanes.turn, []
    for row in range(1, 1 + TRAFFIC.vehicles):
        lanes = np.array([truth.actors.lane[row] for truth in drive])
        lights = np.array([truth.actors.lights[row] for truth in drive])
        into = np.isin(turn[lanes], (Turn.LEFT, Turn.RIGHT))
        for tick in np.flatnonzero(~into[:-1] & into[1:]):
            steady = lights[: tick + 1] == lights[tick + 1]
            ahead.append(tick + 1 - (np.flatnonzero(~steady)[-1] + 1 if not steady.all() else 0))
    assert len(ahead) > 15
    # Chains of turning lanes, and turns right after the start, are announced for less.
    assert np.median(ahead) > 40
    assert np.mean(np.array(ahead) > 10) > 0.8


def test_who_goes_straight_on_and_who_is_far_from_a_junction_does_not_indicate(drive):
    lights = np.array([truth.actors.lights[1 : 1 + TRAFFIC.vehicles] for truth in drive])
    assert set(np.unique(lights)) == {0, LEFT, RIGHT}
    assert (lights == 0).mean() > 0.3


def test_the_ego_parked_cars_and_walkers_have_no_lights_on(drive):
    others = np.ones(len(drive[0].actors), dtype=bool)
    others[1 : 1 + TRAFFIC.vehicles] = False
    assert not any(truth.actors.lights[others].any() for truth in drive)


def test_walkers_know_how_far_they_have_walked(drive):
    on_foot = drive[0].actors.kind == ActorKind.PEDESTRIAN
    places = np.array([truth.actors.position[on_foot, :2] for truth in drive])
    steps = np.hypot(*np.moveaxis(np.diff(places, axis=0), -1, 0))
    gone = drive[-1].actors.walked_m[on_foot]
    assert gone.max() > 40.0
    # Who is put elsewhere has not walked there; a step round a bend is a little off.
    walked = np.where(steps < 1.0, steps, 0.0).sum(axis=0)
    np.testing.assert_allclose(gone, walked, rtol=0.06, atol=0.5)
    assert not drive[-1].actors.walked_m[~on_foot].any()
