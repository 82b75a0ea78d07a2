"""Two minutes of traffic in each town: no crashes, no standstill, no red light run."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import shapely

from symdrive.maps.locate import Locator
from symdrive.maps.route import Route
from symdrive.maps.town import LaneKind, Town
from symdrive.sim.state import WalkerMode
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import Actors, SignalState, Truth

TICKS = 2400
TRAFFIC = TrafficConfig(vehicles=40, pedestrians=20, parked=15, crossing_share=1.0)
STAND = Control(brake=1.0)


@dataclass
class Log:
    """What a run without an ego on the road left behind.

    Attributes:
        town: where.
        crashes: pairs of actor ids whose boxes overlapped.
        on_red: vehicles that crossed a stop line while its signal was red.
        on_green: the same for green.
        longest_still_s: longest time that a vehicle stood without a red signal before it.
        mean_speed_mps: of all vehicles.
        walkers: x, y of all walkers, once a second.
        crossed: walkers that began to cross.
    """

    town: Town
    crashes: set[tuple[int, int]] = field(default_factory=set)
    on_red: list[int] = field(default_factory=list)
    on_green: list[int] = field(default_factory=list)
    longest_still_s: float = 0.0
    mean_speed_mps: float = 0.0
    walkers: list[np.ndarray] = field(default_factory=list)
    crossed: set[int] = field(default_factory=set)


def stop_lines(town: Town) -> dict[int, tuple[int, float]]:
    """Signal and arc length of the stop line of each lane that has one."""
    owner = np.repeat(np.arange(len(town.signals)), np.diff(town.signals.stop_start))
    rows = zip(town.signals.stop_lane, owner, town.signals.stop_s_m, strict=True)
    return {int(lane): (int(signal), float(s)) for lane, signal, s in rows}


def note_lines(log: Log, lines: dict[int, tuple[int, float]], before: Truth, now: Truth) -> None:
    for row in range(1, 1 + TRAFFIC.vehicles):
        lane = int(before.actors.lane[row])
        if lane not in lines:
            continue
        signal, line_s = lines[lane]
        half = before.actors.half_extent[row, 0]
        was = before.actors.lane_s_m[row] + half
        left = now.actors.lane[row] != lane
        if was < line_s and (left or now.actors.lane_s_m[row] + half >= line_s):
            state = before.signal_state[signal]
            if state == SignalState.RED:
                log.on_red.append(row)
            elif state == SignalState.GREEN:
                log.on_green.append(row)


@pytest.fixture(scope="module", params=["alder", "birch"])
def log(
    request: pytest.FixtureRequest, random_route: Callable[[Town, float, int], Route], overlapping
) -> Log:
    town: Town = request.getfixturevalue(request.param)
    world = EmbeddedWorld(town, BLIND_RIG)
    world.reset(Episode(random_route(town, 300.0, 1), 1, TRAFFIC))
    sim = world._sim
    assert sim is not None
    # The ego would stand in the way of somebody; it is taken off the road.
    sim.traffic.bodies["x"][0] = 5000.0
    log, lines, before = Log(town), stop_lines(town), world.truth()
    speeds = []
    for tick in range(TICKS):
        world.step(STAND)
        now = world.truth()
        note_lines(log, lines, before, now)
        before = now
        if tick % 4 == 0:
            log.crashes |= overlapping(now.actors)
        if tick % 20 == 0:
            people = now.actors.kind == ActorKind.PEDESTRIAN
            log.walkers.append(now.actors.position[people, :2])
            log.crossed |= set(np.flatnonzero(sim.walkers["mode"] == WalkerMode.CROSS).tolist())
        log.longest_still_s = max(log.longest_still_s, sim.traffic.drivers["still"][1:].max() / 20)
        speeds.append(now.actors.speed[1 : 1 + TRAFFIC.vehicles].mean())
    log.mean_speed_mps = float(np.mean(speeds))
    return log


def test_nobody_crashes(log: Log):
    assert log.crashes == set()


def test_traffic_flows(log: Log):
    assert log.mean_speed_mps > 3.5
    assert log.longest_still_s < 60.0


def test_red_lights_are_obeyed(log: Log):
    assert len(log.on_green) > 10
    assert log.on_red == []


def test_walkers_cross_and_stay_on_sidewalks_and_crosswalks(log: Log):
    assert log.crossed
    places = np.concatenate(log.walkers)
    walks = log.town.crosswalks
    polygons = shapely.union_all(
        [
            shapely.Polygon(walks.corners[walks.start[k] : walks.start[k + 1], :2]).buffer(1.0)
            for k in range(len(walks))
        ]
    )
    off = ~shapely.contains_xy(polygons, places)
    found = Locator(log.town.lanes).locate(places[off], kinds=(LaneKind.DRIVING,))
    inside = found.lane >= 0
    lanes = log.town.lanes
    half = lanes.width_m[lanes.start[found.lane[inside]]] / 2.0
    assert (np.abs(found.lateral_m[inside]) > half - 0.3).all()


def test_a_standing_ego_is_not_rammed(alder: Town, straight_route: Route):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(straight_route, 0, TRAFFIC))
    nearest = np.inf
    for _ in range(TICKS):
        world.step(STAND)
        truth = world.truth()
        assert truth.collisions == ()
        nearest = min(nearest, gap_behind(truth.actors))
    assert 0.5 < nearest < 5.0


def gap_behind(actors: Actors) -> float:
    """Gap between the ego and the first vehicle behind it in its lane, m; infinite for none."""
    cos, sin = np.cos(actors.yaw[0]), np.sin(actors.yaw[0])
    d = actors.position[1:, :2] - actors.position[0, :2]
    along, aside = cos * d[:, 0] + sin * d[:, 1], cos * d[:, 1] - sin * d[:, 0]
    behind = (along < 0) & (np.abs(aside) < 1.0) & (actors.kind[1:] < ActorKind.PEDESTRIAN)
    gaps = -along - actors.half_extent[0, 0] - actors.half_extent[1:, 0]
    return float(gaps[behind].min()) if behind.any() else np.inf


def test_traffic_follows_a_slow_ego_at_a_distance(alder: Town, straight_route: Route):
    world = EmbeddedWorld(alder, BLIND_RIG)
    world.reset(Episode(straight_route, 0, TRAFFIC))
    for _ in range(300):
        speed = world.truth().actors.speed[0]
        world.step(Control(throttle=0.5 if speed < 1.0 else 0.0, brake=0.0))
        assert world.truth().collisions == ()


def test_same_episode_same_bytes_in_two_worlds(birch: Town, random_route):
    episode = Episode(random_route(birch, 300.0, 5), 5, TRAFFIC)
    worlds = [EmbeddedWorld(birch, BLIND_RIG) for _ in range(2)]
    for world in worlds:
        world.reset(episode)
    for tick in range(400):
        control = Control(steer=0.1 * np.sin(tick / 20), throttle=0.4)
        for world in worlds:
            world.step(control)
    a, b = (world.truth() for world in worlds)
    for name in a.actors.__dataclass_fields__:
        assert getattr(a.actors, name).tobytes() == getattr(b.actors, name).tobytes(), name
    assert a.signal_state.tobytes() == b.signal_state.tobytes()
