"""A crossroads of straight lanes, small enough to reckon with by hand.

World frame; the arms reach 100 m out; right-hand traffic; lanes 3.5 m wide. Main road west-east,
side road north-south.
"""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from symdrive.core.geometry import arc_length, polyline_yaw, resample
from symdrive.maps.route import Command, Route
from symdrive.maps.town import (
    ConflictTable,
    CrosswalkTable,
    HeightGrid,
    LaneKind,
    LaneTable,
    Mesh,
    SignalTable,
    StopSignTable,
    Town,
    Turn,
)
from symdrive.world.catalogue import MODELS, ActorKind
from symdrive.world.truth import Actors, Truth
from symdrive.world.visible import Caution, Visible

ARM, BOX, OFF = 100.0, 10.0, 1.75
EAST_IN, EAST_MID, EAST_OUT = 0, 1, 2
SOUTH_IN, SOUTH_MID, SOUTH_OUT = 3, 4, 5
WEST_IN, WEST_MID, WEST_OUT = 6, 7, 8
LEFT_MID, NORTH_OUT = 9, 10
JUNCTION = 50


def _lines() -> list[tuple[np.ndarray, int, Turn, list[int]]]:
    """Points, junction, turn and followers of each lane."""
    turn = np.linspace(0, np.pi / 2, 25)[:, None]
    radius = BOX + OFF
    left = np.hstack([-BOX + radius * np.sin(turn), -OFF + radius * (1 - np.cos(turn))])
    return [
        (np.array([[-ARM, -OFF], [-BOX, -OFF]]), -1, Turn.NONE, [EAST_MID, LEFT_MID]),
        (np.array([[-BOX, -OFF], [BOX, -OFF]]), JUNCTION, Turn.STRAIGHT, [EAST_OUT]),
        (np.array([[BOX, -OFF], [ARM, -OFF]]), -1, Turn.NONE, []),
        (np.array([[-OFF, ARM], [-OFF, BOX]]), -1, Turn.NONE, [SOUTH_MID]),
        (np.array([[-OFF, BOX], [-OFF, -BOX]]), JUNCTION, Turn.STRAIGHT, [SOUTH_OUT]),
        (np.array([[-OFF, -BOX], [-OFF, -ARM]]), -1, Turn.NONE, []),
        (np.array([[ARM, OFF], [BOX, OFF]]), -1, Turn.NONE, [WEST_MID]),
        (np.array([[BOX, OFF], [-BOX, OFF]]), JUNCTION, Turn.STRAIGHT, [WEST_OUT]),
        (np.array([[-BOX, OFF], [-ARM, OFF]]), -1, Turn.NONE, []),
        (left, JUNCTION, Turn.LEFT, [NORTH_OUT]),
        (np.array([[OFF, BOX], [OFF, ARM]]), -1, Turn.NONE, []),
    ]


def lane_table(limit_mps: float, priority: dict[int, int]) -> LaneTable:
    lines = _lines()
    points = [resample(line[0], 1.0) for line in lines]
    counts = [len(p) for p in points]
    count = len(lines)
    followers = [line[3] for line in lines]
    before = [[i for i in range(count) if k in followers[i]] for k in range(count)]
    total = sum(counts)
    rank = np.full(count, 2)
    for lane, value in priority.items():
        rank[lane] = value
    csr = lambda rows: np.concatenate([[0], np.cumsum([len(r) for r in rows])])  # noqa: E731
    flat = lambda rows: np.array([x for r in rows for x in r], dtype=np.int64)  # noqa: E731
    return LaneTable(
        road=np.arange(count),
        section=np.zeros(count, dtype=np.int64),
        lane_id=np.full(count, -1),
        kind=np.full(count, int(LaneKind.DRIVING)),
        turn=np.array([int(line[2]) for line in lines]),
        junction=np.array([line[1] for line in lines]),
        speed_limit_mps=np.full(count, limit_mps),
        length_m=np.array([arc_length(p)[-1] for p in points]),
        start=np.concatenate([[0], np.cumsum(counts)]),
        points=np.hstack([np.vstack(points), np.zeros((total, 1))]),
        yaw=np.concatenate([polyline_yaw(p) for p in points]),
        width_m=np.full(total, 3.5),
        s_m=np.concatenate([arc_length(p) for p in points]),
        next_start=csr(followers),
        next_lane=flat(followers),
        prev_start=csr(before),
        prev_lane=flat(before),
        left=np.full(count, -1),
        right=np.full(count, -1),
        may_change_left=np.zeros(count, dtype=bool),
        may_change_right=np.zeros(count, dtype=bool),
        marking_left=np.zeros(total, dtype=np.int64),
        marking_right=np.zeros(total, dtype=np.int64),
        priority=rank,
    )


