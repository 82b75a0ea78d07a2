"""What can be asked of `symdrive`: one frozen dataclass a command; no heavy imports here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from symdrive.cli.student_options import Checkpoint, Predict
from symdrive.world.backend import TrafficConfig

Paths = Annotated[tuple[Path, ...], tyro.conf.Positional]


@dataclass(frozen=True)
class Demo:
    """Collect, train, drive and score: the whole line, here, in about twenty minutes.

    The expert drives first and its report page is ready within two minutes. Then it collects in the
    training town, the `nano` student learns from these drives, and student, expert and two
    baselines drive the same ten routes of a town that the student has never seen.

    Stopped (Ctrl-C) and started again, the demo goes on where it was.

    Attributes:
        out: folder for everything that the demo makes.
        seed: of everything random.
        workers: processes that drive in parallel.
        routes: drives to collect for training.
        minutes: time box of the training.
        vehicles: moving vehicles in town besides the ego.
        pedestrians: walkers in town.
    """

    out: Path = Path("demo")
    seed: int = 0
    workers: int = 2
    routes: int = 48
    minutes: float = 8.0
    vehicles: int = 30
    pedestrians: int = 20


@dataclass(frozen=True)
class Drive:
    """Let a driver drive routes, score them and write a report.

    Attributes:
        town: name of a shipped town, an OpenDRIVE file (.xodr, .xodr.gz) or a baked .town file.
            Left out, the town of the routes.
        routes: a route set (`birch_heldout`, `alder_train`) or a CARLA route file (.xml). Left out,
            one random route of the town.
        driver: expert, student, guarded_student (it brakes for what the LiDAR sees on its path),
            still, blind, or `module:Class` of your own.
        checkpoint: of a learned driver (.safetensors).
        out: run folder; a new one under runs/ when left out.
        rig: sensors on the car of a driver that asks for none: nano, lead3 or blind.
        traffic: how busy the town is.
        living: let traffic do all that it can: lane changes, jaywalkers, cyclists at the edge, an
            emergency vehicle, busier main roads, all forty bodies. What is set stays as it is.
        weather: a CARLA preset (ClearSunset), one of LEAD's 52 (lead.FoggyCloudyNoon), `default`,
            or `random` for LEAD's draw for each route. Left out, that of the routes.
        shadows: let things cast shadows in the cameras (slower).
        sense_every: ticks of 0.05 s between readings of cameras and LiDAR; the student thinks as
            often. 1 is LEAD's 20 Hz; 2 takes half the time.
        seed: of everything random.
        limit: drive only the first so many routes; 0 for all.
        clairvoyant: switch LEAD's alignment off, so that the expert sees everything.
        frames: also record sensor frames at 4 Hz.
        report: write report.html with a video for each route.
        workers: processes that drive in parallel.
    """

    town: str | None = None
    routes: str | None = None
    driver: str = "expert"
    checkpoint: Path | None = None
    out: Path | None = None
    rig: str = "nano"
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    living: bool = False
    weather: str | None = None
    shadows: bool = False
    sense_every: int = 1
    seed: int = 0
    limit: int = 0
    clairvoyant: bool = False
    frames: bool = False
    report: bool = True
    workers: int = 1


@dataclass(frozen=True)
class Collect:
    """Let the expert drive and record what the student learns from.

    Routes are random, of the given length, or those of a route file. Stopped and started again
    with the same settings, it drives only what is missing.

    Attributes:
        town: name or file, as for `drive`.
        out: folder for the run folders.
        routes: a route set or route file instead of random routes.
        count: number of random routes.
        length_m: length of random routes, m.
        rig: sensors to record: nano or lead3.
        traffic: how busy the town is.
        living: as for `drive`.
        weather: as for `drive`; `random` is what LEAD collects in.
        shadows: let things cast shadows in the cameras (slower).
        seed: of everything random.
        workers: processes that drive in parallel.
    """

    town: str = "alder"
    out: Path = Path("data")
    routes: str | None = None
    count: int = 96
    length_m: float = 300.0
    rig: str = "nano"
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    living: bool = False
    weather: str | None = None
    shadows: bool = False
    seed: int = 0
    workers: int = 2


@dataclass(frozen=True)
class Train:
    """Train the student in two stages: perception, then everything with the planner.

    Attributes:
        data: folders with recorded runs.
        out: folder for checkpoints and TensorBoard logs.
        preset: nano (two CPU cores), resnet34, regnety032 or resnet34_radar (official sizes, for
            GPUs).
        minutes: time box for both stages together; 0 for the full schedule of the preset.
        seed: of weights, order and augmentation.
        device: cpu or cuda; that of the preset when left out.
        resume: go on from the last checkpoint in `out`.
        validate: share of the drives to hold out; after each epoch the student is measured on them
            and drawn (in TensorBoard). 0 trains on all.
        devices: GPUs (or on the CPU, processes) that share each batch.
        wandb: project in Weights & Biases that gets the curves, too; needs the extra `wandb`.
    """

    data: Paths
    out: Path = Path("checkpoints")
    preset: Literal["nano", "resnet34", "regnety032", "resnet34_radar"] = "nano"
    minutes: float = 0.0
    seed: int = 0
    device: Literal["cpu", "cuda"] | None = None
    resume: bool = False
    validate: float = 0.05
    devices: int = 1
    wandb: str = ""


@dataclass(frozen=True)
class Score:
    """Score result files and recorded runs, and say what is wrong with them.

    Reads leaderboard result files (one a route, or merged), run folders, and folders of either;
    finds out which protocol they were made with, recomputes every score, and lists what does not
    fit. Exits with 3 where something could not be read and was left out.

    Attributes:
        paths: result files, run folders, or folders that hold them; each becomes one row.
        protocol: auto, leaderboard-2.0, leaderboard-2.1, bench2drive-0.0.3, bench2drive-0.0.4,
            longest6-v2, town13, fail2drive or lead-collection.
        against: results to compare each path with, route by route.
        format: table, json (with a schema), csv (one line a drive) or markdown.
        routes: list every drive; done anyway where there are few.
        scenarios: list every scenario type.
        tell: difference in driving score for which the number of runs is worked out.
    """

    paths: Paths
    protocol: str = "auto"
    against: Path | None = None
    format: Literal["table", "json", "csv", "markdown"] = "table"
    routes: bool = False
    scenarios: bool = False
    tell: float = 1.0


@dataclass(frozen=True)
class Show:
    """Write the report page of a run, or of a folder of runs, and say where it is.

    `symdrive show gallery` writes a page of pictures instead: towns, weather, bodies, sensors.

    Attributes:
        path: a run folder, a folder of run folders, or `gallery`.
        video: render the video too.
        out: the gallery's page; gallery.html when left out.
    """

    path: Annotated[Path, tyro.conf.Positional]
    video: bool = True
    out: Path | None = None


@dataclass(frozen=True)
class TownsList:
    """List the towns that are shipped."""


@dataclass(frozen=True)
class TownsBake:
    """Bake an OpenDRIVE file to a .town file that loads fast and without CARLA.

    Attributes:
        source: OpenDRIVE file (.xodr or .xodr.gz).
        out: the baked file.
    """

    source: Annotated[Path, tyro.conf.Positional]
    out: Annotated[Path, tyro.conf.Positional]


@dataclass(frozen=True)
class TownsShow:
    """Draw a town as an SVG map.

    Attributes:
        town: name or file.
        out: the picture; <town>.svg when left out.
    """

    town: Annotated[str, tyro.conf.Positional]
    out: Path | None = None


@dataclass(frozen=True)
class Towns:
    """List, bake and draw towns."""

    command: (
        Annotated[TownsList, tyro.conf.subcommand("list")]
        | Annotated[TownsBake, tyro.conf.subcommand("bake")]
        | Annotated[TownsShow, tyro.conf.subcommand("show")]
    )


@dataclass(frozen=True)
class BenchSim:
    """Ticks per second of the embedded simulator, with and without sensors.

    Attributes:
        town: name or file.
        rig: name (lead3, lead6, nano) or a JSON file.
        actors: moving actors besides the ego.
        crowd: actors of the row that shows how traffic alone scales.
        living: as for `drive`.
        ticks: measured ticks.
        soak: ticks without sensors over which memory is watched; 0 for none.
        soak_seeing: the same with all sensors.
        weather: name of the weather (`symdrive drive --help`).
        shadows: let things cast shadows in the cameras.
    """

    town: str = "birch"
    rig: str = "lead3"
    actors: int = 100
    crowd: int = 500
    living: bool = False
    ticks: int = 300
    soak: int = 0
    soak_seeing: int = 0
    weather: str = "default"
    shadows: bool = False


@dataclass(frozen=True)
class BenchTrain:
    """Training samples per second, memory and work of whole steps with synthetic data.

    Attributes:
        preset: nano, resnet34, regnety032, resnet34_radar or all.
        batch: samples a step.
        steps: measured steps.
        device: cpu or cuda (bfloat16).
        compile: let torch compile network and losses.
    """

    preset: Literal["nano", "resnet34", "regnety032", "resnet34_radar", "all"] = "nano"
    batch: int = 32
    steps: int = 10
    device: Literal["cpu", "cuda"] = "cpu"
    compile: bool = False


@dataclass(frozen=True)
class BenchInfer:
    """Latency, memory and work of one decision of the network.

    Attributes:
        preset: nano, resnet34, regnety032, resnet34_radar or all.
        members: checkpoints that decide together.
        steps: measured decisions.
        device: cpu or cuda (bfloat16).
        compile: let torch compile the network; on a GPU into one graph.
    """

    preset: Literal["nano", "resnet34", "regnety032", "resnet34_radar", "all"] = "nano"
    members: int = 1
    steps: int = 30
    device: Literal["cpu", "cuda"] = "cpu"
    compile: bool = False


@dataclass(frozen=True)
class BenchData:
    """Samples per second that one core makes of recorded frames of the official size.

    Records a short drive of the `lead3` rig in a town first, in a temporary folder.

    Attributes:
        town: name or file.
        frames: frames to record.
        seconds: measured time.
        actors: moving actors besides the ego.
    """

    town: str = "birch"
    frames: int = 12
    seconds: float = 5.0
    actors: int = 30


@dataclass(frozen=True)
class Bench:
    """Measure speed: simulator, training, inference, data."""

    command: (
        Annotated[BenchSim, tyro.conf.subcommand("sim")]
        | Annotated[BenchTrain, tyro.conf.subcommand("train")]
        | Annotated[BenchInfer, tyro.conf.subcommand("infer")]
        | Annotated[BenchData, tyro.conf.subcommand("data")]
    )


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, what is missing, and what each missing part would unlock."""


Command = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Drive, tyro.conf.subcommand("drive")]
    | Annotated[Collect, tyro.conf.subcommand("collect")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Towns, tyro.conf.subcommand("towns")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Predict, tyro.conf.subcommand("predict")]
    | Annotated[Checkpoint, tyro.conf.subcommand("checkpoint")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)
"""What a command line can mean."""
