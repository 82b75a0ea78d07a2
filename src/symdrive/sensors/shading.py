"""Colour of a ray: sun and sky, fog into the horizon, and a grain that breaks flat surfaces.

Everything is a function of the hit alone, so a picture does not depend on how its pixels are
divided among threads.

Functions that look into an array do so in one straight line, and functions that branch are given
scalars: where both meet, numba counts references to the array, and threads queue for the counter.
"""

import math
from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int8, UInt8
from numba import njit

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.sensors.solids import FaceRole


def single(*values: float) -> tuple[np.float32, ...]:
    """Constants of kernels: a double among single-precision numbers turns all of them to double."""
    return tuple(np.float32(value) for value in values)


_GRAIN_SIZE = 512
_GRAIN_MASK = _GRAIN_SIZE - 1
_SMOOTH_PER_M, _ROUGH_PER_M, _ROUGH_FADES_M = single(4.0, 16.0, 18.0)
_PATCH_SHARE, _SPECKLE_SHARE = single(0.5 / 127.0, 0.6 / 127.0)
# A whole number of tiles, and farther out than any town reaches to the south or west.
(FAR_CORNER_M,) = single(32768.0)
_ZERO, _HALF, _ONE, _WHITE = single(0.0, 0.5, 1.0, 255.0)
_LEVEL, _TINY = single(0.6, 1e-12)

_BRAKE_COLOR, _TAIL_COLOR = single(255.0, 36.0, 26.0), single(178.0, 20.0, 16.0)
_HEAD_COLOR, _AMBER = single(255.0, 250.0, 226.0), single(255.0, 158.0, 16.0)
_BEACON_BLUE, _BEACON_RED = single(52.0, 108.0, 255.0), single(255.0, 40.0, 44.0)
_PAINT, _GLOW = int(FaceRole.PAINT), int(FaceRole.GLOW)
_BRAKE, _HEADLAMP = int(FaceRole.BRAKE), int(FaceRole.HEADLAMP)
_BEACON_LEFT, _BEACON_RIGHT = int(FaceRole.BEACON_LEFT), int(FaceRole.BEACON_RIGHT)

TAIL_BIT = len(FaceRole)
"""Brake lights shine dimly where this bit of a slot's lamps is set."""

# Red, yellow, green; a dark lamp keeps a fifth, as tinted glass does by day.
_LIT = np.array([[255, 40, 28], [255, 196, 20], [36, 245, 96]], dtype=np.float32)
_DARK = _LIT * np.float32(0.2)

_GRAIN_SHARE = {
    SemanticClass.ROAD: 0.10,
    SemanticClass.ROAD_LINE: 0.08,
    SemanticClass.SIDEWALK: 0.09,
    SemanticClass.TERRAIN: 0.17,
    SemanticClass.GROUND: 0.12,
    SemanticClass.BUILDING: 0.08,
    SemanticClass.WALL: 0.08,
    SemanticClass.VEGETATION: 0.22,
}


_NORMAL, SEMANTIC, _ROLE, _GRAIN = 3, 6, 7, 8
_TURN, _TINT, _LAMPS = 0, 9, 12


def face_table(
    color: UInt8[np.ndarray, "face 3"],
    normal: Float[np.ndarray, "face 3"],
    semantic: UInt8[np.ndarray, " face"],
    role: UInt8[np.ndarray, " face"],
) -> Float32[np.ndarray, "face 9"]:
    """One row a face, for the kernel: red, green, blue, normal x y z, class, role, grain."""
    table = np.empty((len(color), 9), dtype=np.float32)
    fill_face_table(table, color, normal, semantic, role)
    return table


def fill_face_table(
    table: Float32[np.ndarray, "face 9"],
    color: UInt8[np.ndarray, "face 3"],
    normal: Float[np.ndarray, "face 3"],
    semantic: UInt8[np.ndarray, " face"],
    role: UInt8[np.ndarray, " face"],
) -> None:
    """Write a face table, or a part of one, in place (`face_table`)."""
    share = np.zeros(max(SemanticClass) + 1, dtype=np.float32)
    for kind, value in _GRAIN_SHARE.items():
        share[kind] = value
    table[:, :3], table[:, _NORMAL:SEMANTIC] = color, normal
    table[:, SEMANTIC], table[:, _ROLE], table[:, _GRAIN] = semantic, role, share[semantic]


def slot_table(
    normal_to_world: Float[np.ndarray, "actor 3 3"], tint: UInt8[np.ndarray, "actor 3"]
) -> Float32[np.ndarray, "slot 13"]:
    """One row for the town and then one for each actor: normal to world (9), paint (3), lamps (1).

    Args:
        normal_to_world: turns mesh normals into the world; lengths need not be kept.
        tint: RGB of the paint.
    """
    rows = np.zeros((len(tint) + 1, 13), dtype=np.float32)
    rows[0, [0, 4, 8]] = 1.0
    rows[1:, _TURN:_TINT] = normal_to_world.reshape(-1, 9)
    rows[1:, _TINT:_LAMPS] = tint
    return rows