def conflict_table(lanes: LaneTable) -> ConflictTable:
    """Every pair of junction lanes whose centre lines come nearer than 3 m."""
    inside = np.flatnonzero(lanes.junction >= 0).tolist()
    rows: dict[int, list[tuple[int, float, float, float, float]]] = {}
    for a in inside:
        for b in inside:
            if a == b:
                continue
            pa, pb = lanes.points[lanes.slice_of(a), :2], lanes.points[lanes.slice_of(b), :2]
            near = np.linalg.norm(pa[:, None] - pb[None], axis=2) < 3.0
            if near.any():
                sa = lanes.s_m[lanes.slice_of(a)][near.any(axis=1)]
                sb = lanes.s_m[lanes.slice_of(b)][near.any(axis=0)]
                rows.setdefault(a, []).append((b, sa.min(), sa.max(), sb.min(), sb.max()))
    ordered = [row for lane in range(len(lanes)) for row in rows.get(lane, [])]
    counts = [len(rows.get(lane, [])) for lane in range(len(lanes))]
    column = np.array(ordered, dtype=np.float64).reshape(-1, 5)
    return ConflictTable(
        start=np.concatenate([[0], np.cumsum(counts)]),
        other=column[:, 0].astype(np.int64),
        enter_m=column[:, 1],
        exit_m=column[:, 2],
        other_enter_m=column[:, 3],
        other_exit_m=column[:, 4],
    )


def signals(lanes: list[int]) -> SignalTable:
    """One signal for each approach, with its head 5 m high at the line; east and west share."""
    count = len(lanes)
    ends = {EAST_IN: (-BOX, -5.0), SOUTH_IN: (-5.0, BOX), WEST_IN: (BOX, 5.0)}
    foot = np.array([(*ends[lane], 0.0) for lane in lanes]).reshape(-1, 3)
    return SignalTable(
        signal_id=np.arange(count),
        position=foot,
        head=foot + np.array([0.0, 0.0, 5.0]),
        yaw=np.zeros(count),
        junction=np.full(count, JUNCTION),
        group=np.array([int(lane == SOUTH_IN) for lane in lanes], dtype=np.int64),
        num_groups=np.full(count, 2),
        stop_start=np.arange(count + 1),
        stop_lane=np.array(lanes, dtype=np.int64),
        stop_s_m=np.full(count, ARM - BOX),
    )


def make_town(
    *,
    signalled: bool = False,
    stop_sign: int | None = None,
    limit_mps: float = 50 / 3.6,
    priority: dict[int, int] | None = None,
) -> Town:
    lanes = lane_table(limit_mps, priority or {})
    stops = [] if stop_sign is None else [stop_sign]
    return Town(
        name="crossroads",
        source_digest="0" * 16,
        lanes=lanes,
        conflicts=conflict_table(lanes),
        signals=signals([EAST_IN, SOUTH_IN, WEST_IN] if signalled else []),
        stop_signs=StopSignTable(
            np.zeros((len(stops), 3)),
            np.zeros(len(stops)),
            np.array(stops, dtype=np.int64),
            np.full(len(stops), ARM - BOX),
        ),
        crosswalks=CrosswalkTable(
            np.zeros(1, dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 2, 3))
        ),
        ground=HeightGrid(np.array([-200.0, -200.0]), 400.0, np.zeros((2, 2))),
        mesh=Mesh(
            np.zeros((0, 3)),
            np.zeros((0, 3), dtype=np.int64),
            np.zeros((0, 3), dtype=np.uint8),
            np.zeros(0, dtype=np.uint8),
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
        ),
    )


