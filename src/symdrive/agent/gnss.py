"""Where a map lies on the globe, found from a plan that the leaderboard gives twice.

The leaderboard does not say where the origin of a map lies, nor which projection its CARLA has
(`world.geodesy` tells them apart); but it hands out one plan in degrees and in metres, and only one
origin and projection makes the two agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from symdrive.core.errors import UserError
from symdrive.world.geodesy import from_geodetic, to_geodetic
from symdrive.world.specs import GnssConvention, Point

MAX_ERROR_M = 0.5
"""A reference that leaves points of the plan farther off is wrong."""

_ROUNDS = 20


@dataclass(frozen=True)
class GnssReference:
    """Where a map lies on the globe.

    Attributes:
        origin: latitude (deg), longitude (deg) and altitude (m) of the map's origin.
        convention: projection and sign.
    """

    origin: Point
    convention: GnssConvention

    def to_metres(self, degrees: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Latitude, longitude to x, y of the map; y left."""
        rows = [
            from_geodetic((latitude, longitude, 0.0), self.origin, self.convention)[:2]
            for latitude, longitude in degrees.tolist()
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)

    def to_degrees(self, metres: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """x, y of the map to latitude, longitude; the inverse of `to_metres`."""
        rows = [to_geodetic((x, y, 0.0), self.origin, self.convention) for x, y in metres.tolist()]
        return np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)


def find_reference(
    metres: Float[np.ndarray, "n 2"], degrees: Float[np.ndarray, "m 2"]
) -> GnssReference:
    """Where a map lies, from one plan in both frames.

    Args:
        metres: x, y of points; y left.
        degrees: latitude, longitude of the same points.

    Raises:
        UserError: when no reference of any convention fits.
    """
    if len(metres) != len(degrees) or not len(metres):
        raise UserError(
            f"the plan has {len(metres)} points in metres and {len(degrees)} in degrees; the same"
            " points are wanted in both."
        )
    found = [_solve(metres[0], degrees[0], convention) for convention in GnssConvention]
    errors = [float(np.abs(one.to_metres(degrees) - metres).max()) for one in found]
    best = int(np.argmin(errors))
    if errors[best] > MAX_ERROR_M:
        raise UserError(
            f"the plan in degrees is {errors[best]:.1f} m off the plan in metres for every place of"
            " the map; check that both are the same route."
        )
    return found[best]


def _solve(
    metres: Float[np.ndarray, " 2"],
    degrees: Float[np.ndarray, " 2"],
    convention: GnssConvention,
) -> GnssReference:
    """The reference from one point.

    An origin that puts the point too far to one side moves by as much to that side; the scale of
    the map follows its latitude a little, so that it takes some rounds.
    """
    point = (float(degrees[0]), float(degrees[1]), 0.0)
    origin: Point = point
    for _ in range(_ROUNDS):
        x, y, _up = from_geodetic(point, origin, convention)
        origin = to_geodetic((x - float(metres[0]), y - float(metres[1]), 0.0), origin, convention)
    return GnssReference(origin, convention)


def headings(compass: Sequence[float]) -> Float[np.ndarray, " n"]:
    """CARLA's compass to headings of ours, rad, left positive, without jumps; NaN reads as 0.

    The compass is 0 to the north and grows clockwise; ours is 0 along x, which is east.
    """
    filled = np.nan_to_num(np.asarray(compass, dtype=np.float64), nan=0.0)
    return np.unwrap(math.pi / 2 - filled)
