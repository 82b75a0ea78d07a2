"""Bodies of pedestrians and riders with their machines, and of the traffic cone.

People are described at a height of one (a pedestrian) or seated in metres (a rider) and stretched
to the model's box.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.solids import (
    Body,
    FaceRole,
    Finish,
    Part,
    Point,
    assembled,
    ball,
    box,
    mirrored,
    ring_wheel,
    tube,
    wedge,
    wheel,
)

Rgb = tuple[int, int, int]

_SKIN, _HAIR, _SHOES = (214, 170, 140), (62, 44, 32), (40, 36, 36)
_TROUSERS, _JEANS = (52, 58, 78), (60, 84, 130)
_RUBBER, _METAL, _LEATHER = (20, 20, 22), (128, 130, 136), (36, 34, 36)
_LAMP, _TAIL = (250, 248, 230), (122, 12, 14)


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


def pedestrian(half_extent: Point, person: Person = ADULT) -> Body:
    """A walking figure in mid-stride."""
    semantic = SemanticClass.PEDESTRIAN
    hip, neck, head = (0.44, 0.78, 0.085) if person.child else (0.49, 0.83, 0.066)
    shirt = Finish((150, 60, 60), semantic, FaceRole.PAINT)
    skin, shoes = Finish(person.skin, semantic), Finish(_SHOES, semantic)
    trousers = Finish(person.trousers, semantic)
    parts: list[Part] = [
        (
            wedge(
                (0.0, 0.0, 0.5 * (hip + neck)), (0.062, 0.095, 0.5 * (neck - hip)), (0.06, 0.125)
            ),
            shirt,
        ),
        (ball((0.0, 0.0, hip), (0.068, 0.10, 0.05)), trousers),
        (tube((0.0, 0.0, neck - 0.01), (0.0, 0.0, neck + 0.05), (0.035, 0.03)), skin),
        (ball((0.012, 0.0, 1.0 - head * 1.2), (head, head * 0.86, head * 1.2)), skin),
        (
            ball((-0.014, 0.0, 1.0 - head * 0.92), (head * 1.02, head * 0.95, head * 0.94)),
            Finish(person.hair, semantic),
        ),
        *_worn(person, hip, neck, head),
    ]
    legs = skin if person.skirt else trousers
    for side in (-1.0, 1.0):
        swing = 0.11 * side
        foot = (swing, 0.06 * side, 0.03)
        knee = (0.5 * swing + 0.025, 0.058 * side, 0.5 * hip)
        parts += _limb([(0.0, 0.055 * side, hip), knee, foot], [0.06, 0.045, 0.032], legs)
        parts.append((box((foot[0] + 0.025, foot[1], 0.018), (0.06, 0.03, 0.018)), shoes))
        shoulder, hand = (0.0, 0.135 * side, neck - 0.03), (-0.9 * swing, 0.16 * side, hip - 0.0)
        elbow = (-0.5 * swing - 0.02, 0.165 * side, 0.5 * (hip + neck) - 0.01)
        parts += _limb([shoulder, elbow, hand], [0.036, 0.03, 0.024], shirt)
        parts.append((ball(hand, (0.022, 0.02, 0.03), 6, 3), skin))
    return assembled(parts, half_extent)


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


def cone(half_extent: Point, semantic: SemanticClass) -> Body:
    """A traffic cone with two white bands."""
    orange, white = Finish((236, 92, 24), semantic), Finish((240, 240, 238), semantic)
    levels = (
        (0.04, 0.125, orange),
        (0.20, 0.098, white),
        (0.30, 0.080, orange),
        (0.40, 0.062, white),
        (0.47, 0.050, orange),
        (0.58, 0.03, orange),
    )
    parts: list[Part] = [(box((0.0, 0.0, 0.02), (0.17, 0.17, 0.02)), orange)]
    for (low, wide, finish), (high, narrow, _) in itertools.pairwise(levels):
        parts.append((tube((0.0, 0.0, low), (0.0, 0.0, high), (wide, narrow), 10), finish))
    return assembled(parts, half_extent)
