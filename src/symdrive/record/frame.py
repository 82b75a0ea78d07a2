"""One recorded frame: decoded piece by piece, as it is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_PLANES = ("semantic", "instance", "depth")
_SHIFTED = "shifted/"


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
        return self.pictures("")

    @cached_property
    def lidar(self) -> Float[np.ndarray, "point 4"]:
        """x, y, z, intensity in the ego frame, float32, on the centimetre grid."""
        data = self._bytes("lidar")
        return np.zeros((0, 4), np.float32) if data is None else codec.decode_lidar(data)

    @cached_property
    def radar(self) -> Mapping[str, RadarPoints]:
        """Detections by radar name, on the grid of `codec.RADAR_STEP`."""
        return self.detections("")

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
    def labels(self) -> Mapping[str, "StoredLabels"]:
        """Label planes by camera name; empty where nothing was measured."""
        return self.planes("")

    @cached_property
    def shifted(self) -> "StoredShiftedView | None":
        """The second rig; None in frames without it."""
        lateral_m = self._value("shifted_lateral_m")
        if lateral_m is None:
            return None
        return StoredShiftedView(self, lateral_m, self._value("shifted_yaw"))

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
        self,
        images: Mapping[str, UInt8[np.ndarray, "height width 3"]] | None = None,
        radar: Mapping[str, RadarPoints] | None = None,
    ) -> Observation:
        """What the driver was shown, up to JPEG and the grids of LiDAR and radar.

        What stands in the run's ticks alone, `Run.sensor_events`, is left out, and so is `read_at`.

        Args:
            images: other pictures in place of its own, which are then not decoded.
            radar: other detections in place of its own, which are then not decoded.
        """
        return Observation(
            tick=self.tick,
            time_s=self.time_s,
            images=self.images if images is None else images,
            lidar=self.lidar,
            position=self.position,
            yaw=self.yaw,
            speed_mps=self.speed_mps,
            radar=self.radar if radar is None else radar,
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

    def _bytes(self, name: str) -> memoryview | None:
        """A cell of bytes in place; None for nothing, or where the run has no such column."""
        cell = self._batch.column(name)[0].as_buffer() if name in self._names else None
        return None if cell is None else memoryview(cell).cast("B")

    def _points(self, name: str) -> Float[np.ndarray, "point 2"]:
        """A list cell as x, y rows."""
        return np.asarray(self._value(name), dtype=np.float64).reshape(-1, 2)

    def pictures(self, prefix: str) -> "StoredPictures":
        """Pictures of one rig, the normal one ("") or the shifted one ("shifted/")."""
        cells = {one.name: self._bytes(f"{prefix}rgb/{one.name}") for one in self._rig.cameras}
        return StoredPictures({name: data for name, data in cells.items() if data is not None})

    def detections(self, prefix: str) -> dict[str, RadarPoints]:
        """Radar detections of one rig, named as for `pictures`."""
        found: dict[str, RadarPoints] = {}
        for radar in self._rig.radars:
            data = self._bytes(f"{prefix}radar/{radar.name}")
            if data is not None:
                found[radar.name] = codec.decode_radar(data)
        return found

    def planes(self, prefix: str) -> "dict[str, StoredLabels]":
        """Label planes of one rig, named as for `pictures`."""
        found: dict[str, StoredLabels] = {}
        for camera in self._rig.cameras:
            data = {kind: self._bytes(f"{prefix}{kind}/{camera.name}") for kind in _PLANES}
            if any(plane is not None for plane in data.values()):
                found[camera.name] = StoredLabels(data, camera.width, self._config)
        return found

    def _inertial(self, names: Sequence[str]) -> list[float] | None:
        """Cells of one sensor; None where it is not there."""
        if names[0] not in self._names or self._value(names[0]) is None:
            return None
        return [self._number(name) for name in names]

    def _boxes(self) -> tuple[DetectedBox, ...]:
        """Boxes of the plan."""
        labels = self._value("plan_box_labels") or []
        values = np.asarray(self._value("plan_box_values") or [], dtype=np.float64).reshape(-1, 7)
        return tuple(
            DetectedBox(label, (row[0], row[1]), (row[2], row[3]), row[4], row[5], row[6])
            for label, row in zip(labels, values.tolist(), strict=True)
        )


class StoredPictures(Mapping[str, UInt8[np.ndarray, "height width 3"]]):
    """Pictures of one rig by camera name; each is decoded whenever it is asked for.

    None is kept: who takes them one by one works on memory that the processor still holds near.

    Args:
        data: encoded pictures by camera name.
    """

    def __init__(self, data: Mapping[str, memoryview]) -> None:
        self._data = data

    def __getitem__(self, camera: str) -> UInt8[np.ndarray, "height width 3"]:
        """One picture, decoded."""
        return codec.decode_jpeg(self._data[camera])

    def __iter__(self) -> Iterator[str]:
        """Camera names."""
        return iter(self._data)

    def __len__(self) -> int:
        """Number of cameras."""
        return len(self._data)


class StoredShiftedView:
    """The shifted second rig of a frame; decoded piece by piece, as it is asked for.

    Attributes:
        lateral_m: shift in the ego frame, left positive.
        yaw: turn, left positive, rad.
    """

    def __init__(self, frame: Frame, lateral_m: float, yaw: float) -> None:
        self._frame, self.lateral_m, self.yaw = frame, lateral_m, yaw

    @cached_property
    def images(self) -> Mapping[str, UInt8[np.ndarray, "height width 3"]]:
        """RGB by camera name."""
        return self._frame.pictures(_SHIFTED)

    @cached_property
    def labels(self) -> Mapping[str, "StoredLabels"]:
        """Label planes by camera name."""
        return self._frame.planes(_SHIFTED)

    @cached_property
    def radar(self) -> Mapping[str, RadarPoints]:
        """Detections by radar name, on their grid."""
        return self._frame.detections(_SHIFTED)


@dataclass(frozen=True)
class StoredDepth:
    """A depth plane as it lies in a file.

    Attributes:
        steps: 0 m (0) to `max_m` and more (255).
        max_m: of the scale.
    """

    steps: UInt8[np.ndarray, "rows cols"]
    max_m: float

    @property
    def metres(self) -> Float[np.ndarray, "rows cols"]:
        """In metres, float32."""
        return codec.bytes_to_depth(self.steps, self.max_m)


class StoredLabels:
    """Label planes of one camera as a run folder keeps them; each is decoded when asked for.

    Args:
        data: encoded planes by kind; None for what was not kept.
        width: of the pictures.
        config: how they were stored.
    """

    def __init__(
        self, data: Mapping[str, memoryview | None], width: int, config: RecordConfig
    ) -> None:
        self._data, self._width, self._config = data, width, config

    @cached_property
    def semantic(self) -> UInt8[np.ndarray, "height width"] | None:
        """`SemanticClass`, None where not kept."""
        return self._decoded("semantic", self._width, np.uint8)

    @cached_property
    def instance(self) -> UInt16[np.ndarray, "height width"] | None:
        """Actor id, None where not kept."""
        return self._decoded("instance", self._width, np.uint16)

    @cached_property
    def depth(self) -> "StoredDepth | None":
        """Averaged over squares of `RecordConfig.depth_divisor` pixels; None where not kept."""
        small = -(-self._width // self._config.depth_divisor)
        steps = self._decoded("depth", small, np.uint8)
        return None if steps is None else StoredDepth(steps, self._config.depth_max_m)

    @property
    def depth_m(self) -> Float[np.ndarray, "rows cols"] | None:
        """The same in metres, clipped at `RecordConfig.depth_max_m`."""
        return None if self.depth is None else self.depth.metres

    def _decoded(self, kind: str, width: int, dtype: type[np.generic]) -> np.ndarray | None:
        """One plane, or None."""
        data = self._data[kind]
        return None if data is None else codec.decode_plane(data, width, dtype)
