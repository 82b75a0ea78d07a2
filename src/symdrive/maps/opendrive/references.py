"""Checks that whatever an OpenDRIVE file refers to is there.

CARLA's reader looks ids up without asking and takes the whole process down when one is missing. A
file with a missing road, junction or signal is refused. A lane link to a missing lane (CARLA's own
Town07 has one) is taken out with a warning: the lane then ends there.
"""

import logging
import re
import xml.etree.ElementTree as ET

from symdrive.core.errors import UserError

logger = logging.getLogger(__name__)


def is_integer(text: str) -> bool:
    """Whether the text is an integer that CARLA's 32 bits hold."""
    return re.fullmatch(r"-?[0-9]{1,9}", text) is not None


def check_references(root: ET.Element, name: str) -> int:
    """Roads, junctions and signals that are named exist; lane links to nothing are taken out.

    Args:
        root: the `<OpenDRIVE>` element, whose roads and lanes have been checked one by one.
        name: of the file.

    Returns:
        How many lane links were taken out of `root`.

    Raises:
        UserError: for the first name that nothing has.
    """
    roads = {road.get("id", ""): road for road in root.findall("road")}
    junctions = {junction.get("id", "") for junction in root.findall("junction")}
    for road in roads.values():
        where = f"{name}: road {road.get('id')}"
        for link in road.findall("link/*"):
            kind, target = link.get("elementType"), link.get("elementId", "")
            known = junctions if kind == "junction" else set(roads)
            if link.tag in ("predecessor", "successor") and target not in known:
                raise UserError(
                    f"{where} links to {kind} {target!r}, which the file does not define."
                )
    _check_connections(root, roads, name)
    _check_signals(root, name)
    broken = [*_broken_lane_links(roads, name), *_broken_connections(root, roads, name)]
    for parent, link in broken:
        parent.remove(link)
    return len(broken)


def _check_connections(root: ET.Element, roads: dict[str, ET.Element], name: str) -> None:
    """Junction connections name roads that exist and lanes that those have."""
    for junction in root.findall("junction"):
        where = f"{name}: junction {junction.get('id')}"
        for connection in junction.findall("connection"):
            ends = (connection.get("incomingRoad", ""), connection.get("connectingRoad", ""))
            for end in ends:
                if end not in roads:
                    raise UserError(f"{where} names road {end!r}, which the file does not define.")


def _broken_connections(
    root: ET.Element, roads: dict[str, ET.Element], name: str
) -> list[tuple[ET.Element, ET.Element]]:
    """(parent, link) of the lane links of junctions that name a lane which is not there."""
    broken: list[tuple[ET.Element, ET.Element]] = []
    for connection in root.iterfind("junction/connection"):
        at_end = connection.get("contactPoint") == "end"
        incoming = roads[connection.get("incomingRoad", "")]
        connecting = roads[connection.get("connectingRoad", "")]
        known = _lane_ids(_sections(connecting)[-1 if at_end else 0])
        before = set[str]().union(*(_lane_ids(section) for section in _sections(incoming)))
        for link in connection.findall("laneLink"):
            if link.get("from", "") not in before or link.get("to", "") not in known:
                broken.append((connection, link))
                logger.warning(
                    "%s: the connection from road %s to road %s links lanes %s and %s, one of which"
                    " does not exist; the link is ignored",
                    *(name, incoming.get("id"), connecting.get("id")),
                    *(link.get("from"), link.get("to")),
                )
    return broken


def _broken_lane_links(
    roads: dict[str, ET.Element], name: str
) -> list[tuple[ET.Element, ET.Element]]:
    """(parent, link) of the links between lanes of roads that name a lane which is not there."""
    broken: list[tuple[ET.Element, ET.Element]] = []
    for road in roads.values():
        for index, way, lane in _linked_lanes(road):
            target = _target_section(road, roads, index, way)
            if target is None:
                continue
            known = _lane_ids(target)
            for parent in lane.findall("link"):
                for link in parent.findall(way):
                    if link.get("id", "") not in known:
                        broken.append((parent, link))
                        logger.warning(
                            "%s: lane %s of road %s names lane %s as its %s, which does not exist;"
                            " the link is ignored",
                            *(name, lane.get("id"), road.get("id"), link.get("id"), way),
                        )
    return broken


def _linked_lanes(road: ET.Element) -> list[tuple[int, str, ET.Element]]:
    """(section index, `predecessor` or `successor`, lane) of all lanes of a road."""
    return [
        (index, way, lane)
        for index, section in enumerate(_sections(road))
        for lane in section.iter("lane")
        for way in ("predecessor", "successor")
    ]


def _target_section(
    road: ET.Element, roads: dict[str, ET.Element], index: int, way: str
) -> ET.Element | None:
    """The section in which a lane's predecessor or successor is looked for."""
    sections = _sections(road)
    beside = index + (1 if way == "successor" else -1)
    if 0 <= beside < len(sections):
        return sections[beside]
    return _linked_section(road, roads, way)


def _linked_section(road: ET.Element, roads: dict[str, ET.Element], way: str) -> ET.Element | None:
    """The section of the road before or after; None where a junction or nothing is there."""
    link = road.find(f"link/{way}")
    if link is None or link.get("elementType") != "road":
        return None
    at_end = link.get("contactPoint") == "end"
    return _sections(roads[link.get("elementId", "")])[-1 if at_end else 0]


def _check_signals(root: ET.Element, name: str) -> None:
    """References and controllers name signals that exist."""
    known = {signal.get("id", "") for signal in root.iter("signal")}
    for tag, key in (("signalReference", "id"), ("control", "signalId")):
        for element in root.iter(tag):
            if element.get(key, "") not in known:
                raise UserError(
                    f"{name}: a <{tag}> names signal {element.get(key)!r},"
                    " which the file does not define."
                )


def _sections(road: ET.Element) -> list[ET.Element]:
    """Lane sections of a road, in file order."""
    return road.findall("lanes/laneSection")


def _lane_ids(section: ET.Element) -> set[str]:
    """Lane ids of a section as they are written."""
    return {lane.get("id", "") for lane in section.iter("lane")}
