"""Who is in town at the start of an episode, with which body and temper, and where."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from symdrive.core.geometry import ranges
from symdrive.core.seeds import generator
from symdrive.maps.town import LaneKind, LaneTable, Town
from symdrive.sim.fleet import BICYCLES, draw_vehicles, has_large_bodies, parked_bodies
from symdrive.sim.path import extend, place
from symdrive.sim.road import MOTORWAY_MPS, PerTown, Records, road_of
from symdrive.sim.state import (
    CLAIM,
    CLAIMS,
    PATH_LANES,
    Counts,
    Traffic,
    empty_bodies,
    empty_drivers,
    empty_walkers,
)
from symdrive.sim.walking import sidewalk_pose
from symdrive.world import catalogue
from symdrive.world.backend import Episode
from symdrive.world.catalogue import ActorKind
from symdrive.world.truth import VehicleLight

logger = logging.getLogger(__name__)

NEAR_M = 250.0
"""Places this near to the route are taken more often."""

NEAR_WEIGHT = 4.0
"""How much more often."""

BUBBLE_M = 300.0
"""In a large town moving actors live within this distance of the ego."""

LARGE_M = 1000.0
"""A town of this diagonal is large."""

EGO_GAP_M = 12.0
"""Nobody starts nearer to the ego."""

DRAWS = 512
"""Random numbers of each actor; used in a ring."""

URGENT_HASTE = 1.4
"""Their desired speed as a share of the limit."""

TOP_SPEED = {ActorKind.BICYCLE: 5.5, ActorKind.TRUCK: 22.0, ActorKind.BUS: 22.0}
"""Own speed limit by kind, m/s; others have none that matters."""

PAINTS = np.array([
    [235, 235, 232], [205, 207, 210], [140, 143, 148], [70, 73, 78], [26, 27, 30], [150, 28, 30],
    [28, 58, 120], [60, 100, 150], [40, 82, 60], [190, 170, 120], [212, 130, 40],
], dtype=np.uint8)  # fmt: skip
"""Colours of cars; the first five are the common ones."""

CLOTHES = np.array([
    [40, 44, 60], [120, 30, 36], [200, 196, 186], [52, 92, 64], [70, 70, 74], [196, 150, 60],
    [60, 80, 140], [150, 90, 120],
], dtype=np.uint8)  # fmt: skip

EDGE_M = 0.6
"""From a bicycle that keeps to the right to the edge of its lane: past parked cars that stand a
little over it."""

COMMON_PAINTS, COMMON_SHARE = 5, 0.67
CHILD_SHARE = 0.15
EGO_PAINT = (120, 24, 28)


STRAIGHT_RAD = 0.15
"""Where a parking lane turns more over 6 m, a parked van stands in the way of a fire engine."""


class Slots(NamedTuple):
    """Places where an actor may start.

    Attributes:
        lane: row of the lane.
        s: arc length along it.
        pose: x, y and heading there.
        width_m: the least lane width of the 5 m around.
        flow: how busy the road is by rights: speed limit in units of 10 m/s, times the lanes side
            by side.
        bend: how far the heading turns over the 6 m around, rad.
        motorway: whether cyclists keep off it.
    """

    lane: Int[np.ndarray, " slot"]
    s: Float[np.ndarray, " slot"]
    pose: Float[np.ndarray, "slot 3"]
    width_m: Float[np.ndarray, " slot"]
    flow: Float[np.ndarray, " slot"]
    bend: Float[np.ndarray, " slot"]
    motorway: Bool[np.ndarray, " slot"]


@dataclass(frozen=True)
class SlotTable:
    """All starting places of a town.

    Attributes:
        driving: on driving lanes outside of junctions.
        parking: on parking lanes.
        walking: on sidewalks.
        large: whether moving actors have to stay near the ego to be met at all.
        lane_m: width of the driving lanes, the narrowest twentieth apart; 0 for none.
    """

    driving: Slots
    parking: Slots
    walking: Slots
    large: bool
    lane_m: float


def build_slots(town: Town) -> SlotTable:
    """List the starting places of a town."""
    lanes, road = town.lanes, road_of(town)
    drivable = (lanes.kind == LaneKind.DRIVING) & (lanes.junction < 0)
    lively = drivable & (road.lanes["live"] == 2)
    drivable = lively if lively.any() else drivable
    used = np.repeat(drivable, np.diff(lanes.start))
    width = float(np.percentile(lanes.width_m[used], 5)) if used.any() else 0.0
    outside = lanes.junction < 0
    span = np.ptp(lanes.points[:, :2], axis=0)
    return SlotTable(
        driving=_slots(town, drivable, 8.0, 4.0),
        parking=_slots(town, (lanes.kind == LaneKind.PARKING) & outside, 6.8, 3.6),
        walking=_slots(town, lanes.kind == LaneKind.SIDEWALK, 5.0, 1.0),
        large=bool(np.hypot(*span) > LARGE_M),
        lane_m=width,
    )


def _slots(town: Town, chosen: Bool[np.ndarray, " lane"], every_m: float, inset_m: float) -> Slots:
    """Places every `every_m` on the chosen lanes, `inset_m` away from their ends."""
    lanes = town.lanes
    room = lanes.length_m - 2.0 * inset_m
    chosen = np.flatnonzero(chosen & (room >= 0.0))
    count = (room[chosen] / every_m).astype(np.int64) + 1
    lane = np.repeat(chosen, count)
    s = inset_m + ranges(np.zeros_like(count), count) * every_m
    last = lanes.start[lane + 1] - 1
    row = np.minimum(lanes.start[lane] + _points_before(lanes, lane, s), last)
    ends = [_column_at(lanes, lanes.width_m, lane, s + off) for off in (-2.5, 2.5)]
    # Turns between lanes do not matter: both headings are those of one lane.
    way = np.unwrap(lanes.yaw)
    before, after = (_column_at(lanes, way, lane, s + off) for off in (-3.0, 3.0))
    pose = np.column_stack([lanes.points[row, :2], lanes.yaw[row]]).astype(np.float64)
    limit = lanes.speed_limit_mps[lane]
    flow = np.maximum(_lanes_abreast(lanes)[lane] * limit / 10.0, 0.1)
    turn, motorway = np.abs(after - before), limit > MOTORWAY_MPS
    return Slots(lane.astype(np.int64), s, pose, np.minimum(*ends), flow, turn, motorway)


def _points_before(
    lanes: LaneTable, lane: Int[np.ndarray, " n"], s: Float[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """How many points of its lane lie before each place."""
    first, count = lanes.start[lane], np.diff(lanes.start)[lane]
    guess = np.rint(s / lanes.length_m[lane] * (count - 1)).clip(0, count).astype(np.int64)
    while True:
        fewer = (guess > 0) & (lanes.s_m[first + np.maximum(guess - 1, 0)] >= s)
        more = (guess < count) & (lanes.s_m[first + np.minimum(guess, count - 1)] < s)
        if not (fewer | more).any():
            return guess
        guess += more.astype(np.int64) - fewer


def _column_at(
    lanes: LaneTable,
    column: Float[np.ndarray, " point"],
    lane: Int[np.ndarray, " n"],
    s: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """A column of points at each place of its lane; beyond its ends that at the end."""
    first, last = lanes.start[lane], lanes.start[lane + 1] - 1
    after = np.clip(first + _points_before(lanes, lane, s), first + 1, last)
    begin, value = lanes.s_m[after - 1], column[after - 1]
    slope = (column[after] - value) / (lanes.s_m[after] - begin)
    inside = np.clip(s, lanes.s_m[first], lanes.s_m[last])
    return (slope * (inside - begin) + value).astype(np.float64)


def _lanes_abreast(lanes: LaneTable) -> Int[np.ndarray, " lane"]:
    """How many lanes of each lane's direction lie side by side, itself included."""
    count = np.ones(len(lanes), dtype=np.int64)
    for beside in (lanes.left, lanes.right):
        at = beside.copy()
        # No road has more lanes than this; the bound ends a ring of wrong links.
        for _ in range(16):
            count += at >= 0
            at = np.where(at >= 0, beside[at], -1)
    return count


