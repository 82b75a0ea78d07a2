"""The progress bar of a stage. It follows the clock, for a time box ends before all steps."""

from typing import Any

from tqdm.auto import tqdm

from symdrive.training.batches import Clock
from symdrive.training.framework import Callback, LightningModule, Trainer

EVERY = 10
"""Steps between two looks; Lightning's bookkeeping of scalars takes time."""

LINE = "{desc:<12} {bar:28} {percentage:3.0f}%  {postfix}  {elapsed} left {remaining}"


class StageBar(Callback):
    """Share done, samples a second, loss, time left.

    Args:
        clock: of the stage.
        name: of the stage.
    """

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock, self._name = clock, name
        self._bar: tqdm | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Draw it; a training that goes on begins where it was."""
        begun = self._clock.progress
        self._bar = tqdm(total=1.0, initial=begun, desc=self._name, bar_format=LINE)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002  Lightning's
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Move it now and then."""
        if self._bar is None or batch_idx % EVERY:
            return
        facts = trainer.progress_bar_metrics
        shown = {name: f"{float(value):.3g}" for name, value in facts.items()}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(self._clock.progress - self._bar.n)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Leave it full."""
        if self._bar is not None:
            self._bar.update(1.0 - self._bar.n)
            self._bar.close()

    def on_exception(
        self,
        trainer: Trainer,  # noqa: ARG002  Lightning's
        pl_module: LightningModule,  # noqa: ARG002
        exception: BaseException,  # noqa: ARG002
    ) -> None:
        """Leave it where it was, on a line of its own."""
        if self._bar is not None:
            self._bar.close()
