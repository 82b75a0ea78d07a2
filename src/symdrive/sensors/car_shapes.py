"""Proportions of cars and vans, one shape for several models.

Given in shares of the model's box (x: -1 rear to 1 front, z: 0 ground to 1 roof), so that one
description serves every size.
"""

from dataclasses import dataclass

from symdrive.sensors.solids import Point

Span = tuple[float, float]


@dataclass(frozen=True)
class CarShape:
    """Proportions of a passenger car or van.

    Attributes:
        hull: stations from rear to front: x, half width (share of the body's), top z.
        cabin: x of the glass house at the belt line, rear and front.
        roof: x of the roof, rear and front.
        belt: z where the glass begins.
        side_windows: spans along the glass house, from its front to its rear.
        axles: x of the rear and the front axle.
        wheel_radius_m: tyre radius.
        rear_window: whether there is glass in the tail.
        width: half width without mirrors, share of the box.
        roof_width: half width of the roof, share of the body's.
    """

    hull: tuple[Point, ...]
    cabin: Span
    roof: Span
    belt: float
    side_windows: tuple[Span, ...]
    axles: Span
    wheel_radius_m: float = 0.33
    rear_window: bool = True
    width: float = 0.87
    roof_width: float = 0.76


SEDAN = CarShape(
    hull=(
        (-1.0, 0.80, 0.57),
        (-0.95, 0.94, 0.66),
        (-0.60, 1.0, 0.68),
        (0.36, 1.0, 0.655),
        (0.78, 0.97, 0.585),
        (0.94, 0.88, 0.51),
        (1.0, 0.72, 0.43),
    ),
    cabin=(-0.76, 0.42),
    roof=(-0.42, 0.04),
    belt=0.655,
    side_windows=((0.12, 0.46), (0.51, 0.84)),
    axles=(-0.58, 0.60),
)

FASTBACK = CarShape(
    hull=(
        (-1.0, 0.80, 0.60),
        (-0.95, 0.94, 0.69),
        (-0.60, 1.0, 0.70),
        (0.40, 1.0, 0.65),
        (0.78, 0.97, 0.57),
        (0.94, 0.88, 0.49),
        (1.0, 0.70, 0.41),
    ),
    cabin=(-0.86, 0.50),
    roof=(-0.34, 0.08),
    belt=0.655,
    side_windows=((0.14, 0.48), (0.53, 0.80)),
    axles=(-0.60, 0.60),
)

HATCHBACK = CarShape(
    hull=(
        (-1.0, 0.88, 0.56),
        (-0.96, 0.96, 0.60),
        (-0.60, 1.0, 0.62),
        (0.46, 1.0, 0.62),
        (0.80, 0.96, 0.56),
        (0.95, 0.88, 0.48),
        (1.0, 0.74, 0.42),
    ),
    cabin=(-0.97, 0.56),
    roof=(-0.80, 0.14),
    belt=0.60,
    side_windows=((0.10, 0.42), (0.46, 0.70), (0.74, 0.93)),
    axles=(-0.64, 0.66),
    wheel_radius_m=0.31,
)

OFF_ROADER = CarShape(
    hull=(
        (-1.0, 0.92, 0.56),
        (-0.97, 0.98, 0.60),
        (-0.60, 1.0, 0.60),
        (0.42, 1.0, 0.60),
        (0.90, 0.98, 0.57),
        (0.97, 0.95, 0.54),
        (1.0, 0.84, 0.50),
    ),
    cabin=(-0.97, 0.46),
    roof=(-0.92, 0.24),
    belt=0.58,
    side_windows=((0.08, 0.36), (0.40, 0.66), (0.70, 0.94)),
    axles=(-0.60, 0.62),
    wheel_radius_m=0.39,
    roof_width=0.84,
)

PANEL_VAN = CarShape(
    hull=(
        (-1.0, 0.97, 0.46),
        (-0.98, 1.0, 0.48),
        (0.60, 1.0, 0.48),
        (0.80, 0.99, 0.46),
        (0.93, 0.94, 0.40),
        (1.0, 0.80, 0.32),
    ),
    cabin=(-0.99, 0.80),
    roof=(-0.98, 0.46),
    belt=0.47,
    side_windows=((0.05, 0.22),),
    axles=(-0.60, 0.64),
    wheel_radius_m=0.34,
    rear_window=False,
    roof_width=0.92,
)


COUPE = CarShape(
    hull=(
        (-1.0, 0.82, 0.62),
        (-0.95, 0.95, 0.71),
        (-0.60, 1.0, 0.71),
        (0.26, 1.0, 0.66),
        (0.76, 0.98, 0.59),
        (0.94, 0.90, 0.50),
        (1.0, 0.72, 0.42),
    ),
    cabin=(-0.78, 0.28),
    roof=(-0.40, -0.06),
    belt=0.665,
    side_windows=((0.14, 0.62),),
    axles=(-0.58, 0.60),
)

CROSSOVER = CarShape(
    hull=(
        (-1.0, 0.86, 0.58),
        (-0.96, 0.96, 0.64),
        (-0.60, 1.0, 0.64),
        (0.44, 1.0, 0.62),
        (0.84, 0.97, 0.56),
        (0.96, 0.90, 0.50),
        (1.0, 0.76, 0.44),
    ),
    cabin=(-0.96, 0.52),
    roof=(-0.68, 0.16),
    belt=0.61,
    side_windows=((0.10, 0.38), (0.42, 0.68), (0.72, 0.90)),
    axles=(-0.60, 0.62),
    wheel_radius_m=0.36,
)

BUBBLE = CarShape(
    hull=(
        (-1.0, 0.70, 0.50),
        (-0.90, 0.90, 0.58),
        (-0.30, 1.0, 0.60),
        (0.50, 1.0, 0.58),
        (0.86, 0.92, 0.50),
        (1.0, 0.72, 0.42),
    ),
    cabin=(-0.86, 0.90),
    roof=(-0.50, 0.34),
    belt=0.55,
    side_windows=((0.12, 0.52), (0.58, 0.86)),
    axles=(-0.62, 0.62),
    wheel_radius_m=0.26,
    roof_width=0.80,
)

PICKUP = CarShape(
    hull=(
        (-1.0, 0.94, 0.62),
        (-0.97, 0.98, 0.66),
        (-0.10, 1.0, 0.62),
        (0.60, 1.0, 0.56),
        (0.95, 0.96, 0.47),
        (1.0, 0.90, 0.42),
    ),
    cabin=(-0.90, 0.66),
    roof=(-0.06, 0.02),
    belt=0.58,
    side_windows=((0.24, 0.48), (0.51, 0.72)),
    axles=(-0.60, 0.64),
    wheel_radius_m=0.44,
    rear_window=False,
    roof_width=0.80,
)

MICROBUS = CarShape(
    hull=(
        (-1.0, 0.94, 0.52),
        (-0.96, 0.99, 0.54),
        (0.80, 1.0, 0.54),
        (0.94, 0.94, 0.50),
        (1.0, 0.84, 0.44),
    ),
    cabin=(-0.98, 0.95),
    roof=(-0.92, 0.80),
    belt=0.53,
    side_windows=((0.04, 0.22), (0.26, 0.48), (0.52, 0.74), (0.78, 0.95)),
    axles=(-0.56, 0.58),
    wheel_radius_m=0.33,
    roof_width=0.88,
)
