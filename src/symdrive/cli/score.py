"""`symdrive score`: one table from recorded runs."""

import csv
import io
import json
from pathlib import Path

from symdrive.cli.options import Score
from symdrive.cli.screen import console, route_table, summary_table
from symdrive.core.config import to_plain
from symdrive.core.errors import UserError
from symdrive.record.reader import find_runs
from symdrive.scoring.protocol import PROTOCOLS, Protocol, RouteScore, aggregate, score_route
from symdrive.scoring.records import records_from_runs


def run(options: Score) -> None:
    """Score every path and print."""
    protocol = _protocol(options.protocol)
    scores = {str(path): _scores(path, protocol) for path in options.paths}
    planned = {str(path): len(find_runs(path)) for path in options.paths}
    if options.format == "json":
        print(json.dumps(_plain(scores, planned), indent=1))
    elif options.format == "csv":
        print(_csv(scores), end="")
    else:
        for name, rows in scores.items():
            console.print(f"\n[bold]{name}[/]")
            console.print(route_table(rows))
        console.print()
        console.print(
            summary_table({name: aggregate(rows, planned[name]) for name, rows in scores.items()})
        )


def _protocol(name: str) -> Protocol:
    """By name; dashes and underscores are the same."""
    wanted = name.replace("-", "_")
    if wanted not in PROTOCOLS:
        raise UserError(f"no protocol is called {name!r}; known: {', '.join(sorted(PROTOCOLS))}.")
    return PROTOCOLS[wanted]


def _scores(path: Path, protocol: Protocol) -> list[RouteScore]:
    """Scores of all finished runs at or below a folder."""
    records = records_from_runs(path)
    if not records:
        raise UserError(f"{path} holds no finished run; drive first, or name another folder.")
    return [score_route(record, protocol) for record in records]


def _plain(scores: dict[str, list[RouteScore]], planned: dict[str, int]) -> dict[str, object]:
    """For other programs."""
    return {
        "schema_version": 1,
        "results": {
            name: {
                "summary": _summary(rows, planned[name]),
                "routes": [_route(row) for row in rows],
            }
            for name, rows in scores.items()
        },
    }


def _summary(rows: list[RouteScore], planned: int) -> dict[str, object]:
    plain = aggregate(rows, planned)
    found = {key: value for key, value in vars(plain).items() if key != "rates"}
    return {**found, "rates": {kind.value: rate for kind, rate in plain.rates.items()}}


def _route(row: RouteScore) -> dict[str, object]:
    found = {key: to_plain(value) for key, value in vars(row).items() if key != "counts"}
    return {**found, "counts": {kind.value: count for kind, count in row.counts.items()}}


def _csv(scores: dict[str, list[RouteScore]]) -> str:
    """One line a route."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["set", "route", "driving_score", "route_completion", "penalty", "status"])
    for name, rows in scores.items():
        for row in rows:
            writer.writerow(
                [
                    name,
                    row.route_id,
                    row.driving_score,
                    row.route_completion,
                    row.penalty,
                    row.status,
                ]
            )
    return out.getvalue()
