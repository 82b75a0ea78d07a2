"""The OpenDRIVE text as plain records, checked before any native code sees it.

OpenDRIVE's own frame is right-handed with x east and y north, so its coordinates need no change.
Source: ASAM OpenDRIVE 1.4 and 1.7, chapters on roads, lanes, junctions and signals.
"""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from symdrive.core.errors import UserError
from symdrive.maps.opendrive.references import check_references, is_integer

SPEED_UNITS = {"m/s": 1.0, "mph": 0.44704, "km/h": 1.0 / 3.6, "kph": 1.0 / 3.6}
"""By the names of OpenDRIVE, and one that exporters write; without a unit it is m/s."""

DEFAULT_SPEED_MPS = 50.0 / 3.6
NO_LIMIT_MPS = 130.0 / 3.6
MAX_SPEED_MPS = 150.0

MAX_NUMBER = 1e30
"""CARLA's own towns have cubics of a few micrometres with coefficients of 1e19."""

MAX_ROAD_M = 1e5
MAX_BESIDE_M = 1e3
"""Signals stand this near to their road."""

MAX_STRAY_M = 1e4
"""Objects stand this near; in CARLA's own Town13 one is 2 km away from its road."""

ONCE = ("planView", "elevationProfile", "lanes", "objects", "signals")
GEOMETRIES = ("line", "arc", "spiral", "poly3", "paramPoly3")


@dataclass(frozen=True)
class Geometry:
    """One piece of a reference line: its start pose, length, shape and shape parameters."""

    s: float
    x: float
    y: float
    heading: float
    length: float
    shape: str
    parameters: dict[str, float]
    normalized: bool


@dataclass(frozen=True)
class SpeedStep:
    """A speed limit that holds from `s` on; None where the map says that it does not know."""

    s: float
    limit_mps: float | None


@dataclass(frozen=True)
class LaneRecord:
    """A lane of a section.

    Attributes:
        lane_id: id.
        kind: OpenDRIVE type.
        speeds: its own limits, with `s` counted from the section.
        marks: where each of its road marks begins, m from the section.
    """

    lane_id: int
    kind: str
    speeds: tuple[SpeedStep, ...]
    marks: tuple[float, ...]


@dataclass(frozen=True)
class Section:
    """A lane section from `s` to `end`."""

    s: float
    end: float
    lanes: tuple[LaneRecord, ...]

    @property
    def length(self) -> float:
        """Along the reference line, m."""
        return self.end - self.s


@dataclass(frozen=True)
class SignalUse:
    """A signal or a reference to one: which lanes of which road it holds for.

    Attributes:
        signal_id: id of the signal.
        road: road that it stands on or that refers to it.
        s: where along that road.
        orientation: `+`, `-` or `none`.
        validity: lane ranges (from, to), both included; empty where the map gives none.
    """

    signal_id: int
    road: int
    s: float
    orientation: str
    validity: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Signal:
    """A sign or a traffic light where it stands."""

    use: SignalUse
    t: float
    z_offset: float
    h_offset: float
    type: str
    dynamic: bool
    height: float


@dataclass(frozen=True)
class RoadObject:
    """An object beside or on the road, such as a painted stop line."""

    object_id: str
    name: str
    type: str
    s: float
    t: float


@dataclass(frozen=True)
class Road:
    """A road with everything that hangs on it; `elevation` rows are (s, a, b, c, d)."""

    road_id: int
    junction: int
    right_hand: bool
    length: float
    geometries: tuple[Geometry, ...]
    elevation: tuple[tuple[float, float, float, float, float], ...]
    speeds: tuple[SpeedStep, ...]
    sections: tuple[Section, ...]
    signals: tuple[Signal, ...]
    references: tuple[SignalUse, ...]
    objects: tuple[RoadObject, ...]


@dataclass(frozen=True)
class Document:
    """A checked OpenDRIVE file.

    Attributes:
        roads: by road id.
        controllers: signal ids of each controller, by controller id.
        junctions: controller ids of each junction in phase order, by junction id.
        sound_text: the text without lane links to missing lanes, for CARLA's reader.
    """

    roads: dict[int, Road]
    controllers: dict[str, tuple[int, ...]]
    junctions: dict[int, tuple[str, ...]]
    sound_text: str

    @property
    def signals(self) -> list[tuple[int, Signal]]:
        """All signals as (road id, signal), in road order and file order."""
        return [(road.road_id, signal) for road in self.roads.values() for signal in road.signals]


