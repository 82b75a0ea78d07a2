"""Colour of a ray: sun and sky, fog into the horizon, and a grain that breaks flat surfaces.

Everything is a function of the hit alone, so a picture does not depend on how its pixels are
divided among threads. Kernels are inlined into the camera's.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.sensors.solids import FaceRole

_GRAIN_SIZE = 256
_GRAIN_MASK = _GRAIN_SIZE - 1
_FINE_PER_M, _COARSE_PER_M = 14.0, 0.9
_FINE_FADES_M = 18.0
_HORIZON = (206.0, 218.0, 229.0)
_ZENITH = (98.0, 148.0, 212.0)
_SUN_COLOR = (1.05, 1.0, 0.9)
_SKY_COLOR = (0.92, 0.98, 1.08)
_SUN_DIRECTION = tuple(np.array([0.48, 0.36, 0.8]) / np.linalg.norm([0.48, 0.36, 0.8]))
_SUN_SHARE, _SKY_SHARE, _GROUND_SHARE = 0.56, 0.5, 0.3
_FOG_PER_M = 0.0011

_PAINT, _BRAKE, _GLOW = int(FaceRole.PAINT), int(FaceRole.BRAKE), int(FaceRole.GLOW)

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


class Look(NamedTuple):
    """Tables of the shader.

    Attributes:
        grain: tileable noise with mean zero, about -1 to 1.
        grain_share: how much of it a `SemanticClass` shows.
    """

    grain: Float32[np.ndarray, "size size"]
    grain_share: Float32[np.ndarray, " semantic"]


def _tileable_noise() -> Float32[np.ndarray, "size size"]:
    """White noise at three scales, each blown up periodically and smoothed, scaled to about 1."""
    random = generator(0, "sensors/grain")
    total = np.zeros((_GRAIN_SIZE, _GRAIN_SIZE))
    for cells, share in ((_GRAIN_SIZE, 0.5), (_GRAIN_SIZE // 4, 0.7), (_GRAIN_SIZE // 16, 1.0)):
        at = np.arange(_GRAIN_SIZE) * cells / _GRAIN_SIZE
        low, fraction = at.astype(np.int64), at % 1.0
        fraction = fraction * fraction * (3.0 - 2.0 * fraction)
        values = random.uniform(-1.0, 1.0, (cells, cells))
        rows = values[low] * (1 - fraction[:, None]) + values[(low + 1) % cells] * fraction[:, None]
        total += share * (rows[:, low] * (1 - fraction) + rows[:, (low + 1) % cells] * fraction)
    return (total / (2.0 * total.std())).astype(np.float32)


def default_look() -> Look:
    """A clear day."""
    share = np.zeros(max(SemanticClass) + 1, dtype=np.float32)
    for semantic, value in _GRAIN_SHARE.items():
        share[semantic] = value
    return Look(_tileable_noise(), share)


@njit(fastmath=True)
@no_type_check
def sky_color(up):
    """Colour of the sky for the sine of the elevation."""
    t = math.sqrt(min(max(up, 0.0), 1.0))
    return (
        _HORIZON[0] + (_ZENITH[0] - _HORIZON[0]) * t,
        _HORIZON[1] + (_ZENITH[1] - _HORIZON[1]) * t,
        _HORIZON[2] + (_ZENITH[2] - _HORIZON[2]) * t,
    )


@njit(fastmath=True)
@no_type_check
def _grain_at(look, u, v, distance):
    """Two octaves of grain at surface coordinates in metres; the fine one fades with distance."""
    grain = look.grain
    coarse = grain[
        math.floor(u * _COARSE_PER_M) & _GRAIN_MASK,
        math.floor(v * _COARSE_PER_M) & _GRAIN_MASK,
    ]
    fine = grain[
        math.floor(u * _FINE_PER_M) & _GRAIN_MASK,
        math.floor(v * _FINE_PER_M) & _GRAIN_MASK,
    ]
    near = _FINE_FADES_M / (_FINE_FADES_M + distance)
    return 0.45 * coarse + 0.55 * near * near * fine


@njit(fastmath=True)
@no_type_check
def _grain_factor(look, semantic, point, normal, distance):
    """Brightness factor about 1 of a world point; walls are grained along their width and z."""
    share = look.grain_share[semantic]
    if share == 0.0:
        return 1.0
    if abs(normal[2]) > 0.6:
        return 1.0 + share * _grain_at(look, point[0], point[1], distance)
    along = point[0] * normal[1] - point[1] * normal[0]
    return 1.0 + share * _grain_at(look, along, point[2], distance)


@njit(fastmath=True)
@no_type_check
def _light(normal):
    """Red, green and blue light on a surface: sun, sky above and ground below."""
    sun = (
        normal[0] * _SUN_DIRECTION[0]
        + normal[1] * _SUN_DIRECTION[1]
        + normal[2] * _SUN_DIRECTION[2]
    )
    sun = _SUN_SHARE * max(sun, 0.0)
    up = 0.5 + 0.5 * normal[2]
    sky = _SKY_SHARE * up + _GROUND_SHARE * (1.0 - up)
    return (
        sun * _SUN_COLOR[0] + sky * _SKY_COLOR[0],
        sun * _SUN_COLOR[1] + sky * _SKY_COLOR[1],
        sun * _SUN_COLOR[2] + sky * _SKY_COLOR[2],
    )


@njit(fastmath=True)
@no_type_check
def _own_color(tables, face, slot):
    """Colour of a face on a body, and whether it shines by itself."""
    row = tables.faces[face]
    role = int(row[7])
    if role == _PAINT:
        tint = tables.tint[slot]
        return (tint[0], tint[1], tint[2]), False
    if role == _BRAKE and tables.braking[slot]:
        return (np.float32(255.0), np.float32(36.0), np.float32(26.0)), True
    return (row[0], row[1], row[2]), role == _GLOW


@njit(fastmath=True)
@no_type_check
def _world_normal(tables, face, slot, ray):
    """Unit normal of a hit face on the side that the ray came from."""
    row = tables.faces[face]
    nx, ny, nz = row[3], row[4], row[5]
    if slot > 0:
        turn = tables.normal_to_world[slot]
        nx, ny, nz = (
            turn[0, 0] * nx + turn[0, 1] * ny + turn[0, 2] * nz,
            turn[1, 0] * nx + turn[1, 1] * ny + turn[1, 2] * nz,
            turn[2, 0] * nx + turn[2, 1] * ny + turn[2, 2] * nz,
        )
        scale = np.float32(1.0 / math.sqrt(max(nx * nx + ny * ny + nz * nz, 1e-12)))
        nx, ny, nz = nx * scale, ny * scale, nz * scale
    if nx * ray[0] + ny * ray[1] + nz * ray[2] > 0.0:
        return -nx, -ny, -nz
    return nx, ny, nz


@njit(fastmath=True)
@no_type_check
def surface(tables, look, face, slot, ray, point, distance):
    """Red, green and blue (0 to 255, not clamped) of a hit.

    Args:
        tables: look-ups of the scene.
        look: look-ups of the shader.
        face: row of `tables.faces`.
        slot: of the body.
        ray: direction, world, any length.
        point: where it hit, world.
        distance: from the eye, m.
    """
    color, glows = _own_color(tables, face, slot)
    normal = _world_normal(tables, face, slot, ray)
    red, green, blue = (1.0, 1.0, 1.0) if glows else _light(normal)
    if slot == 0 and not glows:
        grain = _grain_factor(look, int(tables.faces[face, 6]), point, normal, distance)
        red, green, blue = red * grain, green * grain, blue * grain
    clear = 1.0 / (1.0 + _FOG_PER_M * distance)
    haze = 1.0 - clear
    return (
        color[0] * red * clear + _HORIZON[0] * haze,
        color[1] * green * clear + _HORIZON[1] * haze,
        color[2] * blue * clear + _HORIZON[2] * haze,
    )


@njit(fastmath=True)
@no_type_check
def to_byte(value):
    """Clamped to 0 .. 255 and rounded."""
    return np.uint8(min(max(value + 0.5, 0.0), 255.0))
