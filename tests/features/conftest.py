"""A drive along a route of the training town, made by hand: nothing is simulated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symdrive.core.geometry import to_local
from symdrive.core.seeds import generator
from symdrive.features.config import NANO as NANO_FEATURES
from symdrive.features.config import FeatureConfig, View
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.raster import TownRaster
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.record.config import RecordConfig
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.record.writer import RunWriter
from symdrive.world.backend import Episode
from symdrive.world.catalogue import MODELS
from symdrive.world.control import Control, Plan
from symdrive.world.evidence import CameraLabels, Evidence, ShiftedView
from symdrive.world.observation import Observation
from symdrive.world.rig import NANO_RIG, Rig
from symdrive.world.truth import Actors, SignalState, Truth

SPEED = 6.0
LATERAL, TURN = 0.6, 0.1
NUM_TICKS = 80


@dataclass(frozen=True)
class Ground:
    """Town, raster and route that a drive is made on."""

    town: Town
    raster: TownRaster
    route: Route


@cache
def ground() -> Ground:
    town = open_town("alder")
    route = Network(town).random_route(generator(3, "route"), 150.0, "random_000")
    return Ground(town, TownRaster.from_town(town), route)


def pose(route: Route, s_m: float) -> tuple[np.ndarray, float]:
    xyz = np.array([np.interp(s_m, route.s_m, route.points[:, k]) for k in range(3)])
    return xyz, float(np.interp(s_m, route.s_m, np.unwrap(route.yaw)))


def actors(xyz: np.ndarray, yaw: float, others: list[tuple[int, float, float]]) -> Actors:
    """The ego and others: row of `MODELS`, then forward and left in the ego frame."""
    rows = [0, *(model for model, _, _ in others)]
    local = np.array([(0.0, 0.0), *((x, y) for _, x, y in others)])
    cos, sin = np.cos(yaw), np.sin(yaw)
    n = len(rows)
    position = np.tile(xyz, (n, 1))
    position[:, 0] += cos * local[:, 0] - sin * local[:, 1]
    position[:, 1] += sin * local[:, 0] + cos * local[:, 1]
    return Actors(
        actor_id=np.arange(1, n + 1),
        kind=np.array([int(MODELS[row].kind) for row in rows]),
        model=np.array(rows),
        position=position,
        yaw=np.full(n, yaw),
        pitch=np.zeros(n),
        speed=np.full(n, SPEED),
        yaw_rate=np.zeros(n),
        acceleration=np.zeros(n),
        half_extent=np.array([MODELS[row].half_extent for row in rows]),
        color=np.full((n, 3), 200, dtype=np.uint8),
        lane=np.zeros(n, dtype=np.int64),
        lane_s_m=np.zeros(n),
        parked=np.zeros(n, dtype=bool),
        braking=np.zeros(n, dtype=bool),
    )


def pictures(rig: Rig, tick: int) -> dict[str, np.ndarray]:
    draw = generator(tick, "pictures")
    found = {}
    for camera in rig.cameras:
        y, x = np.mgrid[0 : camera.height, 0 : camera.width]
        phase = draw.uniform(0, 3, 3)
        found[camera.name] = np.rint(
            127 + 100 * np.sin(x[..., None] / 9 + y[..., None] / 7 + phase)
        ).astype(np.uint8)
    return found


def planes(rig: Rig) -> dict[str, CameraLabels]:
    """Road below the horizon, sky above, one thin lamp in the front picture."""
    found = {}
    for camera in rig.cameras:
        tags = np.full((camera.height, camera.width), 11, dtype=np.uint8)
        tags[camera.height // 2 :] = 1
        if camera.name == "front":
            tags[20, 101] = 7
        depth = np.full(tags.shape, 20.0, dtype=np.float32)
        found[camera.name] = CameraLabels(tags, np.zeros(tags.shape, np.uint16), depth)
    return found


def tick_record(route: Route, tick: int, others: list[tuple[int, float, float]]) -> TickRecord:
    draw = generator(tick, "noise")
    xyz, yaw = pose(route, 5.0 + SPEED * 0.05 * tick)
    present = actors(xyz, yaw, others)
    ahead = 5.0 + SPEED * 0.05 * tick + 2.5 + np.arange(20)
    path = np.stack([pose(route, s)[0][:2] for s in ahead])
    points = draw.uniform(-20, 40, (400, 4)).astype(np.float32)
    points[:, 2] = draw.uniform(-0.2, 2.5, 400)
    points[:, 3] = draw.random(400)
    reading = Observation(
        tick,
        tick * 0.05,
        pictures(NANO_RIG, tick),
        points,
        xyz[:2] + draw.normal(0, 0.3, 2),
        yaw + float(draw.normal(0, 0.001)),
        SPEED,
    )
    signals = np.full(len(ground().town.signals), int(SignalState.RED))
    plan = Plan(to_local(path, xyz[:2], yaw), np.zeros((0, 2)), SPEED, brake=False)
    counts = np.full(len(present), 50)
    second = ShiftedView(LATERAL, TURN, pictures(NANO_RIG, tick + 1000), planes(NANO_RIG))
    return TickRecord(
        truth=Truth(tick, tick * 0.05, present, signals),
        control=Control(),
        observation=reading,
        evidence=Evidence(counts, counts, planes(NANO_RIG), second),
        plan=plan,
        route_completion=100.0,
    )


def with_radar(record: TickRecord, rig: Rig) -> TickRecord:
    """Made-up detections of every radar, other ones for the shifted rig; each car is met thrice."""
    draw = generator(record.truth.tick, "radar")

    def readings() -> dict[str, np.ndarray]:
        return {
            radar.name: draw.uniform([-0.7, -0.01, 2, -9], [0.7, 0.01, 60, 9], (9, 4)).astype(
                np.float32
            )
            for radar in rig.radars
        }

    assert record.observation is not None
    assert record.evidence is not None
    assert record.evidence.shifted is not None
    second = replace(record.evidence.shifted, radar=readings())
    counts = np.full(len(record.truth.actors), 3)
    return replace(
        record,
        observation=replace(record.observation, radar=readings()),
        evidence=replace(record.evidence, radar_points=counts, shifted=second),
    )


def record_drive(
    folder: Path,
    *,
    num_ticks: int = NUM_TICKS,
    others: list[tuple[int, float, float]] | None = None,
    config: RecordConfig | None = None,
    infractions: tuple[dict[str, Any], ...] = (),
    finish: bool = True,
    rig: Rig = NANO_RIG,
    speeds: list[float] | None = None,
    stop_until: int = 0,
) -> Path:
    route = ground().route
    meta = RunMeta(Episode(route), rig, "expert", ground().town.source_digest)
    with RunWriter(folder, meta, config) as writer:
        for tick in range(num_ticks):
            record = tick_record(route, tick, others or [(1, 12.0, 3.0)])
            if tick == 3 and infractions:
                record = TickRecord(**{**vars(record), "infractions": infractions})
            if speeds is not None and record.plan is not None:
                present = record.truth.actors
                present.speed[0] = speeds[tick]
                wanted = replace(record.plan, brake=tick < stop_until)
                record = replace(record, plan=wanted)
            if rig.radars:
                record = with_radar(record, rig)
            writer.tick(record)
            if tick % 5 == 0:
                writer.frame(record)
        if finish:
            writer.finish({"status": "Completed"})
    return folder


@dataclass(frozen=True)
class Drives:
    """What tests need, without importing a conftest."""

    folder: Path
    lateral: float = LATERAL
    turn: float = TURN
    speed: float = SPEED
    num_ticks: int = NUM_TICKS

    def ground(self) -> Ground:
        return ground()

    def tick(self, tick: int) -> TickRecord:
        return tick_record(ground().route, tick, [(1, 12.0, 3.0)])

    def radar_tick(self, tick: int, rig: Rig) -> TickRecord:
        return with_radar(self.tick(tick), rig)

    def record(self, folder: Path, **changes: Any) -> Path:
        return record_drive(folder, **changes)

    def actors(self, others: list[tuple[int, float, float]]) -> Actors:
        return actors(np.zeros(3), 0.0, others)

    def pose(self, s_m: float) -> tuple[np.ndarray, float]:
        return pose(ground().route, s_m)


@pytest.fixture(scope="session")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Drives:
    return Drives(record_drive(tmp_path_factory.mktemp("drives") / "run"))


@pytest.fixture
def make_drive() -> Callable[..., Path]:
    return record_drive


@pytest.fixture
def features() -> FeatureConfig:
    return NANO_FEATURES


@pytest.fixture
def view() -> type[View]:
    return View
