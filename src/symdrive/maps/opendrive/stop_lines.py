"""From a signal's uses in the file to the (lane, s) pairs where traffic stops for it."""

from functools import cached_property

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import wrap_angle
from symdrive.maps.opendrive.document import Document, SignalUse
from symdrive.maps.opendrive.junctions import junction_roots
from symdrive.maps.town import LaneKind, LaneTable

NEAREST_M = 15.0
"""A sign without any validity belongs to an approach lane that ends within this distance."""

FACING = np.radians(60.0)
"""... and whose traffic looks at the sign's face within this angle."""

StopLine = tuple[int, float]
"""Lane row and arc length, m."""


class StopLines:
    """Finds the stop lines of signs and lights in one map.

    OpenDRIVE lets a signal hold for lanes of its own road (`<validity>`, or all lanes of its
    `orientation`) and, by `<signalReference>`, for lanes of others. RoadRunner, which drew CARLA's
    towns, refers from the connecting roads inside junctions; there the stop line is the end of the
    approach lane.
    """

    def __init__(self, document: Document, lanes: LaneTable) -> None:
        self._document = document
        self._lanes = lanes
        self._root = junction_roots(lanes)
        self._rows: dict[tuple[int, int], list[int]] = {}
        for row in np.flatnonzero(lanes.kind == LaneKind.DRIVING).tolist():
            key = (int(lanes.road[row]), int(lanes.section[row]))
            self._rows.setdefault(key, []).append(row)
        self._references: dict[int, list[SignalUse]] = {}
        for road in document.roads.values():
            for use in road.references:
                self._references.setdefault(use.signal_id, []).append(use)

    def of_signal(self, own: SignalUse) -> list[StopLine]:
        """Stop lines of a signal by its validity and its references; sorted, one for each lane."""
        found: dict[int, float] = {}
        for use in [own, *self._references.get(own.signal_id, [])]:
            for lane, s in self._of_use(use):
                found[lane] = min(s, found.get(lane, np.inf))
        return sorted(found.items())

    def nearest(self, xy: Float[np.ndarray, " 2"], heading: float) -> list[StopLine]:
        """The end of the approach lane that is closest to a sign for traffic of a heading."""
        lanes = self._lanes
        ends = self._approaches
        if not ends:
            return []
        last = lanes.start[np.array(ends) + 1] - 1
        distance = np.linalg.norm(lanes.points[last, :2] - xy, axis=1)
        turned = np.abs(wrap_angle(lanes.yaw[last] - heading))
        distance = np.where(turned < FACING, distance, np.inf)
        best = int(np.argmin(distance))
        if distance[best] > NEAREST_M:
            return []
        return [(ends[best], float(lanes.length_m[ends[best]]))]

    def approach_lanes(self) -> list[int]:
        """Driving lanes that lead into a junction."""
        return self._approaches

    @cached_property
    def _approaches(self) -> list[int]:
        """The same, found once."""
        lanes = self._lanes
        outside = np.flatnonzero((lanes.junction < 0) & (lanes.kind == LaneKind.DRIVING))
        return [
            lane
            for lane in outside.tolist()
            if any(lanes.junction[n] >= 0 for n in lanes.successors(lane))
        ]

    def _of_use(self, use: SignalUse) -> list[StopLine]:
        """Stop lines of one use: at its s outside of junctions, else at the approach's end."""
        lanes, road = self._lanes, self._document.roads[use.road]
        section = max(i for i, part in enumerate(road.sections) if part.s <= use.s or i == 0)
        found: list[StopLine] = []
        for row in self._rows.get((use.road, section), []):
            if not self._holds_for(use, row):
                continue
            if lanes.junction[row] >= 0:
                entry = int(self._root[row])
                found.extend(
                    (before, float(lanes.length_m[before]))
                    for before in lanes.predecessors(entry).tolist()
                )
                continue
            part = road.sections[section]
            share = (use.s - part.s) / max(part.end - part.s, 1e-6)
            share = share if self._along_road(row) else 1.0 - share
            found.append((row, float(np.clip(share, 0.0, 1.0) * lanes.length_m[row])))
        return found

    def _holds_for(self, use: SignalUse, row: int) -> bool:
        """Whether the use is valid for a lane."""
        lane_id = int(self._lanes.lane_id[row])
        if use.validity:
            return any(first <= lane_id <= last for first, last in use.validity)
        if use.orientation in ("+", "-"):
            return self._along_road(row) == (use.orientation == "+")
        return True

    def _along_road(self, row: int) -> bool:
        """Whether a lane's traffic drives towards growing s."""
        right_hand = self._document.roads[int(self._lanes.road[row])].right_hand
        return bool((self._lanes.lane_id[row] < 0) == right_hand)
