"""Radar, GNSS, IMU and event sensors in run folders, and folders from before them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.record import codec, schema
from symdrive.record.config import RecordConfig
from symdrive.record.reader import open_run
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter
from symdrive.world.observation import (
    CollisionEvent,
    GnssReading,
    ImuReading,
    ObstacleReading,
)
from symdrive.world.rig import GnssSpec, ImuSpec, RadarSpec, Rig

Make = Callable[..., TickRecord]
KEPT = RecordConfig(ticks_per_batch=4)


def with_radar_rig(meta: RunMeta) -> RunMeta:
    radars = (RadarSpec("nose", (2.6, 0.0, 0.6), 0.0),)
    return dataclasses.replace(
        meta, rig=dataclasses.replace(meta.rig, radars=radars, gnss=GnssSpec(), imu=ImuSpec())
    )


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b)


def with_radar(item: TickRecord) -> TickRecord:
    """The record with what the further sensors say."""
    rng = generator(item.truth.tick, "radar")

    def detections() -> dict[str, np.ndarray]:
        points = rng.normal(0, [0.5, 0.02, 30, 9], (int(rng.integers(0, 9)), 4))
        return {"nose": points.astype(np.float32)}

    assert item.observation is not None
    assert item.evidence is not None
    assert item.evidence.shifted is not None
    observation = dataclasses.replace(
        item.observation,
        radar=detections(),
        gnss=GnssReading(49.00001, 8.0, 112.5),
        imu=ImuReading(rng.normal(0, 1, 3), rng.normal(0, 1, 3), 1.5),
        collisions=(CollisionEvent(4, np.array([-900.0, 3.0, 0.0])),),
        lane_invasions=(1, 3),
        obstacles={"ball": ObstacleReading(2, 3.25)},
    )
    evidence = dataclasses.replace(
        item.evidence,
        radar_points=rng.integers(0, 9, len(item.truth.actors)),
        shifted=dataclasses.replace(item.evidence.shifted, radar=detections()),
    )
    return dataclasses.replace(item, observation=observation, evidence=evidence)


def test_radar_and_inertial_readings_come_back(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = [with_radar(record(tick)) for tick in range(7)]
    with RunWriter(tmp_path / "run", with_radar_rig(meta), KEPT) as writer:
        for item in made:
            writer.tick(item)
            writer.frame(item)
        writer.finish({})
    run = open_run(tmp_path / "run")
    assert run.meta.rig == with_radar_rig(meta).rig
    for tick, item in enumerate(made):
        frame, seen = run.frame(tick), item.observation
        assert seen is not None
        assert same(run.radar_points(tick), item.evidence and item.evidence.radar_points)
        again = frame.observation()
        assert same(again.radar["nose"], codec.quantise_radar(seen.radar["nose"]))
        np.testing.assert_allclose(again.radar["nose"], seen.radar["nose"], atol=0.0051)
        assert again.gnss == seen.gnss
        assert again.imu is not None
        assert seen.imu is not None
        assert same(again.imu.acceleration, seen.imu.acceleration)
        assert again.imu.compass == 1.5
        assert frame.shifted is not None
        second = item.evidence and item.evidence.shifted
        assert second
        assert same(frame.shifted.radar["nose"], codec.quantise_radar(second.radar["nose"]))
    assert run.sensor_events(3) == (
        {"sensor": "collision", "other_id": 4, "impulse": [-900.0, 3.0, 0.0]},
        {"sensor": "lane_invasion", "markings": [1, 3]},
        {"sensor": "ball", "other_id": 2, "distance_m": 3.25},
    )
    assert run.ticks["latitude"][0] == 49.00001


def test_a_folder_from_before_radars_reads_as_one_without(
    tmp_path: Path, meta: RunMeta, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {*schema.INERTIAL_COLUMNS, "sensor_events", "collision_impulse", "radar_points"}
    old_ticks = pa.schema([f for f in schema.TICK_SCHEMA if f.name not in new])
    old_actors = pa.schema([f for f in schema.ACTOR_SCHEMA if f.name not in new])
    old_side = {name: kind for name, kind in schema.SIDE_COLUMNS.items() if name not in new}
    with monkeypatch.context() as before:
        before.setattr(schema, "TICK_SCHEMA", old_ticks)
        before.setattr(schema, "ACTOR_SCHEMA", old_actors)
        before.setattr(schema, "SIDE_COLUMNS", old_side)
        with RunWriter(tmp_path / "run", meta, KEPT) as writer:
            for tick in range(5):
                writer.tick(record(tick))
            writer.frame(record(0))
            writer.finish({})
    run = open_run(tmp_path / "run")
    assert np.isnan(run.ticks["latitude"]).all()
    assert run.sensor_events(0) == ()
    assert run.radar_points(0) is None
    assert run.pixels(0) is not None
    assert (run.truth(0).collisions[0].impulse == 0).all()
    frame = run.frame(0)
    assert (frame.radar, frame.gnss, frame.imu) == ({}, None, None)
    assert len(run.ticks["tick"]) == 5


def test_radar_beyond_the_grid_is_refused(tmp_path: Path, meta: RunMeta) -> None:
    far = Rig("far", (), radars=(RadarSpec("nose", (0.0, 0.0, 1.0), 0.0, range_m=320.0),))
    with pytest.raises(UserError, match="'nose' ranges 320"):
        RunWriter(tmp_path / "run", dataclasses.replace(meta, rig=far))
    for bad in (np.nan, 400.0):
        with pytest.raises(ValueError, match="radar"):
            codec.encode_radar(np.array([[0.0, 0.0, bad, 0.0]], dtype=np.float32), 1)
