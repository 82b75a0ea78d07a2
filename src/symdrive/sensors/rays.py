"""Single rays from anywhere to anywhere, for sensors that cast few of them."""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int32
from numba import njit

from symdrive.sensors.embree import (
    COHERENT_ARGUMENTS,
    DIRECTION_ROW,
    FAR_ROW,
    INSTANCE_ROW,
    ORIGIN_ROW,
    PACKET,
    aligned_rows,
    arm_packet,
    intersect_packet,
    new_packet,
)

NEAR = 1e-3
"""Rays start this share of their direction's length away from their origin."""


class Hits(NamedTuple):
    """Nearest hits of rays.

    Attributes:
        along: hit = origin + along * direction; the ray's reach where nothing is hit.
        slot: of the scene (0 the town, r + 1 the actor in row r), -1 where nothing is hit.
    """

    along: Float32[np.ndarray, " ray"]
    slot: Int32[np.ndarray, " ray"]


def cast(
    address: int,
    mask: int,
    origin: Float[np.ndarray, "ray 3"],
    direction: Float[np.ndarray, "ray 3"],
    reach: Float[np.ndarray, " ray"],
) -> Hits:
    """Nearest hit of every ray.

    Args:
        address: of the instance tree.
        mask: ray mask.
        origin: world, m.
        direction: world; need not have length one.
        reach: how far, in lengths of the direction.
    """
    hits = Hits(np.empty(len(origin), np.float32), np.empty(len(origin), np.int32))
    rays = np.concatenate([origin, direction, reach[:, None]], axis=1, dtype=np.float32)
    cast_rays(address, COHERENT_ARGUMENTS, mask, rays, hits.along, hits.slot)
    return hits


@njit(cache=True, nogil=True)
@no_type_check
def cast_rays(
    scene: int,
    arguments: int,
    mask: int,
    rays: Float32[np.ndarray, "ray 7"],
    along: Float32[np.ndarray, " ray"],
    slot: Int32[np.ndarray, " ray"],
) -> None:
    """Cast packets of rays that follow each other in the list.

    Args:
        scene: address of the instance tree.
        arguments: address of the intersect arguments.
        mask: ray mask.
        rays: origin, direction and reach.
        along: filled.
        slot: filled.
    """
    packet, bits = new_packet(NEAR, mask)
    valid = aligned_rows(1, np.float32(0.0)).view(np.int32)
    for first in range(0, len(rays), PACKET):
        arm_packet(packet, bits, 0.0)
        for k in range(PACKET):
            valid[0, k] = -1 if first + k < len(rays) else 0
            row = min(first + k, len(rays) - 1)
            for axis in range(3):
                packet[ORIGIN_ROW + axis, k] = rays[row, axis]
                packet[DIRECTION_ROW + axis, k] = rays[row, 3 + axis]
            packet[FAR_ROW, k] = rays[row, 6]
        intersect_packet(valid.ctypes.data, scene, packet.ctypes.data, arguments)
        for k in range(min(PACKET, len(rays) - first)):
            along[first + k] = packet[FAR_ROW, k]
            slot[first + k] = bits[INSTANCE_ROW, k]
