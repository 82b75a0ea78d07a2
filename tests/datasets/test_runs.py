"""Which drives and frames are fit to learn from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.datasets.runs import Selection, evenly, hold_out, usable_drives
from symdrive.world.rig import NANO_RIG

MakeDrive = Callable[..., Path]


def test_first_frames_and_frames_without_future_are_left_out(
    make_drive: MakeDrive, tmp_path: Path
) -> None:
    make_drive(tmp_path / "run", num_ticks=66)
    (drive,) = usable_drives([tmp_path], Selection())
    assert drive.run.frame_ticks[drive.frames].tolist() == [5, 10, 15, 20, 25]
    (drive,) = usable_drives([tmp_path], Selection(skip_first=3, future_ticks=50))
    assert drive.run.frame_ticks[drive.frames].tolist() == [15]


def test_waiting_is_thinned_and_starts_are_repeated(make_drive: MakeDrive, tmp_path: Path) -> None:
    make_drive(tmp_path / "run", num_ticks=101, speeds=[0.0] * 40 + [6.0] * 61, stop_until=30)
    (plain,) = usable_drives([tmp_path], Selection())
    ticks = plain.run.frame_ticks
    assert ticks[plain.frames].tolist() == list(range(5, 61, 5))
    (chosen,) = usable_drives([tmp_path], Selection(standing_every=4, repeat_starts=3))
    waiting, starts, moving = [20], [30, 35], list(range(40, 61, 5))
    assert ticks[chosen.frames].tolist() == waiting + sorted(starts * 3) + moving


def test_drives_with_harm_are_left_out_harmless_ones_stay(
    make_drive: MakeDrive, tmp_path: Path
) -> None:
    make_drive(tmp_path / "clean", num_ticks=60)
    make_drive(tmp_path / "slow", num_ticks=60, infractions=({"kind": "MIN_SPEED"},))
    make_drive(tmp_path / "crash", num_ticks=60, infractions=({"kind": "COLLISION_VEHICLE"},))
    make_drive(tmp_path / "killed", num_ticks=60, finish=False)
    names = [drive.run.folder.name for drive in usable_drives([tmp_path], Selection())]
    assert names == ["clean", "slow"]


def test_nothing_usable_says_why(make_drive: MakeDrive, tmp_path: Path) -> None:
    make_drive(tmp_path / "killed", num_ticks=60, finish=False)
    make_drive(tmp_path / "short", num_ticks=20)
    with pytest.raises(UserError, match=r"2 runs \(1 too short, 1 unfinished\)"):
        usable_drives([tmp_path], Selection())
    with pytest.raises(UserError, match="is no folder"):
        usable_drives([tmp_path / "nowhere"], Selection())
    with pytest.raises(UserError, match="no folder"):
        usable_drives([], Selection())


def test_the_same_folder_twice_counts_once(make_drive: MakeDrive, tmp_path: Path) -> None:
    make_drive(tmp_path / "run", num_ticks=60)
    assert len(usable_drives([tmp_path, tmp_path / "run"], Selection())) == 1


def test_two_rigs_are_not_mixed(make_drive: MakeDrive, tmp_path: Path) -> None:
    make_drive(tmp_path / "a", num_ticks=60)
    make_drive(tmp_path / "b", num_ticks=60, rig=replace(NANO_RIG, name="other"))
    with pytest.raises(UserError, match="train on runs of one rig"):
        usable_drives([tmp_path], Selection())


def test_whole_drives_are_held_out_by_seed(make_drive: MakeDrive, tmp_path: Path) -> None:
    for number in range(4):
        make_drive(tmp_path / f"run{number}", num_ticks=66)
    drives = usable_drives([tmp_path], Selection())
    splits = {seed: hold_out(drives, 0.4, seed) for seed in range(8)}
    for train, held in splits.values():
        names = [[drive.run.folder.name for drive in part] for part in (train, held)]
        assert sorted(names[0] + names[1]) == ["run0", "run1", "run2", "run3"]
        assert len(held) == 2
    assert hold_out(drives, 0.4, 3)[1] == splits[3][1]
    assert len({held[0].run.folder for _, held in splits.values()}) > 1
    assert hold_out(drives, 0.0, 0) == (drives, [])
    assert len(hold_out(drives, 0.01, 0)[1]) == 1
    with pytest.raises(UserError, match=r"of 1 none would be left.*--validate 0"):
        hold_out(drives[:1], 0.05, 0)


def test_a_few_frames_are_spread_over_all_drives(make_drive: MakeDrive, tmp_path: Path) -> None:
    for number in range(3):
        make_drive(tmp_path / f"run{number}", num_ticks=66)
    drives = usable_drives([tmp_path], Selection(repeat_turns=2))
    assert [len(np.unique(drive.frames)) for drive in drives] == [5, 5, 5]
    every = evenly(drives, 99)
    assert [drive.frames.tolist() for drive in every] == [[1, 2, 3, 4, 5]] * 3
    few = evenly(drives, 4)
    assert sum(len(drive.frames) for drive in few) == 4
    assert (few[0].frames[0], few[-1].frames[-1]) == (1, 5)
