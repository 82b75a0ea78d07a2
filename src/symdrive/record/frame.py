"""One recorded frame: decoded piece by piece, as it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, UInt8, UInt16

from symdrive.record import codec, schema
from symdrive.record.config import RecordConfig
from symdrive.world.control import DetectedBox, Plan
from symdrive.world.observation import GnssReading, ImuReading, Observation, RadarPoints
from symdrive.world.rig import Rig


@dataclass(frozen=True)
class StoredLabels:
    """Label planes of one camera as a run folder keeps them.

    Attributes:
        semantic: `SemanticClass`, None where not kept.
        instance: actor id, None where not kept.
        depth_m: averaged over squares of `RecordConfig.depth_divisor` pixels and clipped at
            `RecordConfig.depth_max_m`; None where not kept.
    """

    semantic: UInt8[np.ndarray, "height width"] | None
    instance: UInt16[np.ndarray, "height width"] | None
    depth_m: Float[np.ndarray, "rows cols"] | None


@dataclass(frozen=True)
class StoredShiftedView:
    """The shifted second rig of a frame.

    Attributes:
        lateral_m: shift in the ego frame, left positive.
        yaw: turn, left positive, rad.
        images: RGB by camera name.
        labels: by camera name.
        radar: detections by radar name, on their grid.
    """

    lateral_m: float
    yaw: float
    images: Mapping[str, UInt8[np.ndarray, "height width 3"]]
    labels: Mapping[str, StoredLabels]
    radar: Mapping[str, RadarPoints] = field(default_factory=dict[str, RadarPoints])


class Frame:
    """One frame of a run.

    Attributes:
        tick: of the run, for `Run.actors` and the like.
        time_s: time stamp.
    """

    def __init__(self, batch: pa.RecordBatch, rig: Rig, config: RecordConfig) -> None:
        self._batch = batch
        self._rig = rig
        self._config = config
        self._names = frozenset(batch.schema.names)
        self.tick: int = self._value("tick")
        self.time_s: float = self._value("time_s")

    @property
    def position(self) -> Float[np.ndarray, " 2"]:
        """GNSS x, y, world frame, m; NaN where nothing was observed."""
        return np.array([self._number("gnss_x"), self._number("gnss_y")])

    @property
    def yaw(self) -> float:
        """Compass heading, rad; NaN where nothing was observed."""
        return self._number("compass")

    @property
    def speed_mps(self) -> float:
        """Speedometer; NaN where nothing was observed."""
        return self._number("speed_reading")

    @cached_property
    def images(self) -> Mapping[str, UInt8[np.ndarray, "height width 3"]]:
        """RGB pictures by camera name."""
        return self._pictures("")

    @cached_property
    def lidar(self) -> Float[np.ndarray, "point 4"]:
        """x, y, z, intensity in the ego frame, float32, on the centimetre grid."""
        data = self._bytes("lidar")
        return np.zeros((0, 4), np.float32) if data is None else codec.decode_lidar(data)

    @cached_property
    def radar(self) -> Mapping[str, RadarPoints]:
        """Detections by radar name, on the grid of `codec.RADAR_STEP`."""
        return self._detections("")

    @cached_property
    def gnss(self) -> GnssReading | None:
        """Latitude and longitude; None where the rig has no receiver."""
        values = self._inertial(schema.INERTIAL_COLUMNS[:3])
        return None if values is None else GnssReading(*values)

    @cached_property
    def imu(self) -> ImuReading | None:
        """Accelerations and turn rates; None where the rig has no IMU."""
        values = self._inertial(schema.INERTIAL_COLUMNS[3:])
        if values is None:
            return None
        return ImuReading(np.array(values[:3]), np.array(values[3:6]), values[6])

    @cached_property
    def labels(self) -> Mapping[str, StoredLabels]:
        """Label planes by camera name; empty where nothing was measured."""
        return self._labels("")

    @cached_property
    def shifted(self) -> StoredShiftedView | None:
        """The second rig; None in frames without it."""
        lateral_m = self._value("shifted_lateral_m")
        if lateral_m is None:
            return None
        return StoredShiftedView(
            lateral_m,
            self._value("shifted_yaw"),
            self._pictures("shifted/"),
            self._labels("shifted/"),
            self._detections("shifted/"),
        )

    @cached_property
    def plan(self) -> Plan | None:
        """What the driver intended; None where it said nothing."""
        target_speed_mps = self._value("plan_target_speed")
        if target_speed_mps is None:
            return None
        return Plan(
            route=self._points("plan_route"),
            waypoints=self._points("plan_waypoints"),
            target_speed_mps=target_speed_mps,
            brake=self._value("plan_brake"),
            reason=self._value("plan_reason"),
            boxes=self._boxes(),
            target_points=None
            if self._value("plan_target_points") is None
            else self._points("plan_target_points"),
        )

    def observation(
        self, images: Mapping[str, UInt8[np.ndarray, "height width 3"]] | None = None
    ) -> Observation:
        """What the driver was shown, up to JPEG and the grids of LiDAR and radar.

        What stands in the run's ticks alone, `Run.sensor_events`, is left out, and so is `read_at`.

        Args:
            images: other pictures in place of its own, which are then not decoded.
        """
        return Observation(
            tick=self.tick,
            time_s=self.time_s,
            images=self.images if images is None else images,
            lidar=self.lidar,
            position=self.position,
            yaw=self.yaw,
            speed_mps=self.speed_mps,
            radar=self.radar,
            gnss=self.gnss,
            imu=self.imu,
        )

    def _value(self, name: str) -> Any:
        """A cell as a Python value."""
        return self._batch.column(name)[0].as_py()

    def _number(self, name: str) -> float:
        """A cell as a number, NaN for nothing."""
        value = self._value(name)
        return float("nan") if value is None else value

    def _bytes(self, name: str) -> bytes | None:
        """A cell of bytes; None for nothing, or where the run has no such column."""
        return self._value(name) if name in self._names else None

    def _points(self, name: str) -> Float[np.ndarray, "point 2"]:
        """A list cell as x, y rows."""
        return np.asarray(self._value(name), dtype=np.float64).reshape(-1, 2)

    def _pictures(self, prefix: str) -> dict[str, np.ndarray]:
        """Pictures of one rig."""
        found: dict[str, np.ndarray] = {}
        for camera in self._rig.cameras:
            data = self._bytes(f"{prefix}rgb/{camera.name}")
            if data is not None:
                found[camera.name] = codec.decode_jpeg(data)
        return found

    def _detections(self, prefix: str) -> dict[str, RadarPoints]:
        """Radar detections of one rig."""
        found: dict[str, RadarPoints] = {}
        for radar in self._rig.radars:
            data = self._bytes(f"{prefix}radar/{radar.name}")
            if data is not None:
                found[radar.name] = codec.decode_radar(data)
        return found

    def _inertial(self, names: Sequence[str]) -> list[float] | None:
        """Cells of one sensor; None where it is not there."""
        if names[0] not in self._names or self._value(names[0]) is None:
            return None
        return [self._number(name) for name in names]

    def _labels(self, prefix: str) -> dict[str, StoredLabels]:
        """Label planes of one rig."""
        found: dict[str, StoredLabels] = {}
        for camera in self._rig.cameras:
            small = -(-camera.width // self._config.depth_divisor)
            semantic = self._plane(f"{prefix}semantic/{camera.name}", camera.width, np.uint8)
            instance = self._plane(f"{prefix}instance/{camera.name}", camera.width, np.uint16)
            depth = self._plane(f"{prefix}depth/{camera.name}", small, np.uint8)
            if semantic is None and instance is None and depth is None:
                continue
            metres = (
                None if depth is None else codec.bytes_to_depth(depth, self._config.depth_max_m)
            )
            found[camera.name] = StoredLabels(semantic, instance, metres)
        return found

    def _plane(self, name: str, width: int, dtype: type[np.generic]) -> np.ndarray | None:
        """One plane, or None."""
        data = self._bytes(name)
        return None if data is None else codec.decode_plane(data, width, dtype)

    def _boxes(self) -> tuple[DetectedBox, ...]:
        """Boxes of the plan."""
        labels = self._value("plan_box_labels") or []
        values = np.asarray(self._value("plan_box_values") or [], dtype=np.float64).reshape(-1, 7)
        return tuple(
            DetectedBox(label, (row[0], row[1]), (row[2], row[3]), row[4], row[5], row[6])
            for label, row in zip(labels, values.tolist(), strict=True)
        )
