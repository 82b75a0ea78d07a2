"""Lanes sampled from CARLA's map: one record a lane, densely along its direction of travel."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.errors import UserError
from symdrive.maps.opendrive.document import LaneRecord, Road, Section
from symdrive.maps.opendrive.references import listing
from symdrive.maps.town import LaneKind, Marking

STEP_M = 0.5
"""Spacing of the dense samples along the reference line."""

INSET_M = 1e-3
"""How far inside a lane section its first and last sample lie; CARLA refuses its very end."""

REACH_M = 0.01
"""How far past a lane's end to look for its successors."""

MIN_WIDTH_M = 0.05
"""A lane that is nowhere wider is a drawing aid, not a lane."""

MIN_LENGTH_M = 1e-4
"""Single precision, in which CARLA computes, tells no two points of such a lane apart."""

SHORT_M = 0.05
"""CARLA's own towns have lane sections of less than a millimetre, which nobody misses."""

MAX_COORDINATE_M, MAX_STEP_M = 1e5, 100.0
"""Lanes beyond these coordinates, or with such a jump or width, come from a broken file."""

MAX_SPAN_M = 3e4
"""CARLA's largest town, Town11, spans 22 km."""

KINDS = {
    "driving": LaneKind.DRIVING,
    "entry": LaneKind.DRIVING,
    "exit": LaneKind.DRIVING,
    "onRamp": LaneKind.DRIVING,
    "offRamp": LaneKind.DRIVING,
    "connectingRamp": LaneKind.DRIVING,
    "parking": LaneKind.PARKING,
    "sidewalk": LaneKind.SIDEWALK,
    "walking": LaneKind.SIDEWALK,
    "shoulder": LaneKind.SHOULDER,
    "stop": LaneKind.SHOULDER,
    "biking": LaneKind.BIKING,
}
"""OpenDRIVE lane type to kind; all others are OTHER, and `none` is no lane at all."""

BROKEN = ("Broken", "BottsDots", "BrokenBroken")
SOLID = ("Solid", "SolidSolid", "SolidBroken", "BrokenSolid")

LaneKey = tuple[int, int, int]
"""Road id, section index, lane id."""

logger = logging.getLogger(__name__)


@dataclass
class SampledLane:
    """One lane as CARLA sees it, in the direction of travel (sidewalks: of the road).

    World frame, metres, radians. Its end points move a little when lanes are welded together.

    Attributes:
        key: road, section and lane id.
        kind: `LaneKind`.
        junction: id or -1.
        right_hand: whether traffic keeps to the right here.
        points: x y z.
        yaw: heading, unwrapped.
        width_m: width.
        left: `Marking` on the left edge.
        right: `Marking` on the right edge.
        change_left: whether the marking allows a change to the left.
        change_right: whether it allows one to the right.
        successors: keys of the lanes that CARLA reaches from its end.
    """

    key: LaneKey
    kind: LaneKind
    junction: int
    right_hand: bool
    points: Float[np.ndarray, "n 3"]
    yaw: Float[np.ndarray, " n"]
    width_m: Float[np.ndarray, " n"]
    left: Int[np.ndarray, " n"]
    right: Int[np.ndarray, " n"]
    change_left: Bool[np.ndarray, " n"]
    change_right: Bool[np.ndarray, " n"]
    successors: list[LaneKey]


def sample_lanes(roads: Iterable[Road], native: Any, name: str) -> list[SampledLane]:
    """All lanes of a map, in file order.

    Raises:
        UserError: when CARLA cannot follow a road, or a road leads nowhere on earth.
    """
    lanes: list[SampledLane] = []
    odd: dict[str, list[str]] = {}
    for road in roads:
        for index, section in enumerate(road.sections):
            for record in section.lanes:
                if record.lane_id == 0 or record.kind == "none":
                    continue
                lane = _checked(native, road, index, section, record, name)
                fault = _fault(lane, section)
                if fault:
                    where = f"lane {record.lane_id} of road {road.road_id}"
                    odd.setdefault(fault, []).append(where)
                elif lane is not None:
                    lane.width_m = np.maximum(lane.width_m, 0.0)
                    lanes.append(lane)
    for fault, where in odd.items():
        logger.warning("%s: left out, for %s: %s", name, fault, listing(where))
    if not any(lane.kind == LaneKind.DRIVING for lane in lanes):
        raise UserError(f"{name}: no road has a lane of type driving; at least one is needed.")
    _check_span(lanes, name)
    return lanes


def _check_span(lanes: list[SampledLane], name: str) -> None:
    """Refuse a road far from all others: the ground between them would fill the memory."""
    at = np.array([lane.points[0] for lane in lanes])
    span = np.ptp(at[:, :2], axis=0).max()
    if span > MAX_SPAN_M:
        away = np.abs(at - np.median(at, axis=0)).max(axis=1)
        road = lanes[int(away.argmax())].key[0]
        raise UserError(
            f"{name}: its roads are spread over {span / 1000:.0f} km, and at most"
            f" {MAX_SPAN_M / 1000:.0f} km are possible; road {road} is the farthest from the rest."
        )


def _fault(lane: SampledLane | None, section: Section) -> str:
    """Why a lane is none, in words; empty for one that is, and for one of a few centimetres."""
    if lane is None:
        return "CARLA's reader finds nothing on them" if section.length > SHORT_M else ""
    if lane.width_m.max() < MIN_WIDTH_M:
        return f"they are nowhere {MIN_WIDTH_M:g} m wide"
    return ""


