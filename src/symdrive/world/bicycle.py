"""The bicycle that stands for the ego car: axles and wheel angle.

Source: kesai-labs/lead 4489176, `kinematic_bicycle_model.py` (fitted to CARLA's MKZ).
"""

FRONT_AXLE_M = -0.090769015
"""`l_f` of the bicycle, from the box centre; fitted, hence negative."""

REAR_AXLE_M = 1.4178275
"""`l_r` of the bicycle, from the box centre."""

WHEEL_PER_STEER = 0.36848336
"""Wheel angle at full steer, rad."""
