"""Bodies of cars, vans, trucks and buses.

Shapes are given in shares of the model's box (x: -1 rear to 1 front, z: 0 ground to 1 roof), wheels
and lamps in metres, so that one description serves every size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.car_shapes import CarShape, Span
from symdrive.sensors.solids import (
    Body,
    Bounds,
    FaceRole,
    Finish,
    Part,
    Point,
    Solid,
    assembled,
    bounds_of,
    box,
    joined,
    loft,
    mirrored,
    pane,
    tube,
    wheel,
)
from symdrive.world.catalogue import Model
from symdrive.world.truth import VehicleDoor

_GLASS, _TYRE, _HUB, _ARCH = (38, 46, 56), (22, 22, 24), (150, 152, 156), (14, 14, 16)
_BLUE, _RED = (36, 72, 214), (206, 30, 32)
_LAMP, _TAIL, _PLATE, _TRIM = (250, 248, 232), (118, 14, 16), (236, 236, 228), (34, 34, 38)
_AMBER = (176, 92, 24)
_BEACON_SIDES = ((1.0, _BLUE, FaceRole.BEACON_LEFT), (-1.0, _RED, FaceRole.BEACON_RIGHT))
_DOOR_OPEN = math.radians(62.0)


def _finish(color: tuple[int, int, int], semantic: SemanticClass, role: int = 0) -> Finish:
    return Finish(color, semantic, FaceRole(role))


def _section(x: float, half_width: float, low: float, high: float) -> Float[np.ndarray, "8 3"]:
    """A cross-section of a hull: a rectangle in y and z with its corners cut."""
    cut = min(0.16 * half_width, 0.3 * (high - low))
    y, z = half_width, cut
    rim = [
        (-y, low + z),
        (-y, high - z),
        (-y + 1.4 * cut, high),
        (y - 1.4 * cut, high),
        (y, high - z),
        (y, low + z),
        (y - cut, low),
        (-y + cut, low),
    ]
    return np.array([(x, *point) for point in rim])


def _rectangle(x: Span, half_width: float, z: float) -> Float[np.ndarray, "4 3"]:
    """A level ring: front left, rear left, rear right, front right."""
    rear, front = x
    return np.array(
        [
            (front, half_width, z),
            (rear, half_width, z),
            (rear, -half_width, z),
            (front, -half_width, z),
        ]
    )


def _sides(
    low: Float[np.ndarray, "4 3"], high: Float[np.ndarray, "4 3"]
) -> list[Float[np.ndarray, "4 3"]]:
    """The four sides between two rings, seen from outside: left, rear, right, front."""
    return [
        np.stack([low[(k + 1) % 4], low[k], high[k], high[(k + 1) % 4]])[[1, 0, 3, 2]]
        for k in range(4)
    ]


def _wheels(
    axles: Sequence[float], radius: float, side: float, semantic: SemanticClass
) -> list[Part]:
    """Tyres, hubs and dark arches on both sides; `side` is the half width of the body."""
    parts: list[Part] = []
    for x in axles:
        parts += [
            (
                wheel((x, side - 0.005, radius * 1.04), 1.2 * radius, 0.01, 12),
                _finish(_ARCH, semantic),
            ),
            (wheel((x, side - 0.09, radius), radius, 0.11, 12), _finish(_TYRE, semantic)),
            (wheel((x, side + 0.022, radius), 0.6 * radius, 0.006, 8), _finish(_HUB, semantic)),
        ]
    return mirrored(parts)


def _lamps(front: Point, rear: Point, size: Span, semantic: SemanticClass) -> list[Part]:
    """Headlights, brake lights and, on their outer sides, indicators.

    Args:
        front: middle of the headlight on the left.
        rear: middle of the brake light on the left.
        size: their half width and half height.
        semantic: of the vehicle.
    """
    half = (0.03, *size)
    parts: list[Part] = [
        (box(front, half), _finish(_LAMP, semantic, FaceRole.HEADLAMP)),
        (box(rear, half), _finish(_TAIL, semantic, FaceRole.BRAKE)),
    ]
    for (x, y, z), inward in ((front, -1.0), (rear, 1.0)):
        at = (x + 0.05 * inward, y + size[0] + 0.035, z)
        corner = box(at, (0.075, 0.045, 0.9 * size[1]))
        parts.append((corner, _finish(_AMBER, semantic, FaceRole.INDICATOR_LEFT)))
    return _both_sides(parts)


def _both_sides(parts: Sequence[Part]) -> list[Part]:
    """The parts of the left side and their mirror images, which have the right's indicators."""
    count = len(parts)
    right = [
        (solid, replace(finish, role=FaceRole.INDICATOR_RIGHT))
        if finish.role == FaceRole.INDICATOR_LEFT
        else (solid, finish)
        for solid, finish in mirrored(parts)[count:]
    ]
    return [*parts, *right]


