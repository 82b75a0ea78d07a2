"""Going back, branching, and carrying a state elsewhere."""

import dataclasses
import pickle

import numba
import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.sim.snapshot import Snapshot
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, CameraSpec, GnssSpec, ImuSpec, LidarSpec, RadarSpec, Rig

RIG = Rig(
    "mixed",
    (CameraSpec("front", (0.3, 0.0, 2.2), 0.0, 48, 32, 1.2, sensor_tick_s=0.25),),
    (LidarSpec(channels=8, columns=60, range_m=40.0, sensor_tick_s=0.1),),
    radars=(RadarSpec("radar", (2.6, 0.0, 0.6), 0.0),),
    gnss=GnssSpec(noise=(5e-6, 5e-6, 5e-6)),
    imu=ImuSpec(accel_noise=(0.001, 0.001, 0.015)),
    collision=True,
    lane_invasion=True,
)
TRAFFIC = TrafficConfig(vehicles=25, pedestrians=15, parked=6)


def drive(world: EmbeddedWorld, ticks: int, steer: float = 0.02) -> None:
    for k in range(ticks):
        world.step(Control(throttle=0.45, steer=steer if k % 30 < 15 else -steer))


def fingerprint(world: EmbeddedWorld) -> bytes:
    """Every byte that a tick shows."""
    truth, seen = world.truth(), world.observe()
    evidence = world.evidence(shifted=True)
    assert truth.trail is not None
    assert seen.imu is not None
    assert evidence.shifted is not None
    parts = [getattr(truth.actors, f.name) for f in dataclasses.fields(truth.actors)]
    parts += [truth.signal_state, truth.trail.position, seen.lidar, seen.position]
    parts += [*seen.images.values(), *seen.radar.values(), seen.imu.acceleration]
    parts += [evidence.pixels, evidence.lidar_points, np.asarray(evidence.radar_points)]
    parts += [*evidence.shifted.images.values(), *evidence.shifted.radar.values()]
    words = f"{truth.tick} {seen.read_at} {seen.yaw} {seen.gnss} {seen.lane_invasions}"
    return b"".join(part.tobytes() for part in parts) + words.encode()


@pytest.fixture
def world(alder: Town, straight_route: Route) -> EmbeddedWorld:
    world = EmbeddedWorld(alder, RIG)
    world.reset(Episode(straight_route, 5, TRAFFIC))
    drive(world, 33)
    return world


def test_a_restored_world_goes_on_to_the_same_bytes(world: EmbeddedWorld):
    there, snapshot = fingerprint(world), world.save()
    drive(world, 60)
    later = fingerprint(world)
    world.restore(snapshot)
    assert world.tick == snapshot.tick == 33
    assert fingerprint(world) == there
    drive(world, 60)
    assert fingerprint(world) == later


def test_a_branch_is_another_way_and_leaves_the_first_alone(alder: Town, world: EmbeddedWorld):
    snapshot = world.save()
    other = EmbeddedWorld(alder, RIG)
    other.restore(snapshot)
    drive(other, 40, steer=0.3)
    drive(world, 40)
    straight = fingerprint(world)
    assert fingerprint(other) != straight
    other.restore(snapshot)
    drive(other, 40)
    assert fingerprint(other) == straight


def test_a_snapshot_travels_as_bytes(alder: Town, world: EmbeddedWorld):
    data = pickle.loads(pickle.dumps(world.save())).to_bytes()
    other = EmbeddedWorld(alder, RIG)
    other.restore(Snapshot.from_bytes(data))
    assert fingerprint(other) == fingerprint(world)
    assert len(data) < 2e6


def test_another_rig_may_go_on(alder: Town, world: EmbeddedWorld):
    blind = EmbeddedWorld(alder, BLIND_RIG)
    blind.restore(world.save())
    drive(blind, 20)
    drive(world, 20)
    np.testing.assert_array_equal(blind.truth().actors.position, world.truth().actors.position)


def test_another_town_is_refused(birch: Town, world: EmbeddedWorld):
    with pytest.raises(UserError, match=r"of alder .* is birch"):
        EmbeddedWorld(birch, RIG).restore(world.save())


def test_what_is_no_snapshot_is_refused(alder: Town, world: EmbeddedWorld):
    good = world.save()
    for data in (b"", b"{}\n", b"\xff\x00", b"[1]\nabc"):
        with pytest.raises(UserError, match="no snapshot"):
            Snapshot.from_bytes(data)
    old = good.to_bytes().replace(b'"symdrive": "', b'"symdrive": "0.0.0.', 1)
    with pytest.raises(UserError, match=r"of symdrive 0\.0\.0"):
        Snapshot.from_bytes(old)
    for state in (b"", good.state[:500], good.state[: len(good.state) // 2], b"garbage"):
        with pytest.raises(UserError, match="damaged"):
            EmbeddedWorld(alder, RIG).restore(dataclasses.replace(good, state=state))


def test_a_snapshot_cannot_call_functions(alder: Town, world: EmbeddedWorld):
    evil = pickle.dumps(print)
    for state in (evil, pickle.dumps(fingerprint), b"csymdrive.cli.main\nrun\n(lp0\ntR."):
        with pytest.raises(UserError, match="it holds a"):
            world.restore(dataclasses.replace(world.save(), state=state))


def test_the_same_bytes_on_any_number_of_threads(alder: Town, straight_route: Route):
    if numba.get_num_threads() < 2:
        pytest.skip("this process may use one thread only")
    before, seen = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        world = EmbeddedWorld(alder, RIG)
        world.reset(Episode(straight_route, 5, TRAFFIC))
        drive(world, 25)
        seen.append(fingerprint(world))
    numba.set_num_threads(before)
    assert seen[0] == seen[1]
