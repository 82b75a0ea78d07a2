"""Feed absurd rigs, weathers and crowds: `python tools/fuzz_rigs.py --seconds 60 --seed 1`.

The numbers, names and tables of a rig file, of a route file's weather and of the traffic are
damaged at random; what is not refused drives a few ticks with every sensor. Each attempt runs in a
process of its own. Fine are readings that are finite, a warning, and a refusal in one sentence that
names the file; all else is a finding, kept as a file.
"""

import argparse
import copy
import dataclasses
import json
import logging
import random
import sys
import tempfile
import time
import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from in_child import Outcome, in_own_process, refusal
from symdrive.core import config
from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.scenarios.route_file import read_routes
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import (
    CameraSpec,
    GnssSpec,
    ImuSpec,
    LidarSpec,
    ObstacleSpec,
    RadarSpec,
    Rig,
    SemanticLidarSpec,
    open_rig,
)
from symdrive.world.weather import PARAMETERS

RIG, ROUTES, CROWD = "fuzz.json", "fuzz.xml", "traffic"
LIMIT_S = 240
TICKS = 3
MAX_SHOTS = 4_000_000
"""Rigs of more pixels and rays than this are read, but not driven with: they only take long."""

SOUND = Rig(
    "fuzz",
    (CameraSpec("eye", (0.0, 0.0, 2.0), 0.0, 48, 32, 1.0),),
    (LidarSpec("lidar", channels=8, columns=90),),
    radars=(RadarSpec("radar", (2.6, 0.0, 0.6), 0.0),),
    semantic_lidars=(SemanticLidarSpec("labelled", channels=4, columns=40),),
    gnss=GnssSpec(),
    imu=ImuSpec(),
    obstacles=(ObstacleSpec("ball"),),
    collision=True,
    lane_invasion=True,
)
NASTY = (
    0, -1, 1, 2, 0.5, -0.5, 1e-9, 1e-300, 1e4, 1e5, 1e9, -1e9, 1e18, 1e300, -1e300, 10**30,
    float("nan"), float("inf"), float("-inf"), 3.141592653589793, 6.3, True, None, "", "x", "1",
    "a/b", [], [0.0], {}, [1e9, 1e9, 1e9], [0.0, 0.0, 0.0, 0.0], "\u0661", "x" * 300,
)  # fmt: skip
SKIES = (
    "0", "100", "-1", "101", "50", "nan", "inf", "-inf", "1e9", "1e300", "", "x", "1_0", "180",
    "-180", "360", "1e6", "1e3", "90", "-90", "0x1", "1e-300", "99.999", "\u0661",
)  # fmt: skip
CROWDS = (0, 0, 0, 1, 1, 2, 5, 5, 10, 20, 300, 3000, 30000, -1, 10**9, float("nan"), 2.5)


def _slots(plain: object) -> list[tuple[Any, Any]]:
    """Every place of nested tables and lists: the container and the key."""
    found: list[tuple[Any, Any]] = []
    if isinstance(plain, dict):
        table = cast(dict[str, object], plain)
        found += [(table, key) for key in table]
        found += [slot for value in table.values() for slot in _slots(value)]
    elif isinstance(plain, list):
        items = cast(list[object], plain)
        found += [(items, key) for key in range(len(items))]
        found += [slot for value in items for slot in _slots(value)]
    return found


def _exchange(holder: Any, key: Any, dice: random.Random) -> None:
    holder[key] = copy.deepcopy(dice.choice(NASTY))


def _scale(holder: Any, key: Any, dice: random.Random) -> None:
    if isinstance(holder[key], (int, float)):
        holder[key] *= dice.choice((-1, 0, 2, 10, 1000, 0.1))


def _remove(holder: Any, key: Any, _: random.Random) -> None:
    del holder[key]


def _double(holder: Any, key: Any, _: random.Random) -> None:
    if isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[f"{key}_"] = holder[key]


CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _exchange, _exchange, _exchange, _scale, _scale, _remove, _double,
)  # fmt: skip


def _everything(spec: Any) -> Any:
    """A spec as plain data with all its fields: those of a rig file may be left out."""
    if dataclasses.is_dataclass(spec):
        names = [field.name for field in dataclasses.fields(spec)]
        return {name: _everything(getattr(spec, name)) for name in names}
    if isinstance(spec, tuple):
        return [_everything(item) for item in cast(tuple[object, ...], spec)]
    return spec if isinstance(spec, (int, float, str)) or spec is None else config.to_plain(spec)


def damaged_rig(dice: random.Random) -> str:
    """The text of a rig file after one to four accidents, now and then cut short."""
    plain = _everything(SOUND)
    for _ in range(dice.choice((0, 0, 1, 1, 1, 2, 4))):
        holder, key = dice.choice(_slots(plain))
        dice.choice(CHANGES)(holder, key, dice)
    text = json.dumps(plain)
    return text[: dice.randrange(len(text))] if dice.randrange(30) == 0 else text


