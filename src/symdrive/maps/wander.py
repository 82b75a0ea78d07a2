"""Random routes for collecting data."""

import numpy as np

from symdrive.core.errors import UserError
from symdrive.maps.search import LaneGraph, Step, Way
from symdrive.maps.town import LaneKind, LaneTable

TRIES = 100
"""Walks that are tried before a route that passes a lane twice is accepted."""

CHANGE_SHARE = 0.3
"""How often a chance to change lanes is taken."""

CHANGE_ROOM_M = 40.0
"""Room that a random lane change asks for."""

MIN_END_M = 5.0
"""A route begins and ends at least this far from a junction, where the lane is long enough."""


def endless_lanes(graph: LaneGraph) -> set[int]:
    """Lanes from which one can drive on for ever."""
    alive = {lane for lane, after in enumerate(graph.successors) if after}
    while True:
        kept = {lane for lane in alive if any(n in alive for n in graph.successors[lane])}
        if kept == alive:
            return alive
        alive = kept


def wander(
    lanes: LaneTable, graph: LaneGraph, generator: np.random.Generator, length_m: float, where: str
) -> Way:
    """A random way of at least about `length_m`, from one stretch outside of junctions to another.

    Raises:
        UserError: when the town has no road that long; `where` names route and town.
    """
    endless = endless_lanes(graph)
    driving = np.flatnonzero((lanes.kind == LaneKind.DRIVING) & (lanes.junction < 0))
    usable = [lane for lane in driving.tolist() if lane in endless] or driving.tolist()
    if not usable:
        raise UserError(f"{where}: the town has no driving lane outside of junctions.")
    weight = lanes.length_m[usable] / lanes.length_m[usable].sum()
    fallback: Way | None = None
    for _ in range(TRIES):
        start = int(generator.choice(usable, p=weight))
        way = _walk(lanes, graph, generator, start, length_m, endless)
        if way is None:
            continue
        if len({step.lane for step in way.steps}) == len(way.steps):
            return way
        fallback = fallback or way
    if fallback is None:
        raise UserError(f"{where}: no route of {length_m:g} m was found; ask for a shorter one.")
    return fallback


def _walk(
    lanes: LaneTable,
    graph: LaneGraph,
    generator: np.random.Generator,
    start: int,
    length_m: float,
    endless: set[int],
) -> Way | None:
    """One walk; None when it runs into a dead end."""
    length = float(lanes.length_m[start])
    margin = min(MIN_END_M, length / 4)
    at = float(generator.uniform(margin, length - margin))
    steps, lane, travelled = [Step(start, at)], start, 0.0
    while True:
        left = graph.length[lane] - at
        if travelled + left >= length_m and not graph.in_junction[lane]:
            end = _end(graph.length[lane], at, length_m - travelled)
            return Way(travelled + end - at, steps, end)
        step = None if steps[-1].change else _change(graph, generator, lane, at)
        if step is not None:
            ahead = graph.after_change(lane, step)
            travelled += max(0.0, ahead - at)
        else:
            step = _onwards(graph, generator, lane, {s.lane for s in steps}, endless)
            if step is None:
                return None
            ahead, travelled = 0.0, travelled + left
        steps.append(step)
        lane, at = step.lane, ahead


def _end(length: float, at: float, wanted: float) -> float:
    """Where on the last lane to stop: as far as wanted, but clear of both ends of the lane."""
    margin = min(MIN_END_M, length / 4)
    return float(max(at, np.clip(at + wanted, margin, length - margin)))


def _change(graph: LaneGraph, generator: np.random.Generator, lane: int, at: float) -> Step | None:
    """A lane change, now and then, where there is ample room for it on this lane."""
    if graph.length[lane] - at < CHANGE_ROOM_M:
        return None
    steps = [step for step in graph.changes(lane, at) if step.room_m >= CHANGE_ROOM_M]
    if not steps or generator.uniform() >= CHANGE_SHARE:
        return None
    return steps[int(generator.integers(len(steps)))]


def _onwards(
    graph: LaneGraph,
    generator: np.random.Generator,
    lane: int,
    visited: set[int],
    endless: set[int],
) -> Step | None:
    """A random successor: one that is new and no dead end, if there is one."""
    after = graph.successors[lane]
    live = [n for n in after if n in endless] or after
    fresh = [n for n in live if n not in visited] or live
    return Step(fresh[int(generator.integers(len(fresh)))], 0.0) if fresh else None
