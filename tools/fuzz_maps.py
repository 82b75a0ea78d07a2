"""Feed broken OpenDRIVE to the map reader: `python tools/fuzz_maps.py --seconds 60 --seed 1`.

A junction of a town of our own and its roads are damaged at random: elements dropped, doubled,
swapped or moved, ids and numbers exchanged for wrong ones, the text cut short. Each file is baked
in a process of its own. Fine are a sound town, with or without a warning that names something, and
a refusal in one sentence that names the file; all else is a finding, kept as a file: a process that
dies or hangs, any other exception, a warning of numpy, a town that is not sound.
"""

import argparse
import copy
import logging
import random
import sys
import time
import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from in_child import Outcome, in_own_process, refusal
from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import read_source
from symdrive.maps.opendrive import baking
from symdrive.maps.opendrive.document import Document
from symdrive.maps.opendrive.survey import Survey, survey_here
from symdrive.maps.town import Mesh, Town
from symdrive.maps.towns import town_folder
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, CameraSpec, Rig

NAME = "fuzz.xodr"
LIMIT_S = 120
WHOLE_EVERY = 40
EYE = Rig("eye", (CameraSpec("eye", (0.0, 0.0, 2.0), 0.0, 32, 24, 1.0),))
NASTY = (
    "", "nan", "inf", "-inf", "-1", "0", "1", "-0", "1e-9", "1e9", "1e300", "-1e300", "1e-300",
    "99999999999999999999", "4294967295", "-2147483649", "0x10", "1_0", "abc", " 7 ", "7.5", "none",
    "true", "start", "end", "junction", "road", "\u0661", "1,5", "driving", "sidewalk", "0.0001",
)  # fmt: skip

Change = Callable[[ET.Element, random.Random], None]


def small_network(town: str, junction: int) -> ET.Element:
    """The roads in and around one junction of a town of our own, with their signals."""
    root = ET.fromstring(read_source(town_folder() / f"{town}.xodr"))
    found = root.findall("junction")[junction]
    inside = {c.get("connectingRoad") for c in found.iter("connection")}
    kept = inside | {c.get("incomingRoad") for c in found.iter("connection")}
    for other in root.findall("junction"):
        if other is not found:
            root.remove(other)
    for road in root.findall("road"):
        if road.get("id") not in kept:
            root.remove(road)
    for link in root.iterfind("road/link"):
        for end in list(link):
            known = {found.get("id")} if end.get("elementType") == "junction" else kept
            if end.get("elementId") not in known:
                link.remove(end)
    _drop_loose_references(root)
    return root


def _drop_loose_references(root: ET.Element) -> None:
    """Take out what refers to signals that are no longer there."""
    known = {s.get("id") for s in root.iter("signal")}
    for parent in list(root.iter()):
        for child in list(parent):
            key = {"signalReference": "id", "control": "signalId"}.get(child.tag)
            if key and child.get(key) not in known:
                parent.remove(child)


def _pick(root: ET.Element, dice: random.Random) -> tuple[ET.Element, ET.Element]:
    """A parent and one of its children; every tag is as likely as any other."""
    table: dict[str, list[tuple[ET.Element, ET.Element]]] = {}
    for parent in root.iter():
        for child in parent:
            table.setdefault(child.tag, []).append((parent, child))
    if not table:
        return root, root
    return dice.choice(table[dice.choice(sorted(table))])


def _drop(root: ET.Element, dice: random.Random) -> None:
    parent, child = _pick(root, dice)
    if child is not parent:
        parent.remove(child)


def _drop_all(root: ET.Element, dice: random.Random) -> None:
    _, child = _pick(root, dice)
    for parent in list(root.iter()):
        for other in parent.findall(child.tag):
            parent.remove(other)


def _double(root: ET.Element, dice: random.Random) -> None:
    parent, child = _pick(root, dice)
    if child is not parent:
        parent.insert(dice.randrange(len(parent) + 1), copy.deepcopy(child))


def _move(root: ET.Element, dice: random.Random) -> None:
    parent, child = _pick(root, dice)
    target, _ = _pick(root, dice)
    if child is not parent and all(e is not target for e in child.iter()):
        parent.remove(child)
        target.append(child)


def _shuffle(root: ET.Element, dice: random.Random) -> None:
    parent, _ = _pick(root, dice)
    children = list(parent)
    dice.shuffle(children)
    parent[:] = children


def _spoil(root: ET.Element, dice: random.Random) -> None:
    _, child = _pick(root, dice)
    if child.attrib:
        child.set(dice.choice(sorted(child.attrib)), dice.choice(NASTY))


def _shift(root: ET.Element, dice: random.Random) -> None:
    _, child = _pick(root, dice)
    if child.attrib:
        key = dice.choice(sorted(child.attrib))
        try:
            value = float(child.get(key, ""))
        except ValueError:
            return
        factor = dice.choice((-1.0, 0.0, 0.5, 2.0, 10.0, 1000.0))
        whole = value.is_integer() and "." not in child.get(key, "")
        moved = value * factor + dice.choice((0, 0, 1, -1))
        child.set(key, str(int(moved)) if whole else repr(moved))


def _forget(root: ET.Element, dice: random.Random) -> None:
    _, child = _pick(root, dice)
    if child.attrib:
        del child.attrib[dice.choice(sorted(child.attrib))]


