"""The baked town: everything the simulator, the sensors and the planners need of a road network.

World frame: ISO 8855 (x east, y north, z up), metres, radians. CARLA's left-handed frame is gone
by the time a `Town` exists (world y = - CARLA y, world yaw = - CARLA yaw).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8


class LaneKind(IntEnum):
    """What a lane is for."""

    DRIVING = 0
    PARKING = 1
    SIDEWALK = 2
    SHOULDER = 3
    BIKING = 4
    OTHER = 5


class Turn(IntEnum):
    """Shape of a lane inside a junction; NONE outside of junctions."""

    NONE = 0
    STRAIGHT = 1
    LEFT = 2
    RIGHT = 3


class Marking(IntEnum):
    """Painted line on one side of a lane."""

    NONE = 0
    SOLID_WHITE = 1
    BROKEN_WHITE = 2
    SOLID_YELLOW = 3
    BROKEN_YELLOW = 4
    CURB = 5


@dataclass(frozen=True)
class LaneTable:
    """Lanes as a structure of arrays; one row is one lane of one lane section.

    Points of lane i stand at `start[i]:start[i + 1]`, in the direction of travel (sidewalks, which
    have none: in the direction of the road), spaced evenly and at most 1 m apart; the last point of
    a lane coincides with the first of its successors.

    Attributes:
        road: OpenDRIVE road id (CARLA's own numbering).
        section: index of the lane section.
        lane_id: OpenDRIVE lane id (negative: right of the reference line).
        kind: `LaneKind`.
        turn: `Turn`.
        junction: OpenDRIVE junction id, -1 outside of junctions.
        speed_limit_mps: m/s.
        length_m: arc length of the centre line.
        start: first point of each lane, plus the total at the end.
        points: centre line, x y z.
        yaw: heading of the centre line at each point, rad.
        width_m: lane width at each point.
        s_m: arc length from the lane's first point, at each point.
        next_start: rows of `next_lane` for each lane (CSR).
        next_lane: lanes that begin where the lane ends.
        prev_start: rows of `prev_lane` for each lane (CSR).
        prev_lane: lanes that end where the lane begins.
        left: same-direction driving neighbour on the left (any marking), or -1.
        right: same-direction driving neighbour on the right, or -1.
        may_change_left: whether the marking allows a change to `left`.
        may_change_right: whether the marking allows a change to `right`.
        marking_left: `Marking` on the left edge, at each point.
        marking_right: `Marking` on the right edge, at each point.
        priority: right of way at a junction without signals, for lanes in junctions: 2 main road,
            1 must yield, 0 must stop first. 2 elsewhere.
    """

    road: Int[np.ndarray, " lane"]
    section: Int[np.ndarray, " lane"]
    lane_id: Int[np.ndarray, " lane"]
    kind: Int[np.ndarray, " lane"]
    turn: Int[np.ndarray, " lane"]
    junction: Int[np.ndarray, " lane"]
    speed_limit_mps: Float[np.ndarray, " lane"]
    length_m: Float[np.ndarray, " lane"]
    start: Int[np.ndarray, " lane_plus_1"]
    points: Float[np.ndarray, "point 3"]
    yaw: Float[np.ndarray, " point"]
    width_m: Float[np.ndarray, " point"]
    s_m: Float[np.ndarray, " point"]
    next_start: Int[np.ndarray, " lane_plus_1"]
    next_lane: Int[np.ndarray, " link"]
    prev_start: Int[np.ndarray, " lane_plus_1"]
    prev_lane: Int[np.ndarray, " back_link"]
    left: Int[np.ndarray, " lane"]
    right: Int[np.ndarray, " lane"]
    may_change_left: Bool[np.ndarray, " lane"]
    may_change_right: Bool[np.ndarray, " lane"]
    marking_left: Int[np.ndarray, " point"]
    marking_right: Int[np.ndarray, " point"]
    priority: Int[np.ndarray, " lane"]

    def __len__(self) -> int:
        """Number of lanes."""
        return len(self.road)

    def slice_of(self, lane: int) -> slice:
        """Rows of the point columns that belong to a lane."""
        return slice(int(self.start[lane]), int(self.start[lane + 1]))

    def successors(self, lane: int) -> Int[np.ndarray, " n"]:
        """Lanes that follow."""
        return self.next_lane[self.next_start[lane] : self.next_start[lane + 1]]

    def predecessors(self, lane: int) -> Int[np.ndarray, " n"]:
        """Lanes that lead here."""
        return self.prev_lane[self.prev_start[lane] : self.prev_start[lane + 1]]


@dataclass(frozen=True)
class ConflictTable:
    """Pairs of junction lanes whose swept areas meet; each pair is listed in both orders.

    Attributes:
        start: first row for each lane of the town (CSR over `lane + 1`).
        other: the lane that is crossed or merged with.
        enter_m: where along the own lane the shared area begins.
        exit_m: where along the own lane it ends.
        other_enter_m: where along the other lane it begins.
        other_exit_m: where along the other lane it ends.
    """

    start: Int[np.ndarray, " lane_plus_1"]
    other: Int[np.ndarray, " conflict"]
    enter_m: Float[np.ndarray, " conflict"]
    exit_m: Float[np.ndarray, " conflict"]
    other_enter_m: Float[np.ndarray, " conflict"]
    other_exit_m: Float[np.ndarray, " conflict"]


@dataclass(frozen=True)
class SignalTable:
    """Traffic lights and their stop lines.

    A stop line is a (lane, s) pair: the lane is the one that ends at (or near) the line, before the
    junction. Signals of one group show the same state; the groups of one junction take turns.

    Attributes:
        signal_id: OpenDRIVE signal id as an integer row label.
        position: foot of the pole on the ground, x y z.
        head: centre of the lamp head, x y z.
        yaw: direction in which the lamps shine (towards oncoming drivers), rad.
        junction: OpenDRIVE junction id.
        group: index of the phase group within the junction, 0 .. num_groups - 1.
        num_groups: number of phase groups of that junction.
        stop_start: first stop line of each signal (CSR).
        stop_lane: lane of each stop line.
        stop_s_m: arc length of each stop line along its lane.
    """

    signal_id: Int[np.ndarray, " signal"]
    position: Float[np.ndarray, "signal 3"]
    head: Float[np.ndarray, "signal 3"]
    yaw: Float[np.ndarray, " signal"]
    junction: Int[np.ndarray, " signal"]
    group: Int[np.ndarray, " signal"]
    num_groups: Int[np.ndarray, " signal"]
    stop_start: Int[np.ndarray, " signal_plus_1"]
    stop_lane: Int[np.ndarray, " stop"]
    stop_s_m: Float[np.ndarray, " stop"]

    def __len__(self) -> int:
        """Number of signals."""
        return len(self.signal_id)


@dataclass(frozen=True)
class StopSignTable:
    """Stop signs, one row for each lane that has to stop.

    Attributes:
        position: foot of the sign, x y z.
        yaw: direction in which its face looks (towards oncoming drivers), rad.
        lane: lane that must stop (before the junction).
        s_m: arc length of the stop line along the lane.
    """

    position: Float[np.ndarray, "sign 3"]
    yaw: Float[np.ndarray, " sign"]
    lane: Int[np.ndarray, " sign"]
    s_m: Float[np.ndarray, " sign"]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lane)


@dataclass(frozen=True)
class CrosswalkTable:
    """Crosswalks as polygons and as the walking line from kerb to kerb.

    Attributes:
        start: first corner of each polygon, plus the total.
        corners: x y z.
        line: both ends of the middle line, from sidewalk to sidewalk.
    """

    start: Int[np.ndarray, " crosswalk_plus_1"]
    corners: Float[np.ndarray, "corner 3"]
    line: Float[np.ndarray, "crosswalk 2 3"]

    def __len__(self) -> int:
        """Number of crosswalks."""
        return len(self.line)


@dataclass(frozen=True)
class HeightGrid:
    """Ground height on a regular grid, bilinear between cells.

    Attributes:
        origin: x, y of cell (0, 0).
        cell_m: spacing.
        z: heights; rows follow y, columns follow x.
    """

    origin: Float[np.ndarray, " 2"]
    cell_m: float
    z: Float[np.ndarray, "rows cols"]

    def height(self, xy: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Ground height at each point, m; points outside take the nearest cell."""
        rows, cols = self.z.shape
        g = (xy - self.origin) / self.cell_m
        c = np.clip(g[:, 0], 0, cols - 1.001)
        r = np.clip(g[:, 1], 0, rows - 1.001)
        c0, r0 = c.astype(np.int64), r.astype(np.int64)
        fc, fr = c - c0, r - r0
        low = self.z[r0, c0] * (1 - fc) + self.z[r0, c0 + 1] * fc
        high = self.z[r0 + 1, c0] * (1 - fc) + self.z[r0 + 1, c0 + 1] * fc
        return (low * (1 - fr) + high * fr).astype(np.float64)


@dataclass(frozen=True)
class Mesh:
    """Triangles with flat colours; counter-clockwise seen from outside.

    Attributes:
        vertices: x y z.
        faces: rows of `vertices`.
        color: RGB of each face.
        semantic: `SemanticClass` of each face.
        signal: row of the signal whose lamp the face is, -1 for all other faces.
        lamp: 0 red, 1 yellow, 2 green, for lamp faces; -1 otherwise.
    """

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    color: UInt8[np.ndarray, "face 3"]
    semantic: UInt8[np.ndarray, " face"]
    signal: Int[np.ndarray, " face"]
    lamp: Int[np.ndarray, " face"]


@dataclass(frozen=True)
class Town:
    """A road network with its scenery, as baked.

    Attributes:
        name: such as `Town01`.
        source_digest: SHA-256 (16 hex digits) of the OpenDRIVE text.
        lanes: all lanes.
        conflicts: crossing and merging junction lanes.
        signals: traffic lights.
        stop_signs: stop signs.
        crosswalks: crosswalks.
        ground: height of the ground.
        mesh: static triangles: road, markings, sidewalks, buildings, trees, poles, signal heads.
    """

    name: str
    source_digest: str
    lanes: LaneTable
    conflicts: ConflictTable
    signals: SignalTable
    stop_signs: StopSignTable
    crosswalks: CrosswalkTable
    ground: HeightGrid
    mesh: Mesh
