"""Columns of a run folder, version by version.

run.json       what was driven: seed, route, town, rig, traffic, driver, config; `wall_clock`
               holds everything that differs between two runs of one seed
route.arrow    the dense route, one batch
ticks.arrow    20 Hz: ego, control, plan summary, localisation, score so far
actors.arrow   20 Hz: all actors, signals, contacts, what the sensors measured of each actor
frames.arrow   4 Hz: pictures, label planes, LiDAR, the driver's plan
result.json    scores, written last; a folder without it is an unfinished run
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

import symdrive
from symdrive.core import config
from symdrive.record.config import RecordConfig
from symdrive.record.names import ACTORS_FILE as ACTORS_FILE
from symdrive.record.names import FRAMES_FILE as FRAMES_FILE
from symdrive.record.names import RESULT_FILE as RESULT_FILE
from symdrive.record.names import ROUTE_FILE as ROUTE_FILE
from symdrive.record.names import RUN_FILE as RUN_FILE
from symdrive.record.names import SCHEMA_VERSION as SCHEMA_VERSION
from symdrive.record.names import TICKS_FILE as TICKS_FILE
from symdrive.world.backend import Episode
from symdrive.world.control import Control, Plan
from symdrive.world.evidence import Evidence
from symdrive.world.observation import Observation
from symdrive.world.rig import Rig
from symdrive.world.truth import Truth


@dataclass(frozen=True)
class RunMeta:
    """What was driven, by whom, in what.

    Attributes:
        episode: route, seed and traffic.
        rig: sensors on the car.
        driver: name of the policy or oracle.
        town_digest: `Town.source_digest`.
        config: whatever configured the drive, as plain data.
        symdrive_version: version of the package that drove.
    """

    episode: Episode
    rig: Rig
    driver: str
    town_digest: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    symdrive_version: str = symdrive.__version__

    @property
    def config_digest(self) -> str:
        """Names the config."""
        return config.digest(self.config)


@dataclass(frozen=True)
class TickRecord:
    """One finished tick, as the loop hands it to whoever listens.

    Attributes:
        truth: the state in which the driver decided.
        control: what it decided.
        observation: what it was shown, None where the rig is blind.
        evidence: what the sensors measured of the actors.
        plan: what it intended.
        route_completion: per cent of the route.
        infractions: of this tick, as plain data.
    """

    truth: Truth
    control: Control
    observation: Observation | None = None
    evidence: Evidence | None = None
    plan: Plan | None = None
    route_completion: float = 0.0
    infractions: tuple[Mapping[str, Any], ...] = ()


ACTOR_COLUMNS: Mapping[str, tuple[pa.DataType, int]] = {
    "actor_id": (pa.int32(), 1),
    "kind": (pa.int8(), 1),
    "model": (pa.int16(), 1),
    "position": (pa.float64(), 3),
    "yaw": (pa.float64(), 1),
    "pitch": (pa.float64(), 1),
    "speed": (pa.float64(), 1),
    "yaw_rate": (pa.float64(), 1),
    "acceleration": (pa.float64(), 1),
    "half_extent": (pa.float64(), 3),
    "color": (pa.uint8(), 3),
    "lane": (pa.int32(), 1),
    "lane_s_m": (pa.float64(), 1),
    "parked": (pa.uint8(), 1),
    "braking": (pa.uint8(), 1),
    "lights": (pa.int16(), 1),
    "doors": (pa.int8(), 1),
    "walked_m": (pa.float64(), 1),
}
"""Element type and elements an actor, for each field of `Actors`; folders from before actors had
indicators lack the last three."""

SIDE_COLUMNS: Mapping[str, tuple[pa.DataType, int]] = {
    "signal_state": (pa.int8(), 1),
    "collision_id": (pa.int32(), 1),
    "collision_position": (pa.float64(), 3),
    "collision_impulse": (pa.float64(), 3),
    "pixels": (pa.int32(), 1),
    "lidar_points": (pa.int32(), 1),
    "radar_points": (pa.int32(), 1),
}
"""What else stands in `actors.arrow`; the last three are null where nothing was measured. Folders
from before radars have neither impulses nor `radar_points`."""

ROUTE_COLUMNS: Mapping[str, tuple[pa.DataType, int]] = {
    "points": (pa.float64(), 3),
    "yaw": (pa.float64(), 1),
    "s_m": (pa.float64(), 1),
    "lane": (pa.int64(), 1),
    "lane_s_m": (pa.float64(), 1),
    "command": (pa.int64(), 1),
    "speed_limit_mps": (pa.float64(), 1),
}
"""Fields of `Route` that are arrays."""

INERTIAL_COLUMNS = (
    *("latitude", "longitude", "altitude"),
    *(f"acceleration_{axis}" for axis in "xyz"),
    *(f"gyroscope_{axis}" for axis in "xyz"),
    "imu_compass",
)
"""Readings of GNSS and IMU, units as in `world.observation`; null without such a sensor, and not
there in folders from before."""

TICK_SCHEMA = pa.schema(
    [
        ("tick", pa.int32()),
        ("time_s", pa.float64()),
        *((name, pa.float64()) for name in ("x", "y", "z", "yaw", "pitch")),
        *((name, pa.float64()) for name in ("speed", "yaw_rate", "acceleration")),
        *((name, pa.float64()) for name in ("steer", "throttle", "brake")),
        ("reverse", pa.bool_()),
        ("plan_target_speed", pa.float64()),
        ("plan_brake", pa.bool_()),
        ("plan_reason", pa.string()),
        *((name, pa.float64()) for name in ("gnss_x", "gnss_y", "compass", "speed_reading")),
        ("route_completion", pa.float64()),
        ("infractions", pa.list_(pa.string())),
        *((name, pa.float64()) for name in INERTIAL_COLUMNS),
        ("sensor_events", pa.list_(pa.string())),
    ]
)

JSON_COLUMNS = ("infractions", "sensor_events")
"""Lists of plain data, one JSON text each; events are those of collision, lane invasion and
obstacle sensors."""

ACTOR_SCHEMA = pa.schema(
    [("tick", pa.int32()), ("time_s", pa.float64())]
    + [(name, pa.list_(kind)) for name, (kind, _) in {**ACTOR_COLUMNS, **SIDE_COLUMNS}.items()]
)

ROUTE_SCHEMA = pa.schema([(name, pa.list_(kind)) for name, (kind, _) in ROUTE_COLUMNS.items()])


def camera_columns(rig: Rig, record: RecordConfig) -> list[str]:
    """Names of the binary columns of `frames.arrow`, for both rigs."""
    kept = ["rgb"] if record.rgb else []
    kept += ["semantic"] if record.semantic else []
    kept += ["instance"] if record.instance else []
    kept += ["depth"] if record.depth else []
    names = [f"{modality}/{camera.name}" for modality in kept for camera in rig.cameras]
    return names + [f"shifted/{name}" for name in names]


def radar_columns(rig: Rig, record: RecordConfig) -> list[str]:
    """Names of the radar columns of `frames.arrow`, for both rigs."""
    names = [f"radar/{radar.name}" for radar in rig.radars] if record.radar else []
    return names + [f"shifted/{name}" for name in names]


def frame_schema(rig: Rig, record: RecordConfig) -> pa.Schema:
    """Columns of `frames.arrow`."""
    numbers = ("time_s", "gnss_x", "gnss_y", "compass", "speed_reading")
    plan_lists = ("plan_route", "plan_waypoints", "plan_target_points", "plan_box_values")
    return pa.schema(
        [
            ("tick", pa.int32()),
            *((name, pa.float64()) for name in numbers),
            *((name, pa.binary()) for name in camera_columns(rig, record)),
            ("shifted_lateral_m", pa.float64()),
            ("shifted_yaw", pa.float64()),
            *([("lidar", pa.binary())] if rig.lidars and record.lidar else []),
            *((name, pa.binary()) for name in radar_columns(rig, record)),
            *((name, pa.float64()) for name in _inertial_columns(rig)),
            *((name, pa.list_(pa.float64())) for name in plan_lists),
            ("plan_box_labels", pa.list_(pa.string())),
            ("plan_target_speed", pa.float64()),
            ("plan_brake", pa.bool_()),
            ("plan_reason", pa.string()),
        ]
    )


def _inertial_columns(rig: Rig) -> tuple[str, ...]:
    """The inertial columns of `frames.arrow`: none for a rig that has no such sensor."""
    return INERTIAL_COLUMNS if rig.gnss is not None or rig.imu is not None else ()
