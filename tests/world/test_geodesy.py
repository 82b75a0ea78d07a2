import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdrive.world.geodesy import EARTH_RADIUS_M, from_geodetic, to_geodetic
from symdrive.world.rig import GnssConvention

OLD, NEW = GnssConvention.CARLA_0_9_15, GnssConvention.CARLA_0_9_16
METRES = st.floats(-20_000, 20_000)


@settings(deadline=None)
@given(METRES, METRES, st.floats(-50, 500), st.floats(-60, 60), st.sampled_from([OLD, NEW]))
def test_there_and_back(east, north, up, latitude, convention):
    origin = (latitude, 8.0, 120.0)
    place = from_geodetic(to_geodetic((east, north, up), origin, convention), origin, convention)
    assert place == pytest.approx((east, north, up), abs=1e-4)


def test_latitude_grows_to_the_north_in_0_9_15_and_to_the_south_in_0_9_16():
    north = (0.0, 100.0, 0.0)
    old, new = (to_geodetic(north, (0.0, 0.0, 0.0), convention) for convention in (OLD, NEW))
    degrees = math.degrees(100.0 / EARTH_RADIUS_M)
    assert old[0] == pytest.approx(degrees, rel=1e-6)
    assert new[0] == pytest.approx(-degrees / 0.9996, rel=1e-6)


def test_0_9_15_scales_the_map_to_the_latitude_of_its_origin():
    latitude, longitude, _ = to_geodetic((100.0, 100.0, 0.0), (49.0, 8.0, 0.0), OLD)
    degrees = math.degrees(100.0 / EARTH_RADIUS_M)
    assert latitude - 49.0 == pytest.approx(degrees, rel=1e-4)
    assert longitude - 8.0 == pytest.approx(degrees / math.cos(math.radians(49.0)), rel=1e-9)


@pytest.mark.parametrize("reference", ["+lat_0=0 +lon_0=0", "+lat_0=49 +lon_0=8"])
def test_0_9_16_agrees_with_the_wheel(reference):
    carla = pytest.importorskip("carla", reason="the wheel is the reference")
    text = Path(__file__).parents[2].joinpath("src/symdrive/maps/towns/alder.xodr").read_text()
    town = carla.Map("alder", text.replace("+lat_0=0 +lon_0=0", reference, 1))
    numbers = dict(part.split("=") for part in reference.replace("+", "").split())
    origin = (float(numbers["lat_0"]), float(numbers["lon_0"]), 0.0)
    for x, y, z in ((0.0, 0.0, 0.0), (100.0, 0.0, 1.0), (0.0, 100.0, 2.0), (900.0, -2000.0, 5.0)):
        wheel = town.transform_to_geolocation(carla.Location(x, -y, z))
        latitude, longitude, altitude = to_geodetic((x, y, z), origin, NEW)
        assert latitude == pytest.approx(wheel.latitude, abs=1e-9)
        assert longitude == pytest.approx(wheel.longitude, abs=1e-9)
        assert altitude == pytest.approx(wheel.altitude, abs=1e-5)
