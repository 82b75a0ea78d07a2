"""What is found out about result files: rules, benchmark, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from symdrive.scoring.assessment import Assessment, assess
from symdrive.scoring.protocol import (
    BENCH2DRIVE_0_0_3,
    BENCH2DRIVE_0_0_4,
    FAIL2DRIVE,
    LEADERBOARD_2_0,
    LEADERBOARD_2_1,
    LONGEST6_V2,
    PROTOCOLS,
    TOWN13,
    Protocol,
)
from symdrive.scoring.route_tables import TABLES, route_table

Kit = Any


def codes(found: Assessment) -> set[str]:
    return {finding.code for finding in found.findings}


def message(found: Assessment, code: str) -> str:
    return next(finding.message for finding in found.findings if finding.code == code)


def bench(results: Kit, info: Any, **changes: Any) -> dict[str, Any]:
    """A complete drive as Bench2Drive's evaluator reports it."""
    speeds = [results.speed(120.5)] * changes.pop("checkpoints", 20)
    infractions = {"min_speed_infractions": speeds, **changes.pop("infractions", {})}
    return results.row(
        info.route,
        infractions=infractions,
        length=info.length_m,
        town_name=info.town,
        scenario_name=f"{info.scenario}_1",
        **changes,
    )


def bench_file(results: Kit, path: Path, table: str = "bench2drive_0_0_3") -> Path:
    return results.write(path, [bench(results, info) for info in route_table(table).values()])


@pytest.mark.parametrize(
    ("protocol", "checkpoints"),
    [
        (BENCH2DRIVE_0_0_3, 20),
        (BENCH2DRIVE_0_0_4, 20),
        (LONGEST6_V2, 0),
        (TOWN13, 0),
        (FAIL2DRIVE, 0),
    ],
)
def test_every_benchmark_is_known_by_its_routes_and_rules(
    results: Kit, tmp_path: Path, protocol: Protocol, checkpoints: int
) -> None:
    rows = [
        bench(results, info, checkpoints=checkpoints)
        for info in route_table(protocol.table).values()
    ]
    found = assess(results.write(tmp_path / "all.json", rows))
    assert found.protocol is protocol
    assert found.summary.num_planned == protocol.planned == len(rows)
    assert found.summary.driving_score == 100.0
    assert codes(found) <= {"few_seeds"}


def test_tables_and_protocols_agree() -> None:
    assert {p.table for p in PROTOCOLS.values() if p.table} == set(TABLES)
    for protocol in PROTOCOLS.values():
        if protocol.table:
            assert len(route_table(protocol.table)) == protocol.planned
    with pytest.raises(ValueError, match="no route table"):
        route_table("nuscenes")


@pytest.mark.parametrize(
    ("protocol", "penalty"), [(LEADERBOARD_2_0, 0.6 * 0.7), (LEADERBOARD_2_1, 1 / 2.1)]
)
def test_the_formula_is_known_by_what_multiplies_out(
    results: Kit, tmp_path: Path, protocol: Protocol, penalty: float
) -> None:
    hits = {"collisions_vehicle": ["x"], "red_light": ["y"]}
    rows = [results.row("a", infractions=hits, penalty=round(penalty, 6)), results.row("b")]
    assert assess(results.write(tmp_path / "two.json", rows)).protocol is protocol


def test_longest6_by_bench2drives_evaluator(results: Kit, tmp_path: Path) -> None:
    rows = [bench(results, info) for info in route_table("longest6_v2").values()]
    rows[0] = bench(
        results,
        route_table("longest6_v2")["0"],
        infractions={"min_speed_infractions": [results.speed(40.0)] * 20},
    )
    found = assess(results.write(tmp_path / "l6.json", rows))
    assert found.protocol.name == "longest6_v2_by_bench2drive_0.0.3"
    assert "Made with the wrong evaluator" in message(found, "wrong_rules")
    assert found.summary.driving_score == 100.0
    chosen = assess(tmp_path / "l6.json", LONGEST6_V2)
    assert "Made with the wrong evaluator" in message(chosen, "wrong_rules")
    assert chosen.summary.driving_score < 100.0


