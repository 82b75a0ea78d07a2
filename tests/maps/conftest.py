"""A hand-made crossroads on a slope: four arms, sidewalks, two signals, two stop signs."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from symdrive.core.geometry import arc_length, polyline_yaw, resample
from symdrive.maps.town import (
    CrosswalkTable,
    HeightGrid,
    LaneKind,
    LaneTable,
    Marking,
    SignalTable,
    StopSignTable,
    Town,
    Turn,
)
from symdrive.maps.towns import town_folder

CARLA_TOWNS = Path(__file__).parents[3] / "shared" / "maps"
"""CARLA's towns as OpenDRIVE, where they lie beside the checkout."""

ARM_M, MOUTH_M, WIDTH_M, WALK_M = 90.0, 12.0, 3.5, 2.4
SLOPE = 0.02


@dataclass(frozen=True)
class TownTables:
    """What `build_mesh` is made from."""

    lanes: LaneTable
    signals: SignalTable
    stop_signs: StopSignTable
    crosswalks: CrosswalkTable
    ground: HeightGrid


@dataclass(frozen=True)
class LaneDraft:
    """One lane before it becomes a row."""

    road: int
    lane_id: int
    kind: LaneKind
    turn: Turn
    line: np.ndarray
    left: Marking = Marking.NONE
    right: Marking = Marking.NONE
    width: float = WIDTH_M
    after: tuple[str, ...] = ()


