"""Degrees and metres, whichever way the latitude runs."""

import math

import numpy as np
import pytest

from symdrive.agent.gnss import GnssReference, find_reference, headings
from symdrive.core.errors import UserError
from symdrive.world.specs import GnssConvention

PLAN = np.array([[310.5, -120.25], [345.0, -80.0], [1200.0, 2500.0]])


def carla_degrees(x: float, y_right: float, latitude: float, longitude: float) -> list[float]:
    """CARLA's own formula, with its y to the right."""
    scale = math.cos(math.radians(latitude))
    mx = scale * longitude * math.pi * 6378137.0 / 180.0 + x
    my = scale * 6378137.0 * math.log(math.tan((90.0 + latitude) * math.pi / 360.0)) - y_right
    lat = 360.0 * math.atan(math.exp(my / (6378137.0 * scale))) / math.pi - 90.0
    return [lat, mx * 180.0 / (math.pi * 6378137.0 * scale)]


@pytest.mark.parametrize("place", [(0.0, 0.0), (49.0, 8.4), (-33.0, 151.0)])
def test_the_place_of_a_map_is_found_from_its_plan(place: tuple[float, float]) -> None:
    degrees = np.array([carla_degrees(x, -y, *place) for x, y in PLAN])
    found = find_reference(PLAN, degrees)
    assert found.convention is GnssConvention.CARLA_0_9_15
    assert found.origin[:2] == pytest.approx(place, abs=1e-6)
    np.testing.assert_allclose(found.to_metres(degrees), PLAN, atol=1e-3)
    np.testing.assert_allclose(found.to_degrees(PLAN), degrees, atol=1e-9)


@pytest.mark.parametrize("place", [(0.0, 0.0), (49.0, 8.4), (-33.0, 151.0)])
@pytest.mark.parametrize("convention", list(GnssConvention))
def test_the_projection_is_found_too(
    place: tuple[float, float], convention: GnssConvention
) -> None:
    degrees = GnssReference((*place, 0.0), convention).to_degrees(PLAN)
    found = find_reference(PLAN, degrees)
    assert found.convention is convention
    assert found.origin[:2] == pytest.approx(place, abs=1e-6)


def test_two_different_plans_are_refused() -> None:
    degrees = GnssReference((10.0, 10.0, 0.0), GnssConvention.CARLA_0_9_15).to_degrees(PLAN)
    with pytest.raises(UserError, match="m off the plan in metres"):
        find_reference(PLAN[::-1].copy(), degrees)
    with pytest.raises(UserError, match="3 points in metres and 2 in degrees"):
        find_reference(PLAN, degrees[:2])


def test_compass_north_is_left_of_east_and_nothing_jumps() -> None:
    found = headings([math.pi / 2, 0.0, 2 * math.pi - 0.1, math.nan])
    np.testing.assert_allclose(found[:3], [0.0, math.pi / 2, math.pi / 2 + 0.1])
    assert np.abs(np.diff(found)).max() < math.pi
