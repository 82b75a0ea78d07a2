"""Where the car believes it is: GNSS, compass and speedometer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from symdrive.core.geometry import wrap
from symdrive.world.rig import LocalisationSpec


@dataclass(frozen=True)
class Fix:
    """One reading.

    Attributes:
        position: x, y, world, m.
        yaw: heading in [-pi, pi), world, rad.
        speed_mps: along the heading.
    """

    position: Float64[np.ndarray, " 2"]
    yaw: float
    speed_mps: float


def localise(
    spec: LocalisationSpec,
    position: Float64[np.ndarray, " 2"],
    yaw: float,
    speed_mps: float,
    generator: np.random.Generator,
) -> Fix:
    """A reading with independent Gaussian noise on every channel.

    Four numbers are drawn whatever the spec, so one noise level does not change another's draw.

    Args:
        spec: standard deviations.
        position: true x, y, world, m.
        yaw: true heading, rad.
        speed_mps: true speed.
        generator: draws the noise.
    """
    east, north, turn, faster = generator.standard_normal(4)
    return Fix(
        position + spec.position_noise_m * np.array([east, north]),
        wrap(yaw + spec.yaw_noise * turn),
        speed_mps + spec.speed_noise_mps * float(faster),
    )
