"""From a recorded drive to its record, and the drive scored again from its folder."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from symdrive.core.config import to_plain
from symdrive.core.errors import UserError
from symdrive.record.reader import open_run
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter
from symdrive.scoring.criteria import default_criteria, make_record
from symdrive.scoring.infraction import Infraction
from symdrive.scoring.protocol import LEADERBOARD_2_0, score_route
from symdrive.scoring.records import read_record, record_to_plain, records_from_runs
from symdrive.world.backend import Episode
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG

Kit = Any


def record_drive(kit: Kit, folder: Path, moments: list[Any], *, finish: bool = True) -> Any:
    judge = default_criteria(kit.town, kit.route)
    meta = RunMeta(Episode(kit.route, seed=1), BLIND_RIG, "by hand", kit.town.source_digest)
    with RunWriter(folder, meta) as writer:
        for tick, moment in enumerate(moments):
            truth = kit.make_truth(tick, moment)
            told = tuple(to_plain(item) for item in judge.update(truth))
            writer.tick(
                TickRecord(
                    truth,
                    Control(),
                    route_completion=judge.route_completion,
                    infractions=told,
                )
            )
        if finish:
            made = make_record(
                kit.route,
                status=judge.terminated or "Failed",
                completion=judge.route_completion,
                infractions=judge.infractions,
                ticks=len(moments),
            )
            writer.finish(record_to_plain(score_route(made, LEADERBOARD_2_0).apply(made)))
    return judge


def test_record_of_a_run(kit: Kit, tmp_path: Path) -> None:
    record_drive(kit, tmp_path / "run", kit.along(0, 219.5))
    found = read_record(tmp_path / "run")
    assert (found.status, found.route_completion) == ("Completed", 100.0)
    assert found.scores.driving_score == 80.0
    assert found.infractions["stop_infraction"] == (
        "Agent ran a stop with id=0 at (x=181.0, y=-5.0, z=0.0)",
    )
    assert found.duration_game_s == pytest.approx(440 * 0.05)


def test_a_recorded_drive_can_be_judged_again(kit: Kit, tmp_path: Path) -> None:
    moments = [*kit.along(0, 70), *kit.along(70.5, 90, y=-6.0), *kit.along(90.5, 219.5)]
    first = record_drive(kit, tmp_path / "run", moments)
    run = open_run(tmp_path / "run")
    again = default_criteria(kit.town, run.meta.episode.route)
    for tick in run.ticks["tick"].tolist():
        again.update(run.truth(tick))
    assert len(first.infractions) == 2
    assert again.infractions == first.infractions
    assert again.terminated == first.terminated
    assert [item["kind"] for item in run.infractions] == [x.kind.name for x in first.infractions]


def test_unfinished_runs_are_left_out(kit: Kit, tmp_path: Path) -> None:
    record_drive(kit, tmp_path / "b", kit.along(0, 219.5))
    record_drive(kit, tmp_path / "a", kit.along(0, 20), finish=False)
    assert [item.route_id for item in records_from_runs(tmp_path)] == ["street_0"]
    with pytest.raises(UserError, match="no finished run"):
        read_record(tmp_path / "a")


def test_infractions_are_plain_data() -> None:
    names = {field.name for field in dataclasses.fields(Infraction)}
    assert {"kind", "tick", "time_s", "position", "message"} <= names
