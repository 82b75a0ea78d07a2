"""The tables of `symdrive score`, for a terminal of 100 columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import commonpath
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from symdrive.cli.screen import console
from symdrive.scoring.assessment import Assessment
from symdrive.scoring.findings import Severity
from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.metrics import Measure
from symdrive.scoring.protocol import Protocol
from symdrive.scoring.report_table import LABELS, SHORT_LABELS
from symdrive.scoring.score import RouteScore
from symdrive.scoring.uncertainty import Comparison, runs_needed

MARKS = {
    Severity.ERROR: "[bold red]error[/]",
    Severity.WARNING: "[yellow]warning[/]",
    Severity.NOTE: "[dim]note[/]",
}
LONGEST_NAME = 30


@dataclass(frozen=True)
class Detail:
    """How much is shown.

    Attributes:
        routes: every drive.
        scenarios: every scenario type.
        tell: difference for which the number of runs is worked out.
    """

    routes: bool
    scenarios: bool
    tell: float


def show(
    found: Mapping[str, Assessment],
    other: Assessment | None,
    compared: Mapping[str, Comparison],
    detail: Detail,
) -> None:
    """Everything about some sets of results; several are told apart by letters."""
    names = short_names(list(found))
    tags = {name: _tag(i) if len(found) > 1 else "" for i, name in enumerate(found)}
    for name, item in found.items():
        if detail.routes:
            console.print(f"[bold]{_title(tags[name], names[name])}[/]")
            console.print(drive_table(item), "")
        if detail.scenarios:
            console.print(f"[bold]{_title(tags[name], names[name])}[/], by scenario")
            console.print(scenario_table(item), "")
    for protocol in _protocols(found):
        same = {n: a for n, a in found.items() if a.protocol.name == protocol.name}
        console.print(f"scored as [bold]{protocol.title or protocol.name}[/]")
        console.print(score_table({_title(tags[n], names[n]): a for n, a in same.items()}), "")
    sets = {tags[name] or "value": item for name, item in found.items()}
    console.print(rate_table(sets))
    for protocol in _protocols(found):
        same = {tag: item for tag, item in sets.items() if item.protocol.name == protocol.name}
        if any(measure.value is not None for a in same.values() for measure in a.measures):
            console.print("", measure_table(same, protocol))
    for name, item in found.items():
        console.print()
        show_remarks(_title(tags[name], names[name]), item, detail.tell)
    if other is not None and compared:
        rows = {tags[name] or names[name]: item for name, item in compared.items()}
        console.print("", comparison_table(rows, other))


def _protocols(found: Mapping[str, Assessment]) -> list[Protocol]:
    """Each protocol once, in the order of the sets."""
    return list({item.protocol.name: item.protocol for item in found.values()}.values())


def _tag(index: int) -> str:
    """A, B, ... Z, then numbers."""
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def _title(tag: str, name: str) -> str:
    """Letter and name, safe to print."""
    return escape(f"{tag}  {name}".strip())


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Paths without what they have in common, the end of long ones."""
    full = [str(Path(path).absolute()) for path in paths]
    shared = commonpath(full) if len(paths) > 1 else ""
    found = [path[len(shared) :].strip("/") if shared else Path(path).name for path in full]
    found = [name or Path(path).name for name, path in zip(found, full, strict=True)]
    short = [
        name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}" for name in found
    ]
    return dict(zip(paths, short if len(set(short)) == len(short) else found, strict=True))


