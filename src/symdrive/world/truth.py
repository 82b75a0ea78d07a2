"""Everything that is so: for experts, scorers and target builders, never for learners.

World frame, ISO 8855 (x east, y north, z up), metres, radians, m/s.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from symdrive.world.weather import DEFAULT_WEATHER, Weather


class SignalState(IntEnum):
    """State of a traffic light."""

    RED = 0
    YELLOW = 1
    GREEN = 2
    OFF = 3


class VehicleLight(IntFlag):
    """Lamps that a driver switches on by hand, numbered as CARLA's `VehicleLightState`.

    Brake lights follow `Actors.braking`, headlights and tail lights the weather.
    """

    RIGHT_BLINKER = 1 << 4
    LEFT_BLINKER = 1 << 5
    SPECIAL_1 = 1 << 9
    """The beacons of police, ambulance and fire engine."""


class VehicleDoor(IntFlag):
    """Doors that can stand open; bit n is door n of CARLA's `VehicleDoor`."""

    FRONT_LEFT = 1 << 0
    FRONT_RIGHT = 1 << 1


def _nothing() -> Int[np.ndarray, " none"]:
    """A column that nobody gave."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Actors:
    """All actors as a structure of arrays; row 0 is the ego car.

    Attributes:
        actor_id: stable for the whole episode, equal in instance pictures; the ego is 1, 0 is the
            static town.
        kind: `ActorKind`.
        model: row of `catalogue.MODELS`.
        position: ground point under the box centre.
        yaw: heading of the length axis.
        pitch: nose up positive.
        speed: along the heading; negative in reverse.
        yaw_rate: rad/s, left positive.
        acceleration: along the heading, m/s^2.
        half_extent: half length, half width, half height.
        color: RGB of the paint or the clothes.
        lane: row of the town's `LaneTable`, -1 when on none.
        lane_s_m: arc length along that lane, 0 when on none.
        parked: stands for the whole episode.
        braking: brake lights are on.
        lights: `VehicleLight` flags; all off where not given.
        doors: `VehicleDoor` flags of the doors that stand open; all shut where not given. A box
            (`half_extent`) does not count them in, as in CARLA.
        walked_m: distance gone on foot, for walkers, whose steps follow it; 0 where not given.
    """

    actor_id: Int[np.ndarray, " actor"]
    kind: Int[np.ndarray, " actor"]
    model: Int[np.ndarray, " actor"]
    position: Float[np.ndarray, "actor 3"]
    yaw: Float[np.ndarray, " actor"]
    pitch: Float[np.ndarray, " actor"]
    speed: Float[np.ndarray, " actor"]
    yaw_rate: Float[np.ndarray, " actor"]
    acceleration: Float[np.ndarray, " actor"]
    half_extent: Float[np.ndarray, "actor 3"]
    color: UInt8[np.ndarray, "actor 3"]
    lane: Int[np.ndarray, " actor"]
    lane_s_m: Float[np.ndarray, " actor"]
    parked: Bool[np.ndarray, " actor"]
    braking: Bool[np.ndarray, " actor"]
    lights: Int[np.ndarray, " actor"] = field(default_factory=_nothing)
    doors: Int[np.ndarray, " actor"] = field(default_factory=_nothing)
    walked_m: Float[np.ndarray, " actor"] = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        """Columns that were not given are zeros."""
        count = len(self.actor_id)
        for name, kind in (("lights", np.int64), ("doors", np.int64), ("walked_m", np.float64)):
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.zeros(count, dtype=kind))

    def __len__(self) -> int:
        """Number of actors, the ego included."""
        return len(self.actor_id)

    def rows(self, index: Int[np.ndarray, " n"] | Bool[np.ndarray, " actor"]) -> "Actors":
        """The chosen rows of every column."""
        return Actors(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Collision:
    """A contact that began in this tick.

    Attributes:
        other_id: actor id of the other side, 0 for the static town.
        position: x, y, z of the contact.
        impulse: on the ego, x, y, z, world frame, kg m/s.
    """

    other_id: int
    position: Float[np.ndarray, " 3"]
    impulse: Float[np.ndarray, " 3"] = field(default_factory=lambda: np.zeros(3))


@dataclass(frozen=True)
class Trail:
    """Where the ego was: now, one tick and two ticks ago; inertial sensors live on it.

    Attributes:
        position: ground point under the box centre.
        yaw: heading.
        pitch: nose up positive.
    """

    position: Float[np.ndarray, "3 3"]
    yaw: Float[np.ndarray, " 3"]
    pitch: Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class Truth:
    """The whole state at one instant.

    Attributes:
        tick: number of steps since the reset.
        time_s: simulation time since the reset.
        actors: all actors, row 0 the ego.
        signal_state: `SignalState` of each row of the town's `SignalTable`.
        collisions: contacts of the ego that are going on in this tick.
        trail: the ego's last poses; None where nobody kept them (truths read from a run folder).
        weather: of the episode.
    """

    tick: int
    time_s: float
    actors: Actors
    signal_state: Int[np.ndarray, " signal"]
    collisions: tuple[Collision, ...] = ()
    trail: Trail | None = None
    weather: Weather = DEFAULT_WEATHER
