"""From a plan to geometry: every street cut back to its places, and what joins them there."""

from dataclasses import replace

from towns.curves import Curve, rounded, trimmed
from towns.layout import JunctionLayout, Layout, arms_of, cross, mouth_m
from towns.motorways import Motorway, lay_motorway
from towns.plan import Roundabout, Street, TownPlan
from towns.roundabouts import lay_roundabout, reach_m


def lay_out(plan: TownPlan) -> Layout:
    """Cut every street back to its places and join the lanes in between."""
    motorways = [lay_motorway(way, plan.streets) for way in plan.carriageways]
    ramps = {name: pose for motorway in motorways for name, pose in motorway.ramp_ends.items()}
    centres = {place.name: (place.x, place.y) for place in (*plan.junctions, *plan.roundabouts)}
    centres |= {name: (pose.x, pose.y) for name, pose in ramps.items()}
    whole = [_centre_line(centres, street) for street in plan.streets]
    arms = {place: arms_of(place, plan.streets, whole) for place in centres}
    rounds = {r.name: r for r in plan.roundabouts}

    def cut_m(place: str, row: int, *, at_end: bool) -> float:
        if place in ramps:
            return 0.0
        if place in rounds:
            return reach_m(rounds[place])
        return mouth_m(plan.by_name[place], arms[place], row, at_end=at_end)

    curves = [
        trimmed(
            whole[row], cut_m(street.start, row, at_end=False), cut_m(street.end, row, at_end=True)
        )
        for row, street in enumerate(plan.streets)
    ]
    junctions = [
        JunctionLayout(j, arms[j.name], tuple(cross(j, arms[j.name], curves)))
        for j in plan.junctions
    ]
    streets = list(plan.streets)
    for place in plan.roundabouts:
        junctions += _add_roundabout(place, streets, curves)
    for motorway in motorways:
        junctions += _add_motorway(motorway, streets, curves)
    return Layout(plan.name, tuple(streets), tuple(curves), tuple(junctions))


def _centre_line(centres: dict[str, tuple[float, float]], street: Street) -> Curve:
    """A street from place to place."""
    points = [centres[street.start], *((c.x, c.y) for c in street.corners), centres[street.end]]
    return rounded(points, [c.radius_m for c in street.corners])


def _add_roundabout(
    place: Roundabout, streets: list[Street], curves: list[Curve]
) -> list[JunctionLayout]:
    """Append the pieces of a ring and let its streets end at the junctions of the ring."""
    arms = arms_of(place.name, streets, curves)
    ring = lay_roundabout(place, arms, streets, curves)
    streets += ring.streets
    curves += ring.curves
    for arm, layout in zip(arms, ring.junctions, strict=True):
        end = {"end" if arm.at_end else "start": layout.junction.name}
        streets[arm.street] = replace(streets[arm.street], **end)
    return ring.junctions


def _add_motorway(
    motorway: Motorway, streets: list[Street], curves: list[Curve]
) -> list[JunctionLayout]:
    """Append the pieces of a carriageway and join its ramps."""
    first = len(streets)
    streets += motorway.streets
    curves += motorway.curves
    return motorway.join_ramps(first, streets, curves)
