"""One drive as a value: what to drive, who drives, where it is recorded."""

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from symdrive.core.config import to_plain
from symdrive.core.errors import UserError
from symdrive.evaluate.drivers import DriverSpec, make_driver, rig_of
from symdrive.evaluate.rollout import Outcome, RolloutConfig, rollout
from symdrive.maps.open import open_town
from symdrive.maps.route import Route, sparse_plan
from symdrive.maps.town import Town
from symdrive.record.config import RecordConfig
from symdrive.record.schema import RESULT_FILE, RUN_FILE, RunMeta, TickRecord
from symdrive.record.writer import RunWriter, run_document
from symdrive.scoring.criteria import default_criteria, make_record
from symdrive.scoring.protocol import LEADERBOARD_2_0, score_route
from symdrive.scoring.records import RouteRecord, record_to_plain
from symdrive.sim.shift import ShiftConfig
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import STORE_EVERY, Episode, TrafficConfig
from symdrive.world.driver import Driver, Oracle, Policy
from symdrive.world.rig import BLIND_RIG, Rig
from symdrive.world.weather import DEFAULT_WEATHER, Weather

PLANS_ONLY = RecordConfig(rgb=False, lidar=False, semantic=False, depth=False)
"""Keeps what a report needs to draw the drive again; no pictures."""


@dataclass(frozen=True)
class Job:
    """One drive to be done.

    Attributes:
        folder: run folder to write.
        town: name or file of the town.
        route: what to drive.
        driver: who drives.
        rig: sensors for drivers that ask for none.
        seed: of traffic and noise.
        traffic: how busy the town is.
        record: what to keep.
        shift: also record a second rig, displaced so; None for none.
        frame_every: ticks between recorded frames.
        sense_every: ticks between casts of cameras and LiDAR.
        weather: of the whole drive.
        shadows: whether things cast shadows in cameras.
    """

    folder: Path
    town: str
    route: Route
    driver: DriverSpec
    rig: Rig = BLIND_RIG
    seed: int = 0
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    record: RecordConfig = PLANS_ONLY
    shift: ShiftConfig | None = None
    frame_every: int = STORE_EVERY
    sense_every: int = 1
    weather: Weather = DEFAULT_WEATHER
    shadows: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """What shapes the drive besides episode and rig; stored and digested."""
        return {
            "driver": to_plain(self.driver),
            "shift": to_plain(self.shift),
            "frame_every": self.frame_every,
            "sense_every": self.sense_every,
            "town": self.town,
            "checkpoint_digest": file_digest(self.driver.checkpoint),
            **({"shadows": True} if self.shadows else {}),
        }


def file_digest(path: Path | None) -> str:
    """First 16 hex digits of the SHA-256 of a file; a retrained student is another driver.

    Of a folder, which stands for an ensemble, all checkpoints count.

    Raises:
        UserError: when the file cannot be read.
    """
    if path is None:
        return ""
    try:
        files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a checkpoint.") from error


class Recorder:
    """Subscriber that writes the run folder."""

    def __init__(self, writer: RunWriter, frame_every: int) -> None:
        self._writer = writer
        self._every = frame_every

    def on_tick(self, tick: TickRecord) -> None:
        """Every tick's state; a frame where one is due."""
        self._writer.tick(tick)
        if tick.truth.tick % self._every == 0:
            self._writer.frame(tick)


def is_done(job: Job) -> bool:
    """Whether the folder holds this very drive, finished."""
    try:
        stored = json.loads(job.folder.joinpath(RUN_FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    if not job.folder.joinpath(RESULT_FILE).is_file():
        return False
    driver, town = make_driver(job.driver), _town(job.town)
    wanted = run_document(_meta(job, driver, town), job.record)
    return all(stored.get(key) == value for key, value in json.loads(json.dumps(wanted)).items())


def drive(job: Job) -> RouteRecord:
    """Drive one job, record it, score it.

    An unfinished or different earlier drive in the folder is replaced.

    Raises:
        UserError: as the town, the driver and the recorder refuse.
    """
    town, driver = _town(job.town), make_driver(job.driver)
    if job.folder.exists():
        _clear(job.folder)
    meta = _meta(job, driver, town)
    world = _world(job.town, meta.rig, job.shift, job.sense_every, shadows=job.shadows)
    world.reset(meta.episode)
    _reset(driver, town, meta.episode)
    judge = default_criteria(town, job.route)
    config = RolloutConfig(job.driver.alignment, shifted=job.shift is not None)
    with RunWriter(job.folder, meta, job.record) as writer:
        recorder = Recorder(writer, job.frame_every)
        outcome = rollout(world, driver, meta.episode, judge, config, [recorder])
        record = _record(job, outcome)
        writer.finish(record_to_plain(record))
    return record


def _clear(folder: Path) -> None:
    """Remove an earlier run; a folder that is something else is left alone."""
    if any(folder.iterdir()) and not folder.joinpath(RUN_FILE).is_file():
        raise UserError(f"{folder} exists and is no run folder; name another --out.")
    shutil.rmtree(folder)


def _record(job: Job, outcome: Outcome) -> RouteRecord:
    """The leaderboard's record of the drive, scored."""
    record = make_record(
        job.route,
        status=outcome.status,
        completion=outcome.completion,
        infractions=outcome.infractions,
        ticks=outcome.ticks,
    )
    return score_route(record, LEADERBOARD_2_0).apply(record)


def _meta(job: Job, driver: Driver, town: Town) -> RunMeta:
    """What the run folder says about the drive."""
    episode = Episode(job.route, job.seed, job.traffic, job.weather)
    rig = rig_of(driver, job.rig)
    return RunMeta(episode, rig, job.driver.name, town.source_digest, job.config)


def _reset(driver: Driver, town: Town, episode: Episode) -> None:
    """A new episode, told to each kind of driver in its own terms."""
    match driver:
        case Policy():
            driver.reset(sparse_plan(episode.route))
        case Oracle():
            driver.reset(town, episode.route, episode.seed)


@lru_cache(maxsize=4)
def _town(source: str) -> Town:
    """A town is opened once in each process."""
    return open_town(source)


@lru_cache(maxsize=2)
def _world(
    source: str, rig: Rig, shift: ShiftConfig | None, sense_every: int, *, shadows: bool
) -> EmbeddedWorld:
    """A world, and with it the scene for the sensors, is built once in each process."""
    return EmbeddedWorld(_town(source), rig, shift, sense_every, shadows=shadows)
