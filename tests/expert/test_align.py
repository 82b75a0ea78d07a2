from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symdrive.core.semantics import SemanticClass
from symdrive.expert.align import FULL, NONE, Alignment, align
from symdrive.expert.occlusion import distance_to_junction, view_score
from symdrive.world.catalogue import ActorKind
from symdrive.world.evidence import CameraLabels, Evidence
from symdrive.world.rig import NANO_RIG

KINDS = [ActorKind.CAR, ActorKind.BICYCLE, ActorKind.PEDESTRIAN, ActorKind.PROP]


def crowd(kit, kinds, spread=20.0):
    bodies = [kit.Body(0.0, 0.0)]
    bodies += [kit.Body(spread * (i % 2), 3.0 * i, kind=k) for i, k in enumerate(kinds)]
    return bodies


def run(stage, bodies, pixels, points, alignment=FULL):
    truth = stage.truth(bodies)
    evidence = Evidence(np.array(pixels), np.array(points))
    return truth, align(truth, evidence, alignment, stage.town, stage.route)


def test_switched_off_it_is_the_whole_truth(straight, kit):
    bodies = [*crowd(kit, KINDS), kit.Body(500.0, 500.0)]
    truth, visible = run(straight, bodies, [0] * 6, [0] * 6, NONE)
    for name in truth.actors.__dataclass_fields__:
        assert np.array_equal(getattr(visible.actors, name), getattr(truth.actors, name)), name
    assert visible.hidden == 0
    assert visible.caution == type(visible.caution)()
    assert np.array_equal(visible.signal_state, truth.signal_state)


@pytest.mark.parametrize(
    ("kind", "pixels", "points", "seen"),
    [
        (ActorKind.CAR, 0, 0, False),
        (ActorKind.CAR, 4, 0, False),
        (ActorKind.CAR, 5, 0, True),
        (ActorKind.CAR, 0, 1, True),
        (ActorKind.CAR, -1, -1, True),
        (ActorKind.CAR, 0, -1, False),
        (ActorKind.CAR, -1, 0, False),
        (ActorKind.BICYCLE, 9, 0, False),
        (ActorKind.BICYCLE, 10, 0, True),
        (ActorKind.PEDESTRIAN, 14, 99, False),
        (ActorKind.PEDESTRIAN, 15, 0, True),
        (ActorKind.PEDESTRIAN, -1, 0, True),
        (ActorKind.PROP, 0, 0, True),
    ],
)
def test_thresholds(straight, kit, kind, pixels, points, seen):
    bodies = [kit.Body(0, 0), kit.Body(10, 3, kind=kind)]
    _, visible = run(straight, bodies, [0, pixels], [0, points])
    assert (len(visible.actors) == 2) is seen
    assert visible.hidden == int(not seen)


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [(65.9, 0, True), (66.1, 0, False), (-33.9, 0, True), (-34.1, 0, False), (0, 42.1, False)],
)
def test_horizon_turns_with_the_ego(straight, kit, x, y, inside):
    yaw = 2.0
    at = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ [x, y]
    bodies = [kit.Body(0, 0, yaw), kit.Body(*at)]
    _, visible = run(straight, bodies, [0, 999], [0, 999])
    assert (len(visible.actors) == 2) is inside


def test_the_ego_is_never_hidden(straight, kit):
    _, visible = run(straight, [kit.Body(0, 0)], [0], [0])
    assert len(visible.actors) == 1


COUNTS = hnp.arrays(np.int64, 9, elements=st.integers(0, 30))


@settings(max_examples=60, deadline=None)
@given(pixels=COUNTS, points=COUNTS, more=COUNTS)
def test_more_evidence_never_hides_more(straight, kit, pixels, points, more):
    bodies = crowd(kit, KINDS * 2)
    _, before = run(straight, bodies, pixels, points)
    _, after = run(straight, bodies, pixels + more, points + more[::-1])
    assert set(before.actors.actor_id) <= set(after.actors.actor_id)


