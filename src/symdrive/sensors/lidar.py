"""Spinning LiDARs, cast in packets of neighbouring channels and columns.

Source of beams, intensity, noise and lost returns: carla-simulator/carla 0.9.15,
`RayCastSemanticLidar.cpp` and `RayCastLidar.cpp`.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from numba import njit, prange

from symdrive.sensors.embree import (
    COHERENT_ARGUMENTS,
    DIRECTION_ROW,
    FACE_ROW,
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
from symdrive.sensors.mount import Pose, mount_rotation, mounted
from symdrive.sensors.scene import Scene
from symdrive.world.specs import LidarSpec, SemanticLidarSpec

NEAR_M = 0.1
"""Shortest return."""

_CHUNKS = 16


class Sweep(NamedTuple):
    """Where a kernel scans from.

    Attributes:
        scene: address of the instance tree.
        arguments: address of the intersect arguments.
        mask: ray mask.
        eye: x y z, world.
        to_world: rotation of the sensor.
        elevation: cosine and sine of each channel.
        azimuth: cosine and sine of each column.
        range_m: longest return.
    """

    scene: int
    arguments: int
    mask: int
    eye: Float32[np.ndarray, " 3"]
    to_world: Float32[np.ndarray, "3 3"]
    elevation: Float32[np.ndarray, "channel 2"]
    azimuth: Float32[np.ndarray, "column 2"]
    range_m: float


class Echoes(NamedTuple):
    """Nearest hit of every beam of one reading.

    Attributes:
        distance: m; the range where nothing is hit.
        slot: of the scene (0 the town, r + 1 the actor in row r), -1 where nothing is hit.
        face: of the mesh in that slot.
    """

    distance: Float32[np.ndarray, "channel column"]
    slot: Int32[np.ndarray, "channel column"]
    face: Int32[np.ndarray, "channel column"]


def beam_angles(
    spec: LidarSpec | SemanticLidarSpec, reading: int = 0
) -> tuple[Float64[np.ndarray, " channel"], Float64[np.ndarray, " column"]]:
    """Elevation of each channel, highest first, and azimuth of each column, rad, sensor frame.

    The beams turn clockwise from the left end of the field of view on.

    Args:
        spec: the LiDAR.
        reading: how often it has read before, which says where its beams stand.
    """
    elevation = np.linspace(spec.upper, spec.lower, spec.channels)
    if spec.channels == 1:
        elevation = np.array([spec.upper])
    way = reading * spec.turn + spec.turn * np.arange(spec.columns) / spec.columns
    return elevation, 0.5 * spec.horizontal_fov - way % spec.horizontal_fov


def sweep_beams(
    scene: Scene,
    spec: LidarSpec | SemanticLidarSpec,
    ego: Pose,
    reading: int,
    *,
    skip_row: int | None,
) -> tuple[Sweep, Echoes]:
    """Cast all beams of one reading into the scene as last updated."""
    elevation, azimuth = beam_angles(spec, reading)
    pose = mounted(spec, ego)
    sweep = Sweep(
        scene.address,
        COHERENT_ARGUMENTS,
        scene.ray_mask(skip_row),
        pose.position.astype(np.float32),
        np.ascontiguousarray(pose.rotation, dtype=np.float32),
        np.stack([np.cos(elevation), np.sin(elevation)], axis=1).astype(np.float32),
        np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1).astype(np.float32),
        spec.range_m,
    )
    shape = (spec.channels, spec.columns)
    echoes = Echoes(
        np.empty(shape, np.float32), np.empty(shape, np.int32), np.empty(shape, np.int32)
    )
    cast_sweep(sweep, echoes, _CHUNKS)
    return sweep, echoes


def scan(
    scene: Scene,
    spec: LidarSpec,
    ego: Pose,
    generator: np.random.Generator,
    reading: int = 0,
    *,
    skip_row: int | None,
) -> tuple[Float32[np.ndarray, "point 4"], Int64[np.ndarray, " actor"]]:
    """One reading of a LiDAR in the scene as last updated.

    Args:
        scene: the world.
        spec: the LiDAR and its mount.
        ego: ground point under the ego's box centre.
        generator: draws noise and lost returns.
        reading: how often the LiDAR has read before.
        skip_row: actor that no beam meets, or None.

    Returns:
        Points, channel by channel: x, y, z in the ego frame and intensity. And the number of them
        on each actor row.
    """
    sweep, echoes = sweep_beams(scene, spec, ego, reading, skip_row=skip_row)
    kept = echoes.slot >= 0
    kept &= generator.random(kept.shape, dtype=np.float32) >= spec.dropoff
    channel, column = np.nonzero(kept)
    distance = echoes.distance[channel, column]
    intensity = np.exp(np.float32(-spec.attenuation_per_m) * distance)
    if spec.noise_m > 0.0:
        noise = generator.standard_normal(len(distance), dtype=np.float32)
        distance += np.float32(spec.noise_m) * noise
    points = np.empty((len(distance), 4), dtype=np.float32)
    points[:, :3] = beam_points(sweep, spec, (channel, column), distance)
    points[:, 3] = intensity
    slot = echoes.slot[channel, column]
    if spec.dropoff_zero > 0.0:
        strong = _strong(spec, intensity, generator)
        points, slot = points[strong], slot[strong]
    return points, np.bincount(slot, minlength=scene.num_actors + 1)[1:]


def _strong(
    spec: LidarSpec, intensity: Float32[np.ndarray, " point"], generator: np.random.Generator
) -> Bool[np.ndarray, " point"]:
    """Which returns are not lost for being weak: linear from the limit down to no intensity."""
    share = intensity / np.float32(max(spec.dropoff_limit, 1e-6))
    chance = np.float32(1.0 - spec.dropoff_zero) + np.float32(spec.dropoff_zero) * share
    return (share > 1.0) | (generator.random(len(intensity), dtype=np.float32) < chance)


def beam_points(
    sweep: Sweep,
    spec: LidarSpec | SemanticLidarSpec,
    beams: tuple[Int64[np.ndarray, " point"], Int64[np.ndarray, " point"]],
    distance: Float32[np.ndarray, " point"],
) -> Float32[np.ndarray, "point 3"]:
    """Beams (channel and column) and distances as x, y, z of the ego frame."""
    channel, column = beams
    level = distance * sweep.elevation[channel, 0]
    points = np.empty((len(distance), 3), dtype=np.float32)
    points[:, 0] = level * sweep.azimuth[column, 0]
    points[:, 1] = level * sweep.azimuth[column, 1]
    points[:, 2] = distance * sweep.elevation[channel, 1]
    if (spec.yaw, spec.pitch, spec.roll) != (0.0, 0.0, 0.0):
        points = points @ mount_rotation(spec).T.astype(np.float32)
    points += np.array(spec.position, dtype=np.float32)
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
def _cast_chunk(sweep, echoes, chunk, chunks):
    """Every `chunks`-th tile of columns, from tile `chunk` on, in all channels."""
    distance, slot, face = echoes
    channels, columns = distance.shape
    eye, turn, elevation, azimuth = sweep.eye, sweep.to_world, sweep.elevation, sweep.azimuth
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
                    face[channel, column] = bits[FACE_ROW, k]


@njit(cache=True, parallel=True, fastmath=True)
@no_type_check
def cast_sweep(sweep: Sweep, echoes: Echoes, chunks: int) -> None:
    """Nearest hit of every beam.

    Args:
        sweep: eye, turn and beams.
        echoes: filled.
        chunks: parts that may run side by side.
    """
    for chunk in prange(chunks):
        _cast_chunk(sweep, echoes, chunk, chunks)