def _plates(front: Point, rear: Point, semantic: SemanticClass) -> list[Part]:
    """Number plates of 52 x 11 cm."""
    half = (0.012, 0.26, 0.055)
    return [(box(at, half), _finish(_PLATE, semantic)) for at in (front, rear)]


def _mirrors(x: float, reach: Span, z: float, semantic: SemanticClass) -> list[Part]:
    """Outside mirrors between two half widths, with an indicator on each."""
    middle, half = 0.5 * (reach[0] + reach[1]), 0.5 * (reach[1] - reach[0])
    lamp = box((x + 0.06, middle + 0.2 * half, z - 0.02), (0.03, 0.7 * half, 0.02))
    return _both_sides(
        [
            (box((x, middle, z), (0.07, half, 0.075)), _finish(_TRIM, semantic, FaceRole.PAINT)),
            (lamp, _finish(_AMBER, semantic, FaceRole.INDICATOR_LEFT)),
        ]
    )


def _beacons(x: float, width: float, z: float, semantic: SemanticClass) -> list[Part]:
    """A bar across the roof whose lamps flash in turn, blue on the left and red on the right."""
    bar: list[Part] = [(box((x, 0.0, z), (0.11, width, 0.035)), _finish(_TRIM, semantic))]
    for side, color, role in _BEACON_SIDES:
        lamp = box((x, 0.55 * side * width, z + 0.07), (0.1, 0.4 * width, 0.05))
        bar.append((lamp, _finish(color, semantic, role)))
    return bar


def car(shape: CarShape, model: Model, doors: VehicleDoor | int = 0) -> Body:
    """A passenger car or van; one for emergencies has a bar of beacons on its roof.

    Args:
        shape: its proportions.
        model: its size and class.
        doors: those that stand open; they stick out of the model's box.
    """
    body, bounds = _shut_car(shape, model)
    leaves = _open_doors(shape, model, doors)
    return joined(body, assembled(leaves, model.half_extent, bounds)) if leaves else body


@cache
def _shut_car(shape: CarShape, model: Model) -> tuple[Body, Bounds]:
    """A car with its doors shut, and the bounds of its parts."""
    parts = _shut_parts(shape, model)
    return assembled(parts, model.half_extent), bounds_of(parts)


