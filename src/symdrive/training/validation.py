"""After each epoch: losses, open-loop errors and pictures of drives that are held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from symdrive.features.table import Row
from symdrive.model.losses import losses, total_loss
from symdrive.model.tensors import Predictions, Targets, to_device
from symdrive.training.batches import Step, collate, on_device
from symdrive.training.config import TrainConfig
from symdrive.training.framework import Callback, LightningModule, Trainer
from symdrive.training.journal import write_picture, write_scalars
from symdrive.training.module import StudentModule
from symdrive.training.open_loop import OpenLoop
from symdrive.training.pictures import Draw, Picture, as_label, as_prediction, stack

PREFIX = "validation/"


@dataclass(frozen=True)
class HeldOut:
    """What the student is asked about.

    Attributes:
        rows: samples of drives that do not train.
        draw: makes the pictures; None for none.
    """

    rows: Sequence[Row]
    draw: Draw | None = None


class Validation(Callback):
    """Looks at the held-out samples at the end of each epoch and at the end of the stage.

    It asks the weights that would be saved (their average where there is one), draws no random
    number and changes nothing, so a training goes the same way with it and without it.

    Args:
        held_out: samples.
        config: of the training.
    """

    def __init__(self, held_out: HeldOut, config: TrainConfig) -> None:
        self._held_out, self._config = held_out, config
        self._last = -1

    def after_step(self, module: StudentModule) -> None:
        """Look when an epoch is over; call when the step has been counted."""
        if module.clock.done % module.run.plan.per_epoch == 0:
            self._look(module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Look once more where a stage does not end with an epoch."""
        assert isinstance(pl_module, StudentModule)
        self._look(pl_module)

    def _look(self, module: StudentModule) -> None:
        """Measure, draw, write; once for each number of steps."""
        done = module.clock.done
        if done == self._last or not self._held_out.rows:
            return
        self._last = done
        scalars, pictures = look(module, self._held_out, self._config)
        for logger in module.trainer.loggers:
            write_scalars(logger, {f"{PREFIX}{name}": x for name, x in scalars.items()}, done)
            for number, picture in enumerate(pictures):
                write_picture(logger, f"{PREFIX}{number}", picture, done)


def look(
    module: StudentModule, held_out: HeldOut, config: TrainConfig
) -> tuple[dict[str, float], list[Picture]]:
    """Mean losses and errors over all samples, and pictures of the first few.

    Args:
        module: whose weights are asked, on the device of its network.
        held_out: samples.
        config: of the training.
    """
    errors, sums, seen = OpenLoop(config.model), dict[str, float](), 0
    pictures: list[Picture] = []
    for batch in _batches(held_out.rows, config.batch):
        targets, predictions, terms = ask(module, batch, config)
        count = len(batch[0].speed)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value) * count
        seen += count
        errors.update(predictions, targets)
        for index in range(min(count, config.validation.pictures - len(pictures))):
            if held_out.draw is not None:
                said = as_prediction(batch[0], predictions, config.model, index)
                so = as_label(batch[0], batch[1], config.model, index)
                pictures.append(stack(held_out.draw, said, so, config.model.bev))
    return {f"loss/{name}": x / seen for name, x in sums.items()} | errors.result(), pictures


class Answers(NamedTuple):
    """What was asked for, what was said, and the loss; on the device."""

    targets: Targets
    predictions: Predictions
    terms: dict[str, Tensor]


def ask(module: StudentModule, batch: Step, config: TrainConfig) -> Answers:
    """Answers to a batch, as training would have them; the network is left as it was."""
    network = module.network
    device = next(network.parameters()).device
    inputs, targets = to_device(batch[0], device), on_device(to_device(batch[1], device))
    was_training = network.training
    network.eval()
    half = config.precision == "bf16-mixed"
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        predictions: Predictions = functional_call(network, module.weights(), (inputs,))
        terms = losses(predictions, targets, config.model)
        terms["all"] = total_loss(terms, config.model)
    network.train(was_training)
    return Answers(targets, predictions, terms)


def _batches(rows: Sequence[Row], size: int) -> Iterator[Step]:
    """All rows, in their order."""
    for start in range(0, len(rows), size):
        yield collate(list(rows[start : start + size]))
