"""What every criterion is, and the ego as criteria look at it."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.truth import Truth


class Criterion(ABC):
    """Watches one rule during one drive."""

    @abstractmethod
    def update(self, truth: Truth) -> list[Infraction]:
        """What went wrong in this tick; called once a tick, in order."""

    @property
    def is_over(self) -> bool:
        """Whether the scenario that it belongs to has to end now."""
        return False

    def finish(self) -> list[Infraction]:
        """What can only be said at the end of the drive; called once, after the last `update`."""
        return []


class Ego(NamedTuple):
    """The ego in plain numbers: for a handful of scalars, cheaper than arrays.

    Attributes:
        x: ground point under the box centre, world frame, m; so `y`, `z`.
        yaw: heading, rad.
        speed: signed along the heading, m/s.
        half_length: m.
    """

    x: float
    y: float
    z: float
    yaw: float
    speed: float
    half_length: float

    @property
    def position(self) -> tuple[float, float, float]:
        """x, y, z."""
        return self.x, self.y, self.z


def ego_of(truth: Truth) -> Ego:
    """The ego's row."""
    actors = truth.actors
    x, y, z = actors.position[0].tolist()
    return Ego(
        x,
        y,
        z,
        float(actors.yaw[0]),
        float(actors.speed[0]),
        float(actors.half_extent[0, 0]),
    )


def at(truth: Truth, kind: InfractionKind, message: str, other_id: int | None = None) -> Infraction:
    """An infraction where the ego is now."""
    x, y, z = np.asarray(truth.actors.position[0], dtype=np.float64).tolist()
    return Infraction(kind, truth.tick, truth.time_s, (x, y, z), message, other_id)
