"""A town, a route and a driven path as one SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from symdrive.maps.town import LaneKind, LaneTable, Town

LANE_FILL = {
    LaneKind.DRIVING: "#c9ced6",
    LaneKind.PARKING: "#dfe2e7",
    LaneKind.SIDEWALK: "#eceae4",
    LaneKind.SHOULDER: "#e4e6ea",
    LaneKind.BIKING: "#dbe7df",
}
LARGE_M, LARGE_STROKE = 1500.0, "#8b93a1"
"""Roads of views wider than this are drawn broader and darker than they are, to be seen at all."""

LETTERS = 140.0
"""So many heights of a letter fit into a view."""

SPEED_COLOURS = ("#313695", "#4575b4", "#74add1", "#fdae61", "#f46d43", "#d73027")


@dataclass(frozen=True)
class Pin:
    """A marked place.

    Attributes:
        x: world frame, m.
        y: world frame, m.
        label: shown when the pointer rests on it.
        colour: CSS colour.
    """

    x: float
    y: float
    label: str
    colour: str = "#b00020"


@dataclass(frozen=True)
class View:
    """The part of the world that is drawn; x to the right, y up.

    Attributes:
        x_min: m.
        y_min: m.
        x_max: m.
        y_max: m.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @staticmethod
    def around(points: Float[np.ndarray, "n 2"], margin_m: float = 30.0) -> "View":
        """The box around points with a margin, at least 80 m wide and high."""
        low, high = points.min(axis=0) - margin_m, points.max(axis=0) + margin_m
        grow = np.maximum(80.0 - (high - low), 0.0) / 2
        low, high = low - grow, high + grow
        return View(float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @property
    def box(self) -> str:
        """The SVG viewBox; SVG's y grows downwards, so y is negated."""
        width, height = self.x_max - self.x_min, self.y_max - self.y_min
        return f"{self.x_min:.1f} {-self.y_max:.1f} {width:.1f} {height:.1f}"

    @property
    def span_m(self) -> float:
        """The longer side."""
        return max(self.x_max - self.x_min, self.y_max - self.y_min)

    def holds(self, points: Float[np.ndarray, "n 2"]) -> bool:
        """Whether any point lies inside."""
        x, y = points[:, 0], points[:, 1]
        inside = (x > self.x_min) & (x < self.x_max) & (y > self.y_min) & (y < self.y_max)
        return bool(inside.any())


def draw_map(
    town: Town,
    view: View,
    route: Float[np.ndarray, "point 2"] | None = None,
    driven: Float[np.ndarray, "tick 2"] | None = None,
    speed_mps: Float[np.ndarray, " tick"] | None = None,
    pins: Sequence[Pin] = (),
    *,
    ids: bool = False,
) -> str:
    """SVG text of the lanes, the route (broad band), the driven path (by speed) and the pins.

    With `ids`, junctions carry their ids; signals tell theirs when the pointer rests on them.
    """
    parts = [
        f'<svg class="map" viewBox="{view.box}" xmlns="http://www.w3.org/2000/svg" role="img"'
        ' aria-label="map of the drive">'
    ]
    parts += _lanes(town.lanes, view)
    parts += _signals(town, view)
    if ids:
        parts += _ids(town, view)
    if route is not None:
        parts.append(_line(route, "#1f9d55", 2.6, opacity=0.35))
    if driven is not None and len(driven) > 1:
        parts += _driven(driven, speed_mps)
        parts.append(_dot(driven[0], "#1f9d55", "start"))
        parts.append(_dot(driven[-1], "#111827", "end of the drive"))
    parts += [_dot(np.array([pin.x, pin.y]), pin.colour, pin.label) for pin in pins]
    parts.append("</svg>")
    return "".join(parts)


def _lanes(lanes: LaneTable, view: View) -> list[str]:
    """Lane areas, one path element a kind, the wide kinds below the others."""
    order = (
        LaneKind.SIDEWALK,
        LaneKind.SHOULDER,
        LaneKind.BIKING,
        LaneKind.PARKING,
        LaneKind.DRIVING,
    )
    parts: list[str] = []
    for kind in order:
        outlines = [
            _outline(lanes, int(lane))
            for lane in np.flatnonzero(lanes.kind == kind)
            if view.holds(lanes.points[lanes.slice_of(int(lane)), :2])
        ]
        if outlines:
            fill = LANE_FILL[kind]
            line, width = fill, 0.2
            if kind == LaneKind.DRIVING and view.span_m > LARGE_M:
                line, width = LARGE_STROKE, view.span_m / LARGE_M
            parts.append(
                f'<path d="{"".join(outlines)}" fill="{fill}" stroke="{line}"'
                f' stroke-width="{width:.2g}"/>'
            )
    return parts


def _outline(lanes: LaneTable, lane: int) -> str:
    """The area of one lane as path data, every third point."""
    rows = lanes.slice_of(lane)
    points, yaw, half = lanes.points[rows, :2], lanes.yaw[rows], lanes.width_m[rows] / 2
    keep = np.unique(np.append(np.arange(0, len(points), 3), len(points) - 1))
    normal = np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    left = (points + normal * half[:, None])[keep]
    right = (points - normal * half[:, None])[keep][::-1]
    return _data(np.concatenate([left, right])) + "Z"


def _ids(town: Town, view: View) -> list[str]:
    """The id of each junction at its middle, and a spot with the id of each signal."""
    lanes = town.lanes
    of_point = np.repeat(lanes.junction, np.diff(lanes.start))
    inside = of_point >= 0
    names, row = np.unique(of_point[inside], return_inverse=True)
    total = np.stack([np.bincount(row, lanes.points[inside, axis]) for axis in range(2)], axis=1)
    middle = total / np.bincount(row, minlength=len(names))[:, None]
    size = view.span_m / LETTERS
    if len(names) > 1:
        gap = np.asarray(cKDTree(middle).query(middle, k=2)[0])
        # A name is three heights wide; where junctions are near each other it is smaller.
        size = float(np.clip(np.percentile(gap[:, 1], 20) / 3.0, size / 3.0, size))
    parts = [
        f'<text x="{x:.1f}" y="{-y:.1f}" font-size="{size:.3g}" fill="#1f2937"'
        f' font-family="sans-serif" text-anchor="middle">{name}</text>'
        for name, (x, y) in zip(names.tolist(), middle.tolist(), strict=True)
    ]
    for name, place in zip(town.signals.signal_id.tolist(), town.signals.position, strict=True):
        parts.append(
            f'<circle cx="{place[0]:.1f}" cy="{-place[1]:.1f}" r="{size / 5:.2g}" fill="#e11d48">'
            f"<title>signal {name}</title></circle>"
        )
    return parts


def _signals(town: Town, view: View) -> list[str]:
    """Stop lines of signals (red) and of stop signs (dark red)."""
    lines = list(zip(town.signals.stop_lane, town.signals.stop_s_m, strict=True))
    signs = list(zip(town.stop_signs.lane, town.stop_signs.s_m, strict=True))
    parts = [_stop_line(town.lanes, int(a), float(s), "#e11d48", view) for a, s in lines]
    parts += [_stop_line(town.lanes, int(a), float(s), "#7f1d1d", view) for a, s in signs]
    return [part for part in parts if part]


def _stop_line(lanes: LaneTable, lane: int, s_m: float, colour: str, view: View) -> str:
    """A bar across a lane."""
    rows = lanes.slice_of(lane)
    at = min(int(np.searchsorted(lanes.s_m[rows], s_m)), rows.stop - rows.start - 1)
    point, yaw = lanes.points[rows][at, :2], lanes.yaw[rows][at]
    side = np.array([-np.sin(yaw), np.cos(yaw)]) * lanes.width_m[rows][at] / 2
    bar = np.stack([point + side, point - side])
    return _line(bar, colour, 0.8) if view.holds(bar) else ""


def _driven(
    driven: Float[np.ndarray, "tick 2"], speed_mps: Float[np.ndarray, " tick"] | None
) -> list[str]:
    """The path in pieces of one colour each."""
    if speed_mps is None:
        return [_line(driven, "#2563eb", 1.1)]
    edges = np.linspace(0.0, max(float(speed_mps.max()), 1.0), len(SPEED_COLOURS) + 1)[1:-1]
    bins = np.digitize(speed_mps, edges)
    cuts = np.flatnonzero(np.diff(bins)) + 1
    starts, ends = np.append(0, cuts), np.append(cuts, len(driven) - 1)
    return [
        _line(driven[a : b + 1], SPEED_COLOURS[int(bins[a])], 1.2)
        for a, b in zip(starts, ends, strict=True)
        if b > a
    ]


def _data(points: Float[np.ndarray, "n 2"]) -> str:
    """Path data of a polyline."""
    return "M" + "L".join(f"{x:.1f} {-y:.1f}" for x, y in points)


def _line(
    points: Float[np.ndarray, "n 2"], colour: str, width_m: float, *, opacity: float = 1.0
) -> str:
    """A stroked polyline."""
    return (
        f'<path d="{_data(points)}" fill="none" stroke="{colour}" stroke-width="{width_m}"'
        f' stroke-opacity="{opacity}" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _dot(point: Float[np.ndarray, " 2"], colour: str, label: str) -> str:
    """A marked place with a tooltip."""
    return (
        f'<circle cx="{point[0]:.1f}" cy="{-point[1]:.1f}" r="2.2" fill="{colour}" stroke="#fff"'
        f' stroke-width="0.6"><title>{escape(label)}</title></circle>'
    )
