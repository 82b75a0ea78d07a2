"""Traffic lights, stop signs and yield signs of a map."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from symdrive.core.geometry import wrap
from symdrive.maps.opendrive.document import Document, Signal
from symdrive.maps.opendrive.reference_line import place
from symdrive.maps.opendrive.references import listing
from symdrive.maps.opendrive.stop_lines import StopLine, StopLines
from symdrive.maps.town import HeightGrid, LaneKind, LaneTable, SignalTable, StopSignTable

VEHICLE_LIGHTS = ("1000001", "1000008", "1000009", "1000010", "1000011", "1000012")
"""OpenDRIVE signal types that drivers obey; the others are for walkers, riders and trams."""

STOP_SIGN, YIELD_SIGN, STENCIL = "206", "205", "stencil_stop"

BESIDE_M, OVERHEAD_M = 3.5, 5.5
"""Height of the middle of a lamp head beside and above the road.

Source: MUTCD 2009, section 4D.15: bottom of the housing 2.4-5.8 m beside the road, at least 4.6 m
above it.
"""

CLEAR_M = 0.5
"""A pole keeps this far from the edge of a driving lane."""

SAME_AXIS = np.radians(45.0)
"""Approaches whose axes differ by less than this share a phase where a map has no controllers."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Light:
    """A traffic light with what it controls.

    Attributes:
        signal_id: OpenDRIVE id.
        xy: where the file puts it.
        heading: direction of travel of the traffic that it holds for, rad.
        stops: stop lines.
        junction: junction id, -1 where it controls none.
        controller: id of its controller, None where the map has none for it.
    """

    signal_id: int
    xy: Float[np.ndarray, " 2"]
    heading: float
    stops: list[StopLine]
    junction: int
    controller: str | None


def build_signals(
    document: Document, lanes: LaneTable, ground: HeightGrid, finder: StopLines, name: str
) -> SignalTable:
    """The table of traffic lights; a light without a lane stays in it and is warned about."""
    lights = [
        _light(document, lanes, finder, road_id, signal)
        for road_id, signal in document.signals
        if signal.dynamic and signal.type in VEHICLE_LIGHTS
    ]
    idle = [str(light.signal_id) for light in lights if not light.stops]
    if idle:
        logger.warning(
            "%s: traffic lights that control no lane (no validity and no signalReference names a"
            " driving lane): %s; they are drawn, but nobody stops for them",
            *(name, listing(idle)),
        )
    group, num_groups = _phases(document, lights)
    foot, head = _poles(lights, lanes, ground)
    return SignalTable(
        signal_id=np.array([light.signal_id for light in lights], dtype=np.int64),
        position=foot,
        head=head,
        yaw=np.array([wrap(light.heading + np.pi) for light in lights]).reshape(-1),
        junction=np.array([light.junction for light in lights], dtype=np.int64),
        group=group,
        num_groups=num_groups,
        stop_start=np.cumsum([0, *[len(light.stops) for light in lights]]),
        stop_lane=np.array([s[0] for light in lights for s in light.stops], dtype=np.int64),
        stop_s_m=np.array([s[1] for light in lights for s in light.stops], dtype=np.float64),
    )


def _light(
    document: Document, lanes: LaneTable, finder: StopLines, road_id: int, signal: Signal
) -> Light:
    """A light with its stop lines, junction and controller."""
    point, along = place(document.roads[road_id], signal.use.s, signal.t)
    stops = finder.of_signal(signal.use)
    signal_id = signal.use.signal_id
    controller = next((c for c, ids in document.controllers.items() if signal_id in ids), None)
    junctions = [
        int(lanes.junction[after])
        for lane, _ in stops
        for after in lanes.successors(lane)
        if lanes.junction[after] >= 0
    ]
    owner = next((j for j, ids in document.junctions.items() if controller in ids), -1)
    return Light(
        signal_id,
        point[:2],
        travel_heading(lanes, stops) if stops else along + signal.h_offset,
        stops,
        junctions[0] if junctions else owner,
        controller,
    )


