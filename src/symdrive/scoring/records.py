"""What is known of a driven route: one typed record for run folders and published files.

The JSON form follows the leaderboard's checkpoint record (leaderboard 2.0, `statistics_manager.py`,
`RouteRecord`). It adds `percentages`, for the leaderboard's sentences round them to two digits.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from symdrive.core.errors import UserError
from symdrive.record.names import RESULT_FILE, RUN_FILE
from symdrive.scoring import fields
from symdrive.scoring.infraction import InfractionKind

RECORD_VERSION = 1

STARTED = "Started"
"""The leaderboard's status of a route that was begun and not ended."""

SIMULATION_CRASHED = "Failed - Simulation crashed"
CRASHES = (
    SIMULATION_CRASHED,
    "Failed - Agent crashed",
    "Failed - Agent couldn't be set up",
    "Failed - Agent's sensors were invalid",
)
"""Statuses of routes that software ended, not driving; leaderboard 2.0, FAILURE_MESSAGES."""

_KINDS = {kind.value: kind for kind in InfractionKind}
_PERCENTAGE = {
    InfractionKind.OUTSIDE_ROUTE_LANES: re.compile(r"\((\d+(?:\.\d+)?)%"),
    InfractionKind.MIN_SPEED: re.compile(r"is (\d+(?:\.\d+)?)%"),
}
_METERS = re.compile(r"about (\d+(?:\.\d+)?) meters")
_ROUTE_ID = re.compile(r"(?:RouteScenario_)?(.+?)(?:_rep(\d+))?")
_SCENARIO = re.compile(r"(.+?)(?:_\d+)?")


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
        status: `Perfect`, `Completed`, `Started`, or `Failed - ` and the reason.
        route_completion: per cent.
        events: infractions by kind; a kind without any may be absent.
        route_length_m: as the leaderboard measures it.
        duration_game_s: simulated time.
        scores: by the protocol that was applied, zeros before.
        protocol: its name, empty before.
        town: name of the town.
        scenario: name of the scenario, such as `ParkingExit_1`; empty where the evaluator does not
            say (only Bench2Drive's does).
        save_name: Bench2Drive's name of the drive; its motion log lies in a folder of that name.
        source: file that the record was read from.
        filed_as: route that the name of its file says, which goes before its own id: some
            evaluations number their routes anew.
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
    scenario: str = ""
    save_name: str = ""
    source: str = field(default="", compare=False)
    filed_as: str = field(default="", compare=False)

    @property
    def route(self) -> str:
        """The route alone: `RouteScenario_2709_rep1` is route 2709."""
        return self.filed_as or _key(self.route_id)[0]

    @property
    def repetition(self) -> int:
        """Which drive of the route: `RouteScenario_2709_rep1` is repetition 1."""
        return _key(self.route_id)[1]

    @property
    def label(self) -> str:
        """Route and, past the first, repetition, for people."""
        return f"{self.route} rep{self.repetition}" if self.repetition else self.route

    @property
    def scenario_type(self) -> str:
        """The scenario without its number."""
        match = _SCENARIO.fullmatch(self.scenario)
        return match.group(1) if match else ""

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
    def crashed(self) -> bool:
        """Whether software ended the drive."""
        return self.status in CRASHES

    @property
    def finished(self) -> bool:
        """Whether the drive came to some end."""
        return self.status != STARTED

    @property
    def driven_km(self) -> float:
        """Kilometres of the route that were driven."""
        return self.route_length_m / 1000.0 * self.route_completion / 100.0

    @property
    def outside_lanes_m(self) -> float:
        """Metres outside of the route's lanes, from the sentence."""
        events = self.events.get(InfractionKind.OUTSIDE_ROUTE_LANES, ())
        found = [_METERS.search(event.message) for event in events]
        return math.fsum(float(match.group(1)) for match in found if match)


def _key(route_id: str) -> tuple[str, int]:
    """Route and repetition of the leaderboard's name for a drive."""
    match = _ROUTE_ID.fullmatch(route_id)
    return (match.group(1), int(match.group(2) or 0)) if match else (route_id, 0)


def record_to_plain(record: RouteRecord) -> dict[str, Any]:
    """The JSON form; goes into `result.json`."""
    extra = {"scenario_name": record.scenario, "save_name": record.save_name}
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
        **{key: value for key, value in extra.items() if value},
    }


