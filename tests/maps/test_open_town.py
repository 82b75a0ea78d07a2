"""Towns by name, from files, and through the cache."""

import gzip
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.maps import open as opening
from symdrive.maps.open import list_towns, name_of, open_town
from symdrive.maps.store import SCHEMA, save_town
from symdrive.maps.towns import town_folder


@pytest.fixture
def bakes(monkeypatch) -> list[str]:
    """Counts bakes; a bake hands out a shipped town under another name."""
    import dataclasses

    done: list[str] = []
    town = open_town("alder")

    def fake(text: str, path: Path):
        done.append(opening.name_of(path))
        return dataclasses.replace(town, name=opening.name_of(path))

    monkeypatch.setattr(opening, "_bake", fake)
    monkeypatch.setattr(opening, "_warned", set())
    return done


def test_shipped_towns_open_by_name():
    assert {"alder", "birch"} <= set(list_towns())
    for name in list_towns():
        assert open_town(name).name == name


def test_shipped_towns_need_no_carla():
    code = (
        "import sys; sys.modules['carla'] = None\n"
        "from symdrive.maps.open import open_town\n"
        "assert len(open_town('alder').lanes) > 100"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("typo", "meant"), [("aldr", "alder"), ("Birch", "birch"), ("alder2", "alder")]
)
def test_a_typo_gets_a_suggestion(typo: str, meant: str):
    with pytest.raises(UserError, match=f"did you mean '{meant}'"):
        open_town(typo)


def test_an_unknown_name_lists_the_towns():
    with pytest.raises(UserError, match="shipped: alder, birch"):
        open_town("zzzzzz")


@pytest.mark.parametrize("path", ["nowhere/alder", "gone.xodr", "gone.xodr.gz", "gone.town"])
def test_a_missing_file_is_no_name(path: str):
    with pytest.raises(UserError, match="there is no such file"):
        open_town(path)


def test_other_files_are_refused(tmp_path: Path):
    (tmp_path / "town.osm").write_text("<osm/>")
    with pytest.raises(UserError, match=r"a town is a \.town, \.xodr or \.xodr\.gz file"):
        open_town(tmp_path / "town.osm")


def test_names_come_from_the_file_name():
    assert [name_of(Path(p)) for p in ("a/x.xodr.gz", "x.xodr", "/b/x.y.town")] == ["x", "x", "x.y"]


def test_a_baked_file_opens(tmp_path: Path):
    save_town(open_town("birch"), tmp_path / "mine.town")
    assert len(open_town(tmp_path / "mine.town").lanes) == len(open_town("birch").lanes)
    assert len(open_town(str(tmp_path / "mine.town")).lanes) == len(open_town("birch").lanes)


def test_opendrive_is_baked_once(tmp_path: Path, bakes: list[str]):
    source, cache = tmp_path / "mine.xodr", tmp_path / "cache"
    source.write_text("<OpenDRIVE/>")
    first = open_town(source, cache=cache)
    again = open_town(source, cache=cache)
    assert bakes == ["mine"]
    assert first.name == again.name == "mine"
    assert np.array_equal(first.lanes.points, again.lanes.points)
    (kept,) = cache.iterdir()
    assert kept.name.endswith(f"-{SCHEMA}.town")


def test_the_same_text_packed_or_renamed_shares_the_cache(tmp_path: Path, bakes: list[str]):
    (tmp_path / "mine.xodr").write_text("<OpenDRIVE/>")
    (tmp_path / "yours.xodr.gz").write_bytes(gzip.compress(b"<OpenDRIVE/>"))
    assert open_town(tmp_path / "mine.xodr", cache=tmp_path).name == "mine"
    assert open_town(tmp_path / "yours.xodr.gz", cache=tmp_path).name == "yours"
    assert bakes == ["mine"]


def test_another_text_is_another_town(tmp_path: Path, bakes: list[str]):
    source = tmp_path / "mine.xodr"
    for text in ("<OpenDRIVE/>", "<OpenDRIVE />"):
        source.write_text(text)
        open_town(source, cache=tmp_path / "cache")
    assert len(bakes) == 2


def test_a_broken_cache_is_baked_anew(tmp_path: Path, bakes: list[str], caplog):
    source, cache = tmp_path / "mine.xodr", tmp_path / "cache"
    source.write_text("<OpenDRIVE/>")
    open_town(source, cache=cache)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        open_town(source, cache=cache)
    assert len(bakes) == 2
    assert "baked anew" in caplog.text
    open_town(source, cache=cache)
    assert len(bakes) == 2


def test_an_unwritable_cache_is_said_once(tmp_path: Path, bakes: list[str], caplog):
    source = tmp_path / "mine.xodr"
    source.write_text("<OpenDRIVE/>")
    (tmp_path / "cache").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert open_town(source, cache=tmp_path / "cache").name == "mine"
    assert len(bakes) == 3
    assert len([r for r in caplog.records if "not kept for next time" in r.getMessage()]) == 1


def test_the_folder_of_towns_is_in_the_package():
    assert (town_folder() / "__init__.py").is_file()
