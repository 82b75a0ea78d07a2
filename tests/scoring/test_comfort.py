"""Comfort: the filter against scipy's, each bound, and both formulas side by side."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import savgol_filter

from symdrive.core.errors import UserError
from symdrive.scoring.assessment import assess
from symdrive.scoring.comfort import (
    Motion,
    comfort_b2d,
    comfort_si,
    derivative,
    motion_from_metric_info,
    smooth,
)
from symdrive.scoring.limits import TICK_S
from symdrive.scoring.protocol import BENCH2DRIVE_0_0_3
from symdrive.scoring.route_tables import route_table
from symdrive.world import backend

Kit = Any


def motion(
    count: int = 60, longitudinal: float = 0.0, lateral: float = 0.0, yaw_rate_deg: float = 0.0
) -> Motion:
    """Constant signals, the car heading along x."""
    forward = np.tile([1.0, 0.0], (count, 1))
    right = np.tile([0.0, 1.0], (count, 1))
    acceleration = np.tile([longitudinal, lateral], (count, 1))
    return Motion(acceleration, forward, right, np.full(count, yaw_rate_deg))


@pytest.mark.parametrize("count", [3, 5, 7, 8, 20, 47])
def test_the_filter_is_scipys(count: int) -> None:
    signal = np.random.default_rng(count).normal(size=count)
    window = min(7, count)
    smoothed = savgol_filter(signal, window, 2)
    slope = savgol_filter(signal, window, 2, deriv=1, delta=0.05)
    np.testing.assert_allclose(smooth(signal), smoothed, atol=1e-12)
    np.testing.assert_allclose(derivative(signal, 0.05), slope, atol=1e-10)


def test_time_runs_as_in_the_simulator() -> None:
    assert TICK_S == backend.TICK_S


@pytest.mark.parametrize(
    ("limit", "name"), [(2.40, "longitudinal"), (-4.05, "longitudinal"), (4.89, "lateral")]
)
def test_bounds_of_acceleration(limit: float, name: str) -> None:
    for formula in (comfort_b2d, comfort_si):
        for share, comfortable in ((0.99, 1.0), (1.01, 0.0)):
            along, across = (limit * share, 0.0) if name == "longitudinal" else (0.0, limit * share)
            assert formula(motion(longitudinal=along, lateral=across)) == comfortable


def test_yaw_rate_is_in_degrees() -> None:
    """10 deg/s are 0.17 rad/s: comfortable, but not where degrees are taken for radians."""
    turn = motion(yaw_rate_deg=10.0)
    assert comfort_si(turn) == 1.0
    assert comfort_b2d(turn) == 0.0
    assert comfort_si(motion(yaw_rate_deg=60.0)) == 0.0


def test_jerk_takes_the_step_of_a_tick() -> None:
    """0.03 m/s^2 a tick are 0.6 m/s^3 and look like 0.3; from 0.21 on the two part."""
    for step, b2d, si in ((0.1, 1.0, 1.0), (0.3, 1.0, 0.0), (0.5, 0.0, 0.0)):
        count = 20
        ramp = step * (np.arange(count) - count / 2)
        drive = motion(count)
        drive.acceleration[:, 0] = np.clip(ramp, -4.0, 2.3)
        assert (comfort_b2d(drive), comfort_si(drive)) == (b2d, si), step


def test_a_rate_of_half_a_turn_is_unwrapped_by_mistake() -> None:
    """A jump of 6.3 deg/s vanishes in the published formula."""
    drive = motion(20)
    drive.yaw_rate_deg[10:] = 2.0 * np.pi
    assert comfort_b2d(drive) == 1.0
    drive.yaw_rate_deg[10:] = 3.0
    assert comfort_b2d(drive) == 0.0


def test_yaw_acceleration_is_a_derivative_only_in_si() -> None:
    drive = motion(20)
    drive.yaw_rate_deg[:] = np.linspace(-50.0, 50.0, 20)
    assert comfort_si(drive) == 1.0
    drive.yaw_rate_deg[:] = 50.0 * np.sign(np.arange(20) - 9.5)
    assert comfort_si(drive) == 0.0


def test_only_whole_chunks_count() -> None:
    drive = motion(70)
    drive.acceleration[20:40, 0] = 9.0
    drive.acceleration[60:, 0] = 9.0
    assert comfort_b2d(drive) == pytest.approx(2 / 3)
    assert comfort_si(drive.cut(0, 12)) == 1.0
    assert comfort_si(drive.cut(0, 2)) is None


def log(path: Path, drive: Motion) -> Path:
    """As Bench2Drive's agents write it."""
    rows = {
        str(i): {
            "acceleration": [*drive.acceleration[i].tolist(), 9.8],
            "angular_velocity": [0.0, 0.0, float(drive.yaw_rate_deg[i])],
            "forward_vector": [*drive.forward[i].tolist(), 0.0],
            "right_vector": [*drive.right[i].tolist(), 0.0],
            "location": [0.0, 0.0, 0.0],
            "rotation": [0.0, 0.0, 0.0],
        }
        for i in range(len(drive))
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return path


def test_logs_are_found_beside_the_results(results: Kit, tmp_path: Path) -> None:
    infos = list(route_table("bench2drive_0_0_3").values())[:3]
    rows = [
        results.row(i.route, length=i.length_m, town_name=i.town, save_name=f"drive{i.route}")
        for i in infos
    ]
    results.write(tmp_path / "x.json", rows)
    log(tmp_path / rows[0]["save_name"] / "metric_info.json", motion())
    log(tmp_path / rows[1]["save_name"] / "metric_info.json", motion(yaw_rate_deg=10.0))
    found = assess(tmp_path, BENCH2DRIVE_0_0_3)
    values = {m.key: m for m in found.measures}
    assert values["comfort_b2d"].value == 50.0
    assert values["comfort_si"].value == 100.0
    assert values["comfort_si"].note == "2 of 3 routes have a motion log"


def test_bad_logs_are_refused(tmp_path: Path) -> None:
    path = log(tmp_path / "metric_info.json", motion(3))
    table = json.loads(path.read_text())
    table["1"]["acceleration"] = [1.0, 2.0]
    path.write_text(json.dumps(table))
    with pytest.raises(UserError, match="'acceleration' is not three numbers in every tick"):
        motion_from_metric_info(path)
    table["1"]["acceleration"] = [1.0, 2.0, float("nan")]
    path.write_text(json.dumps(table))
    with pytest.raises(UserError, match="'acceleration' is not finite"):
        motion_from_metric_info(path)
    path.write_text('{"0": 3}')
    with pytest.raises(UserError, match="not three numbers"):
        motion_from_metric_info(path)
