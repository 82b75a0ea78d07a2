"""Motorways: carriageways that close on themselves, cut at the gates where ramps leave and join."""

from dataclasses import dataclass, replace
from itertools import pairwise

from towns.curves import Curve, Piece, Pose, advance, joint, rounded, wrap
from towns.layout import Arm, JunctionLayout, Movement, street_end
from towns.plan import Carriageway, CrossSection, Gate, Junction, RightOfWay, Street

EXIT_M, ENTRY_M = 90.0, 140.0
"""Length of the stretch along which a ramp parts from, or merges with, the carriageway."""

_BESIDE_M = 60.0
"""A ramp runs beside the carriageway for so long before it begins to merge."""

_PARALLEL = 1e-4

_GORE_M = 0.8
"""Between the shoulders of a carriageway and a ramp."""


@dataclass(frozen=True)
class Motorway:
    """A carriageway in pieces.

    Attributes:
        way: as planned.
        streets: from gate to gate.
        curves: their reference lines.
        ramp_ends: of each gate, where its ramp begins or ends, in the direction of travel.
    """

    way: Carriageway
    streets: list[Street]
    curves: list[Curve]
    ramp_ends: dict[str, Pose]

    def join_ramps(
        self, first: int, streets: list[Street], curves: list[Curve]
    ) -> list[JunctionLayout]:
        """One junction for each gate.

        Args:
            first: row of the first piece among the streets.
            streets: all streets.
            curves: all reference lines.
        """
        found: list[JunctionLayout] = []
        count = len(self.streets)
        for k, gate in enumerate(self.way.gates):
            rows = (first + (k - 1) % count, first + k)
            ramp = next(
                row for row, street in enumerate(streets) if gate.name in (street.start, street.end)
            )
            before, after = (
                Arm(row, curves[row].start.heading, streets[row].section, at_end=row == rows[0])
                for row in rows
            )
            beside = Arm(ramp, 0.0, streets[ramp].section, at_end=gate.entry)
            meets = curves[ramp].end if gate.entry else curves[ramp].start
            if abs(wrap(meets.heading - self.ramp_ends[gate.name].heading)) > _PARALLEL:
                raise ValueError(f"{gate.name}: its ramp does not run along the carriageway there")
            merges = gate.entry and not gate.own_lane
            junction = Junction(
                gate.name,
                self.ramp_ends[gate.name].x,
                self.ramp_ends[gate.name].y,
                self.way.z,
                RightOfWay.YIELD,
                minor=(streets[ramp].name,) if merges else (),
            )
            arms = (before, beside, after)
            found.append(JunctionLayout(junction, arms, _ways(gate, arms, curves)))
        return found


def lay_motorway(way: Carriageway, ramps: tuple[Street, ...]) -> Motorway:
    """Cut a carriageway at its gates.

    Raises:
        ValueError: where gates are out of order.
    """
    loop = _closed(way)
    total = loop.length_m
    spans = [(gate.s_m, gate.s_m + (ENTRY_M if gate.entry else EXIT_M)) for gate in way.gates]
    if any(after[0] <= before[1] for before, after in pairwise(spans)) or spans[-1][1] >= total:
        raise ValueError(f"{way.name}: its gates overlap or are out of order")
    lanes = _lanes_after(way)
    names = [gate.name for gate in way.gates]
    streets: list[Street] = []
    curves: list[Curve] = []
    for k, (here, after) in enumerate(pairwise([*spans, (spans[0][0] + total, 0.0)])):
        section = replace(way.section, forward=lanes[k])
        end = names[(k + 1) % len(names)]
        streets.append(Street(f"{way.name} {k}", names[k], end, section))
        curves.append(_slice(loop, here[1], after[0]))
    by_gate = {gate: street for street in ramps for gate in (street.start, street.end)}
    ramp_ends: dict[str, Pose] = {}
    for k, (gate, span) in enumerate(zip(way.gates, spans, strict=True)):
        count = max(lanes[k], lanes[k - 1]) if not gate.own_lane else way.section.forward
        aside = _aside_m(way.section, count, by_gate[gate.name].section)
        at = loop.pose(span[0] if gate.entry else span[1])
        ramp_ends[gate.name] = at.moved(0.0, -aside)
    return Motorway(way, streets, curves, ramp_ends)


def _aside_m(section: CrossSection, lanes: int, ramp: CrossSection) -> float:
    """From the left edge of a carriageway to that of a ramp's lane."""
    return lanes * section.lane_m + section.gutter_m + _GORE_M + ramp.gutter_m


def _lanes_after(way: Carriageway) -> list[int]:
    """Lanes of each piece: a lane more from an entry with an own lane to an exit with one.

    Raises:
        ValueError: when such entries and exits do not take turns.
    """
    count, found = way.section.forward, list[int]()
    for gate in way.gates:
        count += (1 if gate.entry else -1) if gate.own_lane else 0
        found.append(count)
    if count != way.section.forward or min(found) < way.section.forward:
        raise ValueError(f"{way.name}: a lane of its own begins at an entry and ends at an exit")
    return found


def _closed(way: Carriageway) -> Curve:
    """The whole loop, from the middle between its last and its first corner."""
    last, first = way.corners[-1], way.corners[0]
    start = ((last.x + first.x) / 2.0, (last.y + first.y) / 2.0)
    points = [start, *((c.x, c.y) for c in way.corners), start]
    return rounded(points, [c.radius_m for c in way.corners])


def _slice(loop: Curve, begin_m: float, end_m: float) -> Curve:
    """Part of a closed curve; `end_m` may lie beyond its length."""
    pieces: list[Piece] = []
    at = 0.0
    for piece in (*loop.pieces, *loop.pieces):
        length = min(at + piece.length_m, end_m) - max(at, begin_m)
        at += piece.length_m
        if length > 1e-6:
            pieces.append(Piece(length, piece.curvature))
    return Curve(loop.pose(begin_m % loop.length_m), tuple(pieces))


def _ways(gate: Gate, arms: tuple[Arm, Arm, Arm], curves: list[Curve]) -> tuple[Movement, ...]:
    """The carriageway past a gate, and the way of the ramp.

    Args:
        gate: with its kind.
        arms: the carriageway before, the ramp, the carriageway after.
        curves: all reference lines.
    """
    before, ramp, after = arms
    begin, end = street_end(curves[before.street], before), curves[after.street].start
    lanes = tuple(range(min(before.num_in, after.num_out)))
    through = Movement(
        before, after, lanes, lanes, joint(begin, end, 1e3), kerb=False, inner=True, lined=True
    )
    side = curves[ramp.street].end if gate.entry else curves[ramp.street].start
    if gate.entry:
        lane = after.num_out - 1
        goal = end.moved(0.0, -lane * after.section.lane_m)
        curve = _merging(side, goal)
        return (through, Movement(ramp, after, (0,), (lane,), curve, kerb=True))
    lane = before.num_in - 1
    curve = joint(begin.moved(0.0, -lane * before.section.lane_m), side, 1e3)
    return (through, Movement(before, ramp, (lane,), (0,), curve, kerb=True))


def _merging(start: Pose, end: Pose) -> Curve:
    """Straight beside the carriageway, then over into its lane."""
    beside = Piece(_BESIDE_M)
    rest = joint(advance(start, beside), end, 1e3)
    return Curve(start, (beside, *rest.pieces))
