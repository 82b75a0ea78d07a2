"""States of bodies: strides of walkers, open doors, people without a face of their own."""

import dataclasses

import numpy as np
import pytest

from symdrive.sensors.bodies import PHASES, bodies
from symdrive.sensors.body_people import STRIDE_SHARE
from symdrive.sensors.camera import render_cameras
from symdrive.sensors.figures import figures, figures_of, looks_of, stretch_of
from symdrive.world.catalogue import MODEL_ROW, MODELS, ActorKind
from symdrive.world.rig import CameraSpec
from symdrive.world.truth import VehicleDoor

ADULT, SEDAN = MODEL_ROW["walker.pedestrian.0001"], MODEL_ROW["vehicle.lincoln.mkz_2020"]
CARS = [row for row, model in enumerate(MODELS) if model.kind == ActorKind.CAR]
PEOPLE = [row for row, model in enumerate(MODELS) if model.kind == ActorKind.PEDESTRIAN]


def walkers(actors_of, walked, speed: float = 1.4, model: int = ADULT):
    actors = actors_of([(0.0, 0.0, 0.0)] * len(walked), model=model)
    return dataclasses.replace(
        actors, speed=np.full(len(walked), speed), walked_m=np.asarray(walked, dtype=np.float64)
    )


def test_a_body_at_rest_is_the_first_figure_of_its_model(actors_of):
    others = [row for row in range(len(MODELS)) if row not in PEOPLE]
    actors = actors_of([(0.0, 0.0, 0.0)] * len(others), model=others)
    np.testing.assert_array_equal(figures_of(actors), others)
    assert figures()[: len(MODELS)] == bodies()


def test_a_walker_goes_through_all_steps_of_a_stride_and_begins_again(actors_of):
    stride = STRIDE_SHARE * 2.0 * MODELS[ADULT].half_extent[2]
    walked = (np.arange(2 * PHASES) + 0.5) / PHASES * stride
    shown = figures_of(walkers(actors_of, walked))
    assert len(set(shown[:PHASES].tolist())) == PHASES
    np.testing.assert_array_equal(shown[:PHASES], shown[PHASES:])


def test_a_walker_that_stands_has_its_feet_together(actors_of):
    still = walkers(actors_of, [3.3, 7.1], speed=0.0)
    assert len(set(figures_of(still).tolist())) == 1
    assert figures_of(still)[0] not in figures_of(walkers(actors_of, np.linspace(0, 3, 40)))
    standing, striding = figures()[figures_of(still)[0]], bodies()[ADULT]
    low = [body.vertices[body.vertices[:, 2] < 0.15][:, 0] for body in (standing, striding)]
    assert np.ptp(low[0]) < 0.7 * np.ptp(low[1])


def test_feet_stay_on_the_ground_and_one_leaves_it_in_between(actors_of):
    heights: list[float] = []
    for figure in set(figures_of(walkers(actors_of, np.linspace(0.0, 3.0, 60))).tolist()):
        _, y, z = figures()[figure].vertices.T
        feet = [float(z[side * y > 0.01].min()) for side in (1.0, -1.0)]
        assert min(feet) == pytest.approx(0.0, abs=1e-9)
        heights.append(max(feet))
    assert max(heights) > 0.05
    assert min(heights) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("row", PEOPLE, ids=lambda row: MODELS[row].name)
def test_every_step_stays_within_the_box(row, actors_of):
    walked = np.linspace(0.0, 3.0, 60)
    actors = walkers(actors_of, walked, model=row)
    half = np.array(MODELS[row].half_extent)
    for figure, stretch in zip(figures_of(actors), stretch_of(actors), strict=True):
        vertices = figures()[figure].vertices * stretch
        assert (np.abs(vertices[:, :2]) <= half[:2] + 1e-5).all()
        assert vertices[:, 2].min() > -1e-5
        assert vertices[:, 2].max() == pytest.approx(2 * half[2])


def test_walkers_without_a_face_of_their_own_look_different(actors_of):
    for name, count in (("walker.adult", 8), ("walker.child", 4)):
        actors = walkers(actors_of, np.zeros(16), model=MODEL_ROW[name])
        assert len(set(looks_of(actors).tolist())) == count
        np.testing.assert_array_equal(looks_of(actors)[:8], looks_of(actors)[8:])
    named = walkers(actors_of, np.zeros(16))
    assert set(looks_of(named).tolist()) == {ADULT}


@pytest.mark.parametrize("row", CARS, ids=lambda row: MODELS[row].name)
def test_open_doors_stick_out_on_their_side(row, actors_of):
    left, right = VehicleDoor.FRONT_LEFT, VehicleDoor.FRONT_RIGHT
    sets = (0, left, right, left | right)
    actors = dataclasses.replace(
        actors_of([(0.0, 0.0, 0.0)] * 4, model=row), doors=np.array([int(doors) for doors in sets])
    )
    wide = MODELS[row].half_extent[1]
    for doors, figure in zip(sets, figures_of(actors), strict=True):
        y = figures()[figure].vertices[:, 1]
        assert (y.max() > wide + 0.25) == bool(doors & left)
        assert (y.min() < -wide - 0.25) == bool(doors & right)
        assert len(figures()[figure].faces) < 1200


def test_an_open_door_is_seen_and_belongs_to_its_car(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (14, 0, 0)])
    ajar = dataclasses.replace(actors, doors=np.array([0, int(VehicleDoor.FRONT_LEFT)]))
    spec = CameraSpec("front", (0.0, 0.0, 1.5), 0.0, 320, 240, 1.2)
    seen = []
    for shown in (actors, ajar):
        frames = render_cameras(scene_of(shown), [spec], np.zeros(3), 0.0, 0.0, skip_row=0)
        seen.append(np.nonzero(frames["front"].labels.instance == 2)[1])
    assert seen[1].min() < seen[0].min() - 5
    assert seen[1].max() == seen[0].max()