def switch_lamps(slots: Float32[np.ndarray, "slot 13"], shining: Int[np.ndarray, " actor"]) -> None:
    """Let lamps of actors shine or go dark, in place.

    Args:
        slots: slot table.
        shining: of each actor; bit r is set where its faces of `FaceRole` r shine, `TAIL_BIT` where
            its brake lights do as tail lights.
    """
    slots[1:, _LAMPS] = shining


def relight(
    faces: Float32[np.ndarray, "face 9"],
    rows: Int[np.ndarray, " lamp"],
    lamp: Int[np.ndarray, " lamp"],
    lit: Bool[np.ndarray, " lamp"],
) -> None:
    """Let lamp faces glow or go dark, in place.

    Args:
        faces: face table.
        rows: of the lamp faces.
        lamp: 0 red, 1 yellow, 2 green.
        lit: whether each shines.
    """
    faces[rows, :3] = np.where(lit[:, None], _LIT[lamp], _DARK[lamp])
    faces[rows, _ROLE] = np.where(lit, FaceRole.GLOW, FaceRole.OWN)


def ignite(
    faces: Float32[np.ndarray, "face 9"],
    rows: Int[np.ndarray, " lamp"],
    color: Float[np.ndarray, "lamp 3"] | UInt8[np.ndarray, "lamp 3"],
    *,
    shining: bool,
) -> None:
    """Let faces shine in a colour, or go back to one that does not, in place.

    Args:
        faces: face table.
        rows: of the faces that change.
        color: red, green, blue, 0 to 255.
        shining: whether they shine by themselves.
    """
    faces[rows, :3] = color
    faces[rows, _ROLE] = FaceRole.GLOW if shining else FaceRole.OWN


@cache
def grain_texture() -> Int8[np.ndarray, "2 512 512"]:
    """Tileable noise from -127 to 127: a smooth layer of patches, and a rough one of speckles."""
    random = generator(0, "sensors/grain")
    smooth = [(8, 1.0), (32, 0.8), (128, 0.35)]
    rough = [(512, 0.8), (256, 0.6), (64, 0.3)]
    layers = [sum(share * _octave(random, n) for n, share in shape) for shape in (smooth, rough)]
    scaled = [np.clip(layer / (2.2 * np.std(layer)), -1, 1) for layer in layers]
    return np.rint(127 * np.stack(scaled)).astype(np.int8)


def _octave(random: np.random.Generator, cells: int) -> Float64[np.ndarray, "512 512"]:
    """White noise on a coarse periodic grid, smoothly interpolated."""
    at = np.arange(_GRAIN_SIZE) * cells / _GRAIN_SIZE
    low, fraction = at.astype(np.int64), at % 1.0
    high, fraction = (low + 1) % cells, fraction * fraction * (3.0 - 2.0 * fraction)
    values = random.uniform(-1.0, 1.0, (cells, cells))
    rows = values[low] * (1 - fraction[:, None]) + values[high] * fraction[:, None]
    return rows[:, low] * (1 - fraction) + rows[:, high] * fraction


