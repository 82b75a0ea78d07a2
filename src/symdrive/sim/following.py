"""What a driver does about the road and the bodies ahead: speed, bends, the corridor.

Car following is the Intelligent Driver Model (Treiber, Hennecke, Helbing 2000, "Congested traffic
states in empirical observations and microscopic simulations").
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float

from symdrive.sim.kernel import inner
from symdrive.sim.meeting import Cells, span_of_cells
from symdrive.sim.path import AHEAD, CAP, COS, SIN, YAW, X, Y, Z
from symdrive.sim.road import STOREY_M, Records
from symdrive.sim.state import Traffic
from symdrive.world.catalogue import ActorKind

MARGIN_M = 0.3
"""Space that a driver wants on each side of the corridor it is going to sweep."""

STEP_ASIDE_S = 1.5
"""How far ahead in time a walker's way into the corridor is reckoned with."""

CLEAR_S = 0.6
"""Time by which crossing traffic must have left the corridor to be ignored."""

SMALL_M = 1.1
"""A body of less half length could slip between two samples of the path."""

HARDEST_MPS2 = 8.0
"""Emergency braking."""

STRETCH = 12
"""Samples of the path that are framed by a box, so that bodies far from it cost little."""

BEND_DECEL_MPS2 = 1.5
"""Deceleration towards a bend or a lower limit."""

_PEDESTRIAN = ActorKind.PEDESTRIAN.value


class Meeting(NamedTuple):
    """Where a body ahead touches the corridor.

    Attributes:
        gap: from the front bumper, m; infinite where they do not meet.
        speed: of the body along the corridor, m/s.
    """

    gap: float
    speed: float


@inner
@no_type_check
def desired_speed(view: Float[np.ndarray, "sample 8"], count: int) -> float:
    """Speed for the limits and the bends ahead: slow down in time, not at the bend."""
    best = view[0, CAP]
    for k in range(1, count):
        reachable = view[k, CAP] ** 2 + 2.0 * BEND_DECEL_MPS2 * view[k, AHEAD]
        if reachable < best * best:
            best = math.sqrt(reachable)
    return best


@inner
@no_type_check
def free_acceleration(traffic: Traffic, i: int, desired: float) -> float:
    """IDM on an empty road; above the desired speed no more than comfortable braking."""
    driver = traffic.drivers[i]
    ratio = traffic.bodies[i].speed / max(desired, 0.1)
    return max(driver.accel * (1.0 - ratio**4), -driver.decel)


@inner
@no_type_check
def behind_leader(traffic: Traffic, i: int, meeting: Meeting) -> float:
    """The interaction term of the IDM: a deceleration, <= 0."""
    if meeting.gap == math.inf:
        return 0.0
    driver, speed = traffic.drivers[i], traffic.bodies[i].speed
    closing = speed * (speed - meeting.speed) / (2.0 * math.sqrt(driver.accel * driver.decel))
    wanted = driver.min_gap + max(0.0, speed * driver.headway + closing)
    return -driver.accel * (wanted / max(meeting.gap, 0.1)) ** 2


@inner
@no_type_check
def before_line(speed: float, distance: float, decel: float, dt: float) -> float:
    """Largest acceleration with which a driver still stops at a line in comfort."""
    if distance <= 0.15:
        return -min(HARDEST_MPS2, speed / dt)
    needed = speed * speed / (2.0 * distance)
    if needed < 0.85 * decel:
        return (math.sqrt(2.0 * decel * distance) - speed) / (4.0 * dt)
    return -min(HARDEST_MPS2, needed)


@inner
@no_type_check
def _half_across(body: Records, turn: float) -> float:
    """Half the width of a body seen along the corridor that it is turned against."""
    return body.half_length * abs(math.sin(turn)) + body.half_width * abs(math.cos(turn))


@inner
@no_type_check
def _nearest_aside(body: Records, aside: float, turn: float) -> float:
    """Distance of a body's centre from the corridor's middle line, m.

    For a walker: the smallest one within `STEP_ASIDE_S`.
    """
    if body.kind == _PEDESTRIAN:
        drift = body.speed * math.sin(turn) * STEP_ASIDE_S
        if aside * drift < 0.0:
            return max(0.0, abs(aside) - abs(drift))
    return abs(aside)


