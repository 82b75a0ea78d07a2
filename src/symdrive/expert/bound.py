"""The speed on a free road: limit, traffic around, caution, bends.

Source: kesai-labs/lead 4489176, `expert.py` (upper bound of the target speed).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.expert.arbitration import Limit, strictest
from symdrive.expert.path import DensePath
from symdrive.world.catalogue import ActorKind
from symdrive.world.visible import Visible

_KMH = 1.0 / 3.6


@dataclass(frozen=True)
class BoundConfig:
    """How fast to go when nothing is in the way.

    Attributes:
        floor_mps: caution never asks for less.
        cap_mps: never faster.
        fast_traffic_mps: traffic faster than that sets the pace.
        traffic_ratio: pace of the traffic over the bound.
        town_mps: below this limit a road is one in town, where caution applies.
        night_mps: taken off at night.
        parked_mps: taken off along parked cars.
        parked_count: how many parked cars that takes.
        occluded_mps: taken off before a junction that cannot be looked into.
        occluded_m: distance at which that begins.
        junction_mps: speed near junctions.
        junction_m: distance to a junction that is near.
        junction_limit_mps: roads with a higher limit have no slow junctions.
        lateral_mps2: lateral acceleration in bends.
        ease_mps2: deceleration before bends.
    """

    floor_mps: float = 6.75
    cap_mps: float = 20.0
    fast_traffic_mps: float = 30.0 * _KMH
    traffic_ratio: float = 0.9
    town_mps: float = 60.0 * _KMH
    night_mps: float = 4.0
    parked_mps: float = 2.0
    parked_count: int = 2
    occluded_mps: float = 4.0
    occluded_m: float = 20.0
    junction_mps: float = 25.0 * _KMH
    junction_m: float = 30.0
    junction_limit_mps: float = 40.0 * _KMH
    lateral_mps2: float = 2.5
    ease_mps2: float = 2.0


def bend_profile(path: DensePath, config: BoundConfig) -> Float[np.ndarray, " point"]:
    """Speed at each point from which every bend ahead can be taken, m/s."""
    bend = np.sqrt(config.lateral_mps2 / np.maximum(np.abs(path.curvature), 1e-6))
    squared = np.minimum(bend, 100.0) ** 2
    # Backward pass v_i^2 <= v_j^2 + 2 b (s_j - s_i) as one running minimum of v^2 + 2 b s.
    ramp = 2.0 * config.ease_mps2 * path.step_m * np.arange(len(squared))
    lowest = np.minimum.accumulate((squared + ramp)[::-1])[::-1]
    return np.sqrt(np.maximum(lowest - ramp, 0.25))


def speed_bound(
    visible: Visible,
    path: DensePath,
    bends: Float[np.ndarray, " point"],
    s_m: float,
    config: BoundConfig,
) -> Limit:
    """The speed to drive here on a free road, and what set it."""
    row = path.index(s_m)
    limit = float(path.speed_limit_mps[row])
    wanted = _traffic_pace(visible, limit, config)
    bound = _with_caution(visible, float(path.to_junction_m[row]), limit, wanted, config)
    bend = Limit(float(bends[row]), "bend")
    return strictest([bound, bend])


def _traffic_pace(visible: Visible, limit_mps: float, config: BoundConfig) -> Limit:
    """The limit, or the pace of the traffic where the second fastest vehicle is below it."""
    actors = visible.actors
    vehicle = (actors.kind != ActorKind.PEDESTRIAN) & (actors.kind != ActorKind.PROP)
    speeds = np.sort(actors.speed[1:][vehicle[1:]])
    if len(speeds) > 1 and speeds[-2] > config.fast_traffic_mps:
        pace = float(speeds[-2]) / config.traffic_ratio
        if pace < limit_mps:
            return Limit(pace, "traffic_pace")
    return Limit(limit_mps, "speed_limit")


def _with_caution(
    visible: Visible, to_junction_m: float, limit_mps: float, wanted: Limit, config: BoundConfig
) -> Limit:
    """Caution near junctions and in town, then floor and cap."""
    speed, reason = wanted.speed_mps, wanted.reason
    if min(speed, limit_mps) < config.town_mps:
        less, why = _caution(visible, to_junction_m, config)
        if less > 0.0:
            speed, reason = speed - less, why
        slow = visible.caution.slow_junctions and limit_mps < config.junction_limit_mps
        if slow and to_junction_m < config.junction_m and config.junction_mps < speed:
            speed, reason = config.junction_mps, "junction"
    return Limit(min(max(speed, config.floor_mps), config.cap_mps), reason)


def _caution(visible: Visible, to_junction_m: float, config: BoundConfig) -> tuple[float, str]:
    """How much slower, and the largest reason; nothing inside a junction."""
    if to_junction_m <= 0.0:
        return 0.0, ""
    caution = visible.caution
    parts = [
        (config.night_mps * caution.night, "night"),
        (config.parked_mps * (caution.parked_near >= config.parked_count), "parked_cars"),
        (
            config.occluded_mps * (caution.occluded_junction and to_junction_m < config.occluded_m),
            "occluded_junction",
        ),
    ]
    return sum(p[0] for p in parts), max(parts)[1]
