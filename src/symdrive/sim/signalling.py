"""Indicators of traffic: drivers announce the way that they have decided on.

They indicate where they turn in a junction, and while they move to another lane or to its edge.

The ego's indicators stay off: a `Control` has no lever for them.
"""

from typing import no_type_check

from symdrive.maps.town import Turn
from symdrive.sim.kernel import entry, inner
from symdrive.sim.road import Road
from symdrive.sim.state import Traffic
from symdrive.world.truth import VehicleLight

ANNOUNCE_M = 25.0
"""A turn is announced at this distance from the junction, or earlier:"""

ANNOUNCE_S = 3.0
"""this long before it at the present speed."""

ASIDE_M = 0.3
"""Smaller moves aside are not announced."""

_LEFT_TURN, _RIGHT_TURN = Turn.LEFT.value, Turn.RIGHT.value
_LEFT, _RIGHT = VehicleLight.LEFT_BLINKER.value, VehicleLight.RIGHT_BLINKER.value


@entry
@no_type_check
def signal_turns(road: Road, traffic: Traffic) -> None:
    """Switch the indicators of every driver: on before a turn and in it, and moving aside."""
    for i in range(1, len(traffic.drivers)):
        body, turn = traffic.bodies[i], _move_aside(traffic, i)
        if turn < 0:
            turn = _next_turn(road, traffic, i)
        others = body.lights & ~(_LEFT | _RIGHT)
        body.lights = others | (
            _LEFT if turn == _LEFT_TURN else _RIGHT if turn == _RIGHT_TURN else 0
        )


@inner
@no_type_check
def _move_aside(traffic: Traffic, i: int) -> int:
    """To which side a driver is moving, as a turn; -1 for none, and for who passes with a siren."""
    driver = traffic.drivers[i]
    way = driver.keep - driver.aside
    if driver.shift_m <= 0.0 or driver.urgent == 1 or abs(way) < ASIDE_M:
        return -1
    return _LEFT_TURN if way > 0.0 else _RIGHT_TURN


@inner
@no_type_check
def _next_turn(road: Road, traffic: Traffic, i: int) -> int:
    """Of the first turning lane on a driver's path, from its own to those that are near."""
    body = traffic.bodies[i]
    reach_m = max(ANNOUNCE_M, ANNOUNCE_S * body.speed)
    begin_m = -body.lane_s - body.half_length
    for k in range(traffic.drivers[i].path_count):
        lane = road.lanes[traffic.paths[i, k]]
        if begin_m >= reach_m:
            break
        if lane.turn == _LEFT_TURN or lane.turn == _RIGHT_TURN:
            return lane.turn
        begin_m += lane.length
    return -1
