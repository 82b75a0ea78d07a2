"""What the ego runs into: boxes that overlap are pushed apart and lose speed.

World frame, metres. Boxes are the actors' oriented boxes on the ground plane.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.kernel import entry, inner
from symdrive.sim.obstacles import Obstacles, cover
from symdrive.sim.road import STOREY_M, Records
from symdrive.sim.state import WalkerMode
from symdrive.world.catalogue import ActorKind

TOUCH_M = 0.03
"""Boxes this near touch, so that a contact lasts while the ego keeps pushing."""

CONTACT_HEIGHT_M = 0.5
"""Height of contact points above the ground: that of bumpers."""

FALL_MPS = 0.5
"""A walker who is run into faster than this falls."""

DENSITY_TPM3 = 0.13
"""Mass of a vehicle by the volume of its box: 2.0 t for the ego."""

LIGHT_T = 0.08
"""Mass of a walker, and of a bicycle with its rider."""

SLIDE_M = 0.3
"""Scenery that reaches no farther than this into the side of the ego pushes it aside."""

SCRAPE = 0.95
"""Share of the speed that is left after a tick of scraping along scenery."""

_PEDESTRIAN, _BICYCLE = ActorKind.PEDESTRIAN.value, ActorKind.BICYCLE.value
_DOWN = WalkerMode.DOWN.value


class Overlap(NamedTuple):
    """How to separate two boxes.

    Attributes:
        depth: overlap along the axis of least overlap, m; negative when apart.
        x: that axis, from the first box to the second.
        y: the same.
    """

    depth: float
    x: float
    y: float


@inner
@no_type_check
def _spread(bodies: Records, i: int, x: float, y: float) -> float:
    """Half the length of a box's shadow on an axis."""
    cos, sin = math.cos(bodies[i].yaw), math.sin(bodies[i].yaw)
    length = bodies[i].half_length * abs(cos * x + sin * y)
    return length + bodies[i].half_width * abs(cos * y - sin * x)


@inner
@no_type_check
def overlap(bodies: Records, i: int, j: int) -> Overlap:
    """Separating axis test of two boxes on the ground plane."""
    dx = bodies[j].x - bodies[i].x
    dy = bodies[j].y - bodies[i].y
    best = Overlap(math.inf, 1.0, 0.0)
    for owner in (i, j):
        for quarter in range(2):
            angle = bodies[owner].yaw + 0.5 * math.pi * quarter
            x, y = math.cos(angle), math.sin(angle)
            away = dx * x + dy * y
            depth = _spread(bodies, i, x, y) + _spread(bodies, j, x, y) - abs(away)
            if depth < best.depth:
                sign = 1.0 if away >= 0.0 else -1.0
                best = Overlap(depth, sign * x, sign * y)
    return best


@inner
@no_type_check
def _mass(bodies: Records, i: int) -> float:
    """A mass by kind, t; parked cars have their brakes on and do not yield."""
    if bodies[i].parked == 1:
        return 1e6
    if bodies[i].kind == _PEDESTRIAN or bodies[i].kind == _BICYCLE:
        return LIGHT_T
    eighth = bodies[i].half_length * bodies[i].half_width * bodies[i].half_height
    return DENSITY_TPM3 * 8.0 * eighth


@inner
@no_type_check
def _collide(bodies: Records, walkers: Records, j: int, hit: Overlap) -> None:
    """Common speed along the contact normal (inelastic), then the boxes apart.

    Traffic stays on its lane, so that the ego is the one that is moved; a walker is pushed away.
    """
    along_ego = math.cos(bodies[0].yaw) * hit.x + math.sin(bodies[0].yaw) * hit.y
    along_other = math.cos(bodies[j].yaw) * hit.x + math.sin(bodies[j].yaw) * hit.y
    ego, other = bodies[0].speed * along_ego, bodies[j].speed * along_other
    if ego > other:
        mine, theirs = _mass(bodies, 0), _mass(bodies, j)
        common = (mine * ego + theirs * other) / (mine + theirs)
        bodies[0].speed += (common - ego) * along_ego
        bodies[j].speed = max(0.0, bodies[j].speed + (common - other) * along_other)
    depth = max(hit.depth, 0.0)
    first_walker = len(bodies) - len(walkers)
    if j >= first_walker:
        if ego - other > FALL_MPS:
            walkers[j - first_walker].mode = _DOWN
            bodies[j].speed = 0.0
        bodies[j].x += depth * hit.x
        bodies[j].y += depth * hit.y
    else:
        bodies[0].x -= depth * hit.x
        bodies[0].y -= depth * hit.y


