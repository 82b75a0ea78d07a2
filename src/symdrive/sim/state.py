"""State of the embedded world: one array of records for each sort of thing, changed in place.

World frame, ISO 8855, metres, radians, m/s. Rows of `bodies`: the ego, moving vehicles, parked
cars, walkers, in this order; rows of `drivers`: the ego and the moving vehicles.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.road import Records
from symdrive.world import catalogue

PATH_LANES = 24
"""Lanes that a driver has decided on ahead."""

CLAIMS = 8
"""Junction lanes of one driver that others have to reckon with."""

NEVER = -(1 << 30)
"""A tick that lies before every episode."""


def _columns(kind: type[np.generic], names: str) -> list[tuple[str, type[np.generic]]]:
    """Columns of one kind."""
    return [(name, kind) for name in names.split()]


BODY = np.dtype(
    _columns(np.float64, "x y z yaw pitch speed yaw_rate acceleration")
    + _columns(np.float64, "half_length half_width half_height lane_s walked")
    + _columns(np.int64, "kind model lane parked braking lights doors")
)
"""An actor; meanings and units as in `symdrive.world.truth.Actors`."""

DRIVER = np.dtype(
    _columns(np.float64, "haste top_speed min_gap headway accel decel command")
    + _columns(np.float64, "entry_m hold_m red_m aside keep shift_m shifted_m")
    + _columns(np.int64, "path_count behind cursor blocker entry_lane entry_from")
    + _columns(np.int64, "granted rank arrived waited stopped_at still claim_count changed_at")
    + _columns(np.int64, "urgent yielded")
)
"""The mind of a moving vehicle; of the ego only the path and what follows from it are known.

Temper: `haste` desired speed as a share of the limit, `top_speed` the vehicle's own limit,
`min_gap`, `headway`, `accel`, `decel` parameters of the IDM.
This tick: `command` the acceleration decided on, `blocker` the row of the body that bound it, -1
for none.
Way: `path_count` lanes of the path that are set (0 for an ego that is on no lane), `behind` the
lane before the present one, `cursor` random draws used.
Lines: `entry_lane` the first lane of the next junction, -1 for none in sight, `entry_from` the lane
that leads there, `entry_m` from the front bumper to it, `hold_m` to the place to wait before it,
`red_m` to the next line whose signal forbids to pass.
Right of way: `granted` the entry lane that may be entered, -1 for none, `rank` (patience included),
`arrived` the tick in which the junction came within braking distance, `waited` ticks stood before
it, `stopped_at` the lane whose stop sign was obeyed, -1 for none, `claim_count` rows of the claims.
`still`: ticks without motion while no signal asks for it.
In the lane: `keep` where the driver stays, m left of the middle; a sideways move goes there from
`aside` over `shift_m` of road (0 for none), of which `shifted_m` are done. `changed_at` the tick of
the last lane change.
Emergency: `urgent` 1 on a call; `yielded` ticks for which the driver has made way, negative while
it does not again.
"""

CLAIM = np.dtype(_columns(np.float64, "start_m") + _columns(np.int64, "lane inside"))
"""A junction lane that a vehicle is on or about to enter.

`start_m`: from the front bumper to where it begins, negative when past it; `inside`: 1 when the
vehicle is in that junction already.
"""

WALKER = np.dtype(
    _columns(np.float64, "s offset pace goal_x goal_y goal_z")
    + _columns(np.int64, "mode lane direction crosswalk side used waited cursor")
)
"""The mind of a walker.

`mode`: `WalkerMode`; `lane`, `s`: the sidewalk walked along, or walked to; `direction`: 1 along it,
-1 against it; `offset`: to the right of its centre as the walker sees it, m; `pace`: speed;
`goal_*`: place walked to outside of mode WALK; `crosswalk`: in use, -1 for none; `side`: its end
where the crossing begins; `used`: crosswalk met last, so that it is not considered again at once;
`waited`: ticks at the kerb; `cursor`: random draws used.
"""

CROSSING = np.dtype(_columns(np.float64, "any_s firm_s") + _columns(np.int64, "walkers"))
"""Traffic at a crosswalk in this tick: earliest arrival of a vehicle that is not going to stop
before it; of one that cannot stop in comfort; how many walk on it."""


class WalkerMode(IntEnum):
    """What a walker is doing.

    In LOOK it waits for a gap, in STRAY it crosses, both away from crosswalks.
    """

    WALK = 0
    TO_KERB = 1
    WAIT = 2
    CROSS = 3
    TO_LANE = 4
    DOWN = 5
    LOOK = 6
    STRAY = 7


class Traffic(NamedTuple):
    """Everybody with a vehicle, and everybody's body.

    Attributes:
        bodies: `BODY` rows.
        drivers: `DRIVER` rows.
        paths: lanes ahead of each driver, the present one first.
        claims: `CLAIM` rows of each driver.
        draws: random numbers of each actor, uniform in [0, 1), used in a ring.
    """

    bodies: Records
    drivers: Records
    paths: Int[np.ndarray, "driver lane"]
    claims: Records
    draws: Float[np.ndarray, "actor draw"]


class Counts(NamedTuple):
    """How many actors of each sort there are, the ego apart."""

    vehicles: int
    parked: int
    walkers: int

    @property
    def total(self) -> int:
        """Rows of `bodies`."""
        return 1 + self.vehicles + self.parked + self.walkers

    @property
    def first_parked(self) -> int:
        """Row of the first parked car."""
        return 1 + self.vehicles

    @property
    def first_walker(self) -> int:
        """Row of the first walker."""
        return 1 + self.vehicles + self.parked


def empty_bodies(count: int) -> Records:
    """Standing bodies at the origin on no lane."""
    bodies = np.zeros(count, dtype=BODY)
    bodies["lane"] = -1
    bodies["model"] = catalogue.EGO_MODEL
    return bodies


def empty_drivers(count: int) -> Records:
    """Drivers with a plain temper and no path yet."""
    drivers = np.zeros(count, dtype=DRIVER)
    for name in ("behind", "blocker", "entry_lane", "entry_from", "granted", "stopped_at"):
        drivers[name] = -1
    for name in ("entry_m", "hold_m", "red_m"):
        drivers[name] = np.inf
    drivers["arrived"] = drivers["changed_at"] = NEVER
    drivers["haste"], drivers["top_speed"] = 1.0, 60.0
    drivers["min_gap"], drivers["headway"] = 2.0, 1.4
    drivers["accel"], drivers["decel"] = 1.6, 2.0
    return drivers


def empty_walkers(count: int) -> Records:
    """Walkers on no lane yet."""
    walkers = np.zeros(count, dtype=WALKER)
    walkers["direction"], walkers["pace"] = 1, 1.4
    walkers["crosswalk"], walkers["used"] = -1, -1
    return walkers
