"""Dynamics of the ego car: kinematic bicycle, pedals, steering actuator; pure functions.

World frame, ISO 8855 (x east, y north), metres, radians, m/s.
"""

import math
from typing import NamedTuple, no_type_check

from symdrive.sim.kernel import entry
from symdrive.world.bicycle import FRONT_AXLE_M, REAR_AXLE_M, WHEEL_PER_STEER

STEER_LAG_S = 0.1
"""Time constant of the steering actuator."""

FULL_THROTTLE_MPS2 = 5.2
"""Engine acceleration at full throttle and low speed, before drag."""

POWER_M2PS3 = 68.0
"""Engine power by mass; limits the acceleration above 13 m/s and the top speed to about 50 m/s."""

COAST_MPS2 = 0.4
"""Rolling resistance and engine brake."""

AERO_PER_M = 0.00038
"""Air drag by mass: deceleration divided by the squared speed."""

FULL_BRAKE_MPS2 = 8.0
"""Deceleration at full brake."""

TOP_REVERSE_MPS = 8.0
"""Speed at which the reverse gear runs out."""

GRAVITY_MPS2 = 9.81


class EgoState(NamedTuple):
    """What the dynamics advance.

    Attributes:
        x: ground point under the box centre, m.
        y: the same.
        yaw: heading, rad.
        speed: along the heading, m/s; negative in reverse.
        steer: where the steering actuator stands, [-1, 1], left positive.
    """

    x: float
    y: float
    yaw: float
    speed: float
    steer: float


class Pedals(NamedTuple):
    """A `Control` as numbers; ranges as there.

    Attributes:
        steer: commanded steer, left positive.
        throttle: [0, 1].
        brake: [0, 1].
        gear: 1 forward, -1 reverse.
    """

    steer: float
    throttle: float
    brake: float
    gear: float


@entry
@no_type_check
def next_speed(speed: float, pedals: Pedals, slope: float, dt: float) -> float:
    """Speed after `dt`.

    The engine answers the squared throttle, so that a third of the throttle barely holds the speed
    and full throttle gives 4.8 m/s^2: the shape of the throttle regression that CARLA-trained
    controllers were fitted to (kesai-labs/lead 4489176, `config_expert.py`, `throttle_values`).

    Args:
        speed: along the heading, m/s.
        pedals: the command.
        slope: sine of the nose-up ground angle.
        dt: s.
    """
    limit = FULL_THROTTLE_MPS2
    if abs(speed) * limit > POWER_M2PS3:
        limit = POWER_M2PS3 / abs(speed)
    if pedals.gear < 0.0 and speed < -TOP_REVERSE_MPS:
        limit = 0.0
    push = pedals.gear * limit * pedals.throttle * pedals.throttle - GRAVITY_MPS2 * slope
    driven = speed + push * dt
    # Drag and brake oppose the motion and never turn it round.
    loss = COAST_MPS2 + AERO_PER_M * speed * speed + FULL_BRAKE_MPS2 * pedals.brake
    return math.copysign(max(0.0, abs(driven) - loss * dt), driven)


@entry
@no_type_check
def slip_angle(steer: float) -> float:
    """Angle between the motion of the box centre and the heading, rad, left positive."""
    wheel = WHEEL_PER_STEER * steer
    return math.atan(REAR_AXLE_M / (FRONT_AXLE_M + REAR_AXLE_M) * math.tan(wheel))


@entry
@no_type_check
def advance(state: EgoState, pedals: Pedals, slope: float, dt: float) -> EgoState:
    """The state `dt` later.

    Args:
        state: now.
        pedals: held during the step.
        slope: sine of the nose-up ground angle.
        dt: s.
    """
    steer = state.steer + (pedals.steer - state.steer) * (1.0 - math.exp(-dt / STEER_LAG_S))
    slip = slip_angle(steer)
    speed = next_speed(state.speed, pedals, slope, dt)
    mean = 0.5 * (state.speed + speed)
    x = state.x + mean * math.cos(state.yaw + slip) * dt
    y = state.y + mean * math.sin(state.yaw + slip) * dt
    yaw = state.yaw + mean / REAR_AXLE_M * math.sin(slip) * dt
    return EgoState(x, y, (yaw + math.pi) % (2.0 * math.pi) - math.pi, speed, steer)