slots_of = PerTown(build_slots)
"""The starting places of a town, listed on first use."""


class _Taken:
    """Poses and half lengths that are in use already."""

    def __init__(self, x: float, y: float, yaw: float) -> None:
        self.rows = [(x, y, yaw, EGO_GAP_M)]

    def free(self, pose: Float[np.ndarray, " 3"], half_length: float, gap_m: float) -> bool:
        """Whether a body fits here; the ego keeps its distance on all sides."""
        rows = np.array(self.rows)
        dx, dy = rows[:, 0] - pose[0], rows[:, 1] - pose[1]
        along = np.abs(np.cos(pose[2]) * dx + np.sin(pose[2]) * dy)
        aside = np.abs(np.cos(pose[2]) * dy - np.sin(pose[2]) * dx)
        near = (along < half_length + rows[:, 3] + gap_m) & (aside < 2.5)
        return not (near.any() or np.hypot(dx[0], dy[0]) < EGO_GAP_M + half_length)

    def take(self, pose: Float[np.ndarray, " 3"], half_length: float) -> None:
        """Use a place."""
        self.rows.append((float(pose[0]), float(pose[1]), float(pose[2]), half_length))


def _order(
    slots: Slots, episode: Episode, rng: np.random.Generator, *, bubble: bool, main: float = 0.0
) -> Int[np.ndarray, " slot"]:
    """Slots in random order, those near the route first more often; none outside of the bubble.

    With `main`, those on main roads too: see `TrafficConfig.main_roads`.

    Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis 2006,
    "Weighted random sampling with a reservoir").
    """
    key = rng.exponential(size=len(slots.lane))
    away = np.full(len(slots.lane), np.inf)
    for point in episode.route.points[::20, :2]:
        away = np.minimum(away, np.hypot(*(slots.pose[:, :2] - point).T))
    key = np.where(away < NEAR_M, key / NEAR_WEIGHT, key)
    if main > 0.0:
        key /= slots.flow**main
    if bubble:
        start = episode.route.points[0, :2]
        key[np.hypot(*(slots.pose[:, :2] - start).T) > BUBBLE_M] = np.inf
    order = np.argsort(key)
    return order[np.isfinite(key[order])].astype(np.int64)


