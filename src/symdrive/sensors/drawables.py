"""The town and the actors as blocks of triangles, for the rasteriser."""

import math
from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64
from numba import njit, prange

from symdrive.maps.town import Mesh
from symdrive.sensors.bodies import Body
from symdrive.sensors.raster import GROUP, Blocks

_CELL_M = 12.0
"""Side of the squares into which a mesh is cut, to leave out what lies beside the picture."""

_COLUMN = 2**32
"""More squares than a column has."""

_MARGIN_M = 0.01
"""Single precision far from the origin is no finer."""


def cut(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[Int64[np.ndarray, " face"], Int64[np.ndarray, " cell"], Float32[np.ndarray, "cell 7"]]:
    """Cut a mesh into squares of the ground.

    Returns:
        The faces square by square, where each square begins among them, and what is around it: the
        middle and the radius of a sphere, and half the sides of a box with the same middle.
    """
    key = np.empty(len(faces), dtype=np.int64)
    _find_cells(vertices, faces, key)
    order = np.argsort(key, kind="stable")
    key = key[order]
    is_new = np.ones(len(key), dtype=np.bool_)
    is_new[1:] = key[1:] != key[:-1]
    first = np.flatnonzero(is_new)
    around = np.empty((len(first), 7), dtype=np.float32)
    _find_spheres(vertices, faces, order, np.append(first, len(order)), around)
    return order, first, around


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _find_cells(vertices, faces, key):
    """The square in which the middle of each face lies, by columns from west to east."""
    third, side = vertices.dtype.type(3.0), vertices.dtype.type(_CELL_M)
    for f in prange(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x = (vertices[a, 0] + vertices[b, 0] + vertices[c, 0]) / third
        y = (vertices[a, 1] + vertices[b, 1] + vertices[c, 1]) / third
        key[f] = np.int64(math.floor(x / side)) * _COLUMN + np.int64(math.floor(y / side))


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _find_spheres(vertices, faces, order, ends, around):
    """What is around the faces of each square (`cut`)."""
    for cell in prange(len(around)):
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for n in range(ends[cell], ends[cell + 1]):
            for corner in range(3):
                vertex = faces[order[n], corner]
                for axis in range(3):
                    low[axis] = min(low[axis], vertices[vertex, axis])
                    high[axis] = max(high[axis], vertices[vertex, axis])
        square = 0.0
        for axis in range(3):
            half = 0.5 * (high[axis] - low[axis]) + _MARGIN_M
            square += half * half
            around[cell, axis], around[cell, 4 + axis] = 0.5 * (low[axis] + high[axis]), half
        around[cell, 3] = math.sqrt(square)


@njit(cache=True, nogil=True, parallel=True)
@no_type_check
def _gather(vertices, faces, order, triangles):
    """Corners of faces in an order, as columns of `Blocks.triangles`."""
    for n in prange(len(order)):
        for corner in range(3):
            vertex = faces[order[n], corner]
            for axis in range(3):
                triangles[3 * corner + axis, n] = vertices[vertex, axis]


def _grouped(cells: Float32[np.ndarray, "cell 7"]) -> Float32[np.ndarray, "group 6"]:
    """Boxes around as many squares that follow each other as `raster.GROUP` says."""
    first = np.arange(0, len(cells), GROUP)
    if not len(first):
        return np.zeros((0, 6), dtype=np.float32)
    middle, half = cells[:, :3].astype(np.float64), cells[:, 4:]
    low = np.minimum.reduceat(middle - half, first)
    high = np.maximum.reduceat(middle + half, first)
    boxes = np.concatenate([0.5 * (low + high), 0.5 * (high - low) + _MARGIN_M], axis=1)
    return boxes.astype(np.float32)


class Drawables:
    """All triangles of a scene; the town is cut into cells, an actor is a block of its own.

    Args:
        town: stands still, in the world frame.
        models: bodies of actors, in their own frames.
    """

    def __init__(self, town: Mesh, models: Sequence[Body]) -> None:
        order, first, self._cells = cut(town.vertices, town.faces)
        counts = [len(town.faces), *(len(model.faces) for model in models)]
        begins = np.cumsum(counts)
        self._triangles = np.empty((9, int(begins[-1])), dtype=np.float32)
        _gather(town.vertices, town.faces, order, self._triangles[:, : begins[0]])
        own = np.concatenate([model.vertices[model.faces].reshape(-1, 9) for model in models])
        self._triangles[:, begins[0] :] = own.T
        self._face = np.concatenate([order, np.arange(begins[0], begins[-1])]).astype(np.int32)
        self._first, self._last = first, np.append(first[1:], begins[:1])[: len(first)]
        self._model_first, self._model_last = begins[:-1], begins[1:]
        low = np.array([m.vertices.min(axis=0) for m in models], dtype=np.float64)
        high = np.array([m.vertices.max(axis=0) for m in models], dtype=np.float64)
        self._middle, self._reach = 0.5 * (low + high), 0.5 * (high - low)
        self._groups = _grouped(self._cells)
        self._make_room(0)

    def _make_room(self, actors: int) -> None:
        """Tables with room for so many actors behind the town."""
        cells, rows = len(self._cells), len(self._cells) + actors
        self._room, self._slot = actors, np.zeros(rows, dtype=np.int64)
        self._begin, self._end = np.empty((2, rows), dtype=np.int64)
        self._around = np.empty((rows, 7), dtype=np.float32)
        self._begin[:cells], self._end[:cells] = self._first, self._last
        self._slot[cells:] = np.arange(1, actors + 1)
        self._around[:cells] = self._cells

    def blocks(
        self,
        model: Int[np.ndarray, " actor"],
        matrix: Float[np.ndarray, "actor 3 3"],
        position: Float[np.ndarray, "actor 3"],
    ) -> tuple[Blocks, Float64[np.ndarray, "slot 12"]]:
        """What there is to draw now, and where each body stands (`Workbench.draw`).

        Good until it is asked for again: the town's part of the tables is not copied.

        Args:
            model: body of each actor.
            matrix: turns and stretches each body.
            position: world, m.
        """
        middle = position + np.einsum("aij,aj->ai", matrix, self._middle[model])
        # A turned box reaches no farther than its stretched half diagonal.
        stretch = np.linalg.norm(matrix, axis=1)
        radius = np.linalg.norm(stretch * self._reach[model], axis=1)
        half = np.einsum("aij,aj->ai", np.abs(matrix), self._reach[model]) + _MARGIN_M
        if len(model) > self._room:
            self._make_room(2 * len(model))
        cells, rows = len(self._cells), len(self._cells) + len(model)
        self._begin[cells:rows], self._end[cells:rows] = (
            self._model_first[model],
            self._model_last[model],
        )
        self._around[cells:rows] = np.column_stack([middle, radius, half])
        place = np.zeros((len(model) + 1, 3, 4))
        place[0, :, :3] = np.eye(3)
        place[1:, :, :3], place[1:, :, 3] = matrix, position
        return Blocks(
            self._triangles,
            self._face,
            self._begin[:rows],
            self._end[:rows],
            self._slot[:rows],
            self._around[:rows, :4],
            self._around[:rows, 4:],
            self._groups,
        ), place.reshape(-1, 12)
