"""Waypoints and route points, straight and shifted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symdrive.features.inputs import EGO_VIEW, ViewPose
from symdrive.features.planning_labels import route_points, waypoints


def test_waypoints_are_a_quarter_second_apart_and_left_is_positive() -> None:
    seconds = np.arange(60) * 0.05
    ticks = {"x": 7.0 - 2.0 * seconds, "y": 4.0 * seconds, "yaw": np.full(60, np.pi / 2)}
    ahead = waypoints(ticks, 10, 8, EGO_VIEW)
    np.testing.assert_allclose(ahead[:, 0], 4.0 * 0.25 * np.arange(1, 9))
    np.testing.assert_allclose(ahead[:, 1], 2.0 * 0.25 * np.arange(1, 9))


def test_route_points_start_at_two_and_a_half_metres_and_are_a_metre_apart() -> None:
    path = np.stack([np.arange(2.5, 22.5), np.zeros(20)], axis=1)
    np.testing.assert_allclose(
        route_points(path, 10, EGO_VIEW), np.stack([np.arange(2.5, 12.5), np.zeros(10)], axis=1)
    )


def test_a_short_path_goes_straight_on() -> None:
    points = route_points(np.array([[1.0, 0.0], [3.0, 0.0]]), 10, EGO_VIEW)
    np.testing.assert_allclose(points[:, 0], np.arange(2.5, 12.5))
    np.testing.assert_allclose(points[:, 1], 0.0, atol=1e-12)


def test_a_rig_to_the_left_sees_the_path_to_its_right() -> None:
    path = np.stack([np.arange(2.5, 22.5), np.zeros(20)], axis=1)
    left = route_points(path, 10, ViewPose(lateral_m=1.0))
    assert (left[:, 1] < -0.9).all()
    turned = route_points(path, 10, ViewPose(yaw=0.2))
    np.testing.assert_allclose(np.arctan2(turned[:, 1], turned[:, 0]), -0.2, atol=1e-9)


def test_a_path_out_of_reach_begins_where_it_begins() -> None:
    path = np.stack([np.arange(0.0, 20.0), np.full(20, 4.0)], axis=1)
    points = route_points(path, 5, EGO_VIEW)
    np.testing.assert_allclose(points[0], [0.0, 4.0])
    np.testing.assert_allclose(np.diff(points[:, 0]), 1.0)


@given(
    curvature=st.floats(-0.15, 0.15),
    lateral=st.floats(-1.0, 1.0),
    yaw=st.floats(-0.22, 0.22),
)
def test_distances_hold_on_any_curve_and_view(curvature: float, lateral: float, yaw: float) -> None:
    s = np.arange(2.5, 22.5)
    angle = curvature * s
    path = np.stack([s * np.sinc(angle / np.pi), s * np.sinc(angle / 2 / np.pi) ** 2 * angle / 2])
    points = route_points(path.T.copy(), 10, ViewPose(lateral, yaw))
    assert np.isfinite(points).all()
    assert abs(np.linalg.norm(points[0]) - 2.5) < 1e-6
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 1.0, atol=1e-6)
