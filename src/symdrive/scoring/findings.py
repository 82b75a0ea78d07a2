"""What is wrong with a set of results, or odd: each a small test that returns what it found."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.scoring.limits import TICK_S
from symdrive.scoring.protocol import Protocol
from symdrive.scoring.provenance import (
    PENALTY_CONTRADICTION,
    TOLERANCE,
    Provenance,
    is_on,
    stored_fits,
)
from symdrive.scoring.records import RouteRecord
from symdrive.scoring.route_tables import route_table
from symdrive.scoring.sources import ResultSet

SHOWN = 6
"""Names that a message lists."""


class Severity(Enum):
    """How much a finding matters."""

    ERROR = "error"
    """The number is not the benchmark's."""
    WARNING = "warning"
    """The number depends on a choice that others may have made differently."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a set of results.

    Attributes:
        code: name for programs.
        severity: how much it matters.
        message: one sentence, or two.
        routes: ids that it is about; empty where it is about all.
    """

    code: str
    severity: Severity
    message: str
    routes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What the tests look at.

    Attributes:
        results: everything that was read.
        protocol: that is scored by.
        provenance: what the records show.
        is_chosen: whether somebody named the protocol.
    """

    results: ResultSet
    protocol: Protocol
    provenance: Provenance
    is_chosen: bool

    @property
    def records(self) -> Sequence[RouteRecord]:
        """All records."""
        return self.results.records


Test = Callable[[Evidence], Iterable[Finding]]


def listed(routes: Iterable[str]) -> str:
    """Some names and how many more."""
    names = sorted(set(routes), key=lambda name: (len(name), name))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def counted(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def wrong_rules(evidence: Evidence) -> Iterable[Finding]:
    """Routes of one benchmark, rules of another; or a chosen protocol that the files contradict."""
    found, benchmark = evidence.provenance, evidence.provenance.benchmark
    scored = next(
        (item for item in found.fits if item.protocol.name == evidence.protocol.name), None
    )
    if benchmark is not None and not found.agrees:
        against = next(f for f in found.fits if f.protocol.name == benchmark.name)
        yield Finding(
            "wrong_rules",
            Severity.ERROR,
            f"Made with the wrong evaluator: these are the routes of {benchmark.title}, and the"
            f" files follow the rules of {found.rules.title} ({_reasons(against.against)})."
            f" The score is not a score of {benchmark.title}.",
        )
    elif evidence.is_chosen and scored is not None and scored.total > found.fits[0].total:
        yield Finding(
            "other_rules",
            Severity.ERROR,
            f"The files do not follow the rules of {evidence.protocol.title}"
            f" ({_reasons(scored.against)}); they follow those of {found.rules.title}.",
        )


def mixed_rules(evidence: Evidence) -> Iterable[Finding]:
    """Some records contradict the rules that most of them show."""
    best = evidence.provenance.fits[0]
    against = {name: n for name, n in best.against.items() if name != PENALTY_CONTRADICTION}
    if against and not evidence.is_chosen:
        yield Finding(
            "mixed_rules",
            Severity.WARNING,
            f"Not all records follow the rules of {best.protocol.title}: {_reasons(against)} of"
            f" {best.num_records}.",
        )


def _reasons(against: Mapping[str, int]) -> str:
    """Contradictions and how many drives show each."""
    items = sorted(against.items(), key=lambda item: -item[1])
    return "; ".join(f"{name} in {counted(count, 'drive')}" for name, count in items)


def other_routes(evidence: Evidence) -> Iterable[Finding]:
    """Drives that are not on the benchmark's routes."""
    if not evidence.protocol.table:
        return
    table = route_table(evidence.protocol.table)
    odd = [record.label for record in evidence.records if not is_on(record, table)]
    if odd:
        yield Finding(
            "other_routes",
            Severity.ERROR,
            f"{counted(len(odd), 'drive')} of {len(evidence.records)}"
            f" {'is' if len(odd) == 1 else 'are'} not on the routes of"
            f" {evidence.protocol.title}: {listed(odd)}.",
            tuple(odd),
        )


def missing_routes(evidence: Evidence) -> Iterable[Finding]:
    """Planned routes without a record; they count zero."""
    for run in evidence.results.runs:
        planned = evidence.protocol.planned or run.planned
        short = planned - len(run.records)
        if short <= 0:
            continue
        driven = {record.route for record in run.records}
        table = route_table(evidence.protocol.table) if evidence.protocol.table else {}
        names = [route for route in table if route not in driven] or list(run.unrecorded)
        where = f" of {run.name}" if run.name else ""
        begun = len(set(run.unrecorded) - driven)
        started = f" ({begun} were begun and wrote no record)" if begun else ""
        yield Finding(
            "missing_routes",
            Severity.WARNING,
            f"{counted(short, 'route')} of {planned}{where} {_has(short)} no record and"
            f" {'counts' if short == 1 else 'count'} zero{started}: {listed(names)}.",
            tuple(names),
        )


def _has(number: int) -> str:
    """Verb of a count."""
    return "has" if number == 1 else "have"


