"""Town files: exact, whole or not at all, and refused when they are anything else."""

import dataclasses
import errno
import io
import json
import mmap
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from symdrive.core.errors import UserError
from symdrive.maps import store
from symdrive.maps.store import decode_town, encode_town, load_town, save_town
from symdrive.maps.town import Town
from symdrive.maps.towns import town_folder


@pytest.fixture(scope="module")
def town() -> Town:
    return load_town(town_folder() / "alder.town")


@pytest.fixture(scope="module")
def content(town: Town) -> bytes:
    return encode_town(town)


def assert_equal(a: Town, b: Town):
    for table in store.TABLES:
        one, two = getattr(a, table), getattr(b, table)
        for field in dataclasses.fields(one):
            x, y = getattr(one, field.name), getattr(two, field.name)
            assert np.array_equal(x, y), f"{table}.{field.name}"
            if isinstance(x, np.ndarray):
                assert x.dtype == y.dtype, f"{table}.{field.name}"
    assert (a.name, a.source_digest) == (b.name, b.source_digest)


@pytest.mark.parametrize("name", ["alder", "Town01", "Town10HD"])
def test_a_baked_town_comes_back_exactly(baked, name, tmp_path: Path):
    save_town(baked(name), tmp_path / "a.town")
    assert_equal(baked(name), load_town(tmp_path / "a.town"))


def test_the_same_town_makes_the_same_bytes(town: Town, content: bytes):
    assert encode_town(town) == content
    assert encode_town(decode_town(content, "again")) == content


@given(
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int8, np.uint8, np.bool_]),
        arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
    )
)
def test_columns_come_back(column: np.ndarray):
    narrow = store._narrow(column)
    back = store._unpacked(store._packed(narrow)).astype(column.dtype)
    assert narrow.itemsize <= column.itemsize
    assert back.shape == column.shape
    assert np.array_equal(back, column, equal_nan=column.dtype.kind == "f")


def test_shipped_towns_are_small_and_fit_their_sources():
    from symdrive.maps.open import read_source
    from symdrive.maps.opendrive.baking import source_digest

    files = sorted(town_folder().glob("*.town"))
    assert [f.stem for f in files] == sorted(f.stem for f in town_folder().glob("*.xodr"))
    for file in files:
        assert file.stat().st_size < 4_000_000
        source = file.with_suffix(".xodr")
        assert load_town(file).source_digest == source_digest(read_source(source)), (
            f"{file.name} is older than {source.name}; run tools/bake_towns.py"
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(f.stem for f in town_folder().glob("*.xodr")))
def test_shipped_towns_are_what_this_code_bakes(name: str, tmp_path: Path):
    """The digest of the source says nothing of the code that baked it; its versions are pinned."""
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    from symdrive.maps.open import bake_file

    bake_file(town_folder() / f"{name}.xodr", tmp_path / "again.town")
    assert (tmp_path / "again.town").read_bytes() == (
        town_folder() / f"{name}.town"
    ).read_bytes(), f"{name}.town was baked by older code; run tools/bake_towns.py"


def test_loading_is_fast(baked, tmp_path: Path):
    save_town(baked("Town01"), tmp_path / "a.town")
    best = np.inf
    for _ in range(5):
        begin = time.process_time()
        load_town(tmp_path / "a.town")
        best = min(best, time.process_time() - begin)
    assert best < 0.3


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_cut_file_is_refused(content: bytes, share: float):
    with pytest.raises(UserError, match=r"a\.town: not a sound town file"):
        decode_town(content[: int(len(content) * share)], "a.town")


def test_flipped_bytes_never_pass_unseen(town: Town, content: bytes):
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(content), 60).tolist():
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        try:
            found = decode_town(bytes(damaged), "a.town")
        except UserError:
            continue
        assert_equal(town, found)


