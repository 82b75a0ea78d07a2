"""LEAD's alignment: what of the truth an expert may know, one switch for each intervention.

Source of the rules and numbers: kesai-labs/lead 4489176, `expert_base.py` (visibility filters),
`expert_data.py` (horizon), `expert.py` (speed bound, emergency stop); "LEAD: Minimizing
Learner-Expert Asymmetry in End-to-End Driving", arXiv 2512.20563. Intent, the third asymmetry of
the paper, concerns what the learner is told about the route and has no switch here.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.core.geometry import to_local
from symdrive.expert.occlusion import junction_is_occluded
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.catalogue import ActorKind
from symdrive.world.evidence import Evidence
from symdrive.world.rig import Rig
from symdrive.world.truth import Actors, Truth
from symdrive.world.visible import Caution, Visible


@dataclass(frozen=True)
class Alignment:
    """Which asymmetries between learner and expert are closed.

    A sensor that is not mounted (a count of -1) neither shows an actor nor hides it. Lights, signs,
    the map and standing props within the horizon are always known, as in the source.

    Attributes:
        horizon: actors outside the learner's bird's-eye view do not exist.
        vehicle_evidence: a vehicle exists only if camera or LiDAR shows it.
        walker_evidence: a walker exists only if the cameras show it.
        biker_evidence: a two-wheeler needs the pixels of `biker_pixels` (as a person in the road)
            instead of those of a vehicle.
        parked_caution: drive slower along parked cars.
        occlusion_caution: drive slower where the view into the next junction is blocked.
        night_caution: drive slower in the dark.
        wide_margins: estimated gaps instead of exact ones.
        emergency_stop: full stop for moving people in the road ahead.
        slow_junctions: 25 km/h at junctions in town.
        lamps_in_view: stop early enough before a light to keep seeing it.
        horizon_x_m: rear and front limit of the bird's-eye view in the ego frame.
        horizon_y_m: right and left limit.
        horizon_range_m: largest distance.
        vehicle_pixels: visible pixels that show a vehicle.
        vehicle_lidar_points: LiDAR returns that show a vehicle.
        walker_pixels: visible pixels that show a walker.
        biker_pixels: visible pixels that show a two-wheeler.
    """

    horizon: bool = True
    vehicle_evidence: bool = True
    walker_evidence: bool = True
    biker_evidence: bool = True
    parked_caution: bool = True
    occlusion_caution: bool = True
    night_caution: bool = True
    wide_margins: bool = True
    emergency_stop: bool = True
    slow_junctions: bool = True
    lamps_in_view: bool = True
    horizon_x_m: tuple[float, float] = (-34.0, 66.0)
    horizon_y_m: tuple[float, float] = (-42.0, 42.0)
    horizon_range_m: float = 96.0
    vehicle_pixels: int = 5
    vehicle_lidar_points: int = 1
    walker_pixels: int = 15
    biker_pixels: int = 10

    def __post_init__(self) -> None:
        """Refuse thresholds that cannot be met or always are."""
        counts = (
            self.vehicle_pixels,
            self.vehicle_lidar_points,
            self.walker_pixels,
            self.biker_pixels,
        )
        if min(counts) < 1:
            raise ValueError(f"evidence thresholds are counts of at least 1: {counts}")
        if self.horizon_x_m[0] >= self.horizon_x_m[1] or self.horizon_y_m[0] >= self.horizon_y_m[1]:
            raise ValueError(f"horizon limits must rise: {self.horizon_x_m}, {self.horizon_y_m}")


FULL = Alignment()
"""The expert of LEAD."""

NONE = Alignment(
    horizon=False,
    vehicle_evidence=False,
    walker_evidence=False,
    biker_evidence=False,
    parked_caution=False,
    occlusion_caution=False,
    night_caution=False,
    wide_margins=False,
    emergency_stop=False,
    slow_junctions=False,
    lamps_in_view=False,
)
"""The clairvoyant expert."""

_PARKED_BOX_M = (-8.0, 32.0, 10.0)


def align(
    truth: Truth,
    evidence: Evidence,
    alignment: Alignment,
    town: Town,
    route: Route,
    *,
    rig: Rig | None = None,
    night: bool = False,
) -> Visible:
    """The visible part of the truth: a pure function of one tick, without memory.

    An actor that flickers between seen and unseen does so here too; a driver who wants to remember
    it has to keep a memory of its own.

    Args:
        truth: the whole state.
        evidence: what the learner's sensors measured in the same tick.
        alignment: which interventions are on.
        town: the road network.
        route: the route to drive.
        rig: cameras behind `evidence.labels`; without it the view into junctions is taken as free.
        night: whether it is dark.
    """
    actors = truth.actors
    keep = ~_hidden(actors, evidence, alignment)
    keep[0] = True
    seen = actors.rows(keep)
    occluded = (
        alignment.occlusion_caution
        and rig is not None
        and junction_is_occluded(actors.position[0, :2], town, route, rig, evidence.labels)
    )
    caution = Caution(
        parked_near=_parked_near(seen) if alignment.parked_caution else 0,
        occluded_junction=occluded,
        night=night and alignment.night_caution,
        wide_margins=alignment.wide_margins,
        emergency_stop=alignment.emergency_stop,
        slow_junctions=alignment.slow_junctions,
        lamps_in_view=alignment.lamps_in_view,
    )
    return Visible(
        tick=truth.tick,
        time_s=truth.time_s,
        actors=seen,
        signal_state=truth.signal_state,
        town=town,
        route=route,
        caution=caution,
        hidden=len(actors) - len(seen),
    )


def _hidden(actors: Actors, evidence: Evidence, alignment: Alignment) -> Bool[np.ndarray, " actor"]:
    """Which actors alignment takes away."""
    a = alignment
    walker = actors.kind == ActorKind.PEDESTRIAN
    biker = (actors.kind == ActorKind.BICYCLE) | (actors.kind == ActorKind.MOTORCYCLE)
    vehicle = ~walker & (actors.kind != ActorKind.PROP)
    hidden = np.zeros(len(actors), dtype=bool)
    if a.horizon:
        hidden |= _outside_horizon(actors, a)
    pixels, points = evidence.pixels, evidence.lidar_points
    if a.vehicle_evidence:
        needed = np.where(biker & a.biker_evidence, a.biker_pixels, a.vehicle_pixels)
        hidden |= vehicle & _unseen((pixels, needed), (points, a.vehicle_lidar_points))
    if a.walker_evidence:
        hidden |= walker & _unseen((pixels, a.walker_pixels))
    return hidden


def _unseen(
    *sensors: tuple[Int[np.ndarray, " actor"], int | Int[np.ndarray, " actor"]],
) -> Bool[np.ndarray, " actor"]:
    """No mounted sensor counts enough, and at least one is mounted."""
    mounted = np.zeros(len(sensors[0][0]), dtype=bool)
    seen = mounted.copy()
    for counts, needed in sensors:
        mounted |= counts >= 0
        seen |= counts >= needed
    return mounted & ~seen


def _ego_frame(actors: Actors) -> Float[np.ndarray, "actor 2"]:
    """Positions in the ego frame, m."""
    return to_local(actors.position[:, :2], actors.position[0, :2], float(actors.yaw[0]))


def _outside_horizon(actors: Actors, alignment: Alignment) -> Bool[np.ndarray, " actor"]:
    """Outside the bird's-eye view or too far away."""
    at = _ego_frame(actors)
    (rear, front), (right, left) = alignment.horizon_x_m, alignment.horizon_y_m
    inside = (at[:, 0] > rear) & (at[:, 0] < front) & (at[:, 1] > right) & (at[:, 1] < left)
    near = np.hypot(at[:, 0], at[:, 1]) < alignment.horizon_range_m
    return ~(inside & near)


def _parked_near(actors: Actors) -> int:
    """Parked vehicles beside the road close ahead."""
    at = _ego_frame(actors)
    rear, front, side = _PARKED_BOX_M
    near = (at[:, 0] >= rear) & (at[:, 0] <= front) & (np.abs(at[:, 1]) <= side)
    return int(np.count_nonzero(near & actors.parked & (actors.kind != ActorKind.PROP)))
