"""The filter against noise whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from symdrive.agent.kalman import Bicycle, KalmanConfig, KalmanFilter
from symdrive.core.seeds import generator
from symdrive.world.control import Control

TICK_S = 0.05


def drive(steer: float, ticks: int = 400) -> tuple[np.ndarray, Control]:
    """True states of the bicycle itself on a steady curve, far away from the origin."""
    control = Control(steer=steer)
    states = [np.array([2000.0, -500.0, 3.0, 6.0])]
    for _ in range(ticks):
        states.append(Bicycle().step(states[-1][None], control, TICK_S)[0])
    return np.array(states), control


@pytest.mark.parametrize("steer", [0.0, 0.3, -0.5])
def test_noise_of_the_receiver_is_taken_out(steer: float) -> None:
    truth, control = drive(steer)
    noise = generator(0, "noise").normal(0.0, 0.7, (len(truth), 2))
    kalman = KalmanFilter(KalmanConfig())
    found = np.array(
        [
            kalman.step(state[:2] + off, float(state[2]), float(state[3]), control)
            for state, off in zip(truth, noise, strict=True)
        ]
    )
    error = np.linalg.norm(found - truth[:, :2], axis=1)[100:]
    raw = np.linalg.norm(noise, axis=1)[100:]
    assert error.mean() < 0.3 * raw.mean()


def test_headings_may_jump_by_a_turn() -> None:
    truth, control = drive(0.5)
    plain, wrapped = KalmanFilter(KalmanConfig()), KalmanFilter(KalmanConfig())
    for x, y, yaw, speed in truth.tolist():
        a = plain.step(np.array([x, y]), yaw, speed, control)
        turned = (yaw + np.pi) % (2 * np.pi) - np.pi
        b = wrapped.step(np.array([x, y]), turned, speed, control)
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_published_spread_says_the_same() -> None:
    truth, control = drive(0.2, 100)
    ours = KalmanFilter(KalmanConfig())
    published = KalmanFilter(replace(KalmanConfig(), spread=1e-5))
    noise = generator(1, "noise").normal(0.0, 0.5, (len(truth), 2))
    for state, off in zip(truth, noise, strict=True):
        reading = (state[:2] + off, float(state[2]), float(state[3]), control)
        np.testing.assert_allclose(ours.step(*reading), published.step(*reading), atol=1e-3)


def test_a_bicycle_turns_left_for_positive_steer_and_brakes_to_a_stop() -> None:
    state = np.array([[0.0, 0.0, 0.0, 5.0]])
    left = Bicycle().step(state, Control(steer=0.3), TICK_S)[0]
    assert left[1] > 0.0
    assert left[2] > 0.0
    for _ in range(30):
        state = Bicycle().step(state, Control(brake=1.0), TICK_S)
    assert state[0, 3] == 0.0


def test_forgetting_begins_anew() -> None:
    kalman = KalmanFilter(KalmanConfig())
    for _ in range(10):
        kalman.step(np.zeros(2), 0.0, 0.0, Control())
    kalman.reset()
    np.testing.assert_array_equal(
        kalman.step(np.array([9.0, 9.0]), 0.0, 0.0, Control()), [9.0, 9.0]
    )


def test_variances_are_variances() -> None:
    with pytest.raises(ValueError, match="above zero"):
        KalmanConfig(reading=(0.0, 1.0, 1.0, 1.0))
