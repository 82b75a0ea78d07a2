"""Whole drives: same bytes for the same seed, resumed where they stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from symdrive.core.seeds import generator
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import Job, drive, is_done
from symdrive.evaluate.pool import run_jobs
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run
from symdrive.sim.shift import ShiftConfig
from symdrive.world.backend import STORE_EVERY, TrafficConfig
from symdrive.world.rig import LidarSpec, three_cameras

RIG = three_cameras("tiny", 32, LidarSpec(channels=8, columns=90, range_m=60.0))


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Job:
    network = Network(open_town("alder"))
    return Job(
        folder=tmp_path_factory.mktemp("drives") / "first",
        town="alder",
        route=network.random_route(generator(3, "short"), 90.0, "short"),
        driver=DriverSpec("expert"),
        rig=RIG,
        seed=11,
        traffic=TrafficConfig(vehicles=12, pedestrians=6, parked=4),
        record=RecordConfig(),
        shift=ShiftConfig(),
        sense_every=STORE_EVERY,
    )


def files(folder: Path) -> dict[str, bytes]:
    """Contents of a run folder, without the wall clock."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            document = json.loads(path.read_text())
            document.pop("wall_clock")
            found[path.name] = json.dumps(document).encode()
        else:
            found[path.name] = path.read_bytes()
    return found


def test_the_same_seed_writes_the_same_bytes(job):
    record = drive(job)
    assert record.scores.route_completion > 99
    again = replace(job, folder=job.folder.with_name("again"))
    drive(again)
    first, second = files(job.folder), files(again.folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    other = replace(job, folder=job.folder.with_name("other"), seed=12)
    drive(other)
    assert files(other.folder)["actors.arrow"] != first["actors.arrow"]


def test_a_finished_drive_is_not_driven_again(job):
    assert is_done(job)
    assert not is_done(replace(job, seed=99))
    assert not is_done(replace(job, driver=DriverSpec("blind")))
    assert [done.fresh for done in run_jobs([job], 1)] == [False]


def test_workers_write_what_one_process_writes(job):
    pair = [
        replace(job, folder=job.folder.with_name(f"worker{i}"), seed=11 + i, shift=ShiftConfig())
        for i in range(2)
    ]
    done = run_jobs(pair, workers=2)
    assert [item.fresh for item in done] == [True, True]
    assert files(pair[0].folder) == files(job.folder)


def test_frames_are_recorded_at_their_own_rate(job):
    opened = open_run(job.folder)
    assert opened.num_frames == (opened.num_ticks - 1) // STORE_EVERY + 1
    frame = opened.frame(1)
    assert set(frame.images) == {"left", "front", "right"}
    assert frame.shifted is not None
    assert len(frame.lidar) > 100
    assert frame.plan is not None
