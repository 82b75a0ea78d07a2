"""The shipped route sets can be driven and meet what they promise."""

from itertools import pairwise

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.town import LaneKind, Turn
from symdrive.scenarios.route_file import to_route
from symdrive.scenarios.route_sets import ROUTE_SETS, route_set


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    cache = tmp_path_factory.mktemp("towns")
    return {name: Network(open_town(name, cache=cache)) for name in ("alder", "birch")}


@pytest.fixture(scope="module")
def routes(networks):
    return {
        name: [to_route(entry, networks[entry.town]) for entry in route_set(name)]
        for name in ROUTE_SETS
    }


def test_routes_are_dense_and_smooth(routes):
    for route in [r for some in routes.values() for r in some]:
        assert np.linalg.norm(np.diff(route.points[:, :2], axis=0), axis=1).max() < 1.2
        turn = (np.diff(route.yaw) + np.pi) % (2 * np.pi) - np.pi
        assert np.degrees(np.abs(turn)).max() < 12.0, route.route_id
        assert (np.abs(np.diff(route.points[:, 2])) < 0.15).all()


def test_held_out_routes_are_short_drives(routes):
    assert len(routes["birch_heldout"]) == 10
    assert all(180.0 <= route.length_m <= 400.0 for route in routes["birch_heldout"])


def test_held_out_routes_meet_every_kind_of_place(routes, networks):
    town, lanes = networks["birch"].town, networks["birch"].lanes
    lit, signed = set(town.signals.stop_lane.tolist()), set(town.stop_signs.lane.tolist())
    turns: set[tuple[str, int]] = set()
    for route in routes["birch_heldout"]:
        for before, lane in pairwise(route.lane.tolist()):
            rule = "signal" if before in lit else "stop" if before in signed else "other"
            if before != lane:
                turns.add((rule, int(lanes.turn[lane])))
    for turn in (Turn.LEFT, Turn.STRAIGHT, Turn.RIGHT):
        assert {("signal", int(turn)), ("stop", int(turn)), ("other", int(turn))} <= turns
    together = np.concatenate([route.lane for route in routes["birch_heldout"]])
    assert ((lanes.left[together] >= 0) & (lanes.junction[together] < 0)).any()
    slopes = [np.gradient(r.points[:, 2], r.s_m) for r in routes["birch_heldout"]]
    assert max(np.abs(slope).max() for slope in slopes) > 0.05


def test_training_routes_pass_every_driving_lane(routes, networks):
    assert len(routes["alder_train"]) == 24
    driven = set(np.concatenate([route.lane for route in routes["alder_train"]]).tolist())
    driving = set(np.flatnonzero(networks["alder"].lanes.kind == LaneKind.DRIVING).tolist())
    assert driving <= driven


def test_no_training_route_is_held_out(routes):
    ids = [route.route_id for some in routes.values() for route in some]
    assert len(set(ids)) == len(ids)
    assert {r.town for r in routes["alder_train"]}.isdisjoint(
        r.town for r in routes["birch_heldout"]
    )


def test_a_route_of_another_town_is_refused(networks):
    with pytest.raises(UserError, match="is for birch, the open town is alder"):
        to_route(route_set("birch_heldout")[0], networks["alder"])


def test_an_unknown_set_gets_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'birch_heldout'"):
        route_set("birch_held_out")
