"""What the terminal shows: progress with time left, and tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from symdrive.scoring.protocol import RouteScore, Summary
from symdrive.scoring.report_table import route_rows

console = Console(highlight=False)


def columns() -> tuple[ProgressColumn, ...]:
    """Columns of every progress bar here."""
    return (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )


class Bar:
    """One line of progress; `step` moves it, `note` says something beside it."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def step(self, note: str = "", amount: int = 1) -> None:
        """One unit more."""
        self._progress.update(self._task, advance=amount, note=note)

    def at(self, done: int, total: int) -> None:
        """So many of so many; the line stays as it is once all are done, and another may begin."""
        self._progress.update(self._task, completed=done, total=total)
        if done == total:
            self._progress.stop()


@contextmanager
def bar(description: str, total: int) -> Iterator[Bar]:
    """A progress bar with elapsed time and time left."""
    with Progress(*columns(), console=console) as progress:
        yield Bar(progress, progress.add_task(description, total=total, note=""))


def figures(first: str, *titles: str) -> Table:
    """An empty table: names in the first column, numbers under the titles."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, overflow="fold")
    for title in titles:
        table.add_column(title, justify="right")
    return table


def summary_table(rows: Mapping[str, Summary]) -> Table:
    """One row a driver (or folder), best score first; fits 80 columns."""
    table = figures(
        "driver",
        "driving\nscore",
        "route\ncompl. %",
        "penalty",
        "success\n%",
        "infr.\n/ km",
        "routes",
    )
    ordered = sorted(rows.items(), key=lambda item: -item[1].driving_score)
    for name, s in ordered:
        table.add_row(
            name,
            f"{s.driving_score:.1f}",
            f"{s.route_completion:.1f}",
            f"{s.penalty:.2f}",
            f"{s.success_rate:.0f}",
            f"{s.infractions_per_km:.2f}" if s.has_driven else "–",
            f"{s.num_driven}/{s.num_planned}",
        )
    return table


def route_table(scores: Sequence[RouteScore]) -> Table:
    """One row a route."""
    table = figures("route", "score", "compl. %", "penalty")
    table.add_column("status")
    table.add_column("infractions")
    for row in route_rows(scores):
        table.add_row(
            row.route_id,
            f"{row.driving_score:.1f}",
            f"{row.route_completion:.1f}",
            f"{row.penalty:.2f}",
            row.status,
            ", ".join(row.infractions) or "none",
        )
    return table