def _swap(root: ET.Element, dice: random.Random) -> None:
    _, one = _pick(root, dice)
    same = [e for e in root.iter(one.tag) if e is not one]
    keys = sorted(one.attrib)
    if same and keys:
        other, key = dice.choice(same), dice.choice(keys)
        mine, theirs = one.get(key, ""), other.get(key, "")
        one.set(key, theirs)
        if dice.random() < 0.5:
            other.set(key, mine)


CHANGES: tuple[Change, ...] = (
    _drop, _drop_all, _double, _move, _shuffle, _spoil, _spoil, _shift, _shift, _forget, _swap,
    _swap,
)  # fmt: skip


def damaged(root: ET.Element, dice: random.Random) -> str:
    """The text of a network after one to four accidents; one in thirty is damaged as text, too."""
    root = copy.deepcopy(root)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        dice.choice(CHANGES)(root, dice)
    text = ET.tostring(root, encoding="unicode")
    if dice.randrange(30) == 0:
        at = dice.randrange(len(text))
        text = dice.choice(
            (text[:at], text[:at] + chr(dice.randrange(0x300)) + text[at + 1 :], text * 2)
        )
    return text


def _fault_of(town: Town) -> str:
    """What is not sound about a town; empty where nothing is."""
    lanes = town.lanes
    tables = (lanes, town.conflicts, town.signals, town.stop_signs, town.crosswalks, town.ground)
    for table in tables:
        for name, column in vars(table).items():
            if not np.isfinite(column).all():
                return f"{type(table).__name__}.{name} is not finite"
    if lanes.width_m.min() < 0.0:
        return "a lane has a negative width"
    if np.diff(lanes.start).min() < 2 or lanes.length_m.min() <= 0.0:
        return "a lane has no length"
    for lane in range(len(lanes)):
        for after in lanes.successors(lane):
            step = lanes.points[lanes.start[lane + 1] - 1] - lanes.points[lanes.start[after]]
            if np.linalg.norm(step) > 0.01:
                return f"lane {lane} does not meet its successor {after}"
    return ""


def _no_mesh(*_: object) -> Mesh:
    """A town without scenery: the scenery depends on the tables alone."""
    return Mesh(
        np.zeros((0, 3), np.float32),
        np.zeros((0, 3), np.int64),
        np.zeros((0, 3), np.uint8),
        np.zeros(0, np.uint8),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
    )


def _asked_here(document: Document, name: str) -> Survey:
    """CARLA's engine in this process, so that its breakdowns are found and get checks."""
    return survey_here(name, document.sound_text, document.roads.values())


def _drive(town: Town) -> None:
    """A reset and a few ticks with a camera, where the town has any road to drive on."""
    try:
        route = Network(town).random_route(generator(0, "fuzz"), 30.0, "fuzz")
    except UserError:
        return
    world = EmbeddedWorld(town, EYE if len(town.mesh.faces) else BLIND_RIG)
    world.reset(Episode(route, 0, TrafficConfig(20, 10, 5)))
    for _ in range(20):
        world.step(Control(0.0, 0.5, 0.0))
    world.observe()


def attempt(text: str, *, whole: bool) -> Outcome:
    """Bake a text in this process, which it may take down.

    Args:
        text: OpenDRIVE, perhaps.
        whole: as it is done for everybody, with scenery, and a short drive.
    """
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("symdrive").addHandler(handler)
    logging.getLogger("symdrive").propagate = False
    warnings.simplefilter("error")
    build, ask = baking.build_mesh, baking.survey
    try:
        if not whole:
            baking.build_mesh, baking.survey = _no_mesh, _asked_here
        town = baking.bake(text, NAME)
        fault = _fault_of(town)
        if fault:
            return Outcome("unsound", fault)
        if whole:
            _drive(town)
    except UserError as error:
        return refusal(error, NAME)
    finally:
        baking.build_mesh, baking.survey = build, ask
    vague = [line for line in said if not any(c.isdigit() for c in line) or len(line) > 900]
    if vague or len(said) > 20:
        return Outcome("mumbled", f"{len(said)} warnings: {(vague or said)[0]}")
    return Outcome("warned", said[0]) if said else Outcome("fine", "")


def main() -> int:
    """Fuzz for a while; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--count", type=int, default=1 << 30, help="at most so many files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    networks = [small_network("alder", 0), small_network("birch", 1), small_network("alder", 3)]
    until, tally = time.monotonic() + options.seconds, Counter[str]()
    for number in range(options.count):
        if time.monotonic() > until:
            break
        dice = random.Random(options.seed * 1_000_003 + number)
        text = damaged(dice.choice(networks), dice)
        whole = number % WHOLE_EVERY == WHOLE_EVERY - 1
        outcome = in_own_process(partial(attempt, text, whole=whole), LIMIT_S)
        tally[outcome.word] += 1
        if outcome.is_finding:
            options.out.mkdir(parents=True, exist_ok=True)
            path = options.out / f"{outcome.word}-{options.seed}-{number}.xodr"
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
            print(f"{path}: {outcome.text.strip()}", flush=True)
    print(", ".join(f"{word}: {count}" for word, count in sorted(tally.items())))
    return 1 if any(Outcome(word, "").is_finding for word in tally) else 0


if __name__ == "__main__":
    sys.exit(main())
