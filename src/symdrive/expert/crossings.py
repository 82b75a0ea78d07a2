"""Who else may come through the junctions of a path, and who has to wait for whom.

Built once for each route from the town's conflict table; the expert looks up, each tick, which of
the visible vehicles stand on one of the watched lanes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.expert.landmarks import LaneRun, junction_spans, lane_runs
from symdrive.expert.path import DensePath
from symdrive.maps.town import Town, Turn

WATCH_M = 70.0
"""How far up the other lanes vehicles are watched."""

_OWN_APPROACH_M = 60.0


class Relation(IntEnum):
    """Right of way between the own lane and another one, at their shared area."""

    YIELD = 0
    EQUAL = 1
    OURS = 2


@dataclass(frozen=True)
class JunctionPass:
    """One junction that the path runs through.

    Attributes:
        entry_s_m: where the path enters, along the path.
        exit_s_m: where it leaves.
        signal: row of the signal that rules the entry, -1 without one.
        enter_s_m: where the path enters the area shared with another lane, for each conflict.
        exit_shared_s_m: where it leaves that area.
        length_m: length of the area along the other lane.
        relation: `Relation` of each conflict.
        watch_lane: lanes on which a vehicle may come to a conflict.
        watch_base_m: distance from the beginning of the watched lane to the shared area.
        watch_conflict: conflict that each watched lane belongs to.
        watch_inside: the watched lane lies in the junction itself.
        watch_signal: signal that stops vehicles of this lane before the junction, -1 for none.
    """

    entry_s_m: float
    exit_s_m: float
    signal: int
    enter_s_m: Float[np.ndarray, " conflict"]
    exit_shared_s_m: Float[np.ndarray, " conflict"]
    length_m: Float[np.ndarray, " conflict"]
    relation: Int[np.ndarray, " conflict"]
    watch_lane: Int[np.ndarray, " watch"]
    watch_base_m: Float[np.ndarray, " watch"]
    watch_conflict: Int[np.ndarray, " watch"]
    watch_inside: Bool[np.ndarray, " watch"]
    watch_signal: Int[np.ndarray, " watch"]


def junction_passes(town: Town, path: DensePath) -> tuple[JunctionPass, ...]:
    """All junctions of a path, in driving order."""
    runs = lane_runs(path)
    signals = _signal_of_lane(town)
    return tuple(
        _junction_pass(town, runs, signals, (first * path.step_m, after * path.step_m))
        for first, after in junction_spans(path)
    )


def _signal_of_lane(town: Town) -> Int[np.ndarray, " lane"]:
    """Signal whose stop line lies on each lane, -1 for none."""
    table = town.signals
    found = np.full(len(town.lanes), -1, dtype=np.int64)
    found[table.stop_lane] = np.repeat(np.arange(len(table)), np.diff(table.stop_start))
    return found


def _ruling_signal(town: Town, signals: Int[np.ndarray, " lane"], lane: int) -> int:
    """Signal on a junction lane or on the lane before it."""
    for candidate in (lane, *town.lanes.predecessors(lane).tolist()):
        if signals[candidate] >= 0:
            return int(signals[candidate])
    return -1


@dataclass(frozen=True)
class _Conflict:
    """One row of the conflict table, in path coordinates."""

    lane: int
    other: int
    enter_s_m: float
    exit_s_m: float
    other_enter_m: float
    other_exit_m: float


def _junction_pass(
    town: Town,
    runs: list[LaneRun],
    signals: Int[np.ndarray, " lane"],
    span_m: tuple[float, float],
) -> JunctionPass:
    """Collect the conflicts of the lanes on a stretch of the path inside a junction."""
    first, after = span_m
    inside = [r for r in runs if r.end_s_m > first and r.start_s_m < after]
    near = [r for r in runs if r.end_s_m > first - _OWN_APPROACH_M and r.start_s_m < after]
    own = frozenset(r.lane for r in near)
    last = inside[-1]
    conflicts = [c for run in inside for c in _conflicts(town, run, own)]
    relation = [_relation(town, signals, c) for c in conflicts]
    watched = [
        (lane, base, k, lane_inside, _ruling_signal(town, signals, c.other))
        for k, c in enumerate(conflicts)
        for lane, base, lane_inside in _upstream(town, c.other, c.other_enter_m, own)
    ]
    return JunctionPass(
        entry_s_m=inside[0].offset_m,
        exit_s_m=last.offset_m + float(town.lanes.length_m[last.lane]),
        signal=_ruling_signal(town, signals, inside[0].lane),
        enter_s_m=np.array([c.enter_s_m for c in conflicts], dtype=np.float64),
        exit_shared_s_m=np.array([c.exit_s_m for c in conflicts], dtype=np.float64),
        length_m=np.array([c.other_exit_m - c.other_enter_m for c in conflicts], dtype=np.float64),
        relation=np.array(relation, dtype=np.int64),
        watch_lane=np.array([w[0] for w in watched], dtype=np.int64),
        watch_base_m=np.array([w[1] for w in watched], dtype=np.float64),
        watch_conflict=np.array([w[2] for w in watched], dtype=np.int64),
        watch_inside=np.array([w[3] for w in watched], dtype=bool),
        watch_signal=np.array([w[4] for w in watched], dtype=np.int64),
    )


def _conflicts(town: Town, run: LaneRun, own: frozenset[int]) -> Iterator[_Conflict]:
    """Conflicts of one lane of the path.

    Lanes that begin where the own one begins are left out: whoever is on them started from the
    same approach and is ahead of or behind the ego.
    """
    table, lanes = town.conflicts, town.lanes
    before = set(lanes.predecessors(run.lane).tolist())
    for row in range(int(table.start[run.lane]), int(table.start[run.lane + 1])):
        other = int(table.other[row])
        if other in own or before & set(lanes.predecessors(other).tolist()):
            continue
        yield _Conflict(
            lane=run.lane,
            other=other,
            enter_s_m=run.offset_m + float(table.enter_m[row]),
            exit_s_m=run.offset_m + float(table.exit_m[row]),
            other_enter_m=float(table.other_enter_m[row]),
            other_exit_m=float(table.other_exit_m[row]),
        )


_TURN_RANK = {Turn.LEFT: 0, Turn.RIGHT: 1}


def _relation(town: Town, signals: Int[np.ndarray, " lane"], conflict: _Conflict) -> Relation:
    """Who goes first: main road before side road (unless lights say who), straight before turns.

    Those who turn right go before those who turn left across them.
    """
    own, other = _rank(town, conflict.lane), _rank(town, conflict.other)
    if _ruling_signal(town, signals, conflict.lane) >= 0:
        own, other = own % 4, other % 4
    if own == other:
        return Relation.EQUAL
    return Relation.YIELD if own < other else Relation.OURS


def _rank(town: Town, lane: int) -> int:
    """Right of way of a junction lane: its road, then its turn."""
    turn = _TURN_RANK.get(Turn(int(town.lanes.turn[lane])), 2)
    return 4 * int(town.lanes.priority[lane]) + turn


def _upstream(
    town: Town, lane: int, enter_m: float, own: frozenset[int]
) -> Iterator[tuple[int, float, bool]]:
    """The lane of a conflict and all lanes that lead to it, with distances to the shared area."""
    lanes = town.lanes
    junction = lanes.junction[lane]
    pending, seen = [(lane, enter_m)], {lane}
    while pending:
        here, base = pending.pop()
        yield here, base, bool(lanes.junction[here] == junction)
        for previous in lanes.predecessors(here).tolist():
            reach = base + float(lanes.length_m[previous])
            if base < WATCH_M and previous not in seen and previous not in own:
                seen.add(previous)
                pending.append((previous, reach))
