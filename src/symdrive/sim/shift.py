"""How far the second camera rig stands beside the first: LEAD's perturbed rig.

Source of the ranges: kesai-labs/lead 4489176, `expert_data.py` and `config_expert.py` (y left and
angles left positive here, so that their signs are turned).
"""

import math
from dataclasses import dataclass

import numpy as np

from symdrive.core.seeds import generator
from symdrive.maps.town import LaneKind, Town
from symdrive.world import catalogue
from symdrive.world.backend import Episode

NARROWEST_LANE_M = 2.75
FAST_MPS = 15.0


@dataclass(frozen=True)
class ShiftConfig:
    """Ranges of the displacement.

    LEAD draws once for each route, because it has thousands of routes. Our data sets are small, so
    the default draws anew for each stored frame: more variety from the same drives.

    Attributes:
        per_frame: draw anew in each tick in which the view is asked for; else once an episode.
        min_lateral_m: smallest sideways shift.
        max_lateral_m: largest one.
        small_yaw: largest turn away from the middle of the lane at full shift, rad.
        large_yaw: largest turn towards it, rad.
        min_yaw: smallest turn, rad.
        slow_margin_m: space kept to the lane's edge where the limit is below 15 m/s; negative to
            go beyond.
        fast_margin_m: the same on faster roads.
    """

    per_frame: bool = True
    min_lateral_m: float = 0.1
    max_lateral_m: float = 1.0
    small_yaw: float = math.radians(5.0)
    large_yaw: float = math.radians(12.5)
    min_yaw: float = math.radians(0.5)
    slow_margin_m: float = 0.4
    fast_margin_m: float = 0.25

    def __post_init__(self) -> None:
        """Refuse empty ranges: the turn is drawn until it is large enough."""
        if not 0.0 <= self.min_lateral_m <= self.max_lateral_m:
            raise ValueError(
                f"shift ranges from {self.min_lateral_m} to {self.max_lateral_m} m; 0 <= min <= max"
            )
        if not 0.0 <= self.min_yaw <= min(self.small_yaw, self.large_yaw):
            raise ValueError(f"turn of at least {self.min_yaw} rad does not fit its range")


WIDE = ShiftConfig(
    max_lateral_m=1.6,
    small_yaw=math.radians(10.0),
    large_yaw=math.radians(20.0),
    slow_margin_m=-1.5,
    fast_margin_m=-1.5,
)
"""Off the lane, too, up to the kerb: a student that learns from an hour of driving leaves its lane
now and then, and must have seen the way back."""


def draw_shift(config: ShiftConfig, town: Town, episode: Episode, tick: int) -> tuple[float, float]:
    """Sideways shift in m and turn in rad of the second rig, both left positive.

    The shift follows the narrowest lane of the route. A rig that stands to the left is mostly
    turned to the right, as a car on its way back to the middle of its lane.
    """
    rng = generator(episode.seed, f"shift/{tick}" if config.per_frame else "shift")
    largest = _largest_shift(config, town, episode)
    smallest = min(config.min_lateral_m, largest)
    lateral = rng.uniform(smallest, largest) * rng.choice([-1.0, 1.0])
    share = largest / config.max_lateral_m if config.max_lateral_m > 0.0 else 0.0
    # From [-small, large] at the far right to [-large, small] at the far left.
    lean = 0.5 * (lateral / config.max_lateral_m + 1.0) if config.max_lateral_m > 0.0 else 0.5
    low = -config.small_yaw - lean * (config.large_yaw - config.small_yaw)
    high = config.large_yaw - lean * (config.large_yaw - config.small_yaw)
    low, high = min(low * share, -config.min_yaw), max(high * share, config.min_yaw)
    yaw = rng.uniform(low, high)
    while abs(yaw) < config.min_yaw:
        yaw = rng.uniform(low, high)
    return float(lateral), float(yaw)


def _largest_shift(config: ShiftConfig, town: Town, episode: Episode) -> float:
    """Shift for the narrowest lane of the route; LEAD counts half of the car's half width."""
    lanes, route = town.lanes, episode.route
    used = np.unique(route.lane[route.lane >= 0])
    used = used[lanes.kind[used] == LaneKind.DRIVING]
    narrowest = min(
        (float(lanes.width_m[lanes.slice_of(int(lane))].min()) for lane in used),
        default=NARROWEST_LANE_M,
    )
    fast = float(np.max(route.speed_limit_mps)) >= FAST_MPS
    margin = config.fast_margin_m if fast else config.slow_margin_m
    half_width = catalogue.MODELS[catalogue.EGO_MODEL].half_extent[1]
    gap = max(narrowest, NARROWEST_LANE_M) / 2.0 - half_width / 2.0 - margin
    return min(config.max_lateral_m, max(gap, config.min_lateral_m))
