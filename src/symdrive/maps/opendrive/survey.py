"""What CARLA's engine says about a map, asked in a process of its own.

The engine trusts the file: what the checks before it have not foreseen takes its process down, or
keeps it busy for ever. In a process of its own that is one more reason to refuse the file, and what
the engine needs (gigabytes for CARLA's largest towns) is given back before the scenery is built.
"""

import importlib.util
import logging
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from symdrive.core.errors import UserError
from symdrive.core.memory import uncollected
from symdrive.maps.opendrive.document import Document, Road
from symdrive.maps.opendrive.native import crosswalk_polygons, open_map
from symdrive.maps.opendrive.references import listing
from symdrive.maps.opendrive.sampling import SampledLane, sample_lanes

PATIENCE_S, PATIENCE_S_PER_MB = 240.0, 30.0
"""CARLA's towns take less than a tenth of this; the rest is for machines with much else to do."""

_QUESTION, _ANSWER, _PLACE = "question", "answer", "place"


@dataclass(frozen=True)
class Survey:
    """What baking needs of CARLA's engine.

    Attributes:
        lanes: all lanes, in file order.
        crosswalks: corners of each crosswalk, x y z, world frame, m.
    """

    lanes: list[SampledLane]
    crosswalks: list[Float[np.ndarray, "corner 3"]]


@dataclass(frozen=True)
class _Question:
    """What the other process has to know."""

    name: str
    text: str
    roads: tuple[Road, ...]


@dataclass(frozen=True)
class _Answer:
    """What it found: a survey or the reason why there is none, and what it had to warn of."""

    survey: Survey | None
    refusal: str
    warnings: tuple[tuple[str, int, str], ...]


def survey(document: Document, name: str) -> Survey:
    """The lanes and crosswalks of a checked document, as CARLA has them.

    Raises:
        UserError: where the wheel is missing, for a file that CARLA refuses, breaks down on or does
            not finish.
    """
    if importlib.util.find_spec("carla") is None:
        raise UserError(
            f"{name}: baking OpenDRIVE needs the CARLA wheel, which is not installed;"
            ' run: pip install "symdrive[carla]".'
        )
    bare = tuple(
        replace(road, geometries=(), elevation=(), speeds=(), signals=(), references=(), objects=())
        for road in document.roads.values()
    )
    with tempfile.TemporaryDirectory(prefix="symdrive-survey-") as folder:
        question = _Question(name, document.sound_text, bare)
        said = _ask(Path(folder), question, _suspects(document))
    for where, level, message in said.warnings:
        logging.getLogger(where).log(level, "%s", message)
    if said.survey is None:
        raise UserError(said.refusal)
    return said.survey


def survey_here(name: str, text: str, roads: Iterable[Road]) -> Survey:
    """The same in this process, which a broken file may take down."""
    native = open_map(name, text)
    return Survey(sample_lanes(roads, native, name), crosswalk_polygons(native, name))


def _suspects(document: Document) -> str:
    """What may be why the reader breaks down: it looks up each lane that a signal holds for."""
    odd = [
        f"signal {signal.use.signal_id} holds for lanes {first} to {last} of road {road}"
        for road, signal in document.signals
        for first, last in signal.use.validity
        if not any(
            first <= lane.lane_id <= last
            for section in document.roads[road].sections
            for lane in section.lanes
        )
    ]
    return f"; there are no such lanes: {listing(odd)}" if odd else ""


def _ask(folder: Path, question: _Question, suspects: str) -> _Answer:
    """Start the other process and wait for what it says."""
    (folder / _QUESTION).write_bytes(pickle.dumps(question))
    command = (
        f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import answer;"
        f" answer({str(folder)!r})"
    )
    patience = PATIENCE_S + PATIENCE_S_PER_MB * len(question.text) / 1e6
    try:
        done = subprocess.run(
            [sys.executable, "-c", command], capture_output=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"{question.name}: CARLA's OpenDRIVE reader does not come to an end {_place(folder)};"
            f" it was stopped after {patience:.0f} s."
        ) from error
    if (folder / _ANSWER).is_file():
        return pickle.loads((folder / _ANSWER).read_bytes())
    if done.returncode > 0 and b"Traceback" in done.stderr:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    raise UserError(
        f"{question.name}: CARLA's OpenDRIVE reader breaks down {_place(folder)} (exit status"
        f" {done.returncode}); the file is broken in a way that is not checked before{suspects}."
    )


@uncollected()
def answer(folder: str) -> None:
    """The other process: read the question, write the answer."""
    question: _Question = pickle.loads(Path(folder, _QUESTION).read_bytes())
    told: list[tuple[str, int, str]] = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: told.append((record.name, record.levelno, record.getMessage()))
    logging.getLogger().addHandler(listener)
    found, refusal = None, ""
    try:
        found = survey_here(question.name, question.text, _noted(question.roads, Path(folder)))
    except UserError as error:
        refusal = str(error)
    partial = Path(folder, "partial")
    partial.write_bytes(pickle.dumps(_Answer(found, refusal, tuple(told))))
    partial.rename(Path(folder, _ANSWER))


def _noted(roads: Iterable[Road], folder: Path) -> Iterator[Road]:
    """The roads; which of them is being looked at stands in a file."""
    with Path(folder, _PLACE).open("wb", buffering=0) as file:
        for road in roads:
            file.seek(0)
            file.write(f"{road.road_id:>12}".encode())
            yield road


def _place(folder: Path) -> str:
    """Where the other process was, in words."""
    file = folder / _PLACE
    if not file.is_file():
        return "while it links the roads"
    return f"at or after road {file.read_text().strip()}"
