"""Bodies of what stands or lies in the street: cones, barriers, warning signs, debris.

Sizes are in metres and close to those of the models, to whose boxes they are stretched.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symdrive.core.seeds import generator
from symdrive.core.semantics import SemanticClass
from symdrive.sensors.solids import (
    Body,
    Finish,
    Part,
    Point,
    Solid,
    assembled,
    ball,
    box,
    loft,
    tube,
    wedge,
    wheel,
)

Rgb = tuple[int, int, int]
Level = tuple[float, float, Rgb]

_ORANGE, _WHITE, _RED, _YELLOW = (236, 92, 24), (240, 240, 238), (200, 26, 30), (246, 190, 30)
_BLACK, _METAL, _DARK = (26, 26, 28), (138, 140, 144), (58, 58, 60)
_SOIL, _BRICK, _RUST = (104, 82, 58), (158, 82, 60), (126, 84, 62)
_CARDBOARD, _STRAW, _BAG = (178, 140, 96), (206, 172, 92), (38, 42, 46)


def _stack(levels: Sequence[Level], foot: Point, semantic: SemanticClass) -> list[Part]:
    """Rings of changing colour one above the other, on a square foot of these half sizes."""
    parts: list[Part] = [(box((0.0, 0.0, foot[2]), foot), Finish(levels[0][2], semantic))]
    for (low, wide, color), (high, narrow, _) in itertools.pairwise(levels):
        ring = tube((0.0, 0.0, low), (0.0, 0.0, high), (wide, narrow), 10)
        parts.append((ring, Finish(color, semantic)))
    return parts


def cone(half_extent: Point, semantic: SemanticClass) -> Body:
    """A traffic cone with two white bands."""
    levels = (
        (0.04, 0.125, _ORANGE),
        (0.20, 0.098, _WHITE),
        (0.30, 0.080, _ORANGE),
        (0.40, 0.062, _WHITE),
        (0.47, 0.050, _ORANGE),
        (0.58, 0.03, _ORANGE),
    )
    return assembled(_stack(levels, (0.17, 0.17, 0.02), semantic), half_extent)


def construction_cone(half_extent: Point, semantic: SemanticClass) -> Body:
    """A tall cone with one broad white band on a black foot."""
    levels = (
        (0.05, 0.13, _ORANGE),
        (0.34, 0.09, _WHITE),
        (0.54, 0.06, _ORANGE),
        (0.74, 0.03, _ORANGE),
    )
    foot = (box((0.0, 0.0, 0.025), (0.19, 0.19, 0.025)), Finish(_BLACK, semantic))
    return assembled([*_stack(levels, (0.14, 0.14, 0.05), semantic), foot], half_extent)


def barrel(half_extent: Point, semantic: SemanticClass) -> Body:
    """A channelising drum."""
    heights = np.linspace(0.08, 0.94, 6)
    colors = itertools.cycle((_ORANGE, _WHITE))
    levels = [(float(z), 0.30 - 0.07 * float(z), c) for z, c in zip(heights, colors, strict=False)]
    parts = _stack(levels, (0.31, 0.31, 0.04), semantic)
    parts.append((box((0.0, 0.0, 0.96), (0.12, 0.03, 0.03)), Finish(_ORANGE, semantic)))
    return assembled(parts, half_extent)


def street_barrier(half_extent: Point, semantic: SemanticClass) -> Body:
    """Two striped boards on a pair of trestles, across y."""
    parts: list[Part] = []
    for z in (0.86, 0.48):
        for k in range(8):
            at = (0.0, -0.8575 + 0.245 * k, z)
            color = _RED if k % 2 == 0 else _WHITE
            parts.append((box(at, (0.025, 0.1225, 0.11)), Finish(color, semantic)))
    for y in (-0.8, 0.8):
        for x in (-0.26, 0.26):
            leg = tube((x, y, 0.0), (0.0, y, 1.0), (0.025, 0.025), 4)
            parts.append((leg, Finish(_METAL, semantic)))
    for y in (-0.6, 0.6):
        lamp = wheel((0.0, 0.0, 0.0), 0.06, 0.035, 8)
        placed = Solid(lamp.vertices[:, [1, 0, 2]] + [0.0, y, 1.02], lamp.faces[:, ::-1])
        parts.append((placed, Finish(_YELLOW, semantic)))
    return assembled(parts, half_extent)


def chain_barrier(half_extent: Point, semantic: SemanticClass) -> Body:
    """Two striped posts with a hanging chain between them."""
    parts: list[Part] = []
    for y in (-0.88, 0.88):
        parts.append(
            (tube((0.0, y, 0.0), (0.0, y, 0.06), (0.16, 0.12), 8), Finish(_DARK, semantic))
        )
        for k in range(5):
            z, color = 0.06 + 0.17 * k, _RED if k % 2 == 0 else _WHITE
            post = tube((0.0, y, z), (0.0, y, z + 0.17), (0.035, 0.035), 8)
            parts.append((post, Finish(color, semantic)))
    sag = [(0.0, 1.76 * t - 0.88, 0.86 - 1.2 * t * (1.0 - t)) for t in np.linspace(0, 1, 9)]
    for k, (a, b) in enumerate(itertools.pairwise(sag)):
        link = tube(a, b, (0.018, 0.018), 4)
        parts.append((link, Finish(_RED if k % 2 == 0 else _WHITE, semantic)))
    return assembled(parts, half_extent)


def _facing_x(points: Sequence[tuple[float, float]], x: float, thickness: float) -> Solid:
    """A flat plate with these corners in y and z (counter-clockwise seen from behind)."""
    rings = [np.array([(x + side * thickness, y, z) for y, z in points]) for side in (-1.0, 1.0)]
    return loft(rings)


def _triangle(size: float, low: float) -> list[tuple[float, float]]:
    """A triangle that points up; half its side and the height of its lower side."""
    return [(-size, low), (size, low), (0.0, low + 1.732 * size)]


def warning_triangle(half_extent: Point, semantic: SemanticClass, bars: Sequence[Point]) -> Body:
    """A red and white warning sign on a tripod, readable from both sides.

    Args:
        half_extent: of the model.
        semantic: of the model.
        bars: what its picture is made of: y, z and half size of each square.
    """
    parts: list[Part] = [
        (_facing_x(_triangle(0.42, 0.30), 0.0, 0.012), Finish(_RED, semantic)),
        (_facing_x(_triangle(0.29, 0.375), 0.0, 0.018), Finish(_WHITE, semantic)),
    ]
    for y, z, half in bars:
        parts.append((box((0.0, y, z), (0.024, half, half)), Finish(_BLACK, semantic)))
    for foot in ((-0.32, -0.26), (-0.32, 0.26), (0.32, 0.0)):
        leg = tube((*foot, 0.0), (0.0, 0.0, 0.62), (0.018, 0.018), 4)
        parts.append((leg, Finish(_METAL, semantic)))
    return assembled(parts, half_extent)


_DIGGING = ((-0.03, 0.62, 0.035), (0.0, 0.54, 0.04), (-0.05, 0.46, 0.03), (0.08, 0.44, 0.05))
_EXCLAMATION = ((0.0, 0.66, 0.034), (0.0, 0.60, 0.032), (0.0, 0.54, 0.028), (0.0, 0.44, 0.034))


def _warning(bars: Sequence[Point]) -> Callable[[Point, SemanticClass], Body]:
    return lambda half_extent, semantic: warning_triangle(half_extent, semantic, bars)


def traffic_warning(half_extent: Point, semantic: SemanticClass) -> Body:
    """A trailer with a board of lamps in the shape of an arrow; its back looks along x."""
    board, frame = Finish((30, 32, 34), semantic), Finish(_YELLOW, semantic)
    parts: list[Part] = [
        (box((0.0, 0.0, 1.80), (0.04, 1.15, 0.70)), board),
        (box((0.0, 0.0, 2.54), (0.05, 1.19, 0.05)), frame),
        (box((0.0, 0.0, 1.06), (0.05, 1.19, 0.05)), frame),
        (box((0.0, 0.0, 0.78), (0.05, 0.06, 0.30)), frame),
        (box((0.10, 0.0, 0.42), (0.45, 0.62, 0.09)), frame),
        (wheel((0.05, 0.70, 0.28), 0.28, 0.09), Finish(_BLACK, semantic)),
        (wheel((0.05, -0.70, 0.28), 0.28, 0.09), Finish(_BLACK, semantic)),
    ]
    lamps = [(0.16 * k - 0.56, 1.80) for k in range(8)]
    lamps += [(0.56 - 0.14 * k, 1.80 + side * 0.14 * k) for k in (1, 2, 3) for side in (-1, 1)]
    for y, z in lamps:
        parts.append((box((-0.05, y, z), (0.012, 0.055, 0.055)), Finish((255, 206, 84), semantic)))
    for k in range(7):
        color = _RED if k % 2 == 0 else _WHITE
        stripe = box((-0.42, -0.54 + 0.18 * k, 0.42), (0.06, 0.09, 0.10))
        parts.append((stripe, Finish(color, semantic)))
    return assembled(parts, half_extent)


def _heap(name: str, count: int, colors: Sequence[Rgb], flat: float) -> Callable[..., Body]:
    """A maker of a scattered heap.

    Args:
        name: names the generator, so that each heap has a shape of its own.
        count: of pieces.
        colors: of pieces, in turn.
        flat: height of pieces as a share of their width.
    """

    def make(half_extent: Point, semantic: SemanticClass) -> Body:
        random = generator(0, f"sensors/props/{name}")
        parts: list[Part] = []
        for k in range(count):
            away, angle = 0.8 * math.sqrt((k + 0.3) / count), 2.4 * k
            size = random.uniform(0.14, 0.34) * (1.1 - 0.5 * away)
            at = (away * math.cos(angle), away * math.sin(angle), 0.45 * flat * size)
            radii = (size * random.uniform(0.7, 1.3), size, flat * size)
            lump = ball(at, radii, int(random.integers(5, 8)), 3)
            vertices = np.maximum(lump.vertices, [-np.inf, -np.inf, 0.0])
            shade = random.uniform(0.8, 1.15)
            r, g, b = (min(int(shade * value), 255) for value in colors[k % len(colors)])
            parts.append((Solid(vertices, lump.faces), Finish((r, g, b), semantic)))
        return assembled(parts, half_extent)

    return make


def _shards(name: str, count: int, colors: Sequence[Rgb]) -> Callable[..., Body]:
    """A maker of flat, angular pieces that lie about; arguments as `_heap`'s."""

    def make(half_extent: Point, semantic: SemanticClass) -> Body:
        random = generator(0, f"sensors/props/{name}")
        parts: list[Part] = []
        for k in range(count):
            x, y = random.uniform(-1.0, 1.0, 2)
            half = random.uniform(0.12, 0.34, 2)
            slab = wedge((0.0, 0.0, 0.06), (*half, 0.06), (0.8 * half[0], 0.7 * half[1]))
            angle = random.uniform(0.0, math.pi)
            cos, sin = math.cos(angle), math.sin(angle)
            turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
            vertices = slab.vertices @ turn.T + [x, y, 0.0]
            parts.append((Solid(vertices, slab.faces), Finish(colors[k % len(colors)], semantic)))
        return assembled(parts, half_extent)

    return make


