"""How comfortably a car moved: the share of one-second chunks that stay within six bounds.

Two formulas, side by side. `comfort_b2d` repeats Bench2Drive 7ec25d1
(`tools/efficiency_smoothness_benchmark.py`) with its mistakes, so that published numbers come out:

* time steps are taken for 0.1 s, and the log has one row for each tick of 0.05 s
* CARLA's angular velocity is in degrees a second, and the bounds are in radians
* what it calls yaw acceleration is the smoothed yaw rate again
* jerk is the derivative of what was smoothed before
* rates are unwrapped as if they were angles

`comfort_si` takes the same bounds and chunks, with the units and derivatives that are meant.
Bounds and filter are nuPlan's.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Float

from symdrive.core.errors import UserError
from symdrive.scoring.fields import read_table
from symdrive.scoring.limits import TICK_S

Signal = Float[np.ndarray, " tick"]

CHUNK = 20
WINDOW = 7
ORDER = 2
PUBLISHED_STEP_S = 0.1

ACCELERATION = (-4.05, 2.40)
LATERAL_ACCELERATION = 4.89
JERK = 8.37
LONGITUDINAL_JERK = 4.13
YAW_RATE = 0.95
YAW_ACCELERATION = 1.93


@dataclass(frozen=True)
class Motion:
    """How the car moved, tick by tick at 20 Hz.

    Attributes:
        acceleration: x, y, in any fixed frame, m/s^2.
        forward: unit vector along the car, x, y.
        right: unit vector across the car, x, y.
        yaw_rate_deg: degrees a second, as CARLA gives it.
    """

    acceleration: Float[np.ndarray, "tick 2"]
    forward: Float[np.ndarray, "tick 2"]
    right: Float[np.ndarray, "tick 2"]
    yaw_rate_deg: Signal

    def __len__(self) -> int:
        """Ticks."""
        return len(self.yaw_rate_deg)

    def cut(self, start: int, stop: int) -> "Motion":
        """A stretch of ticks."""
        part = slice(start, stop)
        return Motion(
            self.acceleration[part],
            self.forward[part],
            self.right[part],
            self.yaw_rate_deg[part],
        )


def comfort_b2d(motion: Motion) -> float | None:
    """Share of comfortable chunks as Bench2Drive counts it; None for less than 3 ticks."""
    return _share(motion, is_comfortable_b2d)


def comfort_si(motion: Motion) -> float | None:
    """Share of comfortable chunks with units as they are; None for less than 3 ticks."""
    return _share(motion, is_comfortable_si)


def _share(motion: Motion, rule: Any) -> float | None:
    """Share of whole chunks that keep to a rule; a drive of one chunk or less is one."""
    if len(motion) <= ORDER:
        return None
    if len(motion) <= CHUNK:
        return float(rule(motion))
    starts = range(0, len(motion) - CHUNK + 1, CHUNK)
    return sum(rule(motion.cut(start, start + CHUNK)) for start in starts) / len(starts)


def is_comfortable_b2d(motion: Motion) -> bool:
    """Whether all six signals stay in bounds, as published."""
    longitudinal = smooth(_along(motion.acceleration, motion.forward))
    lateral = smooth(_along(motion.acceleration, motion.right))
    size = smooth(np.hypot(motion.acceleration[:, 0], motion.acceleration[:, 1]))
    rate = smooth(_unwrapped(motion.yaw_rate_deg))
    return _in_bounds(
        longitudinal=longitudinal,
        lateral=lateral,
        jerk=derivative(size, PUBLISHED_STEP_S),
        longitudinal_jerk=derivative(longitudinal, PUBLISHED_STEP_S),
        yaw_rate=rate,
        yaw_acceleration=rate,
    )


def is_comfortable_si(motion: Motion) -> bool:
    """Whether all six signals stay in bounds, in m, s and rad."""
    longitudinal = _along(motion.acceleration, motion.forward)
    size = np.hypot(motion.acceleration[:, 0], motion.acceleration[:, 1])
    rate = np.radians(motion.yaw_rate_deg)
    return _in_bounds(
        longitudinal=smooth(longitudinal),
        lateral=smooth(_along(motion.acceleration, motion.right)),
        jerk=derivative(size, TICK_S),
        longitudinal_jerk=derivative(longitudinal, TICK_S),
        yaw_rate=smooth(rate),
        yaw_acceleration=derivative(rate, TICK_S),
    )


def _in_bounds(
    *,
    longitudinal: Signal,
    lateral: Signal,
    jerk: Signal,
    longitudinal_jerk: Signal,
    yaw_rate: Signal,
    yaw_acceleration: Signal,
) -> bool:
    """Whether every signal stays strictly within its bounds."""
    low, high = ACCELERATION
    kept: list[Bool[np.ndarray, " tick"]] = [
        (longitudinal > low) & (longitudinal < high),
        np.abs(lateral) < LATERAL_ACCELERATION,
        np.abs(jerk) < JERK,
        np.abs(longitudinal_jerk) < LONGITUDINAL_JERK,
        np.abs(yaw_rate) < YAW_RATE,
        np.abs(yaw_acceleration) < YAW_ACCELERATION,
    ]
    return all(bool(rows.all()) for rows in kept)


def _along(vectors: Float[np.ndarray, "tick 2"], axes: Float[np.ndarray, "tick 2"]) -> Signal:
    """Component of each vector along its axis."""
    return (vectors * axes).sum(axis=1)


def _unwrapped(signal: Signal) -> Signal:
    """Steps of more than half a turn (of 2 pi) taken for a jump of the angle."""
    turns = np.cumsum(np.round(np.diff(signal) / (2.0 * np.pi)))
    return signal - 2.0 * np.pi * np.concatenate([[0.0], turns])


def smooth(signal: Signal) -> Signal:
    """Savitzky-Golay filter of window 7 (or the length, if less) and order 2."""
    return _filter(signal, order=0)


def derivative(signal: Signal, step_s: float) -> Signal:
    """First derivative by the same filter, per second."""
    return _filter(signal, order=1) / step_s


def _filter(signal: Signal, *, order: int) -> Signal:
    """Value or slope of the parabola fitted around each sample; at the ends, of the last window."""
    window = min(WINDOW, len(signal))
    at = np.arange(window, dtype=np.float64)
    fit = np.linalg.pinv(np.vander(at, ORDER + 1, increasing=True))
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(signal, np.float64), window)
    coefficients = windows @ fit.T
    count = len(signal)
    rows = np.clip(np.arange(count) - window // 2, 0, count - window)
    place = np.arange(count) - rows
    a, b, c = coefficients[rows].T
    return a + b * place + c * place**2 if order == 0 else b + 2.0 * c * place


def motion_from_metric_info(path: Path) -> Motion:
    """Bench2Drive's `metric_info.json`: one table of vectors for each tick.

    Raises:
        UserError: when it is no such file.
    """
    ticks = list(read_table(path).values())
    return Motion(
        _column(ticks, "acceleration", path)[:, :2],
        _column(ticks, "forward_vector", path)[:, :2],
        _column(ticks, "right_vector", path)[:, :2],
        _column(ticks, "angular_velocity", path)[:, 2],
    )


def _column(ticks: list[Any], key: str, path: Path) -> Float[np.ndarray, "tick 3"]:
    """One vector of each tick."""
    rows = [cast(Any, tick).get(key) if isinstance(tick, dict) else None for tick in ticks]
    try:
        found = np.array(rows, dtype=np.float64).reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{path}: {key!r} is not three numbers in every tick; give Bench2Drive's"
            " metric_info.json."
        ) from error
    if not np.isfinite(found).all():
        raise UserError(f"{path}: {key!r} is not finite in every tick; the log is damaged.")
    return found
