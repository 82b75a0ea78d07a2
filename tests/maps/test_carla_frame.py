import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symdrive.maps.carla_frame import (
    from_carla_xyz,
    from_carla_yaw_deg,
    to_carla_xyz,
    to_carla_yaw_deg,
)

COORDINATE = st.floats(-1e4, 1e4)


@given(COORDINATE, COORDINATE, COORDINATE)
def test_places_come_back(x: float, y: float, z: float):
    there = to_carla_xyz(np.array([[x, y, z]]))
    assert np.array_equal(from_carla_xyz(there), [[x, y, z]])
    assert there[0, 1] == -y
    assert there[0, 0] == x


@given(st.floats(-3.14, 3.14))
def test_headings_come_back(yaw: float):
    assert np.isclose(from_carla_yaw_deg(to_carla_yaw_deg(np.array([yaw])))[0], yaw)


def test_a_right_turn_in_carla_is_a_right_turn_here():
    assert np.allclose(from_carla_yaw_deg(np.array([90.0, -90.0])), [-np.pi / 2, np.pi / 2])


@given(st.floats(-1000.0, 1000.0), COORDINATE, COORDINATE)
def test_a_step_ahead_is_a_step_ahead_in_both_frames(yaw_deg: float, x: float, y: float):
    there = np.array([x, y, 0.0])
    ahead = np.array([np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg)), 0.0])
    yaw = from_carla_yaw_deg(np.array([yaw_deg]))[0]
    step = from_carla_xyz(there + ahead) - from_carla_xyz(there)
    assert np.allclose(step[:2], [np.cos(yaw), np.sin(yaw)], atol=1e-6)
