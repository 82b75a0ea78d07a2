"""What can go wrong on a route, and one thing that did."""

from dataclasses import dataclass
from enum import Enum


class InfractionKind(Enum):
    """What can go wrong; the value is the key of the leaderboard's result files.

    Source: leaderboard 2.0, `statistics_manager.py`, PENALTY_NAME_DICT.
    """

    COLLISION_LAYOUT = "collisions_layout"
    COLLISION_PEDESTRIAN = "collisions_pedestrian"
    COLLISION_VEHICLE = "collisions_vehicle"
    RED_LIGHT = "red_light"
    STOP_SIGN = "stop_infraction"
    OUTSIDE_ROUTE_LANES = "outside_route_lanes"
    MIN_SPEED = "min_speed_infractions"
    YIELD_EMERGENCY_VEHICLE = "yield_emergency_vehicle_infractions"
    SCENARIO_TIMEOUT = "scenario_timeouts"
    ROUTE_DEVIATION = "route_dev"
    VEHICLE_BLOCKED = "vehicle_blocked"
    ROUTE_TIMEOUT = "route_timeout"


@dataclass(frozen=True)
class Infraction:
    """One thing that went wrong.

    Attributes:
        kind: what.
        tick: when it was noticed; for lanes that were left, when that began.
        time_s: simulation time of that tick.
        position: where the ego was, x y z, world frame, m.
        message: the leaderboard's sentence (coordinates in our world frame, y to the north).
        other_id: actor hit, or row of the signal or stop sign; 0 is the static town.
        percentage: share of the traffic's speed, or of the driven route; None for other kinds.
        distance_m: metres outside of the route's lanes.
    """

    kind: InfractionKind
    tick: int
    time_s: float
    position: tuple[float, float, float]
    message: str
    other_id: int | None = None
    percentage: float | None = None
    distance_m: float | None = None


def place(x: float, y: float, z: float) -> str:
    """Coordinates as the leaderboard writes them."""
    return f"(x={round(x, 3)}, y={round(y, 3)}, z={round(z, 3)})"
