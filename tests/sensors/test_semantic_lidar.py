import numpy as np
import pytest

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.mount import ego_pose
from symdrive.sensors.semantic_lidar import SemanticScanner
from symdrive.world.rig import SemanticLidarSpec

FLOOR = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
WALL = ((30.0, 0.0, 5.0), (0.5, 20.0, 5.0), SemanticClass.BUILDING)
SPEC = SemanticLidarSpec(channels=32, columns=402)


@pytest.fixture
def points(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (12, 0, 0), (6, 8, 0)], model=[0, 0, 10], yaw=[0.3, 0.2, 1.0])
    scanner = SemanticScanner(scene_of(actors, (FLOOR, WALL)))
    return scanner.scan(SPEC, actors, ego_pose(actors), 0, skip_row=0)


def world(xyz: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(0.3), np.sin(0.3)
    return np.stack([cos * xyz[:, 0] - sin * xyz[:, 1], sin * xyz[:, 0] + cos * xyz[:, 1]], axis=1)


def test_class_and_actor_are_those_of_the_surface(points):
    on_floor = np.abs(points.xyz[:, 2]) < 0.01
    town = points.actor_id == 0
    on_wall = np.abs(world(points.xyz)[:, 0] - 29.5) < 0.01
    assert (points.semantic[town & on_wall & ~on_floor] == SemanticClass.BUILDING).all()
    assert (points.semantic[town & on_floor & ~on_wall] == SemanticClass.ROAD).all()
    assert set(points.semantic[points.actor_id == 2]) == {SemanticClass.CAR}
    assert set(points.semantic[points.actor_id == 3]) == {SemanticClass.PEDESTRIAN}
    away = world(points.xyz[points.actor_id == 3]) - np.array([6.0, 8.0])
    assert np.hypot(*away.T).max() < 0.5


def test_the_cosine_of_incidence_is_that_of_the_geometry(points):
    ray = points.xyz - np.array(SPEC.position)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    on_floor = (points.semantic == SemanticClass.ROAD) & (np.abs(points.xyz[:, 2]) < 0.01)
    np.testing.assert_allclose(points.cos_incidence[on_floor], -ray[on_floor, 2], atol=1e-4)
    on_wall = points.semantic == SemanticClass.BUILDING
    forward = np.cos(0.3) * ray[on_wall, 0] - np.sin(0.3) * ray[on_wall, 1]
    np.testing.assert_allclose(points.cos_incidence[on_wall], forward, atol=1e-4)
    assert points.cos_incidence.min() >= 0.0
    assert points.cos_incidence.max() <= 1.0 + 1e-6
