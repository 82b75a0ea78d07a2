"""`symdrive score`: which protocol, what score, what is wrong."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from symdrive.cli.options import Score
from symdrive.cli.score_markdown import markdown
from symdrive.cli.score_screen import Detail, show
from symdrive.core.errors import UserError
from symdrive.scoring.assessment import Assessment, assess, compare_assessments
from symdrive.scoring.document import csv_rows, document
from symdrive.scoring.protocol import Protocol, protocol_named
from symdrive.scoring.uncertainty import Comparison

LEFT_OUT = 3
"""Exit code where good results were scored and bad ones left out."""

FEW_DRIVES = 30
"""So many are listed without being asked for."""


def run(options: Score) -> int:
    """Score every path and print; 3 where something was left out."""
    if not options.paths:
        raise UserError("no path is given; name result files, run folders, or folders of either.")
    if not options.tell > 0.0:
        raise UserError(f"--tell is {options.tell}; a difference above 0 would be right.")
    protocol = None if options.protocol == "auto" else protocol_named(options.protocol)
    found, reasons = _assess(options.paths, protocol)
    other = assess(options.against, protocol) if options.against else None
    compared = {
        name: compare_assessments(item, other)
        for name, item in found.items()
        if other is not None and item.results.path != other.results.path
    }
    _print(options, found, other, compared)
    sets = [*found.values(), *([other] if other else [])]
    reasons += [item.reason for a in sets for item in a.results.left_out]
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for reason in reasons:
        errors.print("[bold red]left out:[/] " + reason.replace("[", "\\["))
    return LEFT_OUT if reasons else 0


def _assess(
    paths: Sequence[Path], protocol: Protocol | None
) -> tuple[dict[str, Assessment], list[str]]:
    """Every path that can be scored, and why others cannot; one that stands alone is refused."""
    found: dict[str, Assessment] = {}
    reasons: list[str] = []
    for path in dict.fromkeys(paths):
        item = _try(path, protocol)
        if isinstance(item, str):
            reasons.append(item)
        else:
            found[str(path)] = item
    if not found:
        raise UserError(reasons[0])
    return found, reasons


def _try(path: Path, protocol: Protocol | None) -> Assessment | str:
    """A path scored, or the reason why it cannot be."""
    try:
        return assess(path, protocol)
    except UserError as error:
        return str(error)


def _print(
    options: Score,
    found: Mapping[str, Assessment],
    other: Assessment | None,
    compared: Mapping[str, Comparison],
) -> None:
    """In the format that was asked for."""
    if options.format == "json":
        name = str(options.against or "")
        plain = document(found, compared, against=name, tell=options.tell)
        print(json.dumps(plain, indent=1, allow_nan=False))
    elif options.format == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(csv_rows(found))
        print(out.getvalue(), end="")
    elif options.format == "markdown":
        print(markdown(found, other, compared, options.tell), end="")
    else:
        num_drives = sum(len(item.scored) for item in found.values())
        detail = Detail(
            routes=options.routes or num_drives <= FEW_DRIVES,
            scenarios=options.scenarios,
            tell=options.tell,
        )
        show(found, other, compared, detail)
