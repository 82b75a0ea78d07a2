"""Drivers to compare with."""

import numpy as np

from symdrive.core.geometry import to_local
from symdrive.expert.path import DensePath, dense_path
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.backend import TICK_S
from symdrive.world.control import Control, Plan
from symdrive.world.controllers import LateralController, LongitudinalController
from symdrive.world.driver import Oracle
from symdrive.world.visible import Visible

_AIM_M = np.arange(0.5, 14.1, 0.5)


class BlindRoute(Oracle):
    """Follows the route at one speed and reacts to nothing: what a score is worth by itself."""

    speed_mps: float = 5.0

    def __init__(self) -> None:
        self._path: DensePath | None = None
        self._s_m = 0.0
        self._lateral = LateralController()
        self._longitudinal = LongitudinalController()

    def reset(self, town: Town, route: Route, seed: int) -> None:  # noqa: ARG002  nothing is random
        """A new route."""
        self._path = dense_path(town, route)
        self._s_m = 0.0
        self._lateral.reset()
        self.plan = None

    def act(self, visible: Visible) -> Control:
        """Drive one tick.

        Raises:
            RuntimeError: when it was not reset with a route.
        """
        if self._path is None:
            raise RuntimeError("the driver needs a route: call reset first")
        actors = visible.actors
        position, yaw = actors.position[0, :2].astype(np.float64), float(actors.yaw[0])
        speed = float(actors.speed[0])
        self._s_m = self._path.advance(self._s_m, position)
        aim = to_local(self._path.at(self._s_m + _AIM_M)[0], position, yaw)
        ahead = to_local(self._path.at(self._s_m + 2.5 + np.arange(20.0))[0], position, yaw)
        self.plan = Plan(ahead, np.zeros((0, 2)), self.speed_mps, reason="blind")
        throttle, brake = self._longitudinal.step(speed, self.speed_mps, brake=False)
        steer = self._lateral.step(aim, speed, TICK_S)
        return Control(steer=steer, throttle=throttle, brake=brake)
