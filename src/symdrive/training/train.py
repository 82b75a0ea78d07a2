"""Train a student from recorded drives: the one entry point."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from symdrive.core.config import digest
from symdrive.core.errors import UserError
from symdrive.core.seeds import derived_seed
from symdrive.datasets.runs import Drive, evenly, hold_out, stored_once, usable_drives
from symdrive.features.checkpoint import (
    PERCEPTION,
    PLANNING,
    SUFFIX,
    check_device,
    check_fit,
    save_checkpoint,
)
from symdrive.features.inputs import check_rig
from symdrive.features.table import DriveSamples, Row, encode_all
from symdrive.model.network import TransFuser, use_channels_last
from symdrive.training.batches import (
    Batches,
    BatchPlan,
    Clock,
    MakeBatches,
    MemoryBatches,
    Order,
    lazy_batches,
    table_tensors,
)
from symdrive.training.config import StageConfig, TrainConfig
from symdrive.training.framework import Strategy, Trainer
from symdrive.training.journal import check_wandb, close_loggers, open_loggers
from symdrive.training.module import StageRun, StudentModule
from symdrive.training.pictures import Draw
from symdrive.training.progress import StageBar
from symdrive.training.ranks import ALONE, Rank, launch, strategy
from symdrive.training.validation import HeldOut, Validation
from symdrive.world.rig import Rig

RESUME_FILE = "resume.pt"
STUDENT = f"student{SUFFIX}"

OnEncoded = Callable[[int, int], None]
"""Told the number of frames encoded and in all."""


@dataclass(frozen=True)
class Source:
    """What to train on.

    Attributes:
        num_frames: frames of all drives.
        rig: that recorded them.
        batches: from an order to its batches.
        held_out: samples of drives that do not train.
    """

    num_frames: int
    rig: Rig
    batches: MakeBatches
    held_out: Sequence[Row] = ()


def train(
    config: TrainConfig,
    data: Sequence[Path],
    out: Path,
    *,
    resume: bool = False,
    on_encoded: OnEncoded | None = None,
    draw: Draw | None = None,
) -> Path:
    """Train in two stages and write `student.safetensors`.

    Args:
        config: the training.
        data: folders with recorded runs.
        out: folder for the checkpoints (`perception.safetensors`, `student.safetensors`), the file
            to resume from and the TensorBoard logs.
        resume: go on from `resume.pt` in `out` (which a finished training removes); on the CPU the
            result is then, bit for bit, that of a training that was never stopped (unless it runs
            in a time box).
        on_encoded: told how many frames are encoded, while that lasts.
        draw: makes pictures of predictions on held-out drives; None for none.

    Returns:
        The checkpoint of the planning stage.

    Raises:
        UserError: when there is nothing usable in `data`, when model, features and rig do not fit,
            when there is nothing to resume or it belongs to another config, or when the loss stops
            being finite, or when a GPU or a logger is asked for that is not there.
    """
    check_device(config.device, config.devices)
    check_fit(config.model, config.features)
    check_wandb(config.wandb)
    if config.devices == 1:
        source = open_source(config, data, on_encoded)
        return train_on(config, source, out, resume=resume, draw=draw)
    launch(config.devices, _Share(config, tuple(data), out, resume, draw))
    return out / STUDENT


@dataclass(frozen=True)
class _Share:
    """`train` in one of several processes; fields as there."""

    config: TrainConfig
    data: tuple[Path, ...]
    out: Path
    resume: bool
    draw: Draw | None

    def __call__(self, rank: Rank) -> None:
        """Open the data here, and train."""
        source = open_source(self.config, self.data)
        train_on(self.config, source, self.out, resume=self.resume, draw=self.draw, rank=rank)


def open_source(
    config: TrainConfig, data: Sequence[Path], on_encoded: OnEncoded | None = None
) -> Source:
    """Find the usable drives, and encode them where they are to be kept in memory."""
    drives = usable_drives(data, config.selection)
    rig = drives[0].run.meta.rig
    check_rig(rig, config.features, str(drives[0].run.folder))
    drives, others = hold_out(drives, config.validation.share, config.seed)
    held_out = _rows(evenly(others, config.validation.frames), config)
    num_frames = sum(len(drive.frames) for drive in drives)
    if config.in_memory:
        once, rows = stored_once(drives)
        table = table_tensors(encode_all(once, config.features, config.workers, on_encoded))
        return Source(num_frames, rig, lambda order: MemoryBatches(table, order, rows), held_out)
    samples = DriveSamples(drives, config.features)
    return Source(
        num_frames, rig, lambda order: lazy_batches(samples, order, config.workers), held_out
    )


def _rows(drives: Sequence[Drive], config: TrainConfig) -> list[Row]:
    """Every frame of some drives, as the car saw it."""
    if not drives:
        return []
    samples = DriveSamples(drives, config.features)
    return [samples.row(index, shifted=False) for index in range(len(samples))]


def train_on(
    config: TrainConfig,
    source: Source,
    out: Path,
    *,
    resume: bool = False,
    draw: Draw | None = None,
    rank: Rank = ALONE,
) -> Path:
    """`train` on a source that is open already."""
    out.mkdir(parents=True, exist_ok=True)
    state = _read_state(out / RESUME_FILE, config) if resume else None
    stages = [(PERCEPTION, config.perception), (PLANNING, config.planning)]
    stages = [(name, stage) for name, stage in stages if stage.epochs > 0]
    names = [name for name, _ in stages]
    first = names.index(state["stage"]) if state is not None else 0
    total = sum(stage.epochs for _, stage in stages)
    network: TransFuser | None = None
    path = out / STUDENT
    for name, stage in stages[first:]:
        network = _network(config, name, network)
        plan = _plan(config, name, stage, source)
        clock = Clock(plan.steps, 60.0 * config.minutes * stage.epochs / total)
        run = StageRun(name, stage, plan, clock, out, rank)
        validation = Validation(HeldOut(source.held_out, draw), config)
        module = _fit(config, source, network, run, state, validation)
        state = None
        target = path if name == PLANNING else out / f"{name}{SUFFIX}"
        if rank.leads:
            save_checkpoint(target, network, config.features, source.rig, module.weights())
        network.load_state_dict(module.weights())
    if rank.leads:
        (out / RESUME_FILE).unlink(missing_ok=True)
    return path


def _network(config: TrainConfig, name: str, earlier: TransFuser | None) -> TransFuser:
    """A fresh network, with the weights of the earlier stage where there was one."""
    torch.manual_seed(derived_seed(config.seed, f"{name}/weights"))
    pretrained = config.pretrained and earlier is None
    network = TransFuser(config.model, planner=name == PLANNING, pretrained=pretrained)
    if earlier is not None:
        network.load_state_dict(earlier.state_dict(), strict=False)
    if config.channels_last:
        use_channels_last(network)
    return network


def _plan(config: TrainConfig, name: str, stage: StageConfig, source: Source) -> BatchPlan:
    """Batches of a stage."""
    per_epoch = max(1, source.num_frames // config.batch)
    steps = max(1, round(stage.epochs * per_epoch))
    return BatchPlan(config.seed, name, source.num_frames, config.batch, config.shifted, steps)


def _fit(
    config: TrainConfig,
    source: Source,
    network: TransFuser,
    run: StageRun,
    state: dict[str, Any] | None,
    validation: Validation,
) -> StudentModule:
    """Run one stage, from its start or from a state."""
    if state is not None:
        run.clock.done, run.clock.spent_s = int(state["done"]), float(state["elapsed_s"])
    module = StudentModule(
        network, config, run, partial(_after_step, config=config, validation=validation)
    )
    if state is not None:
        module.resume(state)
    batches: Batches = source.batches(Order(run.plan, run.clock, run.rank))
    if len(batches):
        with _quiet():
            trainer = _trainer(config, run, validation)
            trainer.fit(module, batches)
            close_loggers(trainer.loggers)
    return module


def _trainer(config: TrainConfig, run: StageRun, validation: Validation) -> Trainer:
    """Lightning without its own checkpoints: ours hold the order and the average, too."""
    loggers = open_loggers(run.folder, run.name, config.wandb)
    bars = [StageBar(run.clock, run.name)] if config.progress and run.rank.leads else []
    return Trainer(
        accelerator="gpu" if config.device == "cuda" else "cpu",
        devices=config.devices,
        strategy=_strategy(config, run.rank),
        use_distributed_sampler=False,
        precision=config.precision,
        max_epochs=1,
        gradient_clip_val=config.clip_norm or None,
        logger=loggers,
        callbacks=[*([validation] if run.rank.leads else []), *bars],
        log_every_n_steps=config.log_every,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _strategy(config: TrainConfig, rank: Rank) -> Strategy | str:
    """One device, or several that average their gradients."""
    if rank.count == 1:
        return "auto"
    backend = "nccl" if config.device == "cuda" else "gloo"
    return strategy(rank, backend, unused=bool(config.model.other_spaces))


def _after_step(module: StudentModule, config: TrainConfig, validation: Validation) -> None:
    """Look first, save then: a training that is killed in between looks again."""
    if not module.run.rank.leads:
        return
    validation.after_step(module)
    _save_state(module, config)


def _save_state(module: StudentModule, config: TrainConfig) -> None:
    """Write the file to resume from (whole or not at all): at intervals and after the last step."""
    clock = module.clock
    if clock.done % config.save_every == 0 or clock.done == clock.steps:
        path = module.run.folder / RESUME_FILE
        part = path.with_suffix(".part")
        torch.save({"config_digest": digest(config), **module.state()}, part)
        part.replace(path)


def _read_state(path: Path, config: TrainConfig) -> dict[str, Any]:
    """The file to resume from."""
    if not path.is_file():
        raise UserError(f"there is nothing to resume: {path} does not exist; train without resume.")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["config_digest"] != digest(config):
        raise UserError(
            f"{path} belongs to another training config; resume with the config that it was"
            " started with, or train into another folder."
        )
    return state


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advice on loaders, which are ours here, and on other products.

    Lightning also asks torch for a name that newer versions of torch rename.
    """
    chatter = logging.getLogger("lightning.pytorch")
    level = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        chatter.setLevel(level)
