"""The two towns that ship with the package, routes in them, and worlds without sensors."""

from collections.abc import Callable

import numpy as np
import pytest

from symdrive.core.geometry import box_corners, boxes_overlap
from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import ActorKind
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import Actors

RouteMaker = Callable[[Town, float, int], Route]


@pytest.fixture(scope="session")
def alder() -> Town:
    return open_town("alder")


@pytest.fixture(scope="session")
def birch() -> Town:
    return open_town("birch")


@pytest.fixture(scope="session")
def random_route() -> RouteMaker:
    networks: dict[int, Network] = {}

    def make(town: Town, length_m: float, seed: int) -> Route:
        network = networks.setdefault(id(town), Network(town))
        return network.random_route(generator(seed, "route"), length_m, f"random-{seed}")

    return make


@pytest.fixture(scope="session")
def straight_route(alder: Town, random_route: RouteMaker) -> Route:
    """A route that begins with 60 m of one straight lane of alder."""
    for seed in range(50):
        route = random_route(alder, 200.0, seed)
        head = route.s_m < 60.0
        if np.ptp(np.unwrap(route.yaw[head])) < 0.02 and len(np.unique(route.lane[head])) == 1:
            return route
    raise AssertionError("alder has no straight road")


@pytest.fixture
def empty_world(alder: Town, straight_route: Route) -> EmbeddedWorld:
    """Alder with nobody but the ego, at the start of the straight route."""
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(straight_route, 0, TrafficConfig(0, 0, 0)))
    return world


def _overlapping(actors: Actors) -> set[tuple[int, int]]:
    xy, half = actors.position[:, :2], actors.half_extent[:, :2]
    a, b = np.triu_indices(len(actors), 1)
    gap = np.hypot(*(xy[a] - xy[b]).T)
    drives = (actors.kind < ActorKind.PEDESTRIAN) & ~actors.parked
    level = np.abs(actors.position[a, 2] - actors.position[b, 2]) < 3.0
    near = (gap < half[a].max(axis=1) + half[b].max(axis=1) + 2.0) & (a > 0) & level
    near &= drives[a] | drives[b]
    a, b = a[near], b[near]
    if len(a) == 0:
        return set()
    corners = box_corners(xy, actors.yaw, half)
    hit = boxes_overlap(corners[a], corners[b])
    ids = actors.actor_id
    return {(int(ids[i]), int(ids[j])) for i, j in zip(a[hit], b[hit], strict=True)}


@pytest.fixture(scope="session")
def overlapping() -> Callable[[Actors], set[tuple[int, int]]]:
    """Ids of all pairs of actors, the ego apart, whose boxes overlap; one of them drives."""
    return _overlapping
