"""What is written is what is read, byte for byte the same for the same drive."""

import dataclasses
import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from symdrive.core.errors import UserError
from symdrive.record import codec, schema
from symdrive.record.config import RecordConfig
from symdrive.record.reader import Run, find_runs, open_run
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter
from symdrive.world.rig import BLIND_RIG, LidarSpec, Rig
from symdrive.world.truth import Actors
from symdrive.world.weather import DEFAULT_WEATHER, named_weather

Make = Callable[..., TickRecord]
EVERYTHING = RecordConfig(instance=True, ticks_per_batch=4)


def drive(
    folder: Path, meta: RunMeta, make: Make, ticks: int = 11, config: RecordConfig = EVERYTHING
) -> list[TickRecord]:
    made = [make(tick) for tick in range(ticks)]
    with RunWriter(folder, meta, config) as writer:
        for item in made:
            writer.tick(item)
            if item.truth.tick % 5 == 0:
                writer.frame(item)
        writer.finish({"score": 87.5, "wall_clock": {"host": "a"}})
    return made


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b)


def same_arrays(a: object, b: object) -> bool:
    assert dataclasses.is_dataclass(a)
    names = [f.name for f in dataclasses.fields(a)]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_the_weather_is_recorded_unless_it_is_the_default(
    tmp_path: Path, meta: RunMeta, record: Make
) -> None:
    drive(tmp_path / "plain", meta, record, ticks=2)
    assert "weather" not in json.loads((tmp_path / "plain/run.json").read_text())
    assert open_run(tmp_path / "plain").meta.episode.weather == DEFAULT_WEATHER
    rain = named_weather("HardRainNight")
    wet = dataclasses.replace(meta, episode=dataclasses.replace(meta.episode, weather=rain))
    drive(tmp_path / "wet", wet, record, ticks=2)
    again = open_run(tmp_path / "wet")
    assert again.meta.episode.weather == again.truth(1).weather == rain


