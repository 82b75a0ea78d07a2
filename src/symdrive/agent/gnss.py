"""Degrees of CARLA's GNSS to metres of the map and back, for both of its sign conventions.

CARLA projects its maps by Mercator on a sphere (leaderboard, `route_manipulation.py`; the inverse
in kesai-labs/lead 4489176, `common_utils.py`). In some versions the latitude falls with CARLA's y,
in others it grows with it, and the leaderboard does not say where a map lies. Both are found from a
plan that it gives in degrees and in metres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.core.errors import UserError

Numbers = Float[np.ndarray, "*n"] | np.floating
EARTH_RADIUS_M = 6378137.0
MAX_ERROR_M = 0.5
"""A reference that leaves points of the plan farther off is wrong."""


@dataclass(frozen=True)
class GnssReference:
    """Where a map lies on the globe.

    Attributes:
        latitude: of its origin, degrees.
        longitude: of its origin, degrees.
        left_is_north: whether the latitude grows with our y (left), as in CARLA up to 0.9.15.
    """

    latitude: float
    longitude: float
    left_is_north: bool = True

    @property
    def _scale_m(self) -> float:
        """Metres of the map for each radian."""
        return EARTH_RADIUS_M * math.cos(math.radians(self.latitude))

    @property
    def _sign(self) -> float:
        """Of our y against the latitude."""
        return 1.0 if self.left_is_north else -1.0

    def to_metres(self, degrees: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Latitude, longitude to x, y of the map; y left."""
        north = _mercator(degrees[..., 0]) - _mercator(np.float64(self.latitude))
        east = np.radians(degrees[..., 1] - self.longitude)
        return np.stack([east, self._sign * north], axis=-1) * self._scale_m

    def to_degrees(self, metres: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """x, y of the map to latitude, longitude; the inverse of `to_metres`."""
        east, north = metres[..., 0] / self._scale_m, self._sign * metres[..., 1] / self._scale_m
        latitude = _latitude(_mercator(np.float64(self.latitude)) + north)
        return np.stack([latitude, self.longitude + np.degrees(east)], axis=-1)


def find_reference(
    metres: Float[np.ndarray, "n 2"], degrees: Float[np.ndarray, "m 2"]
) -> GnssReference:
    """Where a map lies, from one plan in both frames.

    Args:
        metres: x, y of points; y left.
        degrees: latitude, longitude of the same points.

    Raises:
        UserError: when no reference of either convention fits.
    """
    if len(metres) != len(degrees) or not len(metres):
        raise UserError(
            f"the plan has {len(metres)} points in metres and {len(degrees)} in degrees; the same"
            " points are wanted in both."
        )
    found = [_solve(metres[0], degrees[0], left_is_north=north) for north in (True, False)]
    errors = [float(np.abs(one.to_metres(degrees) - metres).max()) for one in found]
    best = int(np.argmin(errors))
    if errors[best] > MAX_ERROR_M:
        raise UserError(
            f"the plan in degrees is {errors[best]:.1f} m off the plan in metres for every place of"
            " the map; check that both are the same route."
        )
    return found[best]


def _solve(
    metres: Float[np.ndarray, " 2"], degrees: Float[np.ndarray, " 2"], *, left_is_north: bool
) -> GnssReference:
    """The reference from one point; its latitude shrinks the map a little, so it is iterated."""
    north = float(metres[1]) * (1.0 if left_is_north else -1.0)
    latitude = float(degrees[0])
    for _ in range(20):
        scale_m = EARTH_RADIUS_M * math.cos(math.radians(latitude))
        latitude = float(_latitude(_mercator(degrees[0]) - north / scale_m))
    scale_m = EARTH_RADIUS_M * math.cos(math.radians(latitude))
    longitude = float(degrees[1]) - math.degrees(float(metres[0]) / scale_m)
    return GnssReference(latitude, longitude, left_is_north)


def _mercator(latitude: Numbers) -> Numbers:
    """Degrees to the Mercator ordinate on the unit sphere."""
    return np.log(np.tan(np.radians(90.0 + latitude) / 2.0))


def _latitude(ordinate: Numbers) -> Numbers:
    """Mercator ordinate to degrees."""
    return np.degrees(2.0 * np.arctan(np.exp(ordinate))) - 90.0


def headings(compass: Sequence[float]) -> Float[np.ndarray, " n"]:
    """CARLA's compass to headings of ours, rad, left positive, without jumps; NaN reads as 0.

    The compass is 0 to the north and grows clockwise; ours is 0 along x, which is east.
    """
    filled = np.nan_to_num(np.asarray(compass, dtype=np.float64), nan=0.0)
    return np.unwrap(math.pi / 2 - filled)
