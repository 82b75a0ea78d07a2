"""Let traffic drive by itself and count what goes wrong: `python tools/measure_traffic.py [town]`.

Prints, for each town, collisions between vehicles for each 100 vehicle-minutes, walkers who were
touched by one that drove, the share of vehicles that stood for over three minutes without a red
light before them, how long the most patient one stood, how fast traffic was, and how often a
vehicle changed lanes.
"""

import argparse
import sys
from dataclasses import dataclass, field

import numpy as np

from symdrive.core.geometry import box_corners, boxes_overlap
from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import list_towns, open_town
from symdrive.maps.town import Town
from symdrive.sim.phases import run_phases
from symdrive.sim.simulation import Simulation, new_simulation
from symdrive.world.backend import TICK_S, Episode, TrafficConfig, living
from symdrive.world.catalogue import ActorKind

LOOK_EVERY = 4
"""Ticks between two looks for collisions: nobody drives through anybody in a fifth of a second."""

STUCK_S = 180.0
"""Who stands for so long without a red light takes part in a gridlock."""

ROLLS_MPS = 0.5
"""A vehicle that is slower does not run a walker over."""

AWAY_M = 5000.0
"""The ego is taken off the road."""


@dataclass
class Tally:
    """What a run left behind.

    Attributes:
        minutes: simulated.
        vehicles: that drive.
        crashes: pairs of vehicles whose boxes overlapped, each once.
        people: pairs of a vehicle and a walker, the same, where the vehicle drove.
        longest_still_s: longest time that anybody stood without a red light.
        stuck: vehicles that stood for `STUCK_S`.
        speeds: mean of all vehicles, m/s, at each look.
        changes: lane changes.
        places: where all of them began: tick, x, y, and the rows of both.
    """

    minutes: float
    vehicles: int
    crashes: set[tuple[int, int]] = field(default_factory=set)
    people: set[tuple[int, int]] = field(default_factory=set)
    longest_still_s: float = 0.0
    stuck: set[int] = field(default_factory=set)
    speeds: list[float] = field(default_factory=list)
    changes: int = 0
    places: list[tuple[int, float, float, int, int]] = field(default_factory=list)

    @property
    def vehicle_minutes(self) -> float:
        """Driven by all vehicles together."""
        return max(self.minutes * self.vehicles, 1e-9)

    @property
    def rate(self) -> float:
        """Collisions for each 100 vehicle-minutes."""
        return 100.0 * len(self.crashes) / self.vehicle_minutes

    def row(self, name: str) -> str:
        """One line of the table."""
        return (
            f"{name:10s} {self.vehicles:5d} {self.minutes:8.1f} {len(self.crashes):8d}"
            f" {self.rate:8.3f} {len(self.people):7d}"
            f" {100.0 * len(self.stuck) / max(self.vehicles, 1):7.1f} {self.longest_still_s:10.0f}"
            f" {np.mean(self.speeds):9.2f} {self.changes / self.vehicle_minutes:12.3f}"
        )


HEAD = (
    f"{'town':10s} {'cars':>5s} {'minutes':>8s} {'crashes':>8s} {'per 100':>8s} {'walkers':>7s}"
    f" {'stuck %':>7s} {'longest s':>10s} {'mean m/s':>9s} {'changes/min':>12s}"
)


def drive_alone(town: Town, minutes: float, seed: int, traffic: TrafficConfig) -> Tally:
    """Traffic without an ego.

    Args:
        town: where.
        minutes: to simulate.
        seed: of the episode.
        traffic: who drives and walks.
    """
    route = Network(town).random_route(generator(seed, "route"), 100.0, "alone")
    sim = new_simulation(town, Episode(route, seed, traffic))
    sim.traffic.bodies["x"][0] = AWAY_M
    # Nobody is put back: without an ego everybody would be too far from it.
    sim.recycler = sim.recycler._replace(large=False)
    tally = Tally(minutes, len(sim.traffic.drivers) - 1)
    changed = sim.traffic.drivers["changed_at"].copy()
    for tick in range(round(minutes * 60.0 / TICK_S)):
        run_phases(sim)
        if tick % LOOK_EVERY == 0:
            _look(sim, tally)
        now = sim.traffic.drivers["changed_at"]
        tally.changes += int((now > changed).sum())
        changed[:] = now
    return tally


def _look(sim: Simulation, tally: Tally) -> None:
    """Note collisions and who stands."""
    still = sim.traffic.drivers["still"][1:] * TICK_S
    tally.longest_still_s = max(tally.longest_still_s, float(still.max(initial=0.0)))
    tally.stuck |= set(np.flatnonzero(still >= STUCK_S).tolist())
    bodies = sim.traffic.bodies
    tally.speeds.append(float(bodies["speed"][1 : 1 + tally.vehicles].mean()))
    xy = np.stack([bodies["x"], bodies["y"]], axis=1)
    half = np.stack([bodies["half_length"], bodies["half_width"]], axis=1)
    a, b = np.triu_indices(len(bodies), 1)
    near = (a > 0) & (a <= tally.vehicles)
    reach = np.hypot(*half.T)
    near &= np.hypot(*(xy[a] - xy[b]).T) < reach[a] + reach[b]
    near &= np.abs(bodies["z"][a] - bodies["z"][b]) < 3.0
    a, b = a[near], b[near]
    if len(a) == 0:
        return
    corners = box_corners(xy, bodies["yaw"], half)
    hit = boxes_overlap(corners[a], corners[b])
    for i, j in zip(a[hit].tolist(), b[hit].tolist(), strict=True):
        walks = bodies["kind"][j] == ActorKind.PEDESTRIAN
        if walks and bodies["speed"][i] < ROLLS_MPS:
            continue
        pairs = tally.people if walks else tally.crashes
        if (i, j) not in pairs:
            pairs.add((i, j))
            tally.places.append((sim.tick, float(xy[i, 0]), float(xy[i, 1]), i, j))


def main() -> int:
    """Print the table; 1 where a town misses the bar of one collision or is stuck."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("towns", nargs="*", help="names or files; all that ship when left out")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--vehicles", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--places", action="store_true", help="also print where")
    parser.add_argument("--living", action="store_true", help="everything of a living town")
    parser.add_argument("--lane-changes", action="store_true")
    parser.add_argument("--jaywalking", type=float, default=0.0)
    parser.add_argument("--main-roads", type=float, default=0.0)
    parser.add_argument("--bicycles", type=float, default=-1.0)
    parser.add_argument("--emergency", type=int, default=0)
    options = parser.parse_args()
    many = options.vehicles
    traffic = TrafficConfig(
        many,
        many // 2,
        many // 3,
        crossing_share=1.0,
        lane_changes=options.lane_changes,
        jaywalking=options.jaywalking,
        main_roads=options.main_roads,
        bicycles=options.bicycles,
        emergency=options.emergency,
    )
    if options.living:
        traffic = living(traffic)
    print(HEAD)
    missed = 0
    for name in options.towns or list_towns():
        town = open_town(name)
        tally = drive_alone(town, options.minutes, options.seed, traffic)
        print(tally.row(town.name), flush=True)
        for tick, x, y, i, j in tally.places if options.places else ():
            print(f"    tick {tick} ({x:.1f}, {y:.1f}) between {i} and {j}")
        missed += tally.rate >= 1.0 or bool(tally.stuck)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
