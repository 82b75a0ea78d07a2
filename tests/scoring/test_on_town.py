"""On a shipped town, a car that keeps exactly to its route breaks only what it must."""

import dataclasses
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.scoring.criteria import default_criteria
from symdrive.scoring.infraction import InfractionKind
from symdrive.world.truth import SignalState

Kit = Any
STEP_M = 1.0
SEEDS = (28, 38)
"""One route with a light and a sign, one with two signs."""


@cache
def town() -> Town:
    return open_town("alder")


def route(seed: int) -> Route:
    """Between two lanes drawn at random, a few hundred metres apart."""
    lanes = town().lanes
    rng = np.random.default_rng(seed)
    open_road = np.flatnonzero((lanes.kind == 0) & (lanes.junction < 0) & (lanes.length_m > 15))
    ends = rng.choice(open_road, 2, replace=False)
    middle = (lanes.start[ends] + lanes.start[ends + 1]) // 2
    return Network(town()).route_through(lanes.points[middle], f"seed_{seed}")


def follow(kit: Kit, path: Route, light: SignalState) -> Any:
    judge = default_criteria(town(), path)
    truth = kit.make_truth(0, kit.moment())
    s = np.append(np.arange(0, path.length_m, STEP_M), path.length_m)
    xyz = np.stack([np.interp(s, path.s_m, path.points[:, k]) for k in range(3)], axis=1)
    yaw = np.interp(s, path.s_m, np.unwrap(path.yaw))
    xyz[-1] += 0.1 * np.array([np.cos(yaw[-1]), np.sin(yaw[-1]), 0.0])
    state = np.full(len(town().signals), int(light))
    for tick in range(len(s)):
        actors = dataclasses.replace(
            truth.actors, position=xyz[tick : tick + 1], yaw=yaw[tick : tick + 1]
        )
        judge.update(
            dataclasses.replace(
                truth, tick=tick, time_s=tick * 0.05, actors=actors, signal_state=state
            )
        )
    return judge


def lights_on(path: Route) -> int:
    """Stop lines of lights that the route runs over, those at its very end left out."""
    signals = town().signals
    count = 0
    for lane, s in zip(signals.stop_lane, signals.stop_s_m, strict=True):
        on = (path.lane == lane) & (path.lane_s_m < s)
        count += bool(on.any() and path.s_m[on].max() < path.length_m - 15)
    return count


def stops_on(path: Route) -> set[int]:
    """Stop signs of lanes that the route drives to their end."""
    signs = town().stop_signs
    found: set[int] = set()
    for row, (lane, s) in enumerate(zip(signs.lane, signs.s_m, strict=True)):
        on = (path.lane == lane) & (path.lane_s_m < s)
        if on.any() and path.s_m[on].max() < path.length_m - 15:
            found.add(row)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_following_the_route(kit: Kit, seed: int) -> None:
    path = route(seed)
    green, red = (follow(kit, path, state) for state in (SignalState.GREEN, SignalState.RED))
    for judge in (green, red):
        assert judge.route_completion == 100.0
        kinds = Counter(item.kind for item in judge.infractions)
        assert set(kinds) <= {InfractionKind.STOP_SIGN, InfractionKind.RED_LIGHT}
        run = {x.other_id for x in judge.infractions if x.kind is InfractionKind.STOP_SIGN}
        assert run == stops_on(path)
        expected = lights_on(path) if judge is red else 0
        assert kinds[InfractionKind.RED_LIGHT] == expected


def test_the_drives_above_meet_lights_and_signs() -> None:
    routes = [route(seed) for seed in SEEDS]
    assert sum(map(lights_on, routes)) >= 1
    assert sum(len(stops_on(path)) for path in routes) >= 3
