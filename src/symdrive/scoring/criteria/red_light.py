"""Running a red light: the rear of the car crosses the stop line while the light is red.

Source: scenario_runner 94ff3b8, `RunningRedLightTest`. CARLA derives the stop lines from the
trigger volume of each light and the lanes below it; here they stand in the town's `SignalTable`.
"""

import math

import numpy as np

from symdrive.maps.town import LaneTable, Town
from symdrive.scoring.criteria.criterion import Criterion, Ego, at, ego_of
from symdrive.scoring.criteria.lanes import LaneFinder, point_on_lane
from symdrive.scoring.infraction import Infraction, InfractionKind, place
from symdrive.world.truth import SignalState, Truth

NEAR_M = 15.0
TAIL_NEAR = 0.8
"""The tail begins this share of the half length behind the centre ..."""

TAIL_BEYOND_M = 1.0
"""... and ends this far behind the bumper."""

LINE_HALF_WIDTH = 0.6
"""Half length of a stop line, in lane widths."""

Point = tuple[float, float]


class RedLight(Criterion):
    """Counts each light once, until another one was run."""

    def __init__(self, town: Town, finder: LaneFinder) -> None:
        self._town = town
        self._finder = finder
        self._last: int | None = None
        signals = town.signals
        places = [
            point_on_lane(town.lanes, int(lane), float(s))
            for lane, s in zip(signals.stop_lane, signals.stop_s_m, strict=True)
        ]
        self._signal = np.repeat(np.arange(len(signals)), np.diff(signals.stop_start))
        self._center = np.array([p.position[:2] for p in places]).reshape(-1, 2)
        self._places = places

    def update(self, truth: Truth) -> list[Infraction]:
        """Look for red stop lines under the tail."""
        if len(self._places) == 0:
            return []
        ego = ego_of(truth)
        red = truth.signal_state[self._signal] == int(SignalState.RED)
        gap = self._center - (ego.x, ego.y)
        near = np.flatnonzero(red & ((gap * gap).sum(axis=1) <= NEAR_M**2))
        if len(near) == 0:
            return []
        found: list[Infraction] = []
        for line in near.tolist():
            signal = int(self._signal[line])
            if signal != self._last and self._is_crossing(ego, line):
                self._last = signal
                found.append(self._infraction(truth, signal))
        return found

    def _is_crossing(self, ego: Ego, line: int) -> bool:
        """Whether the tail stands on the lane of a stop line, along it, and over the line."""
        stop = self._places[line]
        if math.cos(ego.yaw - stop.yaw) <= 0:
            return False
        close = _behind(ego, TAIL_NEAR * ego.half_length)
        far = _behind(ego, ego.half_length + TAIL_BEYOND_M)
        half = LINE_HALF_WIDTH * stop.width_m
        across = (-math.sin(stop.yaw) * half, math.cos(stop.yaw) * half)
        x, y, _ = stop.position
        left, right = (x + across[0], y + across[1]), (x - across[0], y - across[1])
        if not segments_meet(close, far, left, right):
            return False
        tail = self._finder.nearest(*far, ego.z)
        return tail is not None and _same_lane(self._town.lanes, tail.lane, stop.lane)

    def _infraction(self, truth: Truth, signal: int) -> Infraction:
        """The sentence names the pole, as the leaderboard's does."""
        signals = self._town.signals
        x, y, z = signals.position[signal].tolist()
        message = f"Agent ran a red light {int(signals.signal_id[signal])} at {place(x, y, z)}"
        return at(truth, InfractionKind.RED_LIGHT, message, signal)


def _behind(ego: Ego, distance_m: float) -> Point:
    """The point on the ego's axis that far behind its centre."""
    return ego.x - math.cos(ego.yaw) * distance_m, ego.y - math.sin(ego.yaw) * distance_m


def _same_lane(lanes: LaneTable, a: int, b: int) -> bool:
    """Whether two rows belong to one OpenDRIVE road and lane (perhaps in different sections)."""
    return bool(lanes.road[a] == lanes.road[b] and lanes.lane_id[a] == lanes.lane_id[b])


def segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the closed segments a-b and c-d have a point in common."""

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    def boxes_meet(axis: int) -> bool:
        return max(min(a[axis], b[axis]), min(c[axis], d[axis])) <= min(
            max(a[axis], b[axis]), max(c[axis], d[axis])
        )

    return (
        boxes_meet(0)
        and boxes_meet(1)
        and side(a, b, c) * side(a, b, d) <= 0
        and side(c, d, a) * side(c, d, b) <= 0
    )
