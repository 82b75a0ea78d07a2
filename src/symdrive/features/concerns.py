"""Lights and stop signs that are the ego's concern at each moment of a run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from symdrive.expert.landmarks import StopLine, signal_lines, stop_sign_lines
from symdrive.expert.path import DensePath, dense_path
from symdrive.maps.town import Town
from symdrive.record.reader import Run
from symdrive.world.catalogue import EGO_MODEL, MODELS

STANDING_MPS = 0.1
STOPPED_WITHIN_M = 4.0
"""A sign is obeyed by standing this close before its line (front bumper to line)."""

OVERRUN_M = 1.0
"""A line this far behind the bumper still counts as ahead: cars stop a little late."""


@dataclass(frozen=True)
class Concern:
    """A stop line that matters now.

    Attributes:
        row: of the town's `SignalTable` or `StopSignTable`.
        center: on the lane at the line, x y, world, m.
        yaw: heading of the lane there, rad.
        width_m: of the lane.
    """

    row: int
    center: Float[np.ndarray, " 2"]
    yaw: float
    width_m: float


class RouteConcerns:
    """Stop lines along the driven route, and when each is ahead.

    Args:
        run: whose route and progress are meant.
        town: that it was driven in.
        reach_m: how far ahead a line is looked for.
    """

    def __init__(self, run: Run, town: Town, reach_m: float) -> None:
        path = dense_path(town, run.meta.episode.route)
        self._town, self._reach_m = town, reach_m
        self._lights = signal_lines(town, path)
        self._signs = stop_sign_lines(town, path)
        self._front_m = _progress(run, path) + MODELS[EGO_MODEL].half_extent[0]
        self._speed = run.ticks["speed"]
        self._obeyed = [self._obeyed_from(line) for line in self._signs]

    def light(self, row: int) -> list[Concern]:
        """The next light ahead, one entry a stop line of its lanes; empty where there is none.

        Args:
            row: of the run's ticks.
        """
        signals = self._town.signals
        for line in self._lights:
            if self._is_ahead(line, row):
                stops = range(*(int(signals.stop_start[line.row + k]) for k in (0, 1)))
                return [
                    self._concern(line.row, int(signals.stop_lane[k]), float(signals.stop_s_m[k]))
                    for k in stops
                ]
        return []

    def stop_sign(self, row: int) -> Concern | None:
        """The next stop sign ahead that has not been obeyed yet."""
        signs = self._town.stop_signs
        for line, obeyed in zip(self._signs, self._obeyed, strict=True):
            if self._is_ahead(line, row) and row < obeyed:
                lane, s_m = int(signs.lane[line.row]), float(signs.s_m[line.row])
                return self._concern(line.row, lane, s_m)
        return None

    def _is_ahead(self, line: StopLine, row: int) -> bool:
        """Whether a line lies between the bumper and the reach."""
        return bool(-OVERRUN_M <= line.s_m - self._front_m[row] <= self._reach_m)

    def _obeyed_from(self, line: StopLine) -> int:
        """First row after the car has stood before a sign; beyond the last row for never."""
        gap = line.s_m - self._front_m
        near = (gap >= -OVERRUN_M) & (gap <= STOPPED_WITHIN_M)
        stood = np.flatnonzero(near & (np.abs(self._speed) < STANDING_MPS))
        moving = np.flatnonzero(near & (np.abs(self._speed) >= STANDING_MPS))
        if not len(stood):
            return len(self._speed)
        after = moving[moving > stood[0]]
        return int(after[0]) if len(after) else len(self._speed)

    def _concern(self, row: int, lane: int, s_m: float) -> Concern:
        """Where a line lies in the world."""
        lanes = self._town.lanes
        points = lanes.slice_of(lane)
        along = lanes.s_m[points]

        def at(column: np.ndarray) -> float:
            return float(np.interp(s_m, along, column[points]))

        center = np.array([at(lanes.points[:, 0]), at(lanes.points[:, 1])])
        nearest = int(np.argmin(np.abs(along - s_m)))
        return Concern(row, center, float(lanes.yaw[points][nearest]), at(lanes.width_m))


def _progress(run: Run, path: DensePath) -> Float[np.ndarray, " tick"]:
    """Distance along the path at each tick, never going back."""
    s_m = 0.0
    found: list[float] = []
    for xy in np.stack([run.ticks["x"], run.ticks["y"]], axis=1):
        s_m = path.advance(s_m, xy)
        found.append(s_m)
    return np.array(found)


def tick_rows(run: Run) -> Int[np.ndarray, " frame"]:
    """Row in the run's ticks of each frame."""
    return np.searchsorted(run.ticks["tick"], run.frame_ticks)
