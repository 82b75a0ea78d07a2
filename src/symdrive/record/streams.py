"""Arrow stream files that stay whole: a batch is in the file entirely or not at all.

Each batch goes to the file in one piece as soon as it is made, so a process that is killed loses
nothing that was written; a piece that does not fit on the disk is cut off again.
"""

import os
from pathlib import Path
from typing import cast

import pyarrow as pa

from symdrive.core.errors import UserError

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Last bytes of a complete stream (Arrow columnar format, "IPC Streaming Format")."""


class _Piece:
    """Collects what Arrow writes for one message; a file-like object for `pa.ipc.new_stream`."""

    closed = False

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes | pa.Buffer) -> int:
        """Keep a copy, for Arrow may free its buffer."""
        self.chunks.append(bytes(data))
        return len(self.chunks[-1])

    def flush(self) -> None:
        """Nothing is buffered below."""

    def take(self) -> bytes:
        """Everything since the last call."""
        whole = b"".join(self.chunks)
        self.chunks.clear()
        return whole


class StreamWriter:
    """Appends record batches to one new file.

    Args:
        path: of the file.
        schema: of the batches.
        zstd_level: compress columns; None leaves them as they are.

    Raises:
        UserError: when the file exists, or when it cannot be written (disk full).
    """

    def __init__(self, path: Path, schema: pa.Schema, zstd_level: int | None = None) -> None:
        self.path = path
        self.schema = schema
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError as error:
            raise UserError(f"{path} exists already; choose another run folder.") from error
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._size = 0
        self._open = True
        self._piece = _Piece()
        codec = None if zstd_level is None else pa.Codec("zstd", compression_level=zstd_level)
        options = pa.ipc.IpcWriteOptions(compression=codec)
        self._arrow = pa.ipc.new_stream(cast(str, self._piece), schema, options=options)
        self._append(self._piece.take())

    @property
    def is_open(self) -> bool:
        """Whether more can be written; false after `close` and after a failed write."""
        return self._open

    def write(self, batch: pa.RecordBatch) -> None:
        """Append one batch."""
        self._arrow.write_batch(batch)
        self._append(self._piece.take())

    def end(self) -> None:
        """Append the end mark and close; the stream is complete."""
        self._arrow.close()
        self._append(self._piece.take())
        self.close()

    def close(self) -> None:
        """Close the file as it is; without an end mark, the stream counts as cut short."""
        if self._open:
            self._open = False
            os.close(self._fd)

    def _append(self, piece: bytes) -> None:
        """All bytes or none."""
        view = memoryview(piece)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            os.ftruncate(self._fd, self._size)
            self.close()
            raise _cannot_write(self.path, error) from error
        self._size += len(piece)


def _cannot_write(path: Path, error: OSError) -> UserError:
    """The sentence for a disk that refuses."""
    reason = error.strerror or str(error)
    return UserError(f"cannot write {path}: {reason}; free space or choose another folder.")


def write_text(path: Path, text: str) -> None:
    """Write a small file so that it is there whole or not at all.

    Raises:
        UserError: when the disk refuses.
    """
    hidden = path.with_name(f".{path.name}.part")
    try:
        hidden.write_text(text, encoding="utf-8")
        hidden.replace(path)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


class Stream:
    """The whole batches of one stream file, memory-mapped; a batch is decoded when asked for.

    Args:
        path: the file.
        complete: whether the run was finished, so that a missing end mark is damage.

    Raises:
        UserError: when the file is missing, or is damaged.
    """

    def __init__(self, path: Path, *, complete: bool) -> None:
        self.path = path
        self.schema: pa.Schema | None = None
        self._messages: list[pa.ipc.Message] = []
        if not path.is_file():
            raise UserError(f"{path} is missing; the run folder is not whole.")
        if complete and not _has_end_mark(path):
            raise UserError(
                f"{path} ends in the middle, though its run was finished; the file is damaged."
            )
        if path.stat().st_size > 0:
            self._scan()

    def _scan(self) -> None:
        """Find the messages; bodies stay on disk."""
        with pa.memory_map(str(self.path)) as source:
            reader = pa.ipc.MessageReader.open_stream(source)
            while (message := _next_message(reader)) is not None:
                if message.type == "schema":
                    self.schema = pa.ipc.read_schema(message)
                else:
                    self._messages.append(message)

    def __len__(self) -> int:
        """Number of whole batches."""
        return len(self._messages)

    def batch(self, index: int) -> pa.RecordBatch:
        """One batch."""
        return pa.ipc.read_record_batch(self._messages[index], self.schema)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of all batches; nulls where the file was written before there was one."""
        if self.schema is None:
            return pa.chunked_array([], type=pa.null())
        if name not in self.schema.names:
            rows = sum(self.batch(i).num_rows for i in range(len(self)))
            return pa.chunked_array([pa.nulls(rows)])
        kind = self.schema.field(name).type
        return pa.chunked_array(
            [self.batch(i).column(name) for i in range(len(self))],
            type=kind,
        )


def _next_message(reader: pa.ipc.MessageReader) -> pa.ipc.Message | None:
    """The next message; None at the end and where the file was cut short."""
    try:
        return reader.read_next_message()
    except (StopIteration, EOFError, OSError, pa.ArrowInvalid):
        return None


def _has_end_mark(path: Path) -> bool:
    """Whether the stream was closed properly."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(END_OF_STREAM)))
        return file.read() == END_OF_STREAM
