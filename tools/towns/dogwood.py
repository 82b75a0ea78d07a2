"""Dogwood, a motorway: a loop of two carriageways, two interchanges, and a village inside."""

import math

from towns.plan import (
    Carriageway,
    Corner,
    CrossSection,
    Gate,
    Junction,
    RightOfWay,
    Roundabout,
    Street,
    TownPlan,
)

_CARRIAGEWAY = CrossSection(
    2, 0, lane_m=3.5, speed_kmh=90, edge_line=True, sidewalk=False, kerb=False, gutter_m=1.5
)
_RAMP = CrossSection(
    1, 0, lane_m=3.75, speed_kmh=50, edge_line=True, sidewalk=False, kerb=False, gutter_m=1.0
)
_FEEDER = CrossSection(
    1, 1, lane_m=3.5, speed_kmh=50, edge_line=True, sidewalk=False, kerb=False, gutter_m=1.0
)
_VILLAGE = CrossSection(1, 1, lane_m=3.25, speed_kmh=30, parking_right=True)

_DECK_Z = 6.2
"""Height of the bridges over the motorway."""

_MEDIAN_M = 4.0
"""Half the distance between the left edges of both carriageways."""

_HALF_X, _HALF_Y, _RADIUS = 480.0, 240.0, 200.0
_BESIDE_M = _MEDIAN_M + 2 * 3.5 + 1.5 + 0.8 + 1.0
"""From the middle of the median to the left edge of a ramp's lane."""

_OUTER_Y, _INNER_Y = _HALF_Y + _BESIDE_M, _HALF_Y - _BESIDE_M
_TERMINAL_OUT, _TERMINAL_IN = 320.0, 160.0


def _carriageway(name: str, shift_m: float, turn: int, lanes_of: tuple[str, ...]) -> Carriageway:
    """One direction of the loop.

    Args:
        name: of it.
        shift_m: how far outside of the middle of the median it runs.
        turn: 1 counter-clockwise, -1 clockwise.
        lanes_of: gates with a lane of their own.
    """
    x, y, radius = _HALF_X + shift_m, _HALF_Y + shift_m, _RADIUS + shift_m
    total = 4.0 * (x + y) - 8.0 * radius + 2.0 * math.pi * radius
    places = (
        ("north on", 160.0, True),
        ("south off", total / 2.0 - 250.0, False),
        ("south on", total / 2.0 + 160.0, True),
        ("north off", total - 250.0, False),
    )
    return Carriageway(
        name,
        _CARRIAGEWAY,
        0.0,
        tuple(
            Corner(-turn * sx * x, sy * y, radius)
            for sx, sy in ((1, 1), (1, -1), (-1, -1), (-1, 1))
        ),
        tuple(Gate(f"{name} {g}", s, entry, g in lanes_of) for g, s, entry in places),
    )


def _ramps(name: str, ramp_y: float, terminal_y: float, turn: int) -> tuple[Street, ...]:
    """The four ramps of a carriageway.

    Args:
        name: of the carriageway.
        ramp_y: of the ramps beside the motorway, in the north.
        terminal_y: of the junction on the feeder road, in the north.
        turn: 1 counter-clockwise, -1 clockwise.
    """
    side = "outer" if turn > 0 else "inner"
    found: list[Street] = []
    for where, north in (("north", 1), ("south", -1)):
        ahead = -turn * north  # sign of x in the direction of travel
        near, far = Corner(ahead * 70.0, north * terminal_y, 40.0), north * ramp_y
        terminal = f"{where} {side}"
        found.append(
            Street(
                f"{name} {where} on ramp",
                terminal,
                f"{name} {where} on",
                _RAMP,
                corners=(near, Corner(ahead * 106.0, far, 60.0)),
            )
        )
        found.append(
            Street(
                f"{name} {where} off ramp",
                f"{name} {where} off",
                terminal,
                _RAMP,
                corners=(
                    Corner(-ahead * 106.0, far, 60.0),
                    Corner(-near.x, near.y, near.radius_m),
                ),
            )
        )
    return tuple(found)  # fmt: skip


_STOP, _SIGNALS = RightOfWay.STOP, RightOfWay.SIGNALS

DOGWOOD = TownPlan(
    "dogwood",
    junctions=(
        Junction(
            "north outer", 0, _TERMINAL_OUT, _DECK_Z, _STOP, minor=("ring north off ramp",)
        ),
        Junction("north inner", 0, _TERMINAL_IN, _DECK_Z, _SIGNALS),
        Junction("south inner", 0, -_TERMINAL_IN, _DECK_Z, _SIGNALS),
        Junction(
            "south outer", 0, -_TERMINAL_OUT, _DECK_Z, _STOP, minor=("ring south off ramp",)
        ),
        Junction("east", 175, 0, 0.0, RightOfWay.YIELD, minor=("market street",)),
        Junction("west", -175, 0, 0.0, _STOP, minor=("forge street",)),
        Junction("school", 305, 5, 0.0, RightOfWay.YIELD, crosswalks=("east loop north",)),
        Junction("pond", -295, -20, 0.0, RightOfWay.YIELD),
    ),
    streets=(
        Street("north bridge", "north outer", "north inner", _FEEDER),
        Street("north road", "north inner", "hub", _FEEDER),
        Street("south road", "hub", "south inner", _FEEDER),
        Street("south bridge", "south inner", "south outer", _FEEDER),
        Street("market street", "hub", "east", _VILLAGE, crosswalks=(0.5,)),
        Street("forge street", "hub", "west", _VILLAGE),
        Street(
            "east loop north", "east", "school", _VILLAGE,
            corners=(Corner(175, 80, 20), Corner(300, 70, 20)),
        ),
        Street(
            "east loop south", "school", "east", _VILLAGE,
            corners=(Corner(310, -60, 20), Corner(175, -74, 20)),
        ),
        Street(
            "west loop south", "west", "pond", _VILLAGE,
            corners=(Corner(-175, -90, 20), Corner(-280, -80, 20)),
        ),
        Street(
            "west loop north", "pond", "west", _VILLAGE,
            corners=(Corner(-310, 40, 20), Corner(-240, 90, 20), Corner(-175, 84, 16)),
        ),
        *_ramps("ring", _OUTER_Y, _TERMINAL_OUT, 1),
        *_ramps("core", _INNER_Y, _TERMINAL_IN, -1),
    ),
    roundabouts=(Roundabout("hub", 0, 0, 0.0, crosswalks=("market street",)),),
    carriageways=(
        _carriageway("ring", _MEDIAN_M, 1, ("north on", "south off")),
        _carriageway("core", -_MEDIAN_M, -1, ()),
    ),
)  # fmt: skip
