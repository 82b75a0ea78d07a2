"""Sampled lanes to the lane table: welded ends, even spacing, links, neighbours, speed limits."""

import logging
from collections import defaultdict

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from symdrive.core.geometry import arc_length, wrap_angle
from symdrive.maps.opendrive.document import DEFAULT_SPEED_MPS, Document, SpeedStep
from symdrive.maps.opendrive.references import listing
from symdrive.maps.opendrive.sampling import LaneKey, SampledLane
from symdrive.maps.town import LaneKind, LaneTable, Turn

SPACING_M = 1.0
"""Largest distance between the points of a lane."""

MAX_GAP_M = 1.0
"""Lanes whose ends lie farther apart are not linked, whatever the file says."""

TAPER_M = 5.0
"""Length over which the shift of a welded end fades out."""

STRAIGHT = np.radians(30.0)
"""A junction lane that turns less than this goes straight on."""

Link = tuple[int, int]

logger = logging.getLogger(__name__)


def build_lanes(document: Document, sampled: list[SampledLane], name: str) -> LaneTable:
    """The lane table of a map, with `priority` 2 everywhere (junctions are judged later)."""
    links = find_links(sampled, name)
    _tell_unlinked(sampled, links, name)
    weld(sampled, links)
    rows = [_resample(lane) for lane in sampled]
    counts = np.array([len(row["s_m"]) for row in rows])
    column = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
    next_start, next_lane = csr(links, len(sampled))
    prev_start, prev_lane = csr([(b, a) for a, b in links], len(sampled))
    left, right = _neighbours(sampled)
    junction = np.array([lane.junction for lane in sampled])
    keys = np.array([lane.key for lane in sampled])
    return LaneTable(
        road=keys[:, 0],
        section=keys[:, 1],
        lane_id=keys[:, 2],
        kind=np.array([int(lane.kind) for lane in sampled]),
        turn=_turns(sampled, links),
        junction=junction,
        speed_limit_mps=_speed_limits(document, sampled, links),
        length_m=np.array([row["s_m"][-1] for row in rows]),
        start=np.concatenate([[0], np.cumsum(counts)]),
        points=column["points"],
        yaw=column["yaw"],
        width_m=column["width_m"],
        s_m=column["s_m"],
        next_start=next_start,
        next_lane=next_lane,
        prev_start=prev_start,
        prev_lane=prev_lane,
        left=left,
        right=right,
        may_change_left=np.array([lane.change_left.mean() >= 0.5 for lane in sampled])
        & (left >= 0),
        may_change_right=np.array([lane.change_right.mean() >= 0.5 for lane in sampled])
        & (right >= 0),
        marking_left=column["left"],
        marking_right=column["right"],
        priority=np.full(len(sampled), 2),
    )


