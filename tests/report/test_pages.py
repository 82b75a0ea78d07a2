"""Pages and videos from a recorded drive."""

import re

import av
import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.evaluate.drivers import DriverSpec
from symdrive.evaluate.jobs import Job, drive
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.record.reader import open_run
from symdrive.report.page import TownKit, write_run_page
from symdrive.report.panels import Panel
from symdrive.report.summary import DriverRuns, write_summary
from symdrive.report.town_map import Pin, View, draw_map
from symdrive.report.video import HEIGHT, WIDTH, VideoConfig, shown_ticks
from symdrive.scoring.protocol import LEADERBOARD_2_0, aggregate, score_route
from symdrive.world.backend import TrafficConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def town():
    return open_town("alder")


@pytest.fixture(scope="module")
def record(folder, town):
    route = Network(town).random_route(generator(5, "report"), 60.0, "a<b")
    traffic = TrafficConfig(vehicles=5, pedestrians=3, parked=3)
    return drive(
        Job(folder / "blind" / "one", "alder", route, DriverSpec("blind"), traffic=traffic)
    )


@pytest.fixture(scope="module")
def page(folder, town, record):
    run = open_run(folder / "blind" / "one")
    kit = TownKit.of(town)
    return write_run_page(run, kit, video=VideoConfig(every=60), shared=folder)


def test_the_video_plays(page):
    with av.open(str(page.parent / "drive.mp4")) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) >= 2
    assert pictures[0].shape == (HEIGHT, WIDTH, 3)
    assert min(float(picture.std()) for picture in pictures) > 20  # no blank picture
    assert not page.parent.joinpath("drive.part.mp4").exists()


def test_the_page_needs_no_network_and_escapes_names(page):
    text = page.read_text()
    assert re.findall(r'(?:src|href)="https?:', text) == []
    assert "a&lt;b" in text
    assert "<b on route" not in text
    assert 'src="../../plotly.min.js"' in text
    assert page.parent.joinpath("../../plotly.min.js").resolve().stat().st_size > 1_000_000


def test_the_summary_leads_to_every_drive(folder, town, record, page):
    run = open_run(folder / "blind" / "one")
    summary = aggregate([score_route(record, LEADERBOARD_2_0)], 2)
    rows = [DriverRuns("blind", summary, (run,))]
    text = write_summary(folder, town, rows, title="t", protocol="p").read_text()
    assert 'href="blind/one/report.html"' in text
    assert 'src="blind/one/drive.mp4"' in text
    assert f"{summary.driving_score:.1f}" in text


def test_an_unfinished_run_has_no_page(folder, town, record, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("run.json", "route.arrow", "ticks.arrow", "actors.arrow", "frames.arrow"):
        broken.joinpath(name).write_bytes((folder / "blind" / "one" / name).read_bytes())
    with pytest.raises(UserError, match="unfinished"):
        write_run_page(open_run(broken), TownKit.of(town), video=None)


def test_a_map_is_upright_and_pins_are_escaped(town):
    view = View.around(np.array([[0.0, 0.0], [10.0, 10.0]]))
    picture = draw_map(
        town, view, route=np.array([[1.0, 2.0], [3.0, 4.0]]), pins=[Pin(0.0, 0.0, "<x>")]
    )
    assert "M1.0 -2.0L3.0 -4.0" in picture
    assert "&lt;x&gt;" in picture


def test_the_birds_eye_view_has_the_ego_in_the_lower_middle():
    panel = Panel(200, 100, px_per_m=2.0, behind_m=10.0)
    np.testing.assert_allclose(panel.pixels(np.zeros((1, 2))), [[100.0, 80.0]])
    ahead_left = panel.pixels(np.array([[5.0, 4.0]]))[0]
    assert ahead_left[0] < 100
    assert ahead_left[1] < 80


def test_a_long_stand_is_cut_to_its_beginning_and_end() -> None:
    speed = np.r_[np.full(20, 5.0), np.zeros(1000), np.full(20, 5.0)]
    shown = np.array(shown_ticks(speed, VideoConfig(every=1, stand_s=8.0)))
    assert shown.tolist() == [*range(20 + 80), *range(1020 - 80, 1040)]
    short = np.r_[np.full(20, 5.0), np.zeros(100), np.full(20, 5.0)]
    assert shown_ticks(short, VideoConfig(every=2)) == list(range(0, 140, 2))
    assert len(shown_ticks(np.zeros(3600), VideoConfig(every=1))) == 162
