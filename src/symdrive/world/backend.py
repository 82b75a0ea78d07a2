"""What a simulator must offer, be it ours or CARLA."""

from dataclasses import dataclass, field, fields
from numbers import Integral
from typing import Protocol, runtime_checkable

from symdrive.core.config import later
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.clock import TICK_S as TICK_S
from symdrive.world.control import Control
from symdrive.world.evidence import Evidence
from symdrive.world.observation import Observation
from symdrive.world.rig import Rig
from symdrive.world.truth import Truth
from symdrive.world.weather import DEFAULT_WEATHER, Weather

STORE_EVERY = 5
"""Ticks between stored frames: 4 Hz, as LEAD stores."""


MAX_ACTORS = 60_000
"""Instance pictures tell so many apart (`EmbeddedWorld`, 16 bits), with some to spare."""


@dataclass(frozen=True)
class TrafficConfig:
    """How busy a town is.

    Attributes:
        vehicles: moving vehicles besides the ego.
        pedestrians: walkers on sidewalks and crosswalks.
        parked: parked cars on parking lanes.
        crossing_share: share of walkers that use a crosswalk when they meet one.
        lane_changes: let drivers change lanes: to get on (MOBIL), and where their lane ends.
        jaywalking: how often a walker crosses a road away from crosswalks, times a minute.
        main_roads: how much more of the traffic is on avenues and motorways than on side roads:
            0 spreads it evenly along the lanes, 1 in proportion to their speed limit and to how
            many lie side by side.
        bicycles: share of the vehicles that are bicycles and keep to the right of their lane;
            negative for the usual mix, in which they ride in the middle of it.
        emergency: how many of the vehicles are on an emergency call; the others make way for them.
        all_bodies: draw from every body of the catalogue, not only from the ten usual ones.
    """

    vehicles: int = 30
    pedestrians: int = 20
    parked: int = 15
    crossing_share: float = 0.5
    lane_changes: bool = later(default=False)
    jaywalking: float = later(0.0)
    main_roads: float = later(0.0)
    bicycles: float = later(-1.0)
    emergency: int = later(0)
    all_bodies: bool = later(default=False)

    def __post_init__(self) -> None:
        """Counts are counts."""
        counts = (self.vehicles, self.pedestrians, self.parked, self.emergency)
        if not all(isinstance(count, Integral) for count in counts):
            raise ValueError(f"traffic counts are whole numbers: {self}")
        if min(counts) < 0:
            raise ValueError(f"traffic counts are zero or more: {self}")
        if sum(counts[:3]) > MAX_ACTORS:
            raise ValueError(f"traffic is at most {MAX_ACTORS} actors in all: {self}")
        if self.emergency > self.vehicles:
            raise ValueError(f"{self.emergency} emergency vehicles of {self.vehicles}; no more")
        if not 0.0 <= self.crossing_share <= 1.0:
            raise ValueError(f"crossing_share is {self.crossing_share}; in [0, 1]")
        if not 0.0 <= self.jaywalking <= 60.0:
            raise ValueError(f"jaywalking is {self.jaywalking} times a minute; in [0, 60]")
        if not 0.0 <= self.main_roads <= 4.0:
            raise ValueError(f"main_roads is {self.main_roads}; in [0, 4]")
        if not -1.0 <= self.bicycles <= 1.0:
            raise ValueError(f"bicycles is {self.bicycles}; a share in [0, 1], or -1")


LIVING = TrafficConfig(
    lane_changes=True, jaywalking=0.5, main_roads=1.0, bicycles=0.1, emergency=1, all_bodies=True
)
"""Traffic with everything that it can do; the counts are the usual ones."""


def living(traffic: TrafficConfig) -> TrafficConfig:
    """The same traffic in a living town: every field that holds its default is as in `LIVING`."""
    merged = {
        f.name: getattr(LIVING if getattr(traffic, f.name) == f.default else traffic, f.name)
        for f in fields(traffic)
    }
    merged["emergency"] = min(merged["emergency"], traffic.vehicles)
    return TrafficConfig(**merged)


@dataclass(frozen=True)
class Episode:
    """One drive: a route, its traffic, its weather and the seed of everything random in it."""

    route: Route
    seed: int = 0
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    weather: Weather = later(DEFAULT_WEATHER)


@runtime_checkable
class World(Protocol):
    """A steppable world with one ego car.

    `truth`, `observe` and `evidence` describe the same instant, may be called in any order and any
    number of times, and do not change the world; only `step` does.
    """

    town: Town
    rig: Rig

    def reset(self, episode: Episode) -> None:
        """Put the ego at the start of the route, standing, and fill the town with traffic."""
        ...

    def truth(self) -> Truth:
        """Everything that is so."""
        ...

    def observe(self) -> Observation:
        """What the rig's sensors say."""
        ...

    def evidence(self, *, shifted: bool = False) -> Evidence:
        """What they measured of each actor; with `shifted`, the second rig's view too."""
        ...

    def step(self, control: Control) -> None:
        """Advance one tick of 0.05 s."""
        ...
