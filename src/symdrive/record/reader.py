"""Reads run folders: lazily, memory-mapped, finished or not."""

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from symdrive.core import config as plain
from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.record import schema
from symdrive.record.config import RecordConfig
from symdrive.record.frame import Frame
from symdrive.record.names import check_version
from symdrive.record.schema import RunMeta
from symdrive.record.streams import Stream
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.rig import Rig
from symdrive.world.truth import Actors, Collision, Truth
from symdrive.world.weather import Weather

CACHED_BATCHES = 4
"""Decoded actor batches kept: walking through a run in order decodes each once."""

ABSENT: Mapping[pa.DataType, object] = {pa.bool_(): False, pa.string(): ""}
"""What a column without a number says where nothing was recorded."""


class Run:
    """One recorded drive; opening it reads two small files, all else is read when asked for.

    Attributes:
        folder: of the run.
        meta: what was driven.
        config: what was kept.
        result: scores; None while unfinished.
        wall_clock: what differs between two runs of one seed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        document = _read_document(folder)
        where = str(folder / schema.RUN_FILE)
        try:
            self.config = plain.from_plain(RecordConfig, document["record"], f"{where}: record")
            self.meta = _read_meta(folder, document, where)
            self.wall_clock: Mapping[str, Any] = document["wall_clock"]
        except KeyError as error:
            raise UserError(f"{where} has no entry {error}; the file is damaged.") from error
        result = folder / schema.RESULT_FILE
        self.result: Mapping[str, Any] | None = _read_json(result) if result.is_file() else None
        self._streams: dict[str, Stream] = {}
        self._per_batch = self.config.ticks_per_batch
        self._actor_batch = lru_cache(maxsize=CACHED_BATCHES)(self._decode_actors)

    def __reduce__(self) -> tuple[type["Run"], tuple[Path]]:
        """Travels to another process as its folder."""
        return Run, (self.folder,)

    @property
    def is_finished(self) -> bool:
        """Whether the drive came to its end."""
        return self.result is not None

    @cached_property
    def ticks(self) -> Mapping[str, np.ndarray]:
        """Every column of `schema.TICK_SCHEMA` with one value a tick; absent numbers are NaN."""
        stream = self._stream(schema.TICKS_FILE)
        found: dict[str, np.ndarray] = {}
        for kind in schema.TICK_SCHEMA:
            if kind.name not in schema.JSON_COLUMNS:
                column = stream.column(kind.name).cast(kind.type)
                if kind.type in ABSENT:
                    column = column.fill_null(pa.scalar(ABSENT[kind.type], kind.type))
                found[kind.name] = column.to_numpy()
        return found

    @cached_property
    def infractions(self) -> tuple[Mapping[str, Any], ...]:
        """Every infraction in order, as plain data."""
        column = self._stream(schema.TICKS_FILE).column("infractions").to_pylist()
        return tuple(json.loads(text) for texts in column for text in texts)

    def sensor_events(self, tick: int) -> tuple[Mapping[str, Any], ...]:
        """What collision, lane invasion and obstacle sensors said in a tick, as plain data."""
        cell = self._stream(schema.TICKS_FILE).column("sensor_events")[self._tick_row(tick)]
        return tuple(json.loads(text) for text in cell.as_py() or [])

    @property
    def num_ticks(self) -> int:
        """Ticks on disk."""
        return len(self.ticks["tick"])

    def actors(self, tick: int) -> Actors:
        """All actors at a tick, as the world had them; arrays are read-only."""
        batch, row = self._actor_row(tick)
        columns = {
            name: _values(batch, name, row, width)
            for name, (_, width) in schema.ACTOR_COLUMNS.items()
            if name in batch.schema.names
        }
        for name in ("parked", "braking"):
            columns[name] = columns[name].astype(bool)
        return Actors(**columns)

    def signal_state(self, tick: int) -> Int[np.ndarray, " signal"]:
        """`SignalState` of each signal of the town."""
        batch, row = self._actor_row(tick)
        return _values(batch, "signal_state", row, 1)

    def truth(self, tick: int) -> Truth:
        """The whole state at a tick, so that a drive can be scored again without driving."""
        batch, row = self._actor_row(tick)
        others = _values(batch, "collision_id", row, 1)
        places = _values(batch, "collision_position", row, 3)
        impulses = np.zeros_like(places)
        if "collision_impulse" in batch.schema.names:
            impulses = _values(batch, "collision_impulse", row, 3)
        return Truth(
            tick=tick,
            time_s=batch.column("time_s")[row].as_py(),
            actors=self.actors(tick),
            signal_state=self.signal_state(tick),
            collisions=tuple(
                Collision(int(other), place, impulse)
                for other, place, impulse in zip(others, places, impulses, strict=True)
            ),
            weather=self.meta.episode.weather,
        )

    def pixels(self, tick: int) -> Int[np.ndarray, " actor"] | None:
        """Visible pixels of each actor; None where nothing was measured in that tick."""
        return self._measured(tick, "pixels")

    def lidar_points(self, tick: int) -> Int[np.ndarray, " actor"] | None:
        """LiDAR returns on each actor; None where nothing was measured in that tick."""
        return self._measured(tick, "lidar_points")

    def radar_points(self, tick: int) -> Int[np.ndarray, " actor"] | None:
        """Radar returns on each actor; None where nothing was measured in that tick."""
        return self._measured(tick, "radar_points")

    @cached_property
    def num_frames(self) -> int:
        """Frames on disk, as far as their ticks are there too."""
        stream = self._stream(schema.FRAMES_FILE)
        if self.is_finished:
            return len(stream)
        ticks = stream.column("tick").cast(pa.int32()).to_numpy()
        return int(np.isin(ticks, self.ticks["tick"]).sum())

    @cached_property
    def frame_ticks(self) -> Int[np.ndarray, " frame"]:
        """Tick of each frame."""
        column = self._stream(schema.FRAMES_FILE).column("tick")
        return column.cast(pa.int32()).to_numpy()[: self.num_frames]

    def frame(self, index: int) -> Frame:
        """One frame; its pictures are decoded when asked for.

        Raises:
            IndexError: beyond the last frame.
        """
        if not 0 <= index < self.num_frames:
            raise IndexError(f"{self.folder} has {self.num_frames} frames; asked for {index}")
        batch = self._stream(schema.FRAMES_FILE).batch(index)
        return Frame(batch, self.meta.rig, self.config)

    def _stream(self, name: str) -> Stream:
        """One modality, mapped once."""
        if name not in self._streams:
            self._streams[name] = Stream(self.folder / name, complete=self.is_finished)
        return self._streams[name]

    def _decode_actors(self, index: int) -> pa.RecordBatch:
        """A batch of `actors.arrow`."""
        return self._stream(schema.ACTORS_FILE).batch(index)

    def _actor_row(self, tick: int) -> tuple[pa.RecordBatch, int]:
        """Batch and row that hold a tick."""
        at = self._tick_row(tick)
        return self._actor_batch(at // self._per_batch), at % self._per_batch

    def _tick_row(self, tick: int) -> int:
        """Row of a tick in `ticks.arrow`."""
        ticks = self.ticks["tick"]
        at = int(np.searchsorted(ticks, tick))
        if at == len(ticks) or ticks[at] != tick:
            raise IndexError(f"{self.folder} has no tick {tick}; it holds {len(ticks)} ticks")
        return at

    def _measured(self, tick: int, name: str) -> Int[np.ndarray, " actor"] | None:
        """An evidence column."""
        batch, row = self._actor_row(tick)
        if name not in batch.schema.names or not batch.column(name)[row].is_valid:
            return None
        return _values(batch, name, row, 1)


def _values(batch: pa.RecordBatch, name: str, row: int, width: int) -> np.ndarray:
    """One list cell as an array, (n,) or (n, width)."""
    flat = batch.column(name)[row].values.to_numpy(zero_copy_only=False)
    return flat.reshape(-1, width) if width > 1 else flat


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON table, or the reason why there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; name a folder that `symdrive` recorded."
        ) from error
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); the file is damaged.") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} holds no table; the file is damaged.")
    return document


def _read_document(folder: Path) -> dict[str, Any]:
    """`run.json`, of a version that this package knows."""
    if not (folder / schema.RUN_FILE).is_file():
        raise UserError(
            f"{folder} is no run folder: it has no {schema.RUN_FILE}; name a recorded run."
        )
    document = _read_json(folder / schema.RUN_FILE)
    check_version(folder, document.get("schema_version"))
    return document


def _read_meta(folder: Path, document: Mapping[str, Any], where: str) -> RunMeta:
    """What was driven, with the dense route from its own file."""
    batch = Stream(folder / schema.ROUTE_FILE, complete=True).batch(0)
    columns = {
        name: _values(batch, name, 0, width) for name, (_, width) in schema.ROUTE_COLUMNS.items()
    }
    route = Route(document["route"]["route_id"], document["town"]["name"], **columns)
    traffic = plain.from_plain(TrafficConfig, document["traffic"], f"{where}: traffic")
    weather = plain.from_plain(Weather, document.get("weather", {}), f"{where}: weather")
    return RunMeta(
        episode=Episode(route, document["seed"], traffic, weather),
        rig=plain.from_plain(Rig, document["rig"], f"{where}: rig"),
        driver=document["driver"],
        town_digest=document["town"]["source_digest"],
        config=document["config"],
        symdrive_version=document["symdrive_version"],
    )


def open_run(folder: Path) -> Run:
    """Open a run folder, finished or not.

    Raises:
        UserError: when it is no run folder, is damaged, or was written by a newer version.
    """
    return Run(folder)


def find_runs(folder: Path) -> list[Path]:
    """Every run folder at or below a folder, sorted.

    Raises:
        UserError: when the folder does not exist.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one that holds recorded runs.")
    return sorted(path.parent for path in folder.rglob(schema.RUN_FILE))
