"""Rigs at the edge of what is allowed: they read, and what they read is finite."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.world.rig import (
    CameraSpec,
    GnssSpec,
    ImuSpec,
    LidarSpec,
    ObstacleSpec,
    RadarSpec,
    Rig,
    SemanticLidarSpec,
)

ANGLE = st.floats(-1e6, 1e6)
PLACE = st.one_of(st.floats(-1e3, 1e3), st.just(0.0))
MOUNT = {"position": st.tuples(PLACE, PLACE, PLACE), "yaw": ANGLE, "pitch": ANGLE, "roll": ANGLE}
FOV = st.floats(1e-3, math.pi - 1e-3)
REACH = st.floats(1e-6, 1e4)
BEAMS = {
    "channels": st.integers(1, 9),
    "columns": st.integers(1, 40),
    "range_m": REACH,
    "lower": st.floats(-math.pi / 2, 0.0),
    "upper": st.floats(0.0, math.pi / 2),
    "horizontal_fov": st.floats(1e-6, 2 * math.pi),
    "turn": st.floats(1e-6, 1e6),
}
SHARE = st.floats(0.0, 1.0)


def one(spec: type, **fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(spec, **fields).map(lambda made: (made,))


RIGS = st.builds(
    Rig,
    st.just("odd"),
    one(
        CameraSpec,
        name=st.just("camera"),
        width=st.integers(4, 40),
        height=st.integers(4, 40),
        fov=FOV,
        **MOUNT,
    ),
    one(
        LidarSpec,
        name=st.just("lidar"),
        dropoff=st.floats(0.0, 0.999),
        noise_m=st.floats(0.0, 10.0),
        attenuation_per_m=st.floats(0.0, 10.0),
        dropoff_limit=SHARE,
        dropoff_zero=SHARE,
        **BEAMS,
        **MOUNT,
    ),
    radars=one(
        RadarSpec,
        name=st.just("radar"),
        points=st.integers(1, 60),
        horizontal_fov=FOV,
        vertical_fov=FOV,
        range_m=REACH,
        **MOUNT,
    ),
    semantic_lidars=one(SemanticLidarSpec, name=st.just("labelled"), **BEAMS, **MOUNT),
    obstacles=one(
        ObstacleSpec, name=st.just("ball"), distance_m=REACH, hit_radius_m=REACH, **MOUNT
    ),
    gnss=st.builds(
        GnssSpec, origin=st.tuples(st.floats(-85, 85), st.floats(-180, 180), st.floats(-500, 9000))
    ),
    imu=st.builds(ImuSpec, **MOUNT),
    collision=st.just(value=True),
    lane_invasion=st.just(value=True),
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return []


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(RIGS)
def test_whatever_is_allowed_can_be_read(scenes, town_of, actors_of, truth_of, rig):
    if not scenes:
        scenes.append(Scene(town_of()))
    truth = truth_of(actors_of([(0, 0, 0), (9, 1, 0), (-6, 4, 0)], yaw=[0.2, 1.0, 3.0]))
    seen, evidence = SensorSuite(scenes[0], rig).sense(truth, 1)
    assert seen.imu is not None
    arrays = [seen.lidar, seen.position, *seen.radar.values(), seen.imu.acceleration]
    arrays += [evidence.labels["camera"].depth_m, evidence.semantic_lidar["labelled"].xyz]
    assert all(np.isfinite(array).all() for array in arrays)
    assert 0 <= evidence.pixels.sum() <= rig.cameras[0].width * rig.cameras[0].height
    assert evidence.radar_points is not None
    assert evidence.radar_points.sum() <= rig.radars[0].points