def damaged_route(dice: random.Random) -> str:
    """The text of a route file with a weather that nobody would order."""
    root = ET.Element("routes")
    route = ET.SubElement(root, "route", {"id": "1", "town": "birch"})
    names = dice.sample(PARAMETERS, dice.choice((0, 0, 1, 1, 2, 14)))
    sky = {name: dice.choice(SKIES) for name in names}
    ET.SubElement(ET.SubElement(route, "weathers"), "weather", {"route_percentage": "0"} | sky)
    way = ET.SubElement(route, "waypoints")
    for x in ("0", "10"):
        ET.SubElement(way, "position", {"x": x, "y": "0", "z": "0"})
    return ET.tostring(root, encoding="unicode")


def _shots(rig: Rig) -> int:
    """Pixels and rays of a tick."""
    beams = [*rig.lidars, *rig.semantic_lidars]
    return (
        sum(camera.width * camera.height for camera in rig.cameras)
        + sum(lidar.channels * lidar.columns for lidar in beams)
        + sum(radar.points for radar in rig.radars)
    )


def _fault(world: EmbeddedWorld) -> str:
    """What is not finite among the readings of a tick; empty where everything is."""
    seen, evidence = world.observe(), world.evidence()
    columns: dict[str, Any] = {"lidar": seen.lidar, "position": seen.position}
    columns |= seen.radar
    columns |= {name: labels.depth_m for name, labels in evidence.labels.items()}
    columns |= {name: points.xyz for name, points in evidence.semantic_lidar.items()}
    if seen.imu is not None:
        columns |= {"acceleration": seen.imu.acceleration, "turn": seen.imu.angular_velocity}
    wrong = [name for name, column in columns.items() if not np.isfinite(column).all()]
    return f"not finite: {', '.join(wrong)}" if wrong else ""


def attempt(rig_text: str, route_text: str, crowd: list[Any], drive: tuple[Town, Route]) -> Outcome:
    """Read a rig, a weather and a crowd, and drive with them.

    Args:
        rig_text: JSON, perhaps.
        route_text: a route file with one route, whose weather is taken.
        crowd: numbers of vehicles, walkers and parked cars.
        drive: where.
    """
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("symdrive").addHandler(handler)
    logging.getLogger("symdrive").propagate = False
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        rig_file, route_file = Path(folder, RIG), Path(folder, ROUTES)
        rig_file.write_text(rig_text, encoding="utf-8")
        route_file.write_text(route_text, encoding="utf-8")
        try:
            rig = open_rig(str(rig_file))
            weather = read_routes(route_file)[0].weather
        except UserError as error:
            return refusal(error, folder)
    try:
        traffic = TrafficConfig(*crowd)
    except (TypeError, ValueError) as error:
        return refusal(error, CROWD)
    if _shots(rig) > MAX_SHOTS:
        return Outcome("fine", "")
    world = EmbeddedWorld(drive[0], rig, shadows=True)
    world.reset(Episode(drive[1], 0, traffic, weather))
    for _ in range(TICKS):
        fault = _fault(world)
        if fault:
            return Outcome("unsound", fault)
        world.step(Control(0.0, 0.5, 0.0))
    asked, there = sum(crowd), len(world.truth().actors) - 1
    if there < asked and not said:
        return Outcome("silent", f"{there} of {asked} actors and no warning")
    return Outcome("warned", said[0]) if said else Outcome("fine", "")


def main() -> int:
    """Fuzz for a while; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--count", type=int, default=1 << 30, help="at most so many attempts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    town = open_town("birch")
    drive = town, Network(town).random_route(generator(0, "fuzz"), 100.0, "fuzz")
    until, tally = time.monotonic() + options.seconds, Counter[str]()
    for number in range(options.count):
        if time.monotonic() > until:
            break
        dice = random.Random(options.seed * 1_000_003 + number)
        rig, route = damaged_rig(dice), damaged_route(dice)
        crowd = [dice.choice(CROWDS) for _ in range(3)]
        outcome = in_own_process(partial(attempt, rig, route, crowd, drive), LIMIT_S)
        tally[outcome.word] += 1
        if outcome.is_finding:
            options.out.mkdir(parents=True, exist_ok=True)
            path = options.out / f"{outcome.word}-{options.seed}-{number}.json"
            kept = {"rig": rig, "route": route, "crowd": crowd}
            path.write_text(json.dumps(kept, indent=1), encoding="utf-8")
            print(f"{path}: {outcome.text.strip()}", flush=True)
    print(", ".join(f"{word}: {count}" for word, count in sorted(tally.items())))
    return 1 if any(Outcome(word, "").is_finding for word in tally) else 0


if __name__ == "__main__":
    sys.exit(main())