def plank(half_extent: Point, semantic: SemanticClass) -> Body:
    """Rusty boards on top of each other."""
    parts: list[Part] = [
        (box((0.0, -0.1, 0.025), (1.2, 0.14, 0.025)), Finish(_RUST, semantic)),
        (box((0.1, 0.15, 0.025), (1.0, 0.11, 0.025)), Finish((104, 70, 52), semantic)),
        (box((-0.2, 0.0, 0.075), (0.9, 0.13, 0.025)), Finish((146, 98, 70), semantic)),
    ]
    return assembled(parts, half_extent)


def carton(half_extent: Point, semantic: SemanticClass) -> Body:
    """A cardboard box with tape and an open flap."""
    card, tape = Finish(_CARDBOARD, semantic), Finish((206, 180, 140), semantic)
    parts: list[Part] = [
        (box((0.0, 0.0, 0.24), (0.30, 0.28, 0.24)), card),
        (box((0.0, 0.0, 0.24), (0.304, 0.04, 0.245)), tape),
        (wedge((0.0, 0.16, 0.50), (0.29, 0.14, 0.02), (0.29, 0.13)), card),
    ]
    return assembled(parts, half_extent)


def flat_carton(half_extent: Point, semantic: SemanticClass) -> Body:
    """A cardboard box that somebody drove over."""
    card = Finish(_CARDBOARD, semantic)
    parts: list[Part] = [
        (wedge((0.0, 0.0, 0.08), (0.36, 0.30, 0.08), (0.28, 0.22), 0.05), card),
        (box((0.12, 0.24, 0.01), (0.24, 0.10, 0.01)), Finish((160, 124, 84), semantic)),
        (wedge((-0.1, -0.05, 0.20), (0.16, 0.20, 0.04), (0.04, 0.18), 0.1), card),
    ]
    return assembled(parts, half_extent)


