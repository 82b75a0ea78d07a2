"""Whole samples of a recorded drive, both views."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.datasets.runs import Selection, usable_drives
from symdrive.features.config import FeatureConfig
from symdrive.features.inputs import ViewPose
from symdrive.features.table import DriveSamples, encode_all
from symdrive.features.targets import RunSamples
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run


def run_samples(drives: Any, features: FeatureConfig) -> RunSamples:
    ground = drives.ground()
    return RunSamples(open_run(drives.folder), ground.town, ground.raster, features)


def test_both_views_tell_of_the_same_future(drives: Any, features: FeatureConfig) -> None:
    samples = run_samples(drives, features)
    view = ViewPose(drives.lateral, drives.turn)
    for frame in range(1, 8):
        plain, shifted = samples.sample(frame), samples.sample(frame, shifted=True)
        assert plain is not None
        assert shifted is not None
        for name in ("waypoints", "route"):
            a, b = getattr(plain.targets, name), getattr(shifted.targets, name)
            if name == "waypoints":
                np.testing.assert_allclose(view.to_view(a), b, atol=1e-4)
            else:
                away = view.to_view(a)[:, None] - b[None]
                assert np.linalg.norm(away, axis=-1).min(axis=0).max() < 0.6
        speed = np.linalg.norm(np.diff(plain.targets.waypoints, axis=0), axis=1) / 0.25
        np.testing.assert_allclose(speed, drives.speed, rtol=0.05)
        assert not np.array_equal(plain.inputs.image, shifted.inputs.image)
        assert not np.array_equal(plain.inputs.lidar, shifted.inputs.lidar)


def test_the_route_label_is_where_the_drive_goes(drives: Any, features: FeatureConfig) -> None:
    sample = run_samples(drives, features).sample(3)
    assert sample is not None
    gap = sample.targets.route[:, None] - sample.targets.waypoints[None]
    assert np.linalg.norm(gap, axis=-1).min() < 1.0
    assert sample.targets.route[0, 0] > 2.0


def test_columns_are_the_rows_one_by_one(drives: Any, features: FeatureConfig) -> None:
    found = usable_drives([drives.folder], Selection())
    table = encode_all(found, features, workers=0)
    rows = DriveSamples(found, features)
    assert len(rows) == table["image"].shape[1]
    for index in (0, len(rows) - 1):
        for shifted in (False, True):
            row = rows.row(index, shifted=shifted)
            assert set(row) == set(table)
            for name, value in row.items():
                np.testing.assert_array_equal(table[name][int(shifted), index], value, name)


def test_worker_processes_give_the_same_columns(
    make_drive: Callable[..., Path], features: FeatureConfig, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        make_drive(tmp_path / name, num_ticks=60)
    found = usable_drives([tmp_path], Selection())
    told: list[tuple[int, int]] = []
    alone = encode_all(found, features, 0, lambda *done: told.append(done))
    together = encode_all(found, features, 2)
    assert told[-1] == (alone["image"].shape[1],) * 2
    for name, column in alone.items():
        np.testing.assert_array_equal(column, together[name], name)


def test_what_does_not_belong_together_is_refused(
    drives: Any, features: FeatureConfig, make_drive: Callable[..., Path], tmp_path: Path
) -> None:
    ground, run = drives.ground(), open_run(drives.folder)
    other = replace(ground.town, source_digest="0" * 16)
    with pytest.raises(UserError, match="another version of town 'alder'"):
        RunSamples(run, other, ground.raster, features)
    with pytest.raises(UserError, match="JPEG quality 90, the features expect 50"):
        RunSamples(run, ground.town, ground.raster, replace(features, jpeg_quality=50))
    bare = open_run(make_drive(tmp_path / "bare", config=RecordConfig(semantic=False)))
    with pytest.raises(UserError, match="no semantic plane"):
        RunSamples(bare, ground.town, ground.raster, features).sample(1)
