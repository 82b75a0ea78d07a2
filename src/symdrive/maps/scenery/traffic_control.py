"""Traffic lights and stop signs: posts, housings, lamps, boards."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int

from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import palette
from symdrive.maps.scenery.cover import Cover, clear_of
from symdrive.maps.scenery.markings import on_lane, word_strokes
from symdrive.maps.scenery.solids import box_rings, fans, join, posts, prisms, quads
from symdrive.maps.town import LaneTable, Mesh, SignalTable, StopSignTable, Turn

LAMP_RADIUS_M = 0.2
LAMP_PITCH_M = 0.46
LAMP_SIDES = 8
HOUSING_HALF_M = (0.14, 0.27, 0.74)  # depth, width, height
PROUD_M = 0.02
POST_RADIUS_M = 0.07
REPEATER_HEIGHT_M = 3.4
REPEATER_STEP_M = 0.4
REPEATER_STEPS = 90
# At a T-junction the search begins this far ahead, past the near kerb.
CROSSING_M = 6.0
# A head this close to where its repeater would stand already serves the far side.
SAME_PLACE_M = 5.0
SIGN_RADIUS_M = 0.42
SIGN_CENTER_M = 2.25
SIGN_LETTER_M = (0.125, 0.3)


@dataclass(frozen=True)
class Heads:
    """Lamp heads to build.

    Attributes:
        signal: row of the signal that each head shows.
        foot: foot of its post, x y z.
        center: centre of its housing, x y z.
        yaw: direction in which it shines, rad.
    """

    signal: Int[np.ndarray, " head"]
    foot: Float[np.ndarray, "head 3"]
    center: Float[np.ndarray, "head 3"]
    yaw: Float[np.ndarray, " head"]


def signal_heads(signals: SignalTable) -> Heads:
    """The head of every signal, as the table has it."""
    return Heads(
        np.arange(len(signals)),
        signals.position.astype(np.float64),
        signals.head.astype(np.float64),
        signals.yaw.astype(np.float64),
    )


def repeater_heads(signals: SignalTable, lanes: LaneTable, cover: Cover) -> Heads:
    """A second head on the far side of the junction for each signal, where there is room.

    It stands at the right-hand kerb beyond the end of the stop lane's straight successor, or right
    ahead where no lane leads straight on, and faces back to the stop line, so that the first car in
    the queue sees it.
    """
    rows, stop_xy, starts, ways = [], [], [], []
    for row in range(len(signals)):
        stops = slice(int(signals.stop_start[row]), int(signals.stop_start[row + 1]))
        found = _way_across(lanes, signals.stop_lane[stops])
        if found is None:
            continue
        lane, start, way = found
        at = int(np.flatnonzero(signals.stop_lane[stops] == lane)[0])
        s_m = signals.stop_s_m[stops][at : at + 1].astype(np.float64)
        one = np.array([lane])
        stop_xy.append([on_lane(lanes, one, s_m, lanes.points[:, c])[0] for c in range(2)])
        rows.append(row)
        starts.append(start)
        ways.append(way)
    signal = np.array(rows, dtype=np.int64)
    foot, free = _first_clear(cover, np.array(starts).reshape(-1, 3), np.array(ways).reshape(-1, 2))
    back = np.array(stop_xy).reshape(-1, 2) - foot[:, :2]
    head_gap = np.linalg.norm(signals.head[signal, :2] - foot[:, :2], axis=1)
    apart = free & (head_gap > SAME_PLACE_M) & _first_of_place(signals, signal, foot)
    center = foot + np.array([0.0, 0.0, REPEATER_HEIGHT_M])
    yaw = np.arctan2(back[:, 1], back[:, 0])
    return Heads(signal[apart], foot[apart], center[apart], yaw[apart])


def _way_across(
    lanes: LaneTable, stop_lanes: Int[np.ndarray, " n"]
) -> tuple[int, Float[np.ndarray, " 3"], Float[np.ndarray, " 2"]] | None:
    """From where, and in which direction, to look for a place beyond the junction.

    Returns:
        The stop lane, a point, and a unit vector: rightwards from the end of the way straight on,
        or ahead from the stop lane where there is none; None where no lane enters a junction.
    """
    entering = [int(k) for k in stop_lanes if (lanes.junction[lanes.successors(int(k))] >= 0).any()]
    for lane in entering:
        onward = lanes.successors(lane)
        straight = onward[lanes.turn[onward] == Turn.STRAIGHT]
        if len(straight):
            end = int(lanes.start[_to_exit(lanes, int(straight[0])) + 1]) - 1
            cos, sin = np.cos(lanes.yaw[end]), np.sin(lanes.yaw[end])
            reach = lanes.width_m[end] / 2.0 + 0.6
            offset = np.array([2.0 * cos + reach * sin, 2.0 * sin - reach * cos, 0.0])
            return lane, lanes.points[end] + offset, np.array([sin, -cos])
    if not entering:
        return None
    end = int(lanes.start[entering[0] + 1]) - 1
    ahead = np.array([np.cos(lanes.yaw[end]), np.sin(lanes.yaw[end])])
    return entering[0], lanes.points[end] + np.append(ahead * CROSSING_M, 0.0), ahead


def _to_exit(lanes: LaneTable, lane: int) -> int:
    """The last lane of a way through a junction that may be cut into several lanes."""
    seen = {lane}
    while True:
        onward = lanes.successors(lane)
        onward = onward[lanes.junction[onward] == lanes.junction[lane]]
        if not len(onward) or int(onward[0]) in seen:
            return lane
        lane = int(onward[0])
        seen.add(lane)


def _first_clear(
    cover: Cover, start: Float[np.ndarray, "n 3"], way: Float[np.ndarray, "n 2"]
) -> tuple[Float[np.ndarray, "n 3"], Bool[np.ndarray, " n"]]:
    """The first spot on each ray that is clear of all carriageways, and whether there is one."""
    foot = start.astype(np.float64)
    free = np.zeros(len(foot), dtype=bool)
    for _ in range(REPEATER_STEPS):
        todo = np.flatnonzero(~free)
        free[todo] = clear_of(cover.roads, np.asarray(shapely.points(foot[todo, :2])), 0.5)
        foot[~free, :2] += way[~free] * REPEATER_STEP_M
    return foot, free


def _first_of_place(
    signals: SignalTable, signal: Int[np.ndarray, " n"], foot: Float[np.ndarray, "n 3"]
) -> Bool[np.ndarray, " n"]:
    """Keeps one of several repeaters of one phase group at one place."""
    place = np.rint(foot[:, :2] / 3.0).astype(np.int64)
    key = np.column_stack([signals.junction[signal], signals.group[signal], place])
    first = np.zeros(len(signal), dtype=bool)
    if len(signal):
        first[np.unique(key, axis=0, return_index=True)[1]] = True
    return first


def join_heads(a: Heads, b: Heads) -> Heads:
    """Both sets of heads."""
    return Heads(
        np.concatenate([a.signal, b.signal]),
        np.concatenate([a.foot, b.foot]),
        np.concatenate([a.center, b.center]),
        np.concatenate([a.yaw, b.yaw]),
    )


def heads_mesh(heads: Heads) -> Mesh:
    """Posts, arms, housings and lamps."""
    count = len(heads.signal)
    depth, width, height = HOUSING_HALF_M
    shine = np.stack([np.cos(heads.yaw), np.sin(heads.yaw), np.zeros(count)], axis=1)
    half = np.broadcast_to(np.array([depth, width]), (count, 2))
    low = box_rings(heads.center[:, :2], heads.yaw, half, heads.center[:, 2] - height)
    high = box_rings(heads.center[:, :2], heads.yaw, half, heads.center[:, 2] + height)
    black = palette.uniform(palette.HOUSING, count)
    housing = prisms(low, high, black, SemanticClass.TRAFFIC_LIGHT, floor=True)
    rises = np.array([[0.0, 0.0, LAMP_PITCH_M], [0.0, 0.0, 0.0], [0.0, 0.0, -LAMP_PITCH_M]])
    lamps = [_lamps(heads, shine, heads.center + rise, lamp) for lamp, rise in enumerate(rises)]
    return join([housing, *lamps, _supports(heads, shine)])


def _lamps(
    heads: Heads, shine: Float[np.ndarray, "head 3"], center: Float[np.ndarray, "head 3"], lamp: int
) -> Mesh:
    """One lamp of every head, slightly proud of the housing."""
    at = center + shine * (HOUSING_HALF_M[0] + PROUD_M)
    rings = facing_rings(at, shine, LAMP_RADIUS_M, LAMP_SIDES)
    color = palette.uniform(palette.LAMPS_OFF[lamp], len(rings))
    mesh = fans(rings, color, SemanticClass.TRAFFIC_LIGHT)
    signal = np.repeat(heads.signal, LAMP_SIDES - 2).astype(np.int32)
    return replace(mesh, signal=signal, lamp=np.full(len(signal), lamp, dtype=np.int8))


def facing_rings(
    center: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    radius_m: float,
    sides: int,
) -> Float[np.ndarray, "n k 3"]:
    """Upright regular polygons, counter-clockwise seen from where the level `normal` points.

    An edge, not a corner, is on top.
    """
    turn = 2.0 * np.pi * (np.arange(sides) + 0.5) / sides
    across = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    return center[:, None] + radius_m * (
        np.cos(turn)[:, None] * across[:, None] + np.sin(turn)[:, None] * up
    )


def _supports(heads: Heads, shine: Float[np.ndarray, "head 3"]) -> Mesh:
    """Posts behind the housings, and arms where a head hangs away from its post."""
    depth, _, height = HOUSING_HALF_M
    away = heads.center[:, :2] - heads.foot[:, :2]
    reach = np.linalg.norm(away, axis=1)
    hangs = reach > 0.5
    foot = heads.foot.copy()
    behind = heads.center - shine * (depth + POST_RADIUS_M)
    foot[~hangs, :2] = behind[~hangs, :2]
    metal = palette.uniform(palette.METAL, len(foot))
    uprights = posts(foot, heads.center[:, 2] + height, POST_RADIUS_M, metal, SemanticClass.POLE)
    yaw = np.arctan2(away[:, 1], away[:, 0])[hangs]
    middle = (foot[hangs, :2] + behind[hangs, :2]) / 2.0
    half = np.stack([reach[hangs] / 2.0, np.full(hangs.sum(), 0.05)], axis=1)
    z = heads.center[hangs, 2] + height - 0.15
    arms = prisms(
        box_rings(middle, yaw, half, z),
        box_rings(middle, yaw, half, z + 0.1),
        metal[hangs],
        SemanticClass.POLE,
        floor=True,
    )
    return join([uprights, arms])


def stop_sign_mesh(signs: StopSignTable) -> Mesh:
    """Red octagons with a white rim and the word STOP, on posts."""
    count = len(signs)
    yaw = signs.yaw.astype(np.float64)
    look = np.stack([np.cos(yaw), np.sin(yaw), np.zeros(count)], axis=1)
    foot = signs.position.astype(np.float64)
    center = foot + np.array([0.0, 0.0, SIGN_CENTER_M])
    metal = palette.uniform(palette.METAL, count)
    white, red = (palette.uniform(rgb, count) for rgb in (palette.SIGN_WHITE, palette.SIGN_RED))
    kind = SemanticClass.TRAFFIC_SIGN
    front = facing_rings(center + look * 0.05, look, SIGN_RADIUS_M, 8)
    back = front - look[:, None] * 0.03
    rim = np.stack([np.roll(front, -1, 1), front, back, np.roll(back, -1, 1)], axis=2)
    word = _sign_words(center + look * 0.06, look)
    return join(
        [
            quads(rim.reshape(-1, 4, 3), palette.uniform(palette.SIGN_BACK, 8 * count), kind),
            fans(back[:, ::-1], palette.uniform(palette.SIGN_BACK, count), kind),
            fans(front, white, kind),
            fans(facing_rings(center + look * 0.055, look, SIGN_RADIUS_M * 0.92, 8), red, kind),
            quads(word, palette.uniform(palette.SIGN_WHITE, len(word)), kind),
            posts(foot, center[:, 2] + 0.2, 0.035, metal, SemanticClass.POLE),
        ]
    )


def _sign_words(
    center: Float[np.ndarray, "n 3"], look: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "m 4 3"]:
    """The strokes of STOP, centred on each board."""
    strokes = word_strokes("STOP", SIGN_LETTER_M, 1.3) - np.array([SIGN_LETTER_M[1] / 2.0, 0.0])
    # Who reads the board looks against `look`; this way is to that reader's left.
    left = np.stack([look[:, 1], -look[:, 0], np.zeros(len(look))], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    corners = center[:, None, None] + strokes[..., :1] * up + strokes[..., 1:] * left[:, None, None]
    return corners.reshape(-1, 4, 3)