def test_a_chosen_protocol_that_does_not_fit(results: Kit, tmp_path: Path) -> None:
    path = results.write(
        tmp_path / "x.json",
        [results.row("a", penalty=0.6, infractions={"collisions_vehicle": ["x"]})],
    )
    found = assess(path, LEADERBOARD_2_1)
    assert "do not follow the rules of CARLA Leaderboard 2.1" in message(found, "other_rules")
    strange = assess(path, FAIL2DRIVE)
    assert "not on the routes of Fail2Drive" in message(strange, "other_routes")


def test_missing_routes_count_zero(results: Kit, tmp_path: Path) -> None:
    rows = [bench(results, info) for info in route_table("bench2drive_0_0_3").values()][:210]
    found = assess(results.write(tmp_path / "b.json", rows))
    assert found.summary.driving_score == pytest.approx(210 / 220 * 100)
    assert found.alternatives.over_records == 100.0
    assert "10 routes of 220 have no record" in message(found, "missing_routes")


def test_a_denominator_of_the_files_own(results: Kit, tmp_path: Path) -> None:
    rows = [bench(results, info) for info in route_table("bench2drive_0_0_3").values()][:218]
    extra = {"driving score": 100.0, "success rate": 1.0, "eval num": 218}
    found = assess(results.write(tmp_path / "b.json", rows, **extra))
    assert "over 218 routes; over all 220 it is 99.09" in message(found, "denominator")
    extra["driving score"] = 218 / 220 * 100.0
    assert "denominator" not in codes(assess(results.write(tmp_path / "b.json", rows, **extra)))


def test_crashes_are_told(results: Kit, tmp_path: Path) -> None:
    rows = [bench(results, info) for info in route_table("bench2drive_0_0_3").values()]
    for i in range(4):
        rows[i] |= results.row(
            1, completion=0.0, status="Failed - Simulation crashed", length=0.0
        ) | {"route_id": rows[i]["route_id"]}
    found = assess(results.write(tmp_path / "b.json", rows))
    assert "4 drives ended by a crash" in message(found, "crashed_routes")
    assert found.alternatives.over_driven == 100.0
    assert found.alternatives.num_driven == 216


def test_penalties_that_do_not_multiply_out(results: Kit, tmp_path: Path) -> None:
    hit = {"collisions_vehicle": ["x"]}
    rows = [results.row(i, infractions=hit, penalty=0.6) for i in range(9)]
    rows.append(results.row("odd", infractions=hit, penalty=0.9))
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "1 record does not multiply out" in message(found, "penalty")
    assert found.summary.driving_score == 60.0
    rows[-1] = results.row("odd", infractions=hit, penalty=0.6)
    rows[-1]["scores"]["score_composed"] = 95.0
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "not completion times penalty" in message(found, "score")


def test_a_relaxed_goal_shows_in_checkpoints(results: Kit, tmp_path: Path) -> None:
    """At 90 % of a route, 18 of 20 parts are closed, and the last one is not."""
    infos = list(route_table("bench2drive_0_0_3").values())
    strict = [bench(results, info) for info in infos]
    assert "relaxed_goal" not in codes(assess(results.write(tmp_path / "b.json", strict)))
    relaxed = [bench(results, info, checkpoints=5) for info in infos]
    assert "relaxed_goal" in codes(assess(results.write(tmp_path / "b.json", relaxed)))


def test_a_relaxed_goal_shows_in_the_share_outside(results: Kit, tmp_path: Path) -> None:
    """90 m are 10 % of 900 m, and the route has 1,000 m."""
    for driven, is_relaxed in ((900.0, True), (995.0, False)):
        left = {"outside_route_lanes": [results.outside(90.0, round(9000.0 / driven, 2))]}
        penalty = 1 - 90.0 / driven
        rows = [results.row(i, infractions=left, penalty=penalty) for i in range(5)]
        found = assess(results.write(tmp_path / "x.json", rows))
        assert ("relaxed_goal" in codes(found)) == is_relaxed


def test_complete_without_being_complete(results: Kit, tmp_path: Path) -> None:
    rows = [results.row("a", completion=91.0, status="Completed"), results.row("b")]
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "1 of 2 complete drives ended before" in message(found, "relaxed_goal")


