"""Which samples make up each step, and how they come as tensors.

The plan of a step depends on the seed and the step alone, so a training that goes on from a file
sees the same batches as one that was never stopped.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from symdrive.core.seeds import generator
from symdrive.features.scene_labels import DEPTH_STEP_M
from symdrive.features.table import DriveSamples, Row, single_threaded
from symdrive.model.tensors import Inputs, Targets
from symdrive.training.ranks import ALONE, Rank

Step = tuple[Inputs, Targets]
Pick = tuple[int, bool]
"""Frame, and whether its shifted view is taken."""


@dataclass(frozen=True)
class BatchPlan:
    """The batches of a stage.

    Attributes:
        seed: of the order.
        name: of the stage; stages draw differently.
        num_frames: frames to draw from.
        batch: samples a step.
        shifted: probability of a shifted view.
        steps: number of steps.
    """

    seed: int
    name: str
    num_frames: int
    batch: int
    shifted: float
    steps: int

    @property
    def per_epoch(self) -> int:
        """Steps of one pass; what does not fill a batch is left for another epoch."""
        return max(1, self.num_frames // self.batch)

    def picks(self, step: int) -> list[Pick]:
        """Samples of one step."""
        epoch, nth = divmod(step, self.per_epoch)
        order = generator(self.seed, f"{self.name}/order/{epoch}").permutation(self.num_frames)
        frames = np.resize(order[nth * self.batch :], self.batch)
        views = generator(self.seed, f"{self.name}/views/{step}").random(self.batch) < self.shifted
        return list(zip(frames.tolist(), views.tolist(), strict=True))


@dataclass
class Clock:
    """How much of a stage is done, by steps and, in a time box, by time.

    Attributes:
        steps: of the whole stage.
        budget_s: of the whole stage, 0 for none.
        done: steps taken.
        spent_s: time spent by earlier processes.
    """

    steps: int
    budget_s: float = 0.0
    done: int = 0
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        """Time runs from now on."""
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Time spent on the stage."""
        return self.spent_s + time.monotonic() - self._started

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end."""
        share = self.done / self.steps
        return min(1.0, max(share, self.elapsed_s / self.budget_s) if self.budget_s else share)


class Order(Sampler[list[Pick]]):
    """Yields the picks of each step that is left, until the clock says that it is enough.

    Of several processes each gets every so-manieth pick; together they have the same batch.
    """

    def __init__(self, plan: BatchPlan, clock: Clock, rank: Rank = ALONE) -> None:
        self.plan, self.clock, self.first, self.rank = plan, clock, clock.done, rank

    def __len__(self) -> int:
        """Steps left if time does not run out."""
        return self.plan.steps - self.first

    def __iter__(self) -> Iterator[list[Pick]]:
        """Picks, step by step."""
        for step in range(self.first, self.plan.steps):
            if self.clock.progress >= 1.0:
                return
            yield self.plan.picks(step)[self.rank.number :: self.rank.count]


class MemoryBatches:
    """Batches out of columns that are in memory.

    Args:
        table: columns (view, frame, ...) as `features.table.encode_all` makes them.
        order: which samples.
        rows: frame of each sample, for samples that count more than once; None: one each.
    """

    def __init__(
        self,
        table: dict[str, Tensor],
        order: Order,
        rows: Int[np.ndarray, " sample"] | None = None,
    ) -> None:
        self._table, self._order = table, order
        self._rows = None if rows is None else torch.from_numpy(rows)

    def __len__(self) -> int:
        """Steps left."""
        return len(self._order)

    def __iter__(self) -> Iterator[Step]:
        """Batches, step by step."""
        for picks in self._order:
            frames, views = torch.tensor(picks).unbind(dim=1)
            frames = frames if self._rows is None else self._rows[frames]
            yield to_step({name: column[views, frames] for name, column in self._table.items()})


class LazyRows(Dataset[Row]):
    """Rows that are encoded when asked for."""

    def __init__(self, samples: DriveSamples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._samples)

    def __getitem__(self, pick: Pick) -> Row:
        """One sample."""
        index, shifted = pick
        return self._samples.row(index, shifted=shifted)


def lazy_batches(samples: DriveSamples, order: Order, workers: int) -> DataLoader[Row]:
    """Batches that worker processes encode ahead of time."""
    return DataLoader(
        LazyRows(samples),
        batch_sampler=order,
        num_workers=workers,
        collate_fn=collate,
        prefetch_factor=4 if workers else None,
        persistent_workers=workers > 0,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=single_threaded if workers else None,
    )


def collate(rows: list[Row]) -> Step:
    """Rows to a batch."""
    return to_step({name: torch.from_numpy(np.stack([r[name] for r in rows])) for name in rows[0]})


def table_tensors(table: Row) -> dict[str, Tensor]:
    """Columns as tensors, sharing their memory."""
    return {name: torch.from_numpy(column) for name, column in table.items()}


def to_step(columns: dict[str, Tensor]) -> Step:
    """Columns of a batch to what the network and the loss take; depth is still in bytes."""
    inputs: Any = (columns.get(name) for name in Inputs._fields)
    targets: Any = (columns.get(name) for name in Targets._fields)
    return Inputs(*inputs), Targets(*targets)


def on_device(targets: Targets) -> Targets:
    """Labels as the loss takes them: bytes of depth, which travel fast, become metres here."""
    if targets.depth.is_floating_point():
        return targets
    return targets._replace(depth=targets.depth.to(torch.float32) * DEPTH_STEP_M)


Batches = MemoryBatches | DataLoader[Row]
MakeBatches = Callable[[Order], Batches]
"""From an order to its batches; the data is the same in both stages."""
