"""Writes the run folder of one drive while it is being driven."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from symdrive.core import config as plain
from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.record import codec, schema
from symdrive.record.config import RecordConfig
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.streams import StreamWriter, write_text
from symdrive.world.control import Plan
from symdrive.world.evidence import CameraLabels
from symdrive.world.observation import Observation, RadarPoints
from symdrive.world.rig import Rig
from symdrive.world.specs import CameraSpec, RadarSpec
from symdrive.world.weather import DEFAULT_WEATHER


class RunWriter:
    """Records one drive; use it as a context manager.

    Ticks are written in groups of `RecordConfig.ticks_per_batch`, frames one at a time. Leaving the
    context without `finish` leaves a readable, unfinished run.

    Args:
        folder: of the run; created. Whoever wants to replace a run removes the old one first.
        meta: what is driven.
        config: what is kept.

    Raises:
        UserError: when the folder holds something already, when the rig has a LiDAR of too long a
            range, or when the disk refuses.
    """

    def __init__(self, folder: Path, meta: RunMeta, config: RecordConfig | None = None) -> None:
        self.folder = folder
        self.meta = meta
        self.config = config or RecordConfig()
        self.num_ticks = 0
        self.num_frames = 0
        self._started = datetime.now(timezone.utc)
        self._tick_rows: list[dict[str, Any]] = []
        self._actor_rows: list[dict[str, Any]] = []
        _check_ranges(meta.rig)
        _claim(folder)
        self._frame_schema = schema.frame_schema(meta.rig, self.config)
        route = StreamWriter(folder / schema.ROUTE_FILE, schema.ROUTE_SCHEMA)
        route.write(_route_batch(meta.episode.route))
        route.end()
        self._ticks = StreamWriter(folder / schema.TICKS_FILE, schema.TICK_SCHEMA)
        self._actors = StreamWriter(
            folder / schema.ACTORS_FILE, schema.ACTOR_SCHEMA, self.config.zstd_level
        )
        self._frames = StreamWriter(folder / schema.FRAMES_FILE, self._frame_schema)
        self._streams = (self._ticks, self._actors, self._frames)
        document = run_document(meta, self.config)
        document["wall_clock"] = {"started": self._started.isoformat()}
        write_text(folder / schema.RUN_FILE, json.dumps(document, indent=1) + "\n")

    def __enter__(self) -> "RunWriter":
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is waiting and close the files."""
        self.close()

    def tick(self, record: TickRecord) -> None:
        """Add one tick; arrays are copied, so the world may reuse its own."""
        self._tick_rows.append(_tick_row(record))
        self._actor_rows.append(_actor_row(record))
        self.num_ticks += 1
        if len(self._tick_rows) >= self.config.ticks_per_batch:
            self._flush()

    def frame(self, record: TickRecord) -> None:
        """Add the pictures, points and labels of one tick.

        Raises:
            ValueError: when a picture of the rig is missing or has another size than its camera.
        """
        row = _frame_row(record, self.meta.rig, self.config)
        arrays = [pa.array([row.get(f.name)], type=f.type) for f in self._frame_schema]
        self._frames.write(pa.RecordBatch.from_arrays(arrays, schema=self._frame_schema))
        self.num_frames += 1

    def finish(self, result: Mapping[str, Any]) -> None:
        """Complete the streams and write `result.json`; from then on the run counts as finished.

        Args:
            result: plain data; an entry `wall_clock` is merged with the recorder's own clock.
        """
        self._flush()
        for stream in self._streams:
            stream.end()
        now = datetime.now(timezone.utc)
        clock: dict[str, Any] = {
            "finished": now.isoformat(),
            "duration_s": (now - self._started).total_seconds(),
        }
        document = {key: value for key, value in result.items() if key != "wall_clock"}
        document["wall_clock"] = {**result.get("wall_clock", {}), **clock}
        write_text(self.folder / schema.RESULT_FILE, json.dumps(document, indent=1) + "\n")

    def close(self) -> None:
        """Write the waiting ticks and close; does nothing after `finish` or a failed write."""
        if all(stream.is_open for stream in self._streams):
            self._flush()
        for stream in self._streams:
            stream.close()

    def _flush(self) -> None:
        """Write the waiting ticks; actors first, so that each tick that can be read has them."""
        if not self._tick_rows:
            return
        self._actors.write(_actor_batch(self._actor_rows))
        self._ticks.write(pa.RecordBatch.from_pylist(self._tick_rows, schema=schema.TICK_SCHEMA))
        self._tick_rows, self._actor_rows = [], []


def run_document(meta: RunMeta, record: RecordConfig) -> dict[str, Any]:
    """`run.json` without its `wall_clock`: equal for equal drives."""
    route, weather = meta.episode.route, meta.episode.weather
    # The default weather goes unsaid, as it did before there was any other.
    sky = {} if weather == DEFAULT_WEATHER else {"weather": plain.to_plain(weather)}
    return {
        "schema_version": schema.SCHEMA_VERSION,
        "symdrive_version": meta.symdrive_version,
        "driver": meta.driver,
        "seed": meta.episode.seed,
        "town": {"name": route.town, "source_digest": meta.town_digest},
        "route": {
            "route_id": route.route_id,
            "length_m": route.length_m,
            "num_points": len(route.points),
        },
        "traffic": plain.to_plain(meta.episode.traffic),
        **sky,
        "rig": plain.to_plain(meta.rig),
        "rig_digest": meta.rig.digest,
        "config": plain.to_plain(meta.config),
        "config_digest": meta.config_digest,
        "record": plain.to_plain(record),
    }


