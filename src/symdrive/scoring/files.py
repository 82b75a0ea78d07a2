"""Reads leaderboard result files and run folders, one of them at a time.

A result file is what the CARLA leaderboard calls a checkpoint: a table with `_checkpoint.records`.
It may hold one route, all routes, or routes merged by a benchmark's tool. A record that is bad does
not spoil the others; it is left out, with the reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from symdrive.core.errors import UserError
from symdrive.record.names import RESULT_FILE, RUN_FILE, check_version
from symdrive.scoring import fields
from symdrive.scoring.records import RouteRecord, read_record, record_from_plain

PLAN_SPACING_M = 200.0
"""How our own runs thin out the plan of a learner unless their config says otherwise."""

_FILED_AS = re.compile(r"(?:(?:Base|Generalization)_\w+?_)(\d{4})|(\d{4})_res")
"""Fail2Drive knows a route by its file alone: `Base_Animals_0075.json`, `0075_res.json`. Source:
fail2drive a793741, `tools/f2d_result_parser.py`."""

_ROUTE_FILE = re.compile(r"(?:RouteScenario_)?(\d+)(?:_rep\d+)?(?:_res)?")


@dataclass(frozen=True)
class LeftOut:
    """Something that was not scored.

    Attributes:
        where: file, and place in it.
        reason: one sentence that names the file and the field.
    """

    where: str
    reason: str


@dataclass(frozen=True)
class Claim:
    """What a merged file says of itself.

    Attributes:
        source: the file.
        driving_score: per cent.
        num_routes: routes that it counted; 0 where it does not say.
    """

    source: str
    driving_score: float
    num_routes: int


@dataclass(frozen=True)
class ResultFile:
    """One file or run folder, read.

    Attributes:
        path: of the file, or of the run folder.
        records: good ones, in the order of the file.
        planned: routes that the evaluation was to drive; 0 where it does not say.
        left_out: bad records.
        claim: the file's own mean, if it states one.
        unrecorded: name of the route that was begun and left no record.
        seed: of a run folder.
        driver: of a run folder.
        plan_spacing_m: of a run folder.
    """

    path: Path
    records: tuple[RouteRecord, ...]
    planned: int = 0
    left_out: tuple[LeftOut, ...] = ()
    claim: Claim | None = None
    unrecorded: str = ""
    seed: int | None = None
    driver: str = ""
    plan_spacing_m: float | None = None


def read_file(path: Path) -> ResultFile:
    """A leaderboard result file, or the `result.json` of a run folder.

    Raises:
        UserError: for a file that is none, by name of file and field.
    """
    table = fields.read_table(path)
    if "_checkpoint" not in table and "records" not in table and "route_id" in table:
        return ResultFile(path, (record_from_plain(table, str(path), str(path)),), planned=1)
    checkpoint = table.get("_checkpoint", table)
    rows = cast(dict[str, Any], checkpoint).get("records") if _is_table(checkpoint) else None
    if not isinstance(rows, list):
        raise UserError(
            f"{path}: no entry '_checkpoint.records'; give a leaderboard result file or a run"
            " folder."
        )
    records, left_out = _records(cast(list[Any], rows), path)
    planned = _planned(cast(dict[str, Any], checkpoint), path)
    filed = _filed_as(path)
    if filed and len(records) == 1:
        records = [replace(records[0], filed_as=filed)]
    return ResultFile(
        path=path,
        records=tuple(records),
        planned=planned,
        left_out=tuple(left_out),
        claim=_claim(table, path),
        unrecorded=_unrecorded(path, planned) if not rows else "",
    )


def _records(rows: list[Any], path: Path) -> tuple[list[RouteRecord], list[LeftOut]]:
    """Good records, and why the others are bad."""
    records: list[RouteRecord] = []
    left_out: list[LeftOut] = []
    for i, row in enumerate(rows):
        where = f"{path}: record {i}"
        try:
            if not _is_table(row):
                raise UserError(f"{where}: {fields.brief(row)}; a table would be right.")
            records.append(record_from_plain(row, where, str(path)))
        except UserError as error:
            left_out.append(LeftOut(where, str(error)))
    return records, left_out


def _is_table(value: object) -> bool:
    """Whether JSON holds a table."""
    return isinstance(value, dict)


def _planned(checkpoint: Mapping[str, Any], path: Path) -> int:
    """Second number of `progress`, the routes of the evaluation."""
    progress = checkpoint.get("progress")
    if not progress:
        return 0
    if (
        isinstance(progress, list)
        and len(cast(list[Any], progress)) == 2
        and all(type(item) is int and item >= 0 for item in cast(list[Any], progress))
    ):
        return cast(list[int], progress)[1]
    raise UserError(
        f"{path}: field '_checkpoint.progress' is {fields.brief(cast(object, progress))};"
        " two counts would be right."
    )


def _unrecorded(path: Path, planned: int) -> str:
    """The route that a file is named after, as `2709.json`; empty where the name says nothing."""
    if planned == 1 and _filed_as(path):
        return _filed_as(path)
    match = _ROUTE_FILE.fullmatch(path.stem)
    return str(int(match.group(1))) if match and planned == 1 else ""


def _filed_as(path: Path) -> str:
    """The route of Fail2Drive that a file is named after; empty for other names."""
    match = _FILED_AS.fullmatch(path.stem)
    return str(int(match.group(1) or match.group(2))) if match else ""


def _claim(table: Mapping[str, Any], path: Path) -> Claim | None:
    """The mean in a file merged by Bench2Drive's tool."""
    score, count = table.get("driving score"), table.get("eval num", 0)
    if isinstance(score, (int, float)) and isinstance(count, int):
        return Claim(str(path), float(score), count)
    return None


def read_run(folder: Path) -> ResultFile:
    """A run folder; without `result.json` it is a route that was begun.

    Raises:
        UserError: when one of its two small files is damaged, or of a newer symdrive.
    """
    where = str(folder / RUN_FILE)
    document = fields.read_table(folder / RUN_FILE)
    check_version(folder, document.get("schema_version"))
    route = fields.text(fields.table(document, "route", where), "route_id", where)
    seed = document.get("seed")
    config = document.get("config")
    spacing = cast(dict[str, Any], config).get("plan_spacing_m") if _is_table(config) else None
    done = folder.joinpath(RESULT_FILE).is_file()
    return ResultFile(
        path=folder,
        records=(read_record(folder),) if done else (),
        planned=1,
        unrecorded="" if done else route,
        seed=seed if isinstance(seed, int) else None,
        driver=str(document.get("driver", "")),
        plan_spacing_m=float(spacing) if isinstance(spacing, (int, float)) else PLAN_SPACING_M,
    )
