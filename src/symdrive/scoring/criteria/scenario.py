"""Rules that hold while a scenario runs.

Source: scenario_runner 94ff3b8, `YieldToEmergencyVehicleTest` and `ScenarioTimeoutTest`, which are
begun and ended with their scenario (`Criteria.begin`, `Criteria.end`).
"""

import math

import numpy as np

from symdrive.scoring.criteria.criterion import Criterion, at, ego_of
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.truth import Truth


class YieldToEmergencyVehicle(Criterion):
    """Fails when the emergency vehicle is still behind the ego at the end of the scenario.

    Behind means that the ego lies ahead of the plane through the vehicle, across its heading. An
    emergency vehicle that is gone leaves the last answer standing.
    """

    def __init__(self, actor_id: int) -> None:
        self._actor_id = actor_id
        self._is_behind = False
        self._latest: Truth | None = None

    def update(self, truth: Truth) -> list[Infraction]:
        """Look where the vehicle is; never an infraction yet."""
        self._latest = truth
        actors = truth.actors
        rows = np.flatnonzero(actors.actor_id == self._actor_id)
        if len(rows):
            row = int(rows[0])
            yaw, pitch = float(actors.yaw[row]), float(actors.pitch[row])
            ahead = (
                math.cos(yaw) * math.cos(pitch),
                math.sin(yaw) * math.cos(pitch),
                math.sin(pitch),
            )
            gap = np.asarray(ego_of(truth).position) - actors.position[row]
            self._is_behind = float(gap @ ahead) > 0.0
        return []

    def finish(self) -> list[Infraction]:
        """One infraction when it never got past."""
        if self._latest is None or not self._is_behind:
            return []
        message = "Agent failed to yield to an emergency vehicle"
        kind = InfractionKind.YIELD_EMERGENCY_VEHICLE
        return [at(self._latest, kind, message, self._actor_id)]


class ScenarioTimeout(Criterion):
    """Fails when a scenario takes longer than its limit; it is over then.

    Each scenario class has a limit of its own, 240 s where it names none.
    """

    def __init__(self, limit_s: float = 240.0) -> None:
        if limit_s <= 0.0:
            raise ValueError(f"limit_s is {limit_s}; above 0 would be right")
        self._limit_s = limit_s
        self._start_s: float | None = None
        self._latest: Truth | None = None

    @property
    def is_over(self) -> bool:
        """Whether the limit is used up."""
        if self._start_s is None or self._latest is None:
            return False
        return self._latest.time_s - self._start_s > self._limit_s

    def update(self, truth: Truth) -> list[Infraction]:
        """Look at the clock; the infraction comes with `finish`."""
        if self._start_s is None:
            self._start_s = truth.time_s
        self._latest = truth
        return []

    def finish(self) -> list[Infraction]:
        """One infraction when the time was used up."""
        if self._latest is None or not self.is_over:
            return []
        return [at(self._latest, InfractionKind.SCENARIO_TIMEOUT, "Agent timed out a scenario")]
