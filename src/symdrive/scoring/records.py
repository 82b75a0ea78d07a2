"""What is known of a driven route: read from run folders and from published leaderboard files.

The JSON form follows the leaderboard's checkpoint record (leaderboard 2.0, `statistics_manager.py`,
`RouteRecord`). It adds `percentages`, for the leaderboard's sentences round them to two digits.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.record.reader import find_runs
from symdrive.record.schema import RESULT_FILE
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.backend import TICK_S

RECORD_VERSION = 1

_PERCENTAGE = {
    InfractionKind.OUTSIDE_ROUTE_LANES: re.compile(r"\(([\d.]+)%"),
    InfractionKind.MIN_SPEED: re.compile(r"is ([\d.]+)%"),
}
_METERS = re.compile(r"about ([\d.]+) meters")


@dataclass(frozen=True)
class Event:
    """One infraction as a record keeps it.

    Attributes:
        message: the leaderboard's sentence.
        percentage: what a penalty of the kind depends on; None for kinds that count only.
    """

    message: str
    percentage: float | None = None


@dataclass(frozen=True)
class Scores:
    """The three numbers of a route.

    Attributes:
        route_completion: per cent.
        penalty: factor in [0, 1].
        driving_score: their product, per cent.
    """

    route_completion: float = 0.0
    penalty: float = 0.0
    driving_score: float = 0.0


@dataclass(frozen=True)
class RouteRecord:
    """How the drive of one route went.

    Attributes:
        route_id: of the route.
        status: `Perfect`, `Completed`, or `Failed - ` and the reason.
        route_completion: per cent.
        events: infractions by kind; a kind without any may be absent.
        route_length_m: as the leaderboard measures it.
        duration_game_s: simulated time.
        scores: by the protocol that was applied, zeros before.
        protocol: its name, empty before.
        town: name of the town.
    """

    route_id: str
    status: str
    route_completion: float
    events: Mapping[InfractionKind, tuple[Event, ...]]
    route_length_m: float
    duration_game_s: float
    scores: Scores = field(default_factory=Scores)
    protocol: str = ""
    town: str = ""

    @property
    def infractions(self) -> Mapping[str, tuple[str, ...]]:
        """Messages by the leaderboard's key, every key present."""
        return {
            kind.value: tuple(event.message for event in self.events.get(kind, ()))
            for kind in InfractionKind
        }

    @property
    def num_infractions(self) -> int:
        """All infractions together, as the leaderboard counts them."""
        return sum(map(len, self.events.values()))

    @property
    def reached_goal(self) -> bool:
        """Whether the route was driven to its end."""
        return self.status in ("Completed", "Perfect")

    @property
    def outside_lanes_m(self) -> float:
        """Metres outside of the route's lanes, from the sentence."""
        events = self.events.get(InfractionKind.OUTSIDE_ROUTE_LANES, ())
        found = [_METERS.search(event.message) for event in events]
        return math.fsum(float(match.group(1)) for match in found if match)


def make_record(
    route: Route,
    *,
    status: str,
    completion: float,
    infractions: Iterable[Infraction],
    ticks: int,
) -> RouteRecord:
    """The record of a drive that has just ended; not scored yet."""
    events: dict[InfractionKind, list[Event]] = {}
    for item in infractions:
        events.setdefault(item.kind, []).append(Event(item.message, item.percentage))
    return RouteRecord(
        route_id=route.route_id,
        status=status,
        route_completion=completion,
        events={kind: tuple(items) for kind, items in events.items()},
        route_length_m=round(RouteTrack(route).length_m, 3),
        duration_game_s=round(ticks * TICK_S, 3),
        town=route.town,
    )


def record_to_plain(record: RouteRecord) -> dict[str, Any]:
    """The JSON form; goes into `result.json`."""
    return {
        "schema_version": RECORD_VERSION,
        "route_id": record.route_id,
        "town": record.town,
        "status": record.status,
        "num_infractions": record.num_infractions,
        "infractions": {key: list(texts) for key, texts in record.infractions.items()},
        "percentages": {
            kind.value: [event.percentage for event in record.events.get(kind, ())]
            for kind in _PERCENTAGE
        },
        "scores": {
            "score_route": record.route_completion,
            "score_penalty": record.scores.penalty,
            "score_composed": record.scores.driving_score,
        },
        "meta": {
            "route_length": record.route_length_m,
            "duration_game": record.duration_game_s,
        },
        "protocol": record.protocol,
    }


