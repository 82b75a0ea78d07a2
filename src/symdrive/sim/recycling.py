"""Traffic that can no longer be met is put back near the ego, out of its sight.

In a large town this keeps the streets around the ego alive; in any town it takes vehicles out of
dead ends.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.maps.town import Town
from symdrive.sim.kernel import entry
from symdrive.sim.path import extend, place
from symdrive.sim.road import Records, Road, road_of
from symdrive.sim.spawning import BUBBLE_M, Slots, slots_of
from symdrive.sim.state import Traffic, WalkerMode, empty_drivers
from symdrive.sim.walking import sidewalk_pose
from symdrive.world.catalogue import ActorKind

EVERY_TICKS = 20
"""How often the population is looked at."""

HIDDEN_M = 80.0
"""Nobody appears nearer to the ego."""

REACH_M = 250.0
"""Nobody is put farther from the ego."""

GAP_M = 16.0
"""Nobody appears nearer to anybody else."""

TRIES = 12
"""Places that are tried at a time; who finds none waits for the next look."""

ENTRY_MPS = 5.0
"""Speed of a vehicle that is put back."""

TEMPER = ("haste", "top_speed", "min_gap", "headway", "accel", "decel", "urgent")
"""What a driver keeps when it is put elsewhere."""


class Recycler(NamedTuple):
    """What recycling needs to know of a town.

    Attributes:
        road: the network.
        driving: places for vehicles.
        walking: places for walkers.
        large: whether actors far from the ego are put back.
    """

    road: Road
    driving: Slots
    walking: Slots
    large: bool


def recycler_of(town: Town) -> Recycler:
    """The recycler of a town."""
    slots = slots_of(town)
    return Recycler(road_of(town), slots.driving, slots.walking, slots.large)


def recycle(
    recycler: Recycler, traffic: Traffic, walkers: Records, main_roads: float = 0.0
) -> None:
    """Put back every actor that is out of reach, and vehicles at the end of their road.

    Args:
        recycler: of the town.
        traffic: everybody with a vehicle.
        walkers: minds of the walkers.
        main_roads: as in `TrafficConfig`.
    """
    bodies, drivers = traffic.bodies, traffic.drivers
    away = np.hypot(bodies["x"] - bodies["x"][0], bodies["y"] - bodies["y"][0])
    far = away > BUBBLE_M if recycler.large else np.zeros(len(bodies), bool)
    vehicles = np.arange(len(bodies)) < len(drivers)
    ended = np.zeros(len(bodies), bool)
    ended[: len(drivers)] = (drivers["path_count"] == 1) & (bodies["speed"][: len(drivers)] < 0.1)
    lost = (far | (ended & (away > HIDDEN_M))) & vehicles
    lost[0] = False
    if lost.any():
        anywhere = _in_reach(recycler.driving, bodies, main_roads)
        slowly = _in_reach(recycler.driving, bodies, main_roads, ~recycler.driving.motorway)
        for i in np.flatnonzero(lost).tolist():
            places = slowly if _rides_at_the_edge(traffic, i) else anywhere
            _put_vehicle(recycler, traffic, i, places)
    astray = np.flatnonzero(far[len(bodies) - len(walkers) :]).tolist()
    if astray:
        places = _in_reach(recycler.walking, bodies)
        for w in astray:
            _put_walker(recycler, traffic, walkers, w, places)


class _Places(NamedTuple):
    """Where somebody may be put now.

    Attributes:
        slots: of the town.
        options: rows of them at the right distance from the ego.
        upto: how much traffic belongs on the options up to each; empty where all are alike.
    """

    slots: Slots
    options: Int[np.ndarray, " option"]
    upto: Float[np.ndarray, " option"]

    def pick(self, draws: Int[np.ndarray, " try"]) -> Int[np.ndarray, " try"]:
        """Rows of slots by lot; `draws` below 2**40."""
        if len(self.upto):
            return self.options[np.searchsorted(self.upto, draws / 2**40 * self.upto[-1], "right")]
        return self.options[draws % len(self.options)]


def _in_reach(
    slots: Slots,
    bodies: Records,
    main_roads: float = 0.0,
    allowed: Bool[np.ndarray, " slot"] | None = None,
) -> _Places:
    """The places at the right distance from the ego."""
    away = np.hypot(slots.pose[:, 0] - bodies["x"][0], slots.pose[:, 1] - bodies["y"][0])
    near = (away > HIDDEN_M) & (away < REACH_M)
    options = np.flatnonzero(near if allowed is None else near & allowed)
    weight = slots.flow[options] ** main_roads if main_roads > 0.0 else np.zeros(0)
    return _Places(slots, options, np.cumsum(weight))


def _free_slot(places: _Places, traffic: Traffic, row: int, draws: Int[np.ndarray, " try"]) -> int:
    """A place with nobody near but `row`; -1 when none was found."""
    if len(places.options) == 0:
        return -1
    return int(_first_free(traffic.bodies, row, places.slots.pose, places.pick(draws)))


@entry
@no_type_check
def _first_free(
    bodies: Records, row: int, pose: Float[np.ndarray, "slot 3"], slots: Int[np.ndarray, " try"]
) -> int:
    """The first of some places that has nobody but `row` near it; -1 for none."""
    for slot in slots:
        free = True
        for j in range(len(bodies)):
            dx, dy = bodies[j].x - pose[slot, 0], bodies[j].y - pose[slot, 1]
            if j != row and math.hypot(dx, dy) <= GAP_M:
                free = False
                break
        if free:
            return slot
    return -1


def _rides_at_the_edge(traffic: Traffic, i: int) -> bool:
    """Whether a driver is a cyclist who keeps to the right of its lane."""
    rides = traffic.bodies["kind"][i] == ActorKind.BICYCLE
    return bool(rides and traffic.drivers["keep"][i] < 0.0)


def _lots(traffic: Traffic, row: int, cursor: int) -> Int[np.ndarray, " try"]:
    """The actor's next random numbers as large integers."""
    ring = traffic.draws.shape[1]
    return (traffic.draws[row, (cursor + np.arange(TRIES)) % ring] * 2**40).astype(np.int64)


