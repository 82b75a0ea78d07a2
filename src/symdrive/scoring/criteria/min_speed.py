"""Driving more slowly than the traffic around.

Source: scenario_runner 94ff3b8, `MinimumSpeedRouteTest`. CARLA's background traffic are the
vehicles of role `background`; here, all that are neither the ego nor parked nor part of a scenario.
"""

from collections.abc import Iterable

import numpy as np

from symdrive.scoring.criteria.criterion import Criterion, ego_of
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.catalogue import VEHICLE_KINDS
from symdrive.world.truth import Truth

WINDOW = 2
LAST_PART_DONE = 0.95

_VEHICLES = np.isin(np.arange(64), [int(kind) for kind in VEHICLE_KINDS])


class MinSpeed(Criterion):
    """Compares mean speeds on each of `checkpoints` equal parts of the route.

    Attributes:
        values: per cent of the traffic's mean speed, for each part so far.
    """

    def __init__(
        self, track: RouteTrack, checkpoints: int, *, report_every_checkpoint: bool = False
    ) -> None:
        self.values: list[float] = []
        self._track = track
        self._part_m = track.length_m / checkpoints
        self._report_all = report_every_checkpoint
        self._index = 0
        self._part_from_m = 0.0
        self._ego_sum = 0.0
        self._traffic_sum = 0.0
        self._ticks = 0
        self._latest: Truth | None = None
        self._in_scenarios: frozenset[int] = frozenset()

    def leave_out(self, actor_ids: Iterable[int]) -> None:
        """Actors of scenarios are no background traffic, not even when their scenario is over."""
        self._in_scenarios |= frozenset(actor_ids)

    def update(self, truth: Truth) -> list[Infraction]:
        """Close a part where one ends, then add this tick's speeds."""
        self._latest = truth
        ego = ego_of(truth)
        self._index = self._track.last_passed(self._index, WINDOW, *ego.position)
        found: list[Infraction] = []
        driven_m = self._track.driven_m[self._index]
        if driven_m - self._part_from_m > self._part_m:
            found = self._close(truth)
            self._part_from_m = driven_m
            self._ego_sum, self._traffic_sum, self._ticks = 0.0, 0.0, 0
        actors = truth.actors
        moving = _VEHICLES[actors.kind] & ~actors.parked
        moving[0] = False
        if self._in_scenarios:
            moving &= ~np.isin(actors.actor_id, list(self._in_scenarios))
        speeds = np.abs(actors.speed[moving])
        if len(speeds):
            self._traffic_sum += float(speeds.mean())
            self._ego_sum += abs(ego.speed)
            self._ticks += 1
        return found

    def finish(self) -> list[Infraction]:
        """Close the last part, if nearly all of the route is done."""
        done = self._track.driven_m[self._index] / self._track.length_m
        if self._latest is None or done <= LAST_PART_DONE:
            return []
        return self._close(self._latest)

    def _close(self, truth: Truth) -> list[Infraction]:
        """The ratio of a part; no traffic, no demand."""
        value, text = 100.0, "100"
        if self._ticks and self._traffic_sum:
            value = round(self._ego_sum / self._traffic_sum * 100.0, 2)
            text = str(value)
        self.values.append(value)
        if value >= 100.0 and not self._report_all:
            return []
        message = f"Average speed is {text}% of the surrounding traffic's one"
        x, y, z = ego_of(truth).position
        return [
            Infraction(
                InfractionKind.MIN_SPEED,
                truth.tick,
                truth.time_s,
                (x, y, z),
                message,
                percentage=value,
            )
        ]
