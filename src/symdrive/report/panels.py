"""Pictures beside the cameras: bird's eye view with the plan, and the instrument panel."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from symdrive.core import geometry
from symdrive.maps.raster import TownRaster
from symdrive.world.catalogue import ActorKind
from symdrive.world.control import Plan
from symdrive.world.truth import Actors, SignalState

BACKGROUND = (24, 27, 33)
INK, FAINT = (236, 239, 244), (138, 147, 161)
GREEN, RED, AMBER, BLUE = (74, 201, 126), (239, 83, 80), (255, 183, 77), (96, 165, 250)
STATIC_COLOURS = np.array([(38, 42, 50), (86, 92, 103), (196, 200, 208)], dtype=np.uint8)
SIGNAL_COLOURS = {SignalState.RED: RED, SignalState.YELLOW: AMBER, SignalState.GREEN: GREEN}
FONT = cv2.FontFace("sans")

Picture = UInt8[np.ndarray, "height width 3"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Panel:
    """The bird's eye view: ego in the lower middle, driving up.

    Attributes:
        width: pixels.
        height: pixels.
        px_per_m: scale.
        behind_m: metres shown behind the ego.
    """

    width: int
    height: int
    px_per_m: float = 5.0
    behind_m: float = 14.0

    def pixels(self, local: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Ego-frame metres to pixel column and row."""
        column = self.width / 2 - local[..., 1] * self.px_per_m
        row = self.height - (local[..., 0] + self.behind_m) * self.px_per_m
        return np.stack([column, row], axis=-1)


def birds_eye(
    panel: Panel,
    raster: TownRaster,
    actors: Actors,
    seen: Sequence[bool] | None,
    plan: Plan | None,
    stop_lines: Sequence[tuple[Float[np.ndarray, "2 2"], SignalState]],
) -> Picture:
    """Road, actors (hollow where the expert may not know them), stop lines, plan and targets."""
    origin, yaw = actors.position[0, :2], float(actors.yaw[0])
    half_m = panel.width / 2 / panel.px_per_m
    static = raster.crop(
        origin,
        yaw,
        x_min=-panel.behind_m,
        x_max=panel.height / panel.px_per_m - panel.behind_m,
        y_min=-half_m,
        y_max=half_m,
        px_per_m=panel.px_per_m,
    )
    upright = np.ascontiguousarray(static.T[::-1])
    image = STATIC_COLOURS[np.minimum(upright, len(STATIC_COLOURS) - 1)]
    image = cv2.resize(image, (panel.width, panel.height), interpolation=cv2.INTER_NEAREST)
    for line, state in stop_lines:
        ends = panel.pixels(geometry.to_local(line, origin, yaw))
        _polyline(image, ends, SIGNAL_COLOURS.get(state, FAINT), 3)
    _draw_actors(image, panel, actors, seen)
    if plan is not None:
        _draw_plan(image, panel, plan)
    return image


def _draw_actors(image: Picture, panel: Panel, actors: Actors, seen: Sequence[bool] | None) -> None:
    """Boxes with a nose; unseen ones as thin outlines."""
    origin, yaw = actors.position[0, :2], float(actors.yaw[0])
    local = geometry.to_local(actors.position[:, :2], origin, yaw)
    corners = panel.pixels(geometry.box_corners(local, actors.yaw - yaw, actors.half_extent[:, :2]))
    for row in range(len(actors) - 1, -1, -1):
        colour = _actor_colour(row, int(actors.kind[row]))
        points = np.rint(corners[row] * 8).astype(np.int32)
        if seen is None or seen[row]:
            cv2.fillConvexPoly(image, points, colour, cv2.LINE_AA, shift=3)
            nose = (corners[row][0] + corners[row][3]) / 2
            middle = corners[row].mean(axis=0)
            _polyline(image, np.stack([middle, nose]), BACKGROUND, 1)
        else:
            cv2.polylines(
                image,
                [points],
                isClosed=True,
                color=colour,
                thickness=1,
                lineType=cv2.LINE_AA,
                shift=3,
            )


def _actor_colour(row: int, kind: int) -> Colour:
    """Ego green, people amber, props grey, vehicles blue."""
    if row == 0:
        return GREEN
    if kind in (ActorKind.PEDESTRIAN, ActorKind.BICYCLE):
        return AMBER
    return FAINT if kind == ActorKind.PROP else BLUE


