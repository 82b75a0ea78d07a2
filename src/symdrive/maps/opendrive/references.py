"""Checks that whatever an OpenDRIVE file refers to is there.

CARLA's reader looks ids up without asking and takes the whole process down when one is missing. A
file with a missing road, junction or signal is refused. A lane link to a missing lane (CARLA's own
Town07 has one) is taken out with a warning: the lane then ends there.
"""

import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from symdrive.core.errors import UserError

MAX_LISTED = 8
"""So many ids stand in one message."""

logger = logging.getLogger(__name__)


def listing(items: Sequence[str]) -> str:
    """The first few of some ids, and how many more there are."""
    more = len(items) - MAX_LISTED
    return ", ".join(items[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


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
            known = junctions if kind == "junction" else roads.keys()
            if link.tag not in ("predecessor", "successor"):
                continue
            if target not in known:
                raise UserError(
                    f"{where} links to {kind} {target!r}, which the file does not define."
                )
            if kind == "junction" and target in roads:
                raise UserError(
                    f"{where} links to junction {target!r}, but a road has the same id, and CARLA's"
                    " reader does not tell the two apart; give one of them another id."
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
    told: list[str] = []
    for connection in root.iterfind("junction/connection"):
        incoming = roads[connection.get("incomingRoad", "")]
        connecting = roads[connection.get("connectingRoad", "")]
        known = _lane_ids(_entered(connecting, connection))
        before = set[str]().union(*(_lane_ids(section) for section in _sections(incoming)))
        for link in connection.findall("laneLink"):
            if link.get("from", "") not in before or link.get("to", "") not in known:
                broken.append((connection, link))
                told.append(
                    f"from lane {link.get('from')} of road {incoming.get('id')} to lane"
                    f" {link.get('to')} of road {connecting.get('id')}"
                )
    if told:
        logger.warning(
            "%s: connections of lanes that do not exist are ignored: %s", name, listing(told)
        )
    return broken


def _broken_lane_links(
    roads: dict[str, ET.Element], name: str
) -> list[tuple[ET.Element, ET.Element]]:
    """(parent, link) of the links between lanes of roads that name a lane which is not there."""
    broken: list[tuple[ET.Element, ET.Element]] = []
    told: list[str] = []
    for road, way, lane, known in _linked_lanes(roads):
        for parent in lane.findall("link"):
            for link in parent.findall(way):
                if link.get("id", "") not in known:
                    broken.append((parent, link))
                    told.append(
                        f"lane {lane.get('id')} of road {road.get('id')} names lane"
                        f" {link.get('id')} as its {way}"
                    )
    if told:
        logger.warning("%s: links to lanes that do not exist are ignored: %s", name, listing(told))
    return broken


def _linked_lanes(
    roads: dict[str, ET.Element],
) -> Iterator[tuple[ET.Element, str, ET.Element, set[str]]]:
    """Road, `predecessor` or `successor`, lane, and the lanes that its link may lead to.

    Lanes before junctions are left out: junctions have connections.
    """
    for road in roads.values():
        sections = _sections(road)
        for index, section in enumerate(sections):
            for way, step in (("predecessor", -1), ("successor", 1)):
                if 0 <= index + step < len(sections):
                    known = _lane_ids(sections[index + step])
                else:
                    after = road.find(f"link/{way}")
                    if after is not None and after.get("elementType") == "junction":
                        continue
                    known = set[str]()
                    if after is not None:
                        known = _lane_ids(_entered(roads[after.get("elementId", "")], after))
                for lane in section.iter("lane"):
                    yield road, way, lane, known


def _entered(road: ET.Element, link: ET.Element) -> ET.Element:
    """The section of a road at which a link arrives."""
    return _sections(road)[-1 if link.get("contactPoint") == "end" else 0]


def _check_signals(root: ET.Element, name: str) -> None:
    """References and controllers name signals that stand on a road."""
    known = {signal.get("id", "") for signal in root.iterfind("road/signals/signal")}
    for tag, key in (("signalReference", "id"), ("control", "signalId")):
        for element in root.iter(tag):
            if element.get(key, "") not in known:
                raise UserError(
                    f"{name}: a <{tag}> names signal {element.get(key)!r},"
                    " which the file does not define in the <signals> of a road."
                )


def _sections(road: ET.Element) -> list[ET.Element]:
    """Lane sections of a road, in file order."""
    return road.findall("lanes/laneSection")


def _lane_ids(section: ET.Element) -> set[str]:
    """Lane ids of a section as they are written."""
    return {lane.get("id", "") for lane in section.iter("lane")}
