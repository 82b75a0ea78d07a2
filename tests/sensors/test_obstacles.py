import dataclasses
import math

import pytest

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.obstacles import probe
from symdrive.world.rig import ObstacleSpec

WALL = ((12.0, 0.0, 5.0), (0.5, 20.0, 5.0), SemanticClass.BUILDING)
FAR = ObstacleSpec(position=(2.5, 0.0, 1.0), distance_m=30.0)


@pytest.fixture
def look(actors_of, truth_of, scene_of):
    def run(spec, places=((0, 0, 0),), boxes=(WALL,), **pose):
        actors = actors_of(list(places), **pose)
        return probe(scene_of(actors, boxes), spec, truth_of(actors), skip_row=0)

    return run


def test_the_ball_stops_its_radius_before_a_wall(look):
    reading = look(FAR)
    assert reading.other_id == 0
    assert reading.distance_m == pytest.approx(11.5 - 2.5 - 0.5, abs=1e-3)


def test_nothing_ahead_is_no_reading(look):
    assert look(dataclasses.replace(FAR, distance_m=5.0)) is None
    assert look(FAR, yaw=math.pi) is None


def test_actors_are_named(look):
    reading = look(FAR, [(0, 0, 0), (9, 0.9, 0)])
    assert reading.other_id == 2
    assert reading.distance_m < 4.5


def test_the_ball_touches_what_a_ray_would_miss(look):
    post = ((8.0, 0.4, 1.0), (0.05, 0.05, 1.0), SemanticClass.POLE)
    reading = look(FAR, boxes=(post,))
    # A ball of 0.5 m meets the near edge, 0.35 m aside, sqrt(0.5^2 - 0.35^2) before its centre.
    assert reading.distance_m == pytest.approx(7.95 - 2.5 - math.sqrt(0.25 - 0.1225), abs=0.06)
    assert look(dataclasses.replace(FAR, hit_radius_m=0.1), boxes=(post,)) is None


def test_only_dynamics_passes_through_the_town(look):
    spec = dataclasses.replace(FAR, only_dynamics=True)
    assert look(spec) is None
    assert look(spec, [(0, 0, 0), (20, 0, 0)]).other_id == 2
