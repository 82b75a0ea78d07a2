"""Plane curves of lines and arcs: rounded polylines for streets, smooth joints for junctions."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_FLAT = 1e-9


@dataclass(frozen=True)
class Pose:
    """A point with a heading; metres, radians."""

    x: float
    y: float
    heading: float

    @property
    def forward(self) -> np.ndarray:
        """Unit vector along the heading."""
        return np.array([math.cos(self.heading), math.sin(self.heading)])

    @property
    def point(self) -> np.ndarray:
        """Position."""
        return np.array([self.x, self.y])

    def moved(self, ahead_m: float, left_m: float = 0.0) -> "Pose":
        """The pose shifted in its own frame."""
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        return Pose(
            self.x + cos * ahead_m - sin * left_m,
            self.y + sin * ahead_m + cos * left_m,
            self.heading,
        )

    def turned(self) -> "Pose":
        """The pose looking the other way."""
        return Pose(self.x, self.y, self.heading + math.pi)


@dataclass(frozen=True)
class Piece:
    """A line (curvature 0) or an arc (curvature in 1/m, left positive)."""

    length_m: float
    curvature: float = 0.0


@dataclass(frozen=True)
class Curve:
    """Pieces that follow each other from a start pose on."""

    start: Pose
    pieces: tuple[Piece, ...]

    @property
    def length_m(self) -> float:
        """Length of all pieces."""
        return sum(piece.length_m for piece in self.pieces)

    def pose(self, s_m: float) -> Pose:
        """Pose at an arc length."""
        at = self.start
        left = s_m
        for piece in self.pieces:
            step = min(left, piece.length_m)
            at = advance(at, Piece(step, piece.curvature))
            left -= step
        return at

    @property
    def end(self) -> Pose:
        """Pose after the last piece."""
        return self.pose(self.length_m)


def advance(start: Pose, piece: Piece) -> Pose:
    """The pose at the end of a piece."""
    if abs(piece.curvature) < _FLAT:
        return start.moved(piece.length_m)
    angle = piece.length_m * piece.curvature
    radius = 1.0 / piece.curvature
    at = start.moved(radius * math.sin(angle), radius * (1.0 - math.cos(angle)))
    return Pose(at.x, at.y, start.heading + angle)


def wrap(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def rounded(points: list[tuple[float, float]], radii: list[float]) -> Curve:
    """A polyline whose inner corners are replaced by arcs.

    Args:
        points: ends and corners.
        radii: one for each inner corner.

    Raises:
        ValueError: where two arcs would overlap.
    """
    xy = np.array(points)
    steps = np.diff(xy, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    turns = [wrap(float(b - a)) for a, b in pairwise(headings)]
    cuts = [
        0.0,
        *(r * math.tan(abs(t) / 2.0) for r, t in zip(radii, turns, strict=True)),
        0.0,
    ]
    pieces: list[Piece] = []
    for i, length in enumerate(lengths):
        straight = float(length) - cuts[i] - cuts[i + 1]
        if straight < 0.0:
            raise ValueError(f"no room for the arcs beside {points[i]} - {points[i + 1]}")
        if straight > 1e-6:
            pieces.append(Piece(straight))
        if i < len(turns):
            pieces.append(Piece(abs(turns[i]) * radii[i], math.copysign(1 / radii[i], turns[i])))
    return Curve(Pose(float(xy[0, 0]), float(xy[0, 1]), float(headings[0])), tuple(pieces))


def trimmed(curve: Curve, head_m: float, tail_m: float) -> Curve:
    """The curve without its first and last metres, which must be straight.

    Raises:
        ValueError: when a cut would fall into an arc.
    """
    first, last = curve.pieces[0], curve.pieces[-1]
    if len(curve.pieces) == 1:
        if first.length_m <= head_m + tail_m:
            raise ValueError(f"a street at {curve.start} is shorter than its junctions")
        return Curve(curve.start.moved(head_m), (Piece(first.length_m - head_m - tail_m),))
    for piece, cut in ((first, head_m), (last, tail_m)):
        if piece.curvature != 0.0 or piece.length_m <= cut:
            raise ValueError(f"a street from {curve.start} bends inside a junction ({cut:.1f} m)")
    return Curve(
        curve.start.moved(head_m),
        (
            Piece(first.length_m - head_m),
            *curve.pieces[1:-1],
            Piece(last.length_m - tail_m),
        ),
    )


def joint(start: Pose, end: Pose, radius_m: float) -> Curve:
    """The way through a junction: straight, line-arc-line, or two arcs.

    Args:
        start: where it begins.
        end: where it has to arrive.
        radius_m: arc radius wished for; smaller where there is no room.
    """
    turn = wrap(end.heading - start.heading)
    gap = end.point - start.point
    ahead = float(gap @ start.forward)
    aside = float(start.forward[0] * gap[1] - start.forward[1] * gap[0])
    if abs(turn) < 1e-7 and abs(aside) < 1e-7:
        return Curve(start, (Piece(ahead),))
    if abs(turn) > math.radians(3.0):
        before = ahead - aside / math.tan(turn)
        after = aside / math.sin(turn)
        if min(before, after) > 0.5:
            return _line_arc_line(start, turn, (before, after), radius_m)
    return _two_arcs(start, end)


def _line_arc_line(
    start: Pose, turn: float, to_crossing: tuple[float, float], radius_m: float
) -> Curve:
    """One arc that touches both tangents, with the rest as lines.

    Args:
        start: where it begins.
        turn: change of heading.
        to_crossing: distances from both ends to where the tangents cross, m.
        radius_m: radius wished for.
    """
    before, after = to_crossing
    tangent = math.tan(abs(turn) / 2.0)
    radius = min(radius_m, min(before, after) / tangent)
    cut = radius * tangent
    pieces = (
        Piece(before - cut),
        Piece(radius * abs(turn), math.copysign(1.0 / radius, turn)),
        Piece(after - cut),
    )
    return Curve(start, tuple(piece for piece in pieces if piece.length_m > 1e-6))


def _two_arcs(start: Pose, end: Pose) -> Curve:
    """Biarc with equal tangent lengths (Bolton 1975, "Biarc curves")."""
    gap = end.point - start.point
    tangents = start.forward + end.forward
    spread = 2.0 * (1.0 - float(start.forward @ end.forward))
    along = float(gap @ tangents)
    square = float(gap @ gap)
    if spread < 1e-9:
        reach = square / (2.0 * along)
    else:
        reach = (-along + math.sqrt(along**2 + spread * square)) / spread
    middle = (start.moved(reach).point + end.moved(-reach).point) / 2.0
    first = _arc_to(start, middle)
    second = _arc_to(advance(start, first), end.point)
    return Curve(start, (first, second))


def _arc_to(start: Pose, target: np.ndarray) -> Piece:
    """The arc that leaves a pose tangentially and passes a point."""
    gap = target - start.point
    ahead = float(gap @ start.forward)
    aside = float(start.forward[0] * gap[1] - start.forward[1] * gap[0])
    angle = 2.0 * math.atan2(aside, ahead)
    chord = math.hypot(ahead, aside)
    if abs(angle) < 1e-9:
        return Piece(chord)
    curvature = 2.0 * math.sin(angle / 2.0) / chord
    return Piece(angle / curvature, curvature)
