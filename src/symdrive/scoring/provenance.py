"""Which rules a file was made with, and which benchmark it drove; they need not be the same.

Every protocol is a value, and so is what it leaves in a file: the number of speed checkpoints,
whether fast ones are reported, the penalties that multiply out, how long a car may stand. The rules
of a file are those of the protocol that the fewest of its records contradict. The benchmark follows
from route ids, towns and lengths.

What no result file shows is the spacing of the plan that the agent was given (200 m in leaderboard
2.0, 50 m in Bench2Drive); only our run folders do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.scoring.protocol import LEADERBOARD_2_0, PROTOCOLS, Protocol
from symdrive.scoring.records import RouteRecord
from symdrive.scoring.route_tables import RouteInfo, route_table

TOLERANCE = 2e-3
"""Sentences round percentages to two digits, and some tools round scores."""

SLACK_S = 0.5
MOSTLY = 0.8
"""Share of the drives that must lie on a benchmark's routes."""

HALF = 0.5
"""Share of the benchmark's routes that must be there where no record names its town."""

LENGTH_RATIO = (0.9, 1.5)
"""Driven path over key points: 0.98 to 1.40 in published files."""


def stored_fits(record: RouteRecord, protocol: Protocol) -> bool:
    """Whether the stored penalty is the one that the protocol gives; a crash may store 0."""
    if record.crashed and record.scores.penalty == 0.0:
        return True
    found = protocol.penalty.factor(record.events, record.driven_km)
    return abs(found - record.scores.penalty) <= TOLERANCE


def _speeds(record: RouteRecord) -> list[float]:
    """Per cent of the traffic's speed, as reported."""
    events = record.events.get(Kind.MIN_SPEED, ())
    return [event.percentage for event in events if event.percentage is not None]


def _too_many(record: RouteRecord, protocol: Protocol) -> bool:
    """More speed checkpoints than parts, and the last one that is closed at the end."""
    return len(_speeds(record)) > protocol.criteria.checkpoints + 1


def _fast(record: RouteRecord, protocol: Protocol) -> bool:
    """Fast parts, under rules that report slow ones only."""
    return not protocol.criteria.report_every_checkpoint and any(
        value >= 100.0 for value in _speeds(record)
    )


def _silent(record: RouteRecord, protocol: Protocol) -> bool:
    """Driven to the end without one checkpoint, under rules that report every one."""
    return protocol.criteria.report_every_checkpoint and record.reached_goal and not _speeds(record)


def _penalty(record: RouteRecord, protocol: Protocol) -> bool:
    """The stored penalty is another one."""
    return not stored_fits(record, protocol)


def _blocked_early(record: RouteRecord, protocol: Protocol) -> bool:
    """Ended for standing before the rules would have ended it."""
    early = record.duration_game_s + SLACK_S < protocol.criteria.blocked_s
    return record.status == "Failed - Agent got blocked" and early


def _cut_off(record: RouteRecord, protocol: Protocol) -> bool:
    """Ran out of ticks under rules that know no such end."""
    return record.status == "Failed - TickRuntime" and not protocol.criteria.max_ticks


PENALTY_CONTRADICTION = "penalties that do not multiply out"

CONTRADICTIONS: Mapping[str, Callable[[RouteRecord, Protocol], bool]] = {
    "more speed checkpoints than its rules make": _too_many,
    "speed checkpoints above 100 %": _fast,
    "no speed checkpoint": _silent,
    PENALTY_CONTRADICTION: _penalty,
    "blocked sooner than its rules allow": _blocked_early,
    "out of ticks": _cut_off,
}
"""What a record may hold against a protocol's rules."""


@dataclass(frozen=True)
class Fit:
    """How well records agree with a protocol's rules.

    Attributes:
        protocol: whose rules.
        against: number of records with each contradiction.
        num_records: that were looked at.
    """

    protocol: Protocol
    against: Mapping[str, int]
    num_records: int

    @property
    def total(self) -> int:
        """All contradictions."""
        return sum(self.against.values())