@dataclass(frozen=True)
class Population:
    """The actors of an episode at its start.

    Attributes:
        traffic: bodies, drivers and their ways.
        walkers: `WALKER` rows.
        color: RGB of each body.
        counts: how many of each sort.
    """

    traffic: Traffic
    walkers: Records
    color: UInt8[np.ndarray, "actor 3"]
    counts: Counts


def populate(town: Town, episode: Episode) -> Population:
    """Fill a town with the traffic that an episode asks for, as far as it fits.

    Warns once when it does not fit.
    """
    table, route = slots_of(town), episode.route
    asked = episode.traffic
    taken = _Taken(float(route.points[0, 0]), float(route.points[0, 1]), float(route.yaw[0]))
    seed = episode.seed
    driving = _pick_vehicles(table, episode, taken)
    parked = _pick_parked(table, episode, taken)
    order = _order(table.walking, episode, generator(seed, "spawn/walkers"), bubble=table.large)
    walking = order[: asked.pedestrians]
    counts = Counts(len(driving.slot), len(parked.slot), len(walking))
    if counts != (asked.vehicles, asked.parked, asked.pedestrians):
        logger.warning(
            "%s has room for %d vehicles, %d parked cars and %d walkers near the route;"
            " asked for %d, %d and %d.",
            town.name, *counts, asked.vehicles, asked.parked, asked.pedestrians,
        )  # fmt: skip
    people = generator(seed, "people")
    cast = _Cast(empty_bodies(counts.total), np.zeros((counts.total, 3), np.uint8), people)
    cast.dress(0, catalogue.EGO_MODEL, EGO_PAINT)
    drivers = _seat_drivers(cast, table.driving, driving)
    drivers["urgent"][1 : 1 + asked.emergency] = 1
    drivers["haste"][drivers["urgent"] == 1] = URGENT_HASTE
    if asked.bicycles >= 0.0:
        # They are going to ride on other lanes, too.
        width_m = np.minimum(table.driving.width_m[driving.slot], table.lane_m)
        _keep_right(cast, drivers, width_m)
    _park(cast, table.parking, parked, counts)
    walkers = _seat_walkers(cast, table.walking, walking, counts)
    traffic = Traffic(
        cast.bodies,
        drivers,
        np.full((len(drivers), PATH_LANES), -1, dtype=np.int64),
        np.zeros((len(drivers), CLAIMS), dtype=CLAIM),
        generator(seed, "decisions").uniform(size=(counts.total, DRAWS)),
    )
    _settle(town, traffic, walkers, counts)
    return Population(traffic, walkers, cast.color, counts)


