"""What the rays meet: the static town and the moving actors, as Embree instances and face tables.

Slot 0 of the instance tree is the town, slot r + 1 the actor in row r of the last `update`. World
frame, metres.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int32, Int64

from symdrive.maps.town import Mesh, Town
from symdrive.sensors.bodies import bodies
from symdrive.sensors.embree import InstanceScene, TriangleScene, place_instances, shared_device
from symdrive.sensors.lamps import Lamps, lamp_grid, town_lamps
from symdrive.sensors.light import Air, Light, Look, air_of, light_of
from symdrive.sensors.shading import face_table, ignite, relight, slot_table
from symdrive.sensors.solids import FaceRole
from symdrive.world.catalogue import half_extents
from symdrive.world.truth import Actors
from symdrive.world.weather import lamps_on

SEEN_BY_ALL, HIDEABLE, MOVING = 1, 2, 4
"""Ray mask bits: what every ray meets, the one actor that rays may be told to pass through, and
every other actor."""

_GRID_STEP_M = 8.0
"""The lamp grid moves with the eye in steps, so that the cameras of one car share it."""

DAY = Look()
_MAX_ACTOR_ID = np.iinfo(np.uint16).max


class SceneTables(NamedTuple):
    """What a kernel looks up for a hit; they belong to the scene and change with `update`.

    Attributes:
        faces: face table of the town and then of every model (`shading.face_table`).
        slots: slot table (`shading.slot_table`).
        first_face: row of `faces` where the mesh of each slot begins.
        actor_id: of each slot, 0 for the town.
    """

    faces: Float32[np.ndarray, "face 9"]
    slots: Float32[np.ndarray, "slot 14"]
    first_face: Int32[np.ndarray, " slot"]
    actor_id: Int64[np.ndarray, " slot"]


def rotations(
    yaw: Float[np.ndarray, " n"], pitch: Float[np.ndarray, " n"]
) -> Float64[np.ndarray, "n 3 3"]:
    """Rotation from each body frame (x forward, y left, z up) to the world; nose up positive."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(cy)
    forward = np.stack([cp * cy, cp * sy, sp], axis=1)
    left = np.stack([-sy, cy, zero], axis=1)
    up = np.stack([-sp * cy, -sp * sy, cp], axis=1)
    return np.stack([forward, left, up], axis=2).astype(np.float64)


