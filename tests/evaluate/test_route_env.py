"""`symdrive/Route-v0`."""

import dataclasses
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from symdrive.cli.routes import random_tour
from symdrive.core.errors import UserError
from symdrive.evaluate.rewards import (
    DEFAULT_REWARDS,
    AtTheEnd,
    PerInfraction,
    PerMetre,
    Progress,
)
from symdrive.scoring.infraction import InfractionKind
from symdrive.world.backend import TrafficConfig
from symdrive.world.rig import CameraSpec, LidarSpec, RadarSpec, Rig

gymnasium = pytest.importorskip("gymnasium", reason="the environment needs the extra gym")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from symdrive.evaluate.route_env import (  # noqa: E402
    ENV_ID,
    RouteEnv,
    RouteEnvConfig,
    lidar_grid,
    register,
    vector_env,
)

RIG = Rig(
    "tiny",
    (CameraSpec("front", (0.3, 0.0, 2.2), 0.0, 32, 24, 1.2),),
    (LidarSpec(channels=8, columns=60, range_m=40.0),),
    radars=(RadarSpec("nose", (2.6, 0.0, 0.6), 0.0, points=20),),
)
CONFIG = RouteEnvConfig(rig=RIG, traffic=TrafficConfig(5, 3, 2), length_m=120.0, lidar_cells=16)
AHEAD = np.array([0.0, 0.5], dtype=np.float32)


@pytest.fixture(scope="module")
def env() -> RouteEnv:
    return RouteEnv(CONFIG, render_mode="rgb_array")


def same(a: object, b: object) -> bool:
    assert isinstance(a, dict)
    assert isinstance(b, dict)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_it_is_what_gymnasium_asks_for(env: RouteEnv):
    with warnings.catch_warnings():
        # Detections have no bounds; Gymnasium would rather see some.
        warnings.filterwarnings("ignore", message=".*A Box observation space")
        check_env(env, skip_render_check=True)


def test_the_name_is_known():
    register()
    register()
    made = gymnasium.make(ENV_ID, config=CONFIG)
    observation, info = made.reset(seed=1)
    assert made.observation_space.contains(observation)
    assert info["route_completion"] == pytest.approx(0.0, abs=3.0)
    project = Path(__file__).parents[2].joinpath("pyproject.toml").read_text()
    table = re.search(r'entry-points\."gymnasium\.envs"\]\n(\w+) = "([\w.]+):(\w+)"', project)
    assert table is not None
    assert table.groups() == ("symdrive", RouteEnv.__module__, "register")


def test_a_seed_is_an_episode(env: RouteEnv):
    def first_steps(seed: int):
        seen = [env.reset(seed=seed)[0]]
        return [*seen, *(env.step(AHEAD)[0] for _ in range(4))]

    one, again, other = first_steps(3), first_steps(3), first_steps(4)
    assert all(same(a, b) for a, b in zip(one, again, strict=True))
    assert not same(one[0], other[0])


def test_driving_on_is_rewarded_and_standing_is_not(env: RouteEnv):
    env.reset(seed=3)
    standing = [env.step(np.array([0.0, -1.0], dtype=np.float32))[1] for _ in range(5)]
    assert standing == [0.0] * 5
    driving = [env.step(np.array([0.0, 1.0], dtype=np.float32))[1] for _ in range(30)]
    assert sum(driving) > 0.5
    assert env.world.tick == 70


def test_target_points_lie_ahead_and_frames_are_shown(env: RouteEnv):
    observation, _ = env.reset(seed=3)
    assert observation["target"][0, 0] > 0.0
    assert observation["camera/front"].shape == (24, 32, 3)
    assert observation["lidar"].sum() > 50
    picture = env.render()
    assert picture is not None
    assert np.array_equal(picture, observation["camera/front"])


def test_the_weather_is_as_wanted_or_drawn_for_each_episode():
    night = RouteEnv(dataclasses.replace(CONFIG, weather="ClearNight"))
    random = RouteEnv(dataclasses.replace(CONFIG, weather="random"))
    pictures = [env.reset(seed=3)[0]["camera/front"] for env in (night, RouteEnv(CONFIG))]
    assert pictures[0].mean() < 0.5 * pictures[1].mean()
    drawn = {random.reset(seed=seed)[0]["camera/front"].tobytes() for seed in (3, 4)}
    assert len(drawn) == 2
    assert random.reset(seed=3)[0]["camera/front"].tobytes() in drawn
    with pytest.raises(UserError, match="no weather is called 'sunny'"):
        RouteEnv(dataclasses.replace(CONFIG, weather="sunny"))


