"""The whole story of a set of results: protocol, scores, metrics, intervals, what is wrong."""

import importlib
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symdrive.record.names import RESULT_FILE, RUN_FILE
from symdrive.scoring.comfort import Motion, motion_from_metric_info
from symdrive.scoring.findings import Evidence, Finding, examine
from symdrive.scoring.metrics import Comfort, Measure, Sample, ScenarioRow, Scored, by_scenario
from symdrive.scoring.protocol import Protocol, Summary, aggregate, score_route
from symdrive.scoring.provenance import Provenance, trace
from symdrive.scoring.route_tables import RouteInfo, route_table
from symdrive.scoring.score import RouteScore
from symdrive.scoring.sources import ResultRun, ResultSet, read_results
from symdrive.scoring.uncertainty import Comparison, Interval, bootstrap, compare


@dataclass(frozen=True)
class ScoredRun:
    """One run, scored.

    Attributes:
        name: of the run; empty for the only one.
        summary: its means.
        scored: its drives.
        missing: number of planned routes without a record.
    """

    name: str
    summary: Summary
    scored: tuple[Scored, ...]
    missing: int


@dataclass(frozen=True)
class Alternatives:
    """The same scores over other denominators, for comparison with what others print.

    Attributes:
        over_records: mean driving score over drives with a record.
        num_records: how many.
        over_driven: mean driving score over drives that no crash ended.
        num_driven: how many.
    """

    over_records: float
    num_records: int
    over_driven: float
    num_driven: int


@dataclass(frozen=True)
class Assessment:
    """A set of results, scored.

    Attributes:
        name: of the path.
        results: what was read.
        protocol: that it was scored by.
        provenance: which rules and benchmark the files show.
        summary: means over all runs.
        runs: each run alone.
        measures: what the protocol reports besides.
        alternatives: other denominators.
        over_routes: driving score with its interval over routes, of each route's mean over runs.
        over_seeds: driving score with its interval over runs; None for one run.
        success_over_routes: success rate with its interval over routes.
        seed_deviation: standard deviation of a run's driving score; None for one run.
        scenarios: means of each scenario type.
        findings: what is wrong or odd.
    """

    name: str
    results: ResultSet
    protocol: Protocol
    provenance: Provenance
    summary: Summary
    runs: tuple[ScoredRun, ...]
    measures: tuple[Measure, ...]
    alternatives: Alternatives
    over_routes: Interval | None
    over_seeds: Interval | None
    success_over_routes: Interval | None
    seed_deviation: float | None
    scenarios: tuple[ScenarioRow, ...]
    findings: tuple[Finding, ...]

    @property
    def scored(self) -> tuple[Scored, ...]:
        """Drives of all runs."""
        return tuple(item for run in self.runs for item in run.scored)

    @property
    def macro_driving_score(self) -> float | None:
        """Mean over scenario types; None where no drive names its scenario."""
        scores = [row.driving_score for row in self.scenarios]
        return math.fsum(scores) / len(scores) if scores else None

    @property
    def macro_success_rate(self) -> float | None:
        """Mean over scenario types; None where no drive names its scenario."""
        rates = [row.success_rate for row in self.scenarios]
        return math.fsum(rates) / len(rates) if rates else None

    @property
    def by_route(self) -> Mapping[str, float]:
        """Mean driving score of each route over the runs that drove it."""
        found: dict[str, list[float]] = {}
        for item in self.scored:
            found.setdefault(item.record.route, []).append(item.score.driving_score)
        return {route: math.fsum(scores) / len(scores) for route, scores in sorted(found.items())}


def assess(path: Path, protocol: Protocol | None = None) -> Assessment:
    """Read, find out the protocol unless one is given, score, and examine.

    Raises:
        UserError: when there is nothing to score at or below the path.
    """
    return assess_results(read_results(path), protocol)


