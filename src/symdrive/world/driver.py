"""The two kinds of driver: a `Policy` sees sensors, an `Oracle` sees what alignment leaves."""

from abc import ABC, abstractmethod

from symdrive.maps.route import Route, SparsePlan
from symdrive.maps.town import Town
from symdrive.world.control import Control, Plan
from symdrive.world.observation import Observation
from symdrive.world.rig import BLIND_RIG, Rig
from symdrive.world.visible import Visible


class Policy(ABC):
    """Turns observations into controls; one instance drives one episode after another."""

    rig: Rig = BLIND_RIG
    """Sensors it needs on the car."""

    plan: Plan | None = None
    """What the last `act` intended, for drawing; None where there is nothing to draw."""

    def reset(self, plan: SparsePlan) -> None:  # noqa: B027  most small policies need no memory
        """A new episode with its navigation plan."""

    @abstractmethod
    def act(self, observation: Observation) -> Control:
        """Drive one tick."""


class Oracle(ABC):
    """Turns the visible part of the truth into controls."""

    plan: Plan | None = None
    """What the last `act` intended."""

    def reset(self, town: Town, route: Route, seed: int) -> None:  # noqa: B027  as above
        """A new episode."""

    @abstractmethod
    def act(self, visible: Visible) -> Control:
        """Drive one tick."""


Driver = Policy | Oracle
