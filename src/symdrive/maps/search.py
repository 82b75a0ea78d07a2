"""Shortest ways over lanes and lane changes."""

import heapq
from typing import NamedTuple

import numpy as np
import shapely
from jaxtyping import Float

from symdrive.maps.town import LaneKind, LaneTable

MIN_CHANGE_M = 15.0
"""A lane change needs at least this much road."""

RUSHED_M = 1.0
"""... but where key points stand closer than that, a change is squeezed in between them; routes of
CARLA's benchmarks do that. The blend between the lanes then reaches past the key points."""

CHANGE_COST_M = 20.0
"""A lane change counts like this much detour."""

RUSH_COST_M = 60.0
"""A change without the room for it counts like this much more."""

LONG_M = 200.0
"""Longest stretch of parallel lanes that is measured."""

BACK_M = 0.5
"""A goal this little behind counts as reached: key points are not exact."""

LEFT, RIGHT = 1, -1


class Step(NamedTuple):
    """Arrival on a lane.

    Attributes:
        lane: row of the lane table.
        s_m: for the first step where the way begins; after a change where on the lane left behind
            the change may begin; 0 otherwise.
        change: 1 for a change to the left, -1 to the right, 0 when the lane before leads here.
        room_m: road left for the change, from `s_m` on.
    """

    lane: int
    s_m: float
    change: int = 0
    room_m: float = 0.0


class Way(NamedTuple):
    """A way to a goal: its cost (m, with lane changes weighed in), its steps and where it ends."""

    cost: float
    steps: list[Step]
    end_s_m: float


class LaneGraph:
    """Driving lanes with their successors and the lane changes that are possible."""

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        self.length = lanes.length_m.tolist()
        driving = (lanes.kind == LaneKind.DRIVING).tolist()
        self.successors: list[list[int]] = [
            [n for n in lanes.successors(lane).tolist() if driving[n]] if driving[lane] else []
            for lane in range(len(lanes))
        ]
        self.in_junction = (lanes.junction >= 0).tolist()
        self.beside = {
            LEFT: _allowed(lanes.left.tolist(), lanes.may_change_left.tolist(), self.in_junction),
            RIGHT: _allowed(
                lanes.right.tolist(), lanes.may_change_right.tolist(), self.in_junction
            ),
        }
        self._run: dict[tuple[int, int], float] = {}
        self._beside_s: dict[tuple[int, int], Float[np.ndarray, " point"]] = {}

    def room(self, lane: int, side: int) -> float:
        """Metres from the start of a lane on which its traffic may change to a side; 0 for none.

        Counts the lanes that follow while both lanes of the change go on side by side.
        """
        key = (lane, side)
        if key not in self._run:
            self._run[key] = self._measure(lane, side)
        return self._run[key]

    def _measure(self, lane: int, side: int) -> float:
        """Length of the parallel stretch that begins with a lane."""
        total, at = 0.0, lane
        while total < LONG_M and self.beside[side][at] >= 0:
            total += self.length[at]
            after = [
                n
                for n in self.successors[at]
                if self.beside[side][n] in self.successors[self.beside[side][at]]
            ]
            if len(after) != 1:
                break
            at = after[0]
        return total

    def changes(self, lane: int, s_m: float) -> list[Step]:
        """Lane changes that may begin at a place."""
        steps: list[Step] = []
        for side in (LEFT, RIGHT):
            room = self.room(lane, side) - s_m
            if self.beside[side][lane] >= 0 and room >= RUSHED_M:
                steps.append(Step(self.beside[side][lane], s_m, side, room))
        return steps

    def after_change(self, lane: int, step: Step, distance_m: float = MIN_CHANGE_M) -> float:
        """Where on its new lane a car is when a change of some length is done, m."""
        return self.across(lane, min(step.s_m + distance_m, self.length[lane]), step.lane)

    def across(self, lane: int, s_m: float, other: int) -> float:
        """Arc length on another lane of the point beside a place on a lane, m."""
        key = (lane, other)
        lanes = self._lanes
        if key not in self._beside_s:
            line = shapely.LineString(lanes.points[lanes.slice_of(other), :2])
            points = shapely.points(lanes.points[lanes.slice_of(lane), :2])
            self._beside_s[key] = np.asarray(shapely.line_locate_point(line, points))
        return float(np.interp(s_m, lanes.s_m[lanes.slice_of(lane)], self._beside_s[key]))

    def ways(self, lane: int, s_m: float, goals: dict[int, float]) -> dict[int, Way]:
        """Cheapest way from a place to each goal that can be reached (Dijkstra).

        A lane is entered at its start, or further on after a change; a dearer way that enters it
        earlier is kept, since it may be the only one that still reaches a goal.

        Args:
            lane: lane to start on.
            s_m: where on it.
            goals: arc length of the goal on each goal lane.
        """
        steps = [Step(lane, s_m)]
        parent, entered = [-1], [s_m]
        queue: list[tuple[float, int, bool]] = [(0.0, 0, False)]
        closed: dict[int, float] = {}
        found: dict[int, Way] = {}
        while queue and len(found) < len(goals):
            cost, node, arrived = heapq.heappop(queue)
            at = steps[node].lane
            if arrived:
                found.setdefault(at, Way(cost, _trace(steps, parent, node), goals[at]))
                continue
            ahead = goals.get(at, -1e9) - entered[node]
            if ahead >= -BACK_M and at not in found:
                heapq.heappush(queue, (cost + max(ahead, 0.0), node, True))
            if closed.get(at, np.inf) <= entered[node]:
                continue
            if node > 0:
                closed[at] = entered[node]
            for price, step, begin in self._edges(at, entered[node]):
                steps.append(step)
                parent.append(node)
                entered.append(begin)
                heapq.heappush(queue, (cost + price, len(steps) - 1, False))
        return found

    def _edges(self, lane: int, s_m: float) -> list[tuple[float, Step, float]]:
        """(price, step, place on the new lane) of everything that can follow."""
        left = self.length[lane] - s_m
        edges = [(left, Step(n, 0.0), 0.0) for n in self.successors[lane]]
        for step in self.changes(lane, s_m):
            for distance, extra in ((MIN_CHANGE_M, 0.0), (RUSHED_M, RUSH_COST_M)):
                if step.room_m >= distance:
                    price = min(distance, left) + CHANGE_COST_M + extra
                    edges.append((price, step, self.after_change(lane, step, distance)))
        return edges


def _allowed(beside: list[int], allowed: list[bool], in_junction: list[bool]) -> list[int]:
    """The neighbour where a change to it is allowed, else -1; never inside a junction."""
    return [
        other if may and not inside else -1
        for other, may, inside in zip(beside, allowed, in_junction, strict=True)
    ]


def _trace(steps: list[Step], parent: list[int], node: int) -> list[Step]:
    """Steps from the start to a node."""
    chain: list[Step] = []
    while node >= 0:
        chain.append(steps[node])
        node = parent[node]
    return chain[::-1]
