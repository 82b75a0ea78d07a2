"""Tabulate the routes of a benchmark: id, town, scenario, length, where the first junction lies.

The tables ship with the package (`src/symdrive/scoring/tables`), so that scoring needs neither the
benchmark's repository nor a map. The first junction is measured as Bench2Drive's ability tool
measures it: waypoints of CARLA's `GlobalRoutePlanner` at 1 m between the key points of the route
file. The planner comes with a CARLA release (`PythonAPI/carla` on PYTHONPATH), not with its wheel.

    python tools/tabulate_benchmarks.py bench2drive220.xml --maps OpenDrive --out table.csv

Without maps, the junctions stay empty. A folder of route files is taken as one benchmark; files
that are named as Fail2Drive's (`Base_Animals_0075.xml`) say split and scenario.
"""

import argparse
import csv
import gzip
import importlib
import math
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

COLUMNS = ("route", "town", "scenario", "split", "length_m", "junction_at", "waypoints")
SPACING_M = 1.0
NAMED = re.compile(r"(Base|Generalization)_(.+)_\d+")

Route = tuple[ET.Element, str]


def main() -> None:
    """Write one line a route, in the order of ids; towns that are done already are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routes", type=Path, help="route file of the benchmark (.xml), or a folder")
    parser.add_argument("--maps", type=Path, help="folder of TOWN.xodr[.gz]")
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    parser.add_argument("--town", help="only routes of this town")
    arguments = parser.parse_args()
    rows = _read(arguments.out)
    for town, routes in sorted(_by_town(arguments.routes).items()):
        if arguments.town in (None, town):
            planner = _planner(town, arguments.maps) if arguments.maps else None
            for route, name in routes:
                rows[int(route.get("id", ""))] = _row(route, name, planner)
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row for _, row in sorted(rows.items()))


def _read(path: Path) -> dict[int, list[str]]:
    """Rows of an earlier call, by route."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {int(row[0]): row for row in list(csv.reader(file))[1:]}


def _by_town(path: Path) -> dict[str, list[Route]]:
    """Routes and the names of their files, by town."""
    found: dict[str, list[Route]] = defaultdict(list)
    for file in sorted(path.glob("*.xml")) if path.is_dir() else [path]:
        for route in ET.parse(file).getroot().findall("route"):
            found[route.get("town", "")].append((route, file.stem))
    return found


def _planner(town: str, maps: Path) -> Any:
    """CARLA's route planner on an OpenDRIVE file."""
    plain, packed = maps / f"{town}.xodr", maps / f"{town}.xodr.gz"
    text = plain.read_text() if plain.is_file() else gzip.decompress(packed.read_bytes()).decode()
    planner = importlib.import_module("agents.navigation.global_route_planner")
    return planner.GlobalRoutePlanner(importlib.import_module("carla").Map(town, text), SPACING_M)


def _row(route: ET.Element, name: str, planner: Any) -> list[str]:
    """One line of the table."""
    places = [
        tuple(float(point.get(axis, "")) for axis in "xyz")
        for point in route.iterfind("waypoints/position")
    ]
    length_m = sum(math.dist(a, b) for a, b in pairwise(places))
    scenarios = route.findall("scenarios/scenario")
    kind = scenarios[0].get("type", "") if len(scenarios) == 1 else ""
    named = NAMED.fullmatch(name)
    split, kind = (named.group(1), named.group(2)) if named else ("", kind)
    junction = _junction(places, planner) if planner else ["", ""]
    return [route.get("id", ""), route.get("town", ""), kind, split, f"{length_m:.0f}", *junction]


def _junction(places: list[tuple[float, ...]], planner: Any) -> list[str]:
    """Number of waypoints up to the first one in a junction, and of all waypoints."""
    carla = importlib.import_module("carla")
    inside = [
        waypoint.is_junction
        for start, end in pairwise(places)
        for waypoint, _ in planner.trace_route(carla.Location(*start), carla.Location(*end))
    ]
    return [str(inside.index(True) + 1) if any(inside) else "", str(len(inside))]


if __name__ == "__main__":
    main()