def travel_heading(lanes: LaneTable, stops: list[StopLine]) -> float:
    """Mean heading of the stop lines' lanes at their ends, rad."""
    yaw = lanes.yaw[lanes.start[np.array([lane for lane, _ in stops]) + 1] - 1]
    return float(np.arctan2(np.sin(yaw).sum(), np.cos(yaw).sum()))


def _phases(
    document: Document, lights: list[Light]
) -> tuple[Int[np.ndarray, " signal"], Int[np.ndarray, " signal"]]:
    """Phase group of each light and the number of groups of its junction.

    A controller is a group; its rank is its place in the junction's list. Lights without a
    controller join the group of their axis, or make a new one.
    """
    group = np.zeros(len(lights), dtype=np.int64)
    num_groups = np.ones(len(lights), dtype=np.int64)
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, light in enumerate(lights):
        if light.junction >= 0:
            rows_of[light.junction].append(row)
    for junction, rows in rows_of.items():
        order = document.junctions.get(junction, ())
        rank = {c: i for i, c in enumerate([*order, *document.controllers])}
        used = sorted({c for r in rows if (c := lights[r].controller)}, key=lambda c: rank[c])
        axes = [next(lights[r].heading for r in rows if lights[r].controller == c) for c in used]
        for row in rows:
            controller = lights[row].controller
            if controller is not None:
                group[row] = used.index(controller)
                continue
            group[row] = _axis(axes, lights[row].heading)
            if group[row] == len(axes):
                axes.append(lights[row].heading)
        num_groups[rows] = len(axes)
    return group, num_groups


def _axis(axes: list[float], heading: float) -> int:
    """Index of the axis that a heading lies along, either way; the length where there is none."""
    for index, axis in enumerate(axes):
        if abs(np.sin(heading - axis)) < np.sin(SAME_AXIS):
            return index
    return len(axes)


def _poles(
    lights: list[Light], lanes: LaneTable, ground: HeightGrid
) -> tuple[Float[np.ndarray, "signal 3"], Float[np.ndarray, "signal 3"]]:
    """Feet of the poles, moved off the road where need be, and the lamp heads."""
    if not lights:
        return np.zeros((0, 3)), np.zeros((0, 3))
    head_xy = np.array([light.xy for light in lights])
    verge = Verge(lanes)
    over = ~verge.is_off_road(head_xy, 0.0)
    foot_xy = head_xy.copy()
    for row in np.flatnonzero(~verge.is_off_road(head_xy, CLEAR_M)).tolist():
        foot_xy[row] = verge.beside(head_xy[row], lights[row].heading)
    foot = np.column_stack([foot_xy, ground.height(foot_xy)])
    height = np.where(over, OVERHEAD_M, BESIDE_M)
    head_xy = np.where(over[:, None], head_xy, foot_xy)
    head = np.column_stack([head_xy, ground.height(head_xy) + height])
    return foot, head


class Verge:
    """Finds places off the driving lanes.

    Args:
        lanes: of the town.
    """

    def __init__(self, lanes: LaneTable) -> None:
        rows = np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start))
        self._points, self._half = lanes.points[rows, :2], lanes.width_m[rows] / 2
        self._tree = cKDTree(self._points)

    def is_off_road(self, xy: Float[np.ndarray, "n 2"], clear_m: float) -> Bool[np.ndarray, " n"]:
        """Whether each point keeps `clear_m` away from all driving lanes."""
        reach = clear_m + float(self._half.max(initial=0.0)) + 0.01
        near = cast("list[list[int]]", self._tree.query_ball_point(xy, reach))
        count = np.array([len(rows) for rows in near], dtype=np.int64)
        point = np.repeat(np.arange(len(xy)), count)
        row = np.array([r for rows in near for r in rows], dtype=np.int64)
        gap = np.linalg.norm(xy[point] - self._points[row], axis=1) - self._half[row]
        return np.bincount(point[gap <= clear_m], minlength=len(xy)) == 0

    def beside(self, xy: Float[np.ndarray, " 2"], heading: float) -> Float[np.ndarray, " 2"]:
        """The nearest point to the right of traffic that keeps clear of the road, within 20 m."""
        right = np.array([np.sin(heading), -np.cos(heading)])
        tries = xy + np.arange(0.0, 20.0, 0.25)[:, None] * right
        clear = np.flatnonzero(self.is_off_road(tries, CLEAR_M))
        return tries[clear[0]] if len(clear) else xy


