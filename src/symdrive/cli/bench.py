"""`symdrive bench`: what this computer reaches; measured, never asserted."""

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from symdrive.cli.options import BenchInfer, BenchSim, BenchTrain
from symdrive.cli.routes import random_tour
from symdrive.cli.screen import bar, console, figures
from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import STORE_EVERY, Episode, TrafficConfig, living
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, Rig, open_rig
from symdrive.world.weather import DEFAULT_WEATHER, Weather, named_weather

if TYPE_CHECKING:
    from symdrive.training.bench import Work

WARM_UP = 20


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one repeated thing.

    Attributes:
        label: what.
        median_ms: half are faster.
        p95_ms: one in twenty is slower.
    """

    label: str
    median_ms: float
    p95_ms: float

    @staticmethod
    def of(label: str, seconds: list[float]) -> "Timing":
        """From single measurements."""
        return Timing(
            label,
            statistics.median(seconds) * 1e3,
            (statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]) * 1e3,
        )


def measure(
    label: str,
    repeat: int,
    once: Callable[[], object],
    *,
    parts: int = 1,
    warm_up: int = WARM_UP,
) -> Timing:
    """Time calls one by one, after a warm-up that compiles and fills caches.

    Args:
        label: what.
        repeat: measured calls.
        once: the call.
        parts: equal things that it does; the times are of one.
        warm_up: calls before.
    """
    for _ in range(warm_up):
        once()
    seconds: list[float] = []
    with bar(label, repeat) as line:
        for _ in range(repeat):
            start = time.perf_counter()
            once()
            seconds.append((time.perf_counter() - start) / parts)
            line.step()
    return Timing.of(label, seconds)


def run_sim(options: BenchSim) -> None:
    """Ticks per second with all sensors, with the shifted rig too, and with none; and the rest."""
    tour = random_tour(options.town, count=1, length_m=300.0, seed=0)
    rig = open_rig(options.rig)
    weather = named_weather(options.weather)
    episode, crowd = (
        _episode(tour.routes[0], n, weather, alive=options.living)
        for n in (options.actors, options.crowd)
    )
    seeing, blind, crowded = (
        _world(tour.town, sensors, what, shadows=options.shadows)
        for sensors, what in ((rig, episode), (BLIND_RIG, episode), (BLIND_RIG, crowd))
    )
    moving, many = (len(world.truth().actors) - 1 for world in (seeing, crowded))
    sky = f"{options.weather} weather, {'with' if options.shadows else 'no'} shadows"
    console.print(f"{tour.town.name}, {moving} moving actors, {_rig_text(rig)}; {sky}")
    every, five = options.ticks, max(options.ticks // STORE_EVERY, 2)
    rows = [
        measure(f"{rig.name}: all sensors", every, lambda: _tick(seeing)),
        measure(
            f"{rig.name}: shifted rig at 4 Hz, too",
            five,
            lambda: [_tick(seeing, shifted=k == 0) for k in range(STORE_EVERY)],
            parts=STORE_EVERY,
        ),
        measure(f"no sensors, {moving} actors", every * 10, lambda: _blind_tick(blind)),
        measure(f"no sensors, {many} actors", every, lambda: _blind_tick(crowded)),
    ]
    console.print(_table(rows, "ticks/s", scale=1.0))
    snapshot = seeing.save()
    rest = [
        measure("reset", 5, lambda: seeing.reset(episode), warm_up=1),
        measure("save", 20, seeing.save, warm_up=1),
        measure("restore", 20, lambda: seeing.restore(snapshot), warm_up=1),
    ]
    console.print(_table(rest, "a second", scale=1.0))
    if options.soak > 0:
        console.print(_soak("no sensors", options.soak, lambda: _blind_tick(blind)))
    if options.soak_seeing > 0:
        console.print(_soak("all sensors", options.soak_seeing, lambda: _tick(seeing)))


def _episode(
    route: Route, actors: int, weather: Weather = DEFAULT_WEATHER, *, alive: bool = False
) -> Episode:
    """A third of the actors walk."""
    walkers = actors // 3
    traffic = TrafficConfig(vehicles=actors - walkers, pedestrians=walkers, parked=0)
    return Episode(route, seed=0, traffic=living(traffic) if alive else traffic, weather=weather)


def _tick(world: EmbeddedWorld, *, shifted: bool = False) -> None:
    """A tick of which everything is looked at."""
    world.step(Control(throttle=0.2))
    world.observe()
    world.evidence(shifted=shifted)


def _blind_tick(world: EmbeddedWorld) -> None:
    """A tick of which the truth is looked at."""
    world.step(Control(throttle=0.2))
    world.truth()


def _soak(label: str, ticks: int, once: Callable[[], object]) -> str:
    """How much memory many ticks cost, after a tenth of them to warm up.

    Raises:
        UserError: where the system does not say how much memory a process has.
    """
    before = 0
    with bar(f"memory, {label}", ticks) as line:
        for tick in range(ticks):
            if tick == ticks // 10:
                before = _resident_bytes()
            once()
            line.step()
    grown = 100.0 * (_resident_bytes() / max(before, 1) - 1.0)
    size = before / 2**20
    return f"memory, {label}, {ticks:,} ticks: {size:,.0f} MiB, {grown:+.2f} % since a tenth"


def _resident_bytes() -> int:
    """Memory of this process."""
    status = Path("/proc/self/statm")
    if not status.is_file():
        raise UserError("--soak reads /proc/self/statm, which this system lacks; leave it out.")
    gc.collect()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run_train(options: BenchTrain) -> None:
    """Samples per second of whole training steps, data already on the device."""
    from symdrive.training.bench import training_step  # torch only where it is wanted

    device = _device(options.device)
    rows = [
        _learning_row(
            preset,
            options.steps,
            training_step(preset, options.batch, device, compiled=options.compile),
            device,
        )
        for preset in _presets(options.preset)
    ]
    console.print(_learning_table(rows, f"train on {device}, batch {options.batch}", "samples/s"))


def run_infer(options: BenchInfer) -> None:
    """Latency of one decision of the network, or of several networks together."""
    from symdrive.training.bench import decision

    device = _device(options.device)
    rows = [
        _learning_row(
            preset,
            options.steps,
            decision(preset, device, members=options.members, compiled=options.compile),
            device,
        )
        for preset in _presets(options.preset)
    ]
    together = f", {options.members} checkpoints" if options.members > 1 else ""
    console.print(_learning_table(rows, f"infer on {device}{together}", "decisions/s"))


@dataclass(frozen=True)
class LearningRow:
    """What a network takes.

    Attributes:
        timing: of one call.
        work: what the call does.
        memory_mb: most memory in use so far.
    """

    timing: Timing
    work: "Work"
    memory_mb: float


def _learning_row(label: str, steps: int, work: "Work", device: str) -> LearningRow:
    """Measure one kind of work."""
    from symdrive.training.bench import memory_mb

    few = max(1, min(WARM_UP, steps // 3))
    return LearningRow(measure(label, steps, work.once, warm_up=few), work, memory_mb(device))


def _learning_table(rows: list[LearningRow], title: str, unit: str) -> Table:
    """Time, speed, most memory so far, parameters and work of a sample, row by row."""
    table = figures(title, "median ms", "p95 ms", unit, "peak MB", "params", "GFLOP")
    for row in rows:
        table.add_row(
            row.timing.label,
            f"{row.timing.median_ms:.2f}",
            f"{row.timing.p95_ms:.2f}",
            f"{row.work.samples * 1e3 / row.timing.median_ms:,.1f}",
            f"{row.memory_mb:,.0f}",
            f"{row.work.parameters / 1e6:.2f} M",
            f"{row.work.flops / 1e9:.1f}",
        )
    return table


def _presets(name: str) -> list[str]:
    """One preset, or all."""
    from symdrive.training.config import PRESETS

    return list(PRESETS) if name == "all" else [name]


def _world(town: Town, rig: Rig, episode: Episode, *, shadows: bool = False) -> EmbeddedWorld:
    world = EmbeddedWorld(town, rig, shadows=shadows)
    world.reset(episode)
    return world


def _rig_text(rig: Rig) -> str:
    """Sensors in words."""
    cameras = ", ".join(f"{c.width}x{c.height}" for c in rig.cameras) or "no camera"
    lidars = ", ".join(f"{lid.channels}x{lid.columns}" for lid in rig.lidars) or "none"
    return (
        f"cameras {cameras} (RGB, class, instance, depth), LiDAR {lidars}, {len(rig.radars)} radars"
    )


def _device(name: str) -> str:
    """Refuse CUDA where there is none.

    Raises:
        UserError: then.
    """
    from symdrive.features.checkpoint import check_device

    check_device(name)
    return name


def _table(rows: list[Timing], unit: str, *, scale: float) -> Table:
    table = figures("what", "median ms", "p95 ms", unit)
    for row in rows:
        table.add_row(
            row.label,
            f"{row.median_ms:.2f}",
            f"{row.p95_ms:.2f}",
            f"{scale * 1e3 / row.median_ms:,.0f}",
        )
    return table
