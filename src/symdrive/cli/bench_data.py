"""`symdrive bench data`: samples per second that one core makes of recorded frames."""

import time
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from symdrive.cli.collect import collect_jobs
from symdrive.cli.drive import drive_all
from symdrive.cli.options import BenchData
from symdrive.cli.routes import random_tour
from symdrive.cli.screen import console
from symdrive.datasets.runs import Drive, Selection, usable_drives
from symdrive.features.table import DriveSamples, single_threaded
from symdrive.scoring.infraction import InfractionKind
from symdrive.training.config import PRESETS
from symdrive.world.backend import TrafficConfig
from symdrive.world.rig import open_rig

M_A_FRAME = 1.5
"""How far the expert drives between two frames, about."""

ANY = Selection(
    harmless=tuple(kind.name for kind in InfractionKind), future_ticks=40, min_completion=0.0
)
"""Every frame will do for measuring."""


ROUND = 28
"""Samples that are timed together."""

SHOWN = ("image", "lidar", "semantic", "depth", "bev_semantic")
"""Columns whose sizes are printed."""


def run_data(options: BenchData) -> None:
    """Record a short drive, then encode its frames again and again."""
    config = PRESETS["resnet34"].features
    single_threaded()
    with TemporaryDirectory() as folder:
        samples = DriveSamples(_record(options, Path(folder)), config)
        picks = _picks(len(samples))
        sizes = {name: column.shape for name, column in samples.row(0, shifted=False).items()}
        for _ in range(2 * len(samples)):  # opens files, compiles kernels
            _make(samples, picks)
        rates: list[float] = []
        started = time.perf_counter()
        while time.perf_counter() - started < options.seconds:
            cpu = time.process_time()
            for _ in range(ROUND):
                _make(samples, picks)
            rates.append(ROUND / (time.process_time() - cpu))
    shapes = ", ".join(f"{name} {'x'.join(map(str, sizes[name]))}" for name in SHOWN)
    console.print(f"{len(samples)} frames of {options.town}, both views: {shapes}")
    console.print(
        f"{np.median(rates):,.0f} samples/s a core (median of {len(rates)} rounds of {ROUND}"
        f" samples; slowest {min(rates):,.0f}, fastest {max(rates):,.0f})"
    )


def _record(options: BenchData, folder: Path) -> list[Drive]:
    """A short drive of the expert with the official sensors."""
    length_m = M_A_FRAME * (options.frames + ANY.future_ticks / 5)
    tour = random_tour(options.town, count=1, length_m=length_m, seed=0)
    traffic = TrafficConfig(vehicles=options.actors, pedestrians=options.actors // 3, parked=0)
    jobs = collect_jobs(folder, tour, open_rig("lead3"), traffic, seed=0)
    drive_all("record frames", jobs, workers=1)
    return usable_drives([folder], ANY)


def _picks(frames: int) -> Iterator[tuple[int, bool]]:
    """Every frame in both views, for ever."""
    return cycle(product(range(frames), (False, True)))


def _make(samples: DriveSamples, picks: Iterator[tuple[int, bool]]) -> None:
    """One sample."""
    index, shifted = next(picks)
    samples.row(index, shifted=shifted)
