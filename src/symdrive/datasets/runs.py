"""Our own run folders: which drives, and which of their frames, are fit to learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from symdrive.core.errors import UserError
from symdrive.core.geometry import wrap_angle
from symdrive.core.seeds import generator
from symdrive.record.reader import Run, find_runs, open_run

STANDING_MPS, CRAWL_MPS, STOP_MPS = 0.1, 1.0, 0.1
"""Slower cars stand or crawl; a lower target speed is a stop."""

TURN_RAD = 0.15
"""A car that changes its heading by more until the end of its labels is turning."""


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
        standing_every: of frames in which the car stands and shall stand, one in so many is kept.
            A wait at a light is many equal frames, and they teach that who stands goes on standing.
        repeat_starts: how often a frame counts in which the car stands or crawls and shall go;
            there are few, and missing one blocks the road.
        repeat_turns: how often a frame counts in which the car is turning; most of a drive goes
            straight on, where little is to be learnt about a path.
    """

    harmless: tuple[str, ...] = ("MIN_SPEED", "OUTSIDE_ROUTE_LANES")
    skip_first: int = 1
    future_ticks: int = 40
    min_completion: float = 99.0
    standing_every: int = 1
    repeat_starts: int = 1
    repeat_turns: int = 1

    def __post_init__(self) -> None:
        """Counts are counts."""
        if self.skip_first < 0 or self.future_ticks < 0:
            raise ValueError(f"skip_first and future_ticks are zero or more: {self}")
        if min(self.standing_every, self.repeat_starts, self.repeat_turns) < 1:
            raise ValueError(f"standing_every and the repeats are at least 1: {self}")
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
    """Rows of frames that have enough future and are not among the first, thinned and repeated."""
    ticks = run.ticks["tick"]
    last = int(ticks[-1]) - selection.future_ticks
    rows = np.arange(run.num_frames)
    rows = rows[(rows >= selection.skip_first) & (run.frame_ticks <= last)]
    at = np.searchsorted(ticks, run.frame_ticks[rows])
    speed, target = run.ticks["speed"][at], run.ticks["plan_target_speed"][at]
    stop = run.ticks["plan_brake"][at] | (target < STOP_MPS)
    waiting = stop & (np.abs(speed) < STANDING_MPS)
    kept = ~waiting | (np.cumsum(waiting) % selection.standing_every == 0)
    starting = ~stop & (target > CRAWL_MPS) & (np.abs(speed) < CRAWL_MPS)
    yaw = run.ticks["yaw"]
    turned = wrap_angle(yaw[np.minimum(at + selection.future_ticks, len(yaw) - 1)] - yaw[at])
    repeats = np.where(np.abs(turned) > TURN_RAD, selection.repeat_turns, 1)
    repeats = np.where(starting, np.maximum(repeats, selection.repeat_starts), repeats)
    return np.repeat(rows, repeats * kept)


def hold_out(drives: Sequence[Drive], share: float, seed: int) -> tuple[list[Drive], list[Drive]]:
    """Split whole drives: those that train, and those that are held out.

    Args:
        drives: usable ones.
        share: of the drives to hold out, at least one; 0 for none.
        seed: of the choice.

    Raises:
        UserError: when none would be left to train on.
    """
    if share == 0.0:
        return list(drives), []
    count = max(1, round(share * len(drives)))
    if count >= len(drives):
        raise UserError(
            f"validation holds out whole drives, and of {len(drives)} none would be left to train"
            " on; record more drives, or train with --validate 0."
        )
    chosen = set(generator(seed, "hold_out").permutation(len(drives))[:count].tolist())
    kept = [drive for row, drive in enumerate(drives) if row not in chosen]
    return kept, [drive for row, drive in enumerate(drives) if row in chosen]


def evenly(drives: Sequence[Drive], count: int) -> list[Drive]:
    """At most so many frames, evenly spread over all drives, each once.

    Args:
        drives: to choose from.
        count: most frames.
    """
    sizes = [len(np.unique(drive.frames)) for drive in drives]
    total = sum(sizes)
    rows = np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(np.int64))
    starts = np.cumsum([0, *sizes])
    found: list[Drive] = []
    for drive, first, last in zip(drives, starts[:-1], starts[1:], strict=True):
        frames = np.unique(drive.frames)[rows[(rows >= first) & (rows < last)] - first]
        if len(frames):
            found.append(Drive(drive.run, frames))
    return found


def stored_once(drives: Sequence[Drive]) -> tuple[list[Drive], Int[np.ndarray, " sample"]]:
    """Drives without repeated frames, and each sample's place among the frames of all of them."""
    once: list[Drive] = []
    rows: list[Int[np.ndarray, " sample"]] = []
    before = 0
    for drive in drives:
        frames, place = np.unique(drive.frames, return_inverse=True)
        once.append(Drive(drive.run, frames))
        rows.append(before + place)
        before += len(frames)
    return once, np.concatenate(rows)


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