def test_meta_comes_back(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    assert same_arrays(run.meta.episode.route, meta.episode.route)
    assert (run.meta.episode.seed, run.meta.episode.traffic) == (3, meta.episode.traffic)
    assert run.meta.rig == meta.rig
    assert run.meta.config == meta.config
    assert run.meta.config_digest == meta.config_digest
    assert run.config == EVERYTHING
    assert run.is_finished
    assert run.result is not None
    assert run.result["score"] == 87.5
    assert run.result["wall_clock"]["host"] == "a"
    assert run.result["wall_clock"]["duration_s"] >= 0


def test_truth_comes_back_exactly(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    assert run.num_ticks == 11
    for item in reversed(made):
        truth = run.truth(item.truth.tick)
        assert same_arrays(truth.actors, item.truth.actors)
        assert np.array_equal(truth.signal_state, item.truth.signal_state)
        assert truth.time_s == item.truth.time_s
        assert [c.other_id for c in truth.collisions] == [c.other_id for c in item.truth.collisions]
        for a, b in zip(truth.collisions, item.truth.collisions, strict=True):
            assert np.array_equal(a.position, b.position)
        assert item.evidence is not None
        pixels, returns = run.pixels(item.truth.tick), run.lidar_points(item.truth.tick)
        assert pixels is not None
        assert returns is not None
        assert np.array_equal(pixels, item.evidence.pixels)
        assert np.array_equal(returns, item.evidence.lidar_points)


def test_actor_columns_cover_the_noun() -> None:
    assert set(schema.ACTOR_COLUMNS) == {f.name for f in dataclasses.fields(Actors)}


def test_a_folder_from_before_indicators_reads_as_one_with_all_off(
    tmp_path: Path, meta: RunMeta, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"lights", "doors", "walked_m"}
    columns = {name: kind for name, kind in schema.ACTOR_COLUMNS.items() if name not in new}
    actor_schema = pa.schema([f for f in schema.ACTOR_SCHEMA if f.name not in new])
    with monkeypatch.context() as before:
        before.setattr(schema, "ACTOR_COLUMNS", columns)
        before.setattr(schema, "ACTOR_SCHEMA", actor_schema)
        made = drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    for item in made:
        actors = run.truth(item.truth.tick).actors
        assert np.array_equal(actors.braking, item.truth.actors.braking)
        for name in new:
            assert np.array_equal(getattr(actors, name), np.zeros(len(actors)))


def test_actor_count_may_change(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = [record(tick, num_actors=2 + tick % 3) for tick in range(7)]
    with RunWriter(tmp_path / "run", meta, EVERYTHING) as writer:
        for item in made:
            writer.tick(item)
    run = open_run(tmp_path / "run")
    for item in made:
        assert same_arrays(run.actors(item.truth.tick), item.truth.actors)


def test_tick_columns(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    ticks = run.ticks
    assert set(ticks) | set(schema.JSON_COLUMNS) == set(schema.TICK_SCHEMA.names)
    assert np.array_equal(ticks["tick"], np.arange(11))
    assert np.array_equal(ticks["speed"], [item.truth.actors.speed[0] for item in made])
    assert np.array_equal(ticks["route_completion"], np.arange(11) / 2)
    assert set(ticks["plan_reason"]) == {"red_light"}
    assert np.array_equal(ticks["plan_brake"], np.arange(11) % 2 == 0)
    assert run.infractions == ({"kind": "RED_LIGHT", "tick": 4},)


def test_absent_numbers_are_nan(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    bare = TickRecord(record(0).truth, record(0).control)
    with RunWriter(tmp_path / "run", meta) as writer:
        writer.tick(bare)
        writer.finish({})
    run = open_run(tmp_path / "run")
    assert np.isnan(run.ticks["gnss_x"][0])
    assert np.isnan(run.ticks["plan_target_speed"][0])
    assert run.ticks["plan_reason"][0] == ""
    assert run.pixels(0) is None


def test_frames_come_back(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    assert run.num_frames == 3
    assert np.array_equal(run.frame_ticks, [0, 5, 10])
    for index, tick in enumerate((0, 5, 10)):
        frame, item = run.frame(index), made[tick]
        assert frame.tick == tick
        assert item.observation is not None
        assert item.evidence is not None
        seen = frame.observation()
        assert np.array_equal(seen.position, item.observation.position)
        assert (seen.yaw, seen.speed_mps) == (item.observation.yaw, 4.5)
        assert np.array_equal(seen.lidar, codec.quantise_lidar(item.observation.lidar))
        for name, image in item.observation.images.items():
            quality = EVERYTHING.jpeg_quality
            assert np.array_equal(seen.images[name], codec.as_recorded(image, quality))
            assert np.abs(seen.images[name].astype(int) - image).mean() < 3
            assert same(frame.labels[name].semantic, item.evidence.labels[name].semantic)
            assert same(frame.labels[name].instance, item.evidence.labels[name].instance)
        assert frame.shifted is not None
        assert item.evidence.shifted is not None
        assert (frame.shifted.lateral_m, frame.shifted.yaw) == (0.7, -0.05)
        for name, image in item.evidence.shifted.images.items():
            assert np.array_equal(frame.shifted.images[name], codec.as_recorded(image, 90))
            label = item.evidence.shifted.labels[name]
            assert same(frame.shifted.labels[name].semantic, label.semantic)


def test_plan_comes_back(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = drive(tmp_path / "run", meta, record)
    plan, wanted = open_run(tmp_path / "run").frame(1).plan, made[5].plan
    assert plan is not None
    assert wanted is not None
    assert same_arrays(dataclasses.replace(plan, boxes=()), dataclasses.replace(wanted, boxes=()))
    assert plan.boxes == wanted.boxes


def test_what_is_not_kept_is_none(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record, config=RecordConfig(depth=False, instance=False))
    labels = open_run(tmp_path / "run").frame(0).labels["front"]
    assert labels.instance is None
    assert labels.depth_m is None
    assert labels.semantic is not None


def test_plans_only(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    nothing = RecordConfig(rgb=False, lidar=False, semantic=False, depth=False)
    drive(tmp_path / "run", meta, record, config=nothing)
    frame = open_run(tmp_path / "run").frame(0)
    assert frame.images == {}
    assert frame.labels == {}
    assert len(frame.lidar) == 0
    assert frame.plan is not None
    assert (tmp_path / "run" / schema.FRAMES_FILE).stat().st_size < 20_000


def test_blind_rig(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    blind = dataclasses.replace(meta, rig=BLIND_RIG)
    with RunWriter(tmp_path / "run", blind) as writer:
        writer.tick(record(0, rig=BLIND_RIG))
        writer.frame(record(0, rig=BLIND_RIG))
        writer.finish({})
    frame = open_run(tmp_path / "run").frame(0)
    assert frame.images == {}
    assert frame.labels == {}
    assert len(frame.lidar) == 0


def test_same_drive_same_bytes(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "a", meta, record)
    drive(tmp_path / "b", meta, record)
    for name in sorted(path.name for path in (tmp_path / "a").iterdir()):
        one, two = (tmp_path / "a" / name).read_bytes(), (tmp_path / "b" / name).read_bytes()
        if name.endswith(".json"):
            first, second = json.loads(one), json.loads(two)
            assert first.pop("wall_clock") != second.pop("wall_clock")
            assert json.dumps(first) == json.dumps(second)
        else:
            assert one == two, name


def test_world_may_reuse_its_arrays(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    item, kept = record(0), record(0)
    with RunWriter(tmp_path / "run", meta) as writer:
        writer.tick(item)
        item.truth.actors.position[:] = 0
        item.truth.signal_state[:] = 0
    assert same_arrays(open_run(tmp_path / "run").actors(0), kept.truth.actors)


def test_writer_refuses_a_used_folder(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record)
    with pytest.raises(UserError, match=r"run is not empty"):
        RunWriter(tmp_path / "run", meta)


def test_writer_refuses_a_lidar_beyond_the_grid(tmp_path: Path, meta: RunMeta) -> None:
    far = Rig("far", (), (LidarSpec(range_m=400.0),))
    with pytest.raises(UserError, match="ranges 400"):
        RunWriter(tmp_path / "run", dataclasses.replace(meta, rig=far))
    assert not (tmp_path / "run").exists()


def test_writer_refuses_a_picture_of_another_size(
    tmp_path: Path, meta: RunMeta, record: Make
) -> None:
    item = record(0)
    assert item.observation is not None
    images = {**item.observation.images, "front": np.zeros((8, 8, 3), np.uint8)}
    wrong = dataclasses.replace(
        item, observation=dataclasses.replace(item.observation, images=images)
    )
    with RunWriter(tmp_path / "run", meta) as writer, pytest.raises(ValueError, match="48x32"):
        writer.frame(wrong)
    assert open_run(tmp_path / "run").num_frames == 0


def test_newer_schema_is_refused(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record)
    path = tmp_path / "run" / schema.RUN_FILE
    document = json.loads(path.read_text())
    document["schema_version"] = schema.SCHEMA_VERSION + 1
    path.write_text(json.dumps(document))
    known, found = schema.SCHEMA_VERSION, schema.SCHEMA_VERSION + 1
    with pytest.raises(UserError, match=rf"run was recorded with schema {found}.* {known};"):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_run_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / schema.RUN_FILE).write_text(text)
    with pytest.raises(UserError, match=r"run\.json"):
        open_run(tmp_path)


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        open_run(tmp_path)


def test_find_runs(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    for name in ("b/two", "a", "b/one"):
        drive(tmp_path / name, meta, record, ticks=1)
    (tmp_path / "c").mkdir()
    assert [p.relative_to(tmp_path).as_posix() for p in find_runs(tmp_path)] == [
        "a",
        "b/one",
        "b/two",
    ]
    assert find_runs(tmp_path / "a") == [tmp_path / "a"]
    with pytest.raises(UserError, match="no folder"):
        find_runs(tmp_path / "nowhere")


def test_run_travels_to_another_process(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    made = drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    assert run.num_frames == 3
    copy: Run = pickle.loads(pickle.dumps(run))
    assert same_arrays(copy.actors(5), made[5].truth.actors)


def test_unknown_tick_and_frame(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record)
    run = open_run(tmp_path / "run")
    with pytest.raises(IndexError, match="no tick 11"):
        run.actors(11)
    with pytest.raises(IndexError, match="3 frames"):
        run.frame(3)


def test_opening_is_quick(tmp_path: Path, meta: RunMeta, record: Make) -> None:
    drive(tmp_path / "run", meta, record)
    open_run(tmp_path / "run")
    best = min(timed(lambda: open_run(tmp_path / "run")) for _ in range(5))
    assert best < 0.05


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_a_run_may_keep_plans_without_pictures(tmp_path, meta, record):
    config = RecordConfig(rgb=False, lidar=False, semantic=False, depth=False)
    drive(tmp_path / "run", meta, record, config=config)
    frame = open_run(tmp_path / "run").frame(0)
    assert frame.images == {}
    assert len(frame.lidar) == 0
    assert frame.plan is not None
    assert len(frame.plan.route) > 0
