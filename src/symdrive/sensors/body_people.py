"""Bodies of pedestrians and riders with their machines.

People are described at a height of one (a pedestrian) or seated in metres (a rider) and stretched
to the model's box.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.solids import (
    Body,
    Bounds,
    FaceRole,
    Finish,
    Part,
    Point,
    Solid,
    assembled,
    ball,
    bounds_of,
    box,
    joined,
    mirrored,
    ring_wheel,
    tube,
    wedge,
    wheel,
)

Rgb = tuple[int, int, int]

_SKIN, _HAIR, _SHOES = (214, 170, 140), (62, 44, 32), (40, 36, 36)
_SHIRT = (150, 60, 60)
_TROUSERS, _JEANS = (52, 58, 78), (60, 84, 130)
_RUBBER, _METAL, _LEATHER = (20, 20, 22), (128, 130, 136), (36, 34, 36)
_LAMP, _TAIL, _AMBER = (250, 248, 230), (122, 12, 14), (176, 92, 24)


def _limb(
    points: Sequence[Point], radii: Sequence[float], finish: Finish, sides: int = 6
) -> list[Part]:
    """Rods through points, such as hip, knee and ankle."""
    pairs = zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
    return [(tube(a, b, (ra, rb), sides), finish) for a, b, ra, rb in pairs]


@dataclass(frozen=True)
class Person:
    """How somebody looks; the shirt has the actor's colour.

    Attributes:
        child: with a larger head and shorter legs.
        skin: RGB.
        hair: RGB.
        trousers: RGB; of the skirt where there is one.
        skirt: instead of trousers.
        hat: RGB; None for none.
        bag: RGB of a backpack; None for none.
    """

    child: bool = False
    skin: Rgb = _SKIN
    hair: Rgb = _HAIR
    trousers: Rgb = _TROUSERS
    skirt: bool = False
    hat: Rgb | None = None
    bag: Rgb | None = None


ADULT, CHILD = Person(), Person(child=True, trousers=_JEANS)


def _worn(person: Person, hip: float, neck: float, head: float) -> list[Part]:
    """Skirt, hat and backpack."""
    semantic, parts = SemanticClass.PEDESTRIAN, list[Part]()
    if person.skirt:
        low, high = (0.0, 0.0, 0.56 * hip), (0.0, 0.0, hip + 0.02)
        parts.append((tube(low, high, (0.125, 0.085), 8), Finish(person.trousers, semantic)))
    if person.hat is not None:
        cloth, z = Finish(person.hat, semantic), 1.0 - 0.45 * head
        parts.append((tube((0.0, 0.0, z), (0.0, 0.0, 1.0), (head * 1.06, head * 0.7), 8), cloth))
        parts.append((box((0.08, 0.0, z + 0.004), (0.045, 0.05, 0.006)), cloth))
    if person.bag is not None:
        at = (-0.1, 0.0, 0.5 * (hip + neck) + 0.04)
        parts.append((box(at, (0.045, 0.085, 0.105)), Finish(person.bag, semantic)))
    return parts


@dataclass(frozen=True)
class Build:
    """Heights of a figure, shares of its own.

    Attributes:
        hip: where legs begin.
        neck: where the trunk ends.
        head: half width of the head.
    """

    hip: float
    neck: float
    head: float


_GROWN, _SMALL = Build(0.49, 0.83, 0.066), Build(0.44, 0.78, 0.085)
_SWING, _LIFT = 0.11, 0.05

STRIDE_SHARE = 0.78
"""Distance of two steps, as a share of the height: 1.4 m for an adult. That is at the low end of
people's (0.8 to 0.9), because feet stay within CARLA's boxes of 0.5 m."""


def pedestrian(half_extent: Point, person: Person = ADULT, phase: float | None = 0.0) -> Body:
    """A walking or a standing figure.

    Args:
        half_extent: of the model; that of a figure in mid-stride, which the others share.
        person: how it looks.
        phase: how much of two steps is done, 0 (left foot ahead) to 1; None stands.
    """
    trunk, bounds = _upright(half_extent, person)
    return joined(trunk, assembled(_limbs(person, phase), half_extent, bounds))


@cache
def _upright(half_extent: Point, person: Person) -> tuple[Body, Bounds]:
    """A figure without its limbs, and the bounds of it in mid-stride."""
    trunk = _trunk(person, _build(person))
    bounds = bounds_of([*trunk, *_limbs(person, 0.0)])
    return assembled(trunk, half_extent, bounds), bounds


def _build(person: Person) -> Build:
    """A child's or an adult's."""
    return _SMALL if person.child else _GROWN


def _trunk(person: Person, build: Build) -> list[Part]:
    """What keeps still in a step."""
    semantic, hip, neck, head = SemanticClass.PEDESTRIAN, build.hip, build.neck, build.head
    shirt = Finish(_SHIRT, semantic, FaceRole.PAINT)
    skin, hair = Finish(person.skin, semantic), Finish(person.hair, semantic)
    chest = ((0.0, 0.0, 0.5 * (hip + neck)), (0.062, 0.095, 0.5 * (neck - hip)), (0.06, 0.125))
    return [
        (wedge(*chest), shirt),
        (ball((0.0, 0.0, hip), (0.068, 0.10, 0.05)), Finish(person.trousers, semantic)),
        (tube((0.0, 0.0, neck - 0.01), (0.0, 0.0, neck + 0.05), (0.035, 0.03)), skin),
        (ball((0.012, 0.0, 1.0 - head * 1.2), (head, head * 0.86, head * 1.2)), skin),
        (
            ball((-0.014, 0.0, 1.0 - head * 0.92), (head * 1.02, head * 0.95, head * 0.94)),
            hair,
        ),
        *_worn(person, hip, neck, head),
    ]


def _limbs(person: Person, phase: float | None) -> list[Part]:
    """Legs and arms of both sides."""
    semantic = SemanticClass.PEDESTRIAN
    skin, shirt = Finish(person.skin, semantic), Finish(_SHIRT, semantic, FaceRole.PAINT)
    cloth = skin if person.skirt else Finish(person.trousers, semantic)
    finishes = (cloth, cloth, Finish(_SHOES, semantic), shirt, shirt, skin)
    solids = [_pose(_build(person), side, phase) for side in (-1.0, 1.0)]
    return [pair for half in solids for pair in zip(half, finishes, strict=True)]


@cache
def _pose(build: Build, side: float, phase: float | None) -> tuple[Solid, ...]:
    """Thigh, shank, shoe, two halves of an arm and hand, on the left (1) or the right (-1).

    A foot goes back along the ground for half of its beat, then ahead through the air, led by the
    knee; an arm swings against its leg.
    """
    swing = lift = 0.0
    if phase is not None:
        beat = 2.0 * math.pi * (phase + (0.0 if side > 0.0 else 0.5))
        swing, lift = _SWING * math.cos(beat), _LIFT * max(0.0, -math.sin(beat))
    hip, neck = build.hip, build.neck
    foot = (swing, 0.06 * side, 0.03 + lift)
    knee = (0.5 * swing + 0.025 + 1.2 * lift, 0.058 * side, 0.5 * (hip + lift))
    shoulder, hand = (0.0, 0.135 * side, neck - 0.03), (-0.9 * swing, 0.16 * side, hip)
    elbow = (-0.5 * swing - 0.02, 0.165 * side, 0.5 * (hip + neck) - 0.01)
    return (
        tube((0.0, 0.055 * side, hip), knee, (0.06, 0.045)),
        tube(knee, foot, (0.045, 0.032)),
        box((foot[0] + 0.025, foot[1], 0.018 + lift), (0.06, 0.03, 0.018)),
        tube(shoulder, elbow, (0.036, 0.03)),
        tube(elbow, hand, (0.03, 0.024)),
        ball(hand, (0.022, 0.02, 0.03), 6, 3),
    )


def _rider(
    seat: Point, shoulder: Point, grip: Point, foot: Point, trousers: tuple[int, int, int]
) -> list[Part]:
    """A seated figure; grip and foot are those on the left."""
    semantic = SemanticClass.RIDER
    jacket = Finish((70, 90, 130), semantic, FaceRole.PAINT)
    cloth, skin = Finish(trousers, semantic), Finish(_SKIN, semantic)
    knee = (0.5 * (seat[0] + foot[0]) + 0.19, 0.17, 0.5 * (seat[2] + foot[2]) + 0.06)
    elbow = (0.5 * (shoulder[0] + grip[0]) - 0.03, 0.25, 0.5 * (shoulder[2] + grip[2]) - 0.06)
    left = [
        *_limb([(seat[0], 0.10, seat[2] + 0.05), knee, foot], [0.085, 0.065, 0.045], cloth),
        *_limb([(shoulder[0], 0.19, shoulder[2]), elbow, grip], [0.055, 0.045, 0.035], jacket),
        (box((foot[0] + 0.05, foot[1], foot[2]), (0.12, 0.045, 0.04)), Finish(_SHOES, semantic)),
        (ball(grip, (0.04, 0.05, 0.04), 6, 3), skin),
    ]
    low, high = (seat[0], 0.0, seat[2] + 0.02), (shoulder[0], 0.0, shoulder[2] + 0.02)
    head = (shoulder[0] + 0.09, 0.0, shoulder[2] + 0.22)
    return [
        *mirrored(left),
        (tube(low, high, (0.17, 0.20), 8), jacket),
        (tube(high, head, (0.06, 0.05)), skin),
        (ball(head, (0.10, 0.085, 0.12)), skin),
        (
            ball((head[0] - 0.015, 0.0, head[2] + 0.035), (0.125, 0.11, 0.115)),
            Finish((196, 40, 36), semantic),
        ),
    ]


def motorcycle(half_extent: Point) -> Body:
    """A sports motorcycle with its rider."""
    semantic = SemanticClass.MOTORCYCLE
    paint = Finish((40, 140, 50), semantic, FaceRole.PAINT)
    rubber, metal = Finish(_RUBBER, semantic), Finish(_METAL, semantic)
    parts: list[Part] = [
        (wheel((-0.68, 0.0, 0.31), 0.31, 0.085), rubber),
        (wheel((0.71, 0.0, 0.31), 0.31, 0.065), rubber),
        (wheel((-0.68, 0.0, 0.31), 0.17, 0.09, 8), metal),
        (wheel((0.71, 0.0, 0.31), 0.17, 0.07, 8), metal),
        (wedge((0.10, 0.0, 0.46), (0.34, 0.15, 0.16), (0.42, 0.17)), metal),
        (wedge((0.20, 0.0, 0.74), (0.32, 0.17, 0.12), (0.20, 0.12), -0.04), paint),
        (wedge((0.62, 0.0, 0.72), (0.22, 0.18, 0.22), (0.10, 0.13), -0.10), paint),
        (wedge((-0.62, 0.0, 0.78), (0.34, 0.10, 0.08), (0.36, 0.08), -0.04), paint),
        (box((-0.30, 0.0, 0.77), (0.28, 0.14, 0.05)), Finish(_LEATHER, semantic)),
        (tube((0.71, 0.0, 0.31), (0.48, 0.0, 0.92), (0.06, 0.05)), metal),
        (tube((0.46, -0.38, 0.96), (0.46, 0.38, 0.96), (0.02, 0.02)), metal),
        (tube((-0.15, -0.18, 0.28), (-0.80, -0.20, 0.42), (0.05, 0.07)), metal),
        (box((0.84, 0.0, 0.74), (0.02, 0.11, 0.06)), Finish(_LAMP, semantic, FaceRole.HEADLAMP)),
        (box((-0.99, 0.0, 0.80), (0.025, 0.09, 0.04)), Finish(_TAIL, semantic, FaceRole.BRAKE)),
        (box((-0.94, 0.0, 0.62), (0.01, 0.10, 0.06)), Finish((236, 236, 228), semantic)),
    ]
    for side, role in ((1.0, FaceRole.INDICATOR_LEFT), (-1.0, FaceRole.INDICATOR_RIGHT)):
        amber = Finish(_AMBER, semantic, role)
        parts.append((box((0.72, 0.24 * side, 0.84), (0.04, 0.04, 0.03)), amber))
        parts.append((box((-0.92, 0.16 * side, 0.78), (0.04, 0.05, 0.03)), amber))
    parts += _rider(
        (-0.32, 0.0, 0.80), (0.10, 0.0, 1.22), (0.44, 0.34, 0.96), (-0.20, 0.19, 0.34), (34, 36, 44)
    )
    return assembled(parts, half_extent)


def bicycle(half_extent: Point) -> Body:
    """A bicycle with its rider."""
    semantic = SemanticClass.BICYCLE
    frame = Finish((40, 70, 150), semantic)
    rubber, metal = Finish(_RUBBER, semantic), Finish(_METAL, semantic)
    rear, front, pedals = (-0.45, 0.0, 0.31), (0.45, 0.0, 0.31), (-0.06, 0.0, 0.29)
    saddle, head = (-0.20, 0.0, 0.86), (0.30, 0.0, 0.82)
    tubes = [
        (pedals, saddle),
        (pedals, head),
        ((-0.17, 0.0, 0.76), head),
        (pedals, rear),
        ((-0.17, 0.0, 0.76), rear),
        (head, front),
    ]
    parts: list[Part] = [(tube(a, b, (0.022, 0.022)), frame) for a, b in tubes]
    parts += [
        (ring_wheel(rear, 0.31, 0.045), rubber),
        (ring_wheel(front, 0.31, 0.045), rubber),
        (wheel(rear, 0.04, 0.04, 6), metal),
        (wheel(front, 0.04, 0.04, 6), metal),
        (tube((0.27, 0.0, 0.80), (0.26, 0.0, 0.99), (0.02, 0.02)), metal),
        (tube((0.27, -0.28, 1.0), (0.27, 0.28, 1.0), (0.018, 0.018)), metal),
        (box((-0.20, 0.0, 0.885), (0.13, 0.07, 0.025)), Finish(_LEATHER, semantic)),
        (box((-0.73, 0.0, 0.62), (0.015, 0.03, 0.03)), Finish(_TAIL, semantic, FaceRole.BRAKE)),
        (box((-0.55, 0.0, 0.63), (0.2, 0.03, 0.01)), rubber),
        (box((0.33, 0.0, 0.93), (0.02, 0.03, 0.03)), Finish(_LAMP, semantic, FaceRole.HEADLAMP)),
    ]
    parts += _rider(
        (-0.20, 0.0, 0.90), (0.06, 0.0, 1.33), (0.26, 0.26, 1.02), (-0.02, 0.13, 0.18), _JEANS
    )
    return assembled(parts, half_extent)
