"""Choose the route sets that ship with the package; with `--check`, only compare the files."""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Command, Route
from symdrive.maps.town import LaneKind, Turn
from symdrive.scenarios.route_file import RouteFileEntry, to_route, write_routes

FOLDER = Path(__file__).parents[1] / "src/symdrive/scenarios/routes"
SEED = 0

TRAINING_ROUTES = 24
TRAINING_LENGTH_M = (550.0, 850.0)
WALKS = 60
HELD_OUT_ROUTES = 10
HELD_OUT_LENGTH_M = (180.0, 400.0)
CANDIDATES = 400

START_M = 6.0
"""Routes begin this far after a junction and end this far before one."""

STEEP = 0.05
TIGHT_M = 30.0

Feature = tuple[str, str]


def main() -> int:
    """Write both sets, or compare them with the files that are there; 1 where one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = bool(parser.parse_args().check)
    sets = {
        "alder_train": training_set(Network(open_town("alder"))),
        "birch_heldout": held_out_set(Network(open_town("birch"))),
    }
    stale = 0
    for name, entries in sets.items():
        path = FOLDER / f"{name}.xml"
        if not check:
            write_routes(path, entries)
            print(f"{path.name}: {len(entries)} routes")
        elif not path.is_file() or path.read_bytes() != _written(entries):
            print(f"{path.name} is out of date; run python tools/draw_routes.py")
            stale += 1
    return int(stale > 0)


def training_set(network: Network) -> list[RouteFileEntry]:
    """Routes that pass every driving lane: each is the best of many walks over unseen lanes.

    Raises:
        ValueError: when the routes are too few or too short for that.
    """
    lanes = network.lanes
    unseen = set(np.flatnonzero(lanes.kind == LaneKind.DRIVING).tolist())
    rng = generator(SEED, "routes/alder_train")
    entries: list[RouteFileEntry] = []
    for number in range(TRAINING_ROUTES):
        walks = [_sweep(network, unseen, rng) for _ in range(WALKS)]
        best = max(walks, key=lambda walk: _gain(network, walk, unseen))
        entry = _entry(network, best, f"alder_train_{number:02d}")
        unseen -= set(to_route(entry, network).lane.tolist())
        entries.append(entry)
    if unseen:
        raise ValueError(f"{len(unseen)} lanes are on no route; make the routes longer")
    return entries


def _gain(network: Network, walk: list[int], unseen: set[int]) -> float:
    """New lanes for each metre of a walk."""
    return len(unseen & set(walk)) / float(network.lanes.length_m[walk].sum())


def _sweep(network: Network, unseen: set[int], rng: np.random.Generator) -> list[int]:
    """A walk from street to street that collects unseen lanes."""
    lanes = network.lanes
    wanted_m = float(rng.uniform(*TRAINING_LENGTH_M))
    streets = {lane for lane in range(len(lanes)) if _may_end(network, lane)}
    eager = [s for s in sorted(streets) if {s, *network.graph.successors[s]} & unseen]
    first = eager or sorted(streets)
    path = [first[int(rng.integers(len(first)))]]
    detour = rng.uniform(1.0, 3.0, len(lanes))
    left = unseen - set(path)
    while lanes.length_m[path].sum() < wanted_m:
        step = _towards_nearest(network, path[-1], left or streets, detour)
        path += step
        left -= set(step)
    if path[-1] not in streets:
        path += _towards_nearest(network, path[-1], streets, detour)
    return path


def _may_end(network: Network, lane: int) -> bool:
    """Whether a route may begin or end on a lane: a street with room on it."""
    lanes = network.lanes
    driving = lanes.kind[lane] == LaneKind.DRIVING and lanes.junction[lane] < 0
    return bool(driving and lanes.length_m[lane] >= 2.5 * START_M)


def _towards_nearest(
    network: Network, lane: int, goals: set[int], detour: Float[np.ndarray, " lane"]
) -> list[int]:
    """Lanes from one lane to the nearest goal, by metres times a factor for each lane."""
    graph = network.graph
    queue = [(0.0, (lane,))]
    closed: set[int] = set()
    while queue:
        queue.sort()
        cost, way = queue.pop(0)
        if way[-1] in goals and len(way) > 1:
            return list(way[1:])
        if way[-1] in closed and len(way) > 1:
            continue
        closed.add(way[-1])
        price = graph.length[way[-1]] * float(detour[way[-1]])
        queue += [(cost + price, (*way, n)) for n in graph.successors[way[-1]]]
    raise ValueError(f"no lane of the set can be reached from lane {lane}")


def held_out_set(network: Network) -> list[RouteFileEntry]:
    """Few routes that together meet every kind of situation: greedily from random ones."""
    rng = generator(SEED, "routes/birch_heldout")
    short, long = HELD_OUT_LENGTH_M
    found: list[tuple[list[int], Route, set[Feature]]] = []
    for number in range(CANDIDATES):
        draw = network.random_route(rng, float(rng.uniform(short, long - 60.0)), f"draw_{number}")
        path = _chain(draw.lane.tolist())
        if len(set(path)) < len(path) or not all(_may_end(network, p) for p in (path[0], path[-1])):
            continue
        route = to_route(_entry(network, path, draw.route_id), network)
        if short <= route.length_m <= long:
            found.append((path, route, features(network, route)))
    met: set[Feature] = set()
    passed: set[int] = set()
    chosen: list[list[int]] = []
    for _ in range(HELD_OUT_ROUTES):
        path, route, new = max(
            found, key=lambda f: (len(f[2] - met), len(set(f[1].lane.tolist()) - passed))
        )
        chosen.append(path)
        met |= new
        passed |= set(route.lane.tolist())
    return [_entry(network, path, f"birch_heldout_{i:02d}") for i, path in enumerate(chosen)]


def features(network: Network, route: Route) -> set[Feature]:
    """What a route meets: each turn under each right of way, avenue, slope, bend, lane change."""
    lanes, town = network.lanes, network.town
    lit = set(town.signals.stop_lane.tolist())
    signed = set(town.stop_signs.lane.tolist())
    met: set[Feature] = set()
    path = _chain(route.lane.tolist())
    for before, lane in pairwise(path):
        if lanes.turn[lane] != Turn.NONE:
            rule = "signal" if before in lit else "stop" if before in signed else "priority"
            met.add((rule, Turn(int(lanes.turn[lane])).name.lower()))
    street = lanes.junction[route.lane] < 0
    rise = np.abs(np.gradient(route.points[:, 2], route.s_m))
    bend = np.abs(np.gradient(np.unwrap(route.yaw), route.s_m))
    changes = np.isin(route.command, [Command.CHANGE_LEFT, Command.CHANGE_RIGHT])
    seen = {
        "avenue": bool((street & (lanes.left[route.lane] >= 0)).any()),
        "slope": bool((rise > STEEP).any()),
        "bend": bool((street & ~changes & (bend > 1.0 / TIGHT_M)).any()),
        "lane change": bool(changes.any()),
    }
    return met | {("road", name) for name, there in seen.items() if there}


def _chain(lanes: Iterable[int]) -> list[int]:
    """Lanes one after the other, each once in a row."""
    chain: list[int] = []
    for lane in lanes:
        if not chain or chain[-1] != lane:
            chain.append(lane)
    return chain


def _entry(network: Network, path: list[int], route_id: str) -> RouteFileEntry:
    """Key points on every street of a chain of lanes.

    They stand in the middle of a lane, before and after a lane change, and at both ends.
    """
    lanes = network.lanes
    rows = [lane for lane in path if lanes.junction[lane] < 0]
    rows = rows * 2 if len(rows) == 1 else rows
    share = np.full(len(rows), 0.5)
    for i, (lane, after) in enumerate(pairwise(rows)):
        if after in (lanes.left[lane], lanes.right[lane]):
            share[i], share[i + 1] = 0.2, 0.8
    s = share * lanes.length_m[rows]
    s[0], s[-1] = START_M, lanes.length_m[rows[-1]] - START_M
    points, _ = network.position(np.array(rows), s)
    return RouteFileEntry(route_id, network.town.name, _centimetres(points))


def _centimetres(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """The points as a file keeps them."""
    return np.round(points, 2)


def _written(entries: list[RouteFileEntry]) -> bytes:
    """The bytes of a route file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routes.xml"
        write_routes(path, entries)
        return path.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