def fit(records: Iterable[RouteRecord], protocol: Protocol) -> Fit:
    """Hold every drive that ended by itself against a protocol's rules."""
    driven = [record for record in records if record.finished and not record.crashed]
    found = Counter(
        name
        for record in driven
        for name, contradicts in CONTRADICTIONS.items()
        if contradicts(record, protocol)
    )
    return Fit(protocol, dict(found), len(driven))


def is_on(record: RouteRecord, table: Mapping[str, RouteInfo]) -> bool:
    """Whether a drive's id, town and length are those of a route of a benchmark."""
    info = table.get(record.route)
    if info is None or (record.town and record.town != info.town):
        return False
    low, high = LENGTH_RATIO
    return not record.route_length_m or low <= record.route_length_m / info.length_m <= high


def share_on(records: Sequence[RouteRecord], table: Mapping[str, RouteInfo]) -> float:
    """Share of drives on a benchmark's routes."""
    return sum(is_on(record, table) for record in records) / max(len(records), 1)


@dataclass(frozen=True)
class Provenance:
    """Where a set of records comes from.

    Attributes:
        rules: protocol whose rules the records show; of equal ones, the benchmark's own.
        benchmark: protocol whose routes were driven; None for other routes.
        fits: agreement with each protocol's rules, best first.
    """

    rules: Protocol
    benchmark: Protocol | None
    fits: tuple[Fit, ...]

    @property
    def agrees(self) -> bool:
        """Whether the rules are the benchmark's own."""
        return self.benchmark is None or self.rules.name == self.benchmark.name

    @property
    def protocol(self) -> Protocol:
        """What to score by: the benchmark with the rules that its files were made with.

        Files of other rules cannot be turned into the benchmark's (twenty speed checkpoints do not
        say what four would have been), so they keep their own, under a name that says so.
        """
        if self.benchmark is None:
            return replace(self.rules, planned=0, seeds=1) if self.rules.table else self.rules
        if self.agrees:
            return self.benchmark
        return replace(
            self.benchmark,
            name=f"{self.benchmark.name}_by_{self.rules.name}",
            title=f"{self.benchmark.title} routes, rules of {self.rules.title}",
            penalty=self.rules.penalty,
            criteria=self.rules.criteria,
        )


def trace(records: Sequence[RouteRecord]) -> Provenance:
    """Rules and benchmark of a set of records, which must not be empty."""
    benchmark = _benchmark(records)
    fits = _fits(records)
    order = list(PROTOCOLS)

    def rank(item: Fit) -> tuple[int, bool, bool, int]:
        own = benchmark is not None and item.protocol.name == benchmark.name
        plain = item.protocol.name == LEADERBOARD_2_0.name
        return item.total, not own, not plain, order.index(item.protocol.name)

    ranked = tuple(sorted(fits, key=rank))
    return Provenance(ranked[0].protocol, benchmark, ranked)


def _fits(records: Sequence[RouteRecord]) -> list[Fit]:
    """Agreement with every protocol; equal rules are looked at once."""
    found: list[Fit] = []
    for protocol in PROTOCOLS.values():
        known = next((item for item in found if _same_rules(item.protocol, protocol)), None)
        found.append(replace(known, protocol=protocol) if known else fit(records, protocol))
    return found


def _same_rules(a: Protocol, b: Protocol) -> bool:
    """Whether two protocols leave the same marks in a file."""
    hidden = {"stop_half_size_m": 0.0, "plan_spacing_m": 200.0}
    same = replace(a.criteria, **hidden) == replace(b.criteria, **hidden)
    return same and a.penalty == b.penalty


def _benchmark(records: Sequence[RouteRecord]) -> Protocol | None:
    """The protocol whose table holds most of the drives; None below `MOSTLY`.

    Leaderboard 2.0 does not write the town, and small route ids are common: a few records without
    a town are of no benchmark.
    """
    named = any(record.town for record in records)
    routes = {record.route for record in records}
    shares = [
        (share_on(records, route_table(protocol.table)), protocol)
        for protocol in PROTOCOLS.values()
        if protocol.table and (named or len(routes) >= HALF * protocol.planned)
    ]
    if not shares:
        return None
    share, best = max(shares, key=lambda item: item[0])
    return best if share >= MOSTLY else None
