"""Lane invasion: which lines the corners of the ego's box crossed in the last tick.

Rules of carla-simulator/carla 0.9.15 (`LaneInvasionSensor.cpp`, `LaneCrossingCalculator.cpp`): each
corner is looked up among driving, cycling and parking lanes before and after the tick; another lane
of the same section, or a step over the edge of the road, is a crossing; junctions have no lines.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.geometry import box_corners
from symdrive.maps.locate import Located, Locator
from symdrive.maps.town import LaneKind, LaneTable
from symdrive.sensors.mount import EGO_ROW, trail_of
from symdrive.world.truth import Truth

_KINDS = (LaneKind.DRIVING, LaneKind.BIKING, LaneKind.PARKING)


class LineWatch:
    """Finds crossed lines in one town.

    Args:
        lanes: of the town.
    """

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        self._locator = Locator(lanes)

    def crossed(self, truth: Truth) -> tuple[int, ...]:
        """`Marking` of each line crossed in the tick that led to this truth, once, rising.

        An edge without paint is told as `Marking.NONE`, as CARLA does.
        """
        trail = trail_of(truth)
        half = np.broadcast_to(truth.actors.half_extent[EGO_ROW, :2], (2, 2))
        corners = box_corners(trail.position[:2, :2], trail.yaw[:2], half)
        heights = trail.position[:2, None, 2:].repeat(4, axis=1)
        places = np.concatenate([corners, heights], axis=2).reshape(8, 3)
        found = self._locator.locate(places, kinds=_KINDS)
        after = Located(*(column[:4] for column in found))
        before = Located(*(column[4:] for column in found))
        crossing = self._crossing(before, after)
        marks = self._marks(before, after, corners[0] - corners[1])
        return tuple(sorted(set(marks[crossing].tolist())))

    def _crossing(self, before: Located, after: Located) -> Bool[np.ndarray, " corner"]:
        """Whether each corner stepped over a line."""
        lanes, known = self._lanes, (before.lane >= 0) & (after.lane >= 0)
        if len(lanes) == 0:
            return known
        same = (lanes.road[before.lane] == lanes.road[after.lane]) & (
            lanes.section[before.lane] == lanes.section[after.lane]
        )
        outside = (lanes.junction[before.lane] < 0) & (lanes.junction[after.lane] < 0)
        was_off, is_off = self._off_road(before), self._off_road(after)
        stepped = (before.lane != after.lane) | was_off | is_off
        return known & same & outside & stepped & ~(was_off & is_off)

    def _off_road(self, place: Located) -> Bool[np.ndarray, " corner"]:
        """Whether a corner is outside of the lane that is nearest."""
        return np.abs(place.lateral_m) > 0.5 * self._lanes.width_m[self._row(place)]

    def _row(self, place: Located) -> Int[np.ndarray, " corner"]:
        """Row of the lane point that is nearest."""
        lanes = self._lanes
        steps = lanes.start[place.lane + 1] - lanes.start[place.lane] - 1
        share = np.clip(place.s_m / np.maximum(lanes.length_m[place.lane], 1e-6), 0.0, 1.0)
        return lanes.start[place.lane] + np.rint(share * steps).astype(np.int64)

    def _marks(
        self, before: Located, after: Located, way: Float[np.ndarray, "corner 2"]
    ) -> Int[np.ndarray, " corner"]:
        """The line between the two places: that of the lane which is on the road, on its side."""
        lanes = self._lanes
        if len(lanes) == 0:
            return np.zeros(len(way), dtype=np.int64)
        first, second = self._row(before), self._row(after)
        yaw = lanes.yaw[first]
        to_right = np.cos(yaw) * way[:, 1] - np.sin(yaw) * way[:, 0] < 0.0
        was_off = self._off_road(before)
        leaving = np.where(to_right, lanes.marking_right[first], lanes.marking_left[first])
        entering = np.where(to_right, lanes.marking_left[second], lanes.marking_right[second])
        return np.where(was_off, entering, leaving)