def _draw_plan(image: Picture, panel: Panel, plan: Plan) -> None:
    """Planned path, waypoints, believed boxes and target points."""
    for box in plan.boxes:
        center, extent = np.array([box.center]), np.array([box.half_extent])
        corners = panel.pixels(geometry.box_corners(center, np.array([box.yaw]), extent))[0]
        points = np.rint(corners * 8).astype(np.int32)
        cv2.polylines(
            image, [points], isClosed=True, color=RED, thickness=2, lineType=cv2.LINE_AA, shift=3
        )
    if len(plan.route):
        _polyline(image, panel.pixels(plan.route), GREEN, 2)
    for point in panel.pixels(plan.waypoints) if len(plan.waypoints) else ():
        _disc(image, point, 3, INK)
    if plan.target_points is not None:
        for point in panel.pixels(plan.target_points[1:]):
            _disc(image, point, 6, RED)
            _disc(image, point, 3, INK)


@dataclass(frozen=True)
class Gauges:
    """Numbers of one moment.

    Attributes:
        time_s: since the start.
        speed_mps: speedometer.
        target_speed_mps: what the driver aims for, None where it says nothing.
        reason: what bound its speed.
        steer: [-1, 1], left positive.
        throttle: [0, 1].
        brake: [0, 1].
        completion: per cent of the route.
        infractions: texts, newest last.
    """

    time_s: float
    speed_mps: float
    target_speed_mps: float | None
    reason: str
    steer: float
    throttle: float
    brake: float
    completion: float
    infractions: tuple[str, ...] = ()


def instruments(width: int, height: int, title: str, gauges: Gauges) -> Picture:
    """Speed, target, pedals, wheel, progress and infractions."""
    image = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)
    text(image, title, (16, 28), 17, INK, 600)
    text(image, f"{gauges.time_s:6.1f} s", (width - 84, 28), 15, FAINT)
    text(image, f"{gauges.speed_mps * 3.6:.0f}", (16, 92), 58, INK, 500)
    text(image, "km/h", (100, 92), 17, FAINT)
    if gauges.target_speed_mps is not None:
        aim = f"aims for {gauges.target_speed_mps * 3.6:.0f}"
        text(image, aim, (156, 70), 16, INK)
        text(image, gauges.reason.replace("_", " "), (156, 92), 16, AMBER)
    _bar(image, (16, 116, width - 32, 10), gauges.throttle, GREEN, "throttle")
    _bar(image, (16, 152, width - 32, 10), gauges.brake, RED, "brake")
    _wheel_bar(image, (16, 188, width - 32, 10), gauges.steer)
    _bar(image, (16, 224, width - 32, 10), gauges.completion / 100, BLUE, "route")
    for i, message in enumerate(gauges.infractions[-1:]):
        text(image, message[:44], (16, 268 + 18 * i), 14, RED)
    return image


def text(
    image: Picture, line: str, at: tuple[int, int], size: int, colour: Colour, weight: int = 400
) -> None:
    """One line of text; `at` is its lower left corner."""
    cv2.putText(image, line, at, colour, FONT, size, weight)


def _bar(
    image: Picture, box: tuple[int, int, int, int], share: float, colour: Colour, label: str
) -> None:
    """A horizontal gauge with its label below."""
    x, y, width, height = box
    full = round(width * min(max(share, 0.0), 1.0))
    cv2.rectangle(image, (x, y), (x + width, y + height), (52, 57, 66), -1)
    if full:
        cv2.rectangle(image, (x, y), (x + full, y + height), colour, -1)
    text(image, f"{label} {share * 100:.0f} %", (x, y + height + 15), 12, FAINT)


def _wheel_bar(image: Picture, box: tuple[int, int, int, int], steer: float) -> None:
    """A gauge that grows from the middle; left is left."""
    x, y, width, height = box
    middle = x + width // 2
    end = middle - round(steer * width / 2)
    cv2.rectangle(image, (x, y), (x + width, y + height), (52, 57, 66), -1)
    cv2.rectangle(image, (min(middle, end), y), (max(middle, end), y + height), INK, -1)
    text(image, f"steer {steer:+.2f}", (x, y + height + 15), 12, FAINT)


def _polyline(image: Picture, points: Float[np.ndarray, "n 2"], colour: Colour, width: int) -> None:
    """Anti-aliased line through sub-pixel points."""
    fixed = np.rint(points * 8).astype(np.int32)
    cv2.polylines(
        image, [fixed], isClosed=False, color=colour, thickness=width, lineType=cv2.LINE_AA, shift=3
    )


def _disc(image: Picture, point: Float[np.ndarray, " 2"], radius: int, colour: Colour) -> None:
    """A filled circle."""
    x, y = (round(float(v) * 8) for v in point)
    cv2.circle(image, (x, y), radius * 8, colour, -1, cv2.LINE_AA, shift=3)
