"""A baked town as one file: a zip of a JSON header and one array a field.

Every array is stored in the narrowest number format that holds it exactly, and comes back in the
format that it had. Nothing in the file is executed (no pickles). The large arrays of a large town
are stored as they are and mapped into memory: what nobody looks at is not unpacked, and processes
share what they look at.
"""

import dataclasses
import io
import json
import mmap
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
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

BinaryFile = io.BytesIO | io.BufferedReader | io.BufferedWriter

MAGIC = "symdrive town"

SCHEMA = 2
"""Raised whenever the layout, or what baking puts into it, changes in a way that readers notice."""

PACKED_SCHEMA = 1
"""Of files without mapped arrays, which older readers understand."""

MAPPED_BYTES = 16_000_000
"""Arrays of this size are mapped."""

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
"""What stands before the name of a member; it ends with the sizes of the name and of the extra
field (APPNOTE.TXT 4.3.7)."""

_ALIGN = 64
_PADDING_ID = 0xD935
"""Tag of padding in zip files (Android's zipalign)."""

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
    struct.error,
)
"""What the zip reader and the array decoder raise for content that is damaged or foreign."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of every member: the same town makes the same bytes."""


def save_town(town: Town, path: Path) -> None:
    """Write a baked town; the file appears whole or not at all.

    Raises:
        UserError: when the folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from error
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(town, file)
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
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # Private: what is written into an array does not reach the file.
            content = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) if size else b""
            return _decode(file, memoryview(content), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error


def encode_town(town: Town) -> bytes:
    """The bytes of a town file."""
    buffer = io.BytesIO()
    _write(town, buffer)
    return buffer.getvalue()


def _write(town: Town, file: BinaryFile) -> None:
    """Write a town file."""
    columns: dict[str, np.ndarray] = {}
    scalars: dict[str, float] = {}
    for table, kind in TABLES.items():
        value = getattr(town, table)
        for field in dataclasses.fields(kind):
            key, column = f"{table}.{field.name}", getattr(value, field.name)
            if isinstance(column, np.ndarray):
                columns[key] = column
            else:
                scalars[key] = float(column)
    mapped = {key: column.shape for key, column in columns.items() if column.nbytes >= MAPPED_BYTES}
    header = {
        "magic": MAGIC,
        "schema": SCHEMA if mapped else PACKED_SCHEMA,
        "name": town.name,
        "source_digest": town.source_digest,
        "dtypes": {key: column.dtype.str for key, column in columns.items()},
        "scalars": scalars,
    }
    if mapped:
        header["mapped"] = mapped
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(zipfile.ZipInfo(HEADER, EPOCH), json.dumps(header, indent=1))
        for key, column in columns.items():
            info = zipfile.ZipInfo(f"{key}.bin", EPOCH)
            if key in mapped:
                info.extra = _padding(file.tell() + _LOCAL_HEADER.size + len(info.filename))
                archive.writestr(info, column.tobytes())
            else:
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, _packed(_narrow(column)))


def _padding(begin: int) -> bytes:
    """An extra field that lets what follows it start at a multiple of `_ALIGN`."""
    size = -(begin + 4) % _ALIGN
    return struct.pack("<HH", _PADDING_ID, size) + bytes(size)


def decode_town(content: bytes, where: str) -> Town:
    """A town from the bytes of its file; `where` names the file in messages.

    Raises:
        UserError: as for `load_town`.
    """
    return _decode(io.BytesIO(content), memoryview(content), where)


def _decode(file: BinaryFile, content: memoryview, where: str) -> Town:
    """A town from its file, and the same as a buffer, which mapped arrays keep alive."""
    try:
        with zipfile.ZipFile(file) as archive:
            header = _header(archive, where)
            return _town(archive, header, content)
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
    if schema not in (PACKED_SCHEMA, SCHEMA):
        newer = isinstance(schema, int) and schema > SCHEMA
        remedy = "update symdrive" if newer else "bake it again from its OpenDRIVE source"
        raise UserError(
            f"{where}: baked with town schema {schema}, this version reads {PACKED_SCHEMA} and"
            f" {SCHEMA}; {remedy}."
        )
    return header


def _town(archive: zipfile.ZipFile, header: Mapping[str, Any], content: memoryview) -> Town:
    """The tables of the archive."""
    mapped = header.get("mapped", {})
    names = [
        (table, field.name) for table, kind in TABLES.items() for field in dataclasses.fields(kind)
    ]

    def column(name: tuple[str, str]) -> np.ndarray | float:
        key = ".".join(name)
        if key in header["scalars"]:
            return float(header["scalars"][key])
        kind = np.dtype(header["dtypes"][key])
        if key in mapped:
            return _mapped(archive.getinfo(f"{key}.bin"), content, kind).reshape(mapped[key])
        return _unpacked(archive.read(f"{key}.bin")).astype(kind, copy=False)

    # Unpacking leaves Python alone most of the time.
    with ThreadPoolExecutor(THREADS) as pool:
        columns = dict(zip(names, pool.map(column, names), strict=True))
    tables = {
        table: kind(**{f.name: columns[table, f.name] for f in dataclasses.fields(kind)})
        for table, kind in TABLES.items()
    }
    return Town(name=str(header["name"]), source_digest=str(header["source_digest"]), **tables)


def _mapped(info: zipfile.ZipInfo, content: memoryview, kind: np.dtype) -> np.ndarray:
    """An array that is stored as it is.

    Raises:
        ValueError: when it does not lie in the file as a whole.
        zipfile.BadZipFile: when its bytes are not those that were written.
    """
    if kind.kind not in "fiub" or info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} cannot be mapped")
    sizes = _LOCAL_HEADER.unpack_from(content, info.header_offset)[-2:]
    begin = info.header_offset + _LOCAL_HEADER.size + sum(sizes)
    found = np.frombuffer(content, np.uint8, info.file_size, begin)
    if zlib.crc32(found.data) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    return found.view(kind)


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
