"""One stage of training as a Lightning module."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symdrive.core.seeds import derived_seed
from symdrive.model.losses import losses, total_loss
from symdrive.model.network import TransFuser
from symdrive.model.tensors import Inputs, Targets
from symdrive.training.augment import augment
from symdrive.training.batches import BatchPlan, Clock, Step, on_device
from symdrive.training.config import StageConfig, TrainConfig
from symdrive.training.framework import LightningModule
from symdrive.training.guard import Guard
from symdrive.training.progress import EVERY
from symdrive.training.ranks import ALONE, Rank
from symdrive.training.schedule import learning_rate


@dataclass(frozen=True)
class StageRun:
    """A stage while it is being run.

    Attributes:
        name: of the stage.
        config: its length and schedule.
        plan: its batches.
        clock: counts its steps.
        folder: for the file to resume from and for a batch whose loss is not finite.
        rank: which of several processes this is.
    """

    name: str
    config: StageConfig
    plan: BatchPlan
    clock: Clock
    folder: Path
    rank: Rank = ALONE


class StudentModule(LightningModule):
    """Network, loss, optimiser, and the moving average of the weights.

    Everything random in a step is seeded from the seed and the step, so that no generator state
    needs to be kept.

    Args:
        network: to train.
        config: of the training.
        run: the stage.
        on_step: called after each step, when it has been counted.
    """

    def __init__(
        self,
        network: TransFuser,
        config: TrainConfig,
        run: StageRun,
        on_step: Callable[["StudentModule"], None],
    ) -> None:
        super().__init__()
        self.network, self.settings, self.run = network, config, run
        self.clock, self._on_step = run.clock, on_step
        self.averages: dict[str, Tensor] = {}
        self.guard = Guard(run.folder, run.name)
        self._loss = torch.compile(self._plain_loss) if config.compile else self._plain_loss
        self._resumed: dict[str, Any] | None = None
        self._last_s, self._last_done = time.monotonic(), run.clock.done

    def training_step(self, batch: Step, batch_idx: int) -> Tensor:  # noqa: ARG002  Lightning's
        """Loss of one batch."""
        rank = self.run.rank.number
        name = f"{self.run.name}/{self.clock.done}" + (f"/{rank}" if rank else "")
        torch.manual_seed(derived_seed(self.settings.seed, name))
        inputs = augment(batch[0], self.settings.augment)
        loss, terms = self._loss(inputs, on_device(batch[1]))
        self.guard.terms(self.clock.done, batch, terms)
        self._batch = batch
        self._log(loss, terms, len(inputs.speed) * self.run.rank.count)
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:  # noqa: ARG002  Lightning's
        """Look at the gradient before it moves the weights."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        if self._is_logging():
            self.log("gradient_norm", norm)
        self.guard.gradient(self.clock.done, self._batch, norm)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; its learning rate is set before each step."""
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.run.config.learning_rate,
            weight_decay=self.settings.weight_decay,
            amsgrad=self.settings.amsgrad,
            fused=True,
        )
        if self._resumed is not None:
            self._optimizer.load_state_dict(self._resumed)
        return self._optimizer

    def on_train_batch_start(self, batch: Step, batch_idx: int) -> None:  # noqa: ARG002
        """Set the learning rate by progress."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.run.config, self.clock.progress)

    def on_train_batch_end(self, outputs: Any, batch: Step, batch_idx: int) -> None:  # noqa: ARG002
        """Count the step and follow it with the average."""
        self.clock.done += 1
        self._follow()
        self._on_step(self)

    def _plain_loss(self, inputs: Inputs, targets: Targets) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted mean of the terms, and the terms."""
        terms = losses(self.network(inputs), targets, self.network.config)
        return total_loss(terms, self.network.config), terms

    def weights(self) -> dict[str, Tensor]:
        """What to save: the average where there is one."""
        return self.averages or dict(self.network.state_dict())

    def state(self) -> dict[str, Any]:
        """All that it takes to go on from here.

        Raises:
            UserError: when a number of the last step is not finite.
        """
        self.guard.settle()
        return {
            "stage": self.run.name,
            "done": self.clock.done,
            "elapsed_s": self.clock.elapsed_s,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "averages": self.averages,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; call before fitting."""
        self.network.load_state_dict(state["network"])
        self.averages = dict(state["averages"])
        self._resumed = state["optimizer"]

    def _follow(self) -> None:
        """Move the average a little towards the weights; early on it follows faster."""
        decay = self.settings.average
        if decay == 0.0:
            return
        decay = min(decay, (1.0 + self.clock.done) / (10.0 + self.clock.done))
        current = self.network.state_dict()
        if not self.averages:
            self.averages = {name: value.detach().clone() for name, value in current.items()}
            return
        for name, value in current.items():
            if value.is_floating_point():
                self.averages[name].lerp_(value, 1.0 - decay)
            else:
                self.averages[name].copy_(value)

    def _is_logging(self) -> bool:
        """Whether TensorBoard or the progress bar wants this step."""
        done = self.clock.done
        return done % EVERY == 0 or (done + 1) % self.settings.log_every == 0

    def _log(self, loss: Tensor, terms: dict[str, Tensor], samples: int) -> None:
        """Scalars for TensorBoard and the progress bar, when one of them is due."""
        done = self.clock.done
        if not self._is_logging():
            return
        now, samples = time.monotonic(), samples * (done + 1 - self._last_done)
        rate, self._last_s = samples / max(now - self._last_s, 1e-9), now
        self._last_done = done + 1
        self.log("step", float(done))  # Lightning's own count begins anew when a training goes on
        self.log("samples/s", rate, prog_bar=True)
        self.log("loss", loss.detach(), prog_bar=True)
        self.log_dict({f"loss/{name}": value.detach() for name, value in terms.items()})
        self.log("learning_rate", learning_rate(self.run.config, self.clock.progress))
