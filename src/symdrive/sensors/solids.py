"""Low-poly solids and how they are put together into a body.

Body frame: x forward, y left, z up from the ground, metres. Faces are counter-clockwise seen from
outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from jaxtyping import Float, Int, UInt8

from symdrive.core.semantics import SemanticClass

Point = tuple[float, float, float]

_NEXT, _AFTER = np.array([1, 2, 0]), np.array([2, 0, 1])


class FaceRole(IntEnum):
    """Where the colour of a face comes from; from BRAKE on, lamps that an actor switches."""

    OWN = 0
    PAINT = 1
    GLOW = 2
    BRAKE = 3
    HEADLAMP = 4
    INDICATOR_LEFT = 5
    INDICATOR_RIGHT = 6
    BEACON_LEFT = 7
    BEACON_RIGHT = 8


@dataclass(frozen=True)
class Finish:
    """Surface of a part.

    Attributes:
        color: RGB; a paint face takes the actor's colour instead; of a lamp, while it is dark.
        semantic: class in label pictures.
        role: where the colour comes from.
    """

    color: tuple[int, int, int]
    semantic: SemanticClass
    role: FaceRole = FaceRole.OWN


@dataclass(frozen=True)
class Solid:
    """Bare triangles."""

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]


@dataclass(frozen=True)
class Body:
    """The mesh of one model.

    Attributes:
        vertices: x y z, body frame.
        faces: rows of `vertices`.
        color: RGB of each face.
        semantic: `SemanticClass` of each face.
        role: `FaceRole` of each face.
    """

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    color: UInt8[np.ndarray, "face 3"]
    semantic: UInt8[np.ndarray, " face"]
    role: UInt8[np.ndarray, " face"]


Part = tuple[Solid, Finish]


def loft(rings: Sequence[Float[np.ndarray, "corner 3"]]) -> Solid:
    """A closed solid through rings of equally many corners, with flat ends."""
    vertices = np.concatenate(rings).astype(np.float64)
    return _outward(Solid(vertices, _skin(len(rings), len(rings[0]))))


@cache
def _skin(rings: int, corners: int) -> Int[np.ndarray, "face 3"]:
    """Faces of a loft; all with so many rings and corners share them."""
    here = np.arange(corners)
    following = (here + 1) % corners
    faces: list[Int[np.ndarray, "n 3"]] = []
    for low in range(0, (rings - 1) * corners, corners):
        high = low + corners
        faces.append(np.stack([low + here, low + following, high + following], axis=1))
        faces.append(np.stack([low + here, high + following, high + here], axis=1))
    fan = np.arange(1, corners - 1)
    top = (rings - 1) * corners
    faces.append(np.stack([np.zeros_like(fan), fan + 1, fan], axis=1))
    faces.append(top + np.stack([np.zeros_like(fan), fan, fan + 1], axis=1))
    found = np.concatenate(faces)
    found.flags.writeable = False
    return found


def _outward(solid: Solid) -> Solid:
    """The closed solid with its faces turned so that it has a positive volume."""
    if float(np.linalg.det(solid.vertices[solid.faces]).sum()) >= 0:
        return solid
    return Solid(solid.vertices, solid.faces[:, ::-1])


def box(center: Point, half: Point) -> Solid:
    """An upright box."""
    return wedge(center, half, half[:2])


def wedge(center: Point, half: Point, top: tuple[float, float], shift_x: float = 0.0) -> Solid:
    """A box whose top has other half sizes (length, width) and is moved along x."""
    x, y, z = center
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=np.float64)
    low = np.column_stack([signs * half[:2] + [x, y], np.full(4, z - half[2])])
    high = np.column_stack([signs * top + [x + shift_x, y], np.full(4, z + half[2])])
    return loft([low, high])


def tube(start: Point, end: Point, radii: tuple[float, float], sides: int = 6) -> Solid:
    """A rod between two points with a radius at each end."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    axis = (b - a) / np.linalg.norm(b - a)
    other = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    u = _cross(axis, other)
    u /= np.linalg.norm(u)
    v = _cross(axis, u)
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    circle = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    return loft([a + radii[0] * circle, b + radii[1] * circle])


