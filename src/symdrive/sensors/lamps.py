"""Light that street lamps and headlights throw, as a grid around the eye.

For every hit a kernel looks one cell up, whatever the number of lamps. The price: lamps shine
through what stands before them, and what they light is known by the metre.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, UInt8
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery.buildings import GLASS
from symdrive.maps.scenery.lamps import GLASS_SHADE, LAMP_HEIGHT_M
from symdrive.maps.town import Mesh
from symdrive.world.catalogue import VEHICLE_KINDS, ActorKind
from symdrive.world.truth import Actors

CELL_M = 1.0
_CELLS = 176
_POOL_M, _BEAM_M, _BEAM_SIDE_M = 19.0, 46.0, 13.0
_LAMP_SIZE_M = 1.0
_LIT_WINDOWS = 0.3
_BICYCLE_SHARE = 0.2
_HEAD_COLOR = (255.0, 226.0, 164.0)
_WINDOW_COLORS = np.array(
    [[255, 206, 132], [250, 222, 170], [226, 226, 214], [196, 158, 104], [120, 108, 96]]
)


class Lamps(NamedTuple):
    """What of a town shines at night.

    Attributes:
        foot: ground under each street lamp, world, m.
        heads: rows of the mesh's faces that are lamp glass.
        head_color: of each such face, 0 to 255.
        windows: rows of faces that are windows of rooms with a light on.
        window_color: of each such face.
    """

    foot: Float64[np.ndarray, "lamp 3"]
    heads: Int[np.ndarray, " face"]
    head_color: Float[np.ndarray, "face 3"]
    windows: Int[np.ndarray, " pane"]
    window_color: Float[np.ndarray, "pane 3"]


def town_lamps(mesh: Mesh) -> Lamps:
    """The lamps of a town, told by the classes and colours that its scenery gives their glass."""
    pole, wall = mesh.semantic == SemanticClass.POLE, mesh.semantic == SemanticClass.BUILDING
    heads = np.flatnonzero(pole & _of_color(mesh.color, (GLASS_SHADE,)))
    panes = np.flatnonzero(wall & _of_color(mesh.color, GLASS))
    panes = panes[: len(panes) // 2 * 2].reshape(-1, 2)  # two triangles each
    random = generator(0, "sensors/windows")
    panes = panes[random.random(len(panes)) < _LIT_WINDOWS]
    kind = random.integers(0, len(_WINDOW_COLORS), len(panes))
    shade = _WINDOW_COLORS[kind] * random.uniform(0.55, 0.95, (len(panes), 1))
    middles = mesh.vertices[mesh.faces[heads]].astype(np.float64).mean(axis=1)
    return Lamps(
        _feet(middles),
        heads,
        np.tile(np.array(_HEAD_COLOR), (len(heads), 1)),
        panes.ravel(),
        np.repeat(shade, 2, axis=0),
    )


def _of_color(
    color: UInt8[np.ndarray, "face 3"], shades: tuple[tuple[int, int, int], ...]
) -> Bool[np.ndarray, " face"]:
    """Faces of one of these colours."""
    places = np.array([1 << 16, 1 << 8, 1])
    return np.isin(color.astype(np.int64) @ places, np.array(shades) @ places)


def _feet(middles: Float64[np.ndarray, "face 3"]) -> Float64[np.ndarray, "lamp 3"]:
    """Ground under each lamp, from the middles of its faces."""
    if not len(middles):
        return np.zeros((0, 3))
    pairs = cKDTree(middles).query_pairs(_LAMP_SIZE_M, output_type="ndarray")
    square = (len(middles), len(middles))
    near = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=square)
    count, lamp = connected_components(near, directed=False)
    total = np.stack([np.bincount(lamp, middles[:, k], count) for k in range(3)], axis=1)
    return total / np.bincount(lamp, minlength=count)[:, None] - np.array([0, 0, LAMP_HEIGHT_M])


def lamp_grid(
    middle: tuple[float, float], lamps: Lamps, actors: Actors
) -> tuple[tuple[np.float32, np.float32], Float32[np.ndarray, "row column 5"]]:
    """What lamps throw on their surroundings, around a place.

    Street lamps light a circle, headlights a cone before their car. Parked cars are dark.

    Args:
        middle: x, y of the place.
        lamps: of the town.
        actors: of whom vehicles drive with their lights on.

    Returns:
        World x, y of the first cell, and the cells, rows along x: street lamps, headlights, x and y
        of the headlights' direction times their brightness, height of the ground times both
        brightnesses. The rim is dark.
    """
    half = 0.5 * _CELLS * CELL_M
    corner = np.array(middle) - half
    near = np.abs(lamps.foot[:, :2] - middle).max(axis=1, initial=0.0) < half + _POOL_M
    cells = np.zeros((_CELLS, _CELLS, 5), dtype=np.float32)
    _throw(cells, corner, lamps.foot[near], _beams(actors, middle, half + _BEAM_M))
    return (np.float32(corner[0]), np.float32(corner[1])), cells


def _beams(
    actors: Actors, middle: tuple[float, float], reach_m: float
) -> Float64[np.ndarray, "beam 6"]:
    """Position, heading (cosine, sine) and brightness of the headlights that are on."""
    kinds = np.array(sorted(int(kind) for kind in VEHICLE_KINDS))
    shining = np.isin(actors.kind, kinds) & ~actors.parked
    shining &= np.abs(actors.position[:, :2] - middle).max(axis=1) < reach_m
    rows = np.flatnonzero(shining)
    forward = np.stack([np.cos(actors.yaw[rows]), np.sin(actors.yaw[rows])], axis=1)
    nose = actors.position[rows, :2] + forward * actors.half_extent[rows, :1]
    power = np.where(actors.kind[rows] == ActorKind.BICYCLE, _BICYCLE_SHARE, 1.0)
    z = actors.position[rows, 2:]
    return np.concatenate([nose, z, forward, power[:, None]], axis=1).astype(np.float64)


@njit(cache=True)
@no_type_check
def _throw(
    cells: Float32[np.ndarray, "row column 5"],
    corner: Float64[np.ndarray, " 2"],
    feet: Float64[np.ndarray, "lamp 3"],
    beams: Float64[np.ndarray, "beam 6"],
) -> None:
    """Add circles and cones to the cells."""
    last = cells.shape[0] - 2
    for n in range(len(feet)):
        x, y, z = feet[n]
        top, left = (x - corner[0] - _POOL_M) / CELL_M, (y - corner[1] - _POOL_M) / CELL_M
        for i in range(max(int(top), 1), min(int(top + 2 * _POOL_M / CELL_M), last) + 1):
            for j in range(max(int(left), 1), min(int(left + 2 * _POOL_M / CELL_M), last) + 1):
                dx, dy = corner[0] + i * CELL_M - x, corner[1] + j * CELL_M - y
                away = (dx * dx + dy * dy) / (LAMP_HEIGHT_M * LAMP_HEIGHT_M)
                rim = max(1.0 - (dx * dx + dy * dy) / (_POOL_M * _POOL_M), 0.0)
                light = rim / (1.0 + away) ** 1.5
                cells[i, j, 0] += light
                cells[i, j, 4] += light * z
    for n in range(len(beams)):
        _cone(cells, corner, beams[n], last)


@njit
@no_type_check
def _cone(cells, corner, beam, last):
    """The light before one car: low beams, brightest some metres ahead."""
    x, y, z, forward_x, forward_y, power = beam
    mid_x, mid_y = x + 0.5 * _BEAM_M * forward_x, y + 0.5 * _BEAM_M * forward_y
    wide = 0.5 * _BEAM_M + _BEAM_SIDE_M
    top, left = (mid_x - corner[0] - wide) / CELL_M, (mid_y - corner[1] - wide) / CELL_M
    for i in range(max(int(top), 1), min(int(top + 2 * wide / CELL_M), last) + 1):
        for j in range(max(int(left), 1), min(int(left + 2 * wide / CELL_M), last) + 1):
            dx, dy = corner[0] + i * CELL_M - x, corner[1] + j * CELL_M - y
            ahead, aside = dx * forward_x + dy * forward_y, dy * forward_x - dx * forward_y
            if ahead < 0.2 or ahead > _BEAM_M:
                continue
            spread = 0.9 + 0.26 * ahead
            light = power * math.exp(-((aside / spread) ** 2)) * (1.0 - ahead / _BEAM_M) ** 1.5
            light *= ahead / (ahead + 1.5)
            away = math.sqrt(dx * dx + dy * dy)
            cells[i, j, 1] += light
            cells[i, j, 2] += light * dx / away
            cells[i, j, 3] += light * dy / away
            cells[i, j, 4] += light * z
