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

    Attributes:
        forward: driving lanes from the first junction to the second.
        backward: driving lanes the other way.
        lane_m: width of a driving lane.
        speed_kmh: speed limit.
        parking_right: parking lane beside the forward lanes, away from the junctions.
        parking_left: parking lane beside the backward lanes, away from the junctions.
        edge_line: white line between the driving lanes and the gutter.
    """

    forward: int = 1
    backward: int = 1
    lane_m: float = 3.25
    speed_kmh: int = 40
    parking_right: bool = False
    parking_left: bool = False
    edge_line: bool = False

    def lanes(self, *, right: bool) -> int:
        """Driving lanes on one side of the reference line."""
        return self.forward if right else self.backward

    def kerb_m(self, *, right: bool) -> float:
        """Distance from the reference line to the kerb, where nobody parks."""
        return self.lanes(right=right) * self.lane_m + GUTTER_M


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
class TownPlan:
    """A whole town.

    Attributes:
        name: file name of the town.
        junctions: places.
        streets: what joins them.
    """

    name: str
    junctions: tuple[Junction, ...]
    streets: tuple[Street, ...]
    by_name: dict[str, Junction] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a plan that contradicts itself."""
        object.__setattr__(self, "by_name", {j.name: j for j in self.junctions})
        streets = {s.name for s in self.streets}
        if len(self.by_name) != len(self.junctions) or len(streets) != len(self.streets):
            raise ValueError(f"{self.name}: names of junctions and of streets are unique")
        for street in self.streets:
            if not {street.start, street.end} <= set(self.by_name):
                raise ValueError(f"{self.name}: {street.name} ends at an unknown junction")
        for junction in self.junctions:
            here = {s.name for s in self.streets if junction.name in (s.start, s.end)}
            strange = {*junction.minor, *junction.crosswalks} - here
            if strange:
                raise ValueError(f"{self.name}: {sorted(strange)} do not meet at {junction.name}")
