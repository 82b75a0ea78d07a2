"""`symdrive train`: from recorded runs to a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from symdrive.cli.options import Train
from symdrive.cli.screen import bar, console
from symdrive.core.errors import UserError
from symdrive.report.prediction import draw_prediction
from symdrive.training.config import PRESETS, TrainConfig, ValidationConfig
from symdrive.training.train import RESUME_FILE, train


def run(options: Train) -> None:
    """Train and say where the student is."""
    checkpoint = train_student(options)
    console.print(f"student: {checkpoint}")
    console.print(f"curves:  tensorboard --logdir {options.out}")


def train_student(options: Train) -> Path:
    """Train, or go on with a training that was stopped; a finished one is kept.

    Raises:
        UserError: as the training refuses, or when `out` holds a training and `resume` is off.
    """
    if not options.data:
        raise UserError("no data folder given; name one or more, such as `symdrive train data`.")
    finished = options.out / "student.safetensors"
    begun = options.out.joinpath(RESUME_FILE).is_file()
    if options.resume and finished.is_file() and not begun:
        console.print(f"trained before: {finished}")
        return finished
    if not options.resume and (finished.is_file() or begun):
        raise UserError(f"{options.out} holds a training already; give --resume, or another --out.")
    with bar("encoding frames", 1) as line:
        return train(
            _config(options),
            options.data,
            options.out,
            resume=options.resume and begun,
            on_encoded=line.at,
            draw=draw_prediction,
        )


def _config(options: Train) -> TrainConfig:
    """The preset with what the command line changes.

    Raises:
        UserError: for values that no training can have.
    """
    try:
        config = replace(
            PRESETS[options.preset],
            minutes=options.minutes,
            seed=options.seed,
            validation=ValidationConfig(options.validate),
            devices=options.devices,
            wandb=options.wandb,
        )
    except ValueError as error:
        raise UserError(f"these options train nothing: {error}.") from error
    if options.device == "cpu":  # what presets for GPUs ask for does not pay off there
        return replace(config, device="cpu", precision="32-true", compile=False)
    if options.device == "cuda":
        return replace(config, device="cuda", precision=_gpu_precision())
    return config


def _gpu_precision() -> Literal["32-true", "bf16-mixed"]:
    """bfloat16 where the GPU has it."""
    has_it = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if has_it else "32-true"
