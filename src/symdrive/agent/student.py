"""The learned driver: navigation, features, network, controllers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from symdrive.agent.boxes import surest_boxes
from symdrive.agent.escape import Escape, EscapeRule
from symdrive.agent.guard import Guard
from symdrive.agent.kalman import KalmanConfig, KalmanFilter
from symdrive.agent.stop_signs import StopSignRule, StopSigns
from symdrive.agent.waypoint_tracker import WaypointTracker
from symdrive.core.errors import UserError
from symdrive.core.geometry import to_local
from symdrive.features.checkpoint import PLANNING, Checkpoint, load_checkpoints
from symdrive.features.inputs import InputArrays, as_stored, encode
from symdrive.features.navigation import NavigationState, Navigator
from symdrive.features.prediction import BOX_SCORE, detected_boxes
from symdrive.maps.route import SparsePlan
from symdrive.model.ensemble import Ensemble
from symdrive.model.network import TransFuser, expected_speed
from symdrive.model.tensors import Inputs, PlanOutput
from symdrive.world.control import Control, DetectedBox, Plan
from symdrive.world.controllers import STUDENT_LATERAL, LateralController, LongitudinalController
from symdrive.world.observation import Observation
from symdrive.world.policy import Policy


@dataclass(frozen=True)
class Creep:
    """Roll on after standing for very long, as a person would who begins to doubt a light.

    Off by default, as in kesai-labs/lead 4489176, `config_closed_loop.py` (since 2026-01-18).

    Attributes:
        after_s: standing time after which it rolls.
        for_s: how long it rolls.
        speed_mps: how fast.
    """

    after_s: float = 55.0
    for_s: float = 1.0
    speed_mps: float = 2.0

    def __post_init__(self) -> None:
        """Times and speeds are above zero."""
        if min(self.after_s, self.for_s, self.speed_mps) <= 0:
            raise ValueError(f"times and speed are above zero: {self}")


@dataclass(frozen=True)
class StudentConfig:
    """How a network's plan becomes pedals.

    Source of the numbers: kesai-labs/lead 4489176, `open_loop_inference.py`.

    Attributes:
        stop_above: probability of the stop class above which the target speed is 0.
        box_score: lowest score of a box that is reported in the plan.
        boxes: report boxes in the plan; they do not steer, and cost a millisecond.
        creep: what to do after standing for very long; None for nothing.
        follow: the route at the target speed, or the waypoints, which drive worse.
        guard: an emergency brake over the plan; None for none.
        escape: what to do before what the guard stands; None for waiting.
        stop_signs: a rule that stops at every sign that the network has seen; None for none.
        kalman: a filter over the readings of place, heading and speed; None takes them as they are.
        tick_s: length of a tick.
    """

    stop_above: float = 0.9
    box_score: float = BOX_SCORE
    boxes: bool = True
    creep: Creep | None = None
    follow: Literal["route", "waypoints"] = "route"
    guard: Guard | None = None
    escape: Escape | None = None
    stop_signs: StopSigns | None = None
    kalman: KalmanConfig | None = None
    tick_s: float = 0.05

    def __post_init__(self) -> None:
        """Probabilities are probabilities."""
        if not 0.0 < self.stop_above <= 1.0 or not 0.0 <= self.box_score <= 1.0:
            raise ValueError(f"stop_above and box_score are probabilities: {self}")
        if self.stop_signs is not None and not self.boxes:
            raise ValueError("the stop-sign rule reads boxes; leave boxes on")
        if self.escape is not None and self.guard is None:
            raise ValueError("an escape goes round what a guard stops at; give it one")


class Student(Policy):
    """TransFuser v6 at the wheel.

    Args:
        checkpoint: a network of the planning stage with its features and rig, or several that
            were trained alike and vote.
        config: how it drives.

    Raises:
        UserError: when the network reads what no rig offers, such as the acceleration.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | Sequence[Checkpoint],
        config: StudentConfig | None = None,
    ) -> None:
        members = [checkpoint] if isinstance(checkpoint, Checkpoint) else list(checkpoint)
        first = members[0]
        _check_inputs(first)
        self.rig = first.rig
        self.plan: Plan | None = None
        self.config = config or StudentConfig()
        self.network: TransFuser = first.network.eval()
        self.ensemble = Ensemble([member.network.eval() for member in members])
        self.features = first.features
        self._navigator: Navigator | None = None
        self._lateral = LateralController(STUDENT_LATERAL)
        self._longitudinal = LongitudinalController()
        self._tracker = WaypointTracker()
        self._standing_s, self._rolling_s = 0.0, 0.0
        self._rules = _Rules.of(self.config)
        self._given = Control()
        self._intent: Plan | None = None
        self._read_at: Mapping[str, int] = {}
        sensors = (*self.rig.cameras, *self.rig.lidars, *self.rig.radars)
        self._eyes = frozenset(sensor.name for sensor in sensors)
        self._cameras = {c.name: (c.height, c.width, 3) for c in self.rig.cameras}

    @classmethod
    def load(
        cls, path: Path, device: str = "cpu", config: StudentConfig | None = None
    ) -> "Student":
        """A student from a checkpoint, or from all checkpoints of a folder, which then vote.

        Raises:
            UserError: when a file is no checkpoint of this symdrive, or one of the perception
                stage, or when the checkpoints of a folder were not trained alike.
        """
        checkpoints = load_checkpoints(path, device)
        for checkpoint in checkpoints:
            if checkpoint.stage != PLANNING:
                raise UserError(
                    f"{path} is a checkpoint of the {checkpoint.stage} stage, which cannot drive;"
                    " name the one of the planning stage, student.safetensors."
                )
        return cls(checkpoints, config)

    def reset(self, plan: SparsePlan) -> None:
        """A new episode."""
        self._navigator = Navigator(plan, self.features.navigation)
        self._lateral.reset()
        self._tracker.reset()
        self._standing_s, self._rolling_s = 0.0, 0.0
        self._rules = _Rules.of(self.config)
        self._given = Control()
        self._intent, self._read_at = None, {}
        self.plan = None

    def act(self, observation: Observation) -> Control:
        """Drive one tick.

        The network thinks when a sensor has read something new; in ticks between two readings
        (`Observation.read_at`) the controllers go on with the plan they have.

        Raises:
            RuntimeError: when it was not reset with a plan.
            UserError: when the pictures are not those of its rig.
        """
        if self._navigator is None:
            raise RuntimeError("the student needs a navigation plan: call reset first")
        self._check(observation)
        position, yaw, speed_mps = observation.position, observation.yaw, observation.speed_mps
        if self._rules.kalman is not None:
            position = self._rules.kalman.step(position, yaw, speed_mps, self._given)
        navigation = self._navigator.step(position, yaw, speed_mps)
        if self._is_news(observation) or self._intent is None:
            self._intent = self._think(observation, navigation)
        self.plan = self._intent
        self._given = self._control(self.plan, observation)
        if self._rules.stop_signs is not None:
            boxes = self.plan.boxes
            self._given = self._rules.stop_signs.step(self._given, boxes, speed_mps, yaw)
        return self._given

    def _is_news(self, observation: Observation) -> bool:
        """Whether a sensor has read since the last thought; worlds that do not say read always."""
        before = self._read_at
        self._read_at = {
            name: tick for name, tick in observation.read_at.items() if name in self._eyes
        }
        return not before or before != self._read_at

    def _think(self, observation: Observation, navigation: NavigationState) -> Plan:
        """One pass through the network."""
        inputs = encode(as_stored(observation, self.features), navigation, self.features, self.rig)
        with torch.inference_mode():
            output, bev = self.ensemble.drive(self._batch(inputs))
            return self._make_plan(output, bev, observation, navigation)

    def _check(self, observation: Observation) -> None:
        """Refuse a world with another rig."""
        given = {name: image.shape for name, image in observation.images.items()}
        if given != self._cameras:
            raise UserError(
                f"the student was trained with rig {self.rig.name!r} (pictures {self._cameras}),"
                f" the world sends {given}; drive it with its own rig."
            )
        radar = self.features.radar
        missing = set(() if radar is None else radar.sensors) - set(observation.radar)
        if missing:
            raise UserError(
                f"the student was trained with rig {self.rig.name!r}, and the world sends no"
                f" readings of {', '.join(sorted(missing))}; drive it with its own rig."
            )

    def _batch(self, arrays: InputArrays) -> Inputs:
        """A batch of one on the network's device."""
        device = next(self.network.parameters()).device
        return Inputs(
            torch.from_numpy(arrays.image)[None].to(device),
            torch.from_numpy(arrays.lidar)[None].to(device),
            torch.tensor([arrays.speed_mps], dtype=torch.float32, device=device),
            torch.tensor([arrays.command], device=device),
            torch.from_numpy(arrays.target_points)[None].to(device),
            None if arrays.radar is None else torch.from_numpy(arrays.radar)[None].to(device),
        )

    def _make_plan(
        self,
        output: PlanOutput,
        bev: Tensor,
        observation: Observation,
        navigation: NavigationState,
    ) -> Plan:
        """What the network said, as a plan in the ego frame."""
        speeds = self.network.config.target_speeds
        speed, stop = expected_speed(output.speed_logits, speeds, self.config.stop_above)
        brake = float(stop[0]) > self.config.stop_above
        points = to_local(navigation.target_points, navigation.position, observation.yaw)
        return Plan(
            route=_points(output.route),
            waypoints=_points(output.waypoints),
            target_speed_mps=0.0 if brake else float(speed[0]),
            brake=brake,
            reason="stop" if brake else "",
            boxes=self._boxes(bev) if self.config.boxes else (),
            target_points=points,
        )

    def _boxes(self, bev: Tensor) -> tuple[DetectedBox, ...]:
        """Objects that it believes in."""
        found = [
            box
            for member, features in zip(self.ensemble.members, bev, strict=True)
            if isinstance(member, TransFuser)
            for box in detected_boxes(member, features, self.config.box_score)
        ]
        return surest_boxes(found) if len(bev) > 1 else tuple(found)

    def _control(self, plan: Plan, observation: Observation) -> Control:
        """Wheel and pedals."""
        speed_mps = observation.speed_mps
        if self.config.follow == "waypoints":
            return self._tracker.step(plan.waypoints, speed_mps)
        target, brake = self._target_speed(plan, speed_mps)
        wanted = replace(plan, target_speed_mps=target, brake=brake)
        escape = self._rules.escape
        bent = wanted if escape is None else escape.bend(wanted)
        safe = bent if self.config.guard is None else _guarded(self.config.guard, bent, observation)
        if safe is not wanted:
            self.plan = safe
        steer = self._lateral.step(safe.route, speed_mps, self.config.tick_s)
        throttle, pedal = self._longitudinal.step(
            speed_mps, safe.target_speed_mps, brake=safe.brake
        )
        control = Control(steer=steer, throttle=throttle, brake=pedal)
        if escape is None:
            return control
        held = safe.brake and not bent.brake and bent.target_speed_mps > 0.0
        return escape.step(control, wanted, observation.lidar, speed_mps, held=held)

    def _target_speed(self, plan: Plan, speed_mps: float) -> tuple[float, bool]:
        """The plan's target speed and brake, or a slow roll after standing for very long."""
        creep, tick_s = self.config.creep, self.config.tick_s
        self._standing_s = self._standing_s + tick_s if speed_mps < 0.1 else 0.0
        if creep is not None and self._standing_s > creep.after_s:
            self._rolling_s = creep.for_s
        if creep is not None and self._rolling_s > 0.0:
            self._rolling_s -= tick_s
            return max(plan.target_speed_mps, creep.speed_mps), False
        return plan.target_speed_mps, plan.brake