def _shut_parts(shape: CarShape, model: Model) -> list[Part]:
    """Parts of a car with its doors shut."""
    half_extent, semantic = model.half_extent, model.semantic
    length, full_width, height = half_extent[0], half_extent[1], 2 * half_extent[2]
    width = shape.width * full_width
    low = 0.13 * height
    hull = loft([_section(x * length, w * width, low, top * height) for x, w, top in shape.hull])
    parts: list[Part] = [(hull, _finish((160, 160, 165), semantic, FaceRole.PAINT))]
    parts += _glass_house(shape, length, width, height, semantic)
    parts += _wheels([x * length for x in shape.axles], shape.wheel_radius_m, width, semantic)
    nose, tail = shape.hull[-1], shape.hull[0]
    lamp_z, tail_z = (shape.hull[-2][2] - 0.06) * height, (shape.hull[1][2] - 0.09) * height
    parts += _lamps(
        (shape.hull[-2][0] * length + 0.005, 0.70 * width, lamp_z),
        (tail[0] * length + 0.005, 0.66 * width, tail_z),
        (0.17, 0.065),
        semantic,
    )
    parts += _plates(
        (nose[0] * length + 0.005, 0.0, 0.25 * height),
        (-length - 0.005, 0.0, 0.40 * height),
        semantic,
    )
    grille = box((nose[0] * length, 0.0, 0.34 * height), (0.01, 0.5 * width, 0.05 * height))
    bumpers = [
        box((x * length, 0.0, 0.20 * height), (0.03, 0.68 * width, 0.06 * height))
        for x in (-0.985, 0.985)
    ]
    parts += [(solid, _finish(_TRIM, semantic)) for solid in (grille, *bumpers)]
    parts += _mirrors(
        (shape.cabin[1] - 0.10) * length, (0.96 * width, full_width), 0.70 * height, semantic
    )
    if model.emergency:
        middle = 0.5 * (shape.roof[0] + shape.roof[1]) * length
        parts += _beacons(middle, 0.9 * shape.roof_width * width, height + 0.03, semantic)
    return parts


def _open_doors(shape: CarShape, model: Model, doors: VehicleDoor | int) -> list[Part]:
    """The front doors that stand open, and what one sees where they were."""
    leaf = _open_door(shape, model)
    left = leaf if doors & VehicleDoor.FRONT_LEFT else []
    right = mirrored(leaf)[len(leaf) :] if doors & VehicleDoor.FRONT_RIGHT else []
    return [*left, *right]


def _open_door(shape: CarShape, model: Model) -> list[Part]:
    """The front door on the left, turned about its front edge."""
    length, width = model.half_extent[0], shape.width * model.half_extent[1]
    height, semantic = 2 * model.half_extent[2], model.semantic
    ahead, behind = shape.side_windows[0]
    span = shape.cabin[1] - shape.cabin[0]
    hinge = (shape.cabin[1] - (ahead - 0.03) * span) * length
    reach = (behind - ahead + 0.06) * span * length
    sill, belt, top = 0.2 * height, shape.belt * height, 0.94 * height
    hole = box(
        (hinge - 0.5 * reach, width, 0.5 * (sill + belt)), (0.5 * reach, 0.012, 0.5 * (belt - sill))
    )
    panel = box((-0.5 * reach, 0.0, 0.5 * (sill + belt)), (0.5 * reach, 0.04, 0.5 * (belt - sill)))
    frame = [
        box((-0.5 * reach, 0.0, top), (0.5 * reach, 0.02, 0.025)),
        box((-0.03, 0.0, 0.5 * (belt + top)), (0.03, 0.02, 0.5 * (top - belt))),
        box((0.03 - reach, 0.0, 0.5 * (belt + top)), (0.03, 0.02, 0.5 * (top - belt))),
    ]
    glass = box(
        (-0.5 * reach, 0.0, 0.5 * (belt + top)),
        (0.5 * reach - 0.05, 0.006, 0.5 * (top - belt) - 0.02),
    )
    paint = _finish((160, 160, 165), semantic, FaceRole.PAINT)
    leaf = [
        (panel, paint),
        *((solid, paint) for solid in frame),
        (glass, _finish(_GLASS, semantic)),
    ]
    turned = [(_swung(solid, (hinge, width + 0.02)), finish) for solid, finish in leaf]
    return [(hole, _finish(_ARCH, semantic)), *turned]


def _swung(solid: Solid, hinge: Span) -> Solid:
    """A door leaf, closed at the origin, opened at its hinge (x, y) on the left."""
    cos, sin = math.cos(_DOOR_OPEN), math.sin(_DOOR_OPEN)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return Solid(solid.vertices @ turn.T + np.array([*hinge, 0.0]), solid.faces)