def _cross(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """Of two vectors; numpy's own is ten times slower for so few."""
    return a[_NEXT] * b[_AFTER] - a[_AFTER] * b[_NEXT]


def ball(center: Point, radii: Point, sides: int = 8, rings: int = 5) -> Solid:
    """An ellipsoid with flat facets."""
    angle = 2 * np.pi * np.arange(sides) / sides
    level = np.linspace(-0.5 * np.pi, 0.5 * np.pi, rings + 2)[1:-1]
    circles = [
        np.column_stack(
            [
                center[0] + radii[0] * np.cos(e) * np.cos(angle),
                center[1] + radii[1] * np.cos(e) * np.sin(angle),
                np.full(sides, center[2] + radii[2] * np.sin(e) / np.sin(level[-1])),
            ]
        )
        for e in level
    ]
    return loft(circles)


def wheel(center: Point, radius: float, half_width: float, sides: int = 14) -> Solid:
    """A disc that rolls along x."""
    x, y, z = center
    return tube((x, y - half_width, z), (x, y + half_width, z), (radius, radius), sides)


def ring_wheel(center: Point, radius: float, thickness: float, sides: int = 16) -> Solid:
    """A bicycle tyre: a ring of square section, without spokes."""
    x, y, z = center
    angle = 2 * np.pi * np.arange(sides) / sides
    around = np.column_stack([np.cos(angle), np.zeros(sides), np.sin(angle)])
    across = np.array([0.0, 0.5 * thickness, 0.0])
    outer, inner = around * radius, around * (radius - thickness)
    corners = np.concatenate([outer - across, outer + across, inner + across, inner - across])
    here, following = np.arange(sides), (np.arange(sides) + 1) % sides
    faces: list[Int[np.ndarray, "n 3"]] = []
    for k in range(4):
        low, high = k * sides, (k + 1) % 4 * sides
        faces.append(np.stack([low + here, low + following, high + following], axis=1))
        faces.append(np.stack([low + here, high + following, high + here], axis=1))
    return _outward(Solid(corners + np.array([x, y, z]), np.concatenate(faces)))


def pane(
    corners: Float[np.ndarray, "4 3"],
    across: tuple[float, float],
    up: tuple[float, float],
    lift_m: float = 0.012,
) -> Solid:
    """A window on a flat side: the part between shares of its width and height, lifted off it.

    Args:
        corners: bottom left, bottom right, top right, top left of the side, seen from outside.
        across: from and to, shares of the width.
        up: from and to, shares of the height.
        lift_m: distance from the side, so that it is not level with it.
    """
    left_low, right_low, right_high, left_high = corners
    normal = _cross(right_low - left_low, left_high - left_low)
    normal /= np.linalg.norm(normal)

    def at(u: float, v: float) -> np.ndarray:
        low = left_low + u * (right_low - left_low)
        high = left_high + u * (right_high - left_high)
        return low + v * (high - low) + lift_m * normal

    (u0, u1), (v0, v1) = across, up
    vertices = np.stack([at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)])
    return Solid(vertices, np.array([[0, 1, 2], [0, 2, 3]]))


def mirrored(parts: Sequence[Part]) -> list[Part]:
    """The parts and their mirror images on the other side (y to -y)."""
    images = [
        (Solid(solid.vertices * np.array([1.0, -1.0, 1.0]), solid.faces[:, ::-1]), finish)
        for solid, finish in parts
    ]
    return [*parts, *images]


Bounds = tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]
"""Lowest and highest x, y and z."""


def bounds_of(parts: Sequence[Part]) -> Bounds:
    """Of all their vertices."""
    vertices = np.concatenate([solid.vertices for solid, _ in parts])
    return vertices.min(axis=0), vertices.max(axis=0)


def assembled(parts: Sequence[Part], half_extent: Point, bounds: Bounds | None = None) -> Body:
    """One mesh of all parts, stretched so that its bounds are the model's box.

    Args:
        parts: of the body.
        half_extent: of the model.
        bounds: what is stretched to the box instead; those of a body whose other state this is.
    """
    counts = [len(solid.vertices) for solid, _ in parts]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sizes = [len(solid.faces) for solid, _ in parts]
    finishes = [finish for _, finish in parts]
    low, high = bounds_of(parts) if bounds is None else bounds
    half = np.asarray(half_extent)
    floor = half * np.array([-1.0, -1.0, 0.0])
    vertices = np.concatenate([solid.vertices for solid, _ in parts])
    return Body(
        (vertices - low) / (high - low) * (2 * half) + floor,
        np.concatenate([s.faces + row for (s, _), row in zip(parts, first, strict=True)]),
        np.repeat(np.array([f.color for f in finishes], dtype=np.uint8), sizes, axis=0),
        np.repeat(np.array([f.semantic for f in finishes], dtype=np.uint8), sizes),
        np.repeat(np.array([f.role for f in finishes], dtype=np.uint8), sizes),
    )


def joined(first: Body, second: Body) -> Body:
    """Two meshes as one."""
    faces = [first.faces, second.faces + len(first.vertices)]
    return Body(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate(faces),
        np.concatenate([first.color, second.color]),
        np.concatenate([first.semantic, second.semantic]),
        np.concatenate([first.role, second.role]),
    )