def parse(text: str, name: str) -> Document:
    """Read and check OpenDRIVE text.

    Raises:
        UserError: for anything that is not a sound OpenDRIVE road network; `name` says where.
    """
    if "<!DOCTYPE" in text:
        raise UserError(f"{name}: has a <!DOCTYPE>, whose entities CARLA's reader would not know.")
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UserError(
            f"{name}: not well-formed XML ({error}); an OpenDRIVE (.xodr) file is expected."
        ) from error
    if root.tag != "OpenDRIVE":
        raise UserError(
            f"{name}: the root element is <{root.tag}>; an OpenDRIVE file starts with <OpenDRIVE>."
        )
    roads = [_road(element, name) for element in root.findall("road")]
    if not roads:
        raise UserError(f"{name}: the OpenDRIVE file has no <road>; at least one is needed.")
    table = {road.road_id: road for road in roads}
    if len(table) != len(roads):
        raise UserError(f"{name}: two roads share one id; road ids must be unique.")
    junctions = {
        _int(junction, "id", f"{name}: a junction"): _phases(junction)
        for junction in root.findall("junction")
    }
    if len(junctions) != len(root.findall("junction")):
        raise UserError(f"{name}: two junctions share one id; junction ids must be unique.")
    for road in roads:
        if road.junction != -1 and road.junction not in junctions:
            raise UserError(
                f"{name}: road {road.road_id} belongs to junction {road.junction},"
                " which the file does not define."
            )
    repaired = check_references(root, name)
    try:
        sound = ET.tostring(root, encoding="unicode") if repaired else text
    except RecursionError as error:
        raise UserError(f"{name}: its elements lie too deep in one another.") from error
    return Document(table, _controllers(root, name), junctions, sound)


def _controllers(root: ET.Element, name: str) -> dict[str, tuple[int, ...]]:
    """Signal ids of each controller."""
    found: dict[str, tuple[int, ...]] = {}
    for element in root.findall("controller"):
        key = element.get("id", "")
        if not key:
            raise UserError(
                f"{name}: the controller {element.get('name')!r} has no id; junctions call it by"
                " its id."
            )
        where = f"{name}: controller {key!r}"
        signals = [_int(control, "signalId", where) for control in element.findall("control")]
        found[key] = tuple(dict.fromkeys(signals))
    return found


def _phases(junction: ET.Element) -> tuple[str, ...]:
    """Controller ids of a junction in the order of their phases."""
    found = junction.findall("controller")
    return tuple(element.get("id", "") for element in sorted(found, key=_sequence))


def _sequence(controller: ET.Element) -> int:
    """Place of a controller among those of its junction; the first where the file gives none."""
    text = controller.get("sequence", "")
    return int(text) if is_integer(text) else 0


def _road(element: ET.Element, name: str) -> Road:
    """One road; refuses what would make the native reader hang or abort."""
    road_id = _int(element, "id", f"{name}: a road")
    where = f"{name}: road {road_id}"
    if road_id < 0:
        raise UserError(f"{name}: a road has the id {road_id}; ids of roads are 0 or more.")
    for part in ONCE:
        if len(element.findall(part)) > 1:
            raise UserError(f"{where} has more than one <{part}>; CARLA reads only the first.")
    length = _number(element, "length", where)
    if not 0.0 < length <= MAX_ROAD_M:
        raise UserError(
            f"{where} is {length} m long; a road needs a positive length up to {MAX_ROAD_M:.0f} m."
        )
    geometries = tuple(_geometry(g, where) for g in element.findall("planView/geometry"))
    if not geometries:
        raise UserError(f"{where} has no <planView> geometry; at least one piece is needed.")
    elevation = tuple(
        (
            _number(e, "s", where),
            _number(e, "a", where),
            _number(e, "b", where),
            _number(e, "c", where),
            _number(e, "d", where),
        )
        for e in element.findall("elevationProfile/elevation")
    )
    for profile in ("planView/geometry", "elevationProfile/elevation", "lanes/laneOffset"):
        _check_start(element.findall(profile), "s", where)
    signals = tuple(_signal(s, road_id, where) for s in element.findall("signals/signal"))
    references = tuple(_use(s, road_id, where) for s in element.findall("signals/signalReference"))
    return Road(
        road_id,
        _int(element, "junction", where) if element.get("junction") else -1,
        element.get("rule", "RHT") != "LHT",
        length,
        geometries,
        elevation,
        _speeds(element.findall("type"), where),
        _sections(element, length, where),
        signals,
        references,
        tuple(_object(o, length, where) for o in element.findall("objects/object")),
    )