def _put_vehicle(recycler: Recycler, traffic: Traffic, i: int, places: _Places) -> None:
    """Give a vehicle a new place and a new way; its driver stays who it is."""
    driver, body = traffic.drivers[i], traffic.bodies[i]
    lots = _lots(traffic, i, int(driver["cursor"]))
    slot = _free_slot(places, traffic, i, lots)
    driver["cursor"] += TRIES
    if slot < 0:
        return
    fresh = empty_drivers(1)[0]
    for name in (*TEMPER, "cursor"):
        fresh[name] = driver[name]
    # Who stood at the edge, or passed those who do, is back in its usual place.
    fresh["keep"] = driver["keep"] if _rides_at_the_edge(traffic, i) else 0.0
    fresh["path_count"] = 1
    traffic.drivers[i] = fresh
    lane = recycler.driving.lane[slot]
    traffic.paths[i, 0] = lane
    body["lane"], body["lane_s"] = lane, recycler.driving.s[slot]
    body["speed"] = min(ENTRY_MPS, float(recycler.road.lanes["pace"][lane]))
    extend(recycler.road, traffic, i)
    place(recycler.road, traffic, i, 0.0)


def _put_walker(
    recycler: Recycler, traffic: Traffic, walkers: Records, w: int, places: _Places
) -> None:
    """Give a walker a new place on a sidewalk."""
    row = len(traffic.bodies) - len(walkers) + w
    walker, body = walkers[w], traffic.bodies[row]
    slot = _free_slot(places, traffic, row, _lots(traffic, row, int(walker["cursor"])))
    walker["cursor"] += TRIES
    if slot < 0:
        return
    walker["mode"], walker["crosswalk"], walker["used"] = WalkerMode.WALK, -1, -1
    walker["lane"], walker["s"] = recycler.walking.lane[slot], recycler.walking.s[slot]
    body["x"], body["y"], body["z"], body["yaw"] = sidewalk_pose(recycler.road, walkers, w)
    body["lane"], body["lane_s"] = walker["lane"], walker["s"]
