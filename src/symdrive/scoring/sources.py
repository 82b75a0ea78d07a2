"""Finds the drives below a path and sorts them into runs: which files belong to one evaluation.

A benchmark is often driven several times, with other seeds. Files are one run as long as no route
appears twice; where routes come again, folders and merged files are runs of their own, and so are
repetitions (`_rep1`) and the seeds of run folders.

* A merged file that lies beside the files it was merged from is not counted again.
* Of two single files of one route in one run one is taken: a drive before a crash, then the lower
  score, so that driving again until it goes well is not rewarded.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from symdrive.core.errors import UserError
from symdrive.record.names import RUN_FILE
from symdrive.scoring.files import Claim, LeftOut, ResultFile, read_file, read_run
from symdrive.scoring.records import RouteRecord

MOTION_FILE = "metric_info.json"
COMPANIONS = (MOTION_FILE, "_ability.json")
"""Ends of names of files that benchmarks write beside their results."""

Key = tuple[str, int]

_NUMBERS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class Doubled:
    """A drive that another drive of the same route and run displaced.

    Attributes:
        record: that does not count.
        chosen: that counts.
    """

    record: RouteRecord
    chosen: RouteRecord


@dataclass(frozen=True)
class ResultRun:
    """Every route driven once, or less.

    Attributes:
        name: folder or file below the path that was read; empty for the only run.
        records: one for each route, by route.
        planned: routes that the files planned; 0 where they do not say.
        unrecorded: routes that were begun and left no record.
    """

    name: str
    records: tuple[RouteRecord, ...]
    planned: int = 0
    unrecorded: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultSet:
    """All that lies below one path.

    Attributes:
        path: that was read.
        runs: by name.
        left_out: bad files and records.
        doubled: drives that another drive of the same route and run displaced.
        claims: means that merged files state.
        motions: motion logs of Bench2Drive, by save name.
        plan_spacings_m: of run folders.
        drivers: of run folders.
        num_files: files and run folders that were read.
    """

    path: Path
    runs: tuple[ResultRun, ...]
    left_out: tuple[LeftOut, ...] = ()
    doubled: tuple[Doubled, ...] = ()
    claims: tuple[Claim, ...] = ()
    motions: Mapping[str, Path] = field(default_factory=dict[str, Path])
    plan_spacings_m: frozenset[float] = frozenset()
    drivers: frozenset[str] = frozenset()
    num_files: int = 0

    @property
    def records(self) -> tuple[RouteRecord, ...]:
        """Of all runs."""
        return tuple(record for run in self.runs for record in run.records)


@dataclass(frozen=True)
class _Part:
    """Drives that belong together so far: files of one folder, or one merged file."""

    name: str
    files: tuple[ResultFile, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """Routes and repetitions in it."""
        return frozenset(_key(record) for file in self.files for record in file.records)


class _Finder:
    """Walks through folders; collects what is bad on the way."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.left_out: list[LeftOut] = []
        self.motions: dict[str, Path] = {}
        self.claims: list[Claim] = []
        self.read: list[ResultFile] = []

    def parts(self, folder: Path) -> list[_Part]:
        """Parts at or below a folder: one as long as no route comes twice."""
        singles, merged = self._files(folder)
        found = [_Part(self._name(file.path), (file,)) for file in merged]
        if singles:
            found.append(_Part(self._name(folder), tuple(singles)))
        for sub in _folders(folder):
            if not sub.joinpath(RUN_FILE).is_file():
                found += self.parts(sub)
        keys = [key for part in found for key in part.keys]
        if len(found) > 1 and len(set(keys)) == len(keys):
            return [_Part(self._name(folder), tuple(file for p in found for file in p.files))]
        return found

    def _files(self, folder: Path) -> tuple[list[ResultFile], list[ResultFile]]:
        """Files and run folders of one route each, and merged files that say something new."""
        good: list[ResultFile] = []
        for path in _result_paths(folder):
            if path.name == MOTION_FILE:
                self.motions[path.parent.name] = path
            elif not path.name.endswith(COMPANIONS):
                good += self.open(path)
        singles = [file for file in good if len(file.records) <= 1]
        known = {_key(record): record for file in singles for record in file.records}
        merged = [
            file
            for file in good
            if len(file.records) > 1
            and any(known.get(_key(record)) != record for record in file.records)
        ]
        return singles, merged

    def open(self, path: Path) -> list[ResultFile]:
        """The file or run folder; nothing where it is bad."""
        try:
            file = read_run(path) if path.is_dir() else read_file(path)
        except UserError as error:
            self.left_out.append(LeftOut(str(path), str(error)))
            return []
        self.left_out += file.left_out
        self.claims += [file.claim] if file.claim else []
        self.read.append(file)
        return [file]

    def _name(self, path: Path) -> str:
        """Below the root."""
        return "" if path == self.root else str(path.relative_to(self.root))