def _check_start(records: list[ET.Element], key: str, where: str) -> None:
    """Refuse a profile with nothing at its beginning, where CARLA's reader looks first."""
    starts = [_number(record, key, where) for record in records]
    if starts and min(starts) > 0.0:
        raise UserError(
            f"{where}: its first <{records[0].tag}> begins at {key}={min(starts)}; one has to begin"
            " at 0."
        )


def _geometry(element: ET.Element, where: str) -> Geometry:
    """One piece of the reference line."""
    length = _number(element, "length", f"{where}, planView")
    shape = next((child for child in element if child.tag in GEOMETRIES), None)
    if shape is None:
        raise UserError(f"{where}: a planView geometry has none of the shapes {GEOMETRIES}.")
    if length <= 0.0:
        raise UserError(f"{where}: a planView geometry is {length} m long; it must be positive.")
    parameters = {key: _number(shape, key, where) for key in shape.attrib if key != "pRange"}
    return Geometry(
        _number(element, "s", where),
        _number(element, "x", where),
        _number(element, "y", where),
        _number(element, "hdg", where),
        length,
        shape.tag,
        parameters,
        shape.get("pRange", "normalized") == "normalized",
    )


def _sections(road: ET.Element, length: float, where: str) -> tuple[Section, ...]:
    """Lane sections in order, each with its end."""
    found = road.findall("lanes/laneSection")
    if not found:
        raise UserError(f"{where} has no <laneSection>; at least one is needed.")
    for section in found:
        _check_lane_ids(section, where)
    starts = [_number(section, "s", where) for section in found]
    if starts != sorted(starts) or starts[0] < 0.0 or starts[-1] > length:
        raise UserError(f"{where}: its lane sections are not in order of s within the road.")
    if len(set(starts)) != len(starts):
        raise UserError(f"{where}: two of its lane sections begin at the same s.")
    ends = [*starts[1:], length]
    return tuple(
        Section(start, end, tuple(_lane(lane, where) for lane in section.iter("lane")))
        for section, start, end in zip(found, starts, ends, strict=True)
    )


def _check_lane_ids(section: ET.Element, where: str) -> None:
    """A section has a centre lane 0 and counts its lanes outwards without a gap on both sides."""
    ids = [_int(lane, "id", f"{where}, a lane") for lane in section.iter("lane")]
    sides = {"left": 1, "center": 0, "right": -1}
    for side, sign in sides.items():
        found = [_int(lane, "id", where) for lane in section.findall(f"{side}/lane")]
        expected = [0] if sign == 0 else [sign * (i + 1) for i in range(len(found))]
        if sorted(found, key=abs) != expected:
            raise UserError(
                f"{where}: a lane section has the lane ids {sorted(ids, reverse=True)}; needed are"
                " 0 in <center> and 1, 2, ... in <left>, -1, -2, ... in <right>, without a gap."
            )


def _lane(element: ET.Element, where: str) -> LaneRecord:
    """One lane of a section."""
    lane_id = _int(element, "id", f"{where}, a lane")
    if lane_id != 0 and not element.findall("width") and not element.findall("border"):
        raise UserError(f"{where}: lane {lane_id} has no <width>; every lane needs one.")
    _check_start(element.findall("width"), "sOffset", f"{where}, lane {lane_id}")
    for width in element.findall("width"):
        for key in ("sOffset", "a", "b", "c", "d"):
            _number(width, key, f"{where}, lane {lane_id}")
    speeds = tuple(
        SpeedStep(_number(s, "sOffset", where, 0.0), _limit(s, where))
        for s in element.findall("speed")
    )
    marks = tuple(_number(m, "sOffset", where, 0.0) for m in element.findall("roadMark"))
    return LaneRecord(lane_id, element.get("type", "none"), speeds, marks)


