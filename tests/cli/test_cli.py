"""The command line from the outside: bad input is one sentence and exit code 2."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symdrive.cli import options
from symdrive.cli.main import parse, run
from symdrive.cli.pages import Page, write_pages
from symdrive.core.config import to_plain
from symdrive.maps.open import open_town
from symdrive.record.reader import find_runs
from symdrive.world.weather import drawn_preset

QUIET = ["--vehicles", "0", "--pedestrians", "0", "--parked", "0", "--no-report"]
BLIND = ["drive", "--driver", "blind", "--rig", "blind", *QUIET]


def refusal(arguments, capsys):
    code = run([str(a) for a in arguments])
    text = capsys.readouterr().err.strip()
    assert code == 2
    assert text.startswith("symdrive: ")
    assert "Traceback" not in text
    return text


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "runs"
    assert run([*BLIND, "--town", "alder", "--out", str(out)]) == 0
    return out


def test_unknown_town(tmp_path, capsys):
    text = refusal([*BLIND, "--town", "alde", "--out", tmp_path / "o"], capsys)
    assert "alder" in text
    assert not tmp_path.joinpath("o").exists()


def test_missing_town_file(tmp_path, capsys):
    text = refusal([*BLIND, "--town", tmp_path / "No.xodr", "--out", tmp_path / "o"], capsys)
    assert "No.xodr" in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Broken.xodr", b"<OpenDRIVE><road"),
        ("Page.xodr", b"<html></html>"),
        ("Empty.xodr", b""),
        ("Cut.xodr.gz", gzip.compress(b"<OpenDRIVE>" * 100, mtime=0)[:40]),
        ("Bad.town", b"PK\x03\x04 but no more"),
    ],
)
def test_broken_town_file(tmp_path, capsys, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    text = refusal([*BLIND, "--town", path, "--out", tmp_path / "o"], capsys)
    assert name in text
    assert not tmp_path.joinpath("o").exists()


def test_route_off_the_map(tmp_path, capsys):
    routes = tmp_path / "far.xml"
    routes.write_text(
        '<routes><route id="7" town="alder"><waypoints>'
        '<position x="90000" y="0" z="0"/><position x="90050" y="0" z="0"/>'
        "</waypoints></route></routes>"
    )
    text = refusal([*BLIND, "--routes", routes, "--out", tmp_path / "o"], capsys)
    assert "7" in text
    assert " m" in text
    assert not tmp_path.joinpath("o").exists()


def test_routes_of_another_town(tmp_path, capsys):
    arguments = [*BLIND, "--town", "alder", "--routes", "birch_heldout", "--out", tmp_path / "o"]
    assert "birch" in refusal(arguments, capsys)


def test_unknown_route_set_and_driver_and_rig(tmp_path, capsys):
    out = ["--out", tmp_path / "o"]
    assert "birch_heldout" in refusal([*BLIND, "--routes", "birch_holdout", *out], capsys)
    assert "expert" in refusal(["drive", "--driver", "exprt", *QUIET, *out], capsys)
    assert "nano" in refusal(["drive", "--rig", "nanno", *QUIET, *out], capsys)


def test_unknown_weather(tmp_path, capsys):
    text = refusal([*BLIND, "--weather", "ClearNon", "--out", tmp_path / "o"], capsys)
    assert "did you mean 'ClearNoon'" in text


def test_the_weather_is_recorded(drive, tmp_path):
    assert "weather" not in json.loads(drive.joinpath("random_000/run.json").read_text())
    out = tmp_path / "wet"
    arguments = [*BLIND, "--town", "alder", "--out", str(out)]
    assert run([*arguments, "--weather", "random", "--seed", "5"]) == 0
    stored = json.loads(out.joinpath("random_000/run.json").read_text())["weather"]
    assert stored == to_plain(drawn_preset(5, "random_000").weather)


def test_a_learned_driver_needs_its_checkpoint(tmp_path, capsys):
    arguments = ["drive", "--driver", "student", *QUIET, "--out", tmp_path / "o"]
    assert "--checkpoint" in refusal(arguments, capsys)
    text = refusal([*arguments, "--checkpoint", tmp_path / "none.safetensors"], capsys)
    assert "none.safetensors" in text
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not a checkpoint")
    assert "broken.safetensors" in refusal([*arguments, "--checkpoint", broken], capsys)


def test_a_run_of_a_newer_schema(drive, tmp_path, capsys):
    folder = tmp_path / "newer"
    shutil.copytree(drive / "random_000", folder)
    meta = json.loads(folder.joinpath("run.json").read_text())
    meta["schema_version"] = 99
    folder.joinpath("run.json").write_text(json.dumps(meta))
    text = refusal(["show", folder, "--no-video"], capsys)
    assert "newer" in text
    assert "99" in text


def test_nothing_to_score_or_show_or_train(tmp_path, capsys):
    assert "no finished run" in refusal(["score", tmp_path], capsys)
    assert "no finished run" in refusal(["show", tmp_path], capsys)
    assert str(tmp_path) in refusal(["train", tmp_path, "--out", tmp_path / "model"], capsys)


def test_a_folder_with_other_things_is_left_alone(tmp_path, capsys):
    keep = tmp_path / "out" / "random_000" / "thesis.txt"
    keep.parent.mkdir(parents=True)
    keep.write_text("do not lose me")
    text = refusal([*BLIND, "--out", tmp_path / "out"], capsys)
    assert "no run folder" in text
    assert keep.read_text() == "do not lose me"


def test_driving_again_finds_the_drive(drive, capsys):
    before = drive.joinpath("random_000/result.json").read_bytes()
    assert run([*BLIND, "--town", "alder", "--out", str(drive)]) == 0
    assert drive.joinpath("random_000/result.json").read_bytes() == before


def test_scores_as_json_and_csv(drive, capsys):
    assert run(["score", str(drive), "--format", "json"]) == 0
    table = json.loads(capsys.readouterr().out)
    routes = table["results"][str(drive)]["routes"]
    assert [row["route_id"] for row in routes] == ["random_000"]
    assert routes[0]["route_completion"] > 99
    assert run(["score", str(drive), "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split(",")[1] == "random_000"


def test_a_report_without_video(drive):
    assert run(["show", str(drive / "random_000"), "--no-video"]) == 0
    page = drive.joinpath("random_000/report.html").read_text()
    assert "blind on route random_000" in page
    assert "<svg" in page


def test_two_processes_write_the_pages_that_one_writes(drive):
    runs = find_runs(drive) * 2
    town = open_town("alder")
    pages = [Page(folder, drive, video=False) for folder in runs]
    before = [without_plot_ids(write_pages([page], town)) for page in pages]
    for folder in runs:
        folder.joinpath("report.html").unlink(missing_ok=True)
    last = write_pages(pages, town, workers=2)
    assert last == runs[-1] / "report.html"
    assert [without_plot_ids(folder / "report.html") for folder in runs] == before


def without_plot_ids(page):
    """Plotly names its plots at random."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", page.read_text())