def test_an_episode_is_cut_off_after_max_steps():
    env = RouteEnv(dataclasses.replace(CONFIG, max_steps=3))
    env.reset(seed=1)
    assert [env.step(AHEAD)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]


def test_a_route_that_is_over_asks_for_a_reset():
    env = RouteEnv(dataclasses.replace(CONFIG, ticks_per_step=20))
    env.reset(seed=3)
    hard_left = np.array([1.0, 1.0], dtype=np.float32)
    steps = (env.step(hard_left) for _ in range(400))
    ended = next((step for step in steps if step[2]), None)
    assert ended is not None
    _, reward, _, _, info = ended
    assert info["status"].startswith("Failed")
    assert reward < -5.0
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(hard_left)


def test_a_fresh_environment_asks_for_a_reset():
    with pytest.raises(gymnasium.error.ResetNeeded):
        RouteEnv(CONFIG).step(AHEAD)


def test_what_makes_no_sense_is_refused(env: RouteEnv):
    with pytest.raises(ValueError, match="ticks_per_step"):
        dataclasses.replace(CONFIG, ticks_per_step=0)
    with pytest.raises(ValueError, match="lidar_cells"):
        dataclasses.replace(CONFIG, lidar_cells=0)
    with pytest.raises(UserError, match="render_mode"):
        RouteEnv(CONFIG, render_mode="human")
    with pytest.raises(ValueError, match="num_envs"):
        vector_env(0)
    env.reset(seed=3)
    with pytest.raises(ValueError, match="finite"):
        env.step(np.array([np.nan, 0.0], dtype=np.float32))
    elsewhere = random_tour("birch", count=1, length_m=100.0, seed=0).routes
    with pytest.raises(UserError, match="routes are for birch, but the town is alder"):
        RouteEnv(dataclasses.replace(CONFIG, routes=elsewhere))


def test_the_grid_counts_points_in_front_on_the_left_and_above_the_ground():
    points = np.array(
        [[5.0, 0.5, 0.0, 1.0], [5.0, 0.5, 1.0, 1.0], [-7.9, -7.9, 2.0, 1.0], [9, 0, 0, 1]]
    )
    grid = lidar_grid(points.astype(np.float32), 16, 8.0)
    assert grid[0, 13, 8] == grid[1, 13, 8] == grid[1, 0, 0] == 1
    assert grid.sum() == 3
    many = np.repeat(points[:1], 300, axis=0).astype(np.float32)
    assert lidar_grid(many, 16, 8.0).max() == 255


def test_rewards_are_terms():
    progress = Progress(3.0, (InfractionKind.RED_LIGHT, InfractionKind.RED_LIGHT), "Completed")
    assert PerMetre(0.5)(progress) == 1.5
    assert PerInfraction(InfractionKind.RED_LIGHT, -5.0)(progress) == -10.0
    assert PerInfraction(InfractionKind.STOP_SIGN, -5.0)(progress) == 0.0
    assert AtTheEnd(7.0, -7.0)(progress) == 7.0
    assert AtTheEnd(7.0, -7.0)(Progress(0.0, (), "Failed - Agent timed out")) == -7.0
    assert AtTheEnd()(Progress(1.0)) == 0.0
    assert len({type(term) for term in DEFAULT_REWARDS}) == 3


def test_worker_processes_drive_what_one_process_drives(env: RouteEnv):
    seeds: list[int | None] = [3, 4]
    envs = vector_env(2, CONFIG)
    try:
        first, _ = envs.reset(seed=[3, 4])
        actions = np.stack([AHEAD, AHEAD])
        last, rewards, *_ = [envs.step(actions) for _ in range(3)][-1]
    finally:
        envs.close()
    for row, seed in enumerate(seeds):
        alone, _ = env.reset(seed=seed)
        assert same({name: first[name][row] for name in first}, alone)
        alone, reward, *_ = [env.step(AHEAD) for _ in range(3)][-1]
        assert same({name: last[name][row] for name in last}, alone)
        assert rewards[row] == reward
