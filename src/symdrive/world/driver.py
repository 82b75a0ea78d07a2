"""The two kinds of driver: a `Policy` sees sensors, an `Oracle` sees what alignment leaves."""

from abc import ABC, abstractmethod

from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.control import Control, Plan
from symdrive.world.policy import Policy
from symdrive.world.visible import Visible

__all__ = ["Driver", "Oracle", "Policy"]


class Oracle(ABC):
    """Turns the visible part of the truth into controls."""

    plan: Plan | None = None
    """What the last `act` intended."""

    def reset(self, town: Town, route: Route, seed: int) -> None:  # noqa: B027  as for policies
        """A new episode."""

    @abstractmethod
    def act(self, visible: Visible) -> Control:
        """Drive one tick."""


Driver = Policy | Oracle