def make_route(town: Town, lane_list: list[int], start_m: float = 0.0) -> Route:
    lanes = town.lanes
    keep = [
        np.arange(lanes.start[k], lanes.start[k + 1])[(0 if n == 0 else 1) :]
        for n, k in enumerate(lane_list)
    ]
    rows = np.concatenate(keep)
    lane = np.concatenate([np.full(len(r), k) for r, k in zip(keep, lane_list, strict=True)])
    s = arc_length(lanes.points[rows])
    on = s >= start_m
    turning = lanes.turn[lane] == Turn.LEFT
    command = np.where(turning, Command.LEFT, Command.LANE_FOLLOW)
    return Route(
        route_id="test",
        town=town.name,
        points=lanes.points[rows][on],
        yaw=lanes.yaw[rows][on],
        s_m=s[on] - s[on][0],
        lane=lane[on],
        lane_s_m=lanes.s_m[rows][on],
        command=command[on].astype(np.int64),
        speed_limit_mps=lanes.speed_limit_mps[lane][on],
    )


@dataclass(frozen=True)
class Body:
    """One actor of a hand-made scene."""

    x: float
    y: float
    yaw: float = 0.0
    speed: float = 0.0
    kind: ActorKind = ActorKind.CAR
    lane: int = -1
    lane_s: float = 0.0
    parked: bool = False
    yaw_rate: float = 0.0
    acceleration: float = 0.0


def make_actors(bodies: list[Body]) -> Actors:
    count = len(bodies)
    model = [next(k for k, m in enumerate(MODELS) if m.kind == b.kind) for b in bodies]
    get = lambda name: np.array([getattr(b, name) for b in bodies])  # noqa: E731
    return Actors(
        actor_id=np.arange(1, count + 1),
        kind=np.array([int(b.kind) for b in bodies]),
        model=np.array(model),
        position=np.stack([get("x"), get("y"), np.zeros(count)], axis=1).astype(np.float64),
        yaw=get("yaw").astype(np.float64),
        pitch=np.zeros(count),
        speed=get("speed").astype(np.float64),
        yaw_rate=get("yaw_rate").astype(np.float64),
        acceleration=get("acceleration").astype(np.float64),
        half_extent=np.array([MODELS[m].half_extent for m in model]),
        color=np.zeros((count, 3), dtype=np.uint8),
        lane=get("lane").astype(np.int64),
        lane_s_m=get("lane_s").astype(np.float64),
        parked=get("parked").astype(bool),
        braking=np.zeros(count, dtype=bool),
    )


@dataclass(frozen=True)
class Stage:
    """A crossroads, a route from the west and the way to put actors on it."""

    town: Town
    route: Route
    states: tuple[int, ...] = ()
    caution: Caution = field(
        default_factory=lambda: Caution(
            wide_margins=True, emergency_stop=True, slow_junctions=True, lamps_in_view=True
        )
    )

    def truth(self, bodies: list[Body]) -> Truth:
        return Truth(0, 0.0, make_actors(bodies), np.array(self.states, dtype=np.int64))

    def visible(self, bodies: list[Body]) -> Visible:
        truth = self.truth(bodies)
        return Visible(
            tick=0,
            time_s=0.0,
            actors=truth.actors,
            signal_state=truth.signal_state,
            town=self.town,
            route=self.route,
            caution=self.caution,
        )

    def with_caution(self, **changes: object) -> "Stage":
        return replace(self, caution=replace(self.caution, **changes))


@pytest.fixture(scope="session")
def straight() -> Stage:
    """West to east through an unsignalled crossroads, on the main road."""
    town = make_town(priority={SOUTH_MID: 0})
    return Stage(town, make_route(town, [EAST_IN, EAST_MID, EAST_OUT]))


@pytest.fixture(scope="session")
def left_turn() -> Stage:
    """From the west to the north, across the oncoming lane."""
    town = make_town()
    return Stage(town, make_route(town, [EAST_IN, LEFT_MID, NORTH_OUT]))


@pytest.fixture(scope="session")
def signalled() -> Stage:
    """West to east under lights: own light red, crossing one green."""
    town = make_town(signalled=True)
    return Stage(town, make_route(town, [EAST_IN, EAST_MID, EAST_OUT]), states=(0, 2, 0))


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """Names of this file that tests make scenes with."""
    return SimpleNamespace(
        Body=Body,
        Stage=Stage,
        make_town=make_town,
        make_route=make_route,
        EAST_IN=EAST_IN,
        EAST_MID=EAST_MID,
        EAST_OUT=EAST_OUT,
        SOUTH_IN=SOUTH_IN,
        SOUTH_MID=SOUTH_MID,
        SOUTH_OUT=SOUTH_OUT,
        WEST_IN=WEST_IN,
        WEST_MID=WEST_MID,
        LEFT_MID=LEFT_MID,
        NORTH_OUT=NORTH_OUT,
    )
