"""Collisions, each counted once.

Source: scenario_runner 94ff3b8, `CollisionTest`. The collision sensor's events are
`Truth.collisions`; the class of the other side follows from its `ActorKind` (props and the static
town are what CARLA calls layout).
"""

import math

import numpy as np

from symdrive.scoring.criteria.criterion import Criterion, at, ego_of
from symdrive.scoring.infraction import Infraction, InfractionKind, place
from symdrive.world.catalogue import MODELS, VEHICLE_KINDS, ActorKind
from symdrive.world.truth import Truth

SAME_PLACE_M = 5.0
SAME_ACTOR_S = 5.0
STANDING_MPS = 0.1


class Collisions(Criterion):
    """Counts a contact unless it is a part of the last one, or the ego was standing.

    Part of the last one: the same actor within 5 s, or the ego within 5 m of where it was then.
    Who is stopped dead by a wall was not standing: as with CARLA's sensor events, which come
    before the tick's velocities, the speed before the contact counts.
    """

    def __init__(self) -> None:
        self._last_id: int | None = None
        self._last_time_s = 0.0
        self._last_place: tuple[float, float, float] | None = None
        self._speed_before = 0.0

    def update(self, truth: Truth) -> list[Infraction]:
        """Count the contacts of this tick."""
        ego = ego_of(truth)
        if self._last_place and math.dist(ego.position, self._last_place) > SAME_PLACE_M:
            self._last_place = None
        if self._last_id is not None and truth.time_s - self._last_time_s > SAME_ACTOR_S:
            self._last_id = None
        speed = max(abs(ego.speed), self._speed_before)
        self._speed_before = abs(ego.speed)
        found: list[Infraction] = []
        for contact in truth.collisions:
            same = self._last_id == contact.other_id or self._last_place is not None
            if same or speed < STANDING_MPS:
                continue
            self._last_time_s = truth.time_s
            self._last_place = ego.position
            if contact.other_id != 0:
                self._last_id = contact.other_id
            kind, name = _other_side(truth, contact.other_id)
            message = (
                f"Agent collided against object with type={name} and id={contact.other_id}"
                f" at {place(*ego.position)}"
            )
            found.append(at(truth, kind, message, contact.other_id))
        return found


def _other_side(truth: Truth, other_id: int) -> tuple[InfractionKind, str]:
    """Kind of the collision, and the CARLA name of what was hit."""
    if other_id == 0:
        return InfractionKind.COLLISION_LAYOUT, "static.layout"
    rows = np.flatnonzero(truth.actors.actor_id == other_id)
    if len(rows) == 0:
        raise ValueError(f"tick {truth.tick}: a contact with actor {other_id}, which is not there")
    kind = ActorKind(int(truth.actors.kind[rows[0]]))
    name = MODELS[int(truth.actors.model[rows[0]])].name
    if kind in VEHICLE_KINDS:
        return InfractionKind.COLLISION_VEHICLE, name
    if kind == ActorKind.PEDESTRIAN:
        return InfractionKind.COLLISION_PEDESTRIAN, name
    return InfractionKind.COLLISION_LAYOUT, name
