"""Spinning LiDARs: one full turn, cast in packets of neighbouring channels and columns."""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32, Int64
from numba import njit, prange

from symdrive.sensors.embree import (
    COHERENT_ARGUMENTS,
    DIRECTION_ROW,
    FAR_ROW,
    INSTANCE_ROW,
    ORIGIN_ROW,
    PACKET,
    RAY_ROWS,
    TILE_COLUMNS,
    TILE_ROWS,
    aligned_rows,
    intersect_packet,
    reset_packet,
)
from symdrive.sensors.scene import Scene, rotations
from symdrive.world.rig import LidarSpec

NEAR_M = 0.1
"""Shortest return."""

ATTENUATION_PER_M = 0.004
"""Intensity is exp(-a d): CARLA's `atmosphere_attenuation_rate` (documentation, LIDAR sensor)."""

_CHUNKS = 16


class Sweep(NamedTuple):
    """Where a kernel scans from.

    Attributes:
        scene: address of the instance tree.
        arguments: address of the intersect arguments.
        mask: ray mask.
        eye: x y z, world.
        ego_to_world: rotation.
        elevation: cosine and sine of each channel.
        azimuth: cosine and sine of each column.
        range_m: longest return.
    """

    scene: int
    arguments: int
    mask: int
    eye: Float32[np.ndarray, " 3"]
    ego_to_world: Float32[np.ndarray, "3 3"]
    elevation: Float32[np.ndarray, "channel 2"]
    azimuth: Float32[np.ndarray, "column 2"]
    range_m: float


def beam_angles(
    spec: LidarSpec,
) -> tuple[Float64[np.ndarray, " channel"], Float64[np.ndarray, " column"]]:
    """Elevation of each channel, lowest first, and azimuth of each column, rad, ego frame."""
    elevation = np.linspace(spec.lower, spec.upper, spec.channels)
    azimuth = -math.pi + 2 * math.pi * (np.arange(spec.columns) + 0.5) / spec.columns
    return elevation, azimuth


def scan(
    scene: Scene,
    spec: LidarSpec,
    ego_position: Float[np.ndarray, " 3"],
    ego_yaw: float,
    ego_pitch: float,
    generator: np.random.Generator,
    *,
    skip_row: int | None,
) -> tuple[Float32[np.ndarray, "point 4"], Int64[np.ndarray, " actor"]]:
    """One turn of a LiDAR in the scene as last updated.

    Args:
        scene: the world.
        spec: the LiDAR and its mount.
        ego_position: ground point under the ego's box centre, world, m.
        ego_yaw: rad.
        ego_pitch: rad, nose up positive.
        generator: draws noise and lost returns.
        skip_row: actor that no beam meets, or None.

    Returns:
        Points, channel by channel: x, y, z in the ego frame and intensity. And the number of them
        on each actor row.
    """
    elevation, azimuth = beam_angles(spec)
    ego = rotations(np.array([ego_yaw]), np.array([ego_pitch]))[0]
    sweep = Sweep(
        scene.address,
        COHERENT_ARGUMENTS,
        scene.ray_mask(skip_row),
        (ego_position + ego @ np.array(spec.position)).astype(np.float32),
        ego.astype(np.float32),
        np.stack([np.cos(elevation), np.sin(elevation)], axis=1).astype(np.float32),
        np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1).astype(np.float32),
        spec.range_m,
    )
    distance = np.empty((spec.channels, spec.columns), dtype=np.float32)
    slot = np.empty((spec.channels, spec.columns), dtype=np.int32)
    cast_sweep(sweep, distance, slot, _CHUNKS)
    kept = slot >= 0
    kept &= generator.random(kept.shape, dtype=np.float32) >= spec.dropoff
    channel, column = np.nonzero(kept)
    measured = distance[kept]
    measured += np.float32(spec.noise_m) * generator.standard_normal(
        len(measured), dtype=np.float32
    )
    points = _points(sweep, channel, column, measured, np.array(spec.position, np.float32))
    counts = np.bincount(slot[kept], minlength=scene.num_actors + 1)[1:]
    return points, counts


def _points(
    sweep: Sweep,
    channel: Int64[np.ndarray, " point"],
    column: Int64[np.ndarray, " point"],
    distance: Float32[np.ndarray, " point"],
    mount: Float32[np.ndarray, " 3"],
) -> Float32[np.ndarray, "point 4"]:
    """Beams and distances as points of the ego frame with CARLA's intensity."""
    level = distance * sweep.elevation[channel, 0]
    points = np.empty((len(distance), 4), dtype=np.float32)
    points[:, 0] = level * sweep.azimuth[column, 0] + mount[0]
    points[:, 1] = level * sweep.azimuth[column, 1] + mount[1]
    points[:, 2] = distance * sweep.elevation[channel, 1] + mount[2]
    points[:, 3] = np.exp(np.float32(-ATTENUATION_PER_M) * distance)
    return points


@njit(fastmath=True)
@no_type_check
def _aim(packet, eye, turn, elevation, azimuth, top, left):
    """Beams of a tile of channels and columns; those beyond the last repeat it."""
    for k in range(PACKET):
        channel = min(top + (k >> 2), len(elevation) - 1)
        column = min(left + (k & 3), len(azimuth) - 1)
        level, z = elevation[channel, 0], elevation[channel, 1]
        x, y = level * azimuth[column, 0], level * azimuth[column, 1]
        for axis in range(3):
            packet[ORIGIN_ROW + axis, k] = eye[axis]
            packet[DIRECTION_ROW + axis, k] = (
                turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z
            )


@njit(fastmath=True)
@no_type_check
def _cast_chunk(sweep, distance, slot, chunk, chunks):
    """Every `chunks`-th tile of columns, from tile `chunk` on, in all channels."""
    channels, columns = distance.shape
    eye, turn, elevation, azimuth = sweep.eye, sweep.ego_to_world, sweep.elevation, sweep.azimuth
    packet = aligned_rows(RAY_ROWS, np.float32(0.0))
    bits = packet.view(np.int32)
    valid = aligned_rows(1, np.float32(0.0)).view(np.int32)
    valid[:] = -1
    for left in range(chunk * TILE_COLUMNS, columns, chunks * TILE_COLUMNS):
        for top in range(0, channels, TILE_ROWS):
            reset_packet(packet, bits, NEAR_M, sweep.range_m, sweep.mask)
            _aim(packet, eye, turn, elevation, azimuth, top, left)
            intersect_packet(valid.ctypes.data, sweep.scene, packet.ctypes.data, sweep.arguments)
            for k in range(PACKET):
                channel, column = top + (k >> 2), left + (k & 3)
                if channel < channels and column < columns:
                    distance[channel, column] = packet[FAR_ROW, k]
                    slot[channel, column] = bits[INSTANCE_ROW, k]


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def cast_sweep(
    sweep: Sweep,
    distance: Float32[np.ndarray, "channel column"],
    slot: Int32[np.ndarray, "channel column"],
    chunks: int,
) -> None:
    """Nearest hit of every beam.

    Args:
        sweep: eye, turn and beams.
        distance: filled, m; the range where nothing is hit.
        slot: filled; -1 where nothing is hit.
        chunks: parts that may run side by side.
    """
    for chunk in prange(chunks):
        _cast_chunk(sweep, distance, slot, chunk, chunks)
