"""What the ego runs into: boxes that overlap are pushed apart and lose speed.

World frame, metres. Boxes are the actors' oriented boxes on the ground plane.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from symdrive.sim.kernel import entry, inner
from symdrive.sim.obstacles import Obstacles, first_solid
from symdrive.sim.road import STOREY_M, Records
from symdrive.sim.state import WalkerMode
from symdrive.world.catalogue import ActorKind

TOUCH_M = 0.03
"""Boxes this near touch, so that a contact lasts while the ego keeps pushing."""

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
        return 0.08
    return 0.13 * 8.0 * bodies[i].half_length * bodies[i].half_width * bodies[i].half_height


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
        walkers[j - first_walker].mode = _DOWN
        bodies[j].speed = 0.0
        bodies[j].x += depth * hit.x
        bodies[j].y += depth * hit.y
    else:
        bodies[0].x -= depth * hit.x
        bodies[0].y -= depth * hit.y


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
        reach = _spread(bodies, 0, hit.x, hit.y)
        hits[count] = j
        places[count, 0] = bodies[0].x + reach * hit.x
        places[count, 1] = bodies[0].y + reach * hit.y
        places[count, 2] = bodies[0].z + 0.5
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
    """Stop the ego at static scenery: it goes back to where it was before this tick.

    Args:
        bodies: all actors.
        obstacles: the town's occupancy.
        before: x, y and yaw of the ego before the tick.
        place: buffer for the contact point, world frame.

    Returns:
        Whether the ego touches anything. It may always drive out of a thing it stands in: a move
        that takes the overlap away from the side it moves to is allowed.
    """
    pose = (bodies[0].x, bodies[0].y, bodies[0].yaw)
    half = (bodies[0].half_length, bodies[0].half_width)
    if not first_solid(obstacles, pose, half, place):
        return False
    along, aside = place[0], place[1]
    if along * bodies[0].speed > 0.0:
        bodies[0].speed = 0.0
        bodies[0].x, bodies[0].y = before[0], before[1]
        bodies[0].yaw = before[2]
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    place[0] = pose[0] + cos * along - sin * aside
    place[1] = pose[1] + sin * along + cos * aside
    place[2] = bodies[0].z + 0.5
    return True
