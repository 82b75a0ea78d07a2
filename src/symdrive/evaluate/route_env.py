"""`symdrive/Route-v0`: a route to drive, as a Gymnasium environment.

    import gymnasium
    env = gymnasium.make("symdrive/Route-v0")

The name is known wherever symdrive and `gymnasium` (extra `gym`) are installed. Beside
`evaluate.rollout` this is the only place that steps a world.
"""

import dataclasses
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium
import numba
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import register as register_env
from jaxtyping import Float, UInt8

from symdrive.core.errors import UserError
from symdrive.core.geometry import to_local
from symdrive.core.seeds import generator
from symdrive.evaluate.rewards import DEFAULT_REWARDS, Progress, Reward
from symdrive.features.config import NavigationConfig
from symdrive.features.navigation import NavigationState, Navigator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Command, Route, sparse_plan
from symdrive.scoring.criteria.bundle import Criteria, default_criteria
from symdrive.scoring.infraction import InfractionKind
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import TICK_S, Episode, TrafficConfig
from symdrive.world.control import Control
from symdrive.world.observation import Observation
from symdrive.world.rig import NANO_RIG, Rig
from symdrive.world.weather import DEFAULT_NAME, RANDOM_WEATHER, drawn_preset, named_weather

ENV_ID = "symdrive/Route-v0"

GROUND_M = 0.3
"""LiDAR points above it fill the second layer of the `lidar` grid, those below the first."""


@dataclass(frozen=True)
class RouteEnvConfig:
    """What is driven, what is seen, what is rewarded.

    Attributes:
        town: name or file.
        rig: sensors.
        traffic: how busy the town is.
        length_m: of the random routes.
        routes: to draw from; empty for a random route in each episode.
        ticks_per_step: ticks of 0.05 s that an action is held.
        max_steps: steps after which an episode is cut off; 0 leaves that to the route's time limit.
        navigation: which target points are shown (its `tick_s` follows `ticks_per_step`).
        lidar_cells: cells of the LiDAR grid along each axis.
        lidar_reach_m: half the side of the grid, the ego in its middle.
        rewards: terms whose sum is the reward.
        weather: name of the weather; `random` draws one of LEAD's for each episode.
        shadows: whether things cast shadows in cameras.
    """

    town: str = "alder"
    rig: Rig = NANO_RIG
    traffic: TrafficConfig = field(default_factory=TrafficConfig)
    length_m: float = 300.0
    routes: tuple[Route, ...] = ()
    ticks_per_step: int = 2
    max_steps: int = 0
    navigation: NavigationConfig = field(default_factory=NavigationConfig)
    lidar_cells: int = 64
    lidar_reach_m: float = 32.0
    rewards: tuple[Reward, ...] = DEFAULT_REWARDS
    weather: str = DEFAULT_NAME
    shadows: bool = False

    def __post_init__(self) -> None:
        """Refuse steps and grids of nothing."""
        if self.ticks_per_step < 1 or self.max_steps < 0:
            raise ValueError(
                f"ticks_per_step is {self.ticks_per_step}, at least 1; max_steps is"
                f" {self.max_steps}, at least 0"
            )
        if self.lidar_cells < 1 or not self.lidar_reach_m > 0.0 or not self.length_m > 0.0:
            raise ValueError(
                f"lidar_cells {self.lidar_cells}, lidar_reach_m {self.lidar_reach_m} and length_m"
                f" {self.length_m} are above zero"
            )


