"""Indicators of traffic: drivers announce the way that they have decided on.

The ego's indicators stay off: a `Control` has no lever for them.
"""

from typing import no_type_check

from symdrive.maps.town import Turn
from symdrive.sim.kernel import entry
from symdrive.sim.road import Road
from symdrive.sim.state import Traffic
from symdrive.world.truth import VehicleLight

ANNOUNCE_M = 25.0
"""A turn is announced at this distance from the junction, or earlier:"""

ANNOUNCE_S = 3.0
"""this long before it at the present speed."""

_LEFT_TURN, _RIGHT_TURN = Turn.LEFT.value, Turn.RIGHT.value
_LEFT, _RIGHT = VehicleLight.LEFT_BLINKER.value, VehicleLight.RIGHT_BLINKER.value


@entry
@no_type_check
def signal_turns(road: Road, traffic: Traffic) -> None:
    """Switch the indicators of every driver: on before a turn and in it, else off."""
    for i in range(1, len(traffic.drivers)):
        body, driver = traffic.bodies[i], traffic.drivers[i]
        turn = road.lanes[body.lane].turn
        near = driver.entry_m < max(ANNOUNCE_M, ANNOUNCE_S * body.speed)
        if turn != _LEFT_TURN and turn != _RIGHT_TURN and driver.entry_lane >= 0 and near:
            turn = road.lanes[driver.entry_lane].turn
        others = body.lights & ~(_LEFT | _RIGHT)
        body.lights = others | (
            _LEFT if turn == _LEFT_TURN else _RIGHT if turn == _RIGHT_TURN else 0
        )
