"""Where people walk: which sidewalks continue each other, and which crosswalks they lead to."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from symdrive.maps.town import LaneKind, Town
from symdrive.sim.road import PerTown, Records, Road, road_of

LINK_M = 3.0
"""Ends of sidewalks this near continue each other."""

ATTACH_M = 5.0
"""A crosswalk begins at a sidewalk that is this near to its end."""

NEAR_SIDE_M = 8.0
"""A crosswalk this near behind a stop line belongs to the signal of that line."""


END = np.dtype([("first", np.int64), ("end", np.int64)])
"""An end of a sidewalk, row `2 * lane + (0 first point, 1 last point)`: its rows of `links`."""

DOOR = np.dtype([("crosswalk", np.int64), ("side", np.int64), ("s", np.float64)])
"""Where along a lane a crosswalk begins, and which of its sides (0 or 1) that is."""

SIDE = np.dtype(
    [(name, np.float64) for name in ("x", "y", "z", "lane_s")]
    + [(name, np.int64) for name in ("lane", "signal")]
)
"""A side of a crosswalk: kerb, sidewalk there, signal that stops the drivers; -1 for none."""


class Walkways(NamedTuple):
    """Where people walk.

    Attributes:
        ends: `END` rows.
        links: rows of ends that continue each end.
        first_door: first row of `doors` of each lane, plus the total.
        doors: `DOOR` rows, by lane.
        sides: `SIDE` rows of each crosswalk.
    """

    ends: Records
    links: Int[np.ndarray, " link"]
    first_door: Int[np.ndarray, " lane_plus_1"]
    doors: Records
    sides: Records


def build_walkways(town: Town) -> Walkways:
    """Connect sidewalks and crosswalks of a town."""
    lane, lane_s = _landings(town)
    usable = np.flatnonzero((lane[:, 0] >= 0) & (lane[:, 1] >= 0))
    side = np.stack([np.repeat(usable, 2), np.tile([0, 1], len(usable))], axis=1)
    at = lane[side[:, 0], side[:, 1]]
    order = np.argsort(at, kind="stable")
    doors = np.zeros(len(side), dtype=DOOR)
    doors["crosswalk"], doors["side"] = side[order].T
    doors["s"] = lane_s[side[order, 0], side[order, 1]]
    count = np.bincount(at, minlength=len(town.lanes))
    sides = np.zeros((len(town.crosswalks), 2), dtype=SIDE)
    for axis, name in enumerate(("x", "y", "z")):
        sides[name] = town.crosswalks.line[:, :, axis]
    sides["lane"], sides["lane_s"] = lane, lane_s
    sides["signal"] = _signals(road_of(town), len(town.crosswalks))[:, None]
    ends, links = _links(town)
    return Walkways(ends, links, np.concatenate([[0], np.cumsum(count)]), doors, sides)


def _links(town: Town) -> tuple[Records, Int[np.ndarray, " link"]]:
    """Ends of sidewalks that lie together."""
    lanes = town.lanes
    walk = np.flatnonzero(lanes.kind == LaneKind.SIDEWALK)
    ends = np.stack([2 * walk, 2 * walk + 1], axis=1).ravel()
    rows = np.stack([lanes.start[walk], lanes.start[walk + 1] - 1], axis=1).ravel()
    near = np.zeros((0, 2), dtype=np.int64)
    if len(walk):
        near = cKDTree(lanes.points[rows]).query_pairs(LINK_M, output_type="ndarray")
        near = near[ends[near[:, 0]] // 2 != ends[near[:, 1]] // 2]
    pairs = np.concatenate([ends[near], ends[near[:, ::-1]]]).astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    stop = np.cumsum(np.bincount(pairs[:, 0], minlength=2 * len(lanes)))
    table = np.zeros(len(stop), dtype=END)
    table["first"][1:], table["end"] = stop[:-1], stop
    return table, pairs[:, 1].copy()


def _landings(
    town: Town,
) -> tuple[Int[np.ndarray, "crosswalk 2"], Float[np.ndarray, "crosswalk 2"]]:
    """The sidewalk at both ends of each crosswalk."""
    lanes = town.lanes
    of_point = np.repeat(np.arange(len(lanes)), np.diff(lanes.start))
    rows = np.flatnonzero(lanes.kind[of_point] == LaneKind.SIDEWALK)
    ends = town.crosswalks.line.reshape(-1, 3)
    lane = np.full(len(ends), -1, dtype=np.int64)
    s = np.zeros(len(ends))
    if len(rows) and len(ends):
        gap, at = cKDTree(lanes.points[rows]).query(ends, distance_upper_bound=ATTACH_M)
        hit = np.isfinite(gap)
        near = rows[np.asarray(at)[hit]]
        lane[hit], s[hit] = of_point[near], lanes.s_m[near]
    return lane.reshape(-1, 2), s.reshape(-1, 2)


def _signals(road: Road, crosswalks: int) -> Int[np.ndarray, " crosswalk"]:
    """The signal that rules the arm which each crosswalk lies on."""
    signal = np.full(crosswalks, -1, dtype=np.int64)
    lanes = road.lanes
    of_walk = np.repeat(np.arange(len(lanes)), lanes["walk_end"] - lanes["walk_first"])
    for lane, crosswalk, enter in zip(
        of_walk, road.walks["crosswalk"], road.walks["enter"], strict=True
    ):
        own = lanes["stop_signal"][lane]
        origin = lanes["origin"][lane]
        if own >= 0:
            signal[crosswalk] = own
        elif origin >= 0 and enter < NEAR_SIDE_M and lanes["stop_signal"][origin] >= 0:
            signal[crosswalk] = lanes["stop_signal"][origin]
    return signal


walkways_of = PerTown(build_walkways)
"""The sidewalk network of a town, built on first use."""
