"""How the car moved in one of our run folders, in the form that the comfort metrics take."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from symdrive.record.reader import open_run
from symdrive.scoring.comfort import Motion


def motion_of_run(folder: Path) -> Motion:
    """The ego's recorded ticks.

    Raises:
        UserError: when the run is damaged.
    """
    return motion_of_ticks(open_run(folder).ticks)


def motion_of_ticks(ticks: Mapping[str, np.ndarray]) -> Motion:
    """From the columns of `ticks.arrow`.

    A run knows acceleration along the car and yaw rate; across the car it is speed times yaw rate,
    for the car does not slide. Its own axes serve as the fixed frame, turned tick by tick.
    """
    forward = np.stack([np.cos(ticks["yaw"]), np.sin(ticks["yaw"])], axis=1)
    right = np.stack([forward[:, 1], -forward[:, 0]], axis=1)
    across = -ticks["speed"] * ticks["yaw_rate"]
    acceleration = ticks["acceleration"][:, None] * forward + across[:, None] * right
    return Motion(acceleration, forward, right, np.degrees(ticks["yaw_rate"]))
