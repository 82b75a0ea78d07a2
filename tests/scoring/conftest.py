"""A street with a junction, and an ego that is put where a test wants it.

Eastbound traffic keeps to y = -1.75, westbound to y = 1.75. x 0..100: road 1, with a parking lane
beside x 0..60; x 100..120: a junction; x 120..220: road 4. A light with its stop line at x = 98
guards the eastbound entry, a stop sign stands on road 4 at x = 180.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symdrive.maps.route import Route
from symdrive.maps.town import (
    ConflictTable,
    CrosswalkTable,
    HeightGrid,
    LaneKind,
    LaneTable,
    Mesh,
    SignalTable,
    StopSignTable,
    Town,
)
from symdrive.scoring.infraction import InfractionKind
from symdrive.world.catalogue import MODEL_ROW, MODELS
from symdrive.world.truth import Actors, Collision, SignalState, Truth

EAST, WEST, PARK = -1.75, 1.75, -4.75
LIMIT = 10.0
HALF_LENGTH = 2.45


@dataclass(frozen=True)
class Strip:
    """A straight lane along x."""

    road: int
    lane_id: int
    from_x: float
    to_x: float
    y: float
    after: tuple[int, ...] = ()
    kind: LaneKind = LaneKind.DRIVING
    junction: int = -1
    width: float = 3.5


STRIPS = (
    Strip(1, -1, 0, 100, EAST, after=(2,)),
    Strip(1, 1, 100, 0, WEST),
    Strip(2, -1, 100, 120, EAST, after=(4,), junction=7),
    Strip(3, -1, 120, 100, WEST, after=(1,), junction=7),
    Strip(4, -1, 120, 220, EAST),
    Strip(4, 1, 220, 120, WEST, after=(3,)),
    Strip(1, -2, 0, 60, PARK, kind=LaneKind.PARKING, width=2.5),
)


def make_lanes(strips: Sequence[Strip]) -> LaneTable:
    counts = [round(abs(s.to_x - s.from_x)) + 1 for s in strips]
    start = np.concatenate([[0], np.cumsum(counts)])
    x = np.concatenate(
        [np.linspace(s.from_x, s.to_x, n) for s, n in zip(strips, counts, strict=True)]
    )
    y = np.repeat([s.y for s in strips], counts)
    length = np.array([abs(s.to_x - s.from_x) for s in strips], dtype=float)
    points = np.stack([x, y, np.zeros_like(x)], axis=1)
    num = len(strips)
    none = np.full(num, -1)
    after = [list(s.after) for s in strips]
    before = [[i for i, s in enumerate(strips) if j in s.after] for j in range(num)]

    def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        flat = [item for row in rows for item in row]
        return np.concatenate([[0], np.cumsum([len(r) for r in rows])]), np.array(flat, dtype=int)

    next_start, next_lane = csr(after)
    prev_start, prev_lane = csr(before)
    return LaneTable(
        road=np.array([s.road for s in strips]),
        section=np.zeros(num, int),
        lane_id=np.array([s.lane_id for s in strips]),
        kind=np.array([int(s.kind) for s in strips]),
        turn=np.array([int(s.junction >= 0) for s in strips]),
        junction=np.array([s.junction for s in strips]),
        speed_limit_mps=np.full(num, LIMIT),
        length_m=length,
        start=start,
        points=points,
        yaw=np.repeat([0.0 if s.to_x > s.from_x else math.pi for s in strips], counts),
        width_m=np.repeat([s.width for s in strips], counts),
        s_m=np.concatenate([np.linspace(0, m, n) for m, n in zip(length, counts, strict=True)]),
        next_start=next_start,
        next_lane=next_lane,
        prev_start=prev_start,
        prev_lane=prev_lane,
        left=none,
        right=none,
        may_change_left=np.zeros(num, bool),
        may_change_right=np.zeros(num, bool),
        marking_left=np.zeros(len(x), int),
        marking_right=np.zeros(len(x), int),
        priority=np.full(num, 2),
    )


def make_town(
    strips: Sequence[Strip] = STRIPS,
    lights: Sequence[tuple[int, float]] = ((0, 98.0),),
    stops: Sequence[tuple[int, float]] = ((4, 60.0),),
) -> Town:
    lanes = make_lanes(strips)
    num_lights, num_stops = len(lights), len(stops)
    empty = np.zeros(0)
    no_ints = np.zeros(0, int)
    signals = SignalTable(
        signal_id=900 + np.arange(num_lights),
        position=np.tile([122.0, -6.0, 0.0], (num_lights, 1)),
        head=np.tile([122.0, -6.0, 5.0], (num_lights, 1)),
        yaw=np.full(num_lights, math.pi),
        junction=np.full(num_lights, 7),
        group=np.zeros(num_lights, int),
        num_groups=np.ones(num_lights, int),
        stop_start=np.arange(num_lights + 1),
        stop_lane=np.array([lane for lane, _ in lights], dtype=int),
        stop_s_m=np.array([s for _, s in lights], dtype=float),
    )
    stop_signs = StopSignTable(
        position=np.tile([181.0, -5.0, 0.0], (num_stops, 1)),
        yaw=np.full(num_stops, math.pi),
        lane=np.array([lane for lane, _ in stops], dtype=int),
        s_m=np.array([s for _, s in stops], dtype=float),
    )
    return Town(
        name="Street",
        source_digest="0" * 16,
        lanes=lanes,
        conflicts=ConflictTable(np.zeros(len(lanes) + 1, int), no_ints, empty, empty, empty, empty),
        signals=signals,
        stop_signs=stop_signs,
        crosswalks=CrosswalkTable(np.zeros(1, int), np.zeros((0, 3)), np.zeros((0, 2, 3))),
        ground=HeightGrid(np.zeros(2), 100.0, np.zeros((3, 4))),
        mesh=Mesh(
            np.zeros((0, 3)),
            np.zeros((0, 3), int),
            np.zeros((0, 3), np.uint8),
            np.zeros(0, np.uint8),
            no_ints,
            no_ints,
        ),
    )


def make_route(from_x: float = 0.0, to_x: float = 220.0) -> Route:
    x = np.linspace(from_x, to_x, round(to_x - from_x) + 1)
    lane = np.select([x < 100, x < 120], [0, 2], 4)
    offset = np.select([x < 100, x < 120], [0.0, 100.0], 120.0)
    return Route(
        route_id="street_0",
        town="Street",
        points=np.stack([x, np.full_like(x, EAST), np.zeros_like(x)], axis=1),
        yaw=np.zeros_like(x),
        s_m=x - from_x,
        lane=lane,
        lane_s_m=x - offset,
        command=np.full(len(x), 4),
        speed_limit_mps=np.full(len(x), LIMIT),
    )


@dataclass(frozen=True)
class Other:
    """Another actor."""

    actor_id: int
    model: str = "vehicle.tesla.model3"
    speed: float = 0.0
    parked: bool = False


@dataclass(frozen=True)
class Moment:
    """What a test says about one tick."""

    x: float = 50.0
    y: float = EAST
    yaw: float = 0.0
    speed: float = 10.0
    light: SignalState = SignalState.GREEN
    others: tuple[Other, ...] = ()
    hits: tuple[int, ...] = ()
    time_s: float | None = None
    z: float = 0.0


def make_truth(tick: int, moment: Moment) -> Truth:
    num = 1 + len(moment.others)
    model = np.array([0] + [MODEL_ROW[o.model] for o in moment.others])
    position = np.full((num, 3), 500.0)
    position[0] = (moment.x, moment.y, moment.z)
    zeros = np.zeros(num)
    actors = Actors(
        actor_id=np.array([1] + [o.actor_id for o in moment.others]),
        kind=np.array([int(MODELS[m].kind) for m in model]),
        model=model,
        position=position,
        yaw=np.array([moment.yaw] + [0.0] * (num - 1)),
        pitch=zeros,
        speed=np.array([moment.speed] + [o.speed for o in moment.others]),
        yaw_rate=zeros,
        acceleration=zeros,
        half_extent=np.array([MODELS[m].half_extent for m in model]),
        color=np.zeros((num, 3), np.uint8),
        lane=np.full(num, -1),
        lane_s_m=zeros,
        parked=np.array([False] + [o.parked for o in moment.others]),
        braking=np.zeros(num, bool),
    )
    time_s = tick * 0.05 if moment.time_s is None else moment.time_s
    place = np.array([moment.x, moment.y, 0.5])
    contacts = tuple(Collision(other, place) for other in moment.hits)
    return Truth(tick, time_s, actors, np.array([int(moment.light)]), contacts)


def along(from_x: float, to_x: float, speed: float = 10.0, **same: object) -> list[Moment]:
    """Driving along x, tick by tick."""
    step = speed * 0.05 * (1 if to_x > from_x else -1)
    count = int(abs(to_x - from_x) / abs(step)) + 1
    return [
        Moment(x=from_x + i * step, speed=speed, **same)  # pyright: ignore[reportArgumentType]
        for i in range(count)
    ]


@dataclass
class Kit:
    """What tests need, without importing a conftest."""

    town: Town = field(default_factory=make_town)
    route: Route = field(default_factory=make_route)
    make_town: Callable[..., Town] = make_town
    make_route: Callable[..., Route] = make_route
    make_truth: Callable[[int, Moment], Truth] = make_truth
    along: Callable[..., list[Moment]] = along
    moment: type[Moment] = Moment
    other: type[Other] = Other
    strip: type[Strip] = Strip
    strips: tuple[Strip, ...] = STRIPS


@pytest.fixture
def kit() -> Kit:
    return Kit()


# ---- result files ----------------------------------------------------------------------

KEYS = [kind.value for kind in InfractionKind]


def speed(percentage: float) -> str:
    return f"Average speed is {percentage}% of the surrounding traffic's one"


def outside(metres: float, percentage: float) -> str:
    return (
        f"Agent went outside its route lanes for about {metres} meters"
        f" ({percentage}% of the completed route)"
    )


def row(route: object, *, rep: int = 0, **changes: Any) -> dict[str, Any]:
    """A record as the leaderboard writes it: a perfect one, unless changed."""
    infractions: dict[str, list[str]] = {key: [] for key in KEYS}
    infractions |= changes.pop("infractions", {})
    completion, penalty = changes.pop("completion", 100.0), changes.pop("penalty", 1.0)
    meta = {
        "route_length": changes.pop("length", 1000.0),
        "duration_game": changes.pop("duration", 80.0),
        "duration_system": 100.0,
    }
    found = any(infractions.values())
    return {
        "index": 0,
        "route_id": f"RouteScenario_{route}_rep{rep}",
        "status": "Completed" if found else "Perfect",
        "num_infractions": sum(map(len, infractions.values())),
        "infractions": infractions,
        "scores": {
            "score_route": completion,
            "score_penalty": penalty,
            "score_composed": round(completion * penalty, 6),
        },
        "meta": meta,
        **changes,
    }


def write(path: Path, rows: Sequence[object], planned: int | None = None, **extra: Any) -> Path:
    """A leaderboard result file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint: dict[str, Any] = {"records": list(rows)}
    if planned is not None:
        checkpoint["progress"] = [len(rows), planned]
    path.write_text(json.dumps({"_checkpoint": checkpoint, **extra}))
    return path


@dataclass(frozen=True)
class Results:
    """Makes result files."""

    row: Callable[..., dict[str, Any]] = row
    write: Callable[..., Path] = write
    speed: Callable[[float], str] = speed
    outside: Callable[[float, float], str] = outside
    golden: Path = Path(__file__).parents[3] / "shared" / "golden"

    def published(self, folder: str) -> Path:
        """A folder of published results, or a reason to skip."""
        path = self.golden / folder
        if not path.is_dir():
            pytest.skip(f"no published results in ../shared/golden/{folder}")
        return path


@pytest.fixture(scope="session")
def results() -> Results:
    return Results()
