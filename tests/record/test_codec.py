"""Codecs: what is lost, and that it is lost only once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from symdrive.record import codec

POINTS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 40), st.just(4)),
    elements=st.floats(-300, 300, width=32),
)


@given(POINTS)
def test_lidar_grid(points: np.ndarray) -> None:
    stored = codec.decode_lidar(codec.encode_lidar(points, 1))
    assert np.array_equal(stored, codec.quantise_lidar(points))
    assert np.array_equal(stored, codec.quantise_lidar(stored))
    assert np.all(np.abs(stored[:, :3] - points[:, :3]) <= 0.0051)
    assert np.all(np.abs(stored[:, 3] - points[:, 3].clip(0, 1)) <= 0.5 / 255 + 1e-6)


@pytest.mark.parametrize("bad", [np.nan, 328.0, -328.0])
def test_lidar_out_of_reach(bad: float) -> None:
    with pytest.raises(ValueError, match="beyond 327"):
        codec.encode_lidar(np.array([[bad, 0, 0, 0]], np.float32), 1)


def test_depth_is_the_area_average() -> None:
    depth = np.array([[0, 10, 20, 20], [10, 20, 20, 20], [1000, 50, 1, 1], [50, 60, 1, 1]], float)
    stored = codec.bytes_to_depth(codec.depth_to_bytes(depth, 2, 50.0), 50.0)
    assert np.allclose(stored, [[10, 20], [50, 1]], atol=50 / 255 / 2 + 1e-6)


def test_depth_of_an_odd_size() -> None:
    assert codec.depth_to_bytes(np.full((22, 30), 25.0, np.float32), 4, 50.0).shape == (6, 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_planes_lose_nothing(dtype: type[np.generic]) -> None:
    plane = (np.arange(12 * 7).reshape(7, 12) * 3).astype(dtype)
    assert np.array_equal(codec.decode_plane(codec.encode_plane(plane, 1), 12, dtype), plane)


def test_jpeg_keeps_a_small_lamp() -> None:
    """Three red pixels on grey stay red: colour is stored at full resolution."""
    image = np.full((32, 32, 3), 90, np.uint8)
    image[15:17, 14:17] = (230, 30, 30)
    lamp = codec.as_recorded(image, 90)[15:17, 14:17].astype(int)
    assert np.all(lamp[..., 0] - lamp[..., 1] > 120)
