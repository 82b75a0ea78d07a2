"""Report pages of many runs, on a few processes."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from symdrive.cli.screen import bar
from symdrive.evaluate.pool import one_thread
from symdrive.maps.town import Town
from symdrive.record.reader import open_run
from symdrive.report.page import TownKit, write_run_page
from symdrive.report.video import VideoConfig


@dataclass(frozen=True)
class Page:
    """A page to write.

    Attributes:
        folder: of the run.
        shared: folder for what the pages of several runs share; None for a page by itself.
        video: with one.
    """

    folder: Path
    shared: Path | None
    video: bool


def write_pages(pages: Sequence[Page], town: Town, workers: int = 1) -> Path:
    """Write pages, those with videos first.

    Args:
        pages: of runs in one town.
        town: that town.
        workers: processes; 1 writes in this one.

    Returns:
        The path of the page of the last run.
    """
    if workers <= 1 or len(pages) <= 1:
        kit, found = TownKit.of(town), Path()
        for page in pages:
            found = _write(page, kit)
        return found
    queue = sorted(range(len(pages)), key=lambda i: not pages[i].video)
    written: dict[int, Path] = {}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(workers, len(pages)), mp_context=context, initializer=_begin, initargs=(town,)
    )
    try:
        with bar("reports", len(pages)) as line:
            futures = {pool.submit(_write_quietly, pages[i]): i for i in queue}
            for future in as_completed(futures):
                written[futures[future]] = future.result()
                line.step(pages[futures[future]].folder.name)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return written[len(pages) - 1]


def _write(page: Page, kit: TownKit) -> Path:
    """A page, under a progress bar of its own."""
    run = open_run(page.folder)
    config = VideoConfig() if page.video else None
    with bar(f"report of {page.folder.name}", 1) as line:
        return write_run_page(run, kit, video=config, shared=page.shared, tell=line.at)


_towns: list[Town] = []
"""The town of a worker process."""


def _begin(town: Town) -> None:
    """Prepare a worker process."""
    one_thread()
    _towns.append(town)


@cache
def _kit() -> TownKit:
    """The kit of a worker process."""
    return TownKit.of(_towns[0])


def _write_quietly(page: Page) -> Path:
    """A page, in a worker process."""
    config = VideoConfig() if page.video else None
    return write_run_page(open_run(page.folder), _kit(), video=config, shared=page.shared)
