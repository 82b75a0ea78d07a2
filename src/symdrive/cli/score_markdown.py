"""`symdrive score --format markdown`: tables for a paper's appendix or a pull request."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from symdrive.cli.score_screen import remarks, short_names
from symdrive.scoring.assessment import Assessment
from symdrive.scoring.uncertainty import Comparison


def markdown(
    found: Mapping[str, Assessment],
    other: Assessment | None,
    compared: Mapping[str, Comparison],
    tell: float,
) -> str:
    """Scores, metrics, comparison and findings."""
    names = short_names(list(found))
    parts = [_scores(found, names), _measures(found, names)]
    if other is not None:
        parts.append(_comparison(compared, names, other))
    parts += [_findings(names[name], item, tell) for name, item in found.items()]
    return "\n".join(part for part in parts if part)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """First column to the left, numbers to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    """A bar would end the cell."""
    return text.replace("|", "\\|")


def _scores(found: Mapping[str, Assessment], names: Mapping[str, str]) -> str:
    """One row a set."""
    head = ["results", "scored as", "DS", "95 % over routes", "SR %", "RC %", "drives"]
    return _table(
        head,
        (
            [
                names[name],
                item.protocol.title or item.protocol.name,
                f"{item.summary.driving_score:.2f}",
                f"{item.over_routes.low:.1f} – {item.over_routes.high:.1f}"
                if item.over_routes
                else "–",
                f"{item.summary.success_rate:.2f}",
                f"{item.summary.route_completion:.2f}",
                f"{item.summary.num_driven} of {item.summary.num_planned}",
            ]
            for name, item in found.items()
        ),
    )


def _measures(found: Mapping[str, Assessment], names: Mapping[str, str]) -> str:
    """One row a metric; empty where no protocol reports any."""
    keys = {m.key: m.label for item in found.values() for m in item.measures if m.value is not None}
    if not keys:
        return ""
    values = {name: {m.key: m.value for m in item.measures} for name, item in found.items()}
    rows = [
        [label, *(_number(values[name].get(key)) for name in found)] for key, label in keys.items()
    ]
    return _table(["metric", *(names[name] for name in found)], rows)


def _number(value: float | None) -> str:
    """Two digits."""
    return "–" if value is None else f"{value:.2f}"


def _comparison(
    compared: Mapping[str, Comparison], names: Mapping[str, str], other: Assessment
) -> str:
    """One row a set."""
    head = [f"against {Path(other.name).name}", "ΔDS", "95 %", "better", "worse", "equal", "p"]
    rows: list[list[str]] = []
    for name, item in compared.items():
        gap = item.difference
        ends = f"{gap.low:+.2f} to {gap.high:+.2f}" if gap else "–"
        counts = [str(item.wins), str(item.losses), str(item.ties)]
        mean = f"{gap.mean:+.2f}" if gap else "–"
        rows.append([names[name], mean, ends, *counts, f"{item.p_value:.3g}"])
    return _table(head, rows)


def _findings(name: str, item: Assessment, tell: float) -> str:
    """Sentences of one set."""
    lines = [f"- {line}" for line in remarks(item, tell)]
    lines += [f"- **{f.severity.value}**: {f.message}" for f in item.findings]
    return f"**{name}**\n\n" + "".join(f"{line}\n" for line in lines)
