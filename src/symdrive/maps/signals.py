"""When each traffic light shows which colour: a pure function of time.

The groups of a junction take turns: green, yellow, then red for all while the junction clears.
Source of the durations: CARLA 0.9.15, `ATrafficLightGroup` (green 10 s, yellow 3 s, red 2 s).
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from symdrive.core.seeds import generator
from symdrive.maps.town import SignalTable

GREEN_S, YELLOW_S, CLEAR_S = 10.0, 3.0, 2.0
TURN_S = GREEN_S + YELLOW_S + CLEAR_S

RED, YELLOW, GREEN = np.int8(0), np.int8(1), np.int8(2)
"""Numbers of `world.truth.SignalState`, which stands a floor above."""


@dataclass(frozen=True)
class SignalProgram:
    """The timetable of all lights of a town.

    A junction with a single group (a crossing for walkers) has a second, empty turn in which its
    lights stay red.

    Attributes:
        table: the lights.
        seed: of the phase at time zero, drawn for each junction.
    """

    table: SignalTable
    seed: int
    _begin_s: Float[np.ndarray, " signal"] = field(init=False, repr=False)
    _cycle_s: Float[np.ndarray, " signal"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Where in its junction's cycle each light turns green, and how long the cycle is."""
        cycle = np.maximum(self.table.num_groups, 2) * TURN_S
        key = _junction_keys(self.table)
        phase = {int(k): generator(self.seed, f"signals/{k}").uniform() for k in np.unique(key)}
        share = np.array([phase[k] for k in key.tolist()], dtype=np.float64)
        object.__setattr__(self, "_begin_s", self.table.group * TURN_S - share * cycle)
        object.__setattr__(self, "_cycle_s", cycle)

    def at(self, time_s: float) -> Int[np.ndarray, " signal"]:
        """State of each light at a time: 0 red, 1 yellow, 2 green."""
        since = (time_s - self._begin_s) % self._cycle_s
        return np.where(since < GREEN_S, GREEN, np.where(since < GREEN_S + YELLOW_S, YELLOW, RED))


def signal_states(table: SignalTable, time_s: float, seed: int) -> Int[np.ndarray, " signal"]:
    """State of each light at one time; for many times make a `SignalProgram` once."""
    return SignalProgram(table, seed).at(time_s)


def _junction_keys(table: SignalTable) -> Int[np.ndarray, " signal"]:
    """What shares a phase offset: the junction; a light outside of junctions has its own."""
    alone = -2 - np.arange(len(table))
    return np.where(table.junction >= 0, table.junction, alone)
