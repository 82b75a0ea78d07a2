"""Our own towns as the CARLA wheel understands them, without a server."""

import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src/symdrive/maps/towns"
STEP_M = 0.01

OWN = ("alder", "birch", "cedar", "dogwood", "elm", "fir")

Lane = tuple[int, int, int]


@dataclass(frozen=True)
class Drawn:
    name: str
    xml: ET.Element
    map: Any

    def roads(self, *, inside: bool) -> list[ET.Element]:
        """Connecting roads of junctions, or streets."""
        return [r for r in self.xml.findall("road") if (r.get("junction") != "-1") == inside]

    def lanes(self, kind: str) -> dict[Lane, tuple[float, float]]:
        """Start and end of every lane of a type, by road, section and lane id."""
        found: dict[Lane, tuple[float, float]] = {}
        for road in self.xml.findall("road"):
            sections = list(road.iter("laneSection"))
            s = [float(x.attrib["s"]) for x in sections] + [float(road.attrib["length"])]
            for i, section in enumerate(sections):
                for lane in section.iter("lane"):
                    if lane.get("type") == kind:
                        key = (int(road.attrib["id"]), i, int(lane.attrib["id"]))
                        found[key] = (s[i], s[i + 1])
        return found

    def last(self, lane: Lane, span: tuple[float, float]) -> Any:
        """The waypoint at the end of a lane."""
        s = span[1] - STEP_M if lane[2] < 0 else span[0] + STEP_M
        return self.map.get_waypoint_xodr(lane[0], lane[2], s)


@pytest.fixture(scope="module", params=["alder", "birch"])
def town(request):
    carla = pytest.importorskip("carla", reason="the CARLA wheel reads the towns")
    text = (FOLDER / f"{request.param}.xodr").read_text()
    return Drawn(request.param, ET.fromstring(text), carla.Map(request.param, text))


@pytest.fixture(scope="module", params=OWN)
def any_town(request):
    carla = pytest.importorskip("carla", reason="the CARLA wheel reads the towns")
    text = (FOLDER / f"{request.param}.xodr").read_text()
    return Drawn(request.param, ET.fromstring(text), carla.Map(request.param, text))


def test_the_files_are_what_the_script_draws():
    pytest.importorskip("scenariogeneration", reason="the towns are drawn with it")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/draw_towns.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_size(town):
    points = [w.transform.location for w in town.map.generate_waypoints(2.0)]
    x, y = [p.x for p in points], [p.y for p in points]
    assert 300 <= max(x) - min(x) <= 450
    assert 300 <= max(y) - min(y) <= 450
    lanes = sum(b - a for a, b in town.lanes("driving").values())
    assert 5_000 <= lanes <= 10_000  # two and a half to five kilometres of two-way street


def test_every_driving_lane_leads_to_every_other(town):
    spans = town.lanes("driving")
    after: dict[Lane, set[Lane]] = {}
    before: dict[Lane, set[Lane]] = {lane: set() for lane in spans}
    for lane, span in spans.items():
        next_points = town.last(lane, span).next(2 * STEP_M)
        after[lane] = {(w.road_id, w.section_id, w.lane_id) for w in next_points}
        for other in after[lane]:
            before[other].add(lane)
    start = next(iter(spans))
    assert _reached(start, after) == set(spans)
    assert _reached(start, before) == set(spans)


def _reached(start: Lane, links: dict[Lane, set[Lane]]) -> set[Lane]:
    seen, queue = {start}, deque([start])
    while queue:
        for lane in links[queue.popleft()] - seen:
            seen.add(lane)
            queue.append(lane)
    return seen


def test_lanes_join_without_gap_kink_or_step(any_town):
    for lane, span in any_town.lanes("driving").items():
        end = any_town.last(lane, span)
        for begin in end.next(2 * STEP_M):
            a, b = end.transform, begin.transform
            assert a.location.distance(b.location) < 0.1, lane
            turn = (b.rotation.yaw - a.rotation.yaw + 180.0) % 360.0 - 180.0
            assert abs(turn) < 5.0, lane
            assert abs(a.location.z - b.location.z) < 0.02, lane


def test_junction_flags(any_town):
    inside = {int(r.attrib["id"]): int(r.attrib["junction"]) for r in any_town.xml.findall("road")}
    for w in any_town.map.generate_waypoints(5.0):
        assert w.is_junction == (inside[w.road_id] >= 0)
        if w.is_junction:
            assert w.get_junction().id == inside[w.road_id]


