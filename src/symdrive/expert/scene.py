"""One tick as hazards see it: everything in coordinates of the path, forecasts included."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from symdrive.core.geometry import box_corners, wrap_angle
from symdrive.expert.crossings import JunctionPass, junction_passes
from symdrive.expert.forecast import (
    STEP_S,
    Boxes,
    LaneArrays,
    PathArrays,
    first_touch,
    lane_arrays,
    project,
)
from symdrive.expert.landmarks import StopLine, signal_lines, stop_sign_lines
from symdrive.expert.path import DensePath, dense_path
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.catalogue import ActorKind
from symdrive.world.truth import Actors, SignalState
from symdrive.world.visible import Visible

_BEHIND_M, _AHEAD_M = 20.0, 90.0
_FULL_THROTTLE_MPS2 = 4.5
_EASE_MPS2 = 2.0


@dataclass(frozen=True)
class ForecastConfig:
    """Horizon and margins of the collision forecast.

    Source: kesai-labs/lead 4489176, `config_expert.py` (all but the exact ones).

    Attributes:
        horizon_s: how far ahead.
        lane_change_horizon_s: how far ahead around a lane change.
        ego_growth: factors on the ego's length and width at `fast_mps` and above.
        fast_mps: speed from which the ego's box grows.
        vehicle_growth: factors on moving vehicles at the horizon.
        lane_change_length: factor on the length of vehicles around a lane change.
        walker_half_extent_m: walkers are at least this large.
        exact_walker_half_extent_m: the same for a driver without wide margins.
    """

    horizon_s: float = 2.0
    lane_change_horizon_s: float = 1.1
    ego_growth: tuple[float, float] = (1.3, 1.2)
    fast_mps: float = 5.0
    vehicle_growth: tuple[float, float] = (1.2, 1.3)
    lane_change_length: float = 2.0
    walker_half_extent_m: float = 1.0
    exact_walker_half_extent_m: float = 0.5


@dataclass(frozen=True)
class Itinerary:
    """What is known of a route before the drive begins."""

    path: DensePath
    path_arrays: PathArrays
    lanes: LaneArrays
    lights: tuple[StopLine, ...]
    stop_signs: tuple[StopLine, ...]
    junctions: tuple[JunctionPass, ...]


def plan_itinerary(town: Town, route: Route) -> Itinerary:
    """Prepare a route; the slow part of the expert, done once."""
    path = dense_path(town, route)
    return Itinerary(
        path=path,
        path_arrays=PathArrays(
            np.ascontiguousarray(path.xy[:, 0]), np.ascontiguousarray(path.xy[:, 1]), path.yaw
        ),
        lanes=lane_arrays(town),
        lights=signal_lines(town, path),
        stop_signs=stop_sign_lines(town, path),
        junctions=junction_passes(town, path),
    )


@dataclass(frozen=True)
class Memory:
    """What the expert remembers between ticks.

    Attributes:
        s_m: progress along the path.
        standing_s: how long the ego has stood.
        cleared: stop signs (by their place in the itinerary) that have been obeyed.
        creep_to_m: progress up to which the ego may creep after a long standstill.
        waiting_s: how long right of way and the like have held the ego without its getting ahead;
            lights do not count, and a start that is broken off at once does not end it.
        waiting_from_m: progress at which that began.
    """

    s_m: float = 0.0
    standing_s: float = 0.0
    cleared: frozenset[int] = frozenset()
    creep_to_m: float = 0.0
    waiting_s: float = 0.0
    waiting_from_m: float = 0.0


@dataclass(frozen=True)
class Others:
    """Everybody but the ego, relative to the path.

    Attributes:
        actors: rows as in `Visible.actors[1:]`.
        s_m: distance of the box centre along the path.
        d_m: its offset to the left of the path.
        s_span_m: nearest and farthest corner along the path.
        d_span_m: rightmost and leftmost corner.
        turn: heading relative to the path, rad.
        along_mps: speed along the path.
        aside_mps: speed to the left of the path.
        touch_s: seconds until the forecasts of its box and the ego's touch; infinity for never.
        walker: it is a pedestrian.
        bicycle: it is a bicycle.
        vehicle: it is a vehicle of any kind.
    """

    actors: Actors
    s_m: Float[np.ndarray, " other"]
    d_m: Float[np.ndarray, " other"]
    s_span_m: Float[np.ndarray, "other 2"]
    d_span_m: Float[np.ndarray, "other 2"]
    turn: Float[np.ndarray, " other"]
    along_mps: Float[np.ndarray, " other"]
    aside_mps: Float[np.ndarray, " other"]
    touch_s: Float[np.ndarray, " other"]
    walker: Bool[np.ndarray, " other"]
    bicycle: Bool[np.ndarray, " other"]
    vehicle: Bool[np.ndarray, " other"]

    def __len__(self) -> int:
        """How many."""
        return len(self.s_m)


@dataclass(frozen=True)
class Scene:
    """What a hazard judges.

    Attributes:
        visible: what alignment left of the truth.
        itinerary: path and landmarks.
        memory: what the expert remembers.
        others: everybody else.
        speed_mps: of the ego, never negative.
        half_length_m: of the ego.
        half_width_m: of the ego.
        wanted_mps: speed on a free road here; above zero.
        changes_lane: a lane change is near.
    """

    visible: Visible
    itinerary: Itinerary
    memory: Memory
    others: Others
    speed_mps: float
    half_length_m: float
    half_width_m: float
    wanted_mps: float
    changes_lane: bool

    @property
    def s_m(self) -> float:
        """Progress of the ego's centre along the path."""
        return self.memory.s_m

    @property
    def front_s_m(self) -> float:
        """Progress of the ego's front bumper."""
        return self.memory.s_m + self.half_length_m

    @property
    def wide(self) -> bool:
        """Whether to keep the wide margins of alignment."""
        return self.visible.caution.wide_margins

    def in_corridor(self, margin_m: float) -> Bool[np.ndarray, " other"]:
        """Whose box reaches into the strip that the ego will sweep, ahead of its centre."""
        half = self.half_width_m + margin_m
        others = self.others
        inside = (others.d_span_m[:, 0] < half) & (others.d_span_m[:, 1] > -half)
        return inside & (others.s_m > self.s_m) & (others.s_m < self.s_m + _AHEAD_M - 5.0)