def hay_bale(half_extent: Point, semantic: SemanticClass) -> Body:
    """A round bale on its side."""
    parts: list[Part] = [
        (wheel((0.0, 0.0, 0.58), 0.58, 0.62, 16), Finish(_STRAW, semantic)),
        (wheel((0.0, 0.0, 0.58), 0.36, 0.625, 12), Finish((182, 146, 72), semantic)),
    ]
    string = Finish((160, 128, 62), semantic)
    parts += [(wheel((0.0, y, 0.58), 0.588, 0.02, 16), string) for y in (-0.3, 0.0, 0.3)]
    return assembled(parts, half_extent)


def vending_machine(half_extent: Point, semantic: SemanticClass) -> Body:
    """A machine with a lit window of goods; its front looks along x."""
    parts: list[Part] = [
        (box((0.0, 0.0, 0.98), (0.42, 0.52, 0.98)), Finish((176, 28, 34), semantic)),
        (box((0.42, -0.12, 1.25), (0.012, 0.34, 0.58)), Finish((54, 66, 78), semantic)),
        (box((0.42, 0.38, 1.20), (0.016, 0.09, 0.22)), Finish(_METAL, semantic)),
        (box((0.42, -0.10, 0.34), (0.014, 0.30, 0.10)), Finish(_BLACK, semantic)),
        (box((0.42, 0.0, 1.90), (0.012, 0.48, 0.05)), Finish(_WHITE, semantic)),
    ]
    goods = ((206, 60, 48), (60, 130, 200), (232, 190, 60), (80, 170, 90))
    for shelf in range(4):
        for slot in range(4):
            at = (0.432, -0.38 + 0.17 * slot, 0.86 + 0.26 * shelf)
            can = box(at, (0.006, 0.05, 0.08))
            parts.append((can, Finish(goods[(shelf + slot) % 4], semantic)))
    return assembled(parts, half_extent)