@njit(fastmath=True, error_model="numpy")
@no_type_check
def sky_color(up, light):
    """Colour of the sky for the sine of the elevation."""
    t = math.sqrt(min(max(up, _ZERO), _ONE))
    low, high = light.horizon, light.zenith
    return (
        low[0] + (high[0] - low[0]) * t,
        low[1] + (high[1] - low[1]) * t,
        low[2] + (high[2] - low[2]) * t,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def face_row(faces, face):
    """Colour, normal, class, role and grain of a face, as scalars."""
    return (
        (faces[face, 0], faces[face, 1], faces[face, 2]),
        (faces[face, 3], faces[face, 4], faces[face, 5]),
        faces[face, SEMANTIC],
        faces[face, _ROLE],
        faces[face, _GRAIN],
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def slot_row(slots, slot):
    """Rows of the rotation, paint and lamps of a body, as scalars."""
    return (
        (slots[slot, 0], slots[slot, 1], slots[slot, 2]),
        (slots[slot, 3], slots[slot, 4], slots[slot, 5]),
        (slots[slot, 6], slots[slot, 7], slots[slot, 8]),
        (slots[slot, 9], slots[slot, 10], slots[slot, 11]),
        slots[slot, _LAMPS],
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def grain_texels(place):
    """Where in the two layers of the grain a place (surface coordinates, m) lies, flattened."""
    u, v = place[0] + FAR_CORNER_M, place[1] + FAR_CORNER_M
    return (
        _texel(u * _SMOOTH_PER_M) * np.int32(_GRAIN_SIZE) + _texel(v * _SMOOTH_PER_M),
        _texel(u * _ROUGH_PER_M) * np.int32(_GRAIN_SIZE) + _texel(v * _ROUGH_PER_M),
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _texel(place):
    """Row or column of a tile that repeats for ever; `place` is above 0, where cutting is floor."""
    return np.int32(place) & np.int32(_GRAIN_MASK)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def grain_of(patch, speckle, distance):
    """Grain (-1 to 1) of the texels of both layers; its speckles fade with distance."""
    near = _ROUGH_FADES_M / (_ROUGH_FADES_M + distance)
    return _PATCH_SHARE * patch + _SPECKLE_SHARE * near * near * speckle


@njit(fastmath=True, error_model="numpy")
@no_type_check
def surface_place(hit, normal):
    """Coordinates on the surface: x, y on level ground; along the wall and z on walls."""
    is_level = abs(normal[2]) > _LEVEL
    along = hit[0] * normal[1] - hit[1] * normal[0]
    return hit[0] if is_level else along, hit[1] if is_level else hit[2]


@njit(fastmath=True, error_model="numpy")
@no_type_check
def dot(a, b):
    """Of two triples."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(fastmath=True, error_model="numpy")
@no_type_check
def facing_normal(normal, body, ray):
    """Unit normal in the world, on the side that the ray came from.

    Args:
        normal: in the mesh's own frame.
        body: slot row.
        ray: direction, world, any length.
    """
    x, y, z = dot(body[0], normal), dot(body[1], normal), dot(body[2], normal)
    scale = _ONE / math.sqrt(max(x * x + y * y + z * z, _TINY))
    if x * ray[0] + y * ray[1] + z * ray[2] > _ZERO:
        scale = -scale
    return x * scale, y * scale, z * scale


@njit(fastmath=True, error_model="numpy")
@no_type_check
def daylight(normal, light):
    """Red, green and blue light on a surface in the sun, and in the shade.

    Sky from above and ground from below light both.
    """
    sun = light.sun_share * max(dot(normal, light.sun_direction), _ZERO)
    up = _HALF + _HALF * normal[2]
    sky = light.sky_share * up + light.ground_share * (_ONE - up)
    red, green, blue = sky * light.sky_color[0], sky * light.sky_color[1], sky * light.sky_color[2]
    return (
        red + sun * light.sun_color[0],
        green + sun * light.sun_color[1],
        blue + sun * light.sun_color[2],
    ), (red, green, blue)


@njit(fastmath=True, error_model="numpy")
@no_type_check
def _lamp_color(role):
    """Colour of a lamp that shines."""
    if role == _BRAKE:
        return _BRAKE_COLOR
    if role == _HEADLAMP:
        return _HEAD_COLOR
    if role == _BEACON_LEFT:
        return _BEACON_BLUE
    return _BEACON_RED if role == _BEACON_RIGHT else _AMBER


@njit(fastmath=True, error_model="numpy")
@no_type_check
def own_color(face, body):
    """Colour of a face on a body, and whether it shines by itself."""
    if face[3] == _PAINT:
        return body[3], False
    if face[3] < _BRAKE:
        return face[0], face[3] == _GLOW
    role, lamps = np.int32(face[3]), np.int32(body[4])
    if (lamps >> role) & 1:
        return _lamp_color(role), True
    if role == _BRAKE and (lamps >> TAIL_BIT) & 1:
        return _TAIL_COLOR, True
    return face[0], False


@njit(fastmath=True, error_model="numpy")
@no_type_check
def surface_material(face, body, normal, light):
    """What all hits of a face have in common: colour in the sun, colour in the shade, and grain.

    Args:
        face: face row.
        body: slot row.
        normal: unit, world, on the side that is seen.
        light: sun and sky.
    """
    color, glows = own_color(face, body)
    if glows:
        return color, color, _ZERO
    sun, shade = daylight(normal, light)
    return (
        (color[0] * sun[0], color[1] * sun[1], color[2] * sun[2]),
        (color[0] * shade[0], color[1] * shade[1], color[2] * shade[2]),
        face[4],
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def hazy_color(color, grain, distance, light):
    """Red, green and blue (0 to 255, not clamped) of a hit on a dry, clear day.

    Args:
        color: of the surface in its light.
        grain: of the texture, times the share that shows.
        distance: from the eye, m.
        light: sun and sky.
    """
    clear = _ONE / (_ONE + light.haze_per_m * distance)
    haze, factor = _ONE - clear, clear * (_ONE + grain)
    return (
        color[0] * factor + light.horizon[0] * haze,
        color[1] * factor + light.horizon[1] * haze,
        color[2] * factor + light.horizon[2] * haze,
    )


@njit(fastmath=True, error_model="numpy")
@no_type_check
def to_byte(value):
    """Clamped to 0 .. 255 and rounded."""
    return np.uint8(np.int32(min(max(value + _HALF, _ZERO), _WHITE)))
