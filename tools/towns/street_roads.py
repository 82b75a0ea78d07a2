"""Streets as OpenDRIVE roads: lane sections, markings, heights, mid-block crosswalks."""

from dataclasses import dataclass
from itertools import pairwise

from scenariogeneration import xodr

from towns.curves import Curve
from towns.layout import CROSSWALK_WIDTH_M
from towns.plan import PARKING_M, SIDEWALK_M, CrossSection, Junction, Street

KERB_HEIGHT_M = 0.12

_NO_PARKING_M = 15.0
"""Without parked cars before and behind a junction, so that one can see into it."""

_CLEAR_CROSSWALK_M = 6.0
_SHORTEST_PARKING_M = 14.0
_TAPER_M = 4.0
_SOLID_M = 18.0
"""Length of the solid lines before a junction."""

_LINE_M = 0.12
_MOTORWAY_KMH = 80


@dataclass(frozen=True)
class Stretch:
    """Part of a street with the same lanes throughout."""

    start_m: float
    end_m: float
    parking: bool

    @property
    def length_m(self) -> float:
        """Its length."""
        return self.end_m - self.start_m


def plan_view(curve: Curve) -> xodr.PlanView:
    """A curve as an OpenDRIVE reference line."""
    view = xodr.PlanView(curve.start.x, curve.start.y, curve.start.heading)
    for piece in curve.pieces:
        if piece.curvature == 0.0:
            view.add_geometry(xodr.Line(piece.length_m))
        else:
            view.add_geometry(xodr.Arc(piece.curvature, length=piece.length_m))
    view.adjust_geometries()
    return view


def street_road(street: Street, curve: Curve, ends: tuple[Junction, Junction]) -> xodr.Road:
    """A street without its links, signals and signs."""
    lanes = xodr.Lanes()
    stretches = _stretches(street, curve.length_m)
    sections = [_lane_section(street.section, s, curve.length_m) for s in stretches]
    for section in sections:
        lanes.add_lanesection(section)
    for before, after in pairwise(sections):
        _link(before, after)
    road = xodr.Road(0, plan_view(curve), lanes, name=street.name)
    limit = street.section.speed_kmh
    road.add_type(road_type(limit), speed=limit, speed_unit="km/h")
    _add_heights(road, street, curve.length_m, ends)
    for share in street.crosswalks:
        kerbs = (street.section.kerb_m(right=False), street.section.kerb_m(right=True))
        road.objects.append(crosswalk(share * curve.length_m, *kerbs))
    return road


def road_type(speed_kmh: int) -> xodr.RoadType:
    """What kind of road has such a limit."""
    return xodr.RoadType.motorway if speed_kmh >= _MOTORWAY_KMH else xodr.RoadType.town


def crosswalk(s_m: float, left_m: float, right_m: float) -> xodr.Object:
    """A crosswalk square to a road, from kerb to kerb.

    Its u axis points to the left of the road and its outline is symmetric in v, so that readers
    with a left-handed frame (CARLA) see the same.
    """
    length, half = left_m + right_m, CROSSWALK_WIDTH_M / 2.0
    thing = xodr.Object(
        s_m,
        0.0,
        xodr.ObjectType.crosswalk,
        name="ContinentalCrosswalk",
        orientation=xodr.Orientation.positive,
        hdg=1.5707963267948966,
        width=CROSSWALK_WIDTH_M,
        length=length,
    )
    outline = xodr.Outline()
    corners = ((left_m, half), (left_m, -half), (-right_m, -half), (-right_m, half))
    for u, v in (*corners, corners[0]):
        outline.add_corner(xodr.CornerLocal(u, v, 0.0, 0.0))
    thing.add_outline(outline)
    return thing


def side_lanes(
    gutter: xodr.Lane, *, parking: xodr.Lane | None = None, kerb: bool, walk: bool
) -> list[xodr.Lane]:
    """What lies beyond the driving lanes, from the inside, with its kerb."""
    curb = xodr.RoadMark(xodr.RoadMarkType.curb, 0.15, laneChange=_NEVER)
    gutter.add_roadmark(curb if kerb else _no_line())
    lanes = [gutter]
    if parking is not None:
        parking.add_roadmark(_no_line())
        lanes = [parking, gutter]
    if walk:
        pavement = xodr.Lane(xodr.LaneType.sidewalk, SIDEWALK_M)
        pavement.add_roadmark(_no_line())
        pavement.add_height(KERB_HEIGHT_M)
        lanes.append(pavement)
    return lanes


