"""Semantic LiDARs: what each beam hits, at what angle; no noise.

Source: carla-simulator/carla 0.9.15, `RayCastSemanticLidar.cpp`.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from symdrive.sensors.figures import figures, figures_of, stretch_of
from symdrive.sensors.lidar import Sweep, beam_points, sweep_beams
from symdrive.sensors.mount import Pose
from symdrive.sensors.scene import Scene, face_normals, rotations
from symdrive.world.evidence import SemanticPoints
from symdrive.world.specs import SemanticLidarSpec
from symdrive.world.truth import Actors


class _Faces(NamedTuple):
    """Faces of the town and then of every model.

    Attributes:
        normal: in the frame of the mesh.
        semantic: `SemanticClass`.
        first: row where each figure begins.
    """

    normal: Float32[np.ndarray, "face 3"]
    semantic: UInt8[np.ndarray, " face"]
    first: Int64[np.ndarray, " figure"]


class SemanticScanner:
    """Reads semantic LiDARs in one scene.

    Args:
        scene: the world.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @cached_property
    def _faces(self) -> _Faces:
        meshes = (self.scene.town.mesh, *figures())
        normals = [face_normals(mesh.vertices, mesh.faces) for mesh in meshes]
        return _Faces(
            np.concatenate(normals).astype(np.float32),
            np.concatenate([mesh.semantic for mesh in meshes]),
            np.cumsum([len(normal) for normal in normals])[:-1],
        )

    def scan(
        self,
        spec: SemanticLidarSpec,
        actors: Actors,
        ego: Pose,
        reading: int,
        *,
        skip_row: int | None,
    ) -> SemanticPoints:
        """One reading in the scene as last updated.

        Args:
            spec: the LiDAR and its mount.
            actors: what the scene shows.
            ego: ground point under the ego's box centre.
            reading: how often the LiDAR has read before.
            skip_row: actor that no beam meets, or None.
        """
        sweep, echoes = sweep_beams(self.scene, spec, ego, reading, skip_row=skip_row)
        beams = np.flatnonzero(echoes.slot >= 0)
        slot = echoes.slot.ravel()[beams]
        first = np.append(0, self._faces.first[figures_of(actors)])
        face = first[slot] + echoes.face.ravel()[beams]
        ray = _rays(sweep, beams)
        normal = self._normals(actors, slot, face)
        return SemanticPoints(
            beam_points(sweep, spec, beams, echoes.distance.ravel()[beams]),
            np.abs((ray * normal).sum(axis=1)).astype(np.float32),
            self.scene.tables.actor_id[slot],
            self._faces.semantic[face],
        )

    def _normals(
        self, actors: Actors, slot: np.ndarray, face: Int64[np.ndarray, " point"]
    ) -> Float64[np.ndarray, "point 3"]:
        """World normals of the hit faces; a stretched body turns them as its inverse does."""
        turn = rotations(actors.yaw, actors.pitch) / stretch_of(actors)[:, None, :]
        to_world = np.concatenate([np.eye(3)[None], turn])
        normal = np.einsum("pij,pj->pi", to_world[slot], self._faces.normal[face])
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


def _rays(sweep: Sweep, beams: Int64[np.ndarray, " point"]) -> Float64[np.ndarray, "point 3"]:
    """World directions of beams, of length one."""
    channel, column = np.divmod(beams, len(sweep.azimuth))
    elevation, azimuth = sweep.elevation[channel], sweep.azimuth[column]
    level = elevation[:, :1] * azimuth
    local = np.concatenate([level, elevation[:, 1:]], axis=1)
    return (local @ sweep.to_world.T).astype(np.float64)
