"""Roundabouts: a ring of one-way pieces with a junction before each of its streets."""

import math
from dataclasses import dataclass
from itertools import pairwise

from towns.curves import Curve, Piece, Pose, joint, wrap
from towns.layout import MOUTH_STRAIGHT_M, Arm, JunctionLayout, Movement, street_end
from towns.plan import CrossSection, Junction, RightOfWay, Roundabout, Street

_TANGENT_M = 10.3
"""Length of the tangent along which traffic leaves and joins the ring; sets how wide its junctions
are."""

_ENTRY_RADIUS_M = 14.0

_SHORTEST_PIECE_M = 9.0
"""A car that waits on the ring has room between two of its junctions."""


@dataclass(frozen=True)
class Ring:
    """A roundabout in pieces.

    Attributes:
        streets: from each junction to the next one.
        curves: their reference lines, along the island.
        junctions: one for each arm, in the order of the arms.
    """

    streets: list[Street]
    curves: list[Curve]
    junctions: list[JunctionLayout]


def reach_m(place: Roundabout) -> float:
    """Distance from the centre at which streets end."""
    span = _half_span(place)
    turn = math.pi / 2.0 - span
    return place.radius_m / math.cos(span) + _radius(turn) * math.tan(turn / 2) + MOUTH_STRAIGHT_M


def _half_span(place: Roundabout) -> float:
    """Half the angle of the ring that a junction takes."""
    return math.atan(_TANGENT_M / place.radius_m)


def _radius(turn: float) -> float:
    """Of the bends into and out of the ring: what its tangent has room for."""
    return min(_ENTRY_RADIUS_M, 0.95 * _TANGENT_M / math.tan(turn / 2.0))


def lay_roundabout(
    place: Roundabout, arms: tuple[Arm, ...], streets: list[Street], curves: list[Curve]
) -> Ring:
    """The ring between its arms.

    Args:
        place: the roundabout.
        arms: its streets, counter-clockwise.
        streets: all streets so far; the pieces of the ring come after them.
        curves: reference line of each.

    Raises:
        ValueError: where two arms are too near to each other.
    """
    section = CrossSection(
        1, 0, lane_m=place.lane_m, speed_kmh=place.speed_kmh, sidewalk=place.sidewalk
    )
    span, first = _half_span(place), len(streets)
    names = [f"{place.name} {k}" for k in range(len(arms))]
    angles = [_angle(place, street_end(curves[arm.street], arm)) for arm in arms]
    pieces: list[Street] = []
    lines: list[Curve] = []
    for k, (here, after) in enumerate(pairwise([*angles, angles[0]])):
        sweep = (wrap(after - here) % (2.0 * math.pi) or 2.0 * math.pi) - 2.0 * span
        if sweep * place.radius_m < _SHORTEST_PIECE_M:
            raise ValueError(f"{place.name}: two arms leave no room for a piece of the ring")
        begin = _on_ring(place, here + span)
        lines.append(Curve(begin, (Piece(sweep * place.radius_m, 1.0 / place.radius_m),)))
        end = names[(k + 1) % len(arms)]
        pieces.append(Street(f"{place.name} ring {k}", names[k], end, section))
    junctions: list[JunctionLayout] = []
    for k, arm in enumerate(arms):
        street = streets[arm.street]
        on = Arm(first + (k - 1) % len(arms), angles[k] - span, section, at_end=True)
        off = Arm(first + k, angles[k] + span, section, at_end=False)
        junction = Junction(
            names[k],
            place.x,
            place.y,
            place.z,
            RightOfWay.YIELD,
            minor=(street.name,),
            crosswalks=(street.name,) if street.name in place.crosswalks else (),
        )
        mouth = street_end(curves[arm.street], arm)
        ways = _ways(place, angles[k], (on, arm, off), mouth)
        junctions.append(JunctionLayout(junction, (on, arm, off), ways))
    return Ring(pieces, lines, junctions)


def _ways(
    place: Roundabout, angle: float, arms: tuple[Arm, Arm, Arm], mouth: Pose
) -> tuple[Movement, ...]:
    """Along the ring, out of it, and into it.

    Args:
        place: the roundabout.
        angle: of the arm, seen from the centre.
        arms: the ring before the arm, the arm, the ring after it.
        mouth: end of the arm's street, looking to the centre.
    """
    on, arm, off = arms
    span = _half_span(place)
    before, after = _on_ring(place, angle - span), _on_ring(place, angle + span)
    along = Curve(before, (Piece(2.0 * span * place.radius_m, 1.0 / place.radius_m),))
    radius = _radius(math.pi / 2.0 - span)
    lane = ((0,), (0,))
    found = [Movement(on, off, *lane, along, kerb=False, inner=True)]
    if arm.num_out:
        leave = joint(before, mouth.turned(), radius)
        found.append(Movement(on, arm, *lane, leave, kerb=True))
    if arm.num_in:
        found.append(Movement(arm, off, *lane, joint(mouth, after, radius), kerb=True))
    return tuple(found)


def _angle(place: Roundabout, mouth: Pose) -> float:
    """Direction of an arm from the centre."""
    return math.atan2(mouth.y - place.y, mouth.x - place.x)


def _on_ring(place: Roundabout, angle: float) -> Pose:
    """The island's edge, looking counter-clockwise."""
    cos, sin = math.cos(angle), math.sin(angle)
    at = (place.x + place.radius_m * cos, place.y + place.radius_m * sin)
    return Pose(*at, angle + math.pi / 2.0)