def lane_table(drafts: dict[str, LaneDraft]) -> LaneTable:
    """Rows in the order of the drafts; `after` names the lanes that follow."""
    rows = {name: i for i, name in enumerate(drafts)}
    lines = [resample(d.line.astype(np.float64), 1.0) for d in drafts.values()]
    lines = [np.column_stack([line, SLOPE * line[:, 0]]) for line in lines]
    count = np.array([len(line) for line in lines])
    following = [[rows[name] for name in d.after] for d in drafts.values()]
    leading = [[i for i, f in enumerate(following) if row in f] for row in range(len(drafts))]
    n = len(drafts)

    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    def per_point(values: list[float]) -> np.ndarray:
        return np.repeat(np.array(values), count)

    def csr(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        start = np.concatenate([[0], np.cumsum([len(x) for x in lists])]).astype(np.int64)
        return start, np.array([y for x in lists for y in x], dtype=np.int64)

    next_start, next_lane = csr(following)
    prev_start, prev_lane = csr(leading)
    d = list(drafts.values())
    return LaneTable(
        road=column([x.road for x in d]),
        section=np.zeros(n, dtype=np.int64),
        lane_id=column([x.lane_id for x in d]),
        kind=column([x.kind for x in d]),
        turn=column([x.turn for x in d]),
        junction=column([7 if x.road >= 10 else -1 for x in d]),
        speed_limit_mps=np.full(n, 13.9),
        length_m=np.array([float(arc_length(line)[-1]) for line in lines]),
        start=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        points=np.concatenate(lines),
        yaw=np.concatenate([polyline_yaw(line) for line in lines]),
        width_m=per_point([x.width for x in d]),
        s_m=np.concatenate([arc_length(line) for line in lines]),
        next_start=next_start,
        next_lane=next_lane,
        prev_start=prev_start,
        prev_lane=prev_lane,
        left=np.full(n, -1, dtype=np.int64),
        right=np.full(n, -1, dtype=np.int64),
        may_change_left=np.zeros(n, dtype=bool),
        may_change_right=np.zeros(n, dtype=bool),
        marking_left=per_point([x.left for x in d]).astype(np.int64),
        marking_right=per_point([x.right for x in d]).astype(np.int64),
        priority=np.full(n, 2, dtype=np.int64),
    )


def arm_point(arm: int, out_m: float, left_m: float) -> np.ndarray:
    """A point of an arm: metres out from the middle, metres left of its axis."""
    angle = arm * np.pi / 2.0
    u = np.array([np.cos(angle), np.sin(angle)])
    return out_m * u + left_m * np.array([-u[1], u[0]])


def curve(a: np.ndarray, corner: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A quadratic Bezier curve."""
    t = np.linspace(0.0, 1.0, 24)[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * corner + t**2 * b


def crossroads_lanes() -> LaneTable:
    """Four arms of two lanes and two sidewalks, all ways through the junction, its corners."""
    drafts: dict[str, LaneDraft] = {}
    half, walk = WIDTH_M / 2.0, WIDTH_M + WALK_M / 2.0
    for arm in range(4):
        ways = tuple(f"way{arm}{(arm + k) % 4}" for k in (1, 2, 3))
        out = [arm_point(arm, r, -half) for r in (MOUTH_M, ARM_M)]
        into = [arm_point(arm, r, half) for r in (ARM_M, MOUTH_M)]
        yellow, solid = Marking.BROKEN_YELLOW, Marking.SOLID_WHITE
        drive = LaneKind.DRIVING
        drafts[f"out{arm}"] = LaneDraft(arm, -1, drive, Turn.NONE, np.array(out), yellow, solid)
        drafts[f"in{arm}"] = LaneDraft(
            arm, 1, drive, Turn.NONE, np.array(into), yellow, solid, after=ways
        )
        for lane_id, side in ((-2, -walk), (2, walk)):
            line = np.array([arm_point(arm, r, side) for r in (MOUTH_M, ARM_M)])
            drafts[f"walk{arm}{lane_id}"] = LaneDraft(
                arm, lane_id, LaneKind.SIDEWALK, Turn.NONE, line, width=WALK_M
            )
    turns = {1: Turn.RIGHT, 2: Turn.STRAIGHT, 3: Turn.LEFT}
    for arm in range(4):
        for k, turn in turns.items():
            to = (arm + k) % 4
            a, b = arm_point(arm, MOUTH_M, half), arm_point(to, MOUTH_M, -half)
            corner = (a + b) / 2.0
            if k != 2:
                # Where the two lanes' lines cross.
                corner = arm_point(arm, -half if k == 3 else half, half)
            drafts[f"way{arm}{to}"] = LaneDraft(
                10 + 4 * arm + k,
                -1,
                LaneKind.DRIVING,
                turn,
                curve(a, corner, b),
                after=(f"out{to}",),
            )
        to = (arm + 1) % 4
        line = curve(
            arm_point(arm, MOUTH_M, walk), arm_point(arm, walk, walk), arm_point(to, MOUTH_M, -walk)
        )
        drafts[f"corner{arm}"] = LaneDraft(
            30 + arm, -2, LaneKind.SIDEWALK, Turn.NONE, line, width=WALK_M
        )
    return lane_table(drafts)


def on_slope(xy: np.ndarray) -> np.ndarray:
    """Points on the sloping ground."""
    return np.column_stack([xy, SLOPE * xy[:, 0]])


@pytest.fixture(scope="session")
def crossroads() -> TownTables:
    """Signals on arms 0 and 2, stop signs on arms 1 and 3, one crosswalk on arm 0."""
    lanes = crossroads_lanes()
    driving = np.flatnonzero((lanes.kind == LaneKind.DRIVING) & (lanes.junction < 0))
    into = driving[lanes.lane_id[driving] == 1]
    foot = on_slope(np.array([arm_point(arm, MOUTH_M + 1.0, WIDTH_M + 0.5) for arm in range(4)]))
    out = np.arange(4) * np.pi / 2.0
    stop_s = lanes.length_m[into] - 7.0
    lit, signed = np.array([0, 2]), np.array([1, 3])
    signals = SignalTable(
        signal_id=np.array([101, 102]),
        position=foot[lit],
        head=foot[lit] + [0.0, 0.0, 3.2],
        yaw=out[lit],
        junction=np.array([7, 7]),
        group=np.array([0, 0]),
        num_groups=np.array([1, 1]),
        stop_start=np.array([0, 1, 2]),
        stop_lane=into[lit],
        stop_s_m=stop_s[lit],
    )
    stop_signs = StopSignTable(foot[signed], out[signed], into[signed], stop_s[signed])
    zebra = np.array(
        [arm_point(0, r, y) for r, y in ((14, -3.5), (17, -3.5), (17, 3.5), (14, 3.5))]
    )
    line = np.array([arm_point(0, 15.5, y) for y in (-4.7, 4.7)])
    crosswalks = CrosswalkTable(np.array([0, 4]), on_slope(zebra), on_slope(line)[None])
    x = np.arange(-160.0, 161.0, 4.0)
    ground = HeightGrid(np.array([-160.0, -160.0]), 4.0, np.tile(SLOPE * x, (len(x), 1)))
    return TownTables(lanes, signals, stop_signs, crosswalks, ground)


@pytest.fixture(scope="session")
def source() -> Callable[[str], str]:
    """OpenDRIVE text of a shipped town or, where it is there, of one of CARLA's."""

    @cache
    def read(name: str) -> str:
        shipped = town_folder() / f"{name}.xodr"
        if shipped.is_file():
            return shipped.read_text()
        path = CARLA_TOWNS / f"{name}.xodr.gz"
        if not path.is_file():
            pytest.skip(f"{path} is not there; CARLA's towns are tested only where they are")
        return gzip.decompress(path.read_bytes()).decode()

    return read


@pytest.fixture(scope="session")
def baked(source: Callable[[str], str]) -> Callable[[str], Town]:
    """A town baked anew from its OpenDRIVE text, once a session."""
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    from symdrive.maps.opendrive.baking import bake

    return cache(lambda name: bake(source(name), name))