def _check_ranges(rig: Rig) -> None:
    """Refuse sensors that see farther than a file can hold."""
    for kind, sensors in (("LiDAR", rig.lidars), ("radar", rig.radars)):
        for spec in sensors:
            reach = spec.range_m + max(map(abs, spec.position))
            if isinstance(spec, RadarSpec):  # its field of view ends flat: corners are farther
                half = max(spec.horizontal_fov, spec.vertical_fov) / 2.0
                reach = spec.range_m * math.hypot(1.0, math.tan(half))
            if reach > codec.LIDAR_REACH_M:
                raise UserError(
                    f"rig {rig.name!r}: {kind} {spec.name!r} ranges {spec.range_m} m, but a"
                    f" run folder stores at most {codec.LIDAR_REACH_M:.0f} m; shorten range_m."
                )


def _claim(folder: Path) -> None:
    """Make the folder, or refuse one that is in use."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise UserError(
            f"cannot make the run folder {folder}: {error.strerror}; choose another one."
        ) from error
    if taken:
        raise UserError(
            f"the run folder {folder} is not empty; choose another one, or remove it first."
        )


def _route_batch(route: Route) -> pa.RecordBatch:
    """The route as one row of lists."""
    arrays = [
        pa.array([np.ravel(getattr(route, name))], type=pa.list_(kind))
        for name, (kind, _) in schema.ROUTE_COLUMNS.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.ROUTE_SCHEMA)


def _tick_row(record: TickRecord) -> dict[str, Any]:
    """Scalars of one tick."""
    actors, control, plan = record.truth.actors, record.control, record.plan
    x, y, z = map(float, actors.position[0])
    row: dict[str, Any] = {"tick": record.truth.tick, "time_s": record.truth.time_s}
    row.update(x=x, y=y, z=z)
    for name in ("yaw", "pitch", "speed", "yaw_rate", "acceleration"):
        row[name] = float(getattr(actors, name)[0])
    row.update(
        steer=control.steer,
        throttle=control.throttle,
        brake=control.brake,
        reverse=control.reverse,
        **_plan_summary(plan),
        **_localisation(record),
        route_completion=record.route_completion,
        infractions=[json.dumps(plain.to_plain(item)) for item in record.infractions],
        sensor_events=[json.dumps(item) for item in _events(record.observation)],
    )
    return row


def _plan_summary(plan: Plan | None) -> dict[str, Any]:
    """What the plan comes down to; nothing where there is none."""
    if plan is None:
        return {}
    return {
        "plan_target_speed": plan.target_speed_mps,
        "plan_brake": plan.brake,
        "plan_reason": plan.reason,
    }


def _localisation(record: TickRecord) -> dict[str, float]:
    """What the car was told about itself; nothing where nobody observed."""
    seen = record.observation
    if seen is None:
        return {}
    x, y = map(float, seen.position)
    row = {
        "gnss_x": x,
        "gnss_y": y,
        "compass": float(seen.yaw),
        "speed_reading": float(seen.speed_mps),
    }
    gnss, imu = seen.gnss, seen.imu
    if gnss is not None:
        row.update(latitude=gnss.latitude, longitude=gnss.longitude, altitude=gnss.altitude)
    if imu is not None:
        values = (*imu.acceleration.tolist(), *imu.angular_velocity.tolist(), imu.compass)
        row.update(zip(schema.INERTIAL_COLUMNS[3:], values, strict=True))
    return row


def _events(seen: Observation | None) -> list[dict[str, Any]]:
    """What collision, lane invasion and obstacle sensors said, as plain data."""
    if seen is None:
        return []
    found: list[dict[str, Any]] = [
        {"sensor": "collision", "other_id": hit.other_id, "impulse": hit.impulse.tolist()}
        for hit in seen.collisions
    ]
    if seen.lane_invasions:
        found.append({"sensor": "lane_invasion", "markings": list(seen.lane_invasions)})
    for name, met in seen.obstacles.items():
        found.append({"sensor": name, "other_id": met.other_id, "distance_m": met.distance_m})
    return found


def _actor_row(record: TickRecord) -> dict[str, Any]:
    """Copies of all columns of one tick, flat."""
    truth = record.truth
    row: dict[str, Any] = {
        name: getattr(truth.actors, name).flatten() for name in schema.ACTOR_COLUMNS
    }
    positions = [contact.position for contact in truth.collisions]
    impulses = [contact.impulse for contact in truth.collisions]
    row.update(
        tick=truth.tick,
        time_s=truth.time_s,
        signal_state=truth.signal_state.copy(),
        collision_id=np.array([contact.other_id for contact in truth.collisions], np.int32),
        collision_position=np.concatenate(positions) if positions else np.zeros(0),
        collision_impulse=np.concatenate(impulses) if impulses else np.zeros(0),
        pixels=None,
        lidar_points=None,
        radar_points=None,
    )
    if record.evidence is not None:
        row["pixels"] = record.evidence.pixels.copy()
        row["lidar_points"] = record.evidence.lidar_points.copy()
        if record.evidence.radar_points is not None:
            row["radar_points"] = record.evidence.radar_points.copy()
    return row


def _actor_batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Ticks as rows, actors as lists."""
    arrays = [
        pa.array([row["tick"] for row in rows], type=pa.int32()),
        pa.array([row["time_s"] for row in rows], type=pa.float64()),
    ]
    for name, (kind, _) in {**schema.ACTOR_COLUMNS, **schema.SIDE_COLUMNS}.items():
        arrays.append(_lists([row[name] for row in rows], kind))
    return pa.RecordBatch.from_arrays(arrays, schema=schema.ACTOR_SCHEMA)