def assess_results(results: ResultSet, protocol: Protocol | None = None) -> Assessment:
    """As `assess`, of results that were read."""
    provenance = trace(results.records)
    rules = protocol or provenance.protocol
    runs = tuple(_score_run(run, rules) for run in results.runs)
    scored = tuple(item for run in runs for item in run.scored)
    planned = sum(run.summary.num_planned for run in runs)
    summary = aggregate([item.score for item in scored], planned)
    sample = Sample(scored, planned, _table(rules), _motions(results, rules, scored))
    means = [run.summary.driving_score for run in runs]
    evidence = Evidence(results, rules, provenance, is_chosen=protocol is not None)
    return Assessment(
        name=str(results.path),
        results=results,
        protocol=rules,
        provenance=provenance,
        summary=summary,
        runs=runs,
        measures=tuple(m for metric in rules.metrics for m in metric.measure(sample)),
        alternatives=_alternatives(scored),
        over_routes=_over_routes(
            scored, summary, len(runs), lambda score: score.driving_score, summary.driving_score
        ),
        over_seeds=bootstrap(means),
        success_over_routes=_over_routes(
            scored, summary, len(runs), lambda score: 100.0 * score.success, summary.success_rate
        ),
        seed_deviation=statistics.stdev(sorted(means)) if len(means) > 1 else None,
        scenarios=by_scenario(sample, len(runs)),
        findings=examine(evidence),
    )


def _table(protocol: Protocol) -> Mapping[str, RouteInfo]:
    """Routes of the protocol's benchmark; empty where any will do."""
    return route_table(protocol.table) if protocol.table else {}


def _score_run(run: ResultRun, protocol: Protocol) -> ScoredRun:
    """Score every record; missing routes count zero."""
    scored = tuple(Scored(record, score_route(record, protocol)) for record in run.records)
    planned = max(protocol.planned or run.planned, len(scored))
    return ScoredRun(
        name=run.name,
        summary=aggregate([item.score for item in scored], max(planned, 1)),
        scored=scored,
        missing=planned - len(scored),
    )


def _motions(results: ResultSet, rules: Protocol, scored: Sequence[Scored]) -> dict[str, Motion]:
    """How the car moved in the drives that were scored, where the protocol asks for it."""
    if not any(isinstance(metric, Comfort) for metric in rules.metrics):
        return {}
    wanted = {item.record.save_name for item in scored} & set(results.motions)
    found = {name: motion_from_metric_info(results.motions[name]) for name in sorted(wanted)}
    sources = [Path(item.record.source) for item in scored]
    folders = [path.parent for path in sources if path.with_name(RUN_FILE).is_file()]
    if folders:
        # Arrow is loaded only for those who score run folders for comfort.
        reader = importlib.import_module("symdrive.scoring.run_motion")
        found |= {str(path / RESULT_FILE): reader.motion_of_run(path) for path in folders}
    return found


def _alternatives(scored: Sequence[Scored]) -> Alternatives:
    """Means over drives with a record, and over those that no crash ended."""
    driven = [item.score for item in scored if not item.record.crashed]
    return Alternatives(
        over_records=_mean_score([item.score for item in scored]),
        num_records=len(scored),
        over_driven=_mean_score(driven),
        num_driven=len(driven),
    )


def _mean_score(scores: Sequence[RouteScore]) -> float:
    """Mean driving score; 0 of none."""
    return math.fsum(score.driving_score for score in scores) / max(len(scores), 1)


def _over_routes(
    scored: Sequence[Scored],
    summary: Summary,
    runs: int,
    value: Callable[[RouteScore], float],
    mean: float,
) -> Interval | None:
    """Interval over routes; a missing drive counts zero, as it does in the mean."""
    sums: dict[str, list[float]] = {}
    for item in scored:
        sums.setdefault(item.record.route, []).append(value(item.score))
    values = [math.fsum(found) / runs for found in sums.values()]
    values += [0.0] * max(0, round(summary.num_planned / runs) - len(values))
    found = bootstrap(values)
    return None if found is None else replace(found, mean=mean)


def compare_assessments(first: Assessment, second: Assessment) -> Comparison:
    """Driving score of the first minus that of the second, route by route."""
    return compare(first.by_route, second.by_route)
