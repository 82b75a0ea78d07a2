"""Between CARLA's left-handed frame (y right, degrees) and ours (ISO 8855: y left, radians).

Both measure in metres with z up, and both turn x into the direction of yaw 0; CARLA's y axis and
its yaw point the other way. Source: CARLA documentation, "Coordinates and transformations".
"""

import numpy as np
from jaxtyping import Float

_FLIP = np.array([1.0, -1.0, 1.0])


def from_carla_xyz(location: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """CARLA locations in our frame, m."""
    return location * _FLIP


def to_carla_xyz(point: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points of our frame as CARLA locations, m."""
    return point * _FLIP


def from_carla_yaw_deg(yaw_deg: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """CARLA yaws (degrees, clockwise seen from above) as ours: rad in [-pi, pi)."""
    return (-np.radians(yaw_deg) + np.pi) % (2.0 * np.pi) - np.pi


def to_carla_yaw_deg(yaw: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Our yaws (rad) as CARLA's: degrees in [-180, 180)."""
    return (-np.degrees(yaw) + 180.0) % 360.0 - 180.0