def unmarked(width: tuple[float, float, float, float]) -> xodr.Lane:
    """A driving lane without lines, as inside junctions; width as a cubic."""
    lane = xodr.Lane(xodr.LaneType.driving, *width)
    lane.add_roadmark(_no_line())
    return lane


def carriageway_lanes(width_m: float, count: int) -> tuple[xodr.Lane, list[xodr.Lane]]:
    """The centre and the lanes of a carriageway that goes on past a ramp, with their lines."""
    centre = xodr.Lane(xodr.LaneType.none)
    yellow, white = xodr.RoadMarkColor.yellow, xodr.RoadMarkColor.white
    centre.add_roadmark(_line(xodr.RoadMarkType.solid, yellow, 0.0, _NEVER))
    lanes = [xodr.Lane(xodr.LaneType.driving, width_m) for _ in range(count)]
    for lane in lanes:
        lane.add_roadmark(_line(xodr.RoadMarkType.broken, white, 0.0, _NEVER))
    return centre, lanes


_NEVER = xodr.LaneChange.none


def _no_line() -> xodr.RoadMark:
    return xodr.RoadMark(xodr.RoadMarkType.none, color=xodr.RoadMarkColor.white, laneChange=_NEVER)


def _line(
    kind: xodr.RoadMarkType, color: xodr.RoadMarkColor, s_m: float, change: xodr.LaneChange
) -> xodr.RoadMark:
    """A painted line from `s_m` (within its lane section) on."""
    return xodr.RoadMark(kind, _LINE_M, soffset=s_m, color=color, laneChange=change)


def _stretches(street: Street, length_m: float) -> list[Stretch]:
    """Stretches with parking, kept clear of junctions and crosswalks, and those in between."""
    section = street.section
    if not (section.parking_right or section.parking_left):
        return [Stretch(0.0, length_m, parking=False)]
    gaps = [
        (0.0, _NO_PARKING_M),
        *(
            (s * length_m - _CLEAR_CROSSWALK_M, s * length_m + _CLEAR_CROSSWALK_M)
            for s in street.crosswalks
        ),
        (length_m - _NO_PARKING_M, length_m),
    ]
    stretches: list[Stretch] = []
    clear_from = 0.0
    for gap, after in pairwise(gaps):
        if after[0] - gap[1] >= _SHORTEST_PARKING_M:
            stretches.append(Stretch(clear_from, gap[1], parking=False))
            stretches.append(Stretch(gap[1], after[0], parking=True))
            clear_from = after[0]
    return [*stretches, Stretch(clear_from, length_m, parking=False)]


def _lane_section(section: CrossSection, stretch: Stretch, length_m: float) -> xodr.LaneSection:
    """All lanes of one stretch."""
    centre = xodr.Lane(xodr.LaneType.none)
    for mark in _centre_marks(section, stretch, length_m):
        centre.add_roadmark(mark)
    built = xodr.LaneSection(stretch.start_m, centre)
    for lane in _side(section, stretch, length_m, right=False):
        built.add_left_lane(lane)
    for lane in _side(section, stretch, length_m, right=True):
        built.add_right_lane(lane)
    return built


def _side(
    section: CrossSection, stretch: Stretch, length_m: float, *, right: bool
) -> list[xodr.Lane]:
    """Lanes on one side, from the reference line outwards."""
    lanes: list[xodr.Lane] = []
    count = section.lanes(right=right)
    for index in range(count):
        lane = xodr.Lane(xodr.LaneType.driving, section.lane_m)
        if index < count - 1:
            marks = _between_marks(section, stretch, length_m, right=right)
        elif section.edge_line:
            white = xodr.RoadMarkColor.white
            marks = [_line(xodr.RoadMarkType.solid, white, 0.0, _NEVER)]
        else:
            marks = [_no_line()]
        for mark in marks:
            lane.add_roadmark(mark)
        lanes.append(lane)
    here = section.parking_right if right else section.parking_left
    parking = _parking_lane(stretch.length_m) if stretch.parking and here else None
    gutter = xodr.Lane(xodr.LaneType.shoulder, section.gutter_m)
    walk = section.walks(right=right)
    return lanes + side_lanes(gutter, parking=parking, kerb=section.kerb, walk=walk)


