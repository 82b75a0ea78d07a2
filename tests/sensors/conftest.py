"""Small worlds with known geometry."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from symdrive.core.semantics import SemanticClass
from symdrive.maps.town import (
    ConflictTable,
    CrosswalkTable,
    HeightGrid,
    LaneTable,
    Mesh,
    SignalTable,
    StopSignTable,
    Town,
)
from symdrive.sensors.scene import Scene
from symdrive.sensors.solids import box
from symdrive.world.catalogue import MODELS
from symdrive.world.truth import Actors, Truth

Lamp = tuple[int, int, tuple[float, float, float]]
Box = tuple[tuple[float, float, float], tuple[float, float, float], SemanticClass]


def _ints(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int64)


def _floats(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float64)


def _no_lanes() -> LaneTable:
    integers = ("road", "section", "lane_id", "kind", "turn", "junction", "next_lane", "prev_lane")
    integers += ("left", "right", "marking_left", "marking_right", "priority")
    floats = ("speed_limit_mps", "length_m", "yaw", "width_m", "s_m")
    return LaneTable(
        **{name: _ints(0) for name in integers},
        **{name: _floats(0) for name in floats},
        **{name: _ints(1) for name in ("start", "next_start", "prev_start")},
        points=_floats(0, 3),
        may_change_left=np.zeros(0, dtype=bool),
        may_change_right=np.zeros(0, dtype=bool),
    )


def _signals(count: int) -> SignalTable:
    return SignalTable(
        signal_id=np.arange(count),
        position=_floats(count, 3),
        head=_floats(count, 3),
        yaw=_floats(count),
        junction=_ints(count),
        group=_ints(count),
        num_groups=np.ones(count, dtype=np.int64),
        stop_start=_ints(count + 1),
        stop_lane=_ints(0),
        stop_s_m=_floats(0),
    )


def build_town(mesh: Mesh) -> Town:
    """A town of nothing but its mesh; as many signals as the lamps name."""
    return Town(
        name="bench",
        source_digest="0" * 16,
        lanes=_no_lanes(),
        conflicts=ConflictTable(_ints(1), _ints(0), *(_floats(0) for _ in range(4))),
        signals=_signals(int(mesh.signal.max(initial=-1)) + 1),
        stop_signs=StopSignTable(_floats(0, 3), _floats(0), _ints(0), _floats(0)),
        crosswalks=CrosswalkTable(_ints(1), _floats(0, 3), _floats(0, 2, 3)),
        ground=HeightGrid(_floats(2), 1.0, _floats(2, 2)),
        mesh=mesh,
    )


def build_mesh(boxes: Sequence[Box], lamps: Sequence[Lamp] = ()) -> Mesh:
    """Boxes (centre, half sizes, class), then lamp boxes of 0.3 m (signal, lamp, centre)."""
    solids = [box(center, half) for center, half, _ in boxes]
    solids += [box(center, (0.15, 0.15, 0.15)) for _, _, center in lamps]
    classes = [semantic for _, _, semantic in boxes]
    classes += [SemanticClass.TRAFFIC_LIGHT] * len(lamps)
    sizes = [len(solid.faces) for solid in solids]
    first = np.cumsum([0] + [len(solid.vertices) for solid in solids])[:-1]
    signal = [-1] * len(boxes) + [signal for signal, _, _ in lamps]
    lamp = [-1] * len(boxes) + [lamp for _, lamp, _ in lamps]
    return Mesh(
        vertices=np.concatenate([solid.vertices for solid in solids]),
        faces=np.concatenate([s.faces + low for s, low in zip(solids, first, strict=True)]),
        color=np.full((sum(sizes), 3), 128, dtype=np.uint8),
        semantic=np.repeat(np.array(classes, dtype=np.uint8), sizes),
        signal=np.repeat(np.array(signal), sizes),
        lamp=np.repeat(np.array(lamp), sizes),
    )


def build_actors(
    position: Sequence[tuple[float, float, float]],
    *,
    model: Sequence[int] | int = 0,
    yaw: Sequence[float] | float = 0.0,
    pitch: Sequence[float] | float = 0.0,
) -> Actors:
    """Standing actors with ids 1, 2, ..."""
    count = len(position)
    rows = np.broadcast_to(np.asarray(model, dtype=np.int64), (count,))
    return Actors(
        actor_id=np.arange(count) + 1,
        kind=np.array([int(MODELS[row].kind) for row in rows], dtype=np.int64),
        model=rows.copy(),
        position=np.array(position, dtype=np.float64).reshape(count, 3),
        yaw=np.broadcast_to(np.asarray(yaw, dtype=np.float64), (count,)).copy(),
        pitch=np.broadcast_to(np.asarray(pitch, dtype=np.float64), (count,)).copy(),
        speed=_floats(count),
        yaw_rate=_floats(count),
        acceleration=_floats(count),
        half_extent=np.array([MODELS[row].half_extent for row in rows]).reshape(count, 3),
        color=np.full((count, 3), (180, 40, 40), dtype=np.uint8),
        lane=np.full(count, -1),
        lane_s_m=_floats(count),
        parked=np.zeros(count, dtype=bool),
        braking=np.zeros(count, dtype=bool),
    )


FLOOR: Box = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
WALL: Box = ((30.0, 0.0, 5.0), (0.5, 20.0, 5.0), SemanticClass.BUILDING)


@pytest.fixture
def town_of() -> Callable[..., Town]:
    return lambda boxes=(FLOOR,), lamps=(): build_town(build_mesh(boxes, lamps))


@pytest.fixture
def actors_of() -> Callable[..., Actors]:
    return build_actors


@pytest.fixture
def scene_of(town_of) -> Callable[..., Scene]:
    """A scene of boxes and actors, all signals red."""

    def build(actors: Actors, boxes: Sequence[Box] = (FLOOR,), lamps: Sequence[Lamp] = ()) -> Scene:
        scene = Scene(town_of(boxes, lamps))
        scene.update(actors, _ints(len(scene.town.signals)))
        return scene

    return build


@pytest.fixture
def truth_of() -> Callable[[Actors], Truth]:
    return lambda actors: Truth(tick=3, time_s=0.15, actors=actors, signal_state=_ints(0))
