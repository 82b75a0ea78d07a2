"""Rewards of the Gymnasium environment: small terms whose sum is the reward of a step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from symdrive.scoring.infraction import InfractionKind

COMPLETED = "Completed"
"""What the leaderboard calls a route that was driven to its end."""


@dataclass(frozen=True)
class Progress:
    """What happened between two decisions.

    Attributes:
        metres: of the route, driven for the first time.
        infractions: that were noticed.
        ended: why the route is over, in the leaderboard's words; None while it goes on.
    """

    metres: float
    infractions: tuple[InfractionKind, ...] = ()
    ended: str | None = None


class Reward(ABC):
    """One term."""

    @abstractmethod
    def __call__(self, progress: Progress) -> float:
        """Its share of the reward."""


@dataclass(frozen=True)
class PerMetre(Reward):
    """For getting on."""

    value: float = 0.1

    def __call__(self, progress: Progress) -> float:
        """In proportion to the metres."""
        return self.value * progress.metres


@dataclass(frozen=True)
class PerInfraction(Reward):
    """For each infraction of one kind."""

    kind: InfractionKind
    value: float

    def __call__(self, progress: Progress) -> float:
        """In proportion to their number."""
        return self.value * progress.infractions.count(self.kind)


@dataclass(frozen=True)
class AtTheEnd(Reward):
    """For the way in which the route ends."""

    completed: float = 10.0
    failed: float = -10.0

    def __call__(self, progress: Progress) -> float:
        """Nothing while it goes on."""
        if progress.ended is None:
            return 0.0
        return self.completed if progress.ended == COMPLETED else self.failed


DEFAULT_REWARDS: tuple[Reward, ...] = (
    PerMetre(),
    PerInfraction(InfractionKind.COLLISION_PEDESTRIAN, -20.0),
    PerInfraction(InfractionKind.COLLISION_VEHICLE, -10.0),
    PerInfraction(InfractionKind.COLLISION_LAYOUT, -10.0),
    PerInfraction(InfractionKind.RED_LIGHT, -5.0),
    PerInfraction(InfractionKind.STOP_SIGN, -2.0),
    PerInfraction(InfractionKind.OUTSIDE_ROUTE_LANES, -2.0),
    AtTheEnd(),
)
"""In the order of the leaderboard's penalties: people before cars before things before lights."""
