"""The town and the actors as blocks of triangles, for the rasteriser."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64

from symdrive.maps.town import Mesh
from symdrive.sensors.bodies import Body
from symdrive.sensors.raster import Blocks

_CELL_M = 12.0
"""Side of the squares into which a mesh is cut, to leave out what lies beside the picture."""

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
    cell = np.floor(vertices[faces, :2].mean(axis=1) / _CELL_M).astype(np.int64)
    order = np.lexsort((cell[:, 1], cell[:, 0]))
    cell = cell[order]
    is_new = np.ones(len(cell), dtype=np.bool_)
    is_new[1:] = (cell[1:] != cell[:-1]).any(axis=1)
    first = np.flatnonzero(is_new)
    corners = vertices[faces[order]].astype(np.float64)
    if not len(first):
        return order, first, np.zeros((0, 7), dtype=np.float32)
    low = np.minimum.reduceat(corners.min(axis=1), first)
    high = np.maximum.reduceat(corners.max(axis=1), first)
    half = 0.5 * (high - low) + _MARGIN_M
    radius = np.linalg.norm(half, axis=1)
    return order, first, np.column_stack([0.5 * (low + high), radius, half]).astype(np.float32)


class Drawables:
    """All triangles of a scene; the town is cut into cells, an actor is a block of its own.

    Args:
        town: stands still, in the world frame.
        models: bodies of actors, in their own frames.
    """

    def __init__(self, town: Mesh, models: Sequence[Body]) -> None:
        order, first, self._cells = cut(town.vertices, town.faces)
        meshes = [town.vertices[town.faces[order]], *(m.vertices[m.faces] for m in models)]
        corners = [mesh.reshape(-1, 9) for mesh in meshes]
        begins = np.cumsum([len(mesh) for mesh in corners])
        self._triangles = np.ascontiguousarray(np.concatenate(corners, dtype=np.float32).T)
        self._face = np.concatenate([order, np.arange(begins[0], begins[-1])]).astype(np.int32)
        self._first, self._last = first, np.append(first[1:], begins[:1])[: len(first)]
        self._model_first, self._model_last = begins[:-1], begins[1:]
        low = np.array([m.vertices.min(axis=0) for m in models], dtype=np.float64)
        high = np.array([m.vertices.max(axis=0) for m in models], dtype=np.float64)
        self._middle, self._reach = 0.5 * (low + high), 0.5 * (high - low)

    def blocks(
        self,
        model: Int[np.ndarray, " actor"],
        matrix: Float[np.ndarray, "actor 3 3"],
        position: Float[np.ndarray, "actor 3"],
    ) -> tuple[Blocks, Float64[np.ndarray, "slot 12"]]:
        """What there is to draw now, and where each body stands (`Workbench.draw`).

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
        around = np.column_stack([middle, radius, half]).astype(np.float32)
        place = np.zeros((len(model) + 1, 3, 4))
        place[0, :, :3] = np.eye(3)
        place[1:, :, :3], place[1:, :, 3] = matrix, position
        cells, around = len(self._cells), np.concatenate([self._cells, around])
        return Blocks(
            self._triangles,
            self._face,
            np.concatenate([self._first, self._model_first[model]]),
            np.concatenate([self._last, self._model_last[model]]),
            np.concatenate([np.zeros(cells, dtype=np.int64), np.arange(1, len(model) + 1)]),
            around[:, :4],
            around[:, 4:],
        ), place.reshape(-1, 12)
