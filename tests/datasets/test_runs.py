"""Which drives and frames are fit to learn from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from symdrive.core.errors import UserError
from symdrive.datasets.runs import Selection, usable_drives
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
