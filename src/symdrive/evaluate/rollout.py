"""The loop: observe, decide, judge, tell, step. Nothing else in the project steps a world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from symdrive.core.config import to_plain
from symdrive.expert.align import Alignment, align
from symdrive.record.schema import TickRecord
from symdrive.scoring.infraction import Infraction
from symdrive.world.backend import STORE_EVERY, Episode, World
from symdrive.world.control import Control
from symdrive.world.driver import Driver, Oracle, Policy
from symdrive.world.truth import Truth


@runtime_checkable
class Subscriber(Protocol):
    """Recorder, live view, statistics: listens, and changes nothing."""

    def on_tick(self, tick: TickRecord) -> None:
        """Called once a tick, after the judging and before the step."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Watches the truth of one episode."""

    def update(self, truth: Truth) -> list[Infraction]:
        """New infractions of this tick."""
        ...

    @property
    def route_completion(self) -> float:
        """Share of the route driven, percent."""
        ...

    @property
    def terminated(self) -> str | None:
        """Why the route is over, in the leaderboard's words; None while it goes on."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How an episode ended.

    Attributes:
        status: the leaderboard's words, such as `Completed` or `Failed - Agent got blocked`.
        completion: percent of the route.
        infractions: in order of time.
        ticks: number of ticks driven.
    """

    status: str
    completion: float
    infractions: tuple[Infraction, ...]
    ticks: int


@dataclass(frozen=True)
class RolloutConfig:
    """How an episode is run.

    Attributes:
        alignment: what an oracle may know.
        shifted: also render the second, shifted rig in ticks that are stored (training data).
    """

    alignment: Alignment
    shifted: bool = False


def decide(driver: Driver, world: World, episode: Episode, config: RolloutConfig) -> Control:
    """Hand each kind of driver only what it may see."""
    match driver:
        case Policy():
            return driver.act(world.observe())
        case Oracle():
            visible = align(
                world.truth(),
                world.evidence(),
                config.alignment,
                world.town,
                episode.route,
                rig=world.rig,
            )
            return driver.act(visible)


def rollout(
    world: World,
    driver: Driver,
    episode: Episode,
    judge: Judge,
    config: RolloutConfig,
    subscribers: Sequence[Subscriber] = (),
) -> Outcome:
    """Drive one episode until the judge ends it (every set of criteria has a time limit).

    World and driver have been reset by the caller.
    """
    found: list[Infraction] = []
    while True:
        truth = world.truth()
        control = decide(driver, world, episode, config)
        new = tuple(judge.update(truth))
        found.extend(new)
        shifted = config.shifted and truth.tick % STORE_EVERY == 0
        evidence = world.evidence(shifted=shifted)
        tick = TickRecord(
            truth=truth,
            control=control,
            observation=world.observe(),
            evidence=evidence,
            plan=driver.plan,
            route_completion=judge.route_completion,
            infractions=tuple(to_plain(infraction) for infraction in new),
        )
        for subscriber in subscribers:
            subscriber.on_tick(tick)
        if judge.terminated is not None:
            return Outcome(judge.terminated, judge.route_completion, tuple(found), truth.tick + 1)
        world.step(control)