def near_lane_change(path: DensePath, s_m: float, speed_mps: float) -> bool:
    """A lane change between 15 m behind and a stopping distance ahead.

    Source: kesai-labs/lead 4489176, `expert.py`: 20 m, or 10 m plus half the square of a tenth of
    the speed in km/h.
    """
    ahead = max(20.0, 10.0 + (speed_mps * 0.36) ** 2 / 2.0)
    window = path.changes_lane[path.index(s_m - 15.0) : path.index(s_m + ahead) + 1]
    return bool(window.any())


def build_scene(
    visible: Visible,
    itinerary: Itinerary,
    memory: Memory,
    wanted_mps: float,
    config: ForecastConfig,
) -> Scene:
    """Project everybody on the path and forecast them.

    Args:
        visible: this tick.
        itinerary: the prepared route.
        memory: with the progress of this tick.
        wanted_mps: speed on a free road here, above zero.
        config: margins of the forecast.
    """
    actors = visible.actors
    half_length, half_width = float(actors.half_extent[0, 0]), float(actors.half_extent[0, 1])
    speed = max(0.0, float(actors.speed[0]))
    changes = near_lane_change(itinerary.path, memory.s_m, speed)
    others = actors.rows(np.arange(1, len(actors)))
    where = _where(itinerary, memory.s_m, others)
    scene = Scene(
        visible=visible,
        itinerary=itinerary,
        memory=memory,
        others=where,
        speed_mps=speed,
        half_length_m=half_length,
        half_width_m=half_width,
        wanted_mps=wanted_mps,
        changes_lane=changes,
    )
    return replace(scene, others=replace(where, touch_s=_touch_times(scene, config)))


def _where(itinerary: Itinerary, s_m: float, others: Actors) -> Others:
    """Path coordinates of all boxes."""
    path = itinerary.path
    center = others.position[:, :2]
    corners = box_corners(center, others.yaw, others.half_extent[:, :2])
    points = np.concatenate([center[:, None], corners], axis=1).astype(np.float64)
    window = (path.index(s_m - _BEHIND_M), path.index(s_m + _AHEAD_M) + 1)
    sd = project(itinerary.path_arrays, window, path.step_m, points)
    row = np.clip((sd[:, 0, 0] / path.step_m).astype(np.int64), 0, len(path) - 1)
    turn = wrap_angle(others.yaw - path.yaw[row])
    kind = others.kind
    return Others(
        actors=others,
        s_m=sd[:, 0, 0],
        d_m=sd[:, 0, 1],
        s_span_m=np.stack([sd[..., 0].min(axis=1), sd[..., 0].max(axis=1)], axis=1),
        d_span_m=np.stack([sd[..., 1].min(axis=1), sd[..., 1].max(axis=1)], axis=1),
        turn=turn,
        along_mps=others.speed * np.cos(turn),
        aside_mps=others.speed * np.sin(turn),
        touch_s=np.full(len(others), np.inf),
        walker=kind == ActorKind.PEDESTRIAN,
        bicycle=kind == ActorKind.BICYCLE,
        vehicle=(kind != ActorKind.PEDESTRIAN) & (kind != ActorKind.PROP),
    )