def _glass_house(
    shape: CarShape, length: float, width: float, height: float, semantic: SemanticClass
) -> list[Part]:
    """Pillars and roof in the car's paint, with windows on them."""
    sill, eaves = 0.95 * width, shape.roof_width * width
    x_low = (shape.cabin[0] * length, shape.cabin[1] * length)
    x_high = (shape.roof[0] * length, shape.roof[1] * length)
    low = _rectangle(x_low, sill, (shape.belt - 0.03) * height)
    high = _rectangle(x_high, eaves, 0.965 * height)
    inset = 0.06 * (x_high[1] - x_high[0])
    top = _rectangle((x_high[0] + inset, x_high[1] - inset), 0.88 * eaves, height)
    left, rear, right, front = _sides(low, high)
    glass = _finish(_GLASS, semantic)
    parts: list[Part] = [
        (loft([low, high, top]), _finish((160, 160, 165), semantic, FaceRole.PAINT)),
        (pane(front, (0.06, 0.94), (0.14, 0.95)), glass),
    ]
    if shape.rear_window:
        parts.append((pane(rear, (0.08, 0.92), (0.22, 0.92)), glass))
    for begin, end in shape.side_windows:
        parts.append((pane(left, (begin, end), (0.18, 0.92)), glass))
        parts.append((pane(right, (1.0 - end, 1.0 - begin), (0.18, 0.92)), glass))
    return parts


@dataclass(frozen=True)
class Cargo:
    """What stands behind the cab of a truck.

    Attributes:
        painted: the box has the truck's paint, its stripe is white; else the other way round.
        ladder: one lies on the roof.
        beacons: a bar of beacons on the cab.
        axles: x of the axles, shares of the half length.
        wheel_radius_m: tyre radius.
    """

    painted: bool = False
    ladder: bool = False
    beacons: bool = False
    axles: tuple[float, ...] = (-0.58, 0.66)
    wheel_radius_m: float = 0.42


DELIVERY = Cargo()
AMBULANCE = Cargo(beacons=True, axles=(-0.56, 0.66), wheel_radius_m=0.38)
FIRE_ENGINE = Cargo(painted=True, ladder=True, beacons=True, wheel_radius_m=0.52)
HEAVY = Cargo(axles=(-0.66, -0.36, 0.70), wheel_radius_m=0.5)


def truck(half_extent: Point, semantic: SemanticClass, cargo: Cargo = DELIVERY) -> Body:
    """A cab before a box."""
    length, full_width, height = half_extent[0], half_extent[1], 2 * half_extent[2]
    width = 0.86 * full_width
    paint, trim = _finish((170, 30, 30), semantic, FaceRole.PAINT), _finish(_TRIM, semantic)
    glass, white = _finish(_GLASS, semantic), _finish((232, 232, 230), semantic)
    low = _rectangle((0.42 * length, 0.99 * length), 0.94 * width, 0.16 * height)
    middle = _rectangle((0.42 * length, 0.97 * length), 0.94 * width, 0.46 * height)
    high = _rectangle((0.42 * length, 0.80 * length), 0.86 * width, 0.80 * height)
    left, _, right, front = _sides(middle, high)
    load = box((-0.29 * length, 0.0, 0.595 * height), (0.70 * length, width, 0.405 * height))
    chassis = box((-0.2 * length, 0.0, 0.17 * height), (0.79 * length, 0.6 * width, 0.05 * height))
    stripe = box(
        (-0.29 * length, 0.0, 0.62 * height), (0.66 * length, width + 0.012, 0.07 * height)
    )
    parts: list[Part] = [
        (loft([low, middle, high]), paint),
        (load, paint if cargo.painted else white),
        (stripe, white if cargo.painted else paint),
        (chassis, trim),
        (pane(front, (0.05, 0.95), (0.10, 0.92)), glass),
        (pane(left, (0.10, 0.62), (0.12, 0.90)), glass),
        (pane(right, (0.38, 0.90), (0.12, 0.90)), glass),
        (box((0.985 * length, 0.0, 0.20 * height), (0.04, 0.9 * width, 0.05 * height)), trim),
    ]
    axles = [x * length for x in cargo.axles]
    parts += _wheels(axles, cargo.wheel_radius_m, 0.93 * width, semantic)
    parts += _roof_of(cargo, length, width, height, semantic)
    parts += _lamps(
        (0.99 * length, 0.74 * width, 0.30 * height),
        (-0.985 * length, 0.82 * width, 0.24 * height),
        (0.14, 0.08),
        semantic,
    )
    parts += _plates((length, 0.0, 0.22 * height), (-0.99 * length, 0.0, 0.235 * height), semantic)
    parts += _mirrors(0.82 * length, (0.92 * width, full_width), 0.58 * height, semantic)
    return assembled(parts, half_extent)


