"""`symdrive demo`: the whole line, from the first drive to the table that compares drivers."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symdrive.cli.collect import collect_jobs
from symdrive.cli.drive import PLAN_EVERY, drive_all
from symdrive.cli.options import Demo, Train
from symdrive.cli.pages import Page, write_pages
from symdrive.cli.routes import Tour, plan_tour, random_tour
from symdrive.cli.screen import console, summary_table
from symdrive.cli.show import summarise
from symdrive.cli.train import train_student
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import Job
from symdrive.evaluate.pool import Done
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.record.reader import open_run
from symdrive.scoring.protocol import LEADERBOARD_2_0, Summary, aggregate, score_route
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import STORE_EVERY, Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, NANO_RIG, Rig

TRAINING_TOWN, HELD_OUT = "alder", "birch_heldout"
ROUTE_LENGTH_M = 300.0
LEARNER = "guarded_student"


def run(options: Demo) -> None:
    """Every stage in order; a stage that is done is not done again."""
    traffic = TrafficConfig(vehicles=options.vehicles, pedestrians=options.pedestrians)
    held_out = plan_tour(None, HELD_OUT, seed=options.seed)
    with _stage("1. The expert drives for the first time"):
        _first_drive(options, held_out, traffic)
    with _stage(f"2. The expert collects {options.routes} drives in {TRAINING_TOWN}"):
        _collect(options, traffic)
    with _stage(f"3. The student learns, {options.minutes:g} minutes"):
        checkpoint = train_student(
            Train(
                (options.out / "data",),
                out=options.out / "model",
                minutes=options.minutes,
                seed=options.seed,
                resume=True,
                validate=0.0,
            )
        )
    with _stage("4. Student, expert and two baselines drive routes of a town nobody trained in"):
        results = _compare(options, held_out, traffic, checkpoint)
    with _stage("5. The report"):
        page = _report(options.out / "results", held_out, options.workers)
    console.print()
    console.print(summary_table(results))
    console.print(f"\nreport: {page}")


@contextmanager
def _stage(title: str) -> Iterator[None]:
    """A headline, and how long it took."""
    console.print(f"\n[bold]{title}[/]")
    start = time.perf_counter()
    yield
    console.print(f"[dim]{time.perf_counter() - start:.0f} s[/]")


def _first_drive(options: Demo, tour: Tour, traffic: TrafficConfig) -> None:
    """One drive with its page, to have something to look at."""
    route = tour.routes[0]
    job = Job(
        folder=options.out / "first" / route.route_id,
        town=tour.source,
        route=route,
        driver=DriverSpec("expert"),
        rig=NANO_RIG,
        seed=options.seed,
        traffic=traffic,
        frame_every=PLAN_EVERY,
    )
    with _compiling_beside(job):
        drive_all("expert drives", [job], workers=1)
    page = job.folder / "report.html"
    if not page.is_file():
        page = write_pages([Page(job.folder, shared=None, video=True)], tour.town)
    console.print(f"report of the first drive: [bold]{page}[/]")


@contextmanager
def _compiling_beside(job: Job) -> Iterator[None]:
    """Let a second process compile the kernels of traffic while this one compiles the sensors'.

    On a fresh machine compiling takes most of the time until the first page.
    """
    if (job.folder / "report.html").is_file():
        yield
        return
    beside = multiprocessing.get_context("spawn").Process(
        target=_drive_a_little, args=(job.town, job.route, job.traffic), daemon=True
    )
    beside.start()
    yield
    beside.join()


def _drive_a_little(town: str, route: Route, traffic: TrafficConfig) -> None:
    """A few ticks of traffic that nobody looks at."""
    world = EmbeddedWorld(open_town(town), BLIND_RIG)
    world.reset(Episode(route, 0, traffic))
    for _ in range(3):
        world.step(Control(throttle=0.2))
        world.truth()


def _collect(options: Demo, traffic: TrafficConfig) -> None:
    """Training data; drives on disk are kept."""
    tour = random_tour(
        TRAINING_TOWN, count=options.routes, length_m=ROUTE_LENGTH_M, seed=options.seed
    )
    jobs = collect_jobs(options.out / "data", tour, NANO_RIG, traffic, seed=options.seed)
    done = drive_all("expert collects", jobs, options.workers)
    frames = sum(open_run(item.job.folder).num_frames for item in done)
    console.print(f"{frames} frames, {frames / 4 / 60:.0f} minutes at 4 Hz")


def _compare(
    options: Demo, tour: Tour, traffic: TrafficConfig, checkpoint: Path
) -> dict[str, Summary]:
    """All drivers on the same routes with the same traffic."""
    jobs: list[Job] = []
    for name, rig, sense_every in _drivers():
        spec = DriverSpec(name, checkpoint if name == LEARNER else None)
        jobs += [
            Job(
                folder=options.out / "results" / name / route.route_id,
                town=tour.source,
                route=route,
                driver=spec,
                rig=rig,
                seed=options.seed + 1_000_003,
                traffic=traffic,
                frame_every=PLAN_EVERY,
                sense_every=sense_every,
            )
            for route in tour.routes
        ]
    return _summaries(drive_all("all drive", jobs, options.workers), len(tour.routes))


def _drivers() -> tuple[tuple[str, Rig, int], ...]:
    """Who is compared, longest drives first, with which sensors, and ticks between readings.

    The student thinks ten times a second and scores as with twenty; the expert sees as often as
    where it collects.
    """
    return (
        (LEARNER, NANO_RIG, 2),
        ("expert", NANO_RIG, STORE_EVERY),
        ("blind", BLIND_RIG, 1),
        ("still", BLIND_RIG, 1),
    )


def _summaries(done: list[Done], num_planned: int) -> dict[str, Summary]:
    """A row for each driver."""
    names = dict.fromkeys(item.job.driver.name for item in done)
    return {
        name: aggregate(
            [
                score_route(item.record, LEADERBOARD_2_0)
                for item in done
                if item.job.driver.name == name
            ],
            num_planned,
        )
        for name in names
    }


def _report(folder: Path, tour: Tour, workers: int) -> Path:
    """Pages of all drives; videos of the student's first two and of the expert's first."""
    filmed = [folder / LEARNER / route.route_id for route in tour.routes[:2]]
    filmed.append(folder / "expert" / tour.routes[0].route_id)
    every = [folder / name / route.route_id for name, *_ in _drivers() for route in tour.routes]
    pages = [Page(path, folder, video=path in filmed) for path in every]
    write_pages(pages, tour.town, workers)
    return summarise(folder, tour.town, [open_run(path) for path in every])
