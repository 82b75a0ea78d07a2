"""`symdrive collect`: expert drives for the student to learn from."""

from dataclasses import replace
from pathlib import Path

from symdrive.cli.drive import drive_all
from symdrive.cli.options import Collect
from symdrive.cli.routes import Tour, plan_tour, random_tour
from symdrive.cli.screen import console, summary_table
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import Job
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run
from symdrive.scoring.protocol import LEADERBOARD_2_0, aggregate, score_route
from symdrive.sim.shift import WIDE
from symdrive.world.backend import STORE_EVERY, TrafficConfig, living
from symdrive.world.rig import Rig, open_rig


def run(options: Collect) -> None:
    """Collect and say how much there is."""
    tour = (
        plan_tour(options.town, options.routes, seed=options.seed)
        if options.routes
        else random_tour(
            options.town, count=options.count, length_m=options.length_m, seed=options.seed
        )
    )
    tour = replace(tour, weathers=tour.under(options.weather, seed=options.seed))
    traffic = living(options.traffic) if options.living else options.traffic
    jobs = collect_jobs(options.out, tour, open_rig(options.rig), traffic, seed=options.seed)
    jobs = [replace(job, shadows=options.shadows) for job in jobs]
    done = drive_all("expert collects", jobs, options.workers)
    scores = [score_route(item.record, LEADERBOARD_2_0) for item in done]
    console.print(summary_table({"expert": aggregate(scores, len(scores))}))
    frames = sum(open_run(item.job.folder).num_frames for item in done)
    console.print(f"{frames} frames ({frames / 4 / 3600:.2f} h at 4 Hz) in {options.out}")


def collect_jobs(
    out: Path, tour: Tour, rig: Rig, traffic: TrafficConfig, *, seed: int
) -> list[Job]:
    """One job a route, in its weather; each with a seed of its own, so that traffic differs.

    Cameras and LiDAR are cast when a frame is due, four times a second, and the expert knows what
    they last showed: what is recorded is all that it went by.
    """
    return [
        Job(
            folder=out / route.route_id,
            town=tour.source,
            route=route,
            driver=DriverSpec("expert"),
            rig=rig,
            seed=seed * 100_000 + number,
            traffic=traffic,
            record=RecordConfig(),
            shift=WIDE,
            sense_every=STORE_EVERY,
            weather=weather,
        )
        for number, (route, weather) in enumerate(zip(tour.routes, tour.weathers, strict=True))
    ]