def _lists(values: Sequence[np.ndarray | None], kind: pa.DataType) -> pa.Array:
    """A list column from one flat array a row; None becomes null."""
    lengths = [0 if value is None else len(value) for value in values]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    parts = [value for value in values if value is not None]
    dtype = kind.to_pandas_dtype()
    flat = np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype)
    absent = np.array([value is None for value in values])
    mask = pa.array(absent) if absent.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, type=kind), mask=mask)


def _frame_row(record: TickRecord, rig: Rig, config: RecordConfig) -> dict[str, Any]:
    """Everything of one frame, encoded."""
    cameras = rig.cameras
    row: dict[str, Any] = {
        "tick": record.truth.tick,
        "time_s": record.truth.time_s,
        **_localisation(record),
        **_plan_summary(record.plan),
    }
    if record.observation is not None:
        row.update(_pictures(record.observation.images, cameras, config))
        row.update(_radar(record.observation.radar, config))
        if config.lidar:
            row["lidar"] = codec.encode_lidar(record.observation.lidar, config.zstd_level)
    if record.evidence is not None:
        row.update(_planes(record.evidence.labels, cameras, config))
        shifted = record.evidence.shifted
        if shifted is not None:
            row.update(shifted_lateral_m=shifted.lateral_m, shifted_yaw=shifted.yaw)
            second = _pictures(shifted.images, cameras, config)
            second.update(_planes(shifted.labels, cameras, config))
            second.update(_radar(shifted.radar, config))
            row.update({f"shifted/{name}": value for name, value in second.items()})
    if record.plan is not None:
        row.update(_plan_geometry(record.plan))
    return row


def _pictures(
    images: Mapping[str, np.ndarray], cameras: Sequence[CameraSpec], config: RecordConfig
) -> dict[str, bytes]:
    """JPEGs by column name."""
    row: dict[str, bytes] = {}
    if not config.rgb:
        return row
    for camera in cameras:
        if camera.name not in images:
            raise ValueError(f"no picture of camera {camera.name!r}; got {sorted(images)}")
        image = images[camera.name]
        if image.shape != (camera.height, camera.width, 3):
            raise ValueError(
                f"camera {camera.name!r} is {camera.width}x{camera.height}, its picture has shape"
                f" {image.shape}"
            )
        row[f"rgb/{camera.name}"] = codec.encode_jpeg(image, config.jpeg_quality)
    return row


def _radar(radar: Mapping[str, RadarPoints], config: RecordConfig) -> dict[str, bytes]:
    """Detections by column name."""
    if not config.radar:
        return {}
    return {
        f"radar/{name}": codec.encode_radar(points, config.zstd_level)
        for name, points in radar.items()
    }


def _planes(
    labels: Mapping[str, CameraLabels], cameras: Sequence[CameraSpec], config: RecordConfig
) -> dict[str, bytes]:
    """Label planes by column name; a tick without labels has none."""

    def depth(plane: np.ndarray) -> np.ndarray:
        return codec.depth_to_bytes(plane, config.depth_divisor, config.depth_max_m)

    kept: list[tuple[str, Callable[[CameraLabels], np.ndarray]]] = []
    if config.semantic:
        kept.append(("semantic", lambda label: label.semantic))
    if config.instance:
        kept.append(("instance", lambda label: label.instance))
    if config.depth:
        kept.append(("depth", lambda label: depth(label.depth_m)))
    return {
        f"{modality}/{camera.name}": codec.encode_plane(
            plane(labels[camera.name]), config.zstd_level
        )
        for camera in cameras
        if camera.name in labels
        for modality, plane in kept
    }


def _plan_geometry(plan: Plan) -> dict[str, Any]:
    """Paths and boxes of a plan as flat lists."""
    points = plan.target_points
    return {
        "plan_route": plan.route.ravel(),
        "plan_waypoints": plan.waypoints.ravel(),
        "plan_target_points": None if points is None else points.ravel(),
        "plan_box_labels": [box.label for box in plan.boxes],
        "plan_box_values": [
            value
            for box in plan.boxes
            for value in (*box.center, *box.half_extent, box.yaw, box.speed_mps, box.score)
        ],
    }
