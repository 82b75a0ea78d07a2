"""From a recorded drive to its record, and the drive scored again from its folder."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symdrive.core.config import to_plain
from symdrive.core.errors import UserError
from symdrive.record.reader import open_run
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter
from symdrive.scoring.assessment import assess
from symdrive.scoring.comfort import comfort_si
from symdrive.scoring.criteria import default_criteria, make_record
from symdrive.scoring.infraction import Infraction
from symdrive.scoring.protocol import BENCH2DRIVE_0_0_3, LEADERBOARD_2_0, score_route
from symdrive.scoring.records import read_record, record_to_plain, records_from_runs
from symdrive.scoring.run_motion import motion_of_ticks
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


def test_run_folders_are_scored_as_one_set(kit: Kit, tmp_path: Path) -> None:
    """One finished run, one that was killed: the second counts zero, and is named."""
    record_drive(kit, tmp_path / "a", kit.along(0, 219.5))
    other = dataclasses.replace(kit, route=dataclasses.replace(kit.route, route_id="street_1"))
    record_drive(other, tmp_path / "b", kit.along(0, 20), finish=False)
    found = assess(tmp_path)
    assert found.protocol is LEADERBOARD_2_0
    assert (found.summary.num_driven, found.summary.num_planned) == (1, 2)
    assert found.summary.driving_score == 40.0
    (finding,) = [item for item in found.findings if item.code == "missing_routes"]
    assert finding.routes == ("street_1",)


def test_comfort_of_a_run_folder(kit: Kit, tmp_path: Path) -> None:
    """Straight at one speed: comfortable by both formulas; and the plan was not Bench2Drive's."""
    record_drive(kit, tmp_path / "a", kit.along(0, 219.5))
    found = assess(tmp_path, BENCH2DRIVE_0_0_3)
    values = {measure.key: measure.value for measure in found.measures}
    assert (values["comfort_b2d"], values["comfort_si"]) == (100.0, 100.0)
    codes = {item.code for item in found.findings}
    assert {"plan_spacing", "other_routes", "other_rules"} <= codes


def test_a_turn_presses_outwards(kit: Kit, tmp_path: Path) -> None:
    """10 m/s at 0.6 rad/s: 6 m/s^2 across the car, to the left in a left turn."""
    record_drive(kit, tmp_path / "a", kit.along(0, 100))
    ticks = dict(open_run(tmp_path / "a").ticks)
    ticks["yaw_rate"] = np.full_like(ticks["yaw"], 0.6)
    motion = motion_of_ticks(ticks)
    across = (motion.acceleration * motion.right).sum(axis=1)
    assert across == pytest.approx(-6.0)
    assert comfort_si(motion) == 0.0


def test_seeds_of_run_folders_are_runs(kit: Kit, tmp_path: Path) -> None:
    for seed in (3, 4):
        record_drive(kit, tmp_path / f"s{seed}", kit.along(0, 219.5))
        path = tmp_path / f"s{seed}" / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "seed": seed}))
    found = assess(tmp_path)
    assert [run.name for run in found.runs] == ["rep0", "rep1"]
    assert found.seed_deviation == 0.0


def test_every_route_may_have_a_seed_of_its_own(kit: Kit, tmp_path: Path) -> None:
    for seed in (3, 4):
        route = dataclasses.replace(kit.route, route_id=f"street_{seed}")
        record_drive(dataclasses.replace(kit, route=route), tmp_path / f"s{seed}", kit.along(0, 20))
        path = tmp_path / f"s{seed}" / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "seed": seed}))
    found = assess(tmp_path)
    assert [len(run.records) for run in found.results.runs] == [2]


def test_a_run_folder_of_a_newer_symdrive_is_refused(kit: Kit, tmp_path: Path) -> None:
    record_drive(kit, tmp_path / "a", kit.along(0, 219.5))
    path = tmp_path / "a" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    with pytest.raises(UserError, match="schema 99, and this symdrive reads up to"):
        assess(path.parent)


def test_a_damaged_run_folder_is_left_out(kit: Kit, tmp_path: Path) -> None:
    record_drive(kit, tmp_path / "a", kit.along(0, 219.5))
    record_drive(kit, tmp_path / "b", kit.along(0, 219.5))
    (tmp_path / "b" / "result.json").write_text("{")
    found = assess(tmp_path)
    assert [item.where for item in found.results.left_out] == [str(tmp_path / "b")]
    assert "result.json is no JSON" in found.results.left_out[0].reason


def test_runs_of_two_drivers_do_not_mix(kit: Kit, tmp_path: Path) -> None:
    for driver in ("expert", "student"):
        record_drive(kit, tmp_path / driver / "a", kit.along(0, 219.5))
        path = tmp_path / driver / "a" / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "driver": driver}))
    found = assess(tmp_path)
    assert [run.name for run in found.runs] == ["expert", "student"]
    messages = [item.message for item in found.findings if item.code == "mixed_drivers"]
    assert "expert, student" in messages[0]
