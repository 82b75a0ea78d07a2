"""Stops a training whose numbers are no longer finite, and keeps the batch that did it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from symdrive.core.errors import UserError
from symdrive.training.batches import Step

GRADIENT = "gradient"


@dataclass(frozen=True)
class _Watched:
    """A step whose numbers are on their way to the CPU.

    Attributes:
        step: number in its stage.
        batch: as it was before augmentation.
        names: of the numbers.
        values: of the numbers, on the CPU.
        arrived: None where they are there already.
    """

    step: int
    batch: Step
    names: tuple[str, ...]
    values: Tensor
    arrived: torch.cuda.Event | None

    @property
    def bad(self) -> list[str]:
        """Names of numbers that are not finite."""
        if self.arrived is not None:
            self.arrived.synchronize()
        flags = torch.isfinite(self.values).tolist()
        return [name for name, is_good in zip(self.names, flags, strict=True) if not is_good]


class Guard:
    """Looks at the loss terms and the gradient of every step.

    On a GPU the numbers are looked at one step later, so that the step never waits for them; the
    file to resume from is older than that.

    Args:
        folder: for the batch.
        stage: of the training, for file name and message.
    """

    def __init__(self, folder: Path, stage: str) -> None:
        self._folder, self._stage = folder, stage
        self._waiting: dict[str, _Watched] = {}

    def terms(self, step: int, batch: Step, terms: Mapping[str, Tensor]) -> None:
        """Watch the loss terms of a step.

        Raises:
            UserError: when one is not finite, in this step or, on a GPU, in the one before.
        """
        self._watch("loss", step, batch, terms)

    def gradient(self, step: int, batch: Step, norm: Tensor) -> None:
        """Watch the norm of the gradient of a step.

        Raises:
            UserError: when it is not finite; as for `terms`.
        """
        self._watch(GRADIENT, step, batch, {"norm": norm})

    def settle(self) -> None:
        """Look at what is still on its way; to be called before anything is saved.

        Raises:
            UserError: as for `terms`.
        """
        for kind in list(self._waiting):
            self._look(kind)

    def _watch(self, kind: str, step: int, batch: Step, numbers: Mapping[str, Tensor]) -> None:
        """Look at the step before, then send these numbers on their way."""
        self._look(kind)
        values = torch.stack([value.detach().float() for value in numbers.values()])
        arrived = None
        if values.is_cuda:
            host = torch.empty(values.shape, pin_memory=True)
            host.copy_(values, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
            values = host
        self._waiting[kind] = _Watched(step, batch, tuple(numbers), values, arrived)
        if arrived is None:
            self._look(kind)

    def _look(self, kind: str) -> None:
        """Refuse the training when numbers that arrived are not finite."""
        watched = self._waiting.pop(kind, None)
        bad = watched.bad if watched is not None else []
        if watched is None or not bad:
            return
        path = self._folder / f"not_finite_{self._stage}_{watched.step}.pt"
        self._folder.mkdir(parents=True, exist_ok=True)
        columns = {k: v for part in watched.batch for k, v in part._asdict().items()}
        torch.save({k: v.cpu() for k, v in columns.items() if v is not None}, path)
        raise UserError(
            f"the {self._stage} stage stopped at step {watched.step}: {kind}"
            f" {', '.join(bad)} is not finite; the batch is in {path}, lower the learning rate or"
            " look for a broken label there."
        )