@settings(max_examples=60, deadline=None)
@given(pixels=COUNTS, points=COUNTS, switch=st.integers(0, 3))
def test_each_visibility_switch_only_adds_actors(straight, kit, pixels, points, switch):
    name = ("horizon", "vehicle_evidence", "walker_evidence", "biker_evidence")[switch]
    bodies = [*crowd(kit, KINDS * 2)[:-1], kit.Body(200.0, 0.0)]
    _, full = run(straight, bodies, pixels, points)
    _, less = run(straight, bodies, pixels, points, replace(FULL, **{name: False}))
    assert set(full.actors.actor_id) <= set(less.actors.actor_id)


def test_parked_cars_are_counted_only_near_and_only_when_asked(straight, kit):
    bodies = [kit.Body(0, 0)]
    bodies += [kit.Body(x, 4, parked=True) for x in (-9, -7, 0, 31, 33)]
    bodies += [kit.Body(5, 11, parked=True), kit.Body(5, 4)]
    _, visible = run(straight, bodies, [9] * 8, [9] * 8)
    assert visible.caution.parked_near == 3
    _, blind = run(straight, bodies, [9] * 8, [9] * 8, replace(FULL, parked_caution=False))
    assert blind.caution.parked_near == 0


def test_night_is_passed_on_only_when_asked(straight, kit):
    truth = straight.truth([kit.Body(0, 0)])
    evidence = Evidence(np.array([0]), np.array([0]))
    for alignment, night in ((FULL, True), (replace(FULL, night_caution=False), False)):
        visible = align(truth, evidence, alignment, straight.town, straight.route, night=True)
        assert visible.caution.night is night


def test_senseless_thresholds_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Alignment(walker_pixels=0)
    with pytest.raises(ValueError, match="rise"):
        Alignment(horizon_x_m=(5.0, 5.0))


def street(camera, depth, semantic):
    shape = (camera.height, camera.width)
    return CameraLabels(
        np.full(shape, semantic, dtype=np.uint8),
        np.zeros(shape, dtype=np.uint16),
        np.full(shape, depth, dtype=np.float32),
    )


def ground(camera):
    """Depth of a flat road, sky above the horizon."""
    rows = (np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal_px
    depth = np.where(rows > 0.02, camera.position[2] / np.maximum(rows, 1e-6), 1000.0)
    labels = street(camera, 0.0, SemanticClass.ROAD)
    depth_m = np.repeat(depth[:, None], camera.width, axis=1).astype(np.float32)
    return CameraLabels(labels.semantic, labels.instance, depth_m)


def test_an_open_road_is_a_free_view_and_a_wall_is_none():
    camera = replace(NANO_RIG.cameras[1], height=192, pitch=0.0)
    assert view_score(camera, ground(camera)) > 0.5
    assert view_score(camera, street(camera, 8.0, SemanticClass.BUILDING)) == 0.0


def test_view_score_is_reach_times_share():
    # A plane at 24 m depth: what lies below 1 m is half road, half wall.
    camera = replace(NANO_RIG.cameras[1], position=(0.0, 0.0, 2.25), height=192, pitch=0.0)
    labels = street(camera, 24.0, SemanticClass.ROAD)
    labels.semantic[:, ::2] = SemanticClass.WALL
    reach = 24.0 / 48.0
    assert view_score(camera, labels) == pytest.approx(0.5 * reach, rel=0.15)


def test_occlusion_is_looked_at_only_near_a_junction(straight, kit):
    labels = {c.name: street(c, 8.0, SemanticClass.BUILDING) for c in NANO_RIG.cameras}
    evidence = Evidence(np.array([0]), np.array([0]), labels)
    seen = {}
    for x in (-60.0, -20.0, 0.0):
        truth = straight.truth([kit.Body(x, -1.75)])
        seen[x] = align(
            truth, evidence, FULL, straight.town, straight.route, rig=NANO_RIG
        ).caution.occluded_junction
    assert seen == {-60.0: False, -20.0: True, 0.0: False}
    off = replace(FULL, occlusion_caution=False)
    truth = straight.truth([kit.Body(-20.0, -1.75)])
    visible = align(truth, evidence, off, straight.town, straight.route, rig=NANO_RIG)
    assert not visible.caution.occluded_junction


def test_distance_to_junction(straight):
    at = [
        distance_to_junction(np.array([x, -1.75]), straight.town, straight.route)
        for x in (-50.0, 0.0, 50.0)
    ]
    assert at[0] == pytest.approx(41.0, abs=1.01)
    assert at[1] == 0.0
    assert np.isinf(at[2])