def score_table(sets: Mapping[str, Assessment]) -> Table:
    """One row a set, best first: score with its interval, success, how much was driven."""
    table = _table("results")
    for title in ("driving\nscore", "95 % over\nroutes", "success\n%", "compl.\n%", "penalty"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("drives", justify="right", no_wrap=True)
    for title, item in sorted(sets.items(), key=lambda pair: -pair[1].summary.driving_score):
        summary, interval = item.summary, item.over_routes
        table.add_row(
            title,
            f"[bold]{summary.driving_score:.2f}[/]",
            f"{interval.low:.1f} – {interval.high:.1f}" if interval else "–",
            f"{summary.success_rate:.2f}",
            f"{summary.route_completion:.2f}",
            f"{summary.penalty:.3f}",
            f"{summary.num_driven} of {summary.num_planned}",
        )
    return table


def rate_table(sets: Mapping[str, Assessment]) -> Table:
    """Infractions of each kind for each driven kilometre; kinds that never came are left out."""
    table = _columns("for each km driven", sets)
    outside, slow = InfractionKind.OUTSIDE_ROUTE_LANES, InfractionKind.MIN_SPEED
    skipped = {outside}
    if all(item.protocol.criteria.report_every_checkpoint for item in sets.values()):
        skipped.add(slow)  # every checkpoint is reported, fast ones as well
    for kind, label in LABELS.items():
        rates = [item.summary.rates[kind] for item in sets.values()]
        if any(rates) and kind not in skipped:
            table.add_row(label, *(_rate(a, a.summary.rates[kind]) for a in sets.values()))
    if any(item.summary.rates[outside] for item in sets.values()):
        rates = [item.summary.rates[outside] for item in sets.values()]
        table.add_row("outside of lanes, km in all", *(f"{rate:.3f}" for rate in rates))
    table.add_row("driven, km", *(f"{item.summary.driven_km:.2f}" for item in sets.values()))
    return table


def _rate(item: Assessment, rate: float) -> str:
    """Three digits; nothing where no kilometre is known."""
    return f"{rate:.3f}" if item.summary.driven_km else "–"


def measure_table(sets: Mapping[str, Assessment], protocol: Protocol) -> Table:
    """What a protocol reports besides, and the macro average over scenarios."""
    table = _columns(f"{protocol.title or protocol.name} reports", sets)
    for row in zip(*(item.measures for item in sets.values()), strict=True):
        if any(measure.value is not None for measure in row):
            table.add_row(row[0].label, *map(_value, row))
    for label, values in (
        ("driving score, mean of scenarios", [s.macro_driving_score for s in sets.values()]),
        ("success, mean of scenarios", [s.macro_success_rate for s in sets.values()]),
    ):
        if any(value is not None for value in values):
            table.add_row(label, *("–" if value is None else f"{value:.2f}" for value in values))
    return table


def _value(measure: Measure) -> str:
    """Two digits."""
    return "–" if measure.value is None else f"{measure.value:.2f}"


def _table(title: str) -> Table:
    """Lines under the head only; where room is short, the first column gives way."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(title, overflow="fold")
    return table


def _columns(title: str, sets: Mapping[str, Assessment]) -> Table:
    """A table with a column for each set."""
    table = _table(title)
    for tag in sets:
        table.add_column(tag, justify="right", no_wrap=True, min_width=7)
    return table


def drive_table(item: Assessment) -> Table:
    """One row a drive, in the order of routes, run by run."""
    table = _table("route")
    for title in ("score", "compl. %", "penalty"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("infractions", overflow="fold")
    for run in item.runs:
        for scored in run.scored:
            score = scored.score
            table.add_row(
                escape(f"{run.name}  {scored.record.label}".strip()),
                f"{score.driving_score:.1f}",
                f"{score.route_completion:.1f}",
                f"{score.penalty:.2f}",
                score.status.removeprefix("Failed - "),
                _infractions(item, score),
            )
    return table


def _infractions(item: Assessment, score: RouteScore) -> str:
    """`2 vehicle, red light`; reported speeds are none where every checkpoint is reported."""
    skipped = InfractionKind.MIN_SPEED if item.protocol.criteria.report_every_checkpoint else None
    counts = {kind: score.counts.get(kind, 0) for kind in SHORT_LABELS if kind is not skipped}
    return ", ".join(
        SHORT_LABELS[kind] if count == 1 else f"{count} {SHORT_LABELS[kind]}"
        for kind, count in counts.items()
        if count
    )


def scenario_table(item: Assessment) -> Table:
    """One row a scenario type, worst first."""
    table = _table("scenario")
    for title in ("driving score", "success %", "drives"):
        table.add_column(title, justify="right")
    for row in sorted(item.scenarios, key=lambda row: (row.driving_score, row.scenario)):
        table.add_row(
            row.scenario,
            f"{row.driving_score:.1f}",
            f"{row.success_rate:.0f}",
            f"{row.num_drives} of {row.num_planned}",
        )
    return table


def show_remarks(title: str, item: Assessment, tell: float) -> None:
    """What to know of one set, in sentences."""
    console.print(f"[bold]{title}[/]")
    for line in remarks(item, tell):
        console.print(Padding(escape(line), (0, 0, 0, 2)))
    table = Table(box=None, show_header=False, pad_edge=True, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for finding in item.findings:
        table.add_row(MARKS[finding.severity], escape(finding.message))
    if item.findings:
        console.print(Padding(table, (0, 0, 0, 2)))


def remarks(item: Assessment, tell: float) -> list[str]:
    """Sentences about protocol, other denominators and seeds."""
    found, benchmark = item.provenance, item.provenance.benchmark
    if benchmark is not None and found.agrees:
        lines = [f"Rules and routes of {benchmark.title}."]
    else:
        routes = f"routes of {benchmark.title}" if benchmark else "routes of no known benchmark"
        lines = [f"Rules of {found.rules.title}, {routes}."]
    other = item.alternatives
    if other.num_records != item.summary.num_planned or other.num_driven != other.num_records:
        line = f"Over {other.num_records} drives with a record {other.over_records:.2f}"
        if other.num_driven != other.num_records:
            line += f", over {other.num_driven} without a crash {other.over_driven:.2f}"
        lines.append(f"{line}; the score above is over all {item.summary.num_planned}.")
    if item.seed_deviation is not None:
        scores = ", ".join(f"{run.summary.driving_score:.2f}" for run in item.runs)
        needed = runs_needed(tell, item.seed_deviation)
        seeds = item.over_seeds
        ends = f", 95 % over runs {seeds.low:.2f} – {seeds.high:.2f}" if seeds else ""
        lines.append(
            f"{len(item.runs)} runs: {scores}; standard deviation {item.seed_deviation:.2f}{ends}."
            f" To tell a difference of {tell:g}, each method needs {needed} runs (80 % power)."
        )
    return lines


def comparison_table(compared: Mapping[str, Comparison], other: Assessment) -> Table:
    """Differences to another set, route by route."""
    table = _table(f"against {escape(Path(other.name).name)}")
    for column in ("Δ score", "95 %", "better", "worse", "equal", "p", "routes"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, item in compared.items():
        gap = item.difference
        table.add_row(
            name,
            f"[bold]{gap.mean:+.2f}[/]" if gap else "–",
            f"{gap.low:+.2f} to {gap.high:+.2f}" if gap else "–",
            str(item.wins),
            str(item.losses),
            str(item.ties),
            f"{item.p_value:.3g}",
            _common(item),
        )
    return table


def _common(item: Comparison) -> str:
    """Routes in both, and in one only."""
    alone = len(item.only_first) + len(item.only_second)
    return f"{len(item.by_route)}" + (f" (+{alone})" if alone else "")