def _touch_times(scene: Scene, config: ForecastConfig) -> Float[np.ndarray, " other"]:
    """When each box touches the ego's."""
    actors = scene.others.actors
    if len(actors) == 0:
        return np.zeros(0)
    horizon = config.lane_change_horizon_s if scene.changes_lane else config.horizon_s
    growth = config.ego_growth if scene.wide and scene.speed_mps >= config.fast_mps else (1.0, 1.0)
    half = np.array(actors.half_extent[:, :2])
    least = config.walker_half_extent_m if scene.wide else config.exact_walker_half_extent_m
    walker = scene.others.walker
    half[walker] = np.maximum(half[walker], least)
    return first_touch(
        scene.itinerary.lanes,
        ego_forecast(scene, horizon),
        (scene.half_length_m * growth[0], scene.half_width_m * growth[1]),
        Boxes(
            x=actors.position[:, 0].astype(np.float64),
            y=actors.position[:, 1].astype(np.float64),
            yaw=actors.yaw.astype(np.float64),
            speed=actors.speed.astype(np.float64),
            yaw_rate=actors.yaw_rate.astype(np.float64),
            acceleration=actors.acceleration.astype(np.float64),
            half=half.astype(np.float64),
            growth=_growth(scene, config),
            lane=np.where(walker, -1, actors.lane).astype(np.int64),
            lane_s_m=actors.lane_s_m.astype(np.float64),
        ),
    )


def _growth(scene: Scene, config: ForecastConfig) -> Float[np.ndarray, "other 2"]:
    """Factors on the boxes of others."""
    factors = np.ones((len(scene.others), 2))
    if scene.wide:
        length, width = config.vehicle_growth
        if scene.changes_lane:
            length = config.lane_change_length
        factors[scene.others.vehicle] = (length, width)
    return factors


def ego_forecast(scene: Scene, horizon_s: float) -> Float[np.ndarray, "step 3"]:
    """x, y, yaw of the ego along its path, speeding up (or easing off) towards the wanted speed.

    It goes no farther than the next red light or the car ahead: whoever crosses behind those is
    no reason to brake now.
    """
    steps = round(horizon_s / STEP_S)
    t = STEP_S * np.arange(1, steps + 1)
    v, wanted = scene.speed_mps, scene.wanted_mps
    speed = (
        np.minimum(wanted, v + _FULL_THROTTLE_MPS2 * t)
        if v < wanted
        else np.maximum(wanted, v - _EASE_MPS2 * t)
    )
    before = np.concatenate([[v], speed[:-1]])
    s = scene.s_m + np.cumsum((speed + before) / 2.0) * STEP_S
    s = np.minimum(s, max(scene.s_m, _stop_s(scene) - scene.half_length_m))
    xy, yaw = scene.itinerary.path.at(s)
    return np.concatenate([xy, yaw[:, None]], axis=1)


def _stop_s(scene: Scene) -> float:
    """Where the front bumper will stop at the latest: at a red light or behind the car ahead."""
    red = light_to_stop_for(scene)
    stop = np.inf if red is None else red.s_m
    leaders = scene.in_corridor(0.0) & scene.others.vehicle & (np.abs(scene.others.turn) < 0.6)
    if leaders.any():
        stop = min(stop, float(scene.others.s_span_m[leaders, 0].min()))
    return stop


def can_stop(scene: Scene, room_m: float, brake_mps2: float) -> bool:
    """Whether braking at `brake_mps2` ends within the room."""
    return scene.speed_mps**2 <= 2.0 * brake_mps2 * max(0.0, room_m)


def light_to_stop_for(scene: Scene) -> StopLine | None:
    """The nearest line ahead whose light is red or yellow and that can still be met.

    A dark light stops nobody: its junction is one without lights.
    """
    states = scene.visible.signal_state
    for line in scene.itinerary.lights:
        room = line.s_m + OVERRUN_M - scene.front_s_m
        if line.s_m > scene.s_m + _AHEAD_M:
            return None
        if room < 0.0 or states[line.row] not in (SignalState.RED, SignalState.YELLOW):
            continue
        return line if can_stop(scene, room, FIRM_MPS2) else None
    return None


FIRM_MPS2 = 6.0
"""A light that turns yellow is obeyed if it takes no more than this deceleration."""

OVERRUN_M = 1.5
"""A bumper that far over a stop line can still stop there: what counts is the tail of the car
(leaderboard 2.0, `RunningRedLightTest`)."""
