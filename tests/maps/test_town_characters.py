"""Our own towns as baked: what makes each of them what it is, and that one can drive everywhere."""

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.network import Network
from symdrive.maps.open import list_towns, open_town
from symdrive.maps.scenery.cover import Cover
from symdrive.maps.town import LaneKind, Marking, Town, Turn

OWN = ("alder", "birch", "cedar", "dogwood", "elm", "fir")
SOLID = (
    SemanticClass.BUILDING,
    SemanticClass.VEGETATION,
    SemanticClass.FENCE,
    SemanticClass.WALL,
    SemanticClass.POLE,
)


@pytest.fixture(scope="module", params=OWN)
def town(request) -> Town:
    return open_town(request.param)


def driving(town: Town) -> np.ndarray:
    return np.flatnonzero(town.lanes.kind == LaneKind.DRIVING)


def links(town: Town, *, changes: bool) -> coo_matrix:
    """Driving lanes that lead to each other, along the road or by a lane change."""
    lanes = town.lanes
    one = np.repeat(np.arange(len(lanes)), np.diff(lanes.next_start))
    other = lanes.next_lane
    if changes:
        beside = [
            np.flatnonzero(lanes.may_change_left & (lanes.junction < 0)),
            np.flatnonzero(lanes.may_change_right & (lanes.junction < 0)),
        ]
        one = np.concatenate([one, *beside])
        other = np.concatenate([other, lanes.left[beside[0]], lanes.right[beside[1]]])
    return coo_matrix((np.ones(len(one)), (one, other)), shape=(len(lanes), len(lanes)))


def test_all_ship():
    assert list_towns() == list(OWN)


def test_every_driving_lane_leads_to_every_other(town):
    _, label = connected_components(links(town, changes=True), directed=True, connection="strong")
    assert len(set(label[driving(town)].tolist())) == 1


def test_no_driving_lane_begins_or_ends_in_nothing(town):
    lanes = town.lanes
    for lane in driving(town).tolist():
        assert len(lanes.successors(lane)), (lanes.road[lane], lanes.lane_id[lane])
        assert len(lanes.predecessors(lane)), (lanes.road[lane], lanes.lane_id[lane])


def test_random_routes_are_found(town):
    network = Network(town)
    for seed in range(10):
        route = network.random_route(generator(seed, "route"), 400.0, f"r{seed}")
        assert route.length_m > 350.0
        steps = np.linalg.norm(np.diff(route.points, axis=0), axis=1)
        assert steps.max() < 2.0


def test_no_road_has_a_step_or_a_cliff(town):
    lanes = town.lanes
    inner = np.ones(len(lanes.points) - 1, dtype=bool)
    inner[lanes.start[1:-1] - 1] = False
    step = np.diff(lanes.points, axis=0)[inner]
    slope = np.abs(step[:, 2]) / np.maximum(np.linalg.norm(step[:, :2], axis=1), 1e-6)
    assert slope.max() < 0.1


def test_nothing_solid_stands_on_a_lane(town):
    """Above a lane there is nothing between bumper and roof."""
    mesh, lanes = town.mesh, town.lanes
    faces = mesh.vertices[mesh.faces[np.isin(mesh.semantic, [int(k) for k in SOLID])]]
    cover = Cover.from_lanes(lanes)
    middle = faces.mean(axis=1)
    hit, _ = cover.roads.query(shapely.points(middle[:, :2]), predicate="within")
    above = middle[hit, 2] - town.ground.height(middle[hit, :2].astype(np.float64))
    assert not ((above > 0.3) & (above < 4.0)).any()


def test_signals_face_the_lanes_that_they_stop(town):
    signals, lanes = town.signals, town.lanes
    for row in range(len(signals)):
        stops = signals.stop_lane[signals.stop_start[row] : signals.stop_start[row + 1]]
        assert len(stops)
        for lane in stops.tolist():
            end = lanes.start[lane + 1] - 1
            facing = np.cos(signals.yaw[row] - lanes.yaw[end])
            assert facing < -0.95
            away = signals.position[row, :2] - lanes.points[end, :2]
            right = np.sin(lanes.yaw[end]) * away[0] - np.cos(lanes.yaw[end]) * away[1]
            assert right > lanes.width_m[end] / 2