def test_bends_hide_and_can_be_driven(town):
    radii = [
        1.0 / abs(float(arc.attrib["curvature"]))
        for road in town.roads(inside=False)
        for arc in road.iter("arc")
    ]
    assert min(radii) >= 15.0
    assert sum(r <= 30.0 for r in radii) >= 5
    connecting = [
        1.0 / abs(float(arc.attrib["curvature"]))
        for road in town.roads(inside=True)
        for arc in road.iter("arc")
    ]
    assert min(connecting) >= 6.0


def test_a_slope_but_no_cliff(town):
    pitch = [w.transform.rotation.pitch for w in town.map.generate_waypoints(2.0)]
    steepest = max(abs(math.tan(math.radians(p))) for p in pitch)
    assert 0.05 <= steepest <= 0.10


def test_widths_and_limits(town):
    for road in town.roads(inside=False):
        speed = road.find("type/speed")
        assert speed is not None
        assert speed.get("unit") == "km/h"
        assert 30 <= float(speed.attrib["max"]) <= 60
        for lane in road.iter("lane"):
            if lane.get("type") == "driving":
                assert {3.25 <= float(w.attrib["a"]) <= 3.5 for w in lane.findall("width")} == {
                    True
                }


def test_sidewalks_on_both_sides_and_parking_on_some(town):
    kinds: Counter[str] = Counter()
    for lane, (a, b) in town.lanes("driving").items():
        w = town.map.get_waypoint_xodr(lane[0], lane[2], (a + b) / 2)
        if w.is_junction:
            continue
        beside = _types_to_the_right(w)
        assert beside[-1] == "Sidewalk", lane
        kinds.update(set(beside))
    assert kinds["Parking"] >= 8
    for lane, (a, b) in town.lanes("parking").items():
        w = town.map.get_waypoint_xodr(lane[0], lane[2], (a + b) / 2)
        assert w.lane_width == pytest.approx(2.2, abs=1e-3)


def _types_to_the_right(waypoint: Any) -> list[str]:
    kinds: list[str] = []
    while (waypoint := waypoint.get_right_lane()) is not None:
        kinds.append(str(waypoint.lane_type))
    return kinds


def test_an_avenue_with_lane_changes(town):
    wide = [
        w
        for w in town.map.generate_waypoints(2.0)
        if not w.is_junction and abs(w.lane_id) == 2 and str(w.lane_type) == "Driving"
    ]
    assert len(wide) * 2.0 > 300
    assert any(str(w.lane_change) == "Left" for w in wide)
    inner = [w.get_left_lane() for w in wide]
    assert all(str(w.left_lane_marking.color) == "Yellow" for w in inner)
    broken = [str(w.left_lane_marking.type) == "Broken" for w in wide]
    assert np.mean(broken) > 0.5


def test_signals_stand_at_their_stop_lines(town):
    marks = town.map.get_all_landmarks()
    kinds = Counter(m.type for m in marks)
    assert kinds["1000001"] >= 10
    assert kinds["206"] >= 5
    assert kinds["205"] >= 2
    lengths = {int(r.attrib["id"]): float(r.attrib["length"]) for r in town.xml.findall("road")}
    for mark in marks:
        assert mark.is_dynamic == (mark.type == "1000001")
        assert _lanes_of(mark)
        for lane in _lanes_of(mark):
            to_end = lengths[mark.road_id] - mark.s if lane < 0 else mark.s
            assert 0.2 < to_end < 2.0
            here = town.map.get_waypoint_xodr(mark.road_id, lane, mark.s)
            assert here.next(to_end + 1.0)[0].is_junction
            turn = here.transform.rotation.yaw - mark.transform.rotation.yaw
            assert abs((turn + 180.0) % 360.0 - 180.0) < 1.0
            aside = here.transform.get_right_vector()
            gap = mark.transform.location - here.transform.location
            right_m = gap.x * aside.x + gap.y * aside.y
            assert right_m > here.lane_width / 2