def _checked(
    native: Any, road: Road, index: int, section: Section, record: LaneRecord, name: str
) -> SampledLane | None:
    """One lane, refused when its geometry cannot be that of a road."""
    where = f"{name}: lane {record.lane_id} of road {road.road_id}"
    try:
        lane = _sample(native, road, index, section, record)
    except (IndexError, RuntimeError) as error:
        raise UserError(f"{where} is refused by CARLA's OpenDRIVE reader ({error}).") from error
    if lane is None:
        return None
    extent = np.abs(lane.points).max()
    step = np.linalg.norm(np.diff(lane.points, axis=0), axis=1).max()
    if (
        not extent < MAX_COORDINATE_M
        or not step < MAX_STEP_M
        or not lane.width_m.max() < MAX_STEP_M
    ):
        raise UserError(
            f"{where} has a point at {extent:.0f} m, a jump of {step:.1f} m or a width of"
            f" {lane.width_m.max():.1f} m; its geometry, elevation or width is broken."
        )
    return lane if np.ptp(lane.points, axis=0).max() >= MIN_LENGTH_M else None


def _sample(
    native: Any, road: Road, index: int, section: Section, record: LaneRecord
) -> SampledLane | None:
    """One lane; None where CARLA finds less than two points on it."""
    length = section.end - section.s
    inset = min(INSET_M, length / 4)
    count = max(2, int(np.ceil(length / STEP_M)) + 1)
    stations = np.linspace(section.s + inset, section.end - inset, count)
    found = [native.get_waypoint_xodr(road.road_id, record.lane_id, float(s)) for s in stations]
    there = np.array([w is not None and w.section_id == index for w in found])
    if there.sum() < 2:
        return None
    waypoints = [w for w, is_here in zip(found, there.tolist(), strict=True) if is_here]
    kind = KINDS.get(record.kind, LaneKind.OTHER)
    paint = _paint(waypoints, np.searchsorted(_marks(section, record), stations[there], "right"))
    return _record(waypoints, paint, kind, (road.road_id, index, record.lane_id), road.junction)


class _Paint(NamedTuple):
    """What is painted on both edges at each point, and whether the paint allows lane changes."""

    left: Int[np.ndarray, " n"]
    right: Int[np.ndarray, " n"]
    change_left: Bool[np.ndarray, " n"]
    change_right: Bool[np.ndarray, " n"]


def _marks(section: Section, record: LaneRecord) -> list[float]:
    """Where the lines of a lane change: its own, and those of its inner neighbour."""
    inner = record.lane_id - (1 if record.lane_id > 0 else -1)
    return sorted(
        section.s + offset
        for other in section.lanes
        if other.lane_id in (record.lane_id, inner)
        for offset in other.marks
    )


def _paint(waypoints: list[Any], stretch: Int[np.ndarray, " n"]) -> _Paint:
    """The lines at each point, looked up once for each stretch in which the file has one line."""
    _, first, which = np.unique(stretch, return_index=True, return_inverse=True)
    asked = [waypoints[at] for at in first.tolist()]
    change = [_change(w.lane_change) for w in asked]
    return _Paint(
        np.array([_marking(w.left_lane_marking) for w in asked])[which],
        np.array([_marking(w.right_lane_marking) for w in asked])[which],
        np.array([c in ("Left", "Both") for c in change])[which],
        np.array([c in ("Right", "Both") for c in change])[which],
    )


def _record(
    waypoints: list[Any],
    paint: _Paint,
    kind: LaneKind,
    key: LaneKey,
    junction: int,
) -> SampledLane:
    """Waypoints in the order of the road to a lane in the order of travel."""
    points, yaw = _poses(waypoints)
    step = points[-1, :2] - points[0, :2] if len(points) == 2 else points[1, :2] - points[0, :2]
    backwards = float(step @ np.array([np.cos(yaw[0]), np.sin(yaw[0])])) < 0.0
    if backwards and kind == LaneKind.SIDEWALK:
        yaw = yaw + np.pi
        paint = _Paint(paint.right, paint.left, paint.change_right, paint.change_left)
        reached = waypoints[-1].previous(REACH_M)
    else:
        reached = waypoints[0 if backwards else -1].next(REACH_M)
    order = slice(None, None, -1 if backwards and kind != LaneKind.SIDEWALK else 1)
    successors = [(w.road_id, w.section_id, w.lane_id) for w in reached]
    return SampledLane(
        key,
        kind,
        junction,
        bool(waypoints[0].is_rht),
        points[order],
        np.unwrap(yaw[order]),
        np.array([w.lane_width for w in waypoints])[order],
        paint.left[order],
        paint.right[order],
        paint.change_left[order],
        paint.change_right[order],
        [other for other in dict.fromkeys(successors) if other != key],
    )


def _poses(waypoints: list[Any]) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    """Positions and headings in the ISO 8855 frame: CARLA's y and yaw negated."""
    transforms = [w.transform for w in waypoints]
    locations = [t.location for t in transforms]
    points = np.array([[p.x, -p.y, p.z] for p in locations])
    yaw = -np.radians([t.rotation.yaw for t in transforms])
    return points, yaw


@cache
def _change(change: Any) -> str:
    """The name of CARLA's lane change."""
    return str(change)


def _marking(mark: Any) -> int:
    """CARLA's lane marking as a `Marking`; of a double line the stricter one counts.

    CARLA has None for a lane without any `<roadMark>`.
    """
    return Marking.NONE if mark is None else _painted(mark.type, mark.color)


@cache
def _painted(kind: Any, color: Any) -> int:
    """What CARLA's type and colour of a marking mean; the names of its enumerations are slow."""
    name, yellow = str(kind), str(color) == "Yellow"
    if name == "Curb":
        return Marking.CURB
    if name in SOLID:
        return Marking.SOLID_YELLOW if yellow else Marking.SOLID_WHITE
    if name in BROKEN:
        return Marking.BROKEN_YELLOW if yellow else Marking.BROKEN_WHITE
    return Marking.NONE
