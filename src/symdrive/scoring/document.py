"""The scores as plain data for other programs; `score.schema.json` says what stands where."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import symdrive
from symdrive.scoring.assessment import Assessment, ScoredRun
from symdrive.scoring.metrics import Scored
from symdrive.scoring.protocol import Summary
from symdrive.scoring.sources import ResultSet
from symdrive.scoring.uncertainty import Comparison, Interval, runs_needed

DOCUMENT_VERSION = 2
"""Grows with every change that an older program cannot read."""


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of `document`."""
    text = files("symdrive.scoring").joinpath("score.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def document(
    assessments: Mapping[str, Assessment],
    comparisons: Mapping[str, Comparison] | None = None,
    *,
    against: str = "",
    tell: float = 1.0,
) -> dict[str, Any]:
    """Everything that is known.

    Args:
        assessments: by name of the set.
        comparisons: of some of these sets with another one, by name of the set.
        against: name of the other one.
        tell: difference in driving score for which the number of runs is worked out.
    """
    return {
        "schema": "symdrive.score",
        "schema_version": DOCUMENT_VERSION,
        "symdrive_version": symdrive.__version__,
        "results": {name: _assessment(item, tell) for name, item in assessments.items()},
        "comparisons": {
            name: {"against": against, **_comparison(item)}
            for name, item in (comparisons or {}).items()
        },
    }


def _assessment(item: Assessment, tell: float) -> dict[str, Any]:
    """One set of results."""
    benchmark = item.provenance.benchmark
    return {
        "protocol": item.protocol.name,
        "detected": {
            "rules": item.provenance.rules.name,
            "benchmark": benchmark.name if benchmark else None,
            "contradictions": {
                fit.protocol.name: dict(sorted(fit.against.items())) for fit in item.provenance.fits
            },
        },
        "summary": _summary(item.summary),
        "intervals": {
            "over_routes": _interval(item.over_routes),
            "over_seeds": _interval(item.over_seeds),
            "success_over_routes": _interval(item.success_over_routes),
            "seed_standard_deviation": item.seed_deviation,
            "runs_needed": _runs_needed(item, tell),
        },
        "other_denominators": asdict(item.alternatives),
        "measures": [asdict(measure) for measure in item.measures],
        "scenarios": {
            "macro_driving_score": item.macro_driving_score,
            "macro_success_rate": item.macro_success_rate,
            "rows": [asdict(row) for row in item.scenarios],
        },
        "runs": [
            {"name": run.name, "missing": run.missing, "summary": _summary(run.summary)}
            for run in item.runs
        ],
        "routes": [_route(run, scored) for run in item.runs for scored in run.scored],
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "message": finding.message,
                "routes": list(finding.routes),
            }
            for finding in item.findings
        ],
        "left_out": left_out(item.results),
    }


def left_out(results: ResultSet) -> list[dict[str, str]]:
    """What was not scored, and why."""
    return [{"where": item.where, "reason": item.reason} for item in results.left_out]


def _summary(summary: Summary) -> dict[str, Any]:
    """Means and rates."""
    found = {key: value for key, value in vars(summary).items() if key != "rates"}
    return {**found, "rates": {kind.value: rate for kind, rate in summary.rates.items()}}


def _runs_needed(item: Assessment, tell: float) -> dict[str, Any] | None:
    """Runs of each method that tell a difference; None where there is one run only."""
    if item.seed_deviation is None:
        return None
    return {"difference": tell, "runs": runs_needed(tell, item.seed_deviation)}


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    """Ends of an interval."""
    return None if interval is None else asdict(interval)


def _route(run: ScoredRun, item: Scored) -> dict[str, Any]:
    """One drive."""
    record, score = item.record, item.score
    return {
        "run": run.name,
        "route_id": score.route_id,
        "town": record.town,
        "scenario": record.scenario_type,
        "status": score.status,
        "driving_score": score.driving_score,
        "route_completion": score.route_completion,
        "penalty": score.penalty,
        "success": score.success,
        "stored_penalty": record.scores.penalty,
        "stored_driving_score": record.scores.driving_score,
        "route_length_m": score.route_length_m,
        "duration_game_s": record.duration_game_s,
        "outside_lanes_m": score.outside_lanes_m,
        "counts": {kind.value: count for kind, count in score.counts.items()},
        "source": record.source,
    }


def _comparison(item: Comparison) -> dict[str, Any]:
    """A paired comparison."""
    return {
        "difference": _interval(item.difference),
        "wins": item.wins,
        "losses": item.losses,
        "ties": item.ties,
        "sign_test_p": item.p_value,
        "only_first": list(item.only_first),
        "only_second": list(item.only_second),
        "by_route": dict(item.by_route),
    }


CSV_COLUMNS: Sequence[str] = (
    "set",
    "route",
    "driving_score",
    "route_completion",
    "penalty",
    "status",
    "success",
    "run",
    "town",
    "scenario",
    "route_length_m",
    "duration_game_s",
)
"""Columns of the table of drives; then one for each kind of infraction."""


def csv_rows(assessments: Mapping[str, Assessment]) -> list[list[object]]:
    """One line a drive, below the names of the columns."""
    kinds = [kind.value for kind in next(iter(assessments.values())).summary.rates]
    rows: list[list[object]] = [[*CSV_COLUMNS, *kinds]]
    for name, item in assessments.items():
        for run in item.runs:
            for scored in run.scored:
                line = _route(run, scored)
                known = {**line, "set": name, "route": line["route_id"]}
                counts: Mapping[str, int] = line["counts"]
                rows.append(
                    [known[key] for key in CSV_COLUMNS] + [counts.get(kind, 0) for kind in kinds]
                )
    return rows
