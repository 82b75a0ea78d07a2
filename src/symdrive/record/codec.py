"""Pictures, planes and points to bytes and back.

JPEG and the LiDAR grid lose a little. A driver that was trained on recorded frames sends its live
readings through `as_recorded` and `quantise_lidar` first, so that both look the same.
"""

import threading

import cv2
import numpy as np
import simplejpeg
import zstandard
from jaxtyping import Float, UInt8, UInt16

from symdrive.world.observation import RadarPoints

Encoded = bytes | memoryview
"""Bytes, or where they lie in a mapped file."""

LIDAR_STEP_M = 0.01
"""Grid of stored LiDAR coordinates; a 16-bit integer then reaches 327.67 m."""

LIDAR_REACH_M = 32767 * LIDAR_STEP_M
"""Longest coordinate that can be stored."""


RADAR_STEP = np.array([1e-4, 1e-4, 0.01, 0.01], dtype=np.float32)
"""Grid of stored radar detections: azimuth and altitude in rad, depth in m, velocity in m/s."""


class _Decompressor(threading.local):
    """One a thread: making one takes as long as decoding a small plane, and sharing is not safe."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdDecompressor()


_DECOMPRESSOR = _Decompressor()


def _decompress(data: Encoded) -> bytes:
    """What a zstd frame holds."""
    return _DECOMPRESSOR.zstd.decompress(data)


def encode_jpeg(image: UInt8[np.ndarray, "height width 3"], quality: int) -> bytes:
    """RGB picture to JPEG; colour at full resolution, for a lamp is few pixels wide."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image),
        quality=quality,
        colorspace="RGB",
        colorsubsampling="444",
        fastdct=False,
    )


def decode_jpeg(data: Encoded) -> UInt8[np.ndarray, "height width 3"]:
    """JPEG to RGB picture."""
    return simplejpeg.decode_jpeg(data, colorspace="RGB", fastdct=False, fastupsample=False)


def as_recorded(
    image: UInt8[np.ndarray, "height width 3"], quality: int
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture as a recorded frame would give it back."""
    return decode_jpeg(encode_jpeg(image, quality))


def encode_lidar(points: Float[np.ndarray, "point 4"], level: int) -> bytes:
    """LiDAR points on the centimetre grid, column by column, zstd.

    Args:
        points: x, y, z in m and intensity in [0, 1].
        level: of zstd.

    Raises:
        ValueError: for a coordinate beyond `LIDAR_REACH_M` (or NaN).
    """
    grid, intensity = _lidar_grid(points)
    raw = np.ascontiguousarray(grid.T).tobytes() + intensity.tobytes()
    return zstandard.ZstdCompressor(level=level).compress(raw)


def decode_lidar(data: Encoded) -> Float[np.ndarray, "point 4"]:
    """Points as `encode_lidar` stored them, float32."""
    raw = _decompress(data)
    count = len(raw) // 7
    grid = np.frombuffer(raw, dtype="<i2", count=3 * count).reshape(3, count)
    return _lidar_points(grid.T, np.frombuffer(raw, dtype=np.uint8, offset=6 * count))


def quantise_lidar(points: Float[np.ndarray, "point 4"]) -> Float[np.ndarray, "point 4"]:
    """The points as a recorded frame would give them back; applying it twice changes nothing."""
    return _lidar_points(*_lidar_grid(points))


def _lidar_grid(
    points: Float[np.ndarray, "point 4"],
) -> tuple[np.ndarray, UInt8[np.ndarray, " point"]]:
    """Centimetres as 16-bit integers, intensity as bytes."""
    steps = np.rint(points[:, :3] / LIDAR_STEP_M)
    if not np.all(np.abs(steps) <= 32767):
        raise ValueError(f"a LiDAR coordinate is NaN or beyond {LIDAR_REACH_M} m")
    intensity = np.rint(np.clip(points[:, 3], 0.0, 1.0) * 255)
    return steps.astype("<i2"), intensity.astype(np.uint8)


def _lidar_points(
    grid: np.ndarray, intensity: UInt8[np.ndarray, " point"]
) -> Float[np.ndarray, "point 4"]:
    """Float32 points from the grid; they lie column by column, as the stored ones do."""
    columns = np.empty((4, len(grid)), dtype=np.float32)
    np.multiply(grid.T, np.float32(LIDAR_STEP_M), out=columns[:3])
    np.multiply(intensity, np.float32(1 / 255), out=columns[3])
    return columns.T


def encode_radar(points: RadarPoints, level: int) -> bytes:
    """Radar detections on their grid (`RADAR_STEP`), column by column, zstd.

    Args:
        points: azimuth, altitude, depth, velocity.
        level: of zstd.

    Raises:
        ValueError: for a number beyond the grid (or NaN).
    """
    raw = np.ascontiguousarray(_radar_grid(points).T).tobytes()
    return zstandard.ZstdCompressor(level=level).compress(raw)


def decode_radar(data: Encoded) -> RadarPoints:
    """Detections as `encode_radar` stored them."""
    raw = _decompress(data)
    return np.frombuffer(raw, dtype="<i2").reshape(4, -1).T.astype(np.float32) * RADAR_STEP


def quantise_radar(points: RadarPoints) -> RadarPoints:
    """The detections as a recorded frame would give them back."""
    return _radar_grid(points).astype(np.float32) * RADAR_STEP


def _radar_grid(points: RadarPoints) -> np.ndarray:
    """Steps as 16-bit integers."""
    steps = np.rint(points / RADAR_STEP)
    if not np.all(np.abs(steps) <= 32767):
        raise ValueError(f"a radar detection is NaN or beyond {32767 * RADAR_STEP}")
    return steps.astype("<i2")


def encode_plane(
    plane: UInt8[np.ndarray, "height width"] | UInt16[np.ndarray, "height width"], level: int
) -> bytes:
    """A label plane without loss, row by row, little-endian, zstd."""
    little = plane.astype(plane.dtype.newbyteorder("<"), copy=False)
    return zstandard.ZstdCompressor(level=level).compress(np.ascontiguousarray(little).data)


def decode_plane(data: Encoded, width: int, dtype: type[np.generic]) -> np.ndarray:
    """A plane as `encode_plane` stored it, (rows, width); the caller knows the type."""
    raw = _decompress(data)
    return np.frombuffer(raw, dtype=np.dtype(dtype).newbyteorder("<")).reshape(-1, width)


def depth_to_bytes(
    depth_m: Float[np.ndarray, "height width"], divisor: int, max_m: float
) -> UInt8[np.ndarray, "rows cols"]:
    """Depth averaged over squares, linear from 0 m (0) to `max_m` (255), clipped.

    The picture's size need not divide evenly: the last row and column then average what is left.
    Source: the stored depth of kesai-labs/lead 4489176 (quarter resolution by area, 0 to 50 m).
    """
    height, width = depth_m.shape
    size = (-(-width // divisor), -(-height // divisor))
    near = np.minimum(depth_m, max_m).astype(np.float32)
    small = cv2.resize(near, size, interpolation=cv2.INTER_AREA) if divisor > 1 else near
    return np.rint(small * (255.0 / max_m)).clip(0, 255).astype(np.uint8)


def bytes_to_depth(
    depth: UInt8[np.ndarray, "*pixels"], max_m: float
) -> Float[np.ndarray, "*pixels"]:
    """Metres, float32; 255 means `max_m` or more."""
    return depth.astype(np.float32) * np.float32(max_m / 255.0)