def record_from_plain(data: Mapping[str, Any], where: str, source: str = "") -> RouteRecord:
    """A record from its JSON form, ours or the leaderboard's.

    Args:
        data: the record.
        where: file and place in it, for the error message.
        source: the file alone.

    Raises:
        UserError: for a missing or impossible entry, an unknown kind of infraction, a sentence
            without its percentage, or a newer version.
    """
    version = data.get("schema_version", RECORD_VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version > RECORD_VERSION:
        raise UserError(
            f"{where} holds a result of version {version!r}, and this symdrive reads up to"
            f" {RECORD_VERSION}; update symdrive."
        )
    scores, meta = fields.table(data, "scores", where), fields.table(data, "meta", where)
    percentages = data.get("percentages", {})
    return RouteRecord(
        route_id=_route_id(data, where),
        status=_status(data, where),
        route_completion=fields.number(scores, "score_route", where, high=100.0),
        events=_events(fields.table(data, "infractions", where), percentages, where),
        route_length_m=fields.number(meta, "route_length", where),
        duration_game_s=fields.number(meta, "duration_game", where),
        scores=Scores(
            fields.number(scores, "score_route", where, high=100.0),
            fields.number(scores, "score_penalty", where),
            fields.number(scores, "score_composed", where),
        ),
        protocol=_optional(data, "protocol", where),
        town=_optional(data, "town", where) or _optional(data, "town_name", where),
        scenario=_optional(data, "scenario_name", where),
        save_name=_optional(data, "save_name", where),
        source=source,
    )


def _route_id(data: Mapping[str, Any], where: str) -> str:
    """The leaderboard writes a text; some mergers write a number."""
    found = fields.entry(data, "route_id", where)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return str(found)
    if isinstance(found, str) and found:
        return found
    raise UserError(
        f"{where}: field 'route_id' is {fields.brief(found)}; RouteScenario_7_rep0 would be right."
    )


def _status(data: Mapping[str, Any], where: str) -> str:
    """One of the leaderboard's words."""
    found = fields.text(data, "status", where)
    if found in ("Perfect", "Completed", STARTED) or found.startswith("Failed"):
        return found
    raise UserError(
        f"{where}: field 'status' is {fields.brief(found)}; Perfect, Completed, Started or"
        " Failed - and a reason would be right."
    )


def _optional(data: Mapping[str, Any], key: str, where: str) -> str:
    """A text that may be absent or null."""
    return "" if data.get(key) is None else fields.text(data, key, where)


def _events(
    infractions: Mapping[str, Any], percentages: Any, where: str
) -> dict[InfractionKind, tuple[Event, ...]]:
    """Events by kind, with exact percentages where the file has them."""
    found: dict[InfractionKind, tuple[Event, ...]] = {}
    for key, messages in infractions.items():
        if key not in _KINDS:
            raise UserError(
                f"{where}: unknown kind of infraction {key!r}; known: {', '.join(sorted(_KINDS))}."
            )
        if messages:
            found[_KINDS[key]] = _events_of(_KINDS[key], messages, percentages, where)
    return found


def _events_of(
    kind: InfractionKind, messages: Any, percentages: Any, where: str
) -> tuple[Event, ...]:
    """Events of one kind."""
    items = cast(list[Any], messages)
    if not isinstance(messages, list) or not all(isinstance(item, str) for item in items):
        raise UserError(
            f"{where}: infractions {kind.value!r} are {fields.brief(messages)};"
            " a list of sentences would be right."
        )
    if kind not in _PERCENTAGE:
        return tuple(map(Event, items))
    exact = percentages.get(kind.value) if isinstance(percentages, dict) else None
    if not exact:
        return tuple(Event(item, _percentage(kind, item, where)) for item in items)
    return _with_exact(kind, items, cast(Any, exact), where)


def _with_exact(
    kind: InfractionKind, items: list[str], exact: Any, where: str
) -> tuple[Event, ...]:
    """Events with the percentages that our own records keep beside the sentences."""
    if not isinstance(exact, list) or len(cast(list[Any], exact)) != len(items):
        raise UserError(
            f"{where}: percentages {kind.value!r} are {fields.brief(exact)};"
            f" {len(items)} numbers would be right, one for each sentence."
        )
    numbers = {str(i): value for i, value in enumerate(cast(list[Any], exact))}
    place = f"{where}: percentages {kind.value!r}"
    return tuple(Event(item, fields.number(numbers, str(i), place)) for i, item in enumerate(items))


def _percentage(kind: InfractionKind, message: str, where: str) -> float:
    """The number in a sentence, rounded as the leaderboard rounds it."""
    match = _PERCENTAGE[kind].search(message)
    if match is None:
        raise UserError(
            f"{where}: no percentage in {fields.brief(message)} of {kind.value!r};"
            " give the leaderboard's sentence."
        )
    return float(match.group(1))


def read_record(folder: Path) -> RouteRecord:
    """The record in a finished run folder.

    Raises:
        UserError: when the run is unfinished, or its result is damaged.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        raise UserError(f"{folder} holds no finished run: {path.name} is missing; drive it again.")
    return record_from_plain(fields.read_table(path), str(path), str(path))


def records_from_runs(folder: Path) -> list[RouteRecord]:
    """Records of every finished run at or below a folder, sorted by folder.

    An unfinished run has no record; `aggregate` counts it as zero through its number of planned
    routes.

    Raises:
        UserError: when the folder does not exist, or a result is damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one that holds recorded runs.")
    runs = sorted(path.parent for path in folder.rglob(RUN_FILE))
    return [read_record(run) for run in runs if run.joinpath(RESULT_FILE).is_file()]