def advertisement(half_extent: Point, semantic: SemanticClass) -> Body:
    """A free-standing poster case with a picture on either side."""
    parts: list[Part] = [
        (box((0.0, 0.0, 0.10), (0.20, 0.40, 0.10)), Finish(_DARK, semantic)),
        (box((0.0, 0.0, 1.26), (0.12, 0.68, 1.06)), Finish((72, 76, 82), semantic)),
        (box((0.0, 0.0, 1.30), (0.13, 0.60, 0.92)), Finish((222, 226, 222), semantic)),
        (box((0.0, 0.0, 0.85), (0.135, 0.60, 0.30)), Finish((44, 110, 160), semantic)),
        (wheel((0.0, 0.0, 0.0), 0.28, 0.14, 12), Finish((238, 180, 50), semantic)),
    ]
    disc, finish = parts.pop()
    disc = Solid(disc.vertices[:, [1, 0, 2]] + [0.0, 0.12, 1.70], disc.faces[:, ::-1])
    return assembled([*parts, (disc, finish)], half_extent)


PROPS: Mapping[str, Callable[[Point, SemanticClass], Body]] = {
    "static.prop.trafficcone01": cone,
    "static.prop.constructioncone": construction_cone,
    "static.prop.trafficwarning": traffic_warning,
    "static.prop.warningconstruction": _warning(_DIGGING),
    "static.prop.warningaccident": _warning(_EXCLAMATION),
    "static.prop.streetbarrier": street_barrier,
    "static.prop.chainbarrier": chain_barrier,
    "static.prop.barrel": barrel,
    "static.prop.dirtdebris01": _heap("dirt/1", 14, (_SOIL, (88, 70, 52), (126, 100, 70)), 0.4),
    "static.prop.dirtdebris02": _heap("dirt/2", 11, (_SOIL, _BRICK, (112, 104, 96)), 0.35),
    "static.prop.dirtdebris03": _heap("dirt/3", 7, ((116, 108, 98), _SOIL), 0.4),
    "static.prop.brokentile01": _shards("tiles", 9, (_BRICK, (176, 98, 74), (140, 70, 52))),
    "static.prop.ironplank": plank,
    "static.prop.box01": carton,
    "static.prop.creasedbox01": flat_carton,
    "static.prop.garbage01": _heap("garbage", 8, (_BAG, _BAG, (62, 70, 84), (196, 196, 190)), 0.8),
    "static.prop.haybale": hay_bale,
    "static.prop.vendingmachine": vending_machine,
    "static.prop.advertisement": advertisement,
}
"""The maker of each prop of `world.catalogue.MODELS`, by name."""
