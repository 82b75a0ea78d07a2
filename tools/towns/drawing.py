"""A laid-out town as OpenDRIVE text: roads, junctions, signals, signs, controllers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from xml.etree import ElementTree as ET

from scenariogeneration import xodr

from towns.curves import wrap
from towns.layout import (
    CROSSWALK_AHEAD_M,
    Arm,
    JunctionLayout,
    Layout,
    Movement,
    opposed,
)
from towns.plan import RightOfWay
from towns.street_roads import (
    carriageway_lanes,
    crosswalk,
    plan_view,
    road_type,
    side_lanes,
    street_road,
    unmarked,
)

_STOP_LINE_M = 0.6
"""Distance of the stop line (and of the pole beside it) from the end of the street."""

_POLE_M = 0.6
"""Distance of a pole from the kerb."""

_SQUARE = math.radians(3.0)

_FIRST_JUNCTION = 100
_FIRST_CONNECTION = 1000
_FIRST_SIGNAL = 5000
_FIRST_CONTROLLER = 6000
_FIRST_OBJECT = 7000

_GEO_REFERENCE = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"

_SIGNS = {
    RightOfWay.SIGNALS: ("1000001", "Signal_3Light_Post01", xodr.Dynamic.yes, 0.0),
    RightOfWay.STOP: ("206", "Sign_Stop", xodr.Dynamic.no, 2.1),
    RightOfWay.YIELD: ("205", "Sign_Yield", xodr.Dynamic.no, 2.1),
}
"""OpenDRIVE type, name, whether it changes, and height of its lower edge."""


@dataclass(frozen=True)
class _Phase:
    """Signals of a junction that are green together."""

    junction: int
    controller: int
    sequence: int
    signals: list[int]

    def controller_element(self) -> ET.Element:
        """The `<controller>` of the document, which names the signals."""
        attributes = {"name": f"ctrl{self.controller}", "id": str(self.controller)}
        element = ET.Element("controller", attributes | {"sequence": str(self.sequence)})
        for signal in self.signals:
            ET.SubElement(element, "control", {"signalId": str(signal), "type": ""})
        return element

    def reference(self) -> ET.Element:
        """The `<controller>` of the junction, which names the controller."""
        attributes = {"id": str(self.controller), "type": "0", "sequence": str(self.sequence)}
        return ET.Element("controller", attributes)


class Drawing:
    """One town on its way to OpenDRIVE; numbers are handed out in a fixed order."""

    def __init__(self, layout: Layout) -> None:
        """Draw the whole town."""
        self._layout = layout
        self._document = xodr.OpenDrive(layout.name, geo_reference=_GEO_REFERENCE)
        self._phases: list[_Phase] = []
        self._signal_ids, self._object_ids = count(_FIRST_SIGNAL), count(_FIRST_OBJECT)
        self._connection_ids = count(_FIRST_CONNECTION)
        self._controller_ids = count(_FIRST_CONTROLLER)
        self._streets = self._draw_streets()
        for number, junction in enumerate(layout.junctions):
            self._draw_junction(junction, _FIRST_JUNCTION + number)
        for road in self._document.roads.values():
            _number(road.objects, self._object_ids)

    def text(self) -> str:
        """The OpenDRIVE document."""
        root = self._document.get_element()
        header = root.find("header")
        if header is None:
            raise ValueError("scenariogeneration wrote no header")
        header.attrib.pop("date")
        header.attrib.update(revMajor="1", revMinor="4", **self._extent())
        junctions = {int(e.attrib["id"]): e for e in root.findall("junction")}
        first = list(root).index(next(iter(junctions.values())))
        for row, phase in enumerate(self._phases):
            root.insert(first + row, phase.controller_element())
            junctions[phase.junction].append(phase.reference())
        for thing in root.iter("object"):
            _as_in_1_4(thing)
        for element in root.iter():
            for key, value in element.attrib.items():
                element.attrib[key] = _tidy(value)
        ET.indent(root, " ")
        return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"

    def _extent(self) -> dict[str, str]:
        """Bounding box of the junction centres and the streets between them."""
        poses = [
            curve.pose(curve.length_m * k / 50) for curve in self._layout.curves for k in range(51)
        ]
        x, y = [p.x for p in poses], [p.y for p in poses]
        limits = {"north": max(y), "south": min(y), "east": max(x), "west": min(x)}
        return {name: str(round(value, 3)) for name, value in limits.items()}

    def _draw_streets(self) -> list[xodr.Road]:
        """Every street with its links to the junctions; row i has road id i."""
        layout = self._layout
        places = {j.junction.name: j.junction for j in layout.junctions}
        numbers = {name: _FIRST_JUNCTION + i for i, name in enumerate(places)}
        roads: list[xodr.Road] = []
        for row, (street, curve) in enumerate(zip(layout.streets, layout.curves, strict=True)):
            ends = (places[street.start], places[street.end])
            road = street_road(street, curve, ends)
            road.id = row
            road.add_predecessor(xodr.ElementType.junction, numbers[street.start])
            road.add_successor(xodr.ElementType.junction, numbers[street.end])
            self._document.add_road(road)
            roads.append(road)
        return roads

    def _draw_junction(self, layout: JunctionLayout, number: int) -> None:
        """Connecting roads, crosswalks, signs or signals with their controllers."""
        junction = xodr.Junction(layout.junction.name, number)
        self._document.add_junction(junction)
        named = self._layout.streets
        for arm in layout.arms:
            ways = [
                (m, self._draw_connection(layout, m, junction))
                for m in layout.movements
                if m.source is arm
            ]
            if named[arm.street].name in layout.junction.crosswalks:
                _draw_crosswalk(ways, arm)
        self._draw_signs(layout, junction)

    def _draw_connection(
        self, layout: JunctionLayout, movement: Movement, junction: xodr.Junction
    ) -> xodr.Road:
        """One connecting road and its entry in the junction."""
        lanes, links = _connecting_lanes(movement)
        number = next(self._connection_ids)
        name = f"{layout.junction.name} {number}"
        road = xodr.Road(number, plan_view(movement.curve), lanes, junction.id, name)
        road.add_elevation(0.0, layout.junction.z, 0.0, 0.0, 0.0)
        source, target = movement.source, movement.target
        limit = min(source.section.speed_kmh, target.section.speed_kmh)
        road.add_type(road_type(limit), speed=limit, speed_unit="km/h")
        kind = xodr.ElementType.road
        road.add_predecessor(kind, source.street, _contact(source))
        road.add_successor(kind, target.street, _contact(target))
        connection = xodr.Connection(source.street, number, xodr.ContactPoint.start)
        for lane_in, lane_here in links:
            connection.add_lanelink(lane_in, lane_here)
        junction.add_connection(connection)
        self._document.add_road(road)
        return road

    def _draw_signs(self, layout: JunctionLayout, junction: xodr.Junction) -> None:
        """Signals with controllers, or signs on the minor streets, each with its stop line."""
        right_of_way = layout.junction.right_of_way
        named = self._layout.streets
        signals: dict[int, Arm] = {}
        for arm in layout.arms:
            minor = named[arm.street].name in layout.junction.minor
            if arm.num_in and (right_of_way is RightOfWay.SIGNALS or minor):
                signals[self._draw_sign(arm, right_of_way)] = arm
        if right_of_way is RightOfWay.SIGNALS:
            self._draw_controllers(signals, junction)

    def _draw_sign(self, arm: Arm, right_of_way: RightOfWay) -> int:
        """A post on the right of an approach, and the line across its lanes."""
        road, length = self._streets[arm.street], self._layout.curves[arm.street].length_m
        kind, name, dynamic, above = _SIGNS[right_of_way]
        s = length - _STOP_LINE_M if arm.at_end else _STOP_LINE_M
        aside = arm.kerb_in_m + _POLE_M
        number = next(self._signal_ids)
        signal = xodr.Signal(
            s,
            -aside if arm.at_end else aside,
            "OpenDRIVE",
            kind,
            id=str(number),
            name=name,
            dynamic=dynamic,
            zOffset=above,
            orientation=_towards(arm),
            hOffset=0.0 if arm.at_end else math.pi,
        )
        lanes = [arm.lane_in(i) for i in range(arm.num_in)]
        signal.add_validity(min(lanes), max(lanes))
        road.signals.append(signal)
        road.objects.append(_stop_line(s, arm))
        return number

    def _draw_controllers(self, signals: dict[int, Arm], junction: xodr.Junction) -> None:
        """One controller for each pair of opposing approaches, in the order of the arms."""
        phases: list[list[int]] = []
        for number, arm in signals.items():
            partner = next((p for p in phases if opposed(signals[p[0]], arm)), None)
            if partner is None:
                phases.append([number])
            else:
                partner.append(number)
        for sequence, phase in enumerate(phases):
            self._phases.append(_Phase(junction.id, next(self._controller_ids), sequence, phase))


def write(layout: Layout) -> str:
    """A laid-out town as OpenDRIVE 1.4 text; the same bytes for the same plan."""
    return Drawing(layout).text()


def _contact(arm: Arm) -> xodr.ContactPoint:
    """Which end of its street an arm is."""
    return xodr.ContactPoint.end if arm.at_end else xodr.ContactPoint.start


def _towards(arm: Arm) -> xodr.Orientation:
    """Along the street in the direction of traffic that approaches the junction."""
    return xodr.Orientation.positive if arm.at_end else xodr.Orientation.negative


def _connecting_lanes(movement: Movement) -> tuple[xodr.Lanes, list[tuple[int, int]]]:
    """Lanes of a connecting road, and (incoming lane, lane here) of each."""
    source, target = movement.source, movement.target
    length = movement.curve.length_m
    if movement.lined:
        centre, lanes = carriageway_lanes(source.section.lane_m, len(movement.lanes_in))
    else:
        width = _blend(source.section.lane_m, target.section.lane_m, length)
        centre, lanes = xodr.Lane(xodr.LaneType.none), [unmarked(width) for _ in movement.lanes_in]
    section = xodr.LaneSection(0.0, centre)
    before = [source.lane_in(i) for i in movement.lanes_in]
    after = [target.lane_out(i) for i in movement.lanes_out]
    if movement.kerb:
        beside = _beside(movement)
        lanes += beside
        before += [source.lane_in(source.num_in + k) for k in range(len(beside))]
        after += [target.lane_out(target.num_out + k) for k in range(len(beside))]
    for lane, comes_from, goes_to in zip(lanes, before, after, strict=True):
        lane.add_link("predecessor", comes_from)
        lane.add_link("successor", goes_to)
        section.add_right_lane(lane)
    links = [(b, -k - 1) for k, b in enumerate(before)]
    if movement.inner:
        comes_from, goes_to = source.lane_out(source.num_out), target.lane_in(target.num_in)
        for lane in _gutter(movement, walk=False):
            lane.add_link("predecessor", comes_from)
            lane.add_link("successor", goes_to)
            section.add_left_lane(lane)
        links.append((comes_from, 1))
    return xodr.Lanes().add_lanesection(section), links


def _beside(movement: Movement) -> list[xodr.Lane]:
    """Gutter and sidewalk along the right side of a way through a junction."""
    walk = movement.source.section.sidewalk and movement.target.section.sidewalk
    return _gutter(movement, walk=walk)


def _gutter(movement: Movement, *, walk: bool) -> list[xodr.Lane]:
    """A gutter from one street's to the other's, with a sidewalk where asked for."""
    one, other = movement.source.section, movement.target.section
    width = (one.gutter_m,)
    if one.gutter_m != other.gutter_m:
        width = _blend(one.gutter_m, other.gutter_m, movement.curve.length_m)
    gutter = xodr.Lane(xodr.LaneType.shoulder, *width)
    return side_lanes(gutter, kerb=one.kerb and other.kerb, walk=walk)


def _blend(start_m: float, end_m: float, length_m: float) -> tuple[float, float, float, float]:
    """Cubic from one width to another, level at both ends."""
    gap = end_m - start_m
    return (start_m, 0.0, 3.0 * gap / length_m**2, -2.0 * gap / length_m**3)


def _draw_crosswalk(ways: list[tuple[Movement, xodr.Road]], arm: Arm) -> None:
    """A crosswalk in front of an arm, on the connecting road that leaves it rightmost.

    That road bends last, so the crosswalk is square to the street.

    Raises:
        ValueError: where that road bends too early.
    """
    movement, road = ways[-1]
    curve = movement.curve
    if abs(wrap(curve.pose(CROSSWALK_AHEAD_M).heading - curve.start.heading)) > _SQUARE:
        raise ValueError(f"no straight kerb for a crosswalk on {road.name}")
    left_of_line = movement.lanes_in[0] * arm.section.lane_m
    road.objects.append(
        crosswalk(
            CROSSWALK_AHEAD_M,
            arm.kerb_out_m + left_of_line,
            arm.kerb_in_m - left_of_line,
        )
    )


def _stop_line(s_m: float, arm: Arm) -> xodr.Object:
    """The white bar across the lanes of an approach."""
    width = arm.num_in * arm.section.lane_m
    thing = xodr.Object(
        s_m,
        -width / 2.0 if arm.at_end else width / 2.0,
        xodr.ObjectType.roadMark,
        name="StopLine",
        orientation=_towards(arm),
        hdg=math.pi / 2.0,
        width=0.4,
        length=width,
    )
    outline = xodr.Outline()
    for u in (-width / 2.0, width / 2.0):
        outline.add_corner(xodr.CornerLocal(u, 0.0, 0.0, 0.0))
    thing.add_outline(outline)
    return thing


def _as_in_1_4(thing: ET.Element) -> None:
    """Take the outline out of its `<outlines>`, which OpenDRIVE 1.4 and CARLA do not know."""
    wrapper = thing.find("outlines")
    if wrapper is not None:
        thing.remove(wrapper)
        thing.extend(wrapper)
    if thing.get("subtype") == "None":
        thing.attrib.pop("subtype")


def _number(things: list[xodr.Object], numbers: Iterator[int]) -> None:
    """Give every object an id of its own."""
    for thing in things:
        thing.id = str(next(numbers))


def _tidy(value: str) -> str:
    """A number without its last digits, so that every platform writes the same ones.

    Cubic coefficients are tiny and meet the cube of a length, hence twelve decimals.
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if value.lstrip("-").isdigit():
        return value
    return repr(float(f"{round(number, 12):.12g}") + 0.0)