def surplus_routes(evidence: Evidence) -> Iterable[Finding]:
    """More drives than the benchmark has routes."""
    for run in evidence.results.runs:
        planned = evidence.protocol.planned
        if planned and len(run.records) > planned:
            yield Finding(
                "surplus_routes",
                Severity.ERROR,
                f"{len(run.records)} drives {'of ' + run.name if run.name else ''} for"
                f" {planned} routes of {evidence.protocol.title}; all of them count, so the"
                " denominator is not the benchmark's.",
            )


def doubled_routes(evidence: Evidence) -> Iterable[Finding]:
    """Routes that were driven twice in one run."""
    doubled = evidence.results.doubled
    if doubled:
        names = tuple(item.record.label for item in doubled)
        yield Finding(
            "doubled_routes",
            Severity.WARNING,
            f"{counted(len(set(names)), 'route')} {_has(len(set(names)))} more than one record in"
            " a run; a drive counts before a crash, and the lowest score of several:"
            f" {listed(names)}.",
            names,
        )


def crashed_routes(evidence: Evidence) -> Iterable[Finding]:
    """Drives that software ended, and what leaving them out would do."""
    crashed = [record for record in evidence.records if record.crashed]
    if crashed:
        names = tuple(record.label for record in crashed)
        kinds = sorted({record.status.removeprefix("Failed - ") for record in crashed})
        yield Finding(
            "crashed_routes",
            Severity.WARNING,
            f"{counted(len(crashed), 'drive')} ended by a crash ({', '.join(kinds)}) and"
            f" {'counts' if len(crashed) == 1 else 'count'} as driven, with what"
            f" {'it' if len(crashed) == 1 else 'they'} scored: {listed(names)}.",
            names,
        )


def unfinished_routes(evidence: Evidence) -> Iterable[Finding]:
    """Records of drives that are still under way, or were killed."""
    names = tuple(record.label for record in evidence.records if not record.finished)
    if names:
        yield Finding(
            "unfinished_routes",
            Severity.WARNING,
            f"{counted(len(names), 'record')} of a drive that has not ended (status Started)"
            f" {'counts' if len(names) == 1 else 'count'} with what it scored so far:"
            f" {listed(names)}.",
            names,
        )


def other_denominator(evidence: Evidence) -> Iterable[Finding]:
    """Merged files whose own mean is over fewer routes than the benchmark has."""
    planned = evidence.protocol.planned
    for claim in evidence.results.claims:
        records = [record for record in evidence.records if record.source == claim.source]
        total = math.fsum(record.scores.driving_score for record in records)
        used = total / claim.driving_score if claim.driving_score else 0.0
        if planned and used and abs(used - planned) > 0.5:
            yield Finding(
                "denominator",
                Severity.ERROR,
                f"{claim.source} states a driving score of {claim.driving_score:.2f}, which is"
                f" over {used:.0f} routes; over all {planned} it is {total / planned:.2f}.",
            )


def wrong_penalties(evidence: Evidence) -> Iterable[Finding]:
    """Stored penalties and scores that do not follow from the record itself."""
    rules = evidence.provenance.rules
    ended = [r for r in evidence.records if r.finished and not r.crashed]
    odd = tuple(record.label for record in ended if not stored_fits(record, rules))
    if odd:
        yield Finding(
            "penalty",
            Severity.WARNING,
            f"The stored penalty of {counted(len(odd), 'record')} does not multiply out by the"
            f" rules of {rules.title}; recomputed here: {listed(odd)}.",
            odd,
        )
    unequal = tuple(
        record.label
        for record in ended
        if abs(_product(record) - record.scores.driving_score) > 100.0 * TOLERANCE
    )
    if unequal:
        yield Finding(
            "score",
            Severity.WARNING,
            f"The stored score of {counted(len(unequal), 'record')} is not completion times"
            f" penalty; recomputed here: {listed(unequal)}.",
            unequal,
        )


def _product(record: RouteRecord) -> float:
    """Stored completion times stored penalty."""
    return record.scores.route_completion * record.scores.penalty


MAX_STEP_M = 1.0
GOAL_SHARE = 0.99
RELAXED_SHARE = 0.98
MIN_ODD = 3


def relaxed_goal(evidence: Evidence) -> Iterable[Finding]:
    """Drives that were called complete before 99 % of the route.

    A drive to the end closes a speed checkpoint at least every (length / parts + 1) metres, and the
    last one. And the share of the route that was left says how far the whole drive went.
    """
    rules = evidence.provenance.rules.criteria
    done = [record for record in evidence.records if record.reached_goal and record.route_length_m]
    short: list[str] = []
    if rules.report_every_checkpoint:
        short = [record.label for record in done if _few_checkpoints(record, rules.checkpoints)]
    shares = [share for record in done if (share := _most_driven(record)) is not None]
    early = [share for share in shares if share < RELAXED_SHARE]
    incomplete = [record.label for record in done if record.route_completion < 99.0]
    if len(short) < MIN_ODD and len(early) < MIN_ODD and not incomplete:
        return
    ends = f", some at about {100.0 * min(early):.0f} %" if early else ""
    number = max(len(short), len(early), len(incomplete))
    yield Finding(
        "relaxed_goal",
        Severity.ERROR,
        f"{number} of {counted(len(done), 'complete drive')} ended before 99 % of the route was"
        f" driven{ends}. The evaluator was relaxed, and the scores are too high.",
        tuple(short or incomplete),
    )


