"""`symdrive score` on result files: tables, formats, exit codes, refusals."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from symdrive.cli.main import run
from symdrive.scoring.document import schema
from symdrive.scoring.infraction import InfractionKind

KEYS = [kind.value for kind in InfractionKind]


def row(route: object, penalty: float = 1.0, **changes: Any) -> dict[str, Any]:
    infractions = {key: [] for key in KEYS}
    if penalty < 1.0:
        infractions["collisions_vehicle"] = ["x"]
    return {
        "route_id": f"RouteScenario_{route}_rep0",
        "status": "Completed" if penalty < 1.0 else "Perfect",
        "infractions": infractions,
        "scores": {
            "score_route": 100.0,
            "score_penalty": penalty,
            "score_composed": 100.0 * penalty,
        },
        "meta": {"route_length": 1000.0, "duration_game": 80.0},
        **changes,
    }


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"_checkpoint": {"records": rows}}))
    return path


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Results of two methods on three routes; the first is better on one of them."""
    first = write(tmp_path / "first.json", row(1), row(2), row(3, 0.6, scenario_name="Accident_1"))
    second = write(tmp_path / "second.json", row(1), row(2, 0.6), row(3, 0.6))
    return first, second


def shown(capsys: Any, *arguments: object, code: int = 0) -> tuple[str, str]:
    assert run(["score", *map(str, arguments)]) == code
    return capsys.readouterr()


def test_a_table_of_two_methods(two, capsys, monkeypatch):
    monkeypatch.setattr("symdrive.cli.screen.console.width", 100, raising=False)
    out, _ = shown(capsys, *two, "--against", two[1])
    assert "scored as CARLA Leaderboard 2.0" in out
    assert "A  first.json" in out
    assert "86.67" in out
    assert "3 of 3" in out
    assert "+13.33" in out
    assert max(map(len, out.splitlines())) <= 100


def test_json_keeps_to_its_schema(two, capsys):
    out, _ = shown(capsys, *two, "--against", two[1], "--format", "json")
    table = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(table, schema())
    assert table["schema_version"] == 2
    found = table["results"][str(two[0])]
    assert found["summary"]["driving_score"] == pytest.approx(86.666667)
    assert found["scenarios"]["macro_driving_score"] == 60.0
    assert table["comparisons"][str(two[0])]["wins"] == 1


def test_published_results_keep_to_the_schema(capsys):
    golden = Path(__file__).parents[3] / "shared" / "golden"
    if not golden.is_dir():
        pytest.skip("no published results in ../shared/golden")
    out, _ = shown(capsys, golden / "longest6", "--format", "json")
    jsonschema.validate(json.loads(out), schema())


def test_csv_has_a_line_for_each_drive(two, capsys):
    out, _ = shown(capsys, *two, "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(out)))
    assert len(lines) == 6
    assert lines[2]["route"] == "RouteScenario_3_rep0"
    assert (lines[2]["driving_score"], lines[2]["collisions_vehicle"]) == ("60.0", "1")


def test_markdown_is_a_table(two, capsys):
    out, _ = shown(capsys, *two, "--against", two[1], "--format", "markdown")
    lines = out.splitlines()
    assert lines[0].startswith("| results | scored as | DS |")
    assert lines[1].startswith("| --- | ---: |")
    assert "| first.json | CARLA Leaderboard 2.0 | 86.67 |" in lines[2]
    assert all(line.count("|") == lines[0].count("|") for line in lines[:4])


def test_bad_files_are_listed_and_the_exit_code_says_so(two, tmp_path, capsys):
    folder = tmp_path / "many"
    write(folder / "good.json", row(1))
    (folder / "cut.json").write_text('{"_checkpoint": {"rec')
    write(folder / "nan.json", row(2, meta={"route_length": float("nan"), "duration_game": 1.0}))
    out, errors = shown(capsys, folder, code=3)
    assert "100.00" in out
    assert "cut.json is no JSON: it is cut off" in errors
    assert "nan.json: record 0: field 'route_length' is nan" in errors
    out, errors = shown(capsys, two[0], tmp_path / "none.json", "--format", "json", code=3)
    assert list(json.loads(out)["results"]) == [str(two[0])]
    assert "none.json does not exist" in errors


def test_refusals(two, tmp_path, capsys):
    for arguments, message in (
        ([tmp_path / "nothing"], "does not exist"),
        ([two[0], "--protocol", "bench2drive-0.0.5"], "did you mean bench2drive_0.0.4?"),
        ([two[0], "--protocol", "waymo"], "called 'waymo'; known: bench2drive_0.0.3"),
        ([two[0], "--against", tmp_path / "none"], "does not exist"),
        ([two[0], "--tell", "0"], "--tell is 0.0"),
        ([two[0], "--tell", "nan"], "--tell is nan"),
    ):
        out, errors = shown(capsys, *arguments, code=2)
        assert message in errors.replace("\n", " ")
        assert out == ""


def test_a_protocol_by_name(two, capsys):
    out, _ = shown(capsys, two[0], "--protocol", "leaderboard-2.1")
    assert "scored as CARLA Leaderboard 2.1" in out
    assert "do not follow the rules" in " ".join(out.split())


def test_brackets_in_names_are_no_markup(tmp_path, capsys):
    path = write(tmp_path / "[red]x[" / "r.json", row(1))
    assert "r.json" in shown(capsys, path)[0]
    out, _ = shown(capsys, path.parent)
    assert "[red]x[" in out
