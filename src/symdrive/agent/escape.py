"""Getting free: back off from what the guard stands before, and go round it.

A student that drifts towards a row of parked cars stops behind one of them, and from there no
steering leads past it. The leaderboard ends such a drive after three minutes (`Agent got blocked`).
A person backs off a few metres and goes round; so does this rule, where the LiDAR sees room for it.
"""

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from jaxtyping import Float

from symdrive.agent.guard import Guard
from symdrive.world.control import Control, Plan


@dataclass(frozen=True)
class Escape:
    """When to get free, and how.

    Attributes:
        after_s: standing time before an obstacle after which it looks for a way round.
        offsets_m: how far it may go off the planned path, nearest first; to both sides.
        margin_m: how much farther than the nearest free path it goes, for it steers inexactly.
        back_m: how far it backs off.
        behind_m: room that it leaves to what is behind.
        back_throttle: pedal while it backs off.
        back_mps: it backs off no faster.
        round_m: way on the displaced path before it trusts the plan again.
        ramp_m: way in which the displaced path leaves the planned one.
        round_mps: it goes round no faster.
    """

    after_s: float = 5.0
    offsets_m: tuple[float, ...] = (0.5, 0.9, 1.3)
    margin_m: float = 0.25
    back_m: float = 4.5
    behind_m: float = 1.5
    back_throttle: float = 0.4
    back_mps: float = 1.5
    round_m: float = 18.0
    ramp_m: float = 5.0
    round_mps: float = 2.5

    def __post_init__(self) -> None:
        """Distances, times and speeds are above zero."""
        values = (self.after_s, self.back_m, self.back_mps, self.round_m, self.ramp_m)
        if (
            min(*values, self.round_mps, *self.offsets_m) <= 0
            or min(self.behind_m, self.margin_m) < 0
        ):
            raise ValueError(f"times, distances and speeds are above zero: {self}")
        if not 0.0 < self.back_throttle <= 1.0:
            raise ValueError(f"the throttle is in (0, 1]: {self}")


class _Phase(Enum):
    """What it is doing."""

    DRIVE = auto()
    BACK = auto()
    ROUND = auto()


class EscapeRule:
    """Remembers how long the car has stood, and which way round it goes.

    Args:
        config: when and how.
        guard: says which paths are free.
        tick_s: length of a tick.
    """

    def __init__(self, config: Escape, guard: Guard, tick_s: float) -> None:
        self._config, self._guard, self._tick_s = config, guard, tick_s
        self._phase = _Phase.DRIVE
        self._standing_s, self._gone_m, self._offset_m = 0.0, 0.0, 0.0

    def bend(self, plan: Plan) -> Plan:
        """The plan, or the way round on the displaced path."""
        if self._phase is not _Phase.ROUND:
            return plan
        target = min(plan.target_speed_mps, self._config.round_mps)
        route = displaced(plan.route, self._offset_m, self._config.ramp_m, self._gone_m)
        return replace(plan, route=route, target_speed_mps=target, reason="round")

    def step(
        self,
        wanted: Control,
        plan: Plan,
        lidar: Float[np.ndarray, "point 4"],
        speed_mps: float,
        *,
        held: bool,
    ) -> Control:
        """The wanted control, or that of backing off.

        Args:
            wanted: of the tick.
            plan: of the network.
            lidar: x, y, z, intensity of the returns, ego frame, m.
            speed_mps: speedometer, negative backwards.
            held: whether the guard stops the car though the network wants to go.
        """
        self._gone_m += abs(speed_mps) * self._tick_s
        standing = held and abs(speed_mps) < 0.1
        self._standing_s = self._standing_s + self._tick_s if standing else 0.0
        if self._phase is _Phase.BACK:
            return self._back(lidar, speed_mps)
        if self._phase is _Phase.ROUND and self._gone_m > self._config.round_m:
            self._enter(_Phase.DRIVE)
        if self._standing_s >= self._config.after_s:
            self._look(plan, lidar)
        return wanted

    def _look(self, plan: Plan, lidar: Float[np.ndarray, "point 4"]) -> None:
        """Begin to back off where there is a way round; else look again after as long."""
        self._enter(_Phase.DRIVE)
        if self._room_behind_m(lidar) < self._config.behind_m:
            return
        for offset_m in self._config.offsets_m:
            for side in (offset_m, -offset_m):
                if math.isinf(self._guard.free_m(lidar, displaced(plan.route, side, 0.0))):
                    self._enter(_Phase.BACK)
                    self._offset_m = side + math.copysign(self._config.margin_m, side)
                    return

    def _back(self, lidar: Float[np.ndarray, "point 4"], speed_mps: float) -> Control:
        """Straight back, until it is far enough or something is behind."""
        self._standing_s = self._standing_s + self._tick_s if abs(speed_mps) < 0.1 else 0.0
        blocked = self._room_behind_m(lidar) < self._config.behind_m
        stuck = self._standing_s >= self._config.after_s
        if blocked or stuck or self._gone_m >= self._config.back_m:
            self._enter(_Phase.ROUND)
            return Control(brake=1.0)
        fast = abs(speed_mps) > self._config.back_mps
        return Control(throttle=0.0 if fast else self._config.back_throttle, reverse=True)

    def _room_behind_m(self, lidar: Float[np.ndarray, "point 4"]) -> float:
        """Distance from the rear bumper to the nearest obstacle, m."""
        turned = lidar.copy()
        turned[:, :2] *= -1.0
        reach = self._guard.front_m + self._config.back_m + self._config.behind_m
        return self._guard.free_m(turned, np.array([[1.0, 0.0], [reach, 0.0]]))

    def _enter(self, phase: _Phase) -> None:
        """Begin a phase."""
        self._phase = phase
        self._standing_s, self._gone_m = 0.0, 0.0


def displaced(
    route: Float[np.ndarray, "n 2"], offset_m: float, ramp_m: float, gone_m: float = 0.0
) -> Float[np.ndarray, "n 2"]:
    """The path beside a path.

    Args:
        route: planned path, ego frame, m, in driving order.
        offset_m: to the left.
        ramp_m: way in which the displacement grows from 0; 0 for at once.
        gone_m: how much of that way lies behind the ego.
    """
    points = np.concatenate([np.zeros((1, 2)), route])
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    along = np.cumsum(lengths)
    tangents = steps / np.maximum(lengths, 1e-6)[:, None]
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)
    share = np.clip((gone_m + along) / ramp_m, 0.0, 1.0) if ramp_m > 0.0 else np.ones(len(route))
    smooth = share * share * (3.0 - 2.0 * share)
    return route + normals * (offset_m * smooth)[:, None]
