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
    TILE_ROWS,
    aligned_rows,
    arm_packet,
    intersect_packet,
    new_packet,
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
        distance: m; only where something is hit.
        slot: of the scene (0 the town, r + 1 the actor in row r), -1 where nothing is hit.
        face: of the mesh in that slot; only where something is hit.
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
    sent: Bool[np.ndarray, "channel column"] | None = None,
) -> tuple[Sweep, Echoes]:
    """Cast the beams of one reading into the scene as last updated.

    Args:
        scene: the world.
        spec: the LiDAR and its mount.
        ego: ground point under the ego's box centre.
        reading: how often the LiDAR has read before.
        skip_row: actor that no beam meets, or None.
        sent: beams that are cast, the others hit nothing; None for all.
    """
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
        np.empty(shape, np.float32), np.full(shape, -1, np.int32), np.empty(shape, np.int32)
    )
    cast_sweep(sweep, echoes, np.ones(shape, np.bool_) if sent is None else sent, _CHUNKS)
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
    shape = (spec.channels, spec.columns)
    sent = generator.random(shape, dtype=np.float32) >= spec.dropoff
    sweep, echoes = sweep_beams(scene, spec, ego, reading, skip_row=skip_row, sent=sent)
    beams = np.flatnonzero(echoes.slot >= 0)
    distance = echoes.distance.ravel()[beams]
    intensity = np.exp(np.float32(-spec.attenuation_per_m) * distance)
    if spec.noise_m > 0.0:
        noise = generator.standard_normal(len(distance), dtype=np.float32)
        distance += np.float32(spec.noise_m) * noise
    points = np.empty((len(distance), 4), dtype=np.float32)
    points[:, :3] = beam_points(sweep, spec, beams, distance)
    points[:, 3] = intensity
    slot = echoes.slot.ravel()[beams]
    if spec.dropoff_zero > 0.0:
        strong = np.flatnonzero(_strong(spec, intensity, generator))
        points, slot = points.take(strong, axis=0), slot[strong]
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
    beams: Int64[np.ndarray, " point"],
    distance: Float32[np.ndarray, " point"],
) -> Float32[np.ndarray, "point 3"]:
    """Beams (their place in a flattened `Echoes`) and distances as x, y, z of the ego frame."""
    points = np.empty((len(distance), 3), dtype=np.float32)
    turn = np.ascontiguousarray(mount_rotation(spec), dtype=np.float32)
    position = np.array(spec.position, dtype=np.float32)
    _place(points, sweep.elevation, sweep.azimuth, beams, distance, turn, position)
    return points


@njit(cache=True, nogil=True)
@no_type_check
def _place(points, elevation, azimuth, beams, distance, turn, position):
    """Fill points: along each beam by its distance, turned and moved as the LiDAR is mounted."""
    columns = len(azimuth)
    for i in range(len(beams)):
        channel, column = divmod(beams[i], columns)
        level = distance[i] * elevation[channel, 0]
        x, y = level * azimuth[column, 0], level * azimuth[column, 1]
        z = distance[i] * elevation[channel, 1]
        for axis in range(3):
            way = turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z
            points[i, axis] = way + position[axis]


@njit(fastmath=True)
@no_type_check
def _aim(packet, lane, turn, elevation, azimuth):
    """One beam of a packet, given the cosines and sines of its angles."""
    level, z = elevation[0], elevation[1]
    x, y = level * azimuth[0], level * azimuth[1]
    for axis in range(3):
        packet[DIRECTION_ROW + axis, lane] = (
            turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2] * z
        )


@njit
@no_type_check
def _read(echoes, packet, bits, beams, count):
    """Write down the hits of a packet; `beams` holds the channel and the column of each lane."""
    distance, slot, face = echoes
    for k in range(count):
        channel, column = beams[0, k], beams[1, k]
        distance[channel, column] = packet[FAR_ROW, k]
        slot[channel, column] = bits[INSTANCE_ROW, k]
        face[channel, column] = bits[FACE_ROW, k]


@njit(fastmath=True)
@no_type_check
def _cast_chunk(sweep, echoes, sent, chunk, chunks):
    """Every `chunks`-th strip of neighbouring channels, from strip `chunk` on.

    Beams that are sent fill packets as they follow each other along the strip, so that a packet is
    full whatever is left out.
    """
    channels, columns = sent.shape
    turn, elevation, azimuth = sweep.to_world, sweep.elevation, sweep.azimuth
    packet, bits = new_packet(NEAR_M, sweep.mask)
    valid = aligned_rows(1, np.float32(0.0)).view(np.int32)
    beams = np.zeros((2, PACKET), np.int64)
    for k in range(PACKET):
        for axis in range(3):
            packet[ORIGIN_ROW + axis, k] = sweep.eye[axis]
    for top in range(chunk * TILE_ROWS, channels, chunks * TILE_ROWS):
        bottom, count = min(top + TILE_ROWS, channels), 0
        for column in range(columns):
            for channel in range(top, bottom):
                if sent[channel, column]:
                    beams[0, count], beams[1, count] = channel, column
                    _aim(packet, count, turn, elevation[channel], azimuth[column])
                    count += 1
                is_last = column == columns - 1 and channel == bottom - 1
                if count == PACKET or (is_last and count > 0):
                    arm_packet(packet, bits, sweep.range_m)
                    for k in range(PACKET):
                        valid[0, k] = -1 if k < count else 0
                    intersect_packet(
                        valid.ctypes.data, sweep.scene, packet.ctypes.data, sweep.arguments
                    )
                    _read(echoes, packet, bits, beams, count)
                    count = 0


@njit(cache=True, nogil=True, parallel=True, fastmath=True)
@no_type_check
def cast_sweep(
    sweep: Sweep, echoes: Echoes, sent: Bool[np.ndarray, "channel column"], chunks: int
) -> None:
    """Nearest hit of every beam that is sent.

    Args:
        sweep: eye, turn and beams.
        echoes: filled where a beam is sent.
        sent: which beams are cast.
        chunks: parts that may run side by side.
    """
    for chunk in prange(chunks):
        _cast_chunk(sweep, echoes, sent, chunk, chunks)
