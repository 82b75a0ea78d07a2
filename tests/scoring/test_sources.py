"""Which files are one run, which drive of a route counts, and what is left out."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symdrive.core.errors import UserError
from symdrive.scoring import fields
from symdrive.scoring.assessment import assess
from symdrive.scoring.sources import read_results

Kit = Any


def names(folder: Path) -> list[tuple[str, list[str]]]:
    return [(run.name, [r.route for r in run.records]) for run in read_results(folder).runs]


def test_single_files_of_a_folder_are_one_run(results: Kit, tmp_path: Path) -> None:
    for route in (3, 10, 2):
        results.write(tmp_path / "deep" / f"{route}.json", [results.row(route)], planned=1)
    assert names(tmp_path) == [("deep", ["2", "3", "10"])]
    assert read_results(tmp_path).runs[0].planned == 3


def test_shards_without_a_common_route_are_one_run(results: Kit, tmp_path: Path) -> None:
    results.write(tmp_path / "gpu0.json", [results.row(1), results.row(2)], planned=2)
    results.write(tmp_path / "gpu1.json", [results.row(3), results.row(4)], planned=2)
    assert names(tmp_path) == [("", ["1", "2", "3", "4"])]


def test_folders_that_share_routes_are_runs(results: Kit, tmp_path: Path) -> None:
    for seed in (1, 2, 10):
        for route in (7, 8):
            results.write(tmp_path / f"seed{seed}" / "res" / f"{route}.json", [results.row(route)])
    assert [name for name, _ in names(tmp_path)] == ["seed1/res", "seed2/res", "seed10/res"]


def test_merged_files_that_share_routes_are_runs(results: Kit, tmp_path: Path) -> None:
    for name in ("a", "b"):
        results.write(tmp_path / f"{name}.json", [results.row(1), results.row(2)])
    assert [name for name, _ in names(tmp_path)] == ["a.json", "b.json"]


def test_repetitions_are_runs(results: Kit, tmp_path: Path) -> None:
    rows = [results.row(route, rep=rep) for rep in (0, 1, 2) for route in (5, 6)]
    path = results.write(tmp_path / "all.json", rows, planned=6)
    found = read_results(path)
    assert [(run.name, len(run.records), run.planned) for run in found.runs] == [
        ("rep0", 2, 2),
        ("rep1", 2, 2),
        ("rep2", 2, 2),
    ]


def test_a_merged_file_beside_its_parts_counts_once(results: Kit, tmp_path: Path) -> None:
    rows = [results.row(1), results.row(2, status="Failed - Agent timed out")]
    for record in rows:
        results.write(tmp_path / f"{record['route_id']}.json", [record], planned=1)
    results.write(tmp_path / "merged.json", rows, **{"driving score": 100.0, "eval num": 2})
    found = read_results(tmp_path)
    assert [len(run.records) for run in found.runs] == [2]
    assert not found.doubled
    assert found.claims[0].num_routes == 2


def test_of_two_drives_the_lower_counts_and_a_crash_gives_way(results: Kit, tmp_path: Path) -> None:
    drives = {
        "a": results.row(1, penalty=0.6, infractions={"collisions_vehicle": ["x"]}),
        "b": results.row(1),
        "c": results.row(1, completion=0.0, status="Failed - Simulation crashed"),
        "d": results.row(1, completion=0.0, status="Started"),
    }
    for name, record in drives.items():
        results.write(tmp_path / f"{name}.json", [record])
    found = read_results(tmp_path)
    assert [record.scores.driving_score for record in found.records] == [60.0]
    assert len(found.doubled) == len(found.left_out) == 3
    (best,) = [item.reason for item in found.left_out if item.where.endswith("b.json")]
    assert "field 'route_id' is 'RouteScenario_1_rep0' again (Perfect, 100.0)" in best
    assert "a.json counts (Completed, 60.0)" in best
    messages = [f.message for f in assess(tmp_path).findings if f.code == "doubled_routes"]
    assert messages
    assert "1 route has more than one record" in messages[0]


def test_a_route_that_left_no_record_is_planned(results: Kit, tmp_path: Path) -> None:
    results.write(tmp_path / "1.json", [results.row(1)], planned=1)
    results.write(tmp_path / "2.json", [], planned=1)
    found = assess(tmp_path)
    assert (found.summary.num_planned, found.summary.driving_score) == (2, 50.0)
    (finding,) = [f for f in found.findings if f.code == "missing_routes"]
    assert finding.routes == ("2",)
    assert "were begun" in finding.message


def test_companions_are_no_results(results: Kit, tmp_path: Path) -> None:
    results.write(tmp_path / "1.json", [results.row(1, save_name="s")])
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "metric_info.json").write_text("{}")
    (tmp_path / "merged_ability.json").write_text("{}")
    found = read_results(tmp_path)
    assert found.left_out == ()
    assert set(found.motions) == {"s"}


# ---- order ---------------------------------------------------------------------------------

LIMIT = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@LIMIT
@given(order=st.permutations(range(6)), places=st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_order_and_place_of_files_change_nothing(
    results: Kit, tmp_path: Path, order: list[int], places: list[int]
) -> None:
    """Records in any order, in any of three files: one and the same assessment."""
    hit = {"collisions_vehicle": ["x"]}
    rows = [
        results.row(i, infractions=hit if i % 2 else {}, penalty=0.6 if i % 2 else 1.0)
        for i in range(6)
    ]
    for path in tmp_path.glob("*.json"):
        path.unlink()
    one = assess(results.write(tmp_path / "one.json", rows))
    (tmp_path / "one.json").unlink()
    for place in set(places):
        chosen = [rows[i] for i in order if places[i] == place]
        results.write(tmp_path / f"part{place}.json", chosen)
    other = assess(tmp_path)
    assert (other.summary, other.over_routes) == (one.summary, one.over_routes)


# ---- bad input ------------------------------------------------------------------------------


def test_bad_files_are_named_with_their_field(results: Kit, tmp_path: Path) -> None:
    cases: dict[str, tuple[str, str]] = {
        "empty": ("", "is empty"),
        "cut": ('{"_checkpoint": {"records": [{"route', "is cut off in line 1"),
        "words": ("no json", "is no JSON (Expecting value, line 1 column 1)"),
        "list": ("[1, 2]", "holds a list, not a table"),
        "foreign": ('{"name": "x"}', "no entry '_checkpoint.records'"),
        "records": ('{"_checkpoint": {"records": {}}}', "no entry '_checkpoint.records'"),
        "progress": ('{"_checkpoint": {"records": [], "progress": "x"}}', "_checkpoint.progress"),
        "deep": ("[" * 100_000, "is no JSON"),
    }
    for name, (text, message) in cases.items():
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        with pytest.raises(UserError) as caught:
            read_results(path)
        assert message in str(caught.value)
        assert str(path) in str(caught.value)
    (tmp_path / "binary.json").write_bytes(b"\x80\x81\xff")
    with pytest.raises(UserError, match=r"binary\.json is no JSON"):
        read_results(tmp_path / "binary.json")


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"completion": NAN}, "field 'score_route' is nan; 0 to 100 would be right"),
        ({"completion": 100.5}, "field 'score_route' is 100.5"),
        ({"completion": -1.0}, "field 'score_route' is -1.0"),
        ({"penalty": INF, "completion": 1.0}, "field 'score_penalty' is inf"),
        ({"length": -3.0}, "field 'route_length' is -3.0; zero or more would be right"),
        ({"length": "far"}, "field 'route_length' is 'far'; a number would be right"),
        ({"duration": None}, "field 'duration_game' is None"),
        ({"status": "Great"}, "field 'status' is 'Great'"),
        ({"status": 3}, "field 'status' is 3; a text would be right"),
        ({"route_id": None}, "field 'route_id' is None"),
        ({"route_id": True}, "field 'route_id' is True"),
        ({"town_name": 5}, "field 'town_name' is 5"),
        ({"infractions": {"sneezing": ["x"]}}, "unknown kind of infraction 'sneezing'"),
        ({"infractions": {"red_light": "x"}}, "infractions 'red_light' are 'x'"),
        ({"infractions": {"red_light": [1]}}, "infractions 'red_light' are [1]"),
        ({"infractions": {"outside_route_lanes": ["far"]}}, "no percentage in 'far'"),
        ({"infractions": {"min_speed_infractions": ["is nan%"]}}, "no percentage in 'is nan%'"),
        ({"scores": 3}, "field 'scores' is 3; a table would be right"),
        ({"meta": []}, "field 'meta' is []; a table would be right"),
    ],
)
def test_bad_records_are_left_out_by_name_of_the_field(
    results: Kit, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    bad = results.row(2, **changes)
    path = results.write(tmp_path / "some.json", [results.row(1), bad, results.row(3)], planned=3)
    found = read_results(path)
    assert [record.route for record in found.records] == ["1", "3"]
    assert [item.where for item in found.left_out] == [f"{path}: record 1"]
    assert message in found.left_out[0].reason
    assert assess(path).summary.driving_score == pytest.approx(200.0 / 3.0)


def test_a_record_that_is_no_table(results: Kit, tmp_path: Path) -> None:
    path = results.write(tmp_path / "some.json", ["x", results.row(1)])
    assert "'x'; a table would be right" in read_results(path).left_out[0].reason


def test_missing_and_empty_paths(tmp_path: Path, results: Kit) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_results(tmp_path / "none")
    with pytest.raises(UserError, match="no finished run and no result file"):
        read_results(tmp_path)
    results.write(tmp_path / "1.json", [], planned=1)
    with pytest.raises(UserError, match="1 evaluations were begun and wrote no"):
        read_results(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.json").write_text("{}")
    with pytest.raises(UserError, match=r"none of 2 results can be scored; the first: .*a\.json"):
        read_results(tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    assert path.stat().st_size > fields.MAX_BYTES
    with pytest.raises(UserError, match=r"huge\.json has 1000 MB"):
        read_results(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(results: Kit, tmp_path: Path) -> None:
    path = results.write(tmp_path / "secret.json", [results.row(1)])
    path.chmod(0)
    with pytest.raises(UserError, match=r"cannot read .*secret\.json"):
        read_results(path)


def test_a_record_alone_is_read(results: Kit, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(results.row(4)))
    assert [record.route for record in read_results(path).records] == ["4"]
