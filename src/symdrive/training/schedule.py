"""Learning rates as functions of progress."""

import math

from symdrive.training.config import StageConfig


def learning_rate(stage: StageConfig, progress: float) -> float:
    """Learning rate at a share of the stage.

    Args:
        stage: peak and shape.
        progress: 0 at the start, 1 at the end.
    """
    if stage.schedule == "cosine_restarts":
        return stage.learning_rate * cosine_restarts(progress * stage.epochs)
    return stage.learning_rate * one_cycle(progress, stage.warmup)


def cosine_restarts(epoch: float) -> float:
    """Cycles of 1, 2, 4 ... epochs, each a cosine from 1 to 0 (Loshchilov and Hutter, SGDR)."""
    cycle = math.floor(math.log2(epoch + 1.0))
    length = 2.0**cycle
    return 0.5 * (1.0 + math.cos(math.pi * (epoch - (length - 1.0)) / length))


def one_cycle(progress: float, warmup: float) -> float:
    """Straight up from 4 % to 1 within the warm-up, then a cosine down to 0."""
    if progress < warmup:
        return 0.04 + 0.96 * progress / warmup
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (progress - warmup) / (1.0 - warmup))))
