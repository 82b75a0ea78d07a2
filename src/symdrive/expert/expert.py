"""The rule expert: what LEAD's privileged driver does, as a list of hazards and a minimum."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import to_local
from symdrive.expert.arbitration import Limit, strictest
from symdrive.expert.bound import BoundConfig, bend_profile, speed_bound
from symdrive.expert.creep import SOFT_REASONS, CreepConfig, may_creep
from symdrive.expert.hazards.collision import Collision
from symdrive.expert.hazards.exits import BlockedExit
from symdrive.expert.hazards.hazard import Hazard
from symdrive.expert.hazards.leader import Leader
from symdrive.expert.hazards.lights import Lights
from symdrive.expert.hazards.obstacle import Obstacle
from symdrive.expert.hazards.pedestrians import Pedestrians
from symdrive.expert.hazards.right_of_way import RightOfWay
from symdrive.expert.hazards.stop_signs import StopSigns
from symdrive.expert.scene import ForecastConfig, Itinerary, Memory, build_scene, plan_itinerary
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.backend import TICK_S
from symdrive.world.control import Control, Plan
from symdrive.world.controllers import (
    EXPERT_LATERAL,
    GRADED_PEDALS,
    LateralController,
    LateralParameters,
    LongitudinalController,
    LongitudinalParameters,
)
from symdrive.world.driver import Oracle
from symdrive.world.visible import Visible

ROUTE_POINTS = 20
ROUTE_FIRST_M = 2.5
"""The plan's route: 20 points, the first 2.5 m ahead, then every metre (LEAD stores 50, students
are taught 10)."""

_STEER_POINTS_M = np.arange(0.5, 14.1, 0.5)


def default_hazards() -> tuple[Hazard, ...]:
    """Every rule, in the order in which equal limits are reported."""
    return (
        Pedestrians(),
        Lights(),
        StopSigns(),
        Collision(),
        RightOfWay(),
        BlockedExit(),
        Leader(),
        Obstacle(),
    )


GOT_AHEAD_M = 2.0
"""Way that ends a wait."""


@dataclass(frozen=True)
class ExpertConfig:
    """How the expert drives.

    Attributes:
        hazards: rules that may lower the speed.
        bound: speed on a free road.
        forecast: horizon and margins of the collision forecast.
        creep: how to leave a standstill without end.
        steering: gains of the wheel.
        pedals: rule of the pedals.
        stop_s: how long to stand at a stop sign.
        stop_m: how near to its line that must be.
        standing_mps: a slower car stands.
    """

    hazards: tuple[Hazard, ...] = field(default_factory=default_hazards)
    bound: BoundConfig = field(default_factory=BoundConfig)
    forecast: ForecastConfig = field(default_factory=ForecastConfig)
    creep: CreepConfig = field(default_factory=CreepConfig)
    steering: LateralParameters = EXPERT_LATERAL
    pedals: LongitudinalParameters = GRADED_PEDALS
    stop_s: float = 1.3
    stop_m: float = 3.0
    standing_mps: float = 0.1


class RuleExpert(Oracle):
    """Follows the dense route and obeys the strictest hazard."""

    def __init__(self, config: ExpertConfig | None = None) -> None:
        self.config = config or ExpertConfig()
        self._itinerary: Itinerary | None = None
        self._bends: Float[np.ndarray, " point"] = np.zeros(0)
        self._memory = Memory()
        self._limits: tuple[Limit, ...] = ()
        self._lateral = LateralController(self.config.steering)
        self._longitudinal = LongitudinalController(self.config.pedals)

    def reset(self, town: Town, route: Route, seed: int) -> None:  # noqa: ARG002  nothing is random
        """Prepare a route and forget the last one."""
        self._itinerary = plan_itinerary(town, route)
        self._bends = bend_profile(self._itinerary.path, self.config.bound)
        self._memory = Memory()
        self._limits = ()
        self._lateral.reset()
        self.plan = None

    def explain(self) -> tuple[Limit, ...]:
        """What every rule said in the last tick, the free-road bound first."""
        return self._limits

    def act(self, visible: Visible) -> Control:
        """Drive one tick.

        Raises:
            RuntimeError: when it was not reset with a route.
        """
        if self._itinerary is None:
            raise RuntimeError("the expert needs a route: call reset first")
        path = self._itinerary.path
        memory = self._remember(visible, self._itinerary)
        bound = speed_bound(visible, path, self._bends, memory.s_m, self.config.bound)
        scene = build_scene(visible, self._itinerary, memory, bound.speed_mps, self.config.forecast)
        self._limits = (bound, *(hazard(scene) for hazard in self.config.hazards))
        chosen = strictest(self._limits)
        if may_creep(scene, chosen, self.config.creep):
            chosen = Limit(self.config.creep.speed_mps, "creep")
        control = self._control(visible, path.at(memory.s_m + _STEER_POINTS_M)[0], chosen)
        ahead = memory.s_m + ROUTE_FIRST_M + np.arange(float(ROUTE_POINTS))
        self.plan = Plan(
            route=_ego_frame(visible, path.at(ahead)[0]),
            waypoints=np.zeros((0, 2)),
            target_speed_mps=chosen.speed_mps,
            brake=chosen.brake,
            reason=chosen.reason,
        )
        return control

    def _remember(self, visible: Visible, itinerary: Itinerary) -> Memory:
        """Progress, time stood, stop signs obeyed."""
        actors = visible.actors
        old = self._memory
        s_m = itinerary.path.advance(old.s_m, actors.position[0, :2].astype(np.float64))
        stands = abs(float(actors.speed[0])) < self.config.standing_mps
        standing_s = old.standing_s + TICK_S if stands else 0.0
        cleared = old.cleared
        if standing_s > self.config.stop_s:
            front = s_m + float(actors.half_extent[0, 0])
            cleared |= {
                number
                for number, line in enumerate(itinerary.stop_signs)
                if abs(line.s_m - front) < self.config.stop_m
            }
        waiting_s, waiting_from_m = old.waiting_s, old.waiting_from_m
        if s_m - waiting_from_m > GOT_AHEAD_M:
            waiting_s, waiting_from_m = 0.0, s_m
        elif self.plan is not None and self.plan.reason in SOFT_REASONS:
            waiting_s += TICK_S
        creep = self.config.creep
        creep_to_m = s_m + creep.length_m if waiting_s > creep.after_s else old.creep_to_m
        self._memory = Memory(s_m, standing_s, cleared, creep_to_m, waiting_s, waiting_from_m)
        return self._memory

    def _control(
        self, visible: Visible, aim_world: Float[np.ndarray, "point 2"], chosen: Limit
    ) -> Control:
        """Wheel and pedals."""
        speed = float(visible.actors.speed[0])
        steer = self._lateral.step(_ego_frame(visible, aim_world), speed, TICK_S)
        throttle, brake = self._longitudinal.step(speed, chosen.speed_mps, brake=chosen.brake)
        return Control(steer=steer, throttle=throttle, brake=brake)


def _ego_frame(visible: Visible, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """World points in the frame of the ego."""
    actors = visible.actors
    return to_local(points, actors.position[0, :2], float(actors.yaw[0]))