def _speeds(types: list[ET.Element], where: str) -> tuple[SpeedStep, ...]:
    """Speed limits of a road, one for each `<type>` record."""
    steps = []
    for element in types:
        speed = element.find("speed")
        limit = None if speed is None else _limit(speed, where)
        steps.append(SpeedStep(_number(element, "s", where, 0.0), limit))
    return tuple(steps)


def _limit(speed: ET.Element, where: str) -> float | None:
    """A `<speed>` element in m/s; without a unit it is m/s."""
    text = speed.get("max", "undefined")
    if text == "no limit":
        return NO_LIMIT_MPS
    if text == "undefined":
        return None
    unit = speed.get("unit", "m/s")
    if unit not in SPEED_UNITS:
        raise UserError(
            f"{where} has a speed in {unit!r}; known units are {', '.join(SPEED_UNITS)}."
        )
    value = _number(speed, "max", f"{where}, speed") * SPEED_UNITS[unit]
    if value > MAX_SPEED_MPS:
        raise UserError(
            f"{where} has a speed limit of {value:.0f} m/s; at most {MAX_SPEED_MPS:.0f} m/s."
        )
    return value if value > 0.0 else None


def _use(element: ET.Element, road_id: int, where: str) -> SignalUse:
    """What a signal or a signalReference holds for."""
    validity = tuple(
        (_int(v, "fromLane", where), _int(v, "toLane", where)) for v in element.findall("validity")
    )
    return SignalUse(
        _int(element, "id", f"{where}, a signal"),
        road_id,
        _number(element, "s", where),
        element.get("orientation", "none"),
        tuple((min(v), max(v)) for v in validity),
    )


def _signal(element: ET.Element, road_id: int, where: str) -> Signal:
    """A sign or a traffic light."""
    return Signal(
        _use(element, road_id, where),
        _beside(element, "t", where),
        _beside(element, "zOffset", where, 0.0),
        _number(element, "hOffset", where, 0.0),
        element.get("type", ""),
        element.get("dynamic", "no") == "yes",
        _beside(element, "height", where, 0.0),
    )


def _object(element: ET.Element, length: float, where: str) -> RoadObject:
    """An object of the road; CARLA's reader places crosswalks, and only on the road."""
    s, kind = _number(element, "s", where, 0.0), element.get("type", "")
    if kind == "crosswalk" and not 0.0 <= s <= length:
        raise UserError(
            f"{where} has the crosswalk {element.get('id')!r} at s={s}; the road is {length} m"
            " long."
        )
    return RoadObject(
        element.get("id", ""),
        element.get("name", ""),
        kind,
        s,
        _beside(element, "t", where, 0.0, MAX_STRAY_M),
    )


def _beside(
    element: ET.Element,
    key: str,
    where: str,
    default: float | None = None,
    limit_m: float = MAX_BESIDE_M,
) -> float:
    """How far something is from its road, m; refuses what is in another town."""
    value = _number(element, key, where, default)
    if abs(value) > limit_m:
        raise UserError(
            f"{where} has {key}={value} in <{element.tag}> {element.get('id')!r}; it must stand"
            f" within {limit_m:.0f} m of its road."
        )
    return value


def _int(element: ET.Element, key: str, where: str) -> int:
    """An integer attribute; CARLA keeps ids as integers, so must the file."""
    text = element.get(key, "")
    if not is_integer(text):
        raise UserError(f"{where} has {key}={text!r}; an integer of at most 9 digits is needed.")
    return int(text)


def _number(element: ET.Element, key: str, where: str, default: float | None = None) -> float:
    """A finite number, or the default where the attribute is absent."""
    text = element.get(key)
    if text is None and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    # Python reads more than CARLA does: 1_0 and other scripts' digits.
    if not abs(value) <= MAX_NUMBER or "_" in str(text) or not str(text).isascii():
        raise UserError(
            f"{where} has {key}={text!r} in <{element.tag}>; a number is needed, at most"
            f" {MAX_NUMBER:.0e}."
        )
    return value
