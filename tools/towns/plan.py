"""What a town is made of before it is drawn: junctions, streets between them, cross-sections.

Metres; x east, y north, z up. A street runs from the centre of one junction over corner points to
the centre of another; its corners are rounded and its ends are cut back to the junction mouths.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

GUTTER_M = 0.5
SIDEWALK_M = 2.5
PARKING_M = 2.2


class RightOfWay(Enum):
    """Who goes first at a junction."""

    SIGNALS = auto()
    STOP = auto()
    YIELD = auto()


@dataclass(frozen=True)
class CrossSection:
    """Lanes of a street, both sides mirrored about the reference line.

    A street without backward lanes is one-way; on its left it has a gutter and no sidewalk.

    Attributes:
        forward: driving lanes from the first junction to the second.
        backward: driving lanes the other way.
        lane_m: width of a driving lane.
        speed_kmh: speed limit.
        parking_right: parking lane beside the forward lanes, away from the junctions.
        parking_left: parking lane beside the backward lanes, away from the junctions.
        edge_line: white line between the driving lanes and the gutter.
        sidewalk: beyond the gutter.
        kerb: at the outer edge of the gutter.
        gutter_m: width of the gutter, or of a road shoulder.
    """

    forward: int = 1
    backward: int = 1
    lane_m: float = 3.25
    speed_kmh: int = 40
    parking_right: bool = False
    parking_left: bool = False
    edge_line: bool = False
    sidewalk: bool = True
    kerb: bool = True
    gutter_m: float = GUTTER_M

    @property
    def one_way(self) -> bool:
        """Whether all lanes run the same way."""
        return self.backward == 0

    def walks(self, *, right: bool) -> bool:
        """Whether there is a sidewalk on one side."""
        return self.sidewalk and (right or not self.one_way)

    def lanes(self, *, right: bool) -> int:
        """Driving lanes on one side of the reference line."""
        return self.forward if right else self.backward

    def kerb_m(self, *, right: bool) -> float:
        """Distance from the reference line to the kerb, where nobody parks."""
        return self.lanes(right=right) * self.lane_m + self.gutter_m


@dataclass(frozen=True)
class Corner:
    """A bend of a street: where its straights would meet, and the radius that rounds it."""

    x: float
    y: float
    radius_m: float


@dataclass(frozen=True)
class Street:
    """A street from one junction to another.

    Attributes:
        name: shown in the road's name.
        start: junction it leaves.
        end: junction it reaches.
        section: its cross-section.
        corners: bends in between.
        heights: (share of the length, z) in between; the ends take the junctions' heights.
        crosswalks: shares of the length at which people may cross.
    """

    name: str
    start: str
    end: str
    section: CrossSection
    corners: tuple[Corner, ...] = ()
    heights: tuple[tuple[float, float], ...] = ()
    crosswalks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Junction:
    """A level place where streets meet.

    Attributes:
        name: key that streets refer to.
        x: centre.
        y: centre.
        z: height of the whole junction.
        right_of_way: who goes first.
        minor: names of the streets that stop or yield; the others are the main road.
        kerb_radius_m: of the rounded kerbs.
        crosswalks: names of the streets that have a crosswalk at this junction.
    """

    name: str
    x: float
    y: float
    z: float
    right_of_way: RightOfWay
    minor: tuple[str, ...] = ()
    kerb_radius_m: float = 6.0
    crosswalks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roundabout:
    """A level ring around which traffic drives counter-clockwise; who enters yields.

    Attributes:
        name: key that streets refer to.
        x: centre.
        y: centre.
        z: height of the ring.
        radius_m: of the island's edge.
        lane_m: width of the ring's only lane.
        speed_kmh: limit on the ring.
        sidewalk: around the ring.
        crosswalks: names of the streets that have a crosswalk here.
    """

    name: str
    x: float
    y: float
    z: float
    radius_m: float = 22.0
    lane_m: float = 4.5
    speed_kmh: int = 30
    sidewalk: bool = True
    crosswalks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """Where a ramp leaves or joins a carriageway, on a straight part of it.

    Attributes:
        name: key that the ramp refers to.
        s_m: where it begins along the carriageway.
        entry: whether a ramp joins (rather than leaves).
        own_lane: whether the ramp goes on as a lane of its own, or a lane leads to it alone;
            otherwise it merges with, or branches off, the outermost lane.
    """

    name: str
    s_m: float
    entry: bool
    own_lane: bool = False


@dataclass(frozen=True)
class Carriageway:
    """One direction of a motorway that closes on itself.

    Attributes:
        name: shown in the names of its roads.
        section: one-way.
        z: its height.
        corners: bends in the order of travel; it begins in the middle between the last and the
            first one, and runs along the left edge of its lanes.
        gates: in the order of travel.
    """

    name: str
    section: CrossSection
    z: float
    corners: tuple[Corner, ...]
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class TownPlan:
    """A whole town.

    Attributes:
        name: file name of the town.
        junctions: places.
        streets: what joins them.
        roundabouts: places, too.
        carriageways: directions of motorways, whose gates are places where ramps begin or end.
    """

    name: str
    junctions: tuple[Junction, ...]
    streets: tuple[Street, ...]
    roundabouts: tuple[Roundabout, ...] = ()
    carriageways: tuple[Carriageway, ...] = ()
    by_name: dict[str, Junction] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a plan that contradicts itself."""
        object.__setattr__(self, "by_name", {j.name: j for j in self.junctions})
        streets = {s.name for s in self.streets}
        gates = [gate.name for way in self.carriageways for gate in way.gates]
        places = [*self.by_name, *(r.name for r in self.roundabouts), *gates]
        unique = len(set(places)) == len(places) and len(self.by_name) == len(self.junctions)
        if not unique or len(streets) != len(self.streets):
            raise ValueError(f"{self.name}: names of places and of streets are unique")
        for street in self.streets:
            if not {street.start, street.end} <= set(places):
                raise ValueError(f"{self.name}: {street.name} ends at an unknown place")
        for place in (*self.junctions, *self.roundabouts):
            here = {s.name for s in self.streets if place.name in (s.start, s.end)}
            minor = place.minor if isinstance(place, Junction) else ()
            strange = {*minor, *place.crosswalks} - here
            if strange:
                raise ValueError(f"{self.name}: {sorted(strange)} do not meet at {place.name}")
        for name in gates:
            if sum(name in (s.start, s.end) for s in self.streets) != 1:
                raise ValueError(f"{self.name}: one ramp ends at {name}")
