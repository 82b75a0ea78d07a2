"""From steps over lanes to a dense route: points every metre, commands, smooth lane changes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.geometry import arc_length, wrap_angle
from symdrive.maps.locate import lane_position
from symdrive.maps.route import Command, Route
from symdrive.maps.search import LEFT, LaneGraph, Way
from symdrive.maps.town import LaneTable, Turn

SPACING_M = 1.0
"""Distance of the route's points."""

MAX_CHANGE_M = 25.0
"""Longest blend from one lane centre to the next."""

MIN_HALF_M = 7.5
"""Half of the shortest blend, unless the route ends, turns or changes again before that."""

LEAD_IN_M = 5.0
"""A change begins this far into the stretch that allows it, where there is room."""

TURN_COMMAND = {
    Turn.LEFT: Command.LEFT,
    Turn.RIGHT: Command.RIGHT,
    Turn.STRAIGHT: Command.STRAIGHT,
}


@dataclass
class Leg:
    """A stretch of one lane.

    Attributes:
        lane: row of the lane table.
        begin_m: first arc length.
        end_m: last arc length.
        change: 1 when the route goes on on the left neighbour, -1 on the right one, 0 otherwise.
        half_m: half the length of that change.
    """

    lane: int
    begin_m: float
    end_m: float
    change: int = 0
    half_m: float = 0.0


def legs_of(graph: LaneGraph, way: Way) -> list[Leg]:
    """The stretches of a way; where it changes lanes, the change is in the middle of its blend."""
    legs: list[Leg] = []
    lane, at, free = way.steps[0].lane, way.steps[0].s_m, way.steps[0].s_m
    for index, step in enumerate(way.steps[1:], start=1):
        length = graph.length[lane]
        if not step.change:
            legs.append(Leg(lane, at, length))
            lane, at, free = step.lane, 0.0, 0.0
            continue
        begin = max(step.s_m, free)
        room = step.room_m - (begin - step.s_m)
        if index == len(way.steps) - 1:
            room = min(room, graph.across(step.lane, way.end_s_m, lane) - begin)
        blend = float(np.clip(room, 2.0, MAX_CHANGE_M))
        lead = float(np.clip(room - blend, 0.0, LEAD_IN_M))
        middle = float(np.clip(begin + lead + blend / 2, at, length))
        legs.append(Leg(lane, at, middle, step.change, blend / 2))
        at = graph.across(lane, middle, step.lane)
        lane, free = step.lane, at + blend / 2
    legs.append(Leg(lane, at, max(at, way.end_s_m)))
    return legs


def join_legs(legs: list[Leg]) -> list[Leg]:
    """Adjoining stretches of one lane become one."""
    joined: list[Leg] = []
    for leg in legs:
        last = joined[-1] if joined else None
        if last and last.lane == leg.lane and not last.change and leg.begin_m > last.end_m - 1.0:
            last.end_m = max(last.end_m, leg.end_m)
            last.change, last.half_m = leg.change, leg.half_m
        else:
            joined.append(Leg(leg.lane, leg.begin_m, leg.end_m, leg.change, leg.half_m))
    return joined


