"""Backing off and going round, in a world of points on a plane."""

import math
from dataclasses import replace

import numpy as np
import pytest

from symdrive.agent.escape import Escape, EscapeRule, displaced
from symdrive.agent.guard import Guard
from symdrive.agent.student import StudentConfig
from symdrive.world.control import Control, Plan
from symdrive.world.controllers import STUDENT_LATERAL, LateralController, LongitudinalController

TICK_S = 0.05
AHEAD = np.stack([np.arange(2.5, 12.5), np.zeros(10)], axis=1)
NOWHERE = np.zeros((0, 2))
WHEELBASE_M, MAX_STEER_RAD = 2.9, math.radians(70.0)


def block(x: float, y: float, length: float = 4.5, width: float = 1.8) -> np.ndarray:
    """Points on a car parked with its centre at x, y."""
    along, across = np.meshgrid(np.arange(0, length, 0.1), np.arange(0, width, 0.1))
    return np.stack([along.ravel() + x - length / 2, across.ravel() + y - width / 2], axis=1)


def as_lidar(points: np.ndarray) -> np.ndarray:
    """Returns at bumper height."""
    return np.column_stack([points, np.ones(len(points)), np.full(len(points), 0.5)])


class Car:
    """A bicycle model that follows what the rule says, with a plan that goes straight along y=0."""

    def __init__(self, config: Escape, walls: np.ndarray) -> None:
        self.guard = Guard()
        self.rule = EscapeRule(config, self.guard, TICK_S)
        self.walls = walls
        self.x, self.y, self.yaw, self.speed = 0.0, 0.0, 0.0, 0.0
        self.lateral, self.longitudinal = (
            LateralController(STUDENT_LATERAL),
            LongitudinalController(),
        )
        self.nearest_m = math.inf
        self.went_back = False

    def step(self) -> None:
        lidar = as_lidar(self.in_ego(self.walls))
        line = np.stack([self.x + np.arange(2.5, 12.5), np.zeros(10)], axis=1)
        plan = Plan(self.in_ego(line), NOWHERE, 5.0)
        bent = self.rule.bend(plan)
        target, brake = self.guard.restrain(bent, lidar)
        steer = self.lateral.step(bent.route, self.speed, TICK_S)
        throttle, pedal = self.longitudinal.step(self.speed, target, brake=brake)
        wanted = Control(steer, throttle, pedal)
        self.drive(self.rule.step(wanted, plan, lidar, self.speed, held=brake))

    def in_ego(self, points: np.ndarray) -> np.ndarray:
        d = points - [self.x, self.y]
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return np.stack([cos * d[:, 0] + sin * d[:, 1], -sin * d[:, 0] + cos * d[:, 1]], axis=1)

    def drive(self, control: Control) -> None:
        self.went_back |= control.reverse
        push = 3.0 * control.throttle * (-1.0 if control.reverse else 1.0)
        self.speed += push * TICK_S
        slowing = 8.0 * control.brake * TICK_S
        self.speed -= math.copysign(min(abs(self.speed), slowing), self.speed)
        self.yaw += self.speed / WHEELBASE_M * math.tan(control.steer * MAX_STEER_RAD) * TICK_S
        self.x += self.speed * math.cos(self.yaw) * TICK_S
        self.y += self.speed * math.sin(self.yaw) * TICK_S
        near = np.abs(self.in_ego(self.walls)) - [2.45, 1.0]
        self.nearest_m = min(self.nearest_m, float(near.max(axis=1).min()))


def test_it_gets_past_a_car_that_reaches_into_its_path() -> None:
    car = Car(Escape(), block(6.2, -1.1))
    for _ in range(800):
        car.step()
    assert car.went_back
    assert car.x > 20.0
    assert car.nearest_m > 0.0


def test_without_it_the_car_stands_for_ever() -> None:
    car = Car(Escape(after_s=1e9), block(6.2, -1.1))
    for _ in range(800):
        car.step()
    assert car.x < 3.0


def test_it_waits_behind_what_fills_the_lane() -> None:
    car = Car(Escape(), block(6.2, 0.0))
    for _ in range(800):
        car.step()
    assert not car.went_back
    assert car.x < 3.0


def test_it_waits_where_something_is_close_behind() -> None:
    car = Car(Escape(), np.concatenate([block(6.2, -1.1), block(-5.5, 0.0)]))
    for _ in range(400):
        car.step()
    assert not car.went_back


def test_it_backs_off_only_as_far_as_there_is_room() -> None:
    car = Car(Escape(), np.concatenate([block(6.2, -1.1), block(-8.7, 0.0)]))
    for _ in range(400):
        car.step()
    assert car.went_back
    assert car.nearest_m > 0.0


def test_a_stop_of_the_network_is_no_reason() -> None:
    rule = EscapeRule(Escape(), Guard(), TICK_S)
    plan, lidar = Plan(AHEAD, NOWHERE, 0.0, brake=True), as_lidar(block(6.2, -1.1))
    for _ in range(400):
        assert rule.step(Control(brake=1.0), plan, lidar, 0.0, held=False) == Control(brake=1.0)


def test_a_displaced_path_runs_beside_the_path() -> None:
    beside = displaced(AHEAD, 1.0, 0.0)
    np.testing.assert_allclose(beside, AHEAD + np.array([0.0, 1.0]))
    ramp = displaced(AHEAD, -1.0, 5.0)
    assert ramp[0, 1] == pytest.approx(-0.5)
    np.testing.assert_allclose(ramp[3:], AHEAD[3:] - np.array([0.0, 1.0]))
    assert np.all(np.diff(ramp[:, 1]) <= 0.0)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        Escape(back_m=0.0)
    with pytest.raises(ValueError, match="throttle"):
        replace(Escape(), back_throttle=1.5)
    with pytest.raises(ValueError, match="guard"):
        StudentConfig(escape=Escape())