def csr(
    links: list[Link], count: int
) -> tuple[Int[np.ndarray, " count_plus_1"], Int[np.ndarray, " link"]]:
    """Pairs (row, value) as compressed rows, in the order of the pairs."""
    rows = np.array([row for row, _ in links], dtype=np.int64)
    values = np.array([value for _, value in links], dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
    return start.astype(np.int64), values[order]


def find_links(sampled: list[SampledLane], name: str) -> list[Link]:
    """Pairs of lanes of one kind of which the second begins where the first ends."""
    row = {lane.key: index for index, lane in enumerate(sampled)}
    links: list[Link] = []
    for index, lane in enumerate(sampled):
        for key in lane.successors:
            other = row.get(key)
            if other is None or sampled[other].kind != lane.kind:
                continue
            gap = float(np.linalg.norm(sampled[other].points[0] - lane.points[-1]))
            if gap <= MAX_GAP_M:
                links.append((index, other))
            elif lane.kind == LaneKind.DRIVING:
                logger.warning(
                    "%s: lane %s is %.2f m away from its successor %s; the link is dropped",
                    *(name, lane.key, gap, key),
                )
    return links


def _tell_unlinked(sampled: list[SampledLane], links: list[Link], name: str) -> None:
    """Warn about driving lanes of junctions that nobody gets into, or out of."""
    entered, left = {b for _, b in links}, {a for a, _ in links}
    for rows, what in ((entered, "no lane leads into"), (left, "no lane leads on from")):
        lost = [
            f"lane {lane.key[2]} of road {lane.key[0]} (junction {lane.junction})"
            for index, lane in enumerate(sampled)
            if lane.junction >= 0 and lane.kind == LaneKind.DRIVING and index not in rows
        ]
        if lost:
            logger.warning(
                "%s: %s %s; a <laneLink> of the junction or a lane's <link> is missing",
                *(name, what, listing(lost)),
            )


def weld(sampled: list[SampledLane], links: list[Link]) -> None:
    """Move the ends of linked lanes to their common middle, in place.

    Ends that are linked, directly or through others, become one point.
    """
    count = len(sampled)
    ends = np.array([a for a, _ in links], dtype=np.int64)
    starts = np.array([b for _, b in links], dtype=np.int64) + count
    graph = coo_matrix((np.ones(len(links)), (ends, starts)), shape=(2 * count, 2 * count))
    groups, label = connected_components(graph, directed=False)
    where = np.concatenate(
        [
            np.array([lane.points[-1] for lane in sampled]),
            np.array([lane.points[0] for lane in sampled]),
        ]
    )
    total = np.zeros((groups, 3))
    np.add.at(total, label, where)
    middle = total / np.bincount(label, minlength=groups)[:, None]
    shift = middle[label] - where
    for index, lane in enumerate(sampled):
        s = arc_length(lane.points)
        reach = max(min(TAPER_M, float(s[-1]) / 2), 1e-6)
        at_end = np.clip(1.0 - (s[-1] - s) / reach, 0.0, 1.0)[:, None]
        at_start = np.clip(1.0 - s / reach, 0.0, 1.0)[:, None]
        lane.points = lane.points + at_end * shift[index] + at_start * shift[count + index]


def _resample(lane: SampledLane) -> dict[str, np.ndarray]:
    """The columns of one lane at evenly spaced points at most 1 m apart.

    Coordinates are rounded to single precision (0.03 mm at 500 m), in which they are stored, so
    that a stored town equals the baked one.
    """
    s = arc_length(lane.points)
    count = max(2, int(np.ceil(s[-1] / SPACING_M)) + 1)
    at = np.linspace(0.0, float(s[-1]), count)
    near = np.clip(np.searchsorted(s, at - 1e-9), 0, len(s) - 1)
    points = np.stack([np.interp(at, s, lane.points[:, k]) for k in range(3)], axis=1)
    return {
        "points": _single(points),
        "yaw": _single(wrap_angle(np.interp(at, s, lane.yaw))),
        "width_m": _single(np.interp(at, s, lane.width_m)),
        "s_m": _single(at),
        "left": lane.left[near],
        "right": lane.right[near],
    }


def _single(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """The values rounded to single precision, as doubles."""
    return values.astype(np.float32).astype(np.float64)


def _neighbours(
    sampled: list[SampledLane],
) -> tuple[Int[np.ndarray, " lane"], Int[np.ndarray, " lane"]]:
    """Driving lanes of the same section and direction on the left and on the right, or -1."""
    row = {lane.key: index for index, lane in enumerate(sampled)}
    left = np.full(len(sampled), -1)
    right = np.full(len(sampled), -1)
    for index, lane in enumerate(sampled):
        if lane.kind == LaneKind.SIDEWALK:
            continue
        inner, outer = (_beside(row, sampled, lane, step) for step in (-1, 1))
        left[index], right[index] = (inner, outer) if lane.right_hand else (outer, inner)
    return left, right


def _beside(
    row: dict[LaneKey, int], sampled: list[SampledLane], lane: SampledLane, step: int
) -> int:
    """The driving lane one step from the reference line (1) or towards it (-1), or -1."""
    road, section, lane_id = lane.key
    other = row.get((road, section, lane_id + step * (1 if lane_id > 0 else -1)), -1)
    return other if other >= 0 and sampled[other].kind == LaneKind.DRIVING else -1


def _turns(sampled: list[SampledLane], links: list[Link]) -> Int[np.ndarray, " lane"]:
    """`Turn` of each lane by the change of heading along its whole way through the junction."""
    after: dict[int, list[int]] = defaultdict(list)
    before: dict[int, list[int]] = defaultdict(list)
    for a, b in links:
        if sampled[a].junction >= 0 and sampled[a].junction == sampled[b].junction:
            after[a].append(b)
            before[b].append(a)
    change = np.array([lane.yaw[-1] - lane.yaw[0] for lane in sampled])
    turn = np.zeros(len(sampled), dtype=np.int64)
    for index, lane in enumerate(sampled):
        if lane.junction < 0:
            continue
        total = sum(change[i] for i in {index, *_chain(index, after), *_chain(index, before)})
        turn[index] = Turn.STRAIGHT
        if abs(total) > STRAIGHT:
            turn[index] = Turn.LEFT if total > 0 else Turn.RIGHT
    return turn


def _chain(index: int, step: dict[int, list[int]]) -> list[int]:
    """Lanes that follow one another without a branch."""
    chain: list[int] = []
    while len(step[index]) == 1 and step[index][0] not in chain:
        index = step[index][0]
        chain.append(index)
    return chain


def _speed_limits(
    document: Document, sampled: list[SampledLane], links: list[Link]
) -> Float[np.ndarray, " lane"]:
    """Limit of each lane, m/s: its own, its road's, that of the lane before it, or 50 km/h."""
    limits: list[float | None] = [_own_limit(document, lane) for lane in sampled]
    waiting = [link for link in links if limits[link[1]] is None]
    while waiting:
        ready = [link for link in waiting if limits[link[0]] is not None]
        if not ready:
            break
        for a, b in ready:
            if limits[b] is None:
                limits[b] = limits[a]
        waiting = [link for link in waiting if limits[link[1]] is None]
    return np.array([DEFAULT_SPEED_MPS if limit is None else limit for limit in limits])


def _own_limit(document: Document, lane: SampledLane) -> float | None:
    """Limit that the file states for the middle of a lane."""
    road = document.roads[lane.key[0]]
    section = road.sections[lane.key[1]]
    record = next(r for r in section.lanes if r.lane_id == lane.key[2])
    middle = (section.end - section.s) / 2
    own = _limit_at(record.speeds, middle)
    return own if own is not None else _limit_at(road.speeds, section.s + middle)


def _limit_at(steps: tuple[SpeedStep, ...], s: float) -> float | None:
    """Limit of the last step that begins at or before `s`."""
    begun = [step for step in steps if step.s <= s + 1e-6]
    return begun[-1].limit_mps if begun else None