def lay_route(lanes: LaneTable, legs: list[Leg], route_id: str, town: str) -> Route:
    """The dense route along stretches of lanes.

    Raises:
        ValueError: when the stretches are shorter than a metre together.
    """
    length = np.array([leg.end_m - leg.begin_m for leg in legs])
    ends = np.cumsum(length)
    halves = _half_lengths(lanes, legs, ends)
    if ends[-1] < SPACING_M:
        raise ValueError(f"a route of {ends[-1]:.2f} m cannot be driven")
    stations = np.linspace(0.0, ends[-1], int(np.ceil(ends[-1] / SPACING_M)) + 1)
    row = np.minimum(np.searchsorted(ends, stations, side="right"), len(legs) - 1)
    lane = np.array([leg.lane for leg in legs])[row]
    begin = np.array([leg.begin_m for leg in legs])
    lane_s = begin[row] + stations - (ends - length)[row]
    points, yaw = lane_position(lanes, lane, lane_s)
    command = _turn_commands(lanes, lane)
    for index, leg in enumerate(legs[:-1]):
        if leg.change:
            pair, station = (leg, legs[index + 1]), stations - ends[index]
            window = _blend(lanes, pair, halves[index], station, points, yaw)
            change = Command.CHANGE_LEFT if leg.change == LEFT else Command.CHANGE_RIGHT
            command[window & (lanes.junction[lane] < 0)] = change
    return Route(
        route_id=route_id,
        town=town,
        points=points,
        yaw=wrap_angle(yaw),
        s_m=arc_length(points),
        lane=lane,
        lane_s_m=np.minimum(lane_s, lanes.length_m[lane]),
        command=command,
        speed_limit_mps=lanes.speed_limit_mps[lane],
    )


def _turn_commands(lanes: LaneTable, lane: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The command at each point by the turn of its lane; lane changes come on top."""
    table = np.full(len(Turn), int(Command.LANE_FOLLOW))
    for turn, command in TURN_COMMAND.items():
        table[turn] = command
    return table[lanes.turn[lane]]


def _half_lengths(
    lanes: LaneTable, legs: list[Leg], ends: Float[np.ndarray, " leg"]
) -> Float[np.ndarray, " leg"]:
    """Half the length of the blend at the end of each leg that changes lanes, m.

    A change that key points squeeze is stretched, but not into junctions, into other changes or
    past the ends of the route.
    """
    changing = np.array([leg.change != 0 for leg in legs])
    inside = np.array([lanes.junction[leg.lane] >= 0 for leg in legs])
    begins = np.concatenate([[0.0], ends[:-1]])
    halves = np.array([leg.half_m for leg in legs])
    for index in np.flatnonzero(changing).tolist():
        at = ends[index]
        middles = np.abs(ends[changing] - at)
        others = middles[middles > 0.0].min(initial=np.inf) / 2
        before = at - np.concatenate([[0.0], ends[inside & (ends <= at)]]).max()
        after = np.concatenate([[ends[-1]], begins[inside & (begins >= at)]]).min() - at
        free = float(min(others, before, after))
        halves[index] = max(1.0, min(max(halves[index], MIN_HALF_M), free))
    return halves


def _blend(
    lanes: LaneTable,
    pair: tuple[Leg, Leg],
    half_m: float,
    station: Float[np.ndarray, " n"],
    points: Float[np.ndarray, "n 3"],
    yaw: Float[np.ndarray, " n"],
) -> Bool[np.ndarray, " n"]:
    """Turn the sideways jump between two stretches into a smooth change, in place.

    Before the jump the points move towards the new lane, after it back towards the old one, by a
    cubic in arc length that has no slope at either end.

    Args:
        lanes: the lane table.
        pair: stretches before and after the jump.
        half_m: half the length of the blend.
        station: arc length of each point from the jump, m.
        points: points of the route.
        yaw: headings of the route.

    Returns:
        Which points belong to the change.
    """
    old, new = pair
    ends, heading = lane_position(
        lanes, np.array([old.lane, new.lane]), np.array([old.end_m, new.begin_m])
    )
    jump = ends[1] - ends[0]
    sideways = float(np.cos(heading[0]) * jump[1] - np.sin(heading[0]) * jump[0])
    window = np.abs(station) <= half_m
    t = (station[window] + half_m) / (2.0 * half_m)
    share = t * t * (3.0 - 2.0 * t) - (station[window] >= 0.0)
    normal = np.stack([-np.sin(yaw[window]), np.cos(yaw[window])], axis=1)
    points[window, :2] += (sideways * share)[:, None] * normal
    points[window, 2] += jump[2] * share
    yaw[window] += np.arctan(sideways * 6.0 * t * (1.0 - t) / (2.0 * half_m))
    return window