@dataclass(frozen=True)
class _Rules:
    """The optional parts that remember something."""

    stop_signs: StopSignRule | None
    kalman: KalmanFilter | None
    escape: EscapeRule | None

    @classmethod
    def of(cls, config: StudentConfig) -> "_Rules":
        """As new."""
        signs, kalman, escape, guard = config.stop_signs, config.kalman, config.escape, config.guard
        return cls(
            None if signs is None else StopSignRule(signs, config.tick_s),
            None if kalman is None else KalmanFilter(kalman),
            None if escape is None or guard is None else EscapeRule(escape, guard, config.tick_s),
        )


def _guarded(guard: Guard, plan: Plan, observation: Observation) -> Plan:
    """The plan itself, or a slower one."""
    target, brake = guard.restrain(plan, observation.lidar)
    if (target, brake) == (plan.target_speed_mps, plan.brake):
        return plan
    return replace(plan, target_speed_mps=target, brake=brake, reason="guard")


def _check_inputs(checkpoint: Checkpoint) -> None:
    """Refuse a network that cannot be fed or followed here."""
    model = checkpoint.network.config
    lacks = [
        name
        for name, is_lacking in {
            "reads the acceleration, which is not observed": model.acceleration_token,
            "predicts no route": model.num_route_points == 0,
            "predicts no target speed": not model.target_speeds,
        }.items()
        if is_lacking
    ]
    if lacks:
        raise UserError(
            f"this checkpoint {', '.join(lacks)}; drive one that was trained for rig"
            f" {checkpoint.rig.name!r}, with route and speed."
        )


class GuardedStudent(Student):
    """With safety nets: stops before obstacles and at stop signs, and does not stand for ever.

    LEAD's published numbers were taken with creeping and a stop-sign rule switched on
    (kesai-labs/lead, README of the cvpr2026 branch); `Student` drives without any.
    """

    @classmethod
    def load(
        cls, path: Path, device: str = "cpu", config: StudentConfig | None = None
    ) -> "GuardedStudent":
        """A guarded student from a checkpoint; errors as for `Student.load`."""
        given = config or StudentConfig()
        student = super().load(
            path,
            device,
            replace(
                given,
                creep=given.creep or Creep(),
                guard=given.guard or Guard(),
                escape=given.escape or Escape(),
                stop_signs=given.stop_signs or StopSigns(),
            ),
        )
        assert isinstance(student, GuardedStudent)
        return student


def _points(points: Float[Tensor, "1 n 2"]) -> Float[np.ndarray, "n 2"]:
    """First of a batch as float64 array."""
    return points[0].to("cpu", torch.float64).numpy()
