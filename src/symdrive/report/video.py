"""The video of a drive, drawn from what was recorded: no world is stepped, no driver asked.

The scene is rendered again from the recorded actors, so the pictures have the size that a person
wants, whatever the driver's own cameras were.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import Float, UInt8

from symdrive.core.errors import UserError
from symdrive.maps.raster import TownRaster
from symdrive.maps.town import Town
from symdrive.record.reader import Run
from symdrive.report.panels import Gauges, Panel, birds_eye, instruments
from symdrive.sensors.camera import render_cameras
from symdrive.sensors.light import Look
from symdrive.sensors.scene import Scene
from symdrive.world.backend import TICK_S
from symdrive.world.control import Plan
from symdrive.world.rig import CameraSpec, LidarSpec, three_cameras
from symdrive.world.truth import Actors, SignalState

WIDTH, HEIGHT = 1280, 720
STRIP = 426
BIRD, DIALS = 380, 300
CHASE = WIDTH - BIRD - DIALS


VIEW = 320
"""Pixels of a windscreen camera: three quarters of what is shown, at half the rays."""

WINDSCREEN = three_cameras("windscreen", VIEW, LidarSpec()).cameras
CHASER = CameraSpec(
    "chase",
    (-8.5, 0.0, 4.6),
    0.0,
    CHASE * 3 // 4,
    (HEIGHT - STRIP) * 3 // 4,
    math.radians(70),
    math.radians(-14),
)

STANDING_MPS = 0.1

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class VideoConfig:
    """How a video is made.

    Attributes:
        every: ticks between pictures; 2 gives 10 pictures a second.
        samples: rays a pixel and axis; 2 smooths edges at four times the cost, and things cast
            shadows then.
        speed: how many times faster than real time it plays.
        crf: quality of H.264; lower is better and larger.
        stand_s: of a longer stand only the beginning and the end are shown, together this long.
    """

    every: int = 2
    samples: int = 1
    speed: float = 1.0
    crf: int = 25
    stand_s: float = 8.0

    @property
    def rate(self) -> int:
        """Pictures a second."""
        return max(1, round(self.speed / (TICK_S * self.every)))


class Studio:
    """Draws the pictures of one run; the scene is built once.

    Args:
        run: a recorded drive.
        town: the town it was driven in.
        scene: of the town, shared between runs to save its building.
        raster: of the town, likewise.
    """

    def __init__(self, run: Run, town: Town, scene: Scene, raster: TownRaster) -> None:
        self._run = run
        self._town = town
        self._scene = scene
        self._raster = raster
        self._plan_rows = run.frame_ticks
        self._stops = _stop_bars(town)
        self._panel = Panel(BIRD, HEIGHT - STRIP)

    def picture(self, tick: int, samples: int) -> Picture:
        """The whole picture of one tick."""
        actors, signals = self._run.actors(tick), self._run.signal_state(tick)
        plan = self._plan_at(tick)
        weather, seed = self._run.meta.episode.weather, self._run.meta.episode.seed
        self._scene.update(actors, signals, Look(weather, samples > 1, seed, tick))
        image = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        image[:STRIP] = self._windscreen(actors, samples)
        chase = self._render((CHASER,), actors, samples, with_ego=True)[0]
        image[STRIP:, :CHASE] = _enlarge(chase, CHASE, HEIGHT - STRIP)
        stops = [(bar, SignalState(int(signals[row]))) for row, bar in self._stops]
        image[STRIP:, CHASE : CHASE + BIRD] = birds_eye(
            self._panel, self._raster, actors, None, plan, stops
        )
        image[STRIP:, CHASE + BIRD :] = instruments(
            DIALS, HEIGHT - STRIP, self._run.meta.driver, self._gauges(tick, plan)
        )
        return image

    def _windscreen(self, actors: Actors, samples: int) -> Picture:
        """Left, front and right camera side by side."""
        views = self._render(WINDSCREEN, actors, samples, with_ego=False)
        strip = np.concatenate(views, axis=1)
        return _enlarge(strip, WIDTH, STRIP)

    def _render(
        self, specs: tuple[CameraSpec, ...], actors: Actors, samples: int, *, with_ego: bool
    ) -> list[Picture]:
        frames = render_cameras(
            self._scene,
            [replace(spec, samples=samples) for spec in specs],
            actors.position[0],
            float(actors.yaw[0]),
            float(actors.pitch[0]),
            skip_row=None if with_ego else 0,
        )
        return [frames[spec.name].rgb for spec in specs]

    def _plan_at(self, tick: int) -> Plan | None:
        """The plan of the latest recorded frame."""
        index = int(np.searchsorted(self._plan_rows, tick, side="right")) - 1
        return self._run.frame(index).plan if index >= 0 else None

    def _gauges(self, tick: int, plan: Plan | None) -> Gauges:
        ticks = self._run.ticks
        target = float(ticks["plan_target_speed"][tick])
        return Gauges(
            time_s=float(ticks["time_s"][tick]),
            speed_mps=float(ticks["speed"][tick]),
            target_speed_mps=None if plan is None or math.isnan(target) else target,
            reason=str(ticks["plan_reason"][tick]),
            steer=float(ticks["steer"][tick]),
            throttle=float(ticks["throttle"][tick]),
            brake=float(ticks["brake"][tick]),
            completion=float(ticks["route_completion"][tick]),
            infractions=tuple(
                str(item["message"]) for item in self._run.infractions if item["tick"] <= tick
            ),
        )


def write_video(
    studio: Studio,
    ticks: Sequence[int],
    path: Path,
    config: VideoConfig,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Render every picture and encode them as H.264 in MP4, playable while it loads.

    Args:
        studio: draws the pictures.
        ticks: to show, as `shown_ticks` gives them.
        path: of the video; it appears only when it is whole.
        config: how.
        tell: called with pictures done and pictures in all.

    Raises:
        UserError: when the file cannot be written.
    """
    part = path.with_suffix(".part.mp4")
    try:
        with av.open(str(part), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=config.rate)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.options = {"crf": str(config.crf), "preset": "veryfast"}
            for done, picture in enumerate(_pictures(studio, ticks, config.samples)):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
                tell(done + 1, len(ticks))
            container.mux(stream.encode())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"cannot write the video {path}: {error}; free some space.") from error
    part.replace(path)