def _few_checkpoints(record: RouteRecord, parts: int) -> bool:
    """Fewer speed checkpoints than any complete drive makes."""
    length_m = record.route_length_m
    least = math.floor(GOAL_SHARE * length_m / (length_m / parts + MAX_STEP_M)) + 1
    return len(record.events.get(Kind.MIN_SPEED, ())) < least


def _most_driven(record: RouteRecord) -> float | None:
    """Largest share of the route that the sentence about lanes allows; it is rounded."""
    events = record.events.get(Kind.OUTSIDE_ROUTE_LANES, ())
    shares = [event.percentage for event in events if event.percentage]
    if len(shares) != 1 or shares[0] <= 0.1:
        return None
    total_m = (record.outside_lanes_m + 0.0005) / (shares[0] - 0.005) * 100.0
    return total_m / record.route_length_m


def no_tick_limit(evidence: Evidence) -> Iterable[Finding]:
    """Drives that went on after the hard stop."""
    if not evidence.provenance.agrees:
        return
    limit_s = evidence.provenance.rules.criteria.max_ticks * TICK_S
    late = [
        record.label
        for record in evidence.records
        if limit_s and record.duration_game_s > limit_s + 1.0
    ]
    if late:
        yield Finding(
            "no_tick_limit",
            Severity.WARNING,
            f"{counted(len(late), 'drive')} took longer than the {limit_s:.0f} s at which"
            f" {evidence.provenance.rules.title} stops: {listed(late)}.",
            tuple(late),
        )


def renamed_routes(evidence: Evidence) -> Iterable[Finding]:
    """Files whose name says another route than the record in them."""
    names = tuple(
        record.route
        for record in evidence.records
        if record.filed_as and replace(record, filed_as="").route != record.filed_as
    )
    if names:
        yield Finding(
            "renamed_routes",
            Severity.NOTE,
            f"{counted(len(names), 'file')} {_has(len(names))} another route in the name than in"
            f" the record; the name counts: {listed(names)}.",
            names,
        )


def few_seeds(evidence: Evidence) -> Iterable[Finding]:
    """Fewer drives of each route than the benchmark asks for."""
    runs, asked = len(evidence.results.runs), evidence.protocol.seeds
    if runs < asked:
        benchmark = evidence.provenance.benchmark or evidence.protocol
        yield Finding(
            "few_seeds",
            Severity.NOTE,
            f"{benchmark.title} asks for {asked} runs of every route; here"
            f" {'is 1' if runs == 1 else f'are {runs}'}.",
        )


def mixed_drivers(evidence: Evidence) -> Iterable[Finding]:
    """Run folders of several drivers under one path: their mean is nobody's score."""
    drivers = sorted(evidence.results.drivers)
    if len(drivers) > 1:
        yield Finding(
            "mixed_drivers",
            Severity.ERROR,
            f"Runs of {len(drivers)} drivers ({listed(drivers)}) are averaged; name the folder of"
            " each driver by itself.",
        )


def other_plan(evidence: Evidence) -> Iterable[Finding]:
    """Run folders whose learner was given another plan than the benchmark's."""
    asked = evidence.protocol.criteria.plan_spacing_m
    odd = sorted(value for value in evidence.results.plan_spacings_m if value != asked)
    if odd and evidence.is_chosen:
        yield Finding(
            "plan_spacing",
            Severity.ERROR,
            f"The drivers were given a plan with points every {odd[0]:.0f} m;"
            f" {evidence.protocol.title} gives one every {asked:.0f} m.",
        )


def spread_of_lengths(evidence: Evidence) -> Iterable[Finding]:
    """Records without a length: they add infractions and no kilometres."""
    names = tuple(
        record.label
        for record in evidence.records
        if not record.route_length_m and not record.crashed
    )
    if names:
        yield Finding(
            "no_length",
            Severity.WARNING,
            f"{counted(len(names), 'record')} {_has(len(names))} a route of no length, so that"
            f" rates for each kilometre are too high: {listed(names)}.",
            names,
        )


TESTS: tuple[Test, ...] = (
    wrong_rules,
    mixed_rules,
    other_routes,
    relaxed_goal,
    other_denominator,
    surplus_routes,
    mixed_drivers,
    other_plan,
    missing_routes,
    doubled_routes,
    crashed_routes,
    unfinished_routes,
    wrong_penalties,
    no_tick_limit,
    spread_of_lengths,
    renamed_routes,
    few_seeds,
)
"""Everything that is looked for, worst first."""


def examine(evidence: Evidence) -> tuple[Finding, ...]:
    """All findings."""
    found = [finding for test in TESTS for finding in test(evidence)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
