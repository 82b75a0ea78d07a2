"""Latitude and longitude as CARLA's maps have them; east and north in m from the map's origin.

CARLA 0.9.15 (`GeoLocation.cpp`): Mercator on a sphere, scaled to the latitude of the origin, with
CARLA's y turned round, so that latitude grows to the north.
CARLA 0.9.16 (same file; `carla.Map.transform_to_geolocation` of the wheel gives its numbers):
transverse Mercator on the same sphere with a scale of 0.9996, and y not turned round, so that
latitude grows to the south (carla-simulator/carla#9389). Its altitude adds that of the origin
twice; here it is added once, for both.
"""

import math

from symdrive.world.specs import GnssConvention, Point

EARTH_RADIUS_M = 6378137.0
_SCALE_0_9_16 = 0.9996


def to_geodetic(
    east_north_up: Point, origin: Point, convention: GnssConvention
) -> tuple[float, float, float]:
    """Latitude (deg), longitude (deg) and altitude (m) of a place.

    Args:
        east_north_up: world x, y, z, m.
        origin: latitude (deg), longitude (deg) and altitude (m) of the world's origin.
        convention: whose projection and sign.
    """
    east, north, up = east_north_up
    latitude, longitude, altitude = origin
    if convention is GnssConvention.CARLA_0_9_15:
        radius = EARTH_RADIUS_M * math.cos(math.radians(latitude))
        parallel = _mercator(math.radians(latitude)) + north / radius
        found = (2.0 * math.atan(math.exp(parallel)) - math.pi / 2, east / radius)
    else:
        radius = EARTH_RADIUS_M * _SCALE_0_9_16
        arc = math.radians(latitude) - north / radius
        turn = east / radius
        found = (
            math.asin(math.sin(arc) / math.cosh(turn)),
            math.atan2(math.sinh(turn), math.cos(arc)),
        )
    return math.degrees(found[0]), longitude + math.degrees(found[1]), altitude + up


def from_geodetic(
    geodetic: Point, origin: Point, convention: GnssConvention
) -> tuple[float, float, float]:
    """World x, y, z in m of latitude (deg), longitude (deg) and altitude (m); the way back."""
    latitude, meridian = math.radians(geodetic[0]), math.radians(geodetic[1] - origin[1])
    first = math.radians(origin[0])
    if convention is GnssConvention.CARLA_0_9_15:
        radius = EARTH_RADIUS_M * math.cos(first)
        east, north = meridian * radius, (_mercator(latitude) - _mercator(first)) * radius
    else:
        radius = EARTH_RADIUS_M * _SCALE_0_9_16
        east = radius * math.atanh(math.cos(latitude) * math.sin(meridian))
        north = radius * (first - math.atan2(math.tan(latitude), math.cos(meridian)))
    return east, north, geodetic[2] - origin[2]


def _mercator(latitude: float) -> float:
    """Height of a parallel on a Mercator map of a sphere of radius one; rad."""
    return math.log(math.tan(math.pi / 4 + latitude / 2))
