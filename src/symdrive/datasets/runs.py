"""Our own run folders: which drives, and which of their frames, are fit to learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from symdrive.core.errors import UserError
from symdrive.record.reader import Run, find_runs, open_run


@dataclass(frozen=True)
class Selection:
    """What makes a drive and a frame usable.

    Source: kesai-labs/lead 4489176, `carla_dataset.py` (drives with any infraction but these two
    are left out, and so are the first and last frames).

    Attributes:
        harmless: names of `InfractionKind` that a drive may have.
        skip_first: frames dropped at the start of a drive.
        future_ticks: ticks of future that a frame needs for its labels.
        min_completion: percent of its route that a drive must have done.
    """

    harmless: tuple[str, ...] = ("MIN_SPEED", "OUTSIDE_ROUTE_LANES")
    skip_first: int = 1
    future_ticks: int = 40
    min_completion: float = 99.0

    def __post_init__(self) -> None:
        """Counts are counts."""
        if self.skip_first < 0 or self.future_ticks < 0:
            raise ValueError(f"skip_first and future_ticks are zero or more: {self}")
        if not 0.0 <= self.min_completion <= 100.0:
            raise ValueError(f"min_completion is {self.min_completion} percent; 0 to 100")


@dataclass(frozen=True)
class Drive:
    """A usable drive.

    Attributes:
        run: its folder, opened.
        frames: rows of usable frames.
    """

    run: Run
    frames: Int[np.ndarray, " frame"]


def usable_drives(folders: Iterable[Path], selection: Selection) -> list[Drive]:
    """Every usable drive at or below the folders, in the order of their paths.

    Raises:
        UserError: when a folder does not exist, a run is damaged, two rigs are mixed, or nothing
            usable is left (with the reasons).
    """
    found = sorted({path.resolve() for folder in folders for path in find_runs(folder)})
    drives: list[Drive] = []
    refused: dict[str, int] = {}
    for path in found:
        run = open_run(path)
        reason = why_unusable(run, selection)
        frames = usable_frames(run, selection) if reason is None else np.zeros(0, dtype=np.int64)
        if reason is None and not len(frames):
            reason = "too short"
        if reason is None:
            drives.append(Drive(run, frames))
        else:
            refused[reason] = refused.get(reason, 0) + 1
    if not drives:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
        raise UserError(
            f"no usable frame in {', '.join(map(str, folders)) or 'no folder'}: {len(found)} runs"
            f" ({reasons or 'none recorded'}); record drives that finish without infractions."
        )
    _check_one_rig(drives)
    return drives


def why_unusable(run: Run, selection: Selection) -> str | None:
    """The reason to leave a drive out, or None."""
    if not run.is_finished:
        return "unfinished"
    kinds = {str(item["kind"]) for item in run.infractions}
    if kinds - set(selection.harmless):
        return "with infractions"
    done = run.ticks["route_completion"]
    if not len(done) or done[-1] < selection.min_completion:
        return "not driven to the end"
    return None


def usable_frames(run: Run, selection: Selection) -> Int[np.ndarray, " frame"]:
    """Rows of frames that have enough future and are not among the first."""
    ticks = run.ticks["tick"]
    last = int(ticks[-1]) - selection.future_ticks
    rows = np.arange(run.num_frames)
    return rows[(rows >= selection.skip_first) & (run.frame_ticks <= last)]


def _check_one_rig(drives: Sequence[Drive]) -> None:
    """A student has one rig."""
    first = drives[0].run
    for drive in drives[1:]:
        if drive.run.meta.rig.digest != first.meta.rig.digest:
            raise UserError(
                f"{drive.run.folder} was recorded with rig {drive.run.meta.rig.name!r} and"
                f" {first.folder} with {first.meta.rig.name!r} (or another version of it); train"
                " on runs of one rig."
            )
