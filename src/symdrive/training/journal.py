"""Scalars and pictures to whatever keeps them."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from symdrive.core.errors import UserError
from symdrive.training.framework import Logger, TensorBoardLogger, WandbLogger


def check_wandb(project: str) -> None:
    """Refuse Weights & Biases where its package is not installed.

    Raises:
        UserError: then; a project of no name asks for nothing.
    """
    if project and find_spec("wandb") is None:
        raise UserError(
            f"curves were to go to the Weights & Biases project {project!r}, but the package wandb"
            " is not installed; pip install 'symdrive[wandb]', or leave --wandb out."
        )


def open_loggers(folder: Path, stage: str, project: str) -> list[Logger]:
    """TensorBoard in a folder, and Weights & Biases where a project is named.

    Args:
        folder: of the training.
        stage: of the training; each has a run of its own, both are one group.
        project: in Weights & Biases, empty for none.
    """
    loggers: list[Logger] = [TensorBoardLogger(str(folder), name="tensorboard", version=stage)]
    if project:
        name = folder.resolve().name
        loggers.append(
            WandbLogger(f"{name}/{stage}", save_dir=str(folder), project=project, group=name)
        )
    return loggers


def close_loggers(loggers: Sequence[Logger]) -> None:
    """End the runs, so that the next stage begins one of its own."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()


def write_scalars(logger: Logger, scalars: Mapping[str, float], step: int) -> None:
    """Numbers of a step."""
    logger.log_metrics(dict(scalars), step=step)


def write_picture(
    logger: Logger, name: str, picture: UInt8[np.ndarray, "height width 3"], step: int
) -> None:
    """A picture, where the logger takes some."""
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, picture, step, dataformats="HWC")
    elif isinstance(logger, WandbLogger):
        logger.log_image(name, [picture], step=step)
