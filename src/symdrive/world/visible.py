"""The truth as far as an aligned expert may know it; made by `expert.align`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.truth import Actors


@dataclass(frozen=True)
class Caution:
    """How unsure the learner must be, as far as that changes how to drive.

    The default is the driver who knows everything: no allowance for anything.

    Attributes:
        parked_near: parked cars close ahead.
        occluded_junction: the view into the next junction is blocked.
        night: dark.
        wide_margins: keep the gaps and box margins of somebody who has to estimate.
        emergency_stop: stop for people who step onto the road instead of gliding past them.
        slow_junctions: approach junctions in town slowly.
        lamps_in_view: stop where the lamps of a near-side traffic light stay in the picture.
    """

    parked_near: int = 0
    occluded_junction: bool = False
    night: bool = False
    wide_margins: bool = False
    emergency_stop: bool = False
    slow_junctions: bool = False
    lamps_in_view: bool = False


@dataclass(frozen=True)
class Visible:
    """What an `Oracle` is handed each tick; world frame, SI.

    Attributes:
        tick: number of steps since the reset.
        time_s: simulation time.
        actors: the ego in row 0, then every actor that is not hidden.
        signal_state: `SignalState` of each signal of the town.
        town: the road network.
        route: the dense route.
        caution: uncertainty to drive with.
        hidden: how many actors alignment took away.
    """

    tick: int
    time_s: float
    actors: Actors
    signal_state: Int[np.ndarray, " signal"]
    town: Town
    route: Route
    caution: Caution
    hidden: int = 0
