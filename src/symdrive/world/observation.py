"""What the learner's sensors say at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class Observation:
    """One tick of sensor readings.

    Attributes:
        tick: number of steps since the reset.
        time_s: time stamp.
        images: RGB pictures by camera name.
        lidar: x, y, z, intensity of all LiDARs together; ego frame (ground point under the ego's
            box centre, x forward, y left, z up), metres.
        position: x, y by GNSS, world frame, metres, noisy.
        yaw: compass heading, world frame, rad, noisy.
        speed_mps: speedometer.
    """

    tick: int
    time_s: float
    images: Mapping[str, UInt8[np.ndarray, "height width 3"]]
    lidar: Float[np.ndarray, "point 4"]
    position: Float[np.ndarray, " 2"]
    yaw: float
    speed_mps: float