@pytest.fixture
def mapped(town: Town, tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(store, "MAPPED_BYTES", 1000)
    save_town(town, tmp_path / "large.town")
    return tmp_path / "large.town"


def test_large_arrays_are_mapped(town: Town, mapped: Path):
    found = load_town(mapped)
    assert_equal(town, found)
    for column in (found.mesh.vertices, found.lanes.points):
        base = column
        while isinstance(base, np.ndarray):
            base = base.base
        assert isinstance(base.obj if isinstance(base, memoryview) else base, mmap.mmap)
        assert column.flags.aligned
        assert column.__array_interface__["data"][0] % 64 == 0


def test_what_is_written_into_a_mapped_array_does_not_reach_the_file(town: Town, mapped: Path):
    before = mapped.read_bytes()
    found = load_town(mapped)
    found.mesh.vertices[:] = 0.0
    del found
    assert mapped.read_bytes() == before
    assert_equal(town, load_town(mapped))


def test_mapped_arrays_outlive_the_file(town: Town, mapped: Path):
    found = load_town(mapped)
    mapped.unlink()
    assert_equal(town, found)


def test_only_files_with_mapped_arrays_need_a_new_reader(content: bytes, mapped: Path):
    schemas = []
    for file in (io.BytesIO(content), mapped):
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            schemas.append(json.loads(archive.read("header.json"))["schema"])
    assert schemas == [store.PACKED_SCHEMA, store.SCHEMA]


def test_flipped_bytes_of_a_mapped_town_never_pass_unseen(town: Town, mapped: Path):
    rng = np.random.default_rng(0)
    whole = mapped.read_bytes()
    for at in rng.integers(0, len(whole), 60).tolist():
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        mapped.write_bytes(bytes(damaged))
        try:
            found = load_town(mapped)
        except UserError:
            continue
        assert_equal(town, found)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_file_of_a_mapped_town_is_refused(mapped: Path, share: float):
    mapped.write_bytes(mapped.read_bytes()[: int(mapped.stat().st_size * share)])
    with pytest.raises(UserError, match=r"large\.town: not a sound town file"):
        load_town(mapped)


@pytest.mark.parametrize(
    "change",
    [
        {"mapped": {"mesh.vertices": [1, 3]}},
        {"mapped": {"mesh.vertices": "many"}},
        {"mapped": {"lanes.lane_id": [1]}},
        {"mapped": 7},
        {"dtypes": {"mesh.vertices": "|O"}},
    ],
)
def test_a_header_that_does_not_fit_the_mapped_arrays_is_refused(
    mapped: Path, change: dict[str, object]
):
    with zipfile.ZipFile(mapped) as archive:
        header = json.loads(archive.read("header.json"))
        members = {name: archive.read(name) for name in archive.namelist()[1:]}
    for key, value in change.items():
        header[key] = {**header[key], **value} if isinstance(value, dict) else value
    with zipfile.ZipFile(mapped, "w") as archive:
        archive.writestr("header.json", json.dumps(header))
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match=r"large\.town: not a sound town file"):
        load_town(mapped)


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("foreign", "said"),
    [
        (b"", "not a sound town file"),
        (b"PNG something", "not a sound town file"),
        (zipped(readme_md="hello"), "no header.json"),
        (zipped(header_json="{}"), "not a baked town"),
        (zipped(header_json="[1, 2]"), "not a baked town"),
        (zipped(header_json="{broken"), "not a sound town file"),
        (
            zipped(header_json=json.dumps({"magic": "symdrive town", "schema": 99})),
            "update symdrive",
        ),
        (zipped(header_json=json.dumps({"magic": "symdrive town", "schema": 0})), "bake it again"),
        (
            zipped(header_json=json.dumps({"magic": "symdrive town", "schema": store.SCHEMA})),
            "sound",
        ),
    ],
)
def test_foreign_files_are_refused(foreign: bytes, said: str):
    with pytest.raises(UserError, match=said) as refusal:
        decode_town(foreign, "a.town")
    assert "a.town" in str(refusal.value)


def test_a_column_of_objects_is_refused():
    head = json.dumps({"dtype": "|O", "shape": [1]}).encode()
    with pytest.raises(ValueError, match="no number"):
        store._unpacked(len(head).to_bytes(4, "little") + head + b"\0" * 8)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        load_town(tmp_path / "gone.town")


def test_a_full_disk_leaves_the_old_file(town: Town, tmp_path: Path, monkeypatch):
    path = tmp_path / "a.town"
    path.write_bytes(b"old")

    def full(_: int):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        save_town(town, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_refused(town: Town, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        save_town(town, tmp_path / "file" / "a.town")
