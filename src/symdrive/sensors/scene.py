"""What sensors meet: the town and the moving actors, to be drawn or cast at, and their faces.

Slot 0 is the town, slot r + 1 the actor in row r of the last `update`. World frame, metres.
Threads may look at a scene side by side, but not while it is updated.
"""

import math
import threading
from functools import cache, cached_property
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Int64
from numba import njit, prange

from symdrive.maps.town import Mesh, Town
from symdrive.sensors.blinking import shining_lamps
from symdrive.sensors.drawables import Drawables
from symdrive.sensors.embree import (
    InstanceScene,
    TriangleScene,
    place_instances,
    shared_device,
)
from symdrive.sensors.figures import figures, figures_of, stretch_of
from symdrive.sensors.lamps import Lamps, lamp_grid, town_lamps
from symdrive.sensors.light import Air, Light, Look, air_of, light_of
from symdrive.sensors.raster import Blocks, Drawing, Lens, Workbench
from symdrive.sensors.shading import (
    face_table,
    fill_face_table,
    ignite,
    relight,
    slot_table,
    switch_lamps,
)
from symdrive.sensors.shadows import Frame, ShadowMaps
from symdrive.sensors.solids import FaceRole
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
        faces: face table of the town and then of every figure (`shading.face_table`).
        slots: slot table (`shading.slot_table`).
        actor_id: of each slot, 0 for the town.
    """

    faces: Float32[np.ndarray, "face 9"]
    slots: Float32[np.ndarray, "slot 13"]
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
    normals = np.empty((len(faces), 3))
    _find_normals(vertices, faces, normals)
    return normals


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
@no_type_check
def _find_normals(vertices, faces, normals):
    """Fill in `face_normals`."""
    for f in prange(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x, y, z = np.float64(vertices[a, 0]), np.float64(vertices[a, 1]), np.float64(vertices[a, 2])
        bx, by, bz = vertices[b, 0] - x, vertices[b, 1] - y, vertices[b, 2] - z
        cx, cy, cz = vertices[c, 0] - x, vertices[c, 1] - y, vertices[c, 2] - z
        nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        length = length if length > 0.0 else 1.0
        normals[f, 0], normals[f, 1], normals[f, 2] = nx / length, ny / length, nz / length


@cache
def _faces_of_figures() -> Float32[np.ndarray, "face 9"]:
    """The rows of all figures, one after the other; every scene has them."""
    return np.concatenate(
        [
            face_table(
                body.color, face_normals(body.vertices, body.faces), body.semantic, body.role
            )
            for body in figures()
        ]
    )


class _Trees:
    """The Embree side of a scene: one tree for the town, one for each figure, one over all slots.

    The tree of a figure is made when it is shown for the first time.
    """

    def __init__(self, mesh: Mesh) -> None:
        device = shared_device()
        town = TriangleScene(device, mesh.vertices, mesh.faces)
        self.figures: dict[int, TriangleScene] = {}
        self.instances = InstanceScene(device)
        self.instances.append(town, SEEN_BY_ALL)
        self.instances.commit()
        self.shown = np.zeros(0, dtype=np.int64)
        self.hideable = 0
        self.placed: Actors | None = None

    def place(self, actors: Actors, figure: Int[np.ndarray, " actor"]) -> None:
        """Move every instance to where its actor is."""
        if self.placed is actors:
            return
        columns = np.concatenate([_stretched(actors), actors.position[:, :, None]], axis=2)
        transforms = columns.transpose(0, 2, 1).reshape(-1, 12).astype(np.float32)
        self._show(figure)
        place_instances(self.instances.handles()[1 : len(actors) + 1], transforms)
        self.instances.commit()
        self.placed = actors

    def _show(self, figure: Int[np.ndarray, " actor"]) -> None:
        """Let slot r + 1 show the figure of row r; slots without a row vanish."""
        known = len(self.shown)
        for row in range(len(self.instances) - 1, len(figure)):
            mask = HIDEABLE if row == self.hideable else SEEN_BY_ALL | MOVING
            self.instances.append(self._tree(int(figure[row])), mask)
        both = min(known, len(figure))
        changed = np.flatnonzero(self.shown[:both] != figure[:both])
        for row in (*changed.tolist(), *range(both, len(figure))):
            self.instances.show(row + 1, self._tree(int(figure[row])))
        for row in range(len(figure), known):
            self.instances.set_enabled(row + 1, enabled=False)
        for row in range(known, len(figure)):
            self.instances.set_enabled(row + 1, enabled=True)
        self.shown = figure.astype(np.int64)

    def _tree(self, figure: int) -> TriangleScene:
        """The tree of a figure."""
        if figure not in self.figures:
            body = figures()[figure]
            self.figures[figure] = TriangleScene(shared_device(), body.vertices, body.faces)
        return self.figures[figure]

    def hide(self, row: int) -> None:
        """Make this row the one that rays may pass through."""
        if row == self.hideable:
            return
        for changed, mask in ((self.hideable, SEEN_BY_ALL | MOVING), (row, HIDEABLE)):
            if changed + 1 < len(self.instances):
                self.instances.set_mask(changed + 1, mask)
        self.hideable = row
        self.instances.commit()


def _slot_of(row: int | None) -> int:
    """Slot of an actor; -1 for none."""
    return -1 if row is None else row + 1


def _scale(actors: Actors) -> Float64[np.ndarray, "actor 1 3"]:
    """How far each figure is stretched along x, y and z."""
    return stretch_of(actors)[:, None, :].astype(np.float64)


def _stretched(actors: Actors) -> Float64[np.ndarray, "actor 3 3"]:
    """Turns and stretches each figure into the world."""
    return rotations(actors.yaw, actors.pitch) * _scale(actors)


class Scene:
    """The town and its actors, ready to be looked at.

    Triangles and trees are made when somebody draws or casts for the first time, so a world
    without cameras and LiDAR never pays for them.

    Args:
        town: static mesh and signals.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self._tables: SceneTables | None = None
        self._shown: Actors | None = None
        self._figure: Int[np.ndarray, " actor"] = np.zeros(0, dtype=np.int64)
        self._blocks: tuple[Blocks, Float64[np.ndarray, "slot 12"]] | None = None
        self._shadows: ShadowMaps | None = None
        self._signal_state: Int[np.ndarray, " signal"] | None = None
        self.look = DAY
        self.light: Light = light_of(self.look.weather)
        self._air = air_of(self.look)
        self._grid: tuple[Actors, tuple[int, int], Air] | None = None
        self._lamps = np.flatnonzero(town.mesh.signal >= 0)
        self._benches = threading.local()
        # What is made when it is asked for first may be asked for by several threads.
        self._lock, self._tree_lock = threading.RLock(), threading.RLock()

    @cached_property
    def _trees(self) -> _Trees:
        return _Trees(self.town.mesh)

    @cached_property
    def _faces(self) -> Float32[np.ndarray, "face 9"]:
        mesh = self.town.mesh
        own = np.full(len(mesh.faces), FaceRole.OWN, dtype=np.uint8)
        normal = face_normals(mesh.vertices, mesh.faces)
        known, figure_rows = len(mesh.faces), _faces_of_figures()
        table = np.empty((known + len(figure_rows), 9), dtype=np.float32)
        fill_face_table(table[:known], mesh.color, normal, mesh.semantic, own)
        table[known:] = figure_rows
        return table

    @cached_property
    def _drawables(self) -> Drawables:
        return Drawables(self.town.mesh, figures())

    @property
    def _workbench(self) -> Workbench:
        """One for each thread that draws."""
        if not hasattr(self._benches, "own"):
            self._benches.own = Workbench()
        return self._benches.own

    @property
    def address(self) -> int:
        """Address of the instance tree, for kernels.

        Raises:
            RuntimeError: before the first update.
        """
        return self._placed_trees().instances.address

    def _placed_trees(self) -> _Trees:
        """The trees with every actor in its place."""
        with self._tree_lock:
            self._trees.place(self._shown_actors(), self._figure)
            return self._trees

    def _shown_actors(self) -> Actors:
        """The actors of the last update."""
        if self._shown is None:
            raise RuntimeError("the scene has shown nothing yet; call update first")
        return self._shown

    def draw(self, lens: Lens, skip_row: int | None) -> Drawing:
        """What a camera sees; good until this thread draws again.

        Args:
            lens: the camera.
            skip_row: actor that it does not see, or None.

        Raises:
            IndexError: when there is no such row.
            RuntimeError: before the first update.
        """
        self._check_row(skip_row)
        return self._workbench.draw(*self._things(), lens, _slot_of(skip_row))

    def _things(self) -> tuple[Blocks, Float64[np.ndarray, "slot 12"]]:
        """Everything that can be drawn, and where it is; the same until an actor moves."""
        actors = self._shown_actors()
        with self._lock:
            if self._blocks is None:
                turned = _stretched(actors)
                self._blocks = self._drawables.blocks(self._figure, turned, actors.position)
            return self._blocks

    def shade(
        self, middle: Float[np.ndarray, " 3"], skip_row: int | None
    ) -> tuple[Frame, Float32[np.ndarray, " texel"]]:
        """Shadow maps around a place; good until they are asked for around another one.

        Args:
            middle: world, m.
            skip_row: actor that casts no shadow, or None.

        Raises:
            IndexError: when there is no such row.
            RuntimeError: before the first update.
        """
        self._check_row(skip_row)
        things, light = self._things(), self.light.sun_direction
        sun = (float(light[0]), float(light[1]), float(light[2]))
        with self._lock:
            if self._shadows is None:
                self._shadows = ShadowMaps(things[0])
            return self._shadows.around(sun, middle, things, _slot_of(skip_row))

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
        self._check_row(skip_row)
        if skip_row is None:
            return SEEN_BY_ALL | HIDEABLE
        with self._tree_lock:
            self._placed_trees().hide(skip_row)
        return SEEN_BY_ALL

    def _check_row(self, skip_row: int | None) -> None:
        """Refuse a row that is not there."""
        if skip_row is not None and not 0 <= skip_row < self.num_actors:
            raise IndexError(f"skip_row {skip_row}: the scene has {self.num_actors} actors")

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
        moved = self._shown is not actors
        if moved:
            self._place(actors)
            self._shown = actors
        self._light(signal_state)
        changed = look != self.look
        if changed:
            self._take_on(look)
        if moved or changed:
            dark = lamps_on(look.weather)
            switch_lamps(self.tables.slots, shining_lamps(actors, look.tick, dark=dark))

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
        with self._lock:
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
        """Write the tables anew; blocks and trees follow when they are asked for."""
        rotation = rotations(actors.yaw, actors.pitch)
        self._blocks, self._figure = None, figures_of(actors)
        self._tables = SceneTables(
            self._faces,
            slot_table(rotation / _scale(actors), actors.color),
            np.append(np.int64(0), actors.actor_id),
        )

    def _light(self, signal_state: Int[np.ndarray, " signal"]) -> None:
        """Colour the lamp faces: the lit one glows, the others are dark."""
        mesh, rows, before = self.town.mesh, self._lamps, self._signal_state
        if before is not None:
            changed = before != signal_state
            if not changed.any():
                return
            rows = rows[changed[mesh.signal[rows]]]
        lamp = mesh.lamp[rows]
        relight(self._faces, rows, lamp, lamp == signal_state[mesh.signal[rows]])
        self._signal_state = signal_state.copy()
