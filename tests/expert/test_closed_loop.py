"""The expert in the embedded world, among traffic, judged by the leaderboard's criteria."""

import pytest

from symdrive.core.seeds import generator
from symdrive.expert.align import FULL, NONE, Alignment, align
from symdrive.expert.expert import RuleExpert
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.town import Town
from symdrive.scoring.criteria import default_criteria
from symdrive.scoring.infraction import InfractionKind
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.rig import BLIND_RIG

TRAFFIC = TrafficConfig(vehicles=35, pedestrians=20, parked=0)


@pytest.fixture(scope="module")
def birch() -> Town:
    return open_town("birch")


def drive(town: Town, seed: int, alignment: Alignment, max_ticks: int):
    route = Network(town).random_route(generator(seed, "route"), 320.0, f"test{seed}")
    world, expert = EmbeddedWorld(town, BLIND_RIG), RuleExpert()
    world.reset(Episode(route, seed, TRAFFIC))
    expert.reset(town, route, seed)
    criteria = default_criteria(town, route)
    for _ in range(max_ticks):
        truth = world.truth()
        criteria.update(truth)
        if criteria.terminated is not None:
            break
        world.step(expert.act(align(truth, world.evidence(), alignment, town, route)))
    # Slower than the traffic is what every driver is who meets a red light on a short route.
    faults = [i for i in criteria.infractions if i.kind != InfractionKind.MIN_SPEED]
    return criteria, faults


def test_ten_seconds_among_traffic_are_clean_and_lead_ahead(birch):
    criteria, faults = drive(birch, 4, FULL, 200)
    assert faults == []
    assert criteria.route_completion > 20.0


@pytest.mark.slow
@pytest.mark.parametrize("alignment", [FULL, NONE], ids=["aligned", "clairvoyant"])
@pytest.mark.parametrize("seed", [0, 3, 6, 15])
def test_whole_routes_are_clean(birch, seed, alignment):
    criteria, faults = drive(birch, seed, alignment, 3000)
    assert faults == []
    assert criteria.route_completion == 100.0