def test_stop_signs_leave_somebody_the_right_of_way(town):
    signed = {(m.road_id, lane > 0) for m in town.map.get_all_landmarks() for lane in _lanes_of(m)}
    for junction in town.xml.findall("junction"):
        incoming = {
            (int(c.attrib["incomingRoad"]), int(link.attrib["from"]) > 0)
            for c in junction.findall("connection")
            for link in c.findall("laneLink")
        }
        if not junction.findall("controller"):
            assert len(incoming - signed) == 2, junction.get("name")
        else:
            assert incoming <= signed, junction.get("name")


def _lanes_of(mark: Any) -> list[int]:
    return [lane for low, high in mark.get_lane_validities() for lane in range(low, high + 1)]


def test_controllers(any_town):
    lights = {s.attrib["id"] for s in any_town.xml.iter("signal") if s.get("type") == "1000001"}
    groups = {
        c.attrib["id"]: [x.attrib["signalId"] for x in c.findall("control")]
        for c in any_town.xml.findall("controller")
    }
    assert Counter(s for group in groups.values() for s in group) == Counter(lights)
    used = [
        c.attrib["id"] for j in any_town.xml.findall("junction") for c in j.findall("controller")
    ]
    assert sorted(used) == sorted(groups)
    marks = {m.id: m.transform.rotation.yaw for m in any_town.map.get_all_landmarks()}
    for group in groups.values():
        if len(group) == 2:
            turn = (marks[group[0]] - marks[group[1]]) % 360.0
            assert 140.0 <= turn <= 220.0


def test_turn_lanes(town):
    four_ways = [j for j in town.xml.findall("junction") if len(_arms(j)) == 4]
    three_ways = [j for j in town.xml.findall("junction") if len(_arms(j)) == 3]
    assert any(j.findall("controller") for j in four_ways)
    assert any(j.findall("controller") for j in three_ways)
    assert any(not j.findall("controller") for j in four_ways + three_ways)
    goals: dict[tuple[str, str], set[str]] = {}
    for junction in town.xml.findall("junction"):
        for c in junction.findall("connection"):
            for link in c.findall("laneLink"):
                key = (c.attrib["incomingRoad"], link.attrib["from"])
                goals.setdefault(key, set()).add(c.attrib["connectingRoad"])
    several = [key for key, roads in goals.items() if abs(int(key[1])) == 2 and len(roads) == 1]
    assert several  # an outer lane that has a way of its own


def _arms(junction: ET.Element) -> set[str]:
    return {c.attrib["incomingRoad"] for c in junction.findall("connection")}


def test_crosswalks_lie_across_the_road(town):
    points = [(p.x, p.y, p.z) for p in town.map.get_crosswalks()]
    polygons: list[list[tuple[float, float, float]]] = []
    current: list[tuple[float, float, float]] = []
    for p in points:
        current.append(p)
        if len(current) > 1 and math.dist(p, current[0]) < 1e-3:
            polygons.append(current[:-1])
            current = []
    assert not current
    drawn = [o for o in town.xml.iter("object") if o.get("type") == "crosswalk"]
    assert len(polygons) == len(drawn) >= 15
    for polygon in polygons:
        corners = np.array(polygon)
        assert len(corners) == 4
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        assert min(sides) == pytest.approx(3.0, abs=0.05)
        first, last = (corners[0] + corners[1]) / 2, (corners[2] + corners[3]) / 2
        kinds = [_kind_at(town, first + k * (last - first)) for k in (0.0, 0.3, 0.7, 1.0)]
        assert kinds == ["Shoulder", "Driving", "Driving", "Shoulder"]  # from gutter to gutter


def _kind_at(town: Drawn, xyz: np.ndarray) -> str:
    """Type of the lane whose centre is nearest to a place in CARLA's frame."""
    carla = pytest.importorskip("carla")
    place = carla.Location(*(float(v) for v in xyz))
    w = town.map.get_waypoint(place, project_to_road=True, lane_type=carla.LaneType.Any)
    assert w.transform.location.distance(place) < 2.0
    return str(w.lane_type)


def test_the_towns_are_not_alike():
    shapes = []
    for name in ("alder", "birch"):
        root = ET.parse(FOLDER / f"{name}.xodr").getroot()
        streets = [r for r in root.findall("road") if r.get("junction") == "-1"]
        shapes.append({round(float(r.attrib["length"])) for r in streets})
    shared = shapes[0] & shapes[1]
    assert len(shared) < 0.5 * min(len(s) for s in shapes)