@inner
@no_type_check
def _span(factor: float, low: float, high: float) -> tuple[float, float]:
    """All v with `low <= factor * v <= high`; empty as (inf, -inf)."""
    if abs(factor) > 1e-6:
        return min(low / factor, high / factor), max(low / factor, high / factor)
    if low <= 0.0 <= high:
        return -math.inf, math.inf
    return math.inf, -math.inf


@inner
@no_type_check
def _covers(body: Records, along: float, aside: float, turn: float, half: float) -> bool:
    """Whether a body reaches into the corridor at a sample of the path.

    A body longer than the samples are apart is cut by the line across the path, so that bends do
    not widen it; of a small one the box around it is taken.

    Args:
        body: whose place is asked for.
        along: its centre in the frame of the sample, m.
        aside: the same, left positive.
        turn: its heading there, rad.
        half: half the width of the corridor.
    """
    if body.half_length < SMALL_M:
        reach = _half_across(body, turn + 0.5 * math.pi) + 0.5
        return abs(along) <= reach and _nearest_aside(body, aside, turn) < half + _half_across(
            body, turn
        )
    cos, sin = math.cos(turn), math.sin(turn)
    low, high = _span(sin, cos * along - body.half_length, cos * along + body.half_length)
    left, right = _span(cos, -sin * along - body.half_width, -sin * along + body.half_width)
    low, high = max(low, left), min(high, right)
    return low <= high and aside + low < half and aside + high > -half


@inner
@no_type_check
def _touch(
    me: Records, body: Records, view: Float[np.ndarray, "sample 8"], k: int
) -> tuple[bool, Meeting]:
    """Whether the search for a body ends at sample `k` of the path, and with what.

    A body that crosses the corridor and is out of it before the driver arrives is not met.
    """
    dx, dy = body.x - view[k, X], body.y - view[k, Y]
    cos, sin = math.cos(view[k, YAW]), math.sin(view[k, YAW])
    along, aside = cos * dx + sin * dy, cos * dy - sin * dx
    nothing = Meeting(math.inf, 0.0)
    behind = k == 0 and along <= 0.0
    if behind or abs(body.z - view[k, Z]) > STOREY_M:
        return behind, nothing
    turn = body.yaw - view[k, YAW]
    half = me.half_width + MARGIN_M
    if not _covers(body, along, aside, turn, half):
        return False, nothing
    edge = min(max(along - _half_across(body, turn + 0.5 * math.pi), -1.0), 0.5)
    gap = view[k, AHEAD] + edge - me.half_length
    drift = body.speed * math.sin(turn)
    if abs(drift) > 1.0:
        far_side = half + _half_across(body, turn) - math.copysign(aside, aside * drift)
        if far_side / abs(drift) + CLEAR_S < gap / max(me.speed, 1.0):
            return True, nothing
    return True, Meeting(gap, body.speed * math.cos(turn))


@inner
@no_type_check
def _is_clear(
    me: Records, body: Records, facing: tuple[float, float], sample: Float[np.ndarray, " 8"]
) -> bool:
    """Whether a body is too far ahead or aside to reach into the corridor at a sample of the path.

    Says less than `_covers`, at a tenth of its cost: nothing of the sides of walkers.

    Args:
        me: who drives along the path.
        body: ahead of it.
        facing: cosine and sine of its heading.
        sample: row of the path.
    """
    cos, sin = sample[COS], sample[SIN]
    dx, dy = body.x - sample[X], body.y - sample[Y]
    turned = abs(facing[0] * cos + facing[1] * sin), abs(facing[1] * cos - facing[0] * sin)
    depth = body.half_length * turned[0] + body.half_width * turned[1]
    if abs(cos * dx + sin * dy) > depth + 0.5 + 1e-6:
        return True
    reach = body.half_length * turned[1] + body.half_width * turned[0]
    aside = abs(cos * dy - sin * dx)
    return body.kind != _PEDESTRIAN and aside > me.half_width + MARGIN_M + reach + 1e-6