@dataclass(frozen=True)
class _Placing:
    """Chosen slots and the body of each."""

    slot: Int[np.ndarray, " n"]
    model: Int[np.ndarray, " n"]


def _pick_vehicles(table: SlotTable, episode: Episode, taken: _Taken) -> _Placing:
    """Slots and bodies of the moving vehicles."""
    rng = generator(episode.seed, "spawn/vehicles")
    models = draw_vehicles(table.lane_m, episode.traffic, rng)
    if len(models) == 0:
        return _Placing(np.zeros(0, np.int64), np.zeros(0, np.int64))
    main = episode.traffic.main_roads
    order = _order(table.driving, episode, rng, bubble=table.large, main=main)
    cyclists = BICYCLES if episode.traffic.bicycles >= 0.0 else ()
    return _fit(table.driving, order, models, taken, 4.0, cyclists)


def _pick_parked(table: SlotTable, episode: Episode, taken: _Taken) -> _Placing:
    """Slots and bodies of the parked cars, where the parking lane is wide enough for all."""
    rng = generator(episode.seed, "spawn/parked")
    bodies = parked_bodies(episode.traffic)
    models = rng.choice(bodies, size=episode.traffic.parked)
    slots = table.parking
    order = _order(slots, episode, rng, bubble=False)
    widest = 2.0 * max(catalogue.MODELS[row].half_extent[1] for row in bodies)
    wide = slots.width_m[order] > widest - 0.3
    if has_large_bodies(episode.traffic):
        wide &= slots.bend[order] < STRAIGHT_RAD
    return _fit(slots, order[wide], models, taken, 1.2)


def _fit(
    slots: Slots,
    order: Int[np.ndarray, " slot"],
    models: Int[np.ndarray, " n"],
    taken: _Taken,
    gap_m: float,
    off_motorways: Collection[int] = (),
) -> _Placing:
    """Put bodies into slots in the given order, each where there is space.

    Args:
        slots: the places.
        order: in which they are tried.
        models: rows of `catalogue.MODELS`; the first one that may stand in a place gets it.
        taken: what stands there already; gets what is placed.
        gap_m: to keep before and behind.
        off_motorways: models that may not stand on motorways.
    """
    waiting, chosen, placed = models.tolist(), list[int](), list[int]()
    for slot in order.tolist():
        barred = off_motorways if slots.motorway[slot] else ()
        model = next((row for row in waiting if row not in barred), None)
        if not waiting:
            break
        if model is None or not taken.free(slots.pose[slot], _half_length(model), gap_m):
            continue
        taken.take(slots.pose[slot], _half_length(model))
        waiting.remove(model)
        chosen.append(slot)
        placed.append(model)
    return _Placing(np.array(chosen, dtype=np.int64), np.array(placed, dtype=np.int64))


def _half_length(model: int) -> float:
    """Of a body, m."""
    return catalogue.MODELS[model].half_extent[0]


@dataclass(frozen=True)
class _Cast:
    """Bodies on their way into the town.

    Attributes:
        bodies: `BODY` rows.
        color: RGB of each.
        rng: of looks and habits.
    """

    bodies: Records
    color: UInt8[np.ndarray, "actor 3"]
    rng: np.random.Generator

    def dress(self, row: int, model: int, paint: Sequence[int] | UInt8[np.ndarray, " 3"]) -> None:
        """Give a body its model and colour."""
        shape = catalogue.MODELS[model]
        body = self.bodies[row]
        body["model"], body["kind"] = model, shape.kind
        body["half_length"], body["half_width"], body["half_height"] = shape.half_extent
        body["lights"] = VehicleLight.SPECIAL_1 if shape.emergency else 0
        self.color[row] = paint

    def paint(self) -> UInt8[np.ndarray, " 3"]:
        """A colour of a car; two of three are white, grey or black."""
        common = self.rng.uniform() < COMMON_SHARE
        low, high = (0, COMMON_PAINTS) if common else (COMMON_PAINTS, len(PAINTS))
        return PAINTS[self.rng.integers(low, high)]


