"""Sensor rigs as values: LEAD's, older ones, and those that are refused."""

import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdrive.core.config import from_plain, to_plain
from symdrive.core.errors import UserError
from symdrive.world.rig import (
    BLIND_RIG,
    LEAD6_RIG,
    LEAD_RIG,
    NANO_RIG,
    RIGS,
    CameraSpec,
    GnssSpec,
    ImuSpec,
    LidarSpec,
    LocalisationSpec,
    ObstacleSpec,
    RadarSpec,
    Rig,
    SemanticLidarSpec,
    open_rig,
)

EYE = CameraSpec("eye", (0.0, 0.0, 2.0), 0.0, 64, 48, 1.0)
EARS = RadarSpec("ears", (2.6, 0.0, 0.6), 0.0)


def test_leads_rigs_carry_what_lead_carries():
    for rig, cameras in ((LEAD_RIG, 3), (LEAD6_RIG, 6)):
        assert len(rig.cameras) == cameras
        assert {(c.width, c.height, round(math.degrees(c.fov))) for c in rig.cameras} == {
            (384, 384, 60)
        }
        assert sum(lidar.channels * lidar.columns for lidar in rig.lidars) == 60032
        assert [r.points for r in rig.radars] == [75] * 4
        assert sorted(round(math.degrees(r.yaw)) for r in rig.radars) == [-135, -45, 45, 135]
        assert all(r.position[0] * math.cos(r.yaw) > 0 for r in rig.radars)
        assert rig.gnss is not None
        assert rig.imu is not None
        assert rig.gnss.every == rig.imu.every == 1
    turns = sorted(round(math.degrees(c.yaw), 1) for c in LEAD6_RIG.cameras)
    assert turns == [-122.5, -57.5, 0.0, 57.5, 122.5, 180.0]


def test_every_rig_survives_the_way_through_a_file():
    for rig in RIGS.values():
        assert from_plain(Rig, json.loads(json.dumps(to_plain(rig))), "rig") == rig


def test_older_rigs_keep_their_files_and_digests():
    # Digests as stored in run folders and checkpoints from before radars.
    assert BLIND_RIG.digest == "9f82f3de01463b27"
    assert set(to_plain(NANO_RIG)) == {"name", "cameras", "lidars", "localisation"}
    assert "sensor_tick_s" not in to_plain(NANO_RIG)["cameras"][0]
    assert to_plain(dataclasses.replace(EYE, roll=0.1))["roll"] == 0.1


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: dataclasses.replace(EYE, width=0), "0x48"),
        (lambda: dataclasses.replace(EYE, samples=0), "0 samples"),
        (lambda: dataclasses.replace(EYE, samples=5), "5 samples"),
        (lambda: dataclasses.replace(EYE, height=-4), "64x-4"),
        (lambda: dataclasses.replace(EYE, width=10**6, height=10**6), "at\\s*most"),
        (lambda: dataclasses.replace(EYE, fov=math.pi), "fov"),
        (lambda: dataclasses.replace(EYE, fov=math.nan), "finite"),
        (lambda: dataclasses.replace(EYE, position=(0.0, math.inf, 0.0)), "position"),
        (lambda: dataclasses.replace(EYE, name="a/b"), "name"),
        (lambda: dataclasses.replace(EYE, name=""), "name"),
        (lambda: dataclasses.replace(EYE, sensor_tick_s=-1.0), "sensor_tick_s"),
        (lambda: LidarSpec(channels=0), "channels"),
        (lambda: LidarSpec(columns=10**9), "rays"),
        (lambda: LidarSpec(range_m=-1.0), "range"),
        (lambda: LidarSpec(lower=0.5, upper=0.1), "lower <= upper"),
        (lambda: LidarSpec(dropoff=1.0), "dropoff"),
        (lambda: LidarSpec(dropoff_zero=1.5), "dropoff_zero"),
        (lambda: LidarSpec(noise_m=-0.1), "noise_m"),
        (lambda: LidarSpec(turn=0.0), "turn"),
        (lambda: LidarSpec(horizontal_fov=7.0), "horizontal_fov"),
        (lambda: SemanticLidarSpec(columns=0), "columns"),
        (lambda: dataclasses.replace(EARS, points=0), "points"),
        (lambda: dataclasses.replace(EARS, vertical_fov=0.0), "fov"),
        (lambda: dataclasses.replace(EARS, range_m=math.inf), "finite"),
        (lambda: GnssSpec(noise=(0.0, -1.0, 0.0)), "noise"),
        (lambda: GnssSpec(origin=(90.0, 0.0, 0.0)), "latitude"),
        (lambda: ImuSpec(gyro_noise=(0.0, 0.0, -1.0)), "gyro_noise"),
        (lambda: ObstacleSpec(hit_radius_m=0.0), "radius"),
        (lambda: LocalisationSpec(yaw_noise=math.nan), "finite"),
        (lambda: dataclasses.replace(EYE, width=10**400), "width"),
        (
            lambda: Rig(
                "many",
                tuple(
                    dataclasses.replace(EYE, name=f"c{i}", width=8192, height=8192)
                    for i in range(3)
                ),
            ),
            "pixels in all",
        ),
        (lambda: Rig("two", (EYE, EYE)), "one name"),
        (lambda: Rig("two", (EYE,), radars=(dataclasses.replace(EARS, name="eye"),)), "one name"),
    ],
)
def test_impossible_sensors_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()


NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(10**12), 10**12),
    st.sampled_from([0, -0.0, 1e-300, 1e300, 10**400, -(10**30)]),
)
JUNK = st.sampled_from(["1", "", None, True, [], {}, [1.0], [[]], {"name": "x"}, "eye\n" * 99])


def _mutations(draw: st.DrawFn, value: object) -> object:
    """A plain value with some of its leaves replaced, and a few of its branches."""
    if draw(st.integers(0, 99)) == 0:
        return draw(JUNK)
    if isinstance(value, dict):
        dropped = draw(st.sampled_from(sorted(value))) if draw(st.integers(0, 19)) == 0 else ""
        return {key: _mutations(draw, item) for key, item in value.items() if key != dropped}
    if isinstance(value, list):
        kept = draw(st.integers(0, len(value))) if draw(st.integers(0, 19)) == 0 else len(value)
        return [_mutations(draw, item) for item in value[:kept]]
    return draw(NUMBERS) if draw(st.integers(0, 15)) == 0 else value


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_file_gives_a_rig_or_one_sentence(data):
    whole = dataclasses.replace(
        LEAD_RIG, semantic_lidars=(SemanticLidarSpec(yaw=0.1),), obstacles=(ObstacleSpec(yaw=0.1),)
    )
    plain = _mutations(data.draw, to_plain(whole))
    assert _verdict(plain) == "fine"


def _verdict(plain: object) -> str:
    """`fine` for a rig that survives a file, and for a refusal in one sentence that says where."""
    try:
        rig = from_plain(Rig, plain, "rig.json")
    except UserError as error:
        text = str(error)
        return "fine" if "rig.json" in text and "\n" not in text else text
    again = from_plain(Rig, json.loads(json.dumps(to_plain(rig))), "again")
    return "fine" if again == rig else f"{again} is not {rig}"


def test_a_rig_comes_by_name_or_from_a_file(tmp_path):
    assert open_rig("lead6") is LEAD6_RIG
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(to_plain(LEAD_RIG)))
    assert open_rig(str(path)) == LEAD_RIG
    camera = {"name": "eye", "position": [0, 0, 2], "yaw": 0, "width": 0, "height": 48, "fov": 1.0}
    for text, reason in (
        ("{", "no JSON"),
        ("[]", "table of Rig"),
        ('{"name": "x", "cameras": [], "wheels": 4}', "no field 'wheels'"),
        (json.dumps({"name": "x", "cameras": [camera]}), r"cameras\[0\].*'eye' is 0x48"),
        ('{"name": "x", "cameras": 5}', r"\.cameras: expected a list, got 5"),
        (
            json.dumps({"name": "x", "cameras": [camera | {"position": [0, 0]}]}),
            r"cameras\[0\]\.position: expected 3 values",
        ),
        (
            '{"name": "x", "cameras": [], "gnss": {"convention": [1]}}',
            r"gnss\.convention: \[1\] is not one of",
        ),
        (json.dumps({"name": "x", "cameras": [camera | {"yaw": 10**400}]}), "too large a number"),
        ('{"name": "x", "name": "y", "cameras": []}', "field 'name' stands twice"),
        ("[" * 100_000, "no JSON"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=reason):
            open_rig(str(path))
    for source, reason in (
        ("leda3", "no rig is called"),
        (str(tmp_path / "n.json"), "cannot read"),
    ):
        with pytest.raises(UserError, match=reason):
            open_rig(source)
