"""The order of a tick, in one place."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from symdrive.sim.changing import change_lanes
from symdrive.sim.contact import DENSITY_TPM3, collide_bodies, collide_town
from symdrive.sim.deciding import decide
from symdrive.sim.emergency import make_way
from symdrive.sim.jaywalking import jaywalk
from symdrive.sim.path import move
from symdrive.sim.recycling import EVERY_TICKS, recycle
from symdrive.sim.signalling import signal_turns
from symdrive.sim.simulation import Simulation, ego_row
from symdrive.sim.tracking import drive_ego, locate_ego, stand_on_ground
from symdrive.sim.walking import walk
from symdrive.world.backend import TICK_S
from symdrive.world.truth import Collision


def _signals(sim: Simulation) -> None:
    """Lamps of this tick."""
    sim.signals[:] = sim.program.at(sim.time_s)


def _lane_changes(sim: Simulation) -> None:
    """Who begins to change lanes."""
    if sim.episode.traffic.lane_changes:
        change_lanes(sim.road, sim.traffic, sim.tick)


def _emergency(sim: Simulation) -> None:
    """Who makes way for emergency vehicles."""
    if sim.episode.traffic.emergency > 0:
        make_way(sim.road, sim.traffic)


def _decisions(sim: Simulation) -> None:
    """What every driver wants to do."""
    decide(sim.road, sim.traffic, sim.walkers, sim.crossings, sim.signals, sim.tick)


def _vehicles(sim: Simulation) -> None:
    """Vehicles along their lanes."""
    move(sim.road, sim.traffic, TICK_S)


def _indicators(sim: Simulation) -> None:
    """What drivers announce."""
    signal_turns(sim.road, sim.traffic)


def _walkers(sim: Simulation) -> None:
    """Walkers along sidewalks and over crosswalks."""
    habit = (sim.episode.traffic.crossing_share, TICK_S)
    walk(sim.road, sim.ways, sim.traffic, sim.walkers, sim.crossings, sim.signals, habit)


def _jaywalkers(sim: Simulation) -> None:
    """Walkers who cross away from crosswalks."""
    rate = sim.episode.traffic.jaywalking
    if rate > 0.0:
        jaywalk(sim.road, sim.cells, sim.ways, sim.traffic, sim.walkers, sim.tick, rate)


def _ego(sim: Simulation) -> None:
    """The ego by its pedals and wheel."""
    ego = sim.traffic.bodies[0]
    sim.ego_before = (float(ego["x"]), float(ego["y"]), float(ego["yaw"]))
    drive_ego(sim.traffic, sim.course, sim.pedals, TICK_S)


def _contacts(sim: Simulation) -> None:
    """What the ego touches, and what that does to both sides.

    Actors that are touched in the same tick share what they do to the ego evenly.
    """
    bodies = sim.traffic.bodies
    ego = bodies[0]
    free = float(ego["speed"]), float(ego["yaw"])
    count = collide_bodies(bodies, sim.walkers, sim.hits, sim.places)
    hit = float(ego["speed"]), float(ego["yaw"])
    found = [
        Collision(int(row) + 1, place.copy(), _impulse(sim, free, hit) / count)
        for row, place in zip(sim.hits[:count], sim.places[:count], strict=True)
    ]
    around = sim.obstacles.around(float(ego["x"]), float(ego["y"]))
    if collide_town(bodies, around, sim.ego_before, sim.places[0]):
        after = float(ego["speed"]), float(ego["yaw"])
        found.append(Collision(0, sim.places[0].copy(), _impulse(sim, hit, after)))
    sim.collisions = tuple(found)


def _impulse(
    sim: Simulation, before: tuple[float, float], after: tuple[float, float]
) -> Float[np.ndarray, " 3"]:
    """Change of the ego's momentum, world frame, kg m/s, from its speeds and headings."""
    ego = sim.traffic.bodies[0]
    eighth = ego["half_length"] * ego["half_width"] * ego["half_height"]
    (slow, turned), (fast, straight) = after, before
    change = [
        slow * math.cos(turned) - fast * math.cos(straight),
        slow * math.sin(turned) - fast * math.sin(straight),
        0.0,
    ]
    return 1e3 * DENSITY_TPM3 * 8.0 * float(eighth) * np.array(change)


def _footing(sim: Simulation) -> None:
    """Lane, height and pitch of the ego where it ended up."""
    locate_ego(sim.road, sim.cells, sim.traffic, sim.course)
    stand_on_ground(sim.road, sim.traffic, sim.course)


def _trail(sim: Simulation) -> None:
    """The ego's last poses, for the sensors that live on them."""
    sim.poses[1:] = sim.poses[:2].copy()
    sim.poses[0] = ego_row(sim)


def _population(sim: Simulation) -> None:
    """Actors that can no longer be met, put back near the ego now and then."""
    if sim.tick % EVERY_TICKS == 0:
        recycle(sim.recycler, sim.traffic, sim.walkers, sim.episode.traffic.main_roads)


def _time(sim: Simulation) -> None:
    """The tick is over."""
    sim.tick += 1


PHASES: tuple[tuple[str, Callable[[Simulation], None]], ...] = (
    ("lane changes", _lane_changes),
    ("emergency vehicles", _emergency),
    ("vehicle decisions", _decisions),
    ("vehicle motion", _vehicles),
    ("indicators", _indicators),
    ("walkers", _walkers),
    ("jaywalkers", _jaywalkers),
    ("ego dynamics", _ego),
    ("contacts", _contacts),
    ("ego footing", _footing),
    ("ego trail", _trail),
    ("population", _population),
    ("time", _time),
    ("signals", _signals),
)
"""One tick. Decisions are made on the state and the lamps that `Truth` showed before it; the lamps
switch last, so that the next `Truth` shows those of its own time."""


def run_phases(sim: Simulation) -> None:
    """Advance a simulation by one tick."""
    for _, phase in PHASES:
        phase(sim)
