"""Which lamps of which actors shine in a tick."""

import numpy as np
from jaxtyping import Bool, Int

from symdrive.sensors.shading import TAIL_BIT
from symdrive.sensors.solids import FaceRole
from symdrive.world.clock import TICK_S
from symdrive.world.truth import Actors, VehicleLight

BLINK_HZ = 1.5
"""Of indicators: UN Regulation 48 (6.5.9.1) asks for 90 flashes a minute, give or take 30."""

FLASH_HZ = 2.5
"""Of each side of a bar of beacons; UN Regulation 65 allows 2 to 4."""

_OWN_BEAT = 0.618
"""Neighbours blink out of step: by this share of a beat, times the actor's id."""


def shining_lamps(actors: Actors, tick: int, *, dark: bool) -> Int[np.ndarray, " actor"]:
    """Bit r of an actor is set where its faces of `FaceRole` r shine (`shading.switch_lamps`).

    Args:
        actors: their brakes and what they have switched on.
        tick: of the moment.
        dark: whether headlights and tail lights are on; those of parked cars never are.
    """
    beat = tick * TICK_S + _OWN_BEAT * actors.actor_id / BLINK_HZ
    blinks = (BLINK_HZ * beat) % 1.0 < 0.5
    flashes = (FLASH_HZ * beat) % 1.0 < 0.5
    driven = ~actors.parked & dark
    lit = {
        int(FaceRole.BRAKE): actors.braking,
        int(FaceRole.HEADLAMP): driven,
        TAIL_BIT: driven,
        int(FaceRole.INDICATOR_LEFT): _on(actors, VehicleLight.LEFT_BLINKER) & blinks,
        int(FaceRole.INDICATOR_RIGHT): _on(actors, VehicleLight.RIGHT_BLINKER) & blinks,
        int(FaceRole.BEACON_LEFT): _on(actors, VehicleLight.SPECIAL_1) & flashes,
        int(FaceRole.BEACON_RIGHT): _on(actors, VehicleLight.SPECIAL_1) & ~flashes,
    }
    bits = np.zeros(len(actors), dtype=np.int64)
    for bit, on in lit.items():
        bits |= on.astype(np.int64) << bit
    return bits


def _on(actors: Actors, light: VehicleLight) -> Bool[np.ndarray, " actor"]:
    """Whose light is switched on."""
    return (actors.lights & light.value) != 0