@inner
@no_type_check
def meet(me: Records, body: Records, view: Float[np.ndarray, "sample 8"], count: int) -> Meeting:
    """Where a body first touches the corridor of a vehicle.

    Walks along the path, each time as far as the body cannot be reached yet.
    """
    radius = math.sqrt(body.half_length**2 + body.half_width**2) + me.half_width + MARGIN_M
    if body.kind == _PEDESTRIAN:
        radius += body.speed * STEP_ASIDE_S
    facing = (math.cos(body.yaw), math.sin(body.yaw))
    k = 0
    while k < count:
        dx, dy = body.x - view[k, X], body.y - view[k, Y]
        away = math.sqrt(dx * dx + dy * dy) - radius
        if away <= 1.0 and (k == 0 or not _is_clear(me, body, facing, view[k])):
            done, meeting = _touch(me, body, view, k)
            if done:
                return meeting
        target = view[k, AHEAD] + away - 0.5
        k += 1
        while k < count and view[k, AHEAD] < target:
            k += 1
    return Meeting(math.inf, 0.0)


@inner
@no_type_check
def _frame(
    view: Float[np.ndarray, "sample 8"], count: int, boxes: Float[np.ndarray, "box 4"]
) -> int:
    """Write the boxes around each `STRETCH` samples of the path; returns how many.

    Columns: least x and y, greatest x and y. The first box is that around all of them.
    """
    used = 1
    boxes[0, :2], boxes[0, 2:] = math.inf, -math.inf
    for first in range(0, count, STRETCH):
        box = boxes[used]
        box[:2], box[2:] = math.inf, -math.inf
        for k in range(first, min(first + STRETCH, count)):
            box[0], box[2] = min(box[0], view[k, X]), max(box[2], view[k, X])
            box[1], box[3] = min(box[1], view[k, Y]), max(box[3], view[k, Y])
        boxes[0, 0], boxes[0, 2] = min(boxes[0, 0], box[0]), max(boxes[0, 2], box[2])
        boxes[0, 1], boxes[0, 3] = min(boxes[0, 1], box[1]), max(boxes[0, 3], box[3])
        used += 1
    return used


@inner
@no_type_check
def _is_near(body: Records, room: float, boxes: Float[np.ndarray, "box 4"], used: int) -> bool:
    """Whether a body is within `room` of any box, so that `meet` may find it."""
    for b in range(used):
        low_x, high_x = boxes[b, 0] - room, boxes[b, 2] + room
        low_y, high_y = boxes[b, 1] - room, boxes[b, 3] + room
        if low_x <= body.x <= high_x and low_y <= body.y <= high_y:
            if b > 0:
                return True
        elif b == 0:
            return False
    return False


@inner
@no_type_check
def _room(me: Records, body: Records) -> float:
    """A body farther than this from every sample of a path is not met; see `meet`."""
    room = body.half_length + body.half_width + me.half_width + MARGIN_M + 1.5
    return room + (body.speed * STEP_ASIDE_S if body.kind == _PEDESTRIAN else 0.0)


@inner
@no_type_check
def acceleration_for_bodies(
    traffic: Traffic, cells: Cells, i: int, view: Float[np.ndarray, "sample 8"], count: int
) -> float:
    """The strongest deceleration that any body ahead asks for; notes that body as the blocker."""
    me, driver = traffic.bodies[i], traffic.drivers[i]
    driver.blocker = -1
    worst = 0.0
    boxes = np.empty((count // STRETCH + 2, 4))
    used = _frame(view, count, boxes)
    room = cells.widest_m + me.half_width + MARGIN_M + STEP_ASIDE_S * cells.fastest_mps + 1.5
    low, high = boxes[0, :2], boxes[0, 2:]
    c0, c1, r0, r1 = span_of_cells(
        cells, (low[0] - room, low[1] - room), (high[0] + room, high[1] + room)
    )
    for row in range(r0, r1 + 1):
        at = row * cells.columns
        for slot in range(cells.first[at + c0], cells.first[at + c1 + 1]):
            j = cells.body[slot]
            body = traffic.bodies[j]
            if j == i or not _is_near(body, _room(me, body), boxes, used):
                continue
            asked = behind_leader(traffic, i, meet(me, body, view, count))
            if asked < worst or (asked == worst and j < driver.blocker):
                worst = asked
                driver.blocker = j
    return worst
