"""`symdrive bench`: what this computer reaches; measured, never asserted."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from symdrive.cli.drive import rig_named
from symdrive.cli.options import BenchInfer, BenchSim, BenchTrain
from symdrive.cli.routes import random_tour
from symdrive.cli.screen import bar, console
from symdrive.maps.town import Town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, Rig

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


def measure(label: str, repeat: int, once: Callable[[], object], warm_up: int = WARM_UP) -> Timing:
    """Time calls one by one, after a warm-up that compiles and fills caches."""
    for _ in range(warm_up):
        once()
    seconds: list[float] = []
    with bar(label, repeat) as line:
        for _ in range(repeat):
            start = time.perf_counter()
            once()
            seconds.append(time.perf_counter() - start)
            line.step()
    return Timing.of(label, seconds)


def run_sim(options: BenchSim) -> None:
    """Ticks per second: all sensors, shifted rig too, and none."""
    tour = random_tour(options.town, count=1, length_m=300.0, seed=0)
    walkers = options.actors // 3
    traffic = TrafficConfig(vehicles=options.actors - walkers, pedestrians=walkers, parked=0)
    episode = Episode(tour.routes[0], seed=0, traffic=traffic)
    rig = rig_named(options.rig)
    sensors = _world(tour.town, rig, episode)
    moving = len(sensors.truth().actors) - 1
    blind = _world(tour.town, BLIND_RIG, episode)

    def tick_with_sensors() -> None:
        sensors.step(Control(throttle=0.2))
        sensors.observe()
        sensors.evidence()

    def tick_without() -> None:
        blind.step(Control(throttle=0.2))
        blind.truth()

    rows = [
        measure(f"{rig.name}: cameras and LiDAR", options.ticks, tick_with_sensors),
        measure("no sensors", options.ticks * 10, tick_without),
    ]
    console.print(f"{tour.town.name}, {moving} moving actors, {_rig_text(rig)}")
    console.print(_table(rows, "ticks/s", scale=1.0))


def run_train(options: BenchTrain) -> None:
    """Samples per second of whole training steps, data already on the device."""
    from symdrive.training.bench import training_step  # torch only where it is wanted

    device = _device(options.device)
    rows = [
        _learning_row(
            f"train {preset}, batch {options.batch}",
            options.steps,
            training_step(preset, options.batch, device, compiled=options.compile),
            device,
        )
        for preset in _presets(options.preset)
    ]
    console.print(_learning_table(rows, "samples/s", device))


def run_infer(options: BenchInfer) -> None:
    """Latency of one decision of the network, or of several networks together."""
    from symdrive.training.bench import decision

    device, several = _device(options.device), options.members > 1
    rows = [
        _learning_row(
            f"infer {preset}" + (f", {options.members} checkpoints" if several else ""),
            options.steps,
            decision(preset, device, members=options.members, compiled=options.compile),
            device,
        )
        for preset in _presets(options.preset)
    ]
    console.print(_learning_table(rows, "decisions/s", device))


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
    return LearningRow(measure(label, steps, work.once, few), work, memory_mb(device))


def _learning_table(rows: list[LearningRow], unit: str, device: str) -> Table:
    """Time, speed, memory and work of each row."""
    table = Table(box=None, pad_edge=False)
    table.add_column(f"on {device}")
    for title in ("median ms", "p95 ms", unit, "memory MB", "parameters", "GFLOP/sample"):
        table.add_column(title, justify="right")
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


def _world(town: Town, rig: Rig, episode: Episode) -> EmbeddedWorld:
    world = EmbeddedWorld(town, rig)
    world.reset(episode)
    return world


def _rig_text(rig: Rig) -> str:
    """Sensors in words."""
    cameras = ", ".join(f"{c.width}x{c.height}" for c in rig.cameras) or "no camera"
    lidars = ", ".join(f"{lid.channels}x{lid.columns}" for lid in rig.lidars) or "none"
    return f"cameras {cameras} (RGB, class, instance, depth), LiDAR {lidars}"


def _device(name: str) -> str:
    """Refuse CUDA where there is none.

    Raises:
        UserError: then.
    """
    from symdrive.features.checkpoint import check_device

    check_device(name)
    return name


def _table(rows: list[Timing], unit: str, *, scale: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what")
    for title in ("median ms", "p95 ms", unit):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row.label,
            f"{row.median_ms:.2f}",
            f"{row.p95_ms:.2f}",
            f"{scale * 1e3 / row.median_ms:,.0f}",
        )
    return table
