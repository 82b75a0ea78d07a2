"""The simplest driver: it never starts. Whatever scores points against it has done nothing."""

from symdrive.world.control import Control
from symdrive.world.observation import Observation
from symdrive.world.policy import Policy


class StandStill(Policy):
    """Brakes."""

    def act(self, observation: Observation) -> Control:  # noqa: ARG002  it does not look
        """Full brake."""
        return Control(brake=1.0)