def _enlarge(image: Picture, width: int, height: int) -> UInt8[np.ndarray, "rows cols 3"]:
    """A rendered picture at the size in which it is shown."""
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)


def shown_ticks(speed: Float[np.ndarray, " tick"], config: VideoConfig) -> list[int]:
    """Ticks of the video. A driver that stands for minutes is not watched doing so.

    Args:
        speed: at every tick, m/s.
        config: of the video.
    """
    ticks = np.arange(len(speed))
    moving = np.flatnonzero(np.abs(speed) >= STANDING_MPS)
    last = np.r_[0, moving][np.searchsorted(moving, ticks, side="right")]
    coming = np.r_[moving, len(speed) - 1][np.searchsorted(moving, ticks)]
    half = round(config.stand_s / TICK_S / 2.0)
    shown = (ticks - last <= half) | (coming - ticks <= half)
    return ticks[shown][:: config.every].tolist()


def _pictures(studio: Studio, ticks: Sequence[int], samples: int) -> Iterator[Picture]:
    for tick in ticks:
        yield studio.picture(tick, samples)


def _stop_bars(town: Town) -> list[tuple[int, Float[np.ndarray, "2 2"]]]:
    """Signal row and both ends of each stop line, world frame, m."""
    lanes, signals = town.lanes, town.signals
    bars: list[tuple[int, Float[np.ndarray, "2 2"]]] = []
    for row in range(len(signals)):
        for stop in range(int(signals.stop_start[row]), int(signals.stop_start[row + 1])):
            points = lanes.slice_of(int(signals.stop_lane[stop]))
            at = points.start + int(
                np.searchsorted(lanes.s_m[points], signals.stop_s_m[stop]).clip(
                    0, points.stop - points.start - 1
                )
            )
            yaw = float(lanes.yaw[at])
            side = np.array([-math.sin(yaw), math.cos(yaw)]) * float(lanes.width_m[at]) / 2
            middle = lanes.points[at, :2]
            bars.append((row, np.stack([middle + side, middle - side])))
    return bars
