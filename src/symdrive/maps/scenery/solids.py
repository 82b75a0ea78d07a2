"""Triangles from arrays of quads, prisms and boxes; a piece of scenery is itself a `Mesh`."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from symdrive.core.geometry import box_corners
from symdrive.core.semantics import SemanticClass
from symdrive.maps.town import Mesh


def triangles(
    corners: Float[np.ndarray, "n 3 3"], color: UInt8[np.ndarray, "n 3"], semantic: SemanticClass
) -> Mesh:
    """Separate triangles, counter-clockwise seen from outside."""
    count = len(corners)
    return Mesh(
        vertices=np.ascontiguousarray(corners.reshape(-1, 3), dtype=np.float64),
        faces=np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        color=color,
        semantic=np.full(count, semantic, dtype=np.uint8),
        signal=np.full(count, -1, dtype=np.int32),
        lamp=np.full(count, -1, dtype=np.int8),
    )


def quads(
    corners: Float[np.ndarray, "n 4 3"], color: UInt8[np.ndarray, "n 3"], semantic: SemanticClass
) -> Mesh:
    """Separate quads, counter-clockwise seen from outside; two triangles each."""
    count = len(corners)
    first = 4 * np.arange(count, dtype=np.int32)[:, None, None]
    faces = (first + np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)).reshape(-1, 3)
    return Mesh(
        vertices=np.ascontiguousarray(corners.reshape(-1, 3), dtype=np.float64),
        faces=faces,
        color=np.repeat(color, 2, axis=0),
        semantic=np.full(2 * count, semantic, dtype=np.uint8),
        signal=np.full(2 * count, -1, dtype=np.int32),
        lamp=np.full(2 * count, -1, dtype=np.int8),
    )


def fans(
    rings: Float[np.ndarray, "n k 3"], color: UInt8[np.ndarray, "n 3"], semantic: SemanticClass
) -> Mesh:
    """Convex flat polygons, counter-clockwise seen from outside; k - 2 triangles each."""
    k = rings.shape[1]
    index = np.stack([np.zeros(k - 2, int), np.arange(1, k - 1), np.arange(2, k)], axis=1)
    return triangles(rings[:, index].reshape(-1, 3, 3), np.repeat(color, k - 2, axis=0), semantic)


def prisms(
    bottom: Float[np.ndarray, "n k 3"],
    top: Float[np.ndarray, "n k 3"],
    color: UInt8[np.ndarray, "n 3"],
    semantic: SemanticClass,
    *,
    floor: bool = False,
) -> Mesh:
    """Solids between two rings, both counter-clockwise seen from above.

    Args:
        bottom: lower ring.
        top: upper ring; one that shrinks to a point makes a pyramid.
        color: of each solid.
        semantic: of all solids.
        floor: whether the underside is closed (for things that can be seen from below).
    """
    k = bottom.shape[1]
    sides = np.stack([bottom, np.roll(bottom, -1, 1), np.roll(top, -1, 1), top], axis=2).reshape(
        -1, 4, 3
    )
    parts = [quads(sides, np.repeat(color, k, axis=0), semantic), fans(top, color, semantic)]
    if floor:
        parts.append(fans(bottom[:, ::-1], color, semantic))
    return join(parts)


def box_rings(
    center: Float[np.ndarray, "n 2"],
    yaw: Float[np.ndarray, " n"],
    half_extent: Float[np.ndarray, "n 2"],
    z: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "n 4 3"]:
    """Corners of oriented rectangles at height z, counter-clockwise from the front left one."""
    flat = box_corners(center, yaw, half_extent)
    return np.concatenate([flat, np.broadcast_to(z[:, None, None], (len(z), 4, 1))], axis=2)


def regular_rings(
    center: Float[np.ndarray, "n 3"], radius: Float[np.ndarray, " n"], sides: int
) -> Float[np.ndarray, "n k 3"]:
    """Level regular polygons, counter-clockwise seen from above."""
    turn = 2.0 * np.pi * np.arange(sides) / sides
    unit = np.stack([np.cos(turn), np.sin(turn), np.zeros(sides)], axis=1)
    return center[:, None, :] + radius[:, None, None] * unit


def posts(
    foot: Float[np.ndarray, "n 3"],
    top_z: Float[np.ndarray, " n"],
    radius_m: float,
    color: UInt8[np.ndarray, "n 3"],
    semantic: SemanticClass,
) -> Mesh:
    """Upright five-sided posts from their feet to a height."""
    radius = np.full(len(foot), radius_m)
    top = np.concatenate([foot[:, :2], top_z[:, None]], axis=1)
    return prisms(regular_rings(foot, radius, 5), regular_rings(top, radius, 5), color, semantic)


def join(parts: Sequence[Mesh]) -> Mesh:
    """All parts as one mesh, in order; no parts make an empty mesh."""
    if not parts:
        return triangles(np.zeros((0, 3, 3)), np.zeros((0, 3), np.uint8), SemanticClass.UNLABELED)
    counts = [len(part.vertices) for part in parts]
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Mesh(
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate(
            [part.faces + np.int32(offset) for part, offset in zip(parts, offsets, strict=True)]
        ),
        color=np.concatenate([part.color for part in parts]),
        semantic=np.concatenate([part.semantic for part in parts]),
        signal=np.concatenate([part.signal for part in parts]),
        lamp=np.concatenate([part.lamp for part in parts]),
    )


def finished(mesh: Mesh) -> Mesh:
    """The mesh with float32 vertices and without triangles of no area (pyramid tips)."""
    vertices = mesh.vertices.astype(np.float32)
    a, b, c = (vertices[mesh.faces[:, k]] for k in range(3))
    solid = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-6
    return Mesh(
        vertices=vertices,
        faces=mesh.faces[solid],
        color=mesh.color[solid],
        semantic=mesh.semantic[solid],
        signal=mesh.signal[solid],
        lamp=mesh.lamp[solid],
    )
