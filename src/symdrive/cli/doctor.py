"""`symdrive doctor`: what is installed, what is missing, what each missing part would unlock."""

import importlib
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from symdrive import __version__
from symdrive.cli.options import Doctor
from symdrive.core.errors import UserError

PYTHONS = ((3, 10), (3, 12))


@dataclass(frozen=True)
class Part:
    """Something that may be installed.

    Attributes:
        module: what Python imports.
        package: what pip installs.
        extra: the extra that brings it; empty for the core.
        unlocks: what works with it.
    """

    module: str
    package: str
    extra: str
    unlocks: str


PARTS = (
    Part("numpy", "numpy", "", "everything"),
    Part("numba", "numba", "", "simulator and sensor kernels"),
    Part("embreex", "embreex", "", "cameras and LiDAR (Embree 4)"),
    Part("pyarrow", "pyarrow", "", "run folders"),
    Part("simplejpeg", "simplejpeg", "", "recorded pictures"),
    Part("cv2", "opencv-python-headless", "", "drawing"),
    Part("av", "av", "", "report videos"),
    Part("torch", "torch", "learn", "student: train, and drive with it"),
    Part("timm", "timm", "learn", "official backbones"),
    Part("lightning", "lightning", "learn", "training loop"),
    Part("safetensors", "safetensors", "learn", "checkpoints"),
    Part("tensorboard", "tensorboard", "learn", "training curves"),
    Part("carla", "carla", "carla", "baking OpenDRIVE files such as CARLA's towns"),
    Part("plotly", "plotly", "report", "plots of the report page"),
    Part("jinja2", "jinja2", "report", "the report page"),
)


def run(_: Doctor) -> None:
    """Print the state of this installation.

    Raises:
        UserError: when a part of the core is missing, so that scripts can rely on the exit code.
    """
    console = Console()
    console.print(
        f"symdrive {__version__} on Python {platform.python_version()}, {platform.machine()},"
        f" {os.cpu_count()} cores, {_free_gb():.0f} GB free here"
    )
    table = Table(box=None, pad_edge=False)
    for title in ("", "part", "version", "unlocks", "to get it"):
        table.add_column(title)
    missing_core: list[str] = []
    for part in PARTS:
        found = _version(part)
        mark = "[green]ok[/]" if found else ("[yellow]--[/]" if part.extra else "[red]no[/]")
        remedy = "" if found else _remedy(part)
        table.add_row(mark, part.package, found, part.unlocks, remedy)
        if not found and not part.extra:
            missing_core.append(part.package)
    console.print(table)
    console.print(_gpu())
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        raise UserError(f"Python {platform.python_version()} is not supported; use 3.10 to 3.12.")
    if missing_core:
        raise UserError(f"missing: {', '.join(missing_core)}; run `pip install symdrive` again.")


def _version(part: Part) -> str:
    """The installed version, empty when there is none."""
    if find_spec(part.module) is None:
        return ""
    try:
        return version(part.package)
    except PackageNotFoundError:
        return "present"


def _remedy(part: Part) -> str:
    """What to type."""
    return f"pip install 'symdrive\\[{part.extra}]'" if part.extra else "pip install symdrive"


def _gpu() -> str:
    """One line about CUDA."""
    if find_spec("torch") is None:
        return "GPU: not looked for (torch is missing); nothing here needs one"
    torch = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return "GPU: none that torch can use; nothing here needs one, official sizes train on one"
    return f"GPU: {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"


def _free_gb() -> float:
    """Free disk space of the current folder."""
    return shutil.disk_usage(Path.cwd()).free / 1e9
