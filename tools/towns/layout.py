"""Geometry of junctions: where streets end, and which lanes are joined inside."""

import math
from dataclasses import dataclass

from towns.curves import Curve, Pose, joint, wrap
from towns.plan import CrossSection, Junction, Street

CROSSWALK_AHEAD_M = 2.5
"""Distance of a crosswalk's middle beyond the end of the street."""

CROSSWALK_WIDTH_M = 3.0

MOUTH_STRAIGHT_M = 4.6
"""Straight kerb at a junction mouth, so that the crosswalk lies between parallel kerbs."""

_STRAIGHT_ON = math.radians(40.0)
_OPPOSED = math.radians(140.0)
_LEFT_RADIUS_M = 40.0


@dataclass(frozen=True)
class Arm:
    """One end of a street at a junction.

    Attributes:
        street: row of the street in the plan.
        outward: direction away from the junction, rad.
        section: cross-section of the street.
        at_end: whether the street's reference line ends (rather than starts) here.
    """

    street: int
    outward: float
    section: CrossSection
    at_end: bool

    @property
    def num_in(self) -> int:
        """Driving lanes towards the junction; they lie right of the line where it ends here."""
        return self.section.lanes(right=self.at_end)

    @property
    def num_out(self) -> int:
        """Driving lanes away from the junction."""
        return self.section.lanes(right=not self.at_end)

    @property
    def kerb_in_m(self) -> float:
        """Kerb beside the lanes towards the junction."""
        return self.section.kerb_m(right=self.at_end)

    @property
    def kerb_out_m(self) -> float:
        """Kerb beside the lanes away from the junction."""
        return self.section.kerb_m(right=not self.at_end)

    def lane_in(self, index: int) -> int:
        """OpenDRIVE id of a lane towards the junction, counted from the reference line."""
        return -(index + 1) if self.at_end else index + 1

    def lane_out(self, index: int) -> int:
        """OpenDRIVE id of a lane away from the junction, counted from the reference line."""
        return index + 1 if self.at_end else -(index + 1)


@dataclass(frozen=True)
class Movement:
    """Neighbouring lanes that cross a junction side by side.

    Attributes:
        source: arm they come from.
        target: arm they go to.
        lanes_in: indices of the incoming lanes, from the left.
        lanes_out: indices of the outgoing lanes, from the left.
        curve: left edge of the leftmost lane.
        kerb: whether gutter and sidewalk run along its right side.
        inner: whether a gutter runs along its left side, as on roundabouts and carriageways.
        lined: whether its lanes are marked, as on a carriageway that goes on past a ramp.
    """

    source: Arm
    target: Arm
    lanes_in: tuple[int, ...]
    lanes_out: tuple[int, ...]
    curve: Curve
    kerb: bool
    inner: bool = False
    lined: bool = False


@dataclass(frozen=True)
class JunctionLayout:
    """A junction with its arms, counter-clockwise, and everything that crosses it."""

    junction: Junction
    arms: tuple[Arm, ...]
    movements: tuple[Movement, ...]


@dataclass(frozen=True)
class Layout:
    """A whole town.

    Attributes:
        name: of the town.
        streets: those of the plan, then pieces of roundabouts and carriageways; they start and end
            at the junctions below.
        curves: reference line of each street.
        junctions: those of the plan, then those of roundabouts and carriageways.
    """

    name: str
    streets: tuple[Street, ...]
    curves: tuple[Curve, ...]
    junctions: tuple[JunctionLayout, ...]


def arms_of(
    name: str, streets: tuple[Street, ...] | list[Street], curves: list[Curve]
) -> tuple[Arm, ...]:
    """The arms of a place, counter-clockwise."""
    arms: list[Arm] = []
    for row, street in enumerate(streets):
        if street.start == name:
            arms.append(Arm(row, curves[row].start.heading, street.section, at_end=False))
        if street.end == name:
            arms.append(Arm(row, curves[row].end.heading + math.pi, street.section, at_end=True))
    return tuple(sorted(arms, key=lambda arm: wrap(arm.outward)))


def mouth_m(junction: Junction, arms: tuple[Arm, ...], street: int, *, at_end: bool) -> float:
    """Distance from the centre at which a street ends, so that the kerbs can be rounded."""
    here = next(i for i, arm in enumerate(arms) if (arm.street, arm.at_end) == (street, at_end))
    arm, after, before = arms[here], arms[(here + 1) % len(arms)], arms[here - 1]
    sides = (
        (wrap(after.outward - arm.outward) % (2 * math.pi), arm.kerb_in_m, after.kerb_out_m),
        (wrap(arm.outward - before.outward) % (2 * math.pi), arm.kerb_out_m, before.kerb_in_m),
    )
    reach = [0.0]
    for angle, own_kerb, other_kerb in sides:
        if angle < math.radians(155.0):
            corner = (other_kerb + own_kerb * math.cos(angle)) / math.sin(angle)
            reach.append(corner + junction.kerb_radius_m / math.tan(angle / 2.0))
    return max(reach) + MOUTH_STRAIGHT_M


