"""The whole state of an episode as bytes: to go back to, to branch from, to carry elsewhere.

What belongs to the town alone (network, sidewalks, obstacles, look-ups) is named, not copied, so a
snapshot is small, and a world of the same town continues it to the same bytes.
"""

import dataclasses
import io
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import symdrive
from symdrive.core.errors import UserError
from symdrive.maps.town import Town
from symdrive.sim.simulation import Simulation, parts_of
from symdrive.world.truth import Truth

FORMAT = "symdrive snapshot"
_NUMPY = {"_reconstruct", "_frombuffer", "ndarray", "dtype", "scalar"}
"""What arrays are unpickled with."""


@dataclass(frozen=True)
class Snapshot:
    """A state of the embedded world.

    Attributes:
        town: name of the town.
        town_digest: `Town.source_digest`.
        tick: steps since the reset.
        state: of the simulation and of the sensors that hold.
    """

    town: str
    town_digest: str
    tick: int
    state: bytes

    def to_bytes(self) -> bytes:
        """For a file or another process; `from_bytes` reads it."""
        head = {
            "format": FORMAT,
            "symdrive": symdrive.__version__,
            "town": self.town,
            "town_digest": self.town_digest,
            "tick": self.tick,
        }
        return json.dumps(head).encode() + b"\n" + self.state

    @staticmethod
    def from_bytes(data: bytes) -> "Snapshot":
        """What `to_bytes` wrote.

        Raises:
            UserError: for anything else, and for a snapshot of another version of symdrive.
        """
        line, _, state = data.partition(b"\n")
        try:
            head: Any = json.loads(line)
        except ValueError:
            head = None
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise UserError("this is no snapshot; give the bytes that Snapshot.to_bytes wrote.")
        if head["symdrive"] != symdrive.__version__:
            raise UserError(
                f"the snapshot is of symdrive {head['symdrive']}, and this is"
                f" {symdrive.__version__}; drive to its tick again."
            )
        return Snapshot(head["town"], head["town_digest"], head["tick"], state)


def save(sim: Simulation, last: dict[int, Truth]) -> Snapshot:
    """The state of a simulation, and the truths that slow sensors hold.

    Args:
        sim: running.
        last: by period in ticks.
    """
    buffer = io.BytesIO()
    own = {name: getattr(sim, name) for name in parts_of(sim.town)}
    _Pickler(buffer, _paths(own)).dump((sim, last))
    return Snapshot(sim.town.name, sim.town.source_digest, sim.tick, buffer.getvalue())


def load(snapshot: Snapshot, town: Town) -> tuple[Simulation, dict[int, Truth]]:
    """A simulation of its own that goes on from a snapshot.

    Args:
        snapshot: of this town.
        town: the road network.

    Raises:
        UserError: when the snapshot is of another town or damaged.
    """
    if (snapshot.town, snapshot.town_digest) != (town.name, town.source_digest):
        raise UserError(
            f"the snapshot is of {snapshot.town} ({snapshot.town_digest}), but the world is"
            f" {town.name} ({town.source_digest}); open that town."
        )
    try:
        return _Unpickler(io.BytesIO(snapshot.state), _paths(parts_of(town))).load()
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, IndexError) as error:
        raise UserError(f"the snapshot of {snapshot.town} is damaged: {error}.") from error


def _paths(parts: Mapping[str, object]) -> dict[str, object]:
    """Every table and array of the town by its path."""
    return {path: part for name in parts for path, part in _leaves(name, parts[name])}


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    """A table of tables and its arrays, each with its path."""
    yield path, value
    for name in _fields(value):
        inner = getattr(value, name)
        if isinstance(inner, np.ndarray) or _fields(inner):
            yield from _leaves(f"{path}.{name}", inner)


def _fields(value: object) -> tuple[str, ...]:
    """Names of the parts of a dataclass or named tuple."""
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    return getattr(value, "_fields", ())


class _Pickler(pickle.Pickler):
    """Names what belongs to the town."""

    def __init__(self, file: io.BytesIO, parts: Mapping[str, object]) -> None:
        super().__init__(file, protocol=5)
        self._parts = parts  # kept alive, so that ids stay theirs
        self._names = {id(part): path for path, part in parts.items()}

    def persistent_id(self, obj: object) -> str | None:
        """The path of a part of the town; None for the state itself."""
        return self._names.get(id(obj))


class _Unpickler(pickle.Unpickler):
    """Finds what belongs to the town, and makes nothing but arrays and nouns of this package."""

    def __init__(self, file: io.BytesIO, parts: Mapping[str, object]) -> None:
        super().__init__(file)
        self._parts = parts

    def persistent_load(self, pid: str) -> object:
        """The part of the town with this path."""
        return self._parts[pid]

    def find_class(self, module: str, name: str) -> Any:
        """A class that a state may hold.

        Raises:
            pickle.UnpicklingError: for anything else.
        """
        package = module.partition(".")[0]
        if package == "symdrive" or (package == "numpy" and name in _NUMPY):
            found = super().find_class(module, name)
            if package == "numpy" or isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")
