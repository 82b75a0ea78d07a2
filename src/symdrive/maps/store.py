"""A baked town as one file: a zip of a JSON header and one array a field.

Every array is stored in the narrowest number format that holds it exactly, and comes back in the
format that it had. Nothing in the file is executed (no pickles).
"""

import dataclasses
import io
import json
import os
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from symdrive.core.errors import UserError
from symdrive.maps.town import (
    ConflictTable,
    CrosswalkTable,
    HeightGrid,
    LaneTable,
    Mesh,
    SignalTable,
    StopSignTable,
    Town,
)

MAGIC = "symdrive town"

SCHEMA = 1
"""Raised whenever the layout, or what baking puts into it, changes in a way that readers notice."""

THREADS = 2
"""For unpacking a town."""

HEADER = "header.json"
TABLES: dict[str, type[Any]] = {
    "lanes": LaneTable,
    "conflicts": ConflictTable,
    "signals": SignalTable,
    "stop_signs": StopSignTable,
    "crosswalks": CrosswalkTable,
    "ground": HeightGrid,
    "mesh": Mesh,
}
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What the zip reader and the array decoder raise for content that is damaged or foreign."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of every member: the same town makes the same bytes."""


def save_town(town: Town, path: Path) -> None:
    """Write a baked town; the file appears whole or not at all.

    Raises:
        UserError: when the folder cannot be written or the disk is full.
    """
    content = encode_town(town)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)


def load_town(path: Path) -> Town:
    """Read a baked town.

    Raises:
        UserError: when the file is missing, is no town, is damaged, or is of another schema.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    return decode_town(content, str(path))


def encode_town(town: Town) -> bytes:
    """The bytes of a town file."""
    kinds: dict[str, str] = {}
    members: dict[str, bytes] = {}
    scalars: dict[str, float] = {}
    for table, kind in TABLES.items():
        value = getattr(town, table)
        for field in dataclasses.fields(kind):
            key, column = f"{table}.{field.name}", getattr(value, field.name)
            if not isinstance(column, np.ndarray):
                scalars[key] = float(column)
                continue
            kinds[key] = column.dtype.str
            members[key] = _packed(_narrow(column))
    header = {
        "magic": MAGIC,
        "schema": SCHEMA,
        "name": town.name,
        "source_digest": town.source_digest,
        "dtypes": kinds,
        "scalars": scalars,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(zipfile.ZipInfo(HEADER, EPOCH), json.dumps(header, indent=1))
        for key, content in members.items():
            info = zipfile.ZipInfo(f"{key}.bin", EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def decode_town(content: bytes, where: str) -> Town:
    """A town from the bytes of its file; `where` names the file in messages.

    Raises:
        UserError: as for `load_town`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            header = _header(archive, where)
            return _town(archive, header)
    except BROKEN as error:
        raise UserError(
            f"{where}: not a sound town file ({error}); bake it again from its OpenDRIVE source."
        ) from error


def _header(archive: zipfile.ZipFile, where: str) -> dict[str, Any]:
    """The header, once it is clear that this reader understands the file."""
    if HEADER not in archive.namelist():
        raise UserError(f"{where}: a zip file, but not a baked town (it has no {HEADER}).")
    header = json.loads(archive.read(HEADER))
    if not isinstance(header, dict) or header.get("magic") != MAGIC:
        raise UserError(f"{where}: a zip file, but not a baked town.")
    schema = header.get("schema")
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        remedy = "update symdrive" if newer else "bake it again from its OpenDRIVE source"
        raise UserError(
            f"{where}: baked with town schema {schema}, this version reads {SCHEMA}; {remedy}."
        )
    return header


def _town(archive: zipfile.ZipFile, header: dict[str, Any]) -> Town:
    """The tables of the archive."""
    names = [
        (table, field.name) for table, kind in TABLES.items() for field in dataclasses.fields(kind)
    ]

    def column(name: tuple[str, str]) -> np.ndarray | float:
        key = ".".join(name)
        if key in header["scalars"]:
            return float(header["scalars"][key])
        stored = _unpacked(archive.read(f"{key}.bin"))
        return stored.astype(np.dtype(header["dtypes"][key]), copy=False)

    # Unpacking leaves Python alone most of the time.
    with ThreadPoolExecutor(THREADS) as pool:
        columns = dict(zip(names, pool.map(column, names), strict=True))
    tables = {
        table: kind(**{f.name: columns[table, f.name] for f in dataclasses.fields(kind)})
        for table, kind in TABLES.items()
    }
    return Town(name=str(header["name"]), source_digest=str(header["source_digest"]), **tables)


def _narrow(column: np.ndarray) -> np.ndarray:
    """The column in the smallest format that holds every value exactly."""
    if column.dtype.kind == "f":
        with np.errstate(over="ignore"):
            single = column.astype(np.float32)
        return single if np.array_equal(single, column, equal_nan=True) else column
    if column.dtype.kind == "i":
        for kind in (np.int8, np.int16, np.int32):
            limits = np.iinfo(kind)
            if column.size == 0 or (column.min() >= limits.min and column.max() <= limits.max):
                return column.astype(kind)
    return column


def _packed(column: np.ndarray) -> bytes:
    """Raw bytes with the bytes of a number put apart (all first bytes, all second ones, ...).

    The high bytes of neighbouring numbers are alike, so the planes compress far better than the
    numbers. The shape and the format are stored in front.
    """
    buffer = io.BytesIO()
    planes = np.frombuffer(column.tobytes(), np.uint8).reshape(-1, column.dtype.itemsize).T
    head = json.dumps({"dtype": column.dtype.str, "shape": column.shape}).encode()
    buffer.write(len(head).to_bytes(4, "little"))
    buffer.write(head)
    buffer.write(planes.tobytes())
    return buffer.getvalue()


def _unpacked(content: bytes) -> np.ndarray:
    """The inverse of `_packed`.

    Raises:
        ValueError: when the content does not have the size that it states.
    """
    size = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + size])
    kind = np.dtype(head["dtype"])
    if kind.kind not in "fiub":
        raise ValueError(f"a column has the format {kind}, which is no number")
    planes = np.frombuffer(content, np.uint8, offset=4 + size).reshape(kind.itemsize, -1)
    return np.ascontiguousarray(planes.T).view(kind).reshape(head["shape"])
