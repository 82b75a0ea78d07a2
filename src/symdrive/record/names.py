"""Names of the files in a run folder, and its version; light, for those who only look for runs."""

from pathlib import Path

from symdrive.core.errors import UserError

RUN_FILE, RESULT_FILE = "run.json", "result.json"
ROUTE_FILE, TICKS_FILE = "route.arrow", "ticks.arrow"
ACTORS_FILE, FRAMES_FILE = "actors.arrow", "frames.arrow"

SCHEMA_VERSION = 1
"""Grows with every change that an older reader cannot read."""


def check_version(folder: Path, found: object) -> None:
    """Refuse a run folder of a newer symdrive.

    Args:
        folder: the run folder.
        found: `schema_version` of its `run.json`.

    Raises:
        UserError: when it is newer, or no number.
    """
    if not isinstance(found, int):
        raise UserError(f"{folder / RUN_FILE} has no schema_version; the file is damaged.")
    if found > SCHEMA_VERSION:
        raise UserError(
            f"{folder} was recorded with schema {found}, and this symdrive reads up to"
            f" {SCHEMA_VERSION}; update symdrive."
        )