def face_normals(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> Float64[np.ndarray, "face 3"]:
    """Unit normals of counter-clockwise triangles; zero for a triangle without area."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return normal / np.where(length > 0, length, 1.0)


class _Trees:
    """The Embree side of a scene: one tree for the town, one for each model, one over all slots."""

    def __init__(self, mesh: Mesh) -> None:
        device = shared_device()
        town = TriangleScene(device, mesh.vertices, mesh.faces)
        self.models = [TriangleScene(device, body.vertices, body.faces) for body in bodies()]
        self.instances = InstanceScene(device)
        self.instances.append(town, SEEN_BY_ALL)
        self.instances.commit()
        self.shown = np.zeros(0, dtype=np.int64)
        self.hideable = 0

    def show(self, model: Int[np.ndarray, " actor"]) -> None:
        """Let slot r + 1 show the body of row r; slots without a row vanish."""
        if np.array_equal(self.shown, model):
            return
        for row in range(len(self.instances) - 1, len(model)):
            mask = HIDEABLE if row == self.hideable else SEEN_BY_ALL | MOVING
            self.instances.append(self.models[model[row]], mask)
        for row, number in enumerate(model):
            self.instances.show(row + 1, self.models[number])
        for row in range(len(model), len(self.shown)):
            self.instances.set_enabled(row + 1, enabled=False)
        for row in range(len(self.shown), len(model)):
            self.instances.set_enabled(row + 1, enabled=True)
        self.shown = model.astype(np.int64)

    def hide(self, row: int) -> None:
        """Make this row the one that rays may pass through."""
        if row == self.hideable:
            return
        for changed, mask in ((self.hideable, SEEN_BY_ALL | MOVING), (row, HIDEABLE)):
            if changed + 1 < len(self.instances):
                self.instances.set_mask(changed + 1, mask)
        self.hideable = row
        self.instances.commit()


class Scene:
    """The town and its actors, ready to be looked at.

    The trees are built by the first `update`, so a world without cameras and LiDAR never pays for
    them.

    Args:
        town: static mesh and signals.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self._tables: SceneTables | None = None
        self._shown: Actors | None = None
        self._signal_state: Int[np.ndarray, " signal"] | None = None
        self.look = DAY
        self.light: Light = light_of(self.look.weather)
        self._air = air_of(self.look)
        self._grid: tuple[Actors, tuple[int, int], Air] | None = None
        self._lamps = np.flatnonzero(town.mesh.signal >= 0)

    @cached_property
    def _trees(self) -> _Trees:
        return _Trees(self.town.mesh)

    @cached_property
    def _faces(self) -> Float32[np.ndarray, "face 9"]:
        mesh = self.town.mesh
        own = np.full(len(mesh.faces), FaceRole.OWN, dtype=np.uint8)
        normal = face_normals(mesh.vertices, mesh.faces)
        rows = [face_table(mesh.color, normal, mesh.semantic, own)]
        for body in bodies():
            normal = face_normals(body.vertices, body.faces)
            rows.append(face_table(body.color, normal, body.semantic, body.role))
        return np.concatenate(rows)

    @property
    def address(self) -> int:
        """Address of the instance tree, for kernels."""
        return self._trees.instances.address

    @property
    def tables(self) -> SceneTables:
        """Look-up tables of the last update.

        Raises:
            RuntimeError: before the first update.
        """
        if self._tables is None:
            raise RuntimeError("the scene has shown nothing yet; call update first")
        return self._tables

    @property
    def num_actors(self) -> int:
        """Rows of the last update."""
        return len(self.tables.actor_id) - 1

    def ray_mask(self, skip_row: int | None) -> int:
        """Mask for rays that pass through the actor in a row (None: that meet everything).

        Raises:
            IndexError: when there is no such row.
        """
        if skip_row is None:
            return SEEN_BY_ALL | HIDEABLE
        if not 0 <= skip_row < self.num_actors:
            raise IndexError(f"skip_row {skip_row}: the scene has {self.num_actors} actors")
        self._trees.hide(skip_row)
        return SEEN_BY_ALL

    def update(
        self,
        actors: Actors,
        signal_state: Int[np.ndarray, " signal"],
        look: Look = DAY,
    ) -> None:
        """Show the actors and the lamps as they are now; the same actors again cost nothing.

        Args:
            actors: all of them.
            signal_state: `SignalState` of each signal of the town.
            look: weather and moment for cameras.

        Raises:
            ValueError: when `signal_state` has not one entry for each signal of the town, or an
                actor id does not fit instance pictures.
        """
        if len(signal_state) != len(self.town.signals):
            raise ValueError(
                f"{len(signal_state)} signal states for {len(self.town.signals)} signals"
            )
        ids = actors.actor_id
        if len(ids) and not 0 < ids.min() <= ids.max() <= _MAX_ACTOR_ID:
            raise ValueError(f"actor ids lie in 1 .. {_MAX_ACTOR_ID}")
        if self._shown is not actors:
            self._place(actors)
            self._shown = actors
        self._light(signal_state)
        if look != self.look:
            self._take_on(look)

    def _take_on(self, look: Look) -> None:
        """Another weather, or another moment of it."""
        before, self.look = lamps_on(self.look.weather), look
        self.light, self._air, self._grid = light_of(look.weather), air_of(look), None
        if lamps_on(look.weather) != before:
            lamps = self._town_lamps
            for rows, lit in ((lamps.heads, lamps.head_color), (lamps.windows, lamps.window_color)):
                color = self.town.mesh.color[rows] if before else lit
                ignite(self._faces, rows, color, shining=not before)

    def air(self, x: float, y: float) -> Air | None:
        """Fog, wetness and lamp light as seen from a place; None on a dry, clear day."""
        air, actors = self._air, self._shown
        if air is None or actors is None or not float(air.dark):
            return air
        cell = round(x / _GRID_STEP_M), round(y / _GRID_STEP_M)
        kept = self._grid
        if kept is None or kept[0] is not actors or kept[1] != cell:
            middle = (cell[0] * _GRID_STEP_M, cell[1] * _GRID_STEP_M)
            corner, cells = lamp_grid(middle, self._town_lamps, actors)
            kept = (actors, cell, air._replace(corner=corner, cells=cells))
            self._grid = kept
        return kept[2]

    @cached_property
    def _town_lamps(self) -> Lamps:
        return town_lamps(self.town.mesh)

    def _place(self, actors: Actors) -> None:
        """Move every instance and write the tables anew.

        A body is stretched to the actor's own box, so that pictures and boxes agree.
        """
        rotation = rotations(actors.yaw, actors.pitch)
        scale = (actors.half_extent / half_extents()[actors.model])[:, None, :]
        columns = np.concatenate([rotation * scale, actors.position[:, :, None]], axis=2)
        transforms = columns.transpose(0, 2, 1).reshape(-1, 12).astype(np.float32)
        instances = self._trees.instances
        self._trees.show(actors.model)
        place_instances(instances.handles()[1 : len(actors) + 1], transforms)
        instances.commit()
        self._tables = SceneTables(
            self._faces,
            slot_table(rotation / scale, actors.color, actors.braking, ~actors.parked),
            np.append(np.int32(0), self._first_face[actors.model]),
            np.append(np.int64(0), actors.actor_id),
        )

    @cached_property
    def _first_face(self) -> Int32[np.ndarray, " model"]:
        """Row of `SceneTables.faces` where each model begins."""
        counts = [len(self.town.mesh.faces)] + [len(body.faces) for body in bodies()]
        return np.cumsum(counts)[:-1].astype(np.int32)

    def _light(self, signal_state: Int[np.ndarray, " signal"]) -> None:
        """Colour the lamp faces: the lit one glows, the others are dark."""
        if self._signal_state is not None and np.array_equal(self._signal_state, signal_state):
            return
        mesh, rows = self.town.mesh, self._lamps
        lamp = mesh.lamp[rows]
        relight(self._faces, rows, lamp, lamp == signal_state[mesh.signal[rows]])
        self._signal_state = signal_state.copy()
