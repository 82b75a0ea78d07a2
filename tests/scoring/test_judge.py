"""All criteria together: how a drive ends, what it says then, and that watching is cheap."""

import time
from typing import Any

import pytest

from symdrive.scoring.criteria import CriteriaConfig, default_criteria
from symdrive.scoring.criteria.verdict import make_record
from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.protocol import LEADERBOARD_2_0, LEADERBOARD_2_1, score_route

EAST = -1.75
Kit = Any


def judged(kit: Kit, moments: list[Any], config: CriteriaConfig | None = None) -> Any:
    judge = default_criteria(kit.town, kit.route, config)
    told = [
        item
        for tick, moment in enumerate(moments)
        for item in judge.update(kit.make_truth(tick, moment))
    ]
    assert told == judge.infractions
    return judge


def lawful(kit: Kit, **same: Any) -> list[Any]:
    """The whole street with a stop at the sign."""
    stand = [kit.moment(x=176.0, speed=0.0, **same)] * 5
    return [*kit.along(0, 176, **same), *stand, *kit.along(176, 219.5, **same)]


def test_a_perfect_drive_scores_hundred(kit: Kit) -> None:
    moments = lawful(kit)
    judge = judged(kit, moments)
    assert judge.terminated == "Perfect"
    assert judge.route_completion == 100.0
    assert judge.infractions == []
    record = make_record(
        kit.route,
        status=judge.terminated,
        completion=judge.route_completion,
        infractions=judge.infractions,
        ticks=len(moments),
    )
    for protocol in (LEADERBOARD_2_0, LEADERBOARD_2_1):
        score = score_route(record, protocol)
        assert (score.driving_score, score.penalty, score.success) == (100.0, 1.0, True)
    assert record.route_length_m == judge.route_length_m == 220.0


def test_a_drive_with_a_fault_is_completed(kit: Kit) -> None:
    judge = judged(kit, kit.along(0, 219.5))
    assert judge.terminated == "Completed"
    assert [item.kind for item in judge.infractions] == [InfractionKind.STOP_SIGN]


def test_the_last_part_of_min_speed_is_told_with_the_end(kit: Kit) -> None:
    judge = judged(kit, lawful(kit, others=(kit.other(5, speed=40.0),)))
    assert judge.terminated == "Completed"
    assert [item.kind for item in judge.infractions] == [InfractionKind.MIN_SPEED] * 4


def test_blocked(kit: Kit) -> None:
    still = [kit.moment(x=0.0, speed=0.0, time_s=0.5 * t) for t in range(400)]
    judge = judged(kit, still)
    assert judge.terminated == "Failed - Agent got blocked"
    assert judge.infractions[-1].time_s == 180.5
    sooner = judged(kit, still, CriteriaConfig(blocked_s=60.0))
    assert sooner.infractions[-1].time_s == 60.5


def test_deviation(kit: Kit) -> None:
    judge = judged(kit, [*kit.along(0, 40), kit.moment(x=40, y=EAST + 31)])
    assert judge.terminated == "Failed - Agent deviated from the route"


def test_timeout(kit: Kit) -> None:
    crawl = [kit.moment(x=0.0, speed=0.2, time_s=float(t)) for t in range(400)]
    judge = judged(kit, crawl)
    assert judge.terminated == "Failed - Agent timed out"
    assert [item.message for item in judge.infractions] == ["Route timeout."]
    assert judge.infractions[0].time_s == 301.0


def test_tick_limit(kit: Kit) -> None:
    judge = default_criteria(kit.town, kit.route, CriteriaConfig(max_ticks=40))
    ended = []
    for tick, moment in enumerate(kit.along(0, 100)):
        judge.update(kit.make_truth(tick, moment))
        ended.append(judge.terminated)
    assert ended[:39] == [None] * 39
    assert set(ended[39:]) == {"Failed - TickRuntime"}


def test_nothing_is_told_after_the_end(kit: Kit) -> None:
    judge = judged(kit, lawful(kit))
    assert judge.update(kit.make_truth(9, kit.moment(hits=(0,)))) == []
    assert judge.finish("Agent crashed") == []
    assert judge.terminated == "Perfect"


def test_an_early_stop_still_tells_what_is_only_known_at_the_end(kit: Kit) -> None:
    judge = default_criteria(kit.town, kit.route)
    for tick, moment in enumerate([*kit.along(0, 70), *kit.along(70.5, 90, y=-6.0)]):
        judge.update(kit.make_truth(tick, moment))
    assert judge.infractions == []
    (found,) = judge.finish("Agent crashed")
    assert found.kind is InfractionKind.OUTSIDE_ROUTE_LANES
    assert judge.terminated == "Failed - Agent crashed"


def test_judging_is_deterministic(kit: Kit) -> None:
    moments = [*kit.along(0, 70), *kit.along(70.5, 90, y=-6.0), *kit.along(90.5, 219.5)]
    assert judged(kit, moments).infractions == judged(kit, moments).infractions


def test_bad_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="checkpoints is 0"):
        CriteriaConfig(checkpoints=0)


def test_watching_is_cheap(kit: Kit) -> None:
    """The budget is 0.25 ms a tick; checked with slack for shape checks and a busy machine."""
    others = tuple(kit.other(10 + i, speed=5.0) for i in range(60))
    truths = [kit.make_truth(t, m) for t, m in enumerate(kit.along(0, 160, others=others))]
    judge = default_criteria(kit.town, kit.route)
    start = time.perf_counter()
    for truth in truths:
        judge.update(truth)
    assert (time.perf_counter() - start) / len(truths) < 0.01
