"""The learned driver with random weights: what it says, refuses and remembers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symdrive.agent.kalman import KalmanConfig
from symdrive.agent.still import StandStill
from symdrive.agent.stop_signs import StopSigns
from symdrive.agent.student import Creep, Student, StudentConfig
from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.features import config as features
from symdrive.features.checkpoint import load_checkpoint, save_checkpoint
from symdrive.maps.route import SparsePlan
from symdrive.model import config as models
from symdrive.model.config import BOX_CLASSES
from symdrive.model.network import TransFuser
from symdrive.world.observation import Observation
from symdrive.world.rig import LEAD_RIG, NANO_RIG

PLAN = SparsePlan(np.array([[0.0, 0.0], [200.0, 0.0]]), np.array([4, 4]))


def network(planner: bool = True) -> TransFuser:
    torch.manual_seed(0)
    return TransFuser(models.NANO, planner=planner)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("checkpoint") / "student.safetensors"
    return save_checkpoint(file, network(), features.NANO, NANO_RIG)


def observation(tick: int = 0, **changes: Any) -> Observation:
    draw = generator(tick, "observation")
    images = {
        c.name: draw.integers(0, 256, (c.height, c.width, 3), dtype=np.uint8)
        for c in NANO_RIG.cameras
    }
    points = draw.uniform(-1, 30, (500, 4)).astype(np.float32)
    points[:, 3] = 0.5
    plain = Observation(tick, tick * 0.05, images, points, np.zeros(2), 0.0, 5.0)
    return replace(plain, **changes)


def told(student: Student, logits: list[float], forward: float = 1.0) -> Student:
    """A student whose heads say one thing: straight on, with these speed logits."""
    state = student.network.state_dict()
    for name in ("route_decoder", "wp_decoder", "target_speed_decoder.2"):
        state[f"planning_decoder.{name}.weight"].zero_()
        state[f"planning_decoder.{name}.bias"].zero_()
    state["planning_decoder.route_decoder.bias"].copy_(torch.tensor([forward, 0.0]))
    state["planning_decoder.target_speed_decoder.2.bias"].copy_(torch.tensor(logits))
    return student


GO = [-9.0, -9.0, 9.0, -9.0, -9.0, -9.0, -9.0, -9.0]
STOP = [9.0, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0, -9.0]


def test_it_says_what_it_intends_and_brings_its_rig(path: Path) -> None:
    student = Student.load(path)
    assert student.rig == NANO_RIG
    student.reset(PLAN)
    student.act(observation())
    plan = student.plan
    assert plan is not None
    assert plan.route.shape == (10, 2)
    assert plan.waypoints.shape == (8, 2)
    assert plan.target_points is not None
    np.testing.assert_allclose(plan.target_points, [[0, 0], [200, 0], [200, 0]])


def test_it_thinks_when_a_sensor_reads(path: Path) -> None:
    student = Student.load(path)
    student.reset(PLAN)
    names = [camera.name for camera in NANO_RIG.cameras]

    def routes(read_at: list[int], **others: int) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for tick, at in enumerate(read_at):
            student.act(observation(tick, read_at=dict.fromkeys(names, at) | others))
            assert student.plan is not None
            found.append(student.plan.route)
        return found

    first, second, third, fourth = routes([0, 0, 2, 2])
    assert np.array_equal(first, second)
    assert np.array_equal(third, fourth)
    assert not np.array_equal(second, third)
    student.reset(PLAN)
    first, second = routes([0, 0])
    assert np.array_equal(first, second)
    student.act(observation(2, read_at=dict.fromkeys(names, 0) | {"gnss": 2}))
    assert student.plan is not None
    assert np.array_equal(student.plan.route, second)
    student.act(observation(3))  # a world that does not say when it read reads always
    assert not np.array_equal(student.plan.route, second)


def test_same_observations_same_controls(path: Path) -> None:
    controls = []
    for _ in range(2):
        student = Student.load(path)
        student.reset(PLAN)
        controls.append([student.act(observation(tick)) for tick in range(3)])
    assert controls[0] == controls[1]


def test_a_wanted_speed_is_driven_and_a_sure_stop_brakes(path: Path) -> None:
    student = told(Student.load(path), GO)
    student.reset(PLAN)
    control = student.act(observation(speed_mps=2.0))
    assert control.throttle > 0.5
    assert control.brake == 0.0
    assert control.steer == 0.0
    student = told(student, STOP)
    control = student.act(observation(speed_mps=2.0))
    assert (control.throttle, control.brake) == (0.0, 1.0)
    assert student.plan is not None
    assert student.plan.brake
    assert student.plan.target_speed_mps == 0.0


def test_an_unsure_stop_is_an_expectation(path: Path) -> None:
    student = told(Student.load(path), [0.0, 0.0, *([-30.0] * 6)])
    student.reset(PLAN)
    student.act(observation())
    assert student.plan is not None
    assert student.plan.target_speed_mps == pytest.approx(2.0, abs=1e-4)
    assert not student.plan.brake


def test_waypoints_can_be_followed_instead(path: Path) -> None:
    config = StudentConfig(follow="waypoints")
    student = told(Student(load_checkpoint(path), config), STOP)
    bias = student.network.state_dict()["planning_decoder.wp_decoder.bias"]
    bias.copy_(torch.tensor([2.0, 0.0]))  # 8 m/s, whatever the speed head says
    student.reset(PLAN)
    assert student.act(observation(speed_mps=2.0)).throttle == 1.0
    assert student.act(observation(speed_mps=9.0)).brake == 1.0


def test_creeping_is_off_unless_asked_for_and_then_short(path: Path) -> None:
    def brakes(config: StudentConfig) -> list[float]:
        student = told(Student(load_checkpoint(path), config), STOP)
        student.reset(PLAN)
        return [student.act(observation(speed_mps=0.0)).brake for _ in range(8)]

    assert brakes(StudentConfig()) == [1.0] * 8
    creep = Creep(after_s=0.22, for_s=0.1, speed_mps=2.0)
    assert brakes(StudentConfig(creep=creep))[:4] == [1.0] * 4
    assert 0.0 in brakes(StudentConfig(creep=creep))


def test_a_network_that_reads_radar_drives_and_hears_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    radar = models.RadarConfig(4, 4, 6, 32, 1, 4, 32)
    config = replace(models.NANO, radar=radar, radar_queries=4)
    read = replace(features.OFFICIAL_RADAR, points=6, objects=4)
    rig = replace(NANO_RIG, name="nano_radar", radars=LEAD_RIG.radars)
    file = save_checkpoint(
        tmp_path / "student.safetensors",
        TransFuser(config),
        replace(features.NANO, radar=read),
        rig,
    )
    routes = []
    for depth_m in (10.0, 25.0):
        student = Student.load(file)
        student.reset(PLAN)
        readings = {
            spec.name: np.array([[0.1, 0.0, depth_m, -3.0]], dtype=np.float32)
            for spec in rig.radars
        }
        student.act(observation(radar=readings))
        assert student.plan is not None
        routes.append(student.plan.route)
    assert np.abs(routes[0] - routes[1]).max() > 1e-5
    with pytest.raises(UserError, match="sends no readings of radar_front_left"):
        student.act(observation())


def test_rules_are_off_unless_asked_for(path: Path) -> None:
    def drive(config: StudentConfig, sees: str = "") -> list[Any]:
        student = told(Student(load_checkpoint(path), config), GO)
        heat = student.network.state_dict()["center_net_decoder.heatmap_head.2.bias"]
        heat.fill_(-20.0)
        if sees:
            heat[BOX_CLASSES.index(sees)] = 20.0
        student.reset(PLAN)
        seen = [observation(tick, position=np.array([tick * 0.3, 0.0])) for tick in range(3)]
        return [student.act(one) for one in seen]

    plain = drive(StudentConfig())
    assert drive(StudentConfig(kalman=KalmanConfig())) == plain  # it steers by its route, straight
    signs = StudentConfig(stop_signs=StopSigns(within_m=60.0))
    assert drive(signs) == plain  # it sees none
    assert [one.brake for one in drive(signs, sees="stop_sign")] == [1.0] * 3
    assert drive(signs, sees="vehicle") == plain
    with pytest.raises(ValueError, match="reads boxes"):
        StudentConfig(boxes=False, stop_signs=StopSigns())


def test_the_filter_tells_the_navigator_where_the_car_is(path: Path) -> None:
    config = StudentConfig(kalman=KalmanConfig())
    jump = np.array([0.0, 6.0])
    places = []
    for chosen in (StudentConfig(), config):
        student = Student(load_checkpoint(path), chosen)
        student.features = replace(
            student.features, navigation=replace(student.features.navigation, position_gain=1.0)
        )
        student.reset(PLAN)
        student.act(observation())
        student.act(observation(1, position=jump))
        assert student.plan is not None
        assert student.plan.target_points is not None
        places.append(student.plan.target_points[1, 1])
    assert places[0] == pytest.approx(-6.0)
    assert -5.0 < places[1] < 0.0


def test_another_rig_is_refused(path: Path) -> None:
    student = Student.load(path)
    student.reset(PLAN)
    images = dict(observation().images)
    images["front"] = np.zeros((384, 384, 3), dtype=np.uint8)
    with pytest.raises(UserError, match="trained with rig 'nano'"):
        student.act(observation(images=images))
    del images["front"]
    with pytest.raises(UserError, match="drive it with its own rig"):
        student.act(observation(images=images))


def test_it_needs_a_plan_and_a_planner(path: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="reset"):
        Student.load(path).act(observation())
    early = tmp_path / "perception.safetensors"
    save_checkpoint(early, network(planner=False), features.NANO, NANO_RIG)
    with pytest.raises(UserError, match="perception stage, which cannot drive"):
        Student.load(early)


def test_the_still_driver_brakes() -> None:
    driver = StandStill()
    driver.reset(PLAN)
    assert driver.act(observation()).brake == 1.0
    assert driver.plan is None
