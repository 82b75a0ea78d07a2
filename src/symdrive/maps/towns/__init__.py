"""Towns that ship with the package: OpenDRIVE sources (`.xodr`) and baked towns (`.town`)."""

from importlib.resources import files
from pathlib import Path


def town_folder() -> Path:
    """Folder of the shipped towns."""
    return Path(str(files(__name__)))