@inner
@no_type_check
def _note_place(bodies: Records, dx: float, dy: float, place: Float[np.ndarray, " 3"]) -> None:
    """Write the point of the ego's box that is nearest to a body at (dx, dy) from its centre."""
    cos, sin = math.cos(bodies[0].yaw), math.sin(bodies[0].yaw)
    length, width = bodies[0].half_length, bodies[0].half_width
    along = min(max(cos * dx + sin * dy, -length), length)
    aside = min(max(cos * dy - sin * dx, -width), width)
    place[0] = bodies[0].x + cos * along - sin * aside
    place[1] = bodies[0].y + sin * along + cos * aside
    place[2] = bodies[0].z + CONTACT_HEIGHT_M


@entry
@no_type_check
def collide_bodies(
    bodies: Records,
    walkers: Records,
    hits: Int[np.ndarray, " hit"],
    places: Float[np.ndarray, "hit 3"],
) -> int:
    """Find and resolve every contact of the ego with another actor.

    Args:
        bodies: all actors.
        walkers: minds of the walkers; one who is hit stays down.
        hits: buffer for the rows of the others.
        places: buffer for the contact points.

    Returns:
        The number of contacts.
    """
    count = 0
    for j in range(1, len(bodies)):
        dx = bodies[j].x - bodies[0].x
        dy = bodies[j].y - bodies[0].y
        reach = bodies[0].half_length + bodies[j].half_length + 2.5
        apart = dx * dx + dy * dy > reach * reach
        if apart or abs(bodies[j].z - bodies[0].z) > STOREY_M:
            continue
        hit = overlap(bodies, 0, j)
        if hit.depth < -TOUCH_M or count == len(hits):
            continue
        hits[count] = j
        _note_place(bodies, dx, dy, places[count])
        count += 1
        _collide(bodies, walkers, j, hit)
    return count


@entry
@no_type_check
def collide_town(
    bodies: Records,
    obstacles: Obstacles,
    before: tuple[float, float, float],
    place: Float[np.ndarray, " 3"],
) -> bool:
    """Stop the ego at static scenery, or let it scrape along.

    What reaches a little into its side pushes it aside; what is in front of it in its direction of
    travel stops it where it was before the tick. It may always drive out of what is behind it.

    Args:
        bodies: all actors.
        obstacles: the town's occupancy.
        before: x, y and yaw of the ego before the tick.
        place: buffer for the contact point, world frame.

    Returns:
        Whether the ego touches anything.
    """
    ego = bodies[0]
    half = (ego.half_length, ego.half_width)
    x, y, yaw = ego.x, ego.y, ego.yaw
    contact = cover(obstacles, (x, y, yaw), half)
    if contact.samples == 0:
        return False
    cos, sin = math.cos(yaw), math.sin(yaw)
    place[0] = x + cos * contact.along - sin * contact.aside
    place[1] = y + sin * contact.along + cos * contact.aside
    place[2] = ego.z + CONTACT_HEIGHT_M
    if contact.depth_aside < min(contact.depth_along, SLIDE_M):
        push = math.copysign(contact.depth_aside, -contact.aside)
        ego.x, ego.y = x - sin * push, y + cos * push
        ego.speed *= SCRAPE
    elif contact.along * ego.speed > 0.0:
        ego.speed, ego.x, ego.y, ego.yaw = 0.0, before[0], before[1], before[2]
    return True
