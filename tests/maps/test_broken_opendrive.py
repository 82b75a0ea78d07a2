"""Broken OpenDRIVE is refused in one sentence, before any native code reads it."""

import dataclasses
import gzip
import logging
import sys
from pathlib import Path

import pytest

from symdrive.core.errors import UserError
from symdrive.maps.open import bake_file, read_source
from symdrive.maps.opendrive import baking
from symdrive.maps.opendrive import survey as surveying
from symdrive.maps.opendrive.document import parse
from symdrive.maps.opendrive.sampling import sample_lanes
from symdrive.maps.opendrive.survey import survey
from symdrive.maps.store import encode_town

LANE = (
    '<lane id="{}" type="{}" level="false">{}<width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>'
)
LINK = '<link><successor id="{}"/></link>'


def road(road_id: int = 1, *, link: str = "", lane_link: str = "", **changes: str) -> str:
    """A straight street of 50 m with a lane each way."""
    part = {
        "length": "50",
        "geometry": '<geometry s="0" x="0" y="0" hdg="0" length="50"><line/></geometry>',
        "elevation": '<elevation s="0" a="0" b="0" c="0" d="0"/>',
        "left": LANE.format(1, "driving", ""),
        "center": '<lane id="0" type="none" level="false"/>',
        "right": LANE.format(-1, "driving", lane_link),
        "junction": "-1",
        "objects": "",
        "signals": "",
    } | changes
    return (
        f'<road name="" length="{part["length"]}" id="{road_id}" junction="{part["junction"]}">'
        f"<link>{link}</link><planView>{part['geometry']}</planView>"
        f"<elevationProfile>{part['elevation']}</elevationProfile><lanes><laneSection s='0'>"
        f"<left>{part['left']}</left><center>{part['center']}</center>"
        f"<right>{part['right']}</right></laneSection></lanes>"
        f"{part['objects']}<signals>{part['signals']}</signals></road>"
    )


def document(*roads: str, rest: str = "") -> str:
    """An OpenDRIVE file of some roads."""
    header = '<header revMajor="1" revMinor="4" name="" version="1"/>'
    return f'<?xml version="1.0"?><OpenDRIVE>{header}{"".join(roads)}{rest}</OpenDRIVE>'


SOUND = document(road())
ARC = '<geometry s="0" x="0" y="0" hdg="0" length="50"><arc curvature="tight"/></geometry>'
SIGNAL = '<signalReference id="77" s="1" t="0" orientation="+"/>'
SECTION = '<laneSection s="0"><center><lane id="0" type="none"/></center></laneSection>'
SIGN = '<signal id="5" s="1" t="{t}" zOffset="0" type="205" dynamic="no" orientation="+"/>'
OBJECT = '<objects><object id="7" s="{s}" t="{t}" type="{kind}" length="3"/></objects>'
KIND = '<type s="0" type="town"><speed max="{max}" unit="{unit}"/></type>'
CONNECTION = (
    '<junction id="9" name=""><connection id="0" incomingRoad="1" connectingRoad="8"/></junction>'
)

