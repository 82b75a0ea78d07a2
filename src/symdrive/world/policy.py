"""The driver that sees sensors only; this module, unlike `driver`, reaches no truth."""

from abc import ABC, abstractmethod

from symdrive.maps.route import SparsePlan
from symdrive.world.control import Control, Plan
from symdrive.world.observation import Observation
from symdrive.world.rig import BLIND_RIG, Rig


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
