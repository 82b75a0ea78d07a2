"""Stop lines and junctions along a path, found once for each route."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from symdrive.expert.path import DensePath
from symdrive.maps.town import Town

_SLACK_M = 1.5


@dataclass(frozen=True)
class StopLine:
    """A place along the path where something may ask to stop.

    Attributes:
        s_m: distance along the path.
        row: of the town's `SignalTable` or `StopSignTable`.
    """

    s_m: float
    row: int


@dataclass(frozen=True)
class LaneRun:
    """An uninterrupted stretch of the path on one lane.

    Attributes:
        lane: row of `LaneTable`.
        start_s_m: where the stretch begins along the path.
        end_s_m: where it ends.
        offset_m: path distance at which the lane itself begins (may be negative).
    """

    lane: int
    start_s_m: float
    end_s_m: float
    offset_m: float


def lane_runs(path: DensePath) -> list[LaneRun]:
    """The path as a list of stretches on one lane each; stretches off the map are left out."""
    cuts = np.flatnonzero(np.diff(path.lane)) + 1
    bounds = [0, *cuts.tolist(), len(path)]
    runs: list[LaneRun] = []
    for first, after in pairwise(bounds):
        lane = int(path.lane[first])
        if lane >= 0:
            start = first * path.step_m
            offset = start - float(path.lane_s_m[first])
            runs.append(LaneRun(lane, start, after * path.step_m, offset))
    return runs


def signal_lines(town: Town, path: DensePath) -> tuple[StopLine, ...]:
    """Traffic lights along the path, nearest first."""
    table = town.signals
    owner = np.repeat(np.arange(len(table)), np.diff(table.stop_start))
    return _lines(path, table.stop_lane, table.stop_s_m, owner)


def stop_sign_lines(town: Town, path: DensePath) -> tuple[StopLine, ...]:
    """Stop signs along the path, nearest first."""
    table = town.stop_signs
    return _lines(path, table.lane, table.s_m, np.arange(len(table)))


def _lines(
    path: DensePath,
    lane: Int[np.ndarray, " line"],
    s_m: Float[np.ndarray, " line"],
    row: Int[np.ndarray, " line"],
) -> tuple[StopLine, ...]:
    """Lines that the path drives over."""
    found = [
        StopLine(run.offset_m + float(s_m[k]), int(row[k]))
        for run in lane_runs(path)
        for k in np.flatnonzero(lane == run.lane)
        if run.start_s_m - _SLACK_M <= run.offset_m + float(s_m[k]) <= run.end_s_m + _SLACK_M
    ]
    return tuple(sorted(found, key=lambda line: line.s_m))


def junction_spans(path: DensePath) -> Iterator[tuple[int, int]]:
    """First and last-plus-one row of every stretch inside a junction."""
    cuts = np.flatnonzero(np.diff(path.junction)) + 1
    bounds = [0, *cuts.tolist(), len(path)]
    for first, after in pairwise(bounds):
        if path.junction[first] >= 0:
            yield first, after