def test_cedar_is_a_city_of_avenues():
    cedar = open_town("cedar")
    lanes = cedar.lanes
    three = [
        lane
        for lane in driving(cedar).tolist()
        if lanes.left[lane] >= 0 and lanes.right[lane] >= 0 and lanes.junction[lane] < 0
    ]
    assert lanes.length_m[three].sum() > 400.0
    assert lanes.may_change_left[three].all()
    assert len(set(cedar.signals.junction.tolist())) >= 6


def test_dogwood_is_a_motorway_with_ramps_and_merges():
    dogwood = open_town("dogwood")
    lanes = dogwood.lanes
    fast = driving(dogwood)[lanes.speed_limit_mps[driving(dogwood)] > 80.0 / 3.6]
    outside = fast[lanes.junction[fast] < 0]
    assert lanes.length_m[outside].sum() > 6000.0
    spans = [(int(lanes.start[k]), int(lanes.start[k + 1])) for k in outside.tolist()]
    rows = np.concatenate([np.arange(first, end) for first, end in spans])
    assert lanes.width_m[rows].min() >= 3.5
    assert set(lanes.marking_left[rows].tolist()) == {Marking.SOLID_YELLOW, Marking.BROKEN_WHITE}
    merges = [
        lane
        for lane in driving(dogwood).tolist()
        if lanes.junction[lane] >= 0 and lanes.priority[lane] == 1 and lanes.length_m[lane] > 100
    ]
    assert len(merges) == 3  # the fourth ramp goes on as a lane of its own
    widths = {int((lanes.road[outside] == road).sum()) for road in lanes.road[outside]}
    assert widths == {2, 3}
    high = lanes.points[:, 2] > dogwood.ground.height(lanes.points[:, :2]) + 4.0
    assert high.sum() > 50  # bridges over the carriageways


@pytest.mark.parametrize(("name", "arms"), [("elm", [4, 3, 3]), ("dogwood", [4])])
def test_roundabouts_give_the_ring_the_right_of_way(name, arms):
    town = open_town(name)
    lanes = town.lanes
    rings = [
        lane
        for lane in driving(town).tolist()
        if lanes.junction[lane] < 0
        and abs(np.median(lanes.width_m[lanes.slice_of(lane)]) - 4.5) < 0.01
    ]
    assert len(rings) == sum(arms)
    for lane in rings:
        turned = np.diff(np.unwrap(lanes.yaw[lanes.slice_of(lane)]))
        assert turned.mean() > 0.0  # counter-clockwise
        entries = lanes.predecessors(lane)
        assert sorted(lanes.priority[entries].tolist()) == [1, 2]
        along = entries[lanes.priority[entries] == 2][0]
        assert int(lanes.predecessors(int(along))[0]) in rings


def test_elm_has_rural_roads_over_hills():
    elm = open_town("elm")
    lanes = elm.lanes
    rural = driving(elm)[lanes.speed_limit_mps[driving(elm)] > 65.0 / 3.6]
    assert lanes.length_m[rural].sum() > 1500.0
    assert np.ptp(lanes.points[:, 2]) > 15.0


def test_fir_is_narrow_and_lined_with_parked_cars():
    fir = open_town("fir")
    lanes = fir.lanes
    rows = np.flatnonzero(np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start)))
    assert lanes.width_m[rows].max() < 2.8
    parking = lanes.length_m[lanes.kind == LaneKind.PARKING].sum()
    assert (
        parking
        > 0.25 * lanes.length_m[(lanes.kind == LaneKind.DRIVING) & (lanes.turn == Turn.NONE)].sum()
    )
