"""`symdrive show`: the report page of what was recorded."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from symdrive.cli.options import Show
from symdrive.cli.pages import Page, write_pages
from symdrive.cli.screen import console
from symdrive.core.errors import UserError
from symdrive.maps.open import open_town
from symdrive.maps.town import Town
from symdrive.record.reader import Run, find_runs, open_run
from symdrive.record.schema import RUN_FILE
from symdrive.report.summary import DriverRuns, write_summary
from symdrive.scoring.protocol import LEADERBOARD_2_0, aggregate, score_route
from symdrive.scoring.records import read_record

GALLERY = Path("gallery")
WORKERS = 2
"""Processes that write the pages of a folder of runs."""


def run(options: Show) -> None:
    """Write the page and print its path.

    Raises:
        UserError: when there is nothing to show, or --out is given for a run.
    """
    if options.path == GALLERY and not options.path.exists():
        from symdrive.cli.gallery import make_gallery  # the simulator only where it is wanted

        console.print(f"gallery: {make_gallery(options.out or Path('gallery.html'))}")
        return
    if options.out is not None:
        raise UserError("--out names the page of the gallery; a run's page lies in its folder.")
    if not options.path.exists():
        raise UserError(f"{options.path} does not exist; name a run folder or a folder of runs.")
    if options.path.joinpath(RUN_FILE).is_file():
        single = open_run(options.path)
        page = write_pages([Page(options.path, shared=None, video=options.video)], _town_of(single))
    else:
        page = show_folder(options.path, video=options.video)
    console.print(f"report: {page}")


def show_folder(folder: Path, *, video: bool) -> Path:
    """Pages of all finished runs below a folder, and the page that leads to them."""
    runs = [found for path in find_runs(folder) if (found := open_run(path)).is_finished]
    if not runs:
        raise UserError(f"{folder} holds no finished run; drive first, or name another folder.")
    town = _town_of(runs[0])
    write_pages([Page(r.folder, folder, video) for r in runs], town, workers=WORKERS)
    return summarise(folder, town, runs)


def summarise(folder: Path, town: Town, runs: Sequence[Run]) -> Path:
    """The page of all drivers."""
    by_driver = groupby(sorted(runs, key=lambda r: r.meta.driver), key=lambda r: r.meta.driver)
    rows: list[DriverRuns] = []
    for driver, group in by_driver:
        drives = tuple(group)
        scores = [score_route(read_record(r.folder), LEADERBOARD_2_0) for r in drives]
        rows.append(DriverRuns(driver, aggregate(scores, len(scores)), drives))
    rows.sort(key=lambda row: -row.summary.driving_score)
    return write_summary(
        folder, town, rows, title=f"Drives in {town.name}", protocol="Leaderboard 2.0"
    )


def _town_of(opened: Run) -> Town:
    """The town of a run, checked against the digest that the run stores."""
    source = str(opened.meta.config.get("town", opened.meta.episode.route.town))
    town = open_town(source)
    if town.source_digest != opened.meta.town_digest:
        raise UserError(
            f"{opened.folder} was driven in another version of {town.name}"
            f" ({opened.meta.town_digest}, here {town.source_digest}); drive it again."
        )
    return town
