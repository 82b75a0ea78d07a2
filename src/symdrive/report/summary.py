"""The page of a benchmark: every driver, every route, one table, links to the single drives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symdrive.maps.town import Town
from symdrive.record.reader import Run
from symdrive.report import plots
from symdrive.report.page import REPORT_FILE, VIDEO_FILE, render_page, town_map_of_routes
from symdrive.scoring.protocol import Summary
from symdrive.scoring.records import read_record

COLUMNS = ("driving score", "route completion", "penalty", "success", "infractions / km", "routes")


@dataclass(frozen=True)
class DriverRuns:
    """All drives of one driver.

    Attributes:
        name: of the driver.
        summary: their mean scores.
        runs: one a route.
    """

    name: str
    summary: Summary
    runs: tuple[Run, ...]


def write_summary(
    folder: Path,
    town: Town,
    drivers: Sequence[DriverRuns],
    *,
    title: str,
    protocol: str,
) -> Path:
    """Write `report.html` into a folder that holds the run folders.

    Raises:
        UserError: when the disk refuses.
    """
    best = max((d.summary.driving_score for d in drivers), default=0.0)
    first = drivers[0].runs
    values: dict[str, object] = {
        "title": title,
        "subtitle": _subtitle(town, first),
        "columns": COLUMNS,
        "drivers": [_driver_row(d, is_best=d.summary.driving_score == best) for d in drivers],
        "protocol": protocol,
        "score_plot": plots.score_plot(_scores(drivers), [_route_id(run) for run in first]),
        "videos": _videos(folder, drivers),
        "drives": [row for d in drivers for row in _drive_rows(folder, d)],
        "map": town_map_of_routes(town, [run.meta.episode.route.points for run in first]),
    }
    return render_page("summary.html.j2", values, folder / REPORT_FILE)


def _subtitle(town: Town, runs: Sequence[Run]) -> str:
    traffic = runs[0].meta.episode.traffic
    return (
        f"{len(runs)} routes in {town.name}, {traffic.vehicles} vehicles,"
        f" {traffic.pedestrians} pedestrians, {traffic.parked} parked cars"
    )


def _driver_row(driver: DriverRuns, *, is_best: bool) -> dict[str, object]:
    s = driver.summary
    cells = (
        f"{s.driving_score:.1f}",
        f"{s.route_completion:.1f} %",
        f"{s.penalty:.2f}",
        f"{s.success_rate:.0f} %",
        f"{s.infractions_per_km:.2f}" if s.has_driven else "–",
        f"{len(driver.runs)}",
    )
    return {"name": driver.name, "cells": cells, "best": is_best}


def _scores(drivers: Sequence[DriverRuns]) -> Mapping[str, Mapping[str, float]]:
    return {
        driver.name: {
            _route_id(run): read_record(run.folder).scores.driving_score for run in driver.runs
        }
        for driver in drivers
    }


def _route_id(run: Run) -> str:
    return run.meta.episode.route.route_id


def _videos(folder: Path, drivers: Sequence[DriverRuns]) -> list[dict[str, str]]:
    """Videos that have been rendered, two at most for each driver."""
    found: list[dict[str, str]] = []
    for driver in drivers:
        with_video = [run for run in driver.runs if run.folder.joinpath(VIDEO_FILE).is_file()]
        found += [
            {
                "title": f"{driver.name}, route {_route_id(run)}",
                "src": str(run.folder.joinpath(VIDEO_FILE).relative_to(folder)),
            }
            for run in with_video[:2]
        ]
    return found


def _drive_rows(folder: Path, driver: DriverRuns) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for run in driver.runs:
        record, page = read_record(run.folder), run.folder / REPORT_FILE
        texts = [text for messages in record.infractions.values() for text in messages]
        rows.append(
            {
                "route": _route_id(run),
                "driver": driver.name,
                "link": str(page.relative_to(folder)) if page.is_file() else "",
                "score": f"{record.scores.driving_score:.1f}",
                "completion": f"{record.scores.route_completion:.1f}",
                "penalty": f"{record.scores.penalty:.2f}",
                "status": record.status,
                "infractions": "; ".join(texts),
            }
        )
    return rows
