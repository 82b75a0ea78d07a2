import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from symdrive.core import geometry

ANGLES = st.floats(-50, 50)
METRES = st.floats(-200, 200)


@given(ANGLES)
def test_wrapping_keeps_the_direction(angle):
    wrapped = geometry.wrap(angle)
    assert -np.pi <= wrapped < np.pi
    assert np.cos(wrapped) == pytest.approx(np.cos(angle), abs=1e-9)
    assert np.sin(wrapped) == pytest.approx(np.sin(angle), abs=1e-9)


@given(METRES, METRES, METRES, METRES, ANGLES)
def test_local_and_world_are_inverse(x, y, ox, oy, yaw):
    point, origin = np.array([[x, y]]), np.array([ox, oy])
    back = geometry.to_world(geometry.to_local(point, origin, yaw), origin, yaw)
    np.testing.assert_allclose(back, point, atol=1e-8)


def test_left_is_positive_y():
    local = geometry.to_local(np.array([[0.0, 5.0]]), np.zeros(2), 0.0)
    np.testing.assert_allclose(local, [[0.0, 5.0]])
    turned = geometry.to_local(np.array([[-5.0, 0.0]]), np.zeros(2), np.pi / 2)
    np.testing.assert_allclose(turned, [[0.0, 5.0]], atol=1e-12)


@given(METRES, METRES, ANGLES, st.floats(0.2, 8), st.floats(0.2, 8), ANGLES)
def test_box_overlap_agrees_with_shapely(x, y, yaw, length, width, other_yaw):
    x, y = x / 20, y / 20
    a = geometry.box_corners(np.array([[x, y]]), np.array([yaw]), np.array([[length, width]]))
    b = geometry.box_corners(np.zeros((1, 2)), np.array([other_yaw]), np.array([[2.4, 1.0]]))
    polygons = shapely.Polygon(a[0]), shapely.Polygon(b[0])
    gap = polygons[0].distance(polygons[1])
    area = polygons[0].intersection(polygons[1]).area
    if gap > 1e-6 or area > 1e-6:  # a bare touch may fall either way
        assert bool(geometry.boxes_overlap(a, b)[0]) == (area > 1e-6)


def test_nearest_on_polyline_is_signed_to_the_left():
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    assert geometry.nearest_on_polyline(line, np.array([3.0, 2.0])) == (0, pytest.approx(0.3), 2.0)
    index, fraction, gap = geometry.nearest_on_polyline(line, np.array([11.0, 5.0]))
    assert (index, fraction, gap) == (1, pytest.approx(0.5), pytest.approx(-1.0))


def test_resampling_keeps_ends_and_spacing():
    line = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.3]])
    points = geometry.resample(line, 0.5)
    np.testing.assert_allclose(points[[0, -1]], line[[0, -1]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.max() < 0.55
    assert geometry.arc_length(line)[-1] == pytest.approx(7.3)


def test_ranges_gather_rows():
    rows = geometry.ranges(np.array([5, 0, 9]), np.array([2, 3, 0]))
    assert rows.tolist() == [5, 6, 0, 1, 2]


def test_heading_of_a_polyline():
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    np.testing.assert_allclose(geometry.polyline_yaw(line), np.pi / 4)