class RouteEnv(gymnasium.Env[dict[str, Any], np.ndarray]):
    """Drive a route among traffic.

    Action: steering (left positive) and pedal (throttle positive, brake negative), each in [-1, 1].

    Observation, a dict:
        `camera/NAME`  the picture of each camera, RGB bytes.
        `lidar`        points in a cell, at most 255: below and above 0.3 m; rows to the front,
                       columns to the left, the ego in the middle.
        `radar/NAME`   azimuth, altitude, depth, velocity of each detection, filled up with zeros.
        `speed`        m/s.
        `target`       the target point driven to and the one after it, x y in the ego frame, m.
        `command`      `Command` - 1.

    The episode of `reset(seed=s)` is the same wherever it is driven. `options` may hold a `route`
    of the town and a `seed` for traffic and noise. The rules are those of the leaderboard
    (`scoring.criteria`): an episode terminates when they end the route; `info` holds `status`,
    `route_completion` in percent, `infractions` of the step and `tick`.

    Args:
        config: what is driven; None for the defaults.
        render_mode: None or `rgb_array` (the picture of the rig's first camera).

    Raises:
        UserError: for an unknown town or weather, a render mode that is none, or routes of another
            town.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, config: RouteEnvConfig | None = None, render_mode: str | None = None
    ) -> None:
        self.config = config or RouteEnvConfig()
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UserError(f"render_mode is {render_mode!r}; None or 'rgb_array'.")
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": round(1 / self._step_s)}
        town = open_town(self.config.town)
        strangers = sorted({route.town for route in self.config.routes} - {town.name})
        if strangers:
            raise UserError(f"routes are for {', '.join(strangers)}, but the town is {town.name}.")
        drawn = self.config.weather == RANDOM_WEATHER
        self._weather = None if drawn else named_weather(self.config.weather)
        self.world = EmbeddedWorld(town, self.config.rig, shadows=self.config.shadows)
        self._network = Network(town)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = spaces.Dict(_spaces(self.config))
        self._judge: Criteria | None = None
        self._navigator: Navigator | None = None
        self._length_m, self._steps = 0.0, 0

    @property
    def _step_s(self) -> float:
        return self.config.ticks_per_step * TICK_S

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new episode; see the class."""
        super().reset(seed=seed)
        wanted = options or {}
        drawn = int(self.np_random.integers(1 << 31)) if seed is None else seed
        route, run_seed = wanted.get("route") or self._draw_route(drawn), wanted.get("seed", drawn)
        weather = self._weather or drawn_preset(int(run_seed), route.route_id).weather
        episode = Episode(route, int(run_seed), self.config.traffic, weather)
        self.world.reset(episode)
        self._judge = default_criteria(self.world.town, episode.route)
        navigation = dataclasses.replace(self.config.navigation, tick_s=self._step_s)
        self._navigator = Navigator(sparse_plan(episode.route), navigation)
        self._length_m, self._steps = episode.route.length_m, 0
        return self._shown(), self._info(None, ())

    def step(
        self, action: Float[np.ndarray, " 2"]
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Hold an action for `ticks_per_step` ticks, or until the route is over."""
        judge, control = self._running(), _control(action)
        driven, found = judge.route_completion, list[InfractionKind]()
        for _ in range(self.config.ticks_per_step):
            self.world.step(control)
            found += [infraction.kind for infraction in judge.update(self.world.truth())]
            if judge.terminated is not None:
                break
        self._steps += 1
        share = (judge.route_completion - driven) / 100.0
        progress = Progress(share * self._length_m, tuple(found), judge.terminated)
        reward = float(sum(term(progress) for term in self.config.rewards))
        over = judge.terminated is not None
        cut = not over and 0 < self.config.max_steps <= self._steps
        return self._shown(), reward, over, cut, self._info(judge.terminated, tuple(found))

    def render(self) -> UInt8[np.ndarray, "height width 3"] | None:
        """The picture of the first camera; None for a rig without one or without a render mode."""
        images = list(self.world.observe().images.values())
        return images[0] if images and self.render_mode == "rgb_array" else None

    def _running(self) -> Criteria:
        """The judge of the episode that is under way."""
        if self._judge is None or self._judge.terminated is not None:
            raise gymnasium.error.ResetNeeded("no route is being driven; call reset() first")
        return self._judge

    def _draw_route(self, seed: int) -> Route:
        """One of the given routes, or a random one."""
        rng = generator(seed, "route")
        if self.config.routes:
            return self.config.routes[int(rng.integers(len(self.config.routes)))]
        return self._network.random_route(rng, self.config.length_m, f"random_{seed}")

    def _shown(self) -> dict[str, Any]:
        """The observation of now."""
        seen = self.world.observe()
        if self._navigator is None:
            raise gymnasium.error.ResetNeeded("no route is being driven; call reset() first")
        where = self._navigator.step(seen.position, seen.yaw, seen.speed_mps)
        return encode(seen, where, self.config)

    def _info(self, status: str | None, found: tuple[InfractionKind, ...]) -> dict[str, Any]:
        return {
            "tick": self.world.tick,
            "status": status or "",
            "route_completion": 0.0 if self._judge is None else self._judge.route_completion,
            "infractions": tuple(kind.value for kind in found),
        }


def _control(action: Float[np.ndarray, " 2"]) -> Control:
    """Steering and pedal as a control; what lies beyond the ends is cut off."""
    if not np.isfinite(action).all():
        raise ValueError(f"action {action} is not finite")
    steer, pedal = np.clip(action, -1.0, 1.0).tolist()
    return Control(steer=steer, throttle=max(pedal, 0.0), brake=max(-pedal, 0.0))


def _spaces(config: RouteEnvConfig) -> dict[str, spaces.Space[Any]]:
    """What `encode` makes."""
    found: dict[str, spaces.Space[Any]] = {
        f"camera/{c.name}": spaces.Box(0, 255, (c.height, c.width, 3), np.uint8)
        for c in config.rig.cameras
    }
    if config.rig.lidars:
        shape = (2, config.lidar_cells, config.lidar_cells)
        found["lidar"] = spaces.Box(0, 255, shape, np.uint8)
    for radar in config.rig.radars:
        shape = (radar.points, 4)
        found[f"radar/{radar.name}"] = spaces.Box(-np.inf, np.inf, shape, np.float32)
    found["speed"] = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    found["target"] = spaces.Box(-np.inf, np.inf, (2, 2), np.float32)
    found["command"] = spaces.Discrete(len(Command))
    return found


def encode(seen: Observation, where: NavigationState, config: RouteEnvConfig) -> dict[str, Any]:
    """One observation as the dict of the environment."""
    found: dict[str, Any] = {f"camera/{name}": image for name, image in seen.images.items()}
    if config.rig.lidars:
        found["lidar"] = lidar_grid(seen.lidar, config.lidar_cells, config.lidar_reach_m)
    for radar in config.rig.radars:
        rows = np.zeros((radar.points, 4), dtype=np.float32)
        points = seen.radar[radar.name]
        rows[: len(points)] = points
        found[f"radar/{radar.name}"] = rows
    found["speed"] = np.array([seen.speed_mps], dtype=np.float32)
    ahead = to_local(where.target_points[1:], where.position, seen.yaw)
    found["target"] = ahead.astype(np.float32)
    found["command"] = int(where.command) - 1
    return found


def lidar_grid(
    points: Float[np.ndarray, "point 4"], cells: int, reach_m: float
) -> UInt8[np.ndarray, "2 cells cells"]:
    """Points in each cell, at most 255; layers below and above `GROUND_M`."""
    at = np.floor((points[:, :2] + reach_m) * (cells / (2.0 * reach_m))).astype(np.int64)
    inside = ((at >= 0) & (at < cells)).all(axis=1)
    layer = (points[inside, 2] > GROUND_M).astype(np.int64)
    flat = (layer * cells + at[inside, 0]) * cells + at[inside, 1]
    counts = np.bincount(flat, minlength=2 * cells * cells)
    return np.minimum(counts, 255).astype(np.uint8).reshape(2, cells, cells)


def _alone(config: RouteEnvConfig, threads: int) -> RouteEnv:
    """An environment in a worker process, with its share of the cores."""
    if multiprocessing.parent_process() is not None:
        numba.set_num_threads(threads)
    return RouteEnv(config)


def vector_env(
    num_envs: int, config: RouteEnvConfig | None = None
) -> gymnasium.vector.AsyncVectorEnv:
    """Environments in worker processes that step side by side and share the cores.

    Fresh processes, for numba and Embree do not survive a fork; keep the call below
    `if __name__ == "__main__":` in a script.

    Args:
        num_envs: processes.
        config: of each of them; episodes differ by their seeds.

    Raises:
        ValueError: for less than one.
    """
    if num_envs < 1:
        raise ValueError(f"num_envs is {num_envs}; at least 1")
    threads = max(1, min(numba.get_num_threads(), (os.cpu_count() or 1) // num_envs))
    make: Callable[[], RouteEnv] = partial(_alone, config or RouteEnvConfig(), threads)
    return gymnasium.vector.AsyncVectorEnv([make] * num_envs, context="spawn")


def register() -> None:
    """Make the name known to Gymnasium; its plug-in mechanism calls this."""
    if ENV_ID not in gymnasium.registry:
        register_env(ENV_ID, entry_point="symdrive.evaluate.route_env:RouteEnv")