def _seat_drivers(cast: _Cast, slots: Slots, placing: _Placing) -> Records:
    """Bodies and tempers of the moving vehicles, rows 1 and up."""
    count, rng = len(placing.slot), cast.rng
    drivers = empty_drivers(1 + count)
    drivers["haste"][1:] = np.clip(rng.normal(0.95, 0.08, count), 0.75, 1.15)
    drivers["headway"][1:] = rng.uniform(1.0, 1.8, count)
    drivers["min_gap"][1:] = rng.uniform(1.6, 2.6, count)
    drivers["accel"][1:] = rng.uniform(1.3, 2.2, count)
    drivers["decel"][1:] = rng.uniform(1.8, 2.6, count)
    for i, model in enumerate(placing.model.tolist(), start=1):
        cast.dress(i, model, cast.paint())
        drivers["top_speed"][i] = TOP_SPEED.get(catalogue.MODELS[model].kind, 60.0)
    cast.bodies["lane"][1 : 1 + count] = slots.lane[placing.slot]
    cast.bodies["lane_s"][1 : 1 + count] = slots.s[placing.slot]
    return drivers


def _keep_right(cast: _Cast, drivers: Records, width_m: Float[np.ndarray, " n"]) -> None:
    """Let bicycles ride at the right edge of lanes of these widths."""
    bodies = cast.bodies[1 : len(drivers)]
    room = np.maximum(width_m / 2.0 - bodies["half_width"] - EDGE_M, 0.0)
    drivers["keep"][1:] = np.where(bodies["kind"] == ActorKind.BICYCLE, -room, 0.0)


def _park(cast: _Cast, slots: Slots, placing: _Placing, counts: Counts) -> None:
    """Bodies of the parked cars."""
    rows = slice(counts.first_parked, counts.first_walker)
    for i, model in enumerate(placing.model.tolist(), start=counts.first_parked):
        cast.dress(i, model, cast.paint())
    cast.bodies["parked"][rows], cast.bodies["lights"][rows] = 1, 0
    cast.bodies["lane"][rows] = slots.lane[placing.slot]
    cast.bodies["lane_s"][rows] = slots.s[placing.slot]


def _seat_walkers(
    cast: _Cast, slots: Slots, chosen: Int[np.ndarray, " n"], counts: Counts
) -> Records:
    """Bodies and habits of the walkers."""
    walkers, rng = empty_walkers(counts.walkers), cast.rng
    adult, child = catalogue.MODEL_ROW["walker.adult"], catalogue.MODEL_ROW["walker.child"]
    walkers["lane"], walkers["s"] = slots.lane[chosen], slots.s[chosen]
    walkers["direction"] = rng.choice([-1, 1], size=counts.walkers)
    walkers["pace"] = rng.uniform(1.2, 1.6, counts.walkers)
    walkers["offset"] = rng.uniform(0.1, 0.5, counts.walkers)
    for w in range(counts.walkers):
        model = child if rng.uniform() < CHILD_SHARE else adult
        cast.dress(counts.first_walker + w, model, CLOTHES[rng.integers(len(CLOTHES))])
    return walkers


def _settle(town: Town, traffic: Traffic, walkers: Records, counts: Counts) -> None:
    """Poses from lanes, and the way ahead of every driver."""
    road, bodies = road_of(town), traffic.bodies
    traffic.paths[1:, 0] = bodies["lane"][1 : len(traffic.drivers)]
    traffic.drivers["path_count"][1:] = 1
    for i in range(1, len(traffic.drivers)):
        extend(road, traffic, i)
    for i in range(1, counts.first_walker):
        place(road, traffic, i, 0.0)
    half_width = road.points["half_width"][road.lanes["first"][walkers["lane"]]]
    walkers["offset"] = np.minimum(walkers["offset"], np.maximum(half_width - 0.3, 0.0))
    for w, row in enumerate(range(counts.first_walker, counts.total)):
        body = bodies[row]
        body["x"], body["y"], body["z"], body["yaw"] = sidewalk_pose(road, walkers, w)
        body["lane"], body["lane_s"] = walkers["lane"][w], walkers["s"][w]
