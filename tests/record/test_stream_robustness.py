"""A run survives kill, full disk and truncation with whole frames only."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from symdrive.core.errors import UserError
from symdrive.record import schema
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter

Make = Callable[..., TickRecord]
SMALL = RecordConfig(ticks_per_batch=2)


def written(folder: Path, meta: RunMeta, make: Make, ticks: int = 6) -> RunWriter:
    writer = RunWriter(folder, meta, SMALL)
    for tick in range(ticks):
        writer.tick(make(tick))
        writer.frame(make(tick))
    return writer


def test_unfinished_run_is_readable_while_it_is_written(
    tmp_path: Path, meta: RunMeta, record: Make
) -> None:
    writer = written(tmp_path / "run", meta, record, ticks=5)
    run = open_run(tmp_path / "run")
    assert not run.is_finished
    assert run.num_ticks == 4
    assert run.num_frames == 4
    assert run.frame(3).images["front"].shape == (32, 48, 3)
    assert len(run.actors(int(run.frame_ticks[-1]))) == 5
    writer.close()
    assert open_run(tmp_path / "run").num_ticks == 5


def test_every_cut_leaves_whole_frames(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    written(tmp_path / "run", meta, record).close()
    path = tmp_path / "run" / schema.FRAMES_FILE
    whole = path.read_bytes()
    seen: set[int] = set()
    for size in range(len(whole), -1, -max(1, len(whole) // 97)):
        path.write_bytes(whole[:size])
        run = open_run(tmp_path / "run")
        seen.add(run.num_frames)
        for index in range(run.num_frames):
            assert run.frame(index).labels["left"].semantic is not None
            assert run.frame(index).lidar.shape == (50, 4)
    assert seen == set(range(7))


def test_every_cut_leaves_whole_ticks(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    written(tmp_path / "run", meta, record).close()
    path = tmp_path / "run" / schema.TICKS_FILE
    whole = path.read_bytes()
    counts = []
    for size in range(len(whole), -1, -max(1, len(whole) // 53)):
        path.write_bytes(whole[:size])
        counts.append(open_run(tmp_path / "run").num_ticks)
    assert set(counts) == {0, 2, 4, 6}
    assert counts == sorted(counts, reverse=True)


def test_a_finished_run_that_was_cut_is_damaged(
    tmp_path: Path, meta: RunMeta, record: Make
) -> None:
    written(tmp_path / "run", meta, record).finish({})
    path = tmp_path / "run" / schema.FRAMES_FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"frames\.arrow ends in the middle"):
        _ = open_run(tmp_path / "run").num_frames


def test_missing_modality(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    written(tmp_path / "run", meta, record).finish({})
    (tmp_path / "run" / schema.ACTORS_FILE).unlink()
    with pytest.raises(UserError, match=r"actors\.arrow is missing"):
        open_run(tmp_path / "run").actors(0)


def test_full_disk_names_the_file_and_keeps_what_was_whole(
    tmp_path: Path, meta: RunMeta, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes half of the third frame and then no more."""
    writer = written(tmp_path / "run", meta, record, ticks=2)
    before = (tmp_path / "run" / schema.FRAMES_FILE).stat().st_size
    real_write = os.write

    def half_then_full(fd: int, data: memoryview) -> int:
        if len(data) < 200:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(fd, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(UserError, match=r"frames\.arrow: No space left on device"):
        writer.frame(record(2))
    assert (tmp_path / "run" / schema.FRAMES_FILE).stat().st_size == before
    monkeypatch.undo()
    writer.close()
    run = open_run(tmp_path / "run")
    assert run.num_frames == 2
    assert not run.is_finished


def test_file_size_limit_of_the_system(tmp_path: Path) -> None:
    """The same with a real limit of the kernel, in a process of its own."""
    code = f"""
        import resource, sys
        from pathlib import Path
        import numpy as np
        import pyarrow as pa
        from symdrive.core.errors import UserError
        from symdrive.record.streams import StreamWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        schema = pa.schema([("a", pa.binary())])
        writer = StreamWriter(Path({str(tmp_path / "x.arrow")!r}), schema)
        try:
            for _ in range(10):
                writer.write(pa.record_batch([pa.array([bytes(6000)])], schema=schema))
        except UserError as error:
            sys.exit(0 if "x.arrow: File too large" in str(error) else 3)
        sys.exit(4)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == 0
    import pyarrow as pa

    from symdrive.record.streams import Stream

    stream = Stream(tmp_path / "x.arrow", complete=False)
    assert len(stream) == 3
    assert stream.schema == pa.schema([("a", pa.binary())])
    assert (tmp_path / "x.arrow").stat().st_size < 19_000


def test_killed_process_leaves_whole_frames(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing as fast as possible."""
    code = f"""
        from pathlib import Path
        import numpy as np
        import pyarrow as pa
        from symdrive.record.streams import StreamWriter
        schema = pa.schema([("a", pa.binary())])
        writer = StreamWriter(Path({str(tmp_path / "x.arrow")!r}), schema)
        print("ready", flush=True)
        while True:
            writer.write(pa.record_batch([pa.array([bytes(300_000)])], schema=schema))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "ready\n"
        while (tmp_path / "x.arrow").stat().st_size < 3_000_000:
            pass
        process.send_signal(signal.SIGKILL)
    from symdrive.record.streams import Stream

    stream = Stream(tmp_path / "x.arrow", complete=False)
    assert len(stream) >= 9
    assert stream.batch(len(stream) - 1).column("a")[0].as_py() == bytes(300_000)


def test_an_error_while_driving_leaves_an_unfinished_run(
    tmp_path: Path, meta: RunMeta, record: Make
) -> None:
    def crash() -> None:
        with RunWriter(tmp_path / "run", meta, SMALL) as writer:
            writer.tick(record(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    run = open_run(tmp_path / "run")
    assert run.num_ticks == 1
    assert not run.is_finished
