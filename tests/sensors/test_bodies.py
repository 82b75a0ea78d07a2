import numpy as np
import pytest

from symdrive.sensors.bodies import bodies
from symdrive.sensors.scene import face_normals
from symdrive.sensors.solids import FaceRole, ball, box, loft, ring_wheel, tube, wedge
from symdrive.world.catalogue import MODELS, VEHICLE_KINDS, ActorKind

NAMED = [pytest.param(k, id=model.name) for k, model in enumerate(MODELS)]


@pytest.mark.parametrize("row", NAMED)
def test_bodies_fill_the_box_that_the_truth_gives(row):
    body, half = bodies()[row], np.array(MODELS[row].half_extent)
    np.testing.assert_allclose(body.vertices.min(axis=0), [-half[0], -half[1], 0.0], atol=1e-9)
    np.testing.assert_allclose(body.vertices.max(axis=0), [half[0], half[1], 2 * half[2]])


@pytest.mark.parametrize("row", NAMED)
def test_bodies_are_low_poly_and_sound(row):
    body = bodies()[row]
    assert len(body.faces) < 1200
    assert body.faces.min() == 0
    assert body.faces.max() < len(body.vertices)
    edges = np.linalg.norm(face_normals(body.vertices, body.faces), axis=1)
    assert (edges > 0.99).mean() > 0.98


@pytest.mark.parametrize("row", NAMED)
def test_bodies_carry_their_class_and_their_roles(row):
    body, model = bodies()[row], MODELS[row]
    assert model.semantic in body.semantic
    roles = set(np.unique(body.role))
    if model.kind in VEHICLE_KINDS:
        assert FaceRole.BRAKE in roles
        behind = body.vertices[body.faces[body.role == FaceRole.BRAKE]][..., 0]
        assert behind.max() < -0.85 * model.half_extent[0]
    if model.kind is not ActorKind.PROP:
        assert FaceRole.PAINT in roles


@pytest.mark.parametrize(
    "solid",
    [
        box((1.0, 2.0, 3.0), (0.5, 0.4, 0.3)),
        wedge((0.0, 0.0, 1.0), (0.5, 0.4, 0.3), (0.2, 0.1), 0.1),
        tube((0.0, 0.0, 0.0), (1.0, 1.0, 0.5), (0.2, 0.1)),
        ball((0.0, 1.0, 0.0), (0.3, 0.4, 0.5)),
        ring_wheel((0.0, 0.0, 0.3), 0.3, 0.05),
        loft([np.array([[x, 0, 0], [x, 1, 0], [x, 0, 1]]) for x in (1.0, 0.0)]),
    ],
)
def test_solids_are_closed_and_look_outward(solid):
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0
    directed = np.concatenate(
        [solid.faces[:, [0, 1]], solid.faces[:, [1, 2]], solid.faces[:, [2, 0]]]
    )
    forward = {tuple(edge) for edge in directed.tolist()}
    assert len(forward) == len(directed)
    assert forward == {(b, a) for a, b in forward}


def test_there_are_as_many_bodies_as_a_town_wants():
    vehicles = [model for model in MODELS if model.kind in VEHICLE_KINDS]
    people = [row for row, model in enumerate(MODELS) if model.kind == ActorKind.PEDESTRIAN]
    assert len(vehicles) >= 25
    assert len(people) >= 12
    assert len({bodies()[row].color.tobytes() for row in people}) == len(people)


def test_a_box_is_as_large_as_asked():
    solid = box((1.0, 2.0, 3.0), (0.5, 0.4, 0.3))
    np.testing.assert_allclose(solid.vertices.min(axis=0), [0.5, 1.6, 2.7])
    np.testing.assert_allclose(solid.vertices.max(axis=0), [1.5, 2.4, 3.3])
