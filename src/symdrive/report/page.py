"""Report pages: one for a drive, one for a folder of drives; plain HTML that needs no network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from symdrive.core.errors import UserError
from symdrive.maps.raster import TownRaster
from symdrive.maps.town import Town
from symdrive.record.reader import Run
from symdrive.report import plots
from symdrive.report.town_map import Pin, View, draw_map
from symdrive.report.video import Studio, VideoConfig, shown_ticks, write_video
from symdrive.scoring.records import RouteRecord, read_record
from symdrive.sensors.scene import Scene

REPORT_FILE, VIDEO_FILE = "report.html", "drive.mp4"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TownKit:
    """What several reports of one town share, because it takes a while to build.

    Attributes:
        town: the road network.
        scene: for the cameras.
        raster: for the bird's eye view.
    """

    town: Town
    scene: Scene
    raster: TownRaster

    @staticmethod
    def of(town: Town) -> "TownKit":
        """Build both from the town."""
        return TownKit(town, Scene(town), TownRaster.from_town(town))


def write_run_page(
    run: Run,
    kit: TownKit,
    *,
    video: VideoConfig | None,
    shared: Path | None = None,
    tell: Progress = lambda _done, _total: None,
) -> Path:
    """Write `report.html` (and the video) into the run folder.

    Args:
        run: a finished drive.
        kit: of its town.
        video: how to make the video; None keeps an old one, or goes without.
        shared: folder above with the page of all routes, to which this one links.
        tell: progress of the video, pictures done and in all.

    Raises:
        UserError: when the run is unfinished, or the disk refuses.
    """
    if not run.is_finished:
        raise UserError(f"{run.folder} is an unfinished run; drive it to its end first.")
    target = run.folder / VIDEO_FILE
    if video is not None:
        studio = Studio(run, kit.town, kit.scene, kit.raster)
        write_video(studio, shown_ticks(run.ticks["speed"], video), target, video, tell)
    record, ticks = read_record(run.folder), run.ticks
    events = [float(item["time_s"]) for item in run.infractions]
    page = _render(
        "run.html.j2",
        run.folder,
        shared,
        title=f"{run.meta.driver} on route {run.meta.episode.route.route_id}",
        subtitle=f"{kit.town.name}, seed {run.meta.episode.seed}: {record.status}",
        summary_link=_link(run.folder, shared),
        cards=_cards(record, ticks),
        video=VIDEO_FILE if target.is_file() else "",
        map=_run_map(run, kit.town),
        infractions=_infraction_rows(run),
        reasons=_reasons(ticks["plan_reason"]),
        speed_plot=plots.speed_plot(
            ticks["time_s"], ticks["speed"], ticks["plan_target_speed"], events
        ),
        control_plot=plots.control_plot(
            ticks["time_s"], ticks["steer"], ticks["throttle"], ticks["brake"]
        ),
        facts=_facts(run),
    )
    return _write(run.folder / REPORT_FILE, page)


def _link(folder: Path, shared: Path | None) -> str:
    """From a page to the page of all routes."""
    if shared is None:
        return ""
    return "../" * len(folder.resolve().relative_to(shared.resolve()).parts) + REPORT_FILE


def _render(template: str, page_folder: Path, shared: Path | None, **values: object) -> str:
    """Fill a template; everything that is not marked safe is escaped."""
    files = resources.files("symdrive.report").joinpath("templates")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files.joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    style = files.joinpath("style.css").read_text("utf-8")
    return environment.get_template(template).render(
        style=style, plotly=plots.plotly_script(page_folder, shared), **values
    )


def _write(path: Path, text: str) -> Path:
    """Write a page as a whole or not at all."""
    part = path.with_suffix(".part")
    try:
        part.write_text(text, encoding="utf-8")
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; free some space.") from error
    return part.replace(path)


def _cards(record: RouteRecord, ticks: Mapping[str, np.ndarray]) -> list[dict[str, str]]:
    """The numbers on top."""
    score = record.scores.driving_score
    tone = "good" if score >= 90 else ("warn" if score >= 50 else "bad")
    moving = ticks["speed"][ticks["speed"] > 0.1]
    mean_kmh = float(moving.mean()) * 3.6 if len(moving) else 0.0
    return [
        {"value": f"{score:.1f}", "label": "driving score", "tone": tone},
        {
            "value": f"{record.scores.route_completion:.1f} %",
            "label": "route completion",
            "tone": "",
        },
        {"value": f"{record.scores.penalty:.2f}", "label": "infraction penalty", "tone": ""},
        {"value": f"{record.route_length_m:.0f} m", "label": "route length", "tone": ""},
        {"value": f"{float(ticks['time_s'][-1]):.0f} s", "label": "driven", "tone": ""},
        {"value": f"{mean_kmh:.0f} km/h", "label": "mean speed while moving", "tone": ""},
    ]


def _run_map(run: Run, town: Town) -> str:
    """Route, driven path, infractions."""
    ticks, route = run.ticks, run.meta.episode.route.points[:, :2]
    driven = np.stack([ticks["x"], ticks["y"]], axis=1)
    pins: list[Pin] = []
    for item in run.infractions:
        row = min(int(item["tick"]), len(driven) - 1)
        label = f"{float(item['time_s']):.1f} s: {item['message']}"
        pins.append(Pin(float(driven[row, 0]), float(driven[row, 1]), label))
    view = View.around(np.concatenate([route, driven]))
    return draw_map(town, view, route, driven, ticks["speed"], pins)


def _infraction_rows(run: Run) -> list[dict[str, str]]:
    """For the table."""
    return [
        {
            "time": f"{float(item['time_s']):.1f} s",
            "kind": str(item["kind"]).replace("_", " ").lower(),
            "message": str(item["message"]),
        }
        for item in run.infractions
    ]


def _reasons(reasons: np.ndarray) -> list[dict[str, str]]:
    """What bound the speed, most frequent first; empty where no reason was ever given."""
    names, counts = np.unique(reasons.astype(str), return_counts=True)
    order = np.argsort(-counts)
    rows = [
        {"reason": str(names[i]).replace("_", " "), "share": f"{counts[i] / len(reasons):.0%}"}
        for i in order
        if names[i]
    ]
    return rows[:10]


def _facts(run: Run) -> list[tuple[str, str]]:
    """What one needs to drive it again."""
    meta = run.meta
    return [
        ("town", f"{meta.episode.route.town} ({meta.town_digest})"),
        ("route", meta.episode.route.route_id),
        ("seed", str(meta.episode.seed)),
        ("traffic", _traffic(meta.episode.traffic)),
        ("driver", meta.driver),
        ("rig", f"{meta.rig.name} ({meta.rig.digest})"),
        ("config", meta.config_digest),
        ("symdrive", meta.symdrive_version),
        ("folder", str(run.folder)),
    ]


def _traffic(traffic: Any) -> str:
    """Counts in words."""
    return (
        f"{traffic.vehicles} vehicles, {traffic.pedestrians} pedestrians,"
        f" {traffic.parked} parked cars"
    )


def render_page(template: str, values: Mapping[str, object], path: Path) -> Path:
    """Fill one of this package's templates and write it.

    Raises:
        UserError: when the disk refuses.
    """
    return _write(path, _render(template, path.parent, path.parent, **values))


def town_map_of_routes(town: Town, routes: Sequence[np.ndarray]) -> str:
    """All routes of a benchmark on one map, a colour each."""
    every = np.concatenate([route[:, :2] for route in routes])
    base = draw_map(town, View.around(every))
    lines = [
        f'<path d="M{"L".join(f"{x:.1f} {-y:.1f}" for x, y in route[:, :2])}" fill="none"'
        f' stroke="{plots.PALETTE[i % len(plots.PALETTE)]}" stroke-width="2.2"'
        ' stroke-opacity="0.75" stroke-linecap="round"/>'
        for i, route in enumerate(routes)
    ]
    return base.replace("</svg>", "".join(lines) + "</svg>")