def signed_lanes(
    document: Document, finder: StopLines, sign: str, name: str
) -> dict[int, tuple[int, float]]:
    """Approach lanes that a static sign holds for; a sign that holds for none is warned about.

    Args:
        document: the map.
        finder: its stop lines.
        sign: OpenDRIVE type of the sign (the German numbers, as CARLA uses them).
        name: of the map.

    Returns:
        By lane row: index into `document.signals` and the arc length of the stop line.
    """
    found: dict[int, tuple[int, float]] = {}
    idle: list[str] = []
    for index, (road_id, signal) in enumerate(document.signals):
        if signal.type != sign:
            continue
        stops = finder.of_signal(signal.use)
        if not stops:
            point, along = place(document.roads[road_id], signal.use.s, signal.t)
            stops = finder.nearest(point[:2], along + signal.h_offset)
        if not stops:
            idle.append(str(signal.use.signal_id))
        for lane, s in stops:
            found.setdefault(lane, (index, s))
    if idle:
        logger.warning(
            "%s: the signs %s (type %s) hold for no lane and stand near none that leads into a"
            " junction; nobody heeds them",
            *(name, listing(idle), sign),
        )
    return found


def build_stop_signs(
    document: Document,
    lanes: LaneTable,
    ground: HeightGrid,
    finder: StopLines,
    lit: set[int],
    name: str,
) -> StopSignTable:
    """Stop signs, and STOP stencils on approaches without lights.

    CARLA's older towns carry their stop signs as level actors, and only the stencils on the road
    tell of them in the file.

    Args:
        document: the map.
        lanes: its lanes.
        ground: its ground.
        finder: its stop lines.
        lit: lanes with a traffic light.
        name: of the map.
    """
    rows: dict[int, tuple[float, Float[np.ndarray, " 2"]]] = {}
    for lane, (index, s) in signed_lanes(document, finder, STOP_SIGN, name).items():
        road_id, signal = document.signals[index]
        point, _ = place(document.roads[road_id], signal.use.s, signal.t)
        rows[lane] = (s, point[:2])
    for lane in _stencilled(document, lanes, finder):
        if lane not in lit and lane not in rows:
            end = lanes.points[lanes.start[lane + 1] - 1, :2]
            rows[lane] = (float(lanes.length_m[lane]), end)
    order = sorted(rows)
    heading = [travel_heading(lanes, [(lane, 0.0)]) for lane in order]
    verge = Verge(lanes)
    feet = [verge.beside(rows[lane][1], way) for lane, way in zip(order, heading, strict=True)]
    xy = np.array(feet).reshape(-1, 2)
    return StopSignTable(
        position=np.column_stack([xy, ground.height(xy)]),
        yaw=np.array([wrap(way + np.pi) for way in heading]).reshape(-1),
        lane=np.array(order, dtype=np.int64),
        s_m=np.array([rows[lane][0] for lane in order], dtype=np.float64),
    )


def _stencilled(document: Document, lanes: LaneTable, finder: StopLines) -> list[int]:
    """Approach lanes whose last metres carry a STOP stencil."""
    found: list[int] = []
    ends = np.array(finder.approach_lanes(), dtype=np.int64)
    if not len(ends):
        return found
    last = lanes.start[ends + 1] - 1
    for road in document.roads.values():
        for item in road.objects:
            if not item.name.lower().startswith(STENCIL):
                continue
            point, _ = place(road, item.s, item.t)
            back = lanes.points[last, :2] - point[:2]
            ahead = back[:, 0] * np.cos(lanes.yaw[last]) + back[:, 1] * np.sin(lanes.yaw[last])
            aside = back[:, 1] * np.cos(lanes.yaw[last]) - back[:, 0] * np.sin(lanes.yaw[last])
            fits = (ahead > -6.0) & (ahead < 15.0) & (np.abs(aside) < lanes.width_m[last] / 2)
            found.extend(ends[fits].tolist())
    return sorted(set(found))
