"""What happens inside junctions: which lanes conflict, and who has the right of way."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import shapely
from jaxtyping import Int

from symdrive.core.geometry import wrap
from symdrive.maps.town import ConflictTable, LaneKind, LaneTable, SignalTable, Turn

STRIP_M = 2.5
"""Width of the strip that a vehicle sweeps: a 2.1 m wide car and 0.2 m on either side."""

LANE_SHARE = 0.75
"""The strip is never wider than this share of the lane: parallel lanes must not conflict."""

MAIN, YIELD, STOP = 2, 1, 0

ONCOMING = np.radians(120.0)
"""Lanes whose first headings differ by more than this face each other."""


def junction_roots(lanes: LaneTable) -> Int[np.ndarray, " lane"]:
    """For each lane in a junction the lane through which its traffic enters it; -1 elsewhere.

    Where several lanes merge inside the junction the first of them counts.
    """
    root = np.full(len(lanes), -1)
    for lane in np.flatnonzero(lanes.junction >= 0).tolist():
        seen, at = {lane}, lane
        while True:
            before = [p for p in lanes.predecessors(at) if lanes.junction[p] == lanes.junction[at]]
            if not before or int(before[0]) in seen:
                break
            at = int(before[0])
            seen.add(at)
        root[lane] = at
    return root


def driving_lanes_by_junction(lanes: LaneTable) -> dict[int, list[int]]:
    """Driving lanes of each junction."""
    table: dict[int, list[int]] = defaultdict(list)
    for lane in np.flatnonzero((lanes.junction >= 0) & (lanes.kind == LaneKind.DRIVING)).tolist():
        table[int(lanes.junction[lane])].append(lane)
    return table


def build_conflicts(lanes: LaneTable) -> ConflictTable:
    """Pairs of lanes of one junction whose strips meet, crossing or merging.

    Lanes that come from one approach lane (diverging) and lanes that follow one another are no
    conflict.
    """
    root = junction_roots(lanes)
    origin = _origins(lanes, root)
    rows: list[tuple[int, int, float, float, float, float]] = []
    for members in driving_lanes_by_junction(lanes).values():
        lines = {
            lane: shapely.LineString(lanes.points[lanes.slice_of(lane), :2]) for lane in members
        }
        for a, b in combinations(members, 2):
            if (
                root[a] == root[b]
                or origin[a] & origin[b]
                or not lines[a].dwithin(lines[b], STRIP_M)
            ):
                continue
            if _apart(lanes, a, b):
                continue
            rows.extend(_conflict(lanes, lines, a, b))
    rows.sort(key=lambda row: row[:2])
    own = np.array([row[0] for row in rows], dtype=np.int64)
    spans = np.array([row[2:] for row in rows]).reshape(-1, 4)
    return ConflictTable(
        start=np.concatenate([[0], np.cumsum(np.bincount(own, minlength=len(lanes)))]),
        other=np.array([row[1] for row in rows], dtype=np.int64),
        enter_m=spans[:, 0],
        exit_m=spans[:, 1],
        other_enter_m=spans[:, 2],
        other_exit_m=spans[:, 3],
    )


def _origins(lanes: LaneTable, root: Int[np.ndarray, " lane"]) -> list[frozenset[int]]:
    """Approach lanes from which each junction lane is reached."""
    return [
        frozenset(lanes.predecessors(r).tolist()) if r >= 0 else frozenset() for r in root.tolist()
    ]


def _apart(lanes: LaneTable, a: int, b: int) -> bool:
    """Whether the two lanes pass at different heights (one bridges the other)."""
    za, zb = (lanes.points[lanes.slice_of(lane), 2] for lane in (a, b))
    return bool(za.min() > zb.max() + 3.0 or zb.min() > za.max() + 3.0)


def _conflict(
    lanes: LaneTable, lines: dict[int, shapely.LineString], a: int, b: int
) -> list[tuple[int, int, float, float, float, float]]:
    """Rows of a pair in both orders; none where the strips keep apart."""
    width = np.mean([lanes.width_m[lanes.slice_of(lane)].mean() for lane in (a, b)])
    reach = float(min(STRIP_M, LANE_SHARE * width))
    span_a, span_b = _span(lines[a], lines[b], reach), _span(lines[b], lines[a], reach)
    if span_a is None or span_b is None:
        return []
    return [(a, b, *span_a, *span_b), (b, a, *span_b, *span_a)]


def _span(
    line: shapely.LineString, other: shapely.LineString, reach: float
) -> tuple[float, float] | None:
    """Arc lengths between which `line` is within `reach` of `other`."""
    shared = line.intersection(other.buffer(reach, cap_style="flat"))
    if shared.is_empty:
        return None
    ends = shapely.points(shapely.get_coordinates(shared))
    s = shapely.line_locate_point(line, ends)
    return float(s.min()), float(s.max())


@dataclass(frozen=True)
class Approach:
    """The lanes of one road that lead into a junction from one side.

    Attributes:
        heading: direction of travel at the junction, rad.
        lanes: entry lanes inside the junction.
        rank: (goes straight on, speed limit, number of lanes): the main road has the highest.
    """

    heading: float
    lanes: tuple[int, ...]
    rank: tuple[bool, float, int]


def with_priority(
    lanes: LaneTable,
    conflicts: ConflictTable,
    signals: SignalTable,
    must_stop: set[int],
    must_yield: set[int],
) -> LaneTable:
    """The lanes with `priority` filled in.

    In this order: approach lanes with a stop sign; approach lanes with a yield sign; at junctions
    without lights and signs the approaches that rank below the main road; left turns across
    oncoming traffic. A lane without a conflict has the right of way.

    Args:
        lanes: the lane table.
        conflicts: its conflicts.
        signals: traffic lights; at their junctions only left turns yield.
        must_stop: approach lanes with a stop sign.
        must_yield: approach lanes with a yield sign.
    """
    root = junction_roots(lanes)
    origin = _origins(lanes, root)
    lit = {
        int(lanes.junction[n])
        for lane in signals.stop_lane.tolist()
        for n in lanes.successors(lane)
    }
    priority = np.full(len(lanes), MAIN)
    for junction, members in driving_lanes_by_junction(lanes).items():
        signed = any(origin[lane] & (must_stop | must_yield) for lane in members)
        minor = set() if signed or junction in lit else _minor(approaches(lanes, members, root))
        for lane in members:
            if conflicts.start[lane] == conflicts.start[lane + 1]:
                continue
            if origin[lane] & must_stop:
                priority[lane] = STOP
            elif origin[lane] & must_yield or int(root[lane]) in minor:
                priority[lane] = YIELD
    return replace(lanes, priority=_yield_left(lanes, conflicts, signals, origin, priority))


def approaches(
    lanes: LaneTable, members: list[int], root: Int[np.ndarray, " lane"]
) -> list[Approach]:
    """The sides from which a junction is entered."""
    sides: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for lane in members:
        if root[lane] != lane:
            continue
        for before in lanes.predecessors(lane)[:1].tolist():
            sides[(int(lanes.road[before]), bool(lanes.lane_id[before] > 0))].append(lane)
    found = []
    for entries in sides.values():
        first = [int(lanes.predecessors(lane)[0]) for lane in entries]
        found.append(
            Approach(
                float(lanes.yaw[lanes.start[entries[0]]]),
                tuple(entries),
                (
                    bool(np.any(lanes.turn[entries] == Turn.STRAIGHT)),
                    float(np.round(lanes.speed_limit_mps[first].max(), 1)),
                    len(set(first)),
                ),
            )
        )
    return found


def _minor(sides: list[Approach]) -> set[int]:
    """Entry lanes of the approaches that rank below the main road."""
    best = max((side.rank for side in sides), default=None)
    return {lane for side in sides if side.rank != best for lane in side.lanes}


def _yield_left(
    lanes: LaneTable,
    conflicts: ConflictTable,
    signals: SignalTable,
    origin: list[frozenset[int]],
    priority: Int[np.ndarray, " lane"],
) -> Int[np.ndarray, " lane"]:
    """Left turns of the main road yield to traffic that comes the other way.

    Where lights part the two in time (different phase groups) nobody has to yield.
    """
    group = _groups(signals)
    result = priority.copy()
    turns = np.flatnonzero((lanes.turn == Turn.LEFT) & (priority == MAIN))
    for lane in turns.tolist():
        for other in conflicts.other[conflicts.start[lane] : conflicts.start[lane + 1]].tolist():
            between = wrap(float(lanes.yaw[lanes.start[lane]] - lanes.yaw[lanes.start[other]]))
            oncoming = abs(between) > ONCOMING and lanes.turn[other] != Turn.LEFT
            if not oncoming or priority[other] != MAIN:
                continue
            mine = {group[o] for o in origin[lane] if o in group}
            theirs = {group[o] for o in origin[other] if o in group}
            if not mine or not theirs or mine & theirs:
                result[lane] = YIELD
    return result


def _groups(signals: SignalTable) -> dict[int, int]:
    """Phase group of each lane with a stop line."""
    return {
        int(lane): int(signals.group[row])
        for row in range(len(signals))
        for lane in signals.stop_lane[signals.stop_start[row] : signals.stop_start[row + 1]]
    }
