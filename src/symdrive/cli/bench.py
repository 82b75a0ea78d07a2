"""`symdrive bench`: what this computer reaches; measured, never asserted."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from symdrive.cli.drive import rig_named
from symdrive.cli.options import BenchInfer, BenchSim, BenchTrain
from symdrive.cli.routes import random_tour
from symdrive.cli.screen import bar, console
from symdrive.core.errors import UserError
from symdrive.maps.town import Town
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, Rig

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
            statistics.quantiles(seconds, n=20)[-1] * 1e3,
        )


def measure(label: str, repeat: int, once: Callable[[], object]) -> Timing:
    """Time calls one by one, after a warm-up that compiles and fills caches."""
    for _ in range(WARM_UP):
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

    step = training_step(options.preset, options.batch, _device(options.device))
    row = measure(f"train {options.preset}, batch {options.batch}", options.steps, step)
    console.print(_table([row], "samples/s", scale=float(options.batch)))


def run_infer(options: BenchInfer) -> None:
    """Latency of one decision of the network."""
    from symdrive.training.bench import decision

    step = decision(options.preset, _device(options.device))
    row = measure(f"infer {options.preset}", options.steps, step)
    console.print(_table([row], "decisions/s", scale=1.0))


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
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("CUDA was asked for, but torch finds no GPU; use --device cpu.")
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
