"""The loop on a world made by hand."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from symdrive.evaluate.rollout import RolloutConfig, rollout
from symdrive.expert.align import FULL
from symdrive.maps.route import Route
from symdrive.record.schema import TickRecord
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.world.backend import STORE_EVERY, Episode, World
from symdrive.world.control import Control
from symdrive.world.driver import Policy
from symdrive.world.evidence import Evidence
from symdrive.world.observation import Observation
from symdrive.world.rig import BLIND_RIG
from symdrive.world.truth import Actors, Truth


def standing(count: int) -> Actors:
    zeros, whole = np.zeros(count), np.zeros(count, dtype=np.int64)
    return Actors(
        actor_id=np.arange(1, count + 1),
        kind=whole,
        model=whole,
        position=np.zeros((count, 3)),
        yaw=zeros,
        pitch=zeros,
        speed=zeros,
        yaw_rate=zeros,
        acceleration=zeros,
        half_extent=np.ones((count, 3)),
        color=np.zeros((count, 3), dtype=np.uint8),
        lane=whole,
        lane_s_m=zeros,
        parked=np.zeros(count, dtype=bool),
        braking=np.zeros(count, dtype=bool),
    )


def straight_episode() -> Episode:
    s = np.arange(10.0)
    whole = np.zeros(10, dtype=np.int64)
    points = np.stack([s, 0 * s, 0 * s], axis=1)
    return Episode(Route("straight", "nowhere", points, 0 * s, s, whole, s, whole + 4, s + 10))


@dataclass
class Clockwork:
    """A world that only counts, and writes down what it is asked."""

    town: Any = None
    rig: Any = BLIND_RIG
    tick: int = 0
    asked: list[str] = field(default_factory=list)

    def reset(self, episode) -> None:
        self.tick = 0

    def truth(self) -> Truth:
        return Truth(self.tick, self.tick * 0.05, standing(2), np.zeros(0, dtype=np.int64))

    def observe(self) -> Observation:
        self.asked.append("observe")
        return Observation(self.tick, 0.0, {}, np.zeros((0, 4)), np.zeros(2), 0.0, 0.0)

    def evidence(self, *, shifted: bool = False) -> Evidence:
        self.asked.append(f"evidence {shifted}")
        return Evidence(np.full(2, -1), np.full(2, -1))

    def step(self, control: Control) -> None:
        self.asked.append("step")
        self.tick += 1


@dataclass
class Impatient:
    """A judge that ends the drive after some ticks, with one infraction at the end."""

    ticks: int
    seen: int = 0

    def update(self, truth: Truth) -> list[Infraction]:
        self.seen += 1
        if self.seen < self.ticks:
            return []
        place = (0.0, 0.0, 0.0)
        return [Infraction(InfractionKind.ROUTE_TIMEOUT, truth.tick, truth.time_s, place, "late")]

    @property
    def route_completion(self) -> float:
        return 10.0 * self.seen

    @property
    def terminated(self) -> str | None:
        return "Failed - Agent timed out" if self.seen >= self.ticks else None


class Coast(Policy):
    def act(self, observation: Observation) -> Control:
        return Control(throttle=0.1)


@dataclass
class Ears:
    heard: list[TickRecord] = field(default_factory=list)

    def on_tick(self, tick) -> None:
        self.heard.append(tick)


def play(ticks=7, *, shifted=False):
    world, ears = Clockwork(), Ears()
    config = RolloutConfig(FULL, shifted=shifted)
    outcome = rollout(world, Coast(), straight_episode(), Impatient(ticks), config, [ears])
    return world, ears, outcome


def test_the_clockwork_is_a_world():
    assert isinstance(Clockwork(), World)


def test_the_judge_ends_the_drive_and_the_last_tick_is_told():
    world, ears, outcome = play(7)
    assert outcome.ticks == len(ears.heard) == 7
    assert world.asked.count("step") == 6
    assert outcome.status == "Failed - Agent timed out"
    assert outcome.completion == 70.0
    assert [item.message for item in outcome.infractions] == ["late"]
    assert ears.heard[-1].infractions[0]["kind"] == "ROUTE_TIMEOUT"


def test_subscribers_hear_what_was_decided_in_the_state_that_was_seen():
    _, ears, _ = play(4)
    assert [tick.truth.tick for tick in ears.heard] == [0, 1, 2, 3]
    assert {tick.control.throttle for tick in ears.heard} == {0.1}
    assert [tick.route_completion for tick in ears.heard] == [10.0, 20.0, 30.0, 40.0]


@pytest.mark.parametrize("shifted", [False, True])
def test_the_shifted_rig_is_asked_for_only_where_frames_are_stored(shifted):
    world, _, _ = play(2 * STORE_EVERY + 1, shifted=shifted)
    assert world.asked.count("evidence True") == (3 if shifted else 0)
