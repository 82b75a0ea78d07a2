"""`symdrive drive`: a driver, some routes, a score and a report."""

from collections.abc import Sequence
from pathlib import Path

from symdrive.cli.options import Drive
from symdrive.cli.pages import Page, write_pages
from symdrive.cli.routes import Tour, plan_tour
from symdrive.cli.screen import bar, console, route_table, summary_table
from symdrive.core.errors import UserError
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import PLANS_ONLY, Job
from symdrive.evaluate.pool import Done, run_jobs
from symdrive.expert.align import FULL, NONE
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run
from symdrive.report.summary import DriverRuns, write_summary
from symdrive.scoring.protocol import LEADERBOARD_2_0, RouteScore, aggregate, score_route
from symdrive.world.backend import living
from symdrive.world.rig import open_rig

PLAN_EVERY = 2
"""Ticks between recorded plans: the video shows ten a second."""


def run(options: Drive) -> None:
    """Drive, score, report.

    Raises:
        UserError: as routes, drivers and drives refuse, and for sensors that never read.
    """
    if options.sense_every < 1:
        raise UserError(f"--sense-every is {options.sense_every}; give 1 or more ticks.")
    tour = plan_tour(options.town, options.routes, seed=options.seed, limit=options.limit)
    weathers = tour.under(options.weather, seed=options.seed)
    out = options.out or _new_folder(options.driver)
    spec = DriverSpec(options.driver, options.checkpoint, NONE if options.clairvoyant else FULL)
    record = RecordConfig() if options.frames else PLANS_ONLY
    jobs = [
        Job(
            folder=out / route.route_id,
            town=tour.source,
            route=route,
            driver=spec,
            rig=open_rig(options.rig),
            seed=options.seed,
            traffic=living(options.traffic) if options.living else options.traffic,
            record=record,
            frame_every=5 if options.frames else PLAN_EVERY,
            sense_every=options.sense_every,
            weather=weather,
            shadows=options.shadows,
        )
        for route, weather in zip(tour.routes, weathers, strict=True)
    ]
    done = drive_all(f"{options.driver} drives", jobs, options.workers)
    scores = [score_route(item.record, LEADERBOARD_2_0) for item in done]
    console.print(route_table(scores))
    console.print(summary_table({options.driver: aggregate(scores, len(scores))}))
    if options.report:
        console.print(
            f"report: {_report(out, tour, options.driver, done, scores, options.workers)}"
        )
    else:
        console.print(f"recorded in {out}")


def drive_all(title: str, jobs: Sequence[Job], workers: int) -> list[Done]:
    """Drive jobs under a progress bar; drives found on disk are taken as they are."""
    with bar(title, len(jobs)) as line:

        def tell(done: Done) -> None:
            scores = done.record.scores
            line.step(f"{done.job.route.route_id}: {scores.driving_score:.0f}")

        return run_jobs(jobs, workers, tell)


def _report(
    out: Path,
    tour: Tour,
    driver: str,
    done: Sequence[Done],
    scores: Sequence[RouteScore],
    workers: int,
) -> Path:
    """One page for one route, a page of pages for several."""
    folders = [item.job.folder for item in done]
    if len(folders) == 1:
        return write_pages([Page(folders[0], shared=None, video=True)], tour.town)
    write_pages([Page(folder, out, video=True) for folder in folders], tour.town, workers)
    runs = tuple(open_run(folder) for folder in folders)
    row = DriverRuns(driver, aggregate(scores, len(scores)), runs)
    return write_summary(
        out, tour.town, [row], title=f"{driver} in {tour.town.name}", protocol="Leaderboard 2.0"
    )


def _new_folder(driver: str) -> Path:
    """The first free runs/<driver>-<n>."""
    base = driver.replace(":", "_").replace("/", "_")
    number = 1
    while Path("runs", f"{base}-{number}").exists():
        number += 1
    return Path("runs", f"{base}-{number}")