def test_towns_are_listed_and_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["towns", "list"]) == 0
    assert "birch" in capsys.readouterr().out
    assert run(["towns", "show", "birch"]) == 0
    assert Path("birch.svg").read_text().startswith("<svg")


def test_doctor_is_content_here(capsys):
    assert run(["doctor"]) == 0
    assert "numba" in capsys.readouterr().out


def test_every_command_has_a_help_page(capsys):
    for command in ("demo", "drive", "collect", "train", "score", "show", "towns", "bench"):
        with pytest.raises(SystemExit) as stop:
            parse([command, "--help"])
        assert stop.value.code == 0
        assert len(capsys.readouterr().out) > 200


def test_options_reach_the_command():
    chosen = parse(["drive", "--town", "birch", "--vehicles", "3", "--clairvoyant"])
    assert isinstance(chosen, options.Drive)
    assert (chosen.town, chosen.traffic.vehicles, chosen.clairvoyant) == ("birch", 3, True)


def test_options_of_traffic_reach_the_command():
    words = "--lane-changes --jaywalking 2 --main-roads 1 --bicycles 0.2 --emergency 1"
    for command in ("drive", "collect"):
        chosen = parse([command, *words.split()])
        assert isinstance(chosen, (options.Drive, options.Collect))
        traffic = chosen.traffic
        assert traffic.lane_changes
        asked = (traffic.jaywalking, traffic.main_roads, traffic.bicycles, traffic.emergency)
        assert asked == (2.0, 1.0, 0.2, 1)
        assert not chosen.living
        assert parse([command, "--living"]).living


def test_help_loads_nothing_heavy():
    code = (
        "import sys, symdrive.cli.main; bad = {'torch', 'numba', 'plotly', 'carla', 'cv2'}"
        " & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
