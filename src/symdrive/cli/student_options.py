"""What can be asked of `symdrive checkpoint` and `symdrive predict`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class CheckpointConvert:
    """Convert an official LEAD checkpoint to a file of ours: every tensor used, every shape right.

    Attributes:
        weights: official state dict (model_0030.pth).
        options: its config.json; the one beside the weights when left out.
        out: file to write; the name of the weights with .safetensors when left out.
        licence: note on the licence of the weights, kept in the file.
    """

    weights: Annotated[Path, tyro.conf.Positional]
    options: Path | None = None
    out: Path | None = None
    licence: str = ""


@dataclass(frozen=True)
class CheckpointInspect:
    """Say what is in a checkpoint: network, parameters by block, features, rig, licence.

    Attributes:
        path: file that `symdrive train` or `symdrive checkpoint convert` wrote.
    """

    path: Annotated[Path, tyro.conf.Positional]


@dataclass(frozen=True)
class CheckpointVerify:
    """Hold our network against a reference bundle of the official one.

    Prints every output, inner result, loss term and gradient norm with its error and the allowed
    one. Exit code 1 where one is off.

    Attributes:
        bundle: the bundle (.pt).
    """

    bundle: Annotated[Path, tyro.conf.Positional]


@dataclass(frozen=True)
class CheckpointExport:
    """Write the plan of a checkpoint as an ONNX file, and check it against torch.

    Needs the extra `onnx`. Exit code 1 where the file says something else than torch.

    Attributes:
        path: checkpoint of the planning stage.
        out: file to write; the name of the checkpoint with .onnx when left out.
    """

    path: Annotated[Path, tyro.conf.Positional]
    out: Path | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Convert, look into, verify and export checkpoints."""

    command: (
        Annotated[CheckpointConvert, tyro.conf.subcommand("convert")]
        | Annotated[CheckpointInspect, tyro.conf.subcommand("inspect")]
        | Annotated[CheckpointVerify, tyro.conf.subcommand("verify")]
        | Annotated[CheckpointExport, tyro.conf.subcommand("export")]
    )


@dataclass(frozen=True)
class Predict:
    """Run a checkpoint on a folder of pictures and target points; draw what it sees and plans.

    The folder holds scenes.json: a list of scenes, each with `name`, `images` (a list of `camera`
    and `file`), `target_points` (previous, current, next; x forward, y left, m), and perhaps
    `speed_mps`, `command` and `lidar` (.npy with rows of x, y, z).

    Attributes:
        folder: with scenes.json.
        checkpoint: a file, or a folder of checkpoints that vote.
        out: folder for the pictures and predictions.json.
        device: cpu or cuda.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    checkpoint: Path
    out: Path = Path("predictions")
    device: Literal["cpu", "cuda"] = "cpu"
