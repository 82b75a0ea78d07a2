"""Hand-made drives for the recorder; nothing is simulated."""

from collections.abc import Callable

import numpy as np
import pytest

from symdrive.core.seeds import generator
from symdrive.maps.route import Route
from symdrive.record.schema import RunMeta, TickRecord
from symdrive.world.backend import Episode
from symdrive.world.catalogue import MODELS
from symdrive.world.control import Control, DetectedBox, Plan
from symdrive.world.evidence import CameraLabels, Evidence, ShiftedView
from symdrive.world.observation import Observation
from symdrive.world.rig import CameraSpec, LidarSpec, Rig
from symdrive.world.truth import Actors, Collision, Truth

RIG = Rig(
    "two",
    (
        CameraSpec("front", (0.3, 0.0, 2.2), 0.0, 48, 32, 1.0),
        CameraSpec("left", (0.1, 0.3, 2.2), 0.9, 30, 22, 1.0),
    ),
    (LidarSpec(channels=4, columns=16, range_m=60.0),),
)


def make_route(num_points: int = 40) -> Route:
    s = np.arange(num_points, dtype=np.float64)
    zeros = np.zeros(num_points, dtype=np.int64)
    return Route(
        route_id="route_7",
        town="Anywhere",
        points=np.stack([s, 0.1 * s, 0.01 * s], axis=1),
        yaw=np.full(num_points, 0.0997),
        s_m=s,
        lane=zeros,
        lane_s_m=s,
        command=zeros + 4,
        speed_limit_mps=np.full(num_points, 13.9),
    )


def make_truth(tick: int, num_actors: int = 5, seed: int = 0) -> Truth:
    rng = generator(seed, f"truth {tick}")
    model = rng.integers(0, len(MODELS), num_actors)
    actors = Actors(
        actor_id=np.arange(1, num_actors + 1),
        kind=np.array([int(MODELS[m].kind) for m in model]),
        model=model,
        position=rng.normal(0, 50, (num_actors, 3)),
        yaw=rng.uniform(-3, 3, num_actors),
        pitch=rng.normal(0, 0.01, num_actors),
        speed=rng.normal(5, 2, num_actors),
        yaw_rate=rng.normal(0, 0.1, num_actors),
        acceleration=rng.normal(0, 1, num_actors),
        half_extent=np.array([MODELS[m].half_extent for m in model]),
        color=rng.integers(0, 256, (num_actors, 3)).astype(np.uint8),
        lane=rng.integers(-1, 90, num_actors),
        lane_s_m=rng.uniform(0, 30, num_actors),
        parked=rng.random(num_actors) < 0.3,
        braking=rng.random(num_actors) < 0.3,
        lights=rng.choice([0, 16, 32, 48, 512, 560], num_actors),
        doors=rng.integers(0, 4, num_actors),
        walked_m=rng.uniform(0, 900, num_actors),
    )
    contacts = (Collision(0, np.array([1.0, 2.0, 3.0])),) if tick % 3 == 0 else ()
    return Truth(tick, tick * 0.05, actors, rng.integers(0, 3, 4), contacts)


def smooth_picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    phase = rng.uniform(0, 3, 3)
    waves = np.sin(x[..., None] / 9 + y[..., None] / 7 + phase)
    return np.rint(127 + 100 * waves).astype(np.uint8)


def make_record(
    tick: int, rig: Rig = RIG, num_actors: int = 5, shifted: bool = True, seed: int = 0
) -> TickRecord:
    rng = generator(seed, f"record {tick}")
    cameras = {c.name: c for c in rig.cameras}

    def pictures() -> dict[str, np.ndarray]:
        return {name: smooth_picture(rng, c.height, c.width) for name, c in cameras.items()}

    def labels() -> dict[str, CameraLabels]:
        return {
            name: CameraLabels(
                semantic=rng.integers(0, 29, (c.height, c.width)).astype(np.uint8),
                instance=rng.integers(0, 400, (c.height, c.width)).astype(np.uint16),
                depth_m=rng.uniform(1, 70, (c.height, c.width)).astype(np.float32),
            )
            for name, c in cameras.items()
        }

    points = rng.normal(0, 20, (50, 4)).astype(np.float32)
    points[:, 3] = rng.random(50)
    observation = Observation(
        tick, tick * 0.05, pictures(), points, rng.normal(0, 9, 2), float(rng.normal()), 4.5
    )
    second = ShiftedView(0.7, -0.05, pictures(), labels()) if shifted else None
    plan = Plan(
        route=rng.normal(0, 5, (10, 2)),
        waypoints=rng.normal(0, 5, (8, 2)),
        target_speed_mps=7.25,
        brake=tick % 2 == 0,
        reason="red_light",
        boxes=(DetectedBox("walker", (4.0, 1.5), (0.25, 0.25), 0.1, 1.2, 0.875),),
        target_points=rng.normal(0, 30, (3, 2)),
    )
    return TickRecord(
        truth=make_truth(tick, num_actors, seed),
        control=Control(steer=0.25, throttle=0.5),
        observation=observation,
        evidence=Evidence(
            rng.integers(0, 900, num_actors), rng.integers(0, 90, num_actors), labels(), second
        ),
        plan=plan,
        route_completion=tick / 2,
        infractions=({"kind": "RED_LIGHT", "tick": tick},) if tick == 4 else (),
    )


@pytest.fixture
def record() -> Callable[..., TickRecord]:
    return make_record


@pytest.fixture
def rig() -> Rig:
    return RIG


@pytest.fixture
def meta() -> RunMeta:
    return RunMeta(
        episode=Episode(make_route(), seed=3),
        rig=RIG,
        driver="expert",
        town_digest="0123456789abcdef",
        config={"stored_every": 5, "alignment": {"visibility": True}},
    )