BROKEN = {
    "empty": ("", "not well-formed XML"),
    "prose": ("a town, please", "not well-formed XML"),
    "web page": ("<html><body>404</body></html>", "root element is <html>"),
    "truncated": (SOUND[: len(SOUND) // 2], "not well-formed XML"),
    "no road": (document(), "has no <road>"),
    "zero length": (document(road(length="0")), "road 1 is 0.0 m long"),
    "negative length": (document(road(length="-3")), "road 1 is -3.0 m long"),
    "length no number": (document(road(length="nan")), "length='nan'"),
    "no geometry": (document(road(geometry="")), "no <planView> geometry"),
    "no shape": (
        document(road(geometry='<geometry s="0" x="0" y="0" hdg="0" length="50"/>')),
        "none of the shapes",
    ),
    "empty geometry": (
        document(
            road(geometry='<geometry s="0" x="0" y="0" hdg="0" length="0"><line/></geometry>')
        ),
        "geometry is 0.0 m long",
    ),
    "place no number": (
        document(
            road(geometry='<geometry s="0" x="inf" y="0" hdg="0" length="9"><line/></geometry>')
        ),
        "x='inf'",
    ),
    "curve no number": (document(road(geometry=ARC)), "curvature='tight'"),
    "entities": ("<!DOCTYPE x>" + SOUND.partition("?>")[2], "<!DOCTYPE>"),
    "deep": (document(road(), rest="<a>" * 9), "not well-formed XML"),
    "too long": (document(road(length="1e7")), "road 1 is 10000000.0 m long"),
    "underscore": (document(road(length="5_0")), "length='5_0'"),
    "too large": (document(road().replace('b="0"', 'b="1e300"')), "b='1e300'"),
    "line later": (
        document(
            road(geometry='<geometry s="2" x="0" y="0" hdg="0" length="50"><line/></geometry>')
        ),
        "first <geometry> begins at s=2.0",
    ),
    "height later": (
        document(road(elevation='<elevation s="9" a="0" b="0" c="0" d="0"/>')),
        "first <elevation> begins at s=9.0",
    ),
    "width later": (
        document(road().replace('sOffset="0"', 'sOffset="3"')),
        "lane 1: its first <width> begins at sOffset=3.0",
    ),
    "section twins": (
        document(road().replace("</laneSection>", f"</laneSection>{SECTION}")),
        "begin at the same s",
    ),
    "far sign": (document(road(signals=SIGN.format(t="-5000"))), "t=-5000.0 in <signal> '5'"),
    "crosswalk off the road": (
        document(road(objects=OBJECT.format(s=60, t=0, kind="crosswalk"))),
        "crosswalk '7' at s=60.0; the road is 50.0 m long",
    ),
    "signal at the wrong place": (
        document(road(signals=SIGNAL) + SIGN.format(t="1").replace('"5"', '"77"')),
        "names signal '77', which the file does not define in the <signals> of a road",
    ),
    "controller without id": (
        document(road(), rest='<controller name="ctrl3"/>'),
        "the controller 'ctrl3' has no id",
    ),
    "signals twice": (
        document(road(signals="</signals><signals>")),
        "road 1 has more than one <signals>",
    ),
    "stray object": (
        document(road(objects=OBJECT.format(s=1, t=-2e4, kind="stencil"))),
        "t=-20000.0 in <object> '7'; it must stand within 10000 m",
    ),
    "odd unit": (
        document(road().replace("<planView>", KIND.format(max="3", unit="knots") + "<planView>")),
        "a speed in 'knots'",
    ),
    "too fast": (
        document(road().replace("<planView>", KIND.format(max="999", unit="m/s") + "<planView>")),
        "a speed limit of 999 m/s",
    ),
    "long id": (document(road().replace('id="1" j', 'id="12345678901" j')), "id='12345678901'"),
    "negative id": (document(road().replace('id="1" j', 'id="-1" j')), "id -1"),
    "junction twins": (document(road(), rest='<junction id="9"/>' * 2), "two junctions share"),
    "road and junction": (
        document(
            road(link='<successor elementType="junction" elementId="1"/>'),
            rest='<junction id="1"/>',
        ),
        "a road has the same id",
    ),
    "twins": (document(road(), road()), "share one id"),
    "id no number": (
        document(road().replace('id="1" junction', 'id="main" junction')),
        "id='main'",
    ),
    "no centre": (document(road(center="")), "without a gap"),
    "lane gap": (document(road(right=LANE.format(-2, "driving", ""))), "without a gap"),
    "lane twins": (document(road(left=LANE.format(1, "driving", "") * 2)), "without a gap"),
    "no width": (document(road(right='<lane id="-1" type="driving"/>')), "no <width>"),
    "unknown road": (
        document(road(link='<successor elementType="road" elementId="5" contactPoint="start"/>')),
        "links to road '5'",
    ),
    "unknown junction": (
        document(road(link='<successor elementType="junction" elementId="5"/>')),
        "links to junction '5'",
    ),
    "in unknown junction": (document(road(junction="3")), "belongs to junction 3"),
    "unknown connection": (document(road(), rest=CONNECTION), "names road '8'"),
    "unknown signal": (document(road(signals=SIGNAL)), "names signal '77'"),
    "unknown controlled": (
        document(road(), rest='<controller id="4"><control signalId="6" type=""/></controller>'),
        "names signal '6'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_never_reach_carla(case, monkeypatch):
    monkeypatch.setattr(baking, "survey", lambda *_: pytest.fail("native code was run"))
    text, said = BROKEN[case]
    with pytest.raises(UserError, match=r"map\.xodr") as refusal:
        baking.bake(text, "map.xodr")
    message = str(refusal.value)
    assert said in message
    assert "\n" not in message
    assert message.endswith(".")


def test_the_sound_file_is_sound():
    assert parse(SOUND, "map.xodr").roads[1].length == 50.0


def test_every_truncation_is_refused():
    for cut in range(0, len(SOUND) - 1, 7):
        with pytest.raises(UserError):
            parse(SOUND[:cut], "map.xodr")


def test_entity_bombs_are_refused():
    levels = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "{"ha" * 50}">{levels}]><OpenDRIVE>&l9;</OpenDRIVE>'
    with pytest.raises(UserError, match="<!DOCTYPE>"):
        parse(bomb, "bomb.xodr")


def test_a_link_to_a_missing_lane_is_taken_out(caplog):
    second = '<successor elementType="road" elementId="2" contactPoint="start"/>'
    text = document(road(1, link=second, lane_link=LINK.format(-7)), road(2))
    with caplog.at_level(logging.WARNING):
        found = parse(text, "map.xodr")
    assert "lane -1 of road 1 names lane -7" in caplog.text
    assert 'id="-7"' not in found.sound_text
    assert parse(found.sound_text, "map.xodr").sound_text == found.sound_text


def native_map(text: str):
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    from symdrive.maps.opendrive.native import open_map

    return open_map("map.xodr", text)


def test_a_link_to_a_missing_lane_does_not_take_carla_down():
    second = '<successor elementType="road" elementId="2" contactPoint="start"/>'
    text = document(road(1, link=second, lane_link=LINK.format(-7)), road(2))
    found = parse(text, "map.xodr")
    lanes = sample_lanes(found.roads.values(), native_map(found.sound_text), "map.xodr")
    assert [lane.key for lane in lanes] == [(1, 0, 1), (1, 0, -1), (2, 0, 1), (2, 0, -1)]
    assert lanes[1].successors == []


def test_two_bakes_of_one_file_are_equal():
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    one, two = (encode_town(baking.bake(SOUND, "map.xodr")) for _ in range(2))
    assert one == two


def test_what_takes_carla_down_is_refused_by_name():
    """As if the checks had overlooked that the signal is missing."""
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    sound = parse(SOUND, "map.xodr")
    broken = dataclasses.replace(sound, sound_text=document(road(signals=SIGNAL)))
    with pytest.raises(UserError, match=r"map\.xodr: CARLA's OpenDRIVE reader (breaks|refuses)"):
        survey(broken, "map.xodr")


def test_a_sign_for_lanes_that_its_road_lacks_is_named():
    """Found by the fuzzer: the lane is looked up without asking, and the process dies."""
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    sign = SIGN.format(t="-4").replace("/>", '><validity fromLane="7" toLane="7"/></signal>')
    try:
        survey(parse(document(road(signals=sign)), "map.xodr"), "map.xodr")
    except UserError as error:
        assert "signal 5 holds for lanes 7 to 7 of road 1" in str(error)  # noqa: PT017


def test_objects_may_stray_as_in_town13():
    (road_7,) = parse(
        document(road(objects=OBJECT.format(s=1, t=2026, kind=""))), "m"
    ).roads.values()
    assert road_7.objects[0].t == 2026.0


def test_a_road_of_a_nanometre_is_left_out():
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    text = document(road(1), road(2, length="1e-9"))
    found = survey(parse(text, "map.xodr"), "map.xodr")
    assert {lane.key[0] for lane in found.lanes} == {1}


def test_what_keeps_carla_busy_is_stopped(monkeypatch):
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    monkeypatch.setattr(surveying, "PATIENCE_S", 0.02)
    with pytest.raises(UserError, match=r"map\.xodr: .* does not come to an end"):
        survey(parse(SOUND, "map.xodr"), "map.xodr")


def test_lanes_without_width_are_left_out_by_name(caplog):
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    thin = LANE.format(-1, "driving", "").replace("3.5", "0")
    with caplog.at_level(logging.WARNING):
        found = survey(parse(document(road(right=thin)), "map.xodr"), "map.xodr")
    assert [lane.key for lane in found.lanes] == [(1, 0, 1)]
    assert "lane -1 of road 1" in caplog.text
    assert "nowhere 0.05 m wide" in caplog.text


def test_signs_that_hold_for_nobody_are_named(caplog):
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    with caplog.at_level(logging.WARNING):
        idle = SIGN.format(t="-4").replace("/>", '><validity fromLane="0" toLane="0"/></signal>')
        baking.bake(document(road(signals=idle)), "map.xodr")
    assert "the signs 5 (type 205) hold for no lane" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"elevation": '<elevation s="0" a="0" b="0" c="0" d="99999"/>'}, "geometry"),
        (
            {"geometry": '<geometry s="0" x="9e9" y="0" hdg="0" length="50"><line/></geometry>'},
            "m, a",
        ),
        ({"right": LANE.format(-1, "driving", "").replace("3.5", "999")}, "width of 999.0 m"),
    ],
)
def test_roads_into_the_sky_are_refused(change, said):
    text = document(road(**change))
    native = native_map(text)
    with pytest.raises(UserError, match=r"lane -?1 of road 1") as refusal:
        sample_lanes(parse(text, "map.xodr").roads.values(), native, "map.xodr")
    assert said in str(refusal.value)


