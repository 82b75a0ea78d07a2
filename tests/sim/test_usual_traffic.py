"""Traffic with every option off is that of all published numbers."""

import hashlib

import numpy as np
import pytest

from symdrive.maps.open import open_town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import LIVING, Episode, TrafficConfig, living
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG

BEFORE = {"birch": "40a745d2da90c263", "cedar": "f21bac3ef6d53168"}
"""Digests of the traffic from before lane changes, jaywalkers, cyclists at the edge and emergency
vehicles. Places are rounded to a centimetre, so that another compiler or library of
mathematics gives the same ones. A new bake of a town changes them."""


def digest_of_a_drive(name: str, random_route, traffic: TrafficConfig) -> str:
    """Where everybody is after each second of twenty."""
    town = open_town(name)
    world = EmbeddedWorld(town, BLIND_RIG)
    world.reset(Episode(random_route(town, 300.0, 11), 11, traffic))
    found = hashlib.sha256()
    for tick in range(400):
        world.step(Control(throttle=0.3 if tick % 100 < 70 else 0.0))
        if tick % 20 == 19:
            actors = world.truth().actors
            found.update(np.round(actors.position * 100.0).astype(np.int64).tobytes())
            found.update(actors.lights.astype(np.int64).tobytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize("name", BEFORE)
def test_traffic_with_every_option_off_is_what_it_was(name: str, random_route):
    usual = TrafficConfig(vehicles=40, pedestrians=30, parked=15)
    assert digest_of_a_drive(name, random_route, usual) == BEFORE[name]
    assert digest_of_a_drive(name, random_route, living(usual)) != BEFORE[name]


def test_a_living_town_keeps_its_counts_and_what_is_set():
    asked = TrafficConfig(vehicles=7, pedestrians=3, parked=2, bicycles=0.4, jaywalking=3.0)
    alive = living(asked)
    assert (alive.vehicles, alive.pedestrians, alive.parked) == (7, 3, 2)
    assert (alive.bicycles, alive.jaywalking) == (0.4, 3.0)
    assert (alive.lane_changes, alive.emergency, alive.all_bodies) == (True, 1, True)
    assert living(TrafficConfig()) == LIVING
    assert living(TrafficConfig(vehicles=0)).emergency == 0
