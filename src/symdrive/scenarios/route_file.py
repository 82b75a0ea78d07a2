"""Route files of the CARLA leaderboard: reading, writing, and turning into routes along lanes.

The file format is that of leaderboard 2.0 (`leaderboard/utils/route_parser.py`); the `<waypoint>`
elements of leaderboard 1.0 are read too. Files hold CARLA's left-handed coordinates, entries hold
ours (ISO 8855: x forward, y left, z up, metres).
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from symdrive.core.errors import UserError
from symdrive.maps.carla_frame import from_carla_xyz, to_carla_xyz
from symdrive.maps.network import Network
from symdrive.maps.route import Route
from symdrive.world.weather import DEFAULT_WEATHER, PARAMETERS, Weather

_UNSAID = Weather(cloudiness=0.0, sun_altitude_angle=0.0)
"""What a `<weather>` element leaves out is 0, as in an empty `carla.WeatherParameters`."""


@dataclass(frozen=True)
class RouteFileEntry:
    """One route as a file gives it.

    Attributes:
        route_id: unique within what was read together.
        town: CARLA's name of the town.
        points: key points x, y, z, world frame, m.
        weather: at the start of the route.
        scenario_names: type of each scenario on the way, such as `ParkedObstacle`.
    """

    route_id: str
    town: str
    points: Float[np.ndarray, "point 3"]
    weather: Weather = DEFAULT_WEATHER
    scenario_names: tuple[str, ...] = ()


def read_routes(path: Path) -> list[RouteFileEntry]:
    """All routes of a file, or of the `.xml` files of a folder in the order of their names.

    Raises:
        UserError: when there is nothing to read, for a file that is no route file, and for a route
            that is incomplete or whose id occurs twice.
    """
    files = sorted(path.glob("*.xml")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: the folder has no .xml file; a folder of route files is needed.")
    seen: dict[str, Path] = {}
    entries: list[RouteFileEntry] = []
    for file in files:
        for entry in _read_file(file):
            if entry.route_id in seen:
                raise UserError(
                    f"{file}: route id {entry.route_id!r} occurs already in"
                    f" {seen[entry.route_id]}; ids must be unique within a benchmark."
                )
            seen[entry.route_id] = file
            entries.append(entry)
    return entries


def to_route(entry: RouteFileEntry, network: Network) -> Route:
    """The way along lanes through all key points of an entry.

    Raises:
        UserError: for an entry of another town, a key point beside the road, or no way through.
    """
    name = network.town.name
    if entry.town.lower() != name.lower():
        raise UserError(f"route {entry.route_id!r} is for {entry.town}, the open town is {name}.")
    return network.route_through(entry.points, entry.route_id)


def write_routes(path: Path, entries: Sequence[RouteFileEntry]) -> None:
    """Write entries as one leaderboard 2.0 route file.

    Raises:
        UserError: when there is nothing to write, for an entry with scenarios (their triggers are
            not kept, so they would be lost), or for a file that cannot be written.
    """
    if not entries:
        raise UserError(f"{path}: no routes to write; at least one is needed.")
    root = ET.Element("routes")
    for entry in entries:
        if entry.scenario_names:
            raise UserError(
                f"{path}: route {entry.route_id!r} has scenarios, which cannot be written;"
                " only routes without scenarios can."
            )
        root.append(_route_element(entry))
    ET.indent(root, "  ")
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    try:
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from error


def _read_file(path: Path) -> list[RouteFileEntry]:
    """All routes of one file."""
    try:
        root = ET.fromstring(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UserError(
            f"{path}: not well-formed XML ({error}); a CARLA route file is expected."
        ) from error
    routes = root.findall("route")
    if root.tag != "routes" or not routes:
        raise UserError(f"{path}: no <routes> with a <route> inside; a CARLA route file has both.")
    return [_entry(route, number, path) for number, route in enumerate(routes)]


def _entry(route: ET.Element, number: int, path: Path) -> RouteFileEntry:
    """One checked route."""
    route_id = route.get("id", "").strip()
    if not route_id:
        raise UserError(f"{path}: <route> number {number + 1} has no id; every route needs one.")
    where = f"{path}: route {route_id!r}"
    town = route.get("town", "").strip()
    if not town:
        raise UserError(f"{where} has no town; it should be a name such as 'Town01'.")
    scenarios = route.findall("scenarios/scenario")
    return RouteFileEntry(
        route_id,
        town,
        _points(route, where),
        _weather(route, where),
        tuple(s.get("type") or s.get("name") or "unnamed" for s in scenarios),
    )


def _points(route: ET.Element, where: str) -> Float[np.ndarray, "point 3"]:
    """Key points in our frame."""
    kinds = ("waypoints/position", "waypoints/waypoint", "waypoint")
    found = next((hits for kind in kinds if (hits := route.findall(kind))), [])
    if len(found) < 2:
        raise UserError(
            f"{where} has {len(found)} positions; a route needs at least two, as"
            " <waypoints><position x= y= z=/></waypoints>."
        )
    rows = [
        [_number(point, axis, f"{where}, position {i + 1}") for axis in ("x", "y", "z")]
        for i, point in enumerate(found)
    ]
    return from_carla_xyz(np.array(rows))


def _weather(route: ET.Element, where: str) -> Weather:
    """Weather at the start: that of the lowest `route_percentage`."""
    found = [*route.findall("weathers/weather"), *route.findall("weather")]
    if not found:
        return DEFAULT_WEATHER
    share = "route_percentage"
    shares = [_number(w, share, f"{where}, weather") if w.get(share) else 0.0 for w in found]
    first = found[shares.index(min(shares))]
    given = {
        name: _number(first, name, f"{where}, weather")
        for name in PARAMETERS
        if first.get(name) is not None
    }
    try:
        return replace(_UNSAID, **given)
    except ValueError as error:
        raise UserError(f"{where}, {error}.") from error


def _number(element: ET.Element, key: str, where: str) -> float:
    """A finite number from an attribute."""
    text = element.get(key)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        said = "is missing" if text is None else f"is {text!r}"
        raise UserError(f"{where}: {key} {said}; a finite number is needed.")
    return value


def _route_element(entry: RouteFileEntry) -> ET.Element:
    """An entry as a `<route>`."""
    route = ET.Element("route", {"id": entry.route_id, "town": entry.town})
    weathers = ET.SubElement(route, "weathers")
    values = {name: repr(float(getattr(entry.weather, name))) for name in PARAMETERS}
    for share in ("0", "100"):
        ET.SubElement(weathers, "weather", {"route_percentage": share} | values)
    waypoints = ET.SubElement(route, "waypoints")
    for x, y, z in to_carla_xyz(entry.points):
        position = {axis: f"{v + 0.0:.2f}" for axis, v in (("x", x), ("y", y), ("z", z))}
        ET.SubElement(waypoints, "position", position)
    ET.SubElement(route, "scenarios")
    return route