def test_no_hard_stop(results: Kit, tmp_path: Path) -> None:
    rows = [bench(results, info) for info in route_table("bench2drive_0_0_3").values()]
    rows[0]["meta"]["duration_game"] = 340.0
    found = assess(results.write(tmp_path / "b.json", rows))
    assert "1 drive took longer than the 200 s" in message(found, "no_tick_limit")


def test_unfinished_drives(results: Kit, tmp_path: Path) -> None:
    rows = [results.row("a"), results.row("b", status="Started", completion=0.0)]
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "1 record of a drive that has not ended" in message(found, "unfinished_routes")
    assert found.summary.driving_score == 50.0


def test_a_road_of_no_length(results: Kit, tmp_path: Path) -> None:
    found = assess(results.write(tmp_path / "x.json", [results.row("a", length=0.0)]))
    assert "1 record has a route of no length, so" in message(found, "no_length")


def test_more_drives_than_routes(results: Kit, tmp_path: Path) -> None:
    infos = route_table("town13").values()
    rows = [results.row(i.route, length=i.length_m, town_name=i.town) for i in infos]
    rows.append(results.row("extra", town_name="Town13", length=8000.0))
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "21 drives" in message(found, "surplus_routes")
    assert "extra" in message(found, "other_routes")
    assert found.summary.num_planned == 21


def test_a_few_small_ids_without_a_town_are_no_benchmark(results: Kit, tmp_path: Path) -> None:
    """Two routes may be called 1 and 2; with most of Longest6's lengths they are Longest6."""
    infos = list(route_table("longest6_v2").values())
    rows = [results.row(info.route, length=info.length_m) for info in infos]
    assert assess(results.write(tmp_path / "l6.json", rows)).protocol is LONGEST6_V2
    few = assess(results.write(tmp_path / "few.json", rows[:2]))
    assert few.protocol is LEADERBOARD_2_0


def test_leads_data_collection_is_known_by_its_speed_penalty(results: Kit, tmp_path: Path) -> None:
    slow = {"min_speed_infractions": [results.speed(80.0)]}
    path = results.write(tmp_path / "x.json", [results.row("a", infractions=slow, penalty=0.8)])
    assert assess(path).protocol.name == "lead_collection"


def test_fail2drive_knows_routes_by_their_files(results: Kit, tmp_path: Path) -> None:
    """Published files number their routes anew, or by words; names of files say which they are."""
    for seed in ("seed1", "seed2"):
        for i, info in enumerate(route_table("fail2drive").values()):
            name = f"{info.split}_{info.scenario}_{int(info.route):04d}.json"
            row = results.row(i % 34, length=info.length_m)
            results.write(tmp_path / seed / name, [row], planned=1)
    found = assess(tmp_path)
    assert found.protocol is FAIL2DRIVE
    assert [len(run.records) for run in found.results.runs] == [200, 200]
    assert codes(found) == {"renamed_routes", "few_seeds"}
    assert {measure.value for measure in found.measures} == {100.0, 0.0}


def test_a_speed_penalty_that_was_left_out(results: Kit, tmp_path: Path) -> None:
    slow = {"min_speed_infractions": [results.speed(50.0)]}
    infos = list(route_table("longest6_v2").values())
    rows = [results.row(i.route, length=i.length_m, town_name=i.town) for i in infos]
    for i in range(10):
        rows[i] = results.row(
            infos[i].route, length=infos[i].length_m, town_name=infos[i].town, infractions=slow
        )
    found = assess(results.write(tmp_path / "x.json", rows))
    assert "without the speed rule" in message(found, "wrong_rules")
    assert found.protocol.name == "longest6_v2_by_leaderboard_2.0_without_speed"


def test_files_of_two_evaluators_in_one_folder(results: Kit, tmp_path: Path) -> None:
    fast = {"min_speed_infractions": [results.speed(150.0)]}
    rows = [results.row(f"r{i}") for i in range(9)] + [results.row("r9", infractions=fast)]
    found = assess(results.write(tmp_path / "x.json", rows))
    text = message(found, "mixed_rules")
    assert "speed checkpoints above 100 % in 1 drive of 10" in text
