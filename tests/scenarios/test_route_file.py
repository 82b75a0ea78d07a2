"""Reading and writing leaderboard route files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdrive.core.errors import UserError
from symdrive.scenarios.route_file import RouteFileEntry, read_routes, write_routes
from symdrive.world.weather import Weather

SAMPLES = Path(__file__).parents[3] / "shared/routes/samples"

ROUTE = """<routes><route id="7" town="Town01">
  <weathers>
    <weather route_percentage="100" cloudiness="90" sun_altitude_angle="-10"/>
    <weather route_percentage="0" cloudiness="20" sun_altitude_angle="45"/>
  </weathers>
  <waypoints><position x="1" y="2" z="3"/><position x="11" y="-4" z="0"/></waypoints>
  <scenarios><scenario name="Accident_5" type="Accident"/></scenarios>
</route></routes>"""


def saved(tmp_path: Path, text: str, name: str = "routes.xml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_route_is_read_in_our_frame(tmp_path):
    (entry,) = read_routes(saved(tmp_path, ROUTE))
    assert (entry.route_id, entry.town) == ("7", "Town01")
    np.testing.assert_array_equal(entry.points, [[1, -2, 3], [11, 4, 0]])
    assert entry.scenario_names == ("Accident",)


def test_weather_is_that_of_the_start(tmp_path):
    (entry,) = read_routes(saved(tmp_path, ROUTE))
    assert entry.weather.cloudiness == 20
    assert entry.weather.sun_altitude_angle == 45
    assert entry.weather.fog_density == 0


def test_without_weather_it_is_the_leaderboards_day(tmp_path):
    start, end = ROUTE.index("<weathers>"), ROUTE.index("<waypoints>")
    (entry,) = read_routes(saved(tmp_path, ROUTE[:start] + ROUTE[end:]))
    assert entry.weather == Weather()
    assert (Weather().cloudiness, Weather().sun_altitude_angle) == (50, 70)


def test_leaderboard_1_waypoints(tmp_path):
    text = """<routes><route id="0" town="Town05">
      <waypoint pitch="360.0" roll="0.0" x="-20.5" y="5.0" yaw="180.0" z="0.0"/>
      <waypoint pitch="360.0" roll="0.0" x="-40.0" y="5.0" yaw="180.0" z="0.0"/>
    </route></routes>"""
    (entry,) = read_routes(saved(tmp_path, text))
    np.testing.assert_array_equal(entry.points, [[-20.5, -5, 0], [-40, -5, 0]])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<routes>", "<routes", "not well-formed XML"),
        (ROUTE, "", "not well-formed XML"),
        (ROUTE, "<routes/>", "no <routes> with a <route>"),
        (ROUTE, ROUTE.replace("routes", "tracks"), "no <routes> with a <route>"),
        ('id="7" ', "", "number 1 has no id"),
        (' town="Town01"', "", "'7' has no town"),
        ('x="11" ', "", "position 2: x is missing"),
        ('y="2"', 'y="nan"', "position 1: y is 'nan'"),
        ('z="3"', 'z="up"', "position 1: z is 'up'"),
        ('z="3"', 'z="inf"', "position 1: z is 'inf'"),
        ('<position x="11" y="-4" z="0"/>', "", "has 1 positions"),
        ('cloudiness="20"', 'cloudiness="much"', "weather: cloudiness is 'much'"),
        ('cloudiness="20"', 'cloudiness="120"', "weather: cloudiness is 120; from 0 to 100"),
        ('route_percentage="0"', 'route_percentage="first"', "route_percentage is 'first'"),
    ],
)
def test_faults_are_named(tmp_path, old, new, said):
    assert old in ROUTE
    path = saved(tmp_path, ROUTE.replace(old, new))
    with pytest.raises(UserError) as fault:
        read_routes(path)
    assert said in str(fault.value)
    assert str(path) in str(fault.value)


def test_an_id_twice_is_refused_in_one_file_and_across_files(tmp_path):
    route = ROUTE.removeprefix("<routes>").removesuffix("</routes>")
    twice = saved(tmp_path, f"<routes>{route}{route}</routes>")
    with pytest.raises(UserError, match="'7' occurs already"):
        read_routes(twice)
    saved(tmp_path, ROUTE)
    saved(tmp_path, ROUTE, "again.xml")
    with pytest.raises(UserError, match=r"again\.xml"):
        read_routes(tmp_path)


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name, number in (("b.xml", "2"), ("a.xml", "1")):
        saved(tmp_path, ROUTE.replace('id="7"', f'id="{number}"'), name)
    (tmp_path / "readme.txt").write_text("no route")
    assert [entry.route_id for entry in read_routes(tmp_path)] == ["1", "2"]


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_routes(tmp_path / "nothing.xml")
    with pytest.raises(UserError, match=r"no \.xml file"):
        read_routes(tmp_path)


coordinate = st.floats(-5_000, 5_000).map(lambda v: round(v, 2))
percent = st.floats(0, 100, allow_subnormal=False)


@given(
    points=st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=2, max_size=6),
    cloudiness=percent,
    fog=percent,
    name=st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8),
)
def test_what_is_written_is_read_back(tmp_path_factory, points, cloudiness, fog, name):
    weather = Weather(cloudiness=cloudiness, fog_density=fog)
    entry = RouteFileEntry(name, "birch", np.array(points, dtype=np.float64), weather)
    path = tmp_path_factory.mktemp("routes") / "written.xml"
    write_routes(path, [entry])
    (again,) = read_routes(path)
    np.testing.assert_allclose(again.points, entry.points, atol=1e-9)
    assert (again.route_id, again.town, again.weather) == (name, "birch", weather)


def test_what_cannot_be_written_is_refused(tmp_path):
    (entry,) = read_routes(saved(tmp_path, ROUTE))
    with pytest.raises(UserError, match="scenarios, which cannot be written"):
        write_routes(tmp_path / "out.xml", [entry])
    with pytest.raises(UserError, match="no routes to write"):
        write_routes(tmp_path / "out.xml", [])
    with pytest.raises(UserError, match="cannot be written"):
        write_routes(tmp_path / "no" / "out.xml", [replace(entry, scenario_names=())])
    assert not (tmp_path / "out.xml").exists()


def test_real_route_files():
    if not SAMPLES.is_dir():
        pytest.skip("the leaderboard's sample routes are not beside the checkout")
    files = sorted(SAMPLES.glob("*.xml"))
    assert files
    for file in files:
        for entry in read_routes(file):
            assert len(entry.points) >= 2
            kind = file.stem.split("_Town")[0]
            if not kind.startswith("noScenarios"):
                assert entry.scenario_names, file.name