def street_end(curve: Curve, arm: Arm) -> Pose:
    """Where a street meets its junction, looking into the junction."""
    return curve.end if arm.at_end else curve.start.turned()


def cross(junction: Junction, arms: tuple[Arm, ...], curves: list[Curve]) -> list[Movement]:
    """Everything that crosses a junction, arm by arm, from left to right."""
    found: list[Movement] = []
    for i, source in enumerate(arms):
        others = [arms[(i + k) % len(arms)] for k in range(len(arms) - 1, 0, -1)]
        open_ones = [target for target in others if source.num_in and target.num_out]
        turns = {_turn(source, target): target for target in open_ones}
        if len(turns) != len(open_ones):
            raise ValueError(f"{junction.name}: two ways out look alike from one arm")
        for turn, pairs in _lane_pairs(source, turns).items():
            target = turns[turn]
            for group in _side_by_side(source, target, pairs):
                outermost = (source.num_in - 1, target.num_out - 1)
                kerb = target is others[-1] and group[-1] == outermost
                found.append(_movement(junction, source, target, group, curves, kerb=kerb))
    return found


def _turn(source: Arm, target: Arm) -> str:
    """`left`, `straight` or `right`."""
    angle = wrap(target.outward - source.outward - math.pi)
    if abs(angle) <= _STRAIGHT_ON:
        return "straight"
    return "left" if angle > 0 else "right"


def _lane_pairs(source: Arm, turns: dict[str, Arm]) -> dict[str, list[tuple[int, int]]]:
    """Incoming and outgoing lane of every way through, for each turn.

    The inner lane turns left, the outer one right, and a lane that turns goes straight on too
    where the street ahead has a lane for it. Where nothing goes straight on, all but the outer lane
    turn left. Where more lanes lead on than arrive, the outer one fans out.
    """
    last = source.num_in - 1
    pairs: dict[str, list[tuple[int, int]]] = {}
    if "left" in turns:
        count = 1 if "straight" in turns else max(last, 1)
        # Nobody goes straight on into the stem of a T, so those who turn left take all but its
        # outermost lane, which is left to those who turn right.
        stem = 0 if "right" in turns else turns["left"].num_out - 1
        pairs["left"] = [(min(out, count - 1), out) for out in range(max(count, stem))]
    if "straight" in turns:
        lanes = list(range(source.num_in))
        room = turns["straight"].num_out
        if len(lanes) > room and "right" in turns:
            lanes.remove(last)
        if len(lanes) > room and "left" in turns:
            lanes.remove(0)
        if len(lanes) > room:
            raise ValueError(f"{len(lanes)} lanes cannot go straight into {room}")
        pairs["straight"] = [(lanes[min(out, len(lanes) - 1)], out) for out in range(room)]
    if "right" in turns:
        pairs["right"] = [(last, turns["right"].num_out - 1)]
    return pairs


def _side_by_side(
    source: Arm, target: Arm, pairs: list[tuple[int, int]]
) -> list[list[tuple[int, int]]]:
    """Groups of pairs whose lanes stay neighbours; they share a connecting road."""
    groups: list[list[tuple[int, int]]] = []
    for pair in pairs:
        neighbour = (pair[0] - 1, pair[1] - 1)
        alike = source.section.lane_m == target.section.lane_m
        if groups and groups[-1][-1] == neighbour and alike:
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return groups


def _movement(
    junction: Junction,
    source: Arm,
    target: Arm,
    group: list[tuple[int, int]],
    curves: list[Curve],
    *,
    kerb: bool,
) -> Movement:
    """One way through, with its curve."""
    lanes_in, lanes_out = tuple(p[0] for p in group), tuple(p[1] for p in group)
    enter = street_end(curves[source.street], source)
    leave = street_end(curves[target.street], target).turned()
    start = enter.moved(0.0, -lanes_in[0] * source.section.lane_m)
    end = leave.moved(0.0, -lanes_out[0] * target.section.lane_m)
    to_kerb = len(group) * source.section.lane_m + source.section.gutter_m
    right = wrap(leave.heading - enter.heading) < 0.0
    radius = junction.kerb_radius_m + to_kerb if right else _LEFT_RADIUS_M
    return Movement(source, target, lanes_in, lanes_out, joint(start, end, radius), kerb)


def opposed(a: Arm, b: Arm) -> bool:
    """Whether two arms face each other, so that their lights can be green together."""
    return abs(wrap(a.outward - b.outward)) >= _OPPOSED