def record_from_plain(data: Mapping[str, Any], where: str) -> RouteRecord:
    """A record from its JSON form, ours or the leaderboard's.

    Args:
        data: the record.
        where: file, for the error message.

    Raises:
        UserError: for a missing entry, an unknown kind of infraction, a sentence without its
            percentage, or a newer version.
    """
    version = data.get("schema_version", RECORD_VERSION)
    if version > RECORD_VERSION:
        raise UserError(
            f"{where} holds a result of version {version}, and this symdrive reads up to"
            f" {RECORD_VERSION}; update symdrive."
        )
    try:
        scores, meta = data["scores"], data["meta"]
        return RouteRecord(
            route_id=str(data["route_id"]),
            status=data["status"],
            route_completion=float(scores["score_route"]),
            events=_events(data["infractions"], data.get("percentages", {}), where),
            route_length_m=float(meta["route_length"]),
            duration_game_s=float(meta["duration_game"]),
            scores=Scores(
                float(scores["score_route"]),
                float(scores["score_penalty"]),
                float(scores["score_composed"]),
            ),
            protocol=data.get("protocol", ""),
            town=data.get("town", data.get("town_name", "")),
        )
    except KeyError as error:
        raise UserError(
            f"{where}: the record of a route has no entry {error}; give a leaderboard result file."
        ) from error


def _events(
    infractions: Mapping[str, list[str]], percentages: Mapping[str, list[float]], where: str
) -> dict[InfractionKind, tuple[Event, ...]]:
    """Events by kind, with exact percentages where the file has them."""
    known = {kind.value: kind for kind in InfractionKind}
    found: dict[InfractionKind, tuple[Event, ...]] = {}
    for key, messages in infractions.items():
        if key not in known:
            raise UserError(f"{where}: unknown kind of infraction {key!r}; known: {sorted(known)}.")
        kind = known[key]
        exact = percentages.get(key) or [_percentage(kind, text, where) for text in messages]
        if messages:
            found[kind] = tuple(map(Event, messages, exact))
    return found


def _percentage(kind: InfractionKind, message: str, where: str) -> float | None:
    """The number in a sentence, rounded as the leaderboard rounds it."""
    if kind not in _PERCENTAGE:
        return None
    match = _PERCENTAGE[kind].search(message)
    if match is None:
        raise UserError(f"{where}: no percentage in {message!r}; give the leaderboard's sentence.")
    return float(match.group(1))


def read_record(folder: Path) -> RouteRecord:
    """The record in a finished run folder.

    Raises:
        UserError: when the run is unfinished, or its result is damaged.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        raise UserError(f"{folder} holds no finished run: {path.name} is missing; drive it again.")
    return record_from_plain(_read_table(path), str(path))


def records_from_runs(folder: Path) -> list[RouteRecord]:
    """Records of every finished run at or below a folder, sorted by folder.

    An unfinished run has no record; `aggregate` counts it as zero through its number of planned
    routes.

    Raises:
        UserError: when the folder does not exist, or a result is damaged.
    """
    runs = find_runs(folder)
    return [read_record(run) for run in runs if run.joinpath(RESULT_FILE).is_file()]


def records_from_leaderboard(path: Path) -> list[RouteRecord]:
    """Records of a published result file, with or without the `_checkpoint` envelope.

    Raises:
        UserError: when it is no such file.
    """
    table = _read_table(path)
    checkpoint = table.get("_checkpoint", table)
    records = checkpoint.get("records") if isinstance(checkpoint, dict) else None
    if not isinstance(records, list):
        raise UserError(f"{path} has no _checkpoint.records; give a leaderboard result file.")
    rows = cast(list[dict[str, Any]], records)
    return [record_from_plain(row, f"{path}: record {i}") for i, row in enumerate(rows)]


def _read_table(path: Path) -> dict[str, Any]:
    """A JSON table, or the reason why there is none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a result file.") from error
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); the file is damaged.") from error
    if not isinstance(table, dict):
        raise UserError(f"{path} holds no table; give a leaderboard result file.")
    return cast(dict[str, Any], table)
