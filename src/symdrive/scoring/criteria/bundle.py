"""All criteria of one drive, watched together."""

from collections.abc import Sequence

from symdrive.maps.route import Route
from symdrive.maps.town import LaneKind, Town
from symdrive.scoring.criteria.blocked import Blocked
from symdrive.scoring.criteria.collision import Collisions
from symdrive.scoring.criteria.criterion import Criterion
from symdrive.scoring.criteria.lanes import LaneFinder
from symdrive.scoring.criteria.min_speed import MinSpeed
from symdrive.scoring.criteria.outside_lanes import OutsideRouteLanes
from symdrive.scoring.criteria.red_light import RedLight
from symdrive.scoring.criteria.route_completion import RouteCompletion
from symdrive.scoring.criteria.route_deviation import RouteDeviation
from symdrive.scoring.criteria.route_timeout import RouteTimeout
from symdrive.scoring.criteria.scenario import ScenarioTimeout
from symdrive.scoring.criteria.stop_sign import StopSign
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.scoring.limits import CriteriaConfig
from symdrive.world.truth import Truth

ENDINGS = {
    InfractionKind.ROUTE_TIMEOUT: "Agent timed out",
    InfractionKind.VEHICLE_BLOCKED: "Agent got blocked",
    InfractionKind.ROUTE_DEVIATION: "Agent deviated from the route",
}
"""Infractions that end a drive, in the words of leaderboard 2.0, `statistics_manager.py`."""

TICK_LIMIT = "TickRuntime"
"""Bench2Drive's words for a drive that ran out of ticks."""


class Criteria:
    """Runs all criteria tick by tick until the drive is over.

    Attributes:
        route_completion: per cent of the route.
        route_length_m: as the leaderboard measures it.
        terminated: the leaderboard's status text once the drive is over; None before.
        infractions: everything so far.
    """

    def __init__(
        self,
        track: RouteTrack,
        completion: RouteCompletion,
        others: Sequence[Criterion],
        max_ticks: int = 0,
    ) -> None:
        self.route_length_m = round(track.length_m, 3)
        self.terminated: str | None = None
        self.infractions: list[Infraction] = []
        self._completion = completion
        self._others = tuple(others)
        self._scenarios: dict[str, tuple[Criterion, ...]] = {}
        self._max_ticks = max_ticks
        self._ticks = 0

    @property
    def route_completion(self) -> float:
        """Per cent of the route, two decimals."""
        return self._completion.percent

    def update(self, truth: Truth) -> list[Infraction]:
        """New infractions of this tick; when it ends the drive, those of `finish` as well."""
        if self.terminated is not None:
            return []
        self._ticks += 1
        self._completion.update(truth)
        found = [item for criterion in self._watching for item in criterion.update(truth)]
        self.infractions.extend(found)
        for name, criteria in list(self._scenarios.items()):
            if any(criterion.is_over for criterion in criteria):
                found += self.end(name)
        ending = next((ENDINGS[item.kind] for item in found if item.kind in ENDINGS), "")
        if not ending and self._ticks == self._max_ticks:
            ending = TICK_LIMIT
        if self._completion.reached or ending:
            found = found + self.finish(ending)
        return found

    @property
    def _watching(self) -> list[Criterion]:
        """Criteria of the route, then those of the scenarios that run."""
        return [*self._others, *(item for items in self._scenarios.values() for item in items)]

    def begin(
        self, scenario: str, criteria: Sequence[Criterion], actor_ids: Sequence[int] = ()
    ) -> None:
        """A scenario starts: its criteria watch, and its actors are no background traffic.

        One with a time limit may hold the ego up: being blocked is no failure meanwhile
        (scenario_runner 94ff3b8, `atomic_behaviors.py`, `ScenarioTimeout`).

        Args:
            scenario: its name, unique among those that run.
            criteria: its own rules, such as `ScenarioTimeout`.
            actor_ids: actors that it brings along.

        Raises:
            ValueError: when a scenario of that name runs already.
        """
        if scenario in self._scenarios:
            raise ValueError(f"scenario {scenario!r} runs already; end it first")
        self._scenarios[scenario] = tuple(criteria)
        for criterion in self._others:
            if isinstance(criterion, MinSpeed):
                criterion.leave_out(actor_ids)
        if _has_timeout(criteria):
            self.switch(blocked=False)

    def end(self, scenario: str) -> list[Infraction]:
        """A scenario is over: what its criteria say at the end; nothing when it does not run."""
        criteria = self._scenarios.pop(scenario, ())
        if _has_timeout(criteria) and not any(map(_has_timeout, self._scenarios.values())):
            self.switch(blocked=True)
        found = [item for criterion in criteria for item in criterion.finish()]
        self.infractions.extend(found)
        return found

    def switch(self, *, wrong_direction: bool | None = None, blocked: bool | None = None) -> None:
        """Scenarios that force the ego to the other side, or to wait, switch rules off and on."""
        for criterion in self._others:
            if isinstance(criterion, OutsideRouteLanes) and wrong_direction is not None:
                criterion.switch_direction(on=wrong_direction)
            if isinstance(criterion, Blocked) and blocked is not None:
                criterion.switch(on=blocked)

    def finish(self, failure: str = "") -> list[Infraction]:
        """End the drive, and say what can only be said at the end.

        `update` calls this when the drive ends by itself; whoever stops it early calls it with the
        reason. Calling it again changes nothing.

        Args:
            failure: why the goal was not reached, without the leading `Failed - `.
        """
        if self.terminated is not None:
            return []
        found = [item for criterion in self._watching for item in criterion.finish()]
        self.infractions.extend(found)
        self.terminated = self._status(failure)
        return found

    def _status(self, failure: str) -> str:
        """The leaderboard's status text."""
        if self._completion.reached:
            return "Completed" if self.infractions else "Perfect"
        return f"Failed - {failure}" if failure else "Failed"


def _has_timeout(criteria: Sequence[Criterion]) -> bool:
    """Whether a scenario has a time limit."""
    return any(isinstance(criterion, ScenarioTimeout) for criterion in criteria)


def default_criteria(town: Town, route: Route, config: CriteriaConfig | None = None) -> Criteria:
    """The criteria that are always on in leaderboard 2.0, fresh for one drive.

    Source: leaderboard aec8131, `route_scenario.py`, `_create_test_criteria`, in its order.

    Raises:
        UserError: for a route without length, or with a speed limit of zero.
    """
    limits = config or CriteriaConfig()
    track = RouteTrack(route)
    driving = LaneFinder(town.lanes, LaneKind.DRIVING, route)
    parking = LaneFinder(town.lanes, LaneKind.PARKING, route)
    others: list[Criterion] = [
        OutsideRouteLanes(track, town.lanes, driving, parking),
        Collisions(),
        RedLight(town, driving),
        StopSign(town, driving, limits.stop_half_size_m),
        MinSpeed(track, limits.checkpoints, report_every_checkpoint=limits.report_every_checkpoint),
        RouteDeviation(track),
        Blocked(limits.blocked_s),
        RouteTimeout(track),
    ]
    return Criteria(track, RouteCompletion(track), others, limits.max_ticks)