def _roof_of(
    cargo: Cargo, length: float, width: float, height: float, semantic: SemanticClass
) -> list[Part]:
    """What a truck carries on top."""
    parts: list[Part] = []
    if cargo.beacons:
        parts += _beacons(0.62 * length, 0.7 * width, 0.81 * height + 0.04, semantic)
        for side, color, role in _BEACON_SIDES:
            lamp = box((-0.99 * length, 0.72 * side * width, 0.93 * height), (0.02, 0.16, 0.06))
            parts.append((lamp, _finish(color, semantic, role)))
    if cargo.ladder:
        metal = _finish(_HUB, semantic)
        parts += mirrored(
            [
                (
                    box((-0.2 * length, 0.3 * width, height + 0.06), (0.72 * length, 0.04, 0.06)),
                    metal,
                )
            ]
        )
        for rung in range(9):
            at = (-0.84 * length + 0.16 * rung * length, 0.0, height + 0.06)
            parts.append((box(at, (0.03, 0.3 * width, 0.03)), metal))
    return parts


def bus(half_extent: Point, semantic: SemanticClass) -> Body:
    """A coach with a band of windows and two doors on the right."""
    length, full_width, height = half_extent[0], half_extent[1], 2 * half_extent[2]
    width = 0.88 * full_width
    paint, trim = _finish((200, 180, 60), semantic, FaceRole.PAINT), _finish(_TRIM, semantic)
    glass = _finish(_GLASS, semantic)
    low = _rectangle((-0.99 * length, 0.985 * length), width, 0.10 * height)
    belt = _rectangle((-0.99 * length, 0.985 * length), width, 0.46 * height)
    eaves = _rectangle((-0.985 * length, 0.955 * length), 0.97 * width, 0.93 * height)
    top = _rectangle((-0.93 * length, 0.90 * length), 0.84 * width, height)
    left, rear, right, front = _sides(belt, eaves)
    parts: list[Part] = [
        (loft([low, belt, eaves, top]), paint),
        (pane(front, (0.04, 0.96), (0.02, 0.88)), glass),
        (pane(rear, (0.10, 0.90), (0.30, 0.86)), glass),
    ]
    for k in range(7):
        span = (0.03 + 0.135 * k, 0.15 + 0.135 * k)
        parts.append((pane(left, span, (0.16, 0.86)), glass))
        parts.append((pane(right, (1.0 - span[1], 1.0 - span[0]), (0.16, 0.86)), glass))
    for x in (0.78, -0.12):
        door = box((x * length, -width, 0.33 * height), (0.075 * length, 0.015, 0.21 * height))
        parts.append((door, glass))
    parts += _wheels((-0.52 * length, 0.60 * length), 0.5, width, semantic)
    parts += _lamps(
        (0.985 * length, 0.78 * width, 0.20 * height),
        (-0.99 * length, 0.84 * width, 0.30 * height),
        (0.2, 0.12),
        semantic,
    )
    parts += _plates((0.99 * length, 0.0, 0.14 * height), (-length, 0.0, 0.2 * height), semantic)
    for x in (-0.985, 0.985):
        bumper = box((x * length, 0.0, 0.12 * height), (0.05, 0.96 * width, 0.03 * height))
        parts.append((bumper, trim))
    for side in (-1.0, 1.0):
        arm = tube(
            (0.95 * length, side * 0.9 * width, 0.86 * height),
            (length, side * full_width, 0.74 * height),
            (0.05, 0.05),
        )
        parts.append((arm, trim))
    parts += _mirrors(0.99 * length, (0.93 * full_width, full_width), 0.68 * height, semantic)
    return assembled(parts, half_extent)