def read_results(path: Path) -> ResultSet:
    """Everything that can be scored at or below a path.

    Raises:
        UserError: when there is nothing to score; the message says what was found instead.
    """
    finder = _Finder(path)
    if not path.exists():
        raise UserError(f"{path} does not exist; name a result file, a run folder, or a folder.")
    if path.is_dir() and not path.joinpath(RUN_FILE).is_file():
        parts = finder.parts(path)
    else:
        parts = [_Part("", tuple(finder.open(path)))]
    doubled: list[Doubled] = []
    runs = [run for part in parts for run in _runs_of(part, doubled)]
    finder.left_out += [_left_out(item) for item in doubled]
    if not any(run.records for run in runs):
        raise UserError(_nothing(path, finder))
    spacings = {file.plan_spacing_m for file in finder.read if file.plan_spacing_m is not None}
    return ResultSet(
        path=path,
        runs=tuple(sorted(runs, key=lambda run: _natural(run.name))),
        left_out=tuple(sorted(finder.left_out, key=lambda item: item.where)),
        doubled=tuple(sorted(doubled, key=lambda item: (item.record.route_id, item.record.source))),
        claims=tuple(sorted(finder.claims, key=lambda claim: claim.source)),
        motions=dict(sorted(finder.motions.items())),
        plan_spacings_m=frozenset(spacings),
        drivers=frozenset(file.driver for file in finder.read if file.driver),
        num_files=len(finder.read),
    )


def _nothing(path: Path, finder: _Finder) -> str:
    """Why there is nothing to score."""
    if len(finder.left_out) == 1:
        return finder.left_out[0].reason
    if finder.left_out:
        return (
            f"{path}: none of {len(finder.left_out)} results can be scored; the first:"
            f" {min(finder.left_out, key=lambda item: item.where).reason}"
        )
    if finder.read:
        return (
            f"{path} holds no finished run: {len(finder.read)} evaluations were begun and wrote no"
            " record; drive first, or name another folder."
        )
    return (
        f"{path} holds no finished run and no result file; name leaderboard checkpoints (.json),"
        " run folders, or a folder of either."
    )


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, hidden ones and links left out."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]
    return [folder / name for name in sorted(names)]


def _result_paths(folder: Path) -> list[Path]:
    """JSON files and run folders in a folder."""
    with os.scandir(folder) as entries:
        files = [
            Path(entry.path)
            for entry in entries
            if entry.name.endswith(".json") and entry.is_file() and not entry.name.startswith(".")
        ]
    runs = [sub for sub in _folders(folder) if sub.joinpath(RUN_FILE).is_file()]
    return sorted([*files, *runs])


def _key(record: RouteRecord) -> Key:
    """Route, and which drive of it."""
    return record.route, record.repetition


def _runs_of(part: _Part, doubled: list[Doubled]) -> list[ResultRun]:
    """One run for each repetition in a part."""
    seeds = _seeds(part.files)
    by_key: dict[Key, list[RouteRecord]] = defaultdict(list)
    for file in part.files:
        for record in file.records:
            again = 0 if file.seed is None else seeds[record.route].index(file.seed)
            by_key[record.route, record.repetition + again].append(record)
    repetitions = sorted({repetition for _, repetition in by_key}) or [0]
    planned = _planned(part.files, len(repetitions))
    missing = {file.unrecorded for file in part.files if file.unrecorded}
    found: list[ResultRun] = []
    for repetition in repetitions:
        drives = [items for key, items in by_key.items() if key[1] == repetition]
        records = _by_route(_one_of(items, doubled) for items in drives)
        name = part.name if len(repetitions) == 1 else f"{part.name} rep{repetition}".strip()
        absent = sorted(missing - {record.route for record in records})
        found.append(ResultRun(name, records, planned, tuple(absent)))
    return found


def _seeds(files: Sequence[ResultFile]) -> Mapping[str, list[int]]:
    """Seeds of each route that was driven in run folders: several are repetitions.

    Different routes may have different seeds; that alone makes no second run.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for file in files:
        for record in file.records:
            if file.seed is not None:
                found[record.route].add(file.seed)
    return {route: sorted(seeds) for route, seeds in found.items()}


def _planned(files: Sequence[ResultFile], repetitions: int) -> int:
    """Routes that the files planned for one repetition; 0 where one of them does not say."""
    if not all(file.planned for file in files):
        return 0
    routes = {record.route for file in files for record in file.records}
    routes |= {file.unrecorded for file in files if file.unrecorded}
    total = sum(file.planned for file in files if not file.records or len(file.records) > 1)
    singles = {file.records[0].route_id for file in files if len(file.records) == 1}
    return max(-(-(total + len(singles)) // repetitions), len(routes) if repetitions == 1 else 0)


def _one_of(drives: Sequence[RouteRecord], doubled: list[Doubled]) -> RouteRecord:
    """The drive that counts; the others are noted."""
    if len(drives) == 1:
        return drives[0]
    ordered = sorted(drives, key=_preference)
    doubled += [Doubled(record, ordered[0]) for record in ordered[1:]]
    return ordered[0]


def _left_out(item: Doubled) -> LeftOut:
    """Names both files."""
    record, chosen = item.record, item.chosen
    reason = (
        f"{record.source}: field 'route_id' is {record.route_id!r} again ({_told(record)});"
        f" {chosen.source} counts ({_told(chosen)})."
    )
    return LeftOut(record.source, reason)


def _told(record: RouteRecord) -> str:
    """Status and score of a drive."""
    return f"{record.status}, {record.scores.driving_score:.1f}"


def _preference(record: RouteRecord) -> tuple[bool, bool, float, str]:
    """Driven before crashed, lower score before higher; the rest makes the choice repeatable."""
    return (not record.finished, record.crashed, record.scores.driving_score, repr(record))


def _by_route(records: Iterable[RouteRecord]) -> tuple[RouteRecord, ...]:
    """In the order of route ids, numbers by size."""
    return tuple(sorted(records, key=lambda record: _natural(record.route_id)))


def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sorts `run2` before `run10`."""
    return tuple(
        (part.isdigit(), int(part) if part.isdigit() else 0, part)
        for part in _NUMBERS.split(name)
        if part
    )