def test_a_road_at_the_other_end_of_the_country_is_named():
    far = '<geometry s="0" x="90000" y="0" hdg="0" length="50"><line/></geometry>'
    text = document(road(1), road(2), road(7, geometry=far))
    native = native_map(text)
    with pytest.raises(UserError, match=r"over 90 km.*road 7 is the farthest"):
        sample_lanes(parse(text, "map.xodr").roads.values(), native, "map.xodr")


def test_a_file_without_a_driving_lane_is_refused():
    text = document(
        road(left=LANE.format(1, "sidewalk", ""), right=LANE.format(-1, "sidewalk", ""))
    )
    native = native_map(text)
    with pytest.raises(UserError, match="lane of type driving"):
        sample_lanes(parse(text, "map.xodr").roads.values(), native, "map.xodr")


def test_the_missing_wheel_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "carla", None)
    with pytest.raises(UserError, match=r'pip install "symdrive\[carla\]"'):
        baking.bake(SOUND, "map.xodr")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xodr.gz", b"not gzip at all", "not a sound gzip file"),
        ("a.xodr.gz", gzip.compress(b"x" * 1000, mtime=0)[:-20], "not a sound gzip file"),
        ("a.xodr.gz", b"", "not well-formed XML|gzip"),
        ("a.xodr", b"\xff\xfe\x00\x01binary", "not a text file"),
        ("a.xodr", b"", "not well-formed XML"),
    ],
)
def test_broken_files_on_disk(tmp_path: Path, name: str, content: bytes, said: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        bake_file(path, tmp_path / "out.town")
    assert not (tmp_path / "out.town").exists()


def test_a_broken_gzip_checksum_is_noticed(tmp_path: Path):
    content = bytearray(gzip.compress(SOUND.encode()))
    content[-6] ^= 0xFF
    (tmp_path / "a.xodr.gz").write_bytes(content)
    with pytest.raises(UserError, match="not a sound gzip file"):
        read_source(tmp_path / "a.xodr.gz")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"gone\.xodr: cannot be read"):
        bake_file(tmp_path / "gone.xodr", tmp_path / "out.town")