def _parking_lane(length_m: float) -> xodr.Lane:
    """A parking lane that opens and closes smoothly."""
    c, d = 3.0 * PARKING_M / _TAPER_M**2, 2.0 * PARKING_M / _TAPER_M**3
    lane = xodr.Lane(xodr.LaneType.parking, 0.0, 0.0, c, -d)
    lane.add_lane_width(PARKING_M, soffset=_TAPER_M)
    lane.add_lane_width(PARKING_M, 0.0, -c, d, soffset=length_m - _TAPER_M)
    return lane


def _centre_marks(section: CrossSection, stretch: Stretch, length_m: float) -> list[xodr.RoadMark]:
    """Double yellow on wide streets; else broken, and solid before junctions."""
    yellow = xodr.RoadMarkColor.yellow
    if section.one_way:
        edge = _line(xodr.RoadMarkType.solid, yellow, 0.0, _NEVER)
        return [edge if section.edge_line else _no_line()]
    if section.forward + section.backward > 2:
        return [_line(xodr.RoadMarkType.solid_solid, yellow, 0.0, _NEVER)]
    breaks = (
        (0.0, xodr.RoadMarkType.solid),
        (min(_SOLID_M, length_m / 2), xodr.RoadMarkType.broken),
        (max(length_m - _SOLID_M, length_m / 2), xodr.RoadMarkType.solid),
    )
    return [_line(kind, yellow, s, _NEVER) for s, kind in _within(breaks, stretch)]


def _between_marks(
    section: CrossSection, stretch: Stretch, length_m: float, *, right: bool
) -> list[xodr.RoadMark]:
    """Broken white between lanes of one direction, solid before the junction ahead."""
    broken, solid = xodr.RoadMarkType.broken, xodr.RoadMarkType.solid
    if section.one_way:
        breaks = ((0.0, broken),)
    elif right:
        breaks = ((0.0, broken), (max(length_m - _SOLID_M, 0.0), solid))
    else:
        breaks = ((0.0, solid), (min(_SOLID_M, length_m), broken))
    changes = {broken: xodr.LaneChange.both, solid: _NEVER}
    white = xodr.RoadMarkColor.white
    return [_line(kind, white, s, changes[kind]) for s, kind in _within(breaks, stretch)]


def _within(
    breaks: tuple[tuple[float, xodr.RoadMarkType], ...], stretch: Stretch
) -> list[tuple[float, xodr.RoadMarkType]]:
    """Marks of a whole street cut down to a stretch, with `s` counted from its start."""
    starting = [kind for s, kind in breaks if s <= stretch.start_m][-1]
    inside = [
        (s - stretch.start_m, kind) for s, kind in breaks if stretch.start_m < s < stretch.end_m
    ]
    return [(0.0, starting), *inside]


def _link(before: xodr.LaneSection, after: xodr.LaneSection) -> None:
    """Link driving lanes, gutters and sidewalks across a section boundary."""
    for first, second in (
        (before.leftlanes, after.leftlanes),
        (before.rightlanes, after.rightlanes),
    ):
        ends = [lane for lane in second if lane.lane_type != xodr.LaneType.parking]
        begins = [lane for lane in first if lane.lane_type != xodr.LaneType.parking]
        for a, b in zip(begins, ends, strict=True):
            a.add_link("successor", b.lane_id)
            b.add_link("predecessor", a.lane_id)


def _add_heights(
    road: xodr.Road, street: Street, length_m: float, ends: tuple[Junction, Junction]
) -> None:
    """Cubic pieces from junction to junction, level at both ends and free of overshoot.

    Slopes in between are harmonic means of the neighbours' (Fritsch and Butland 1984).
    """
    knots = [
        (0.0, ends[0].z),
        *((share * length_m, z) for share, z in street.heights),
        (length_m, ends[1].z),
    ]
    rises = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(knots)]
    inner = [2.0 * p * q / (p + q) if p * q > 0.0 else 0.0 for p, q in pairwise(rises)]
    slopes = [0.0, *inner, 0.0]
    for i, rise in enumerate(rises):
        (s, z), step = knots[i], knots[i + 1][0] - knots[i][0]
        c = (3.0 * rise - 2.0 * slopes[i] - slopes[i + 1]) / step
        d = (slopes[i] + slopes[i + 1] - 2.0 * rise) / step**2
        road.add_elevation(s, z, slopes[i], c, d)
