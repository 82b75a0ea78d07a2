"""A crawl at a line becomes a stop, once."""

import pytest

from symdrive.agent.full_stop import FullStop, FullStopRule


def drive(rule: FullStopRule, targets: list[float], speed: float) -> list[float]:
    """Speeds of a car that follows at once what it is told, but brakes with 5 m/s2."""
    speeds = []
    for target in targets:
        wanted, brake = rule.restrain(target, speed, brake=False)
        speed = max(0.0, speed - 0.25) if brake or wanted < speed else wanted
        speeds.append(speed)
    return speeds


def test_a_crawl_becomes_a_stop_and_then_the_car_goes_on() -> None:
    rolling = [6.0, 4.0, 2.4, *[1.8] * 20, *[5.0] * 20]
    speeds = drive(FullStopRule(FullStop(), 0.05), rolling, 3.0)
    assert 0.0 in speeds
    assert speeds[-1] == 5.0
    assert 0.0 not in drive(FullStopRule(FullStop(below_mps=1.0), 0.05), rolling, 3.0)


def test_a_stop_that_has_begun_is_finished_whatever_the_plan_says() -> None:
    rule = FullStopRule(FullStop(), 0.05)
    assert rule.restrain(2.0, 2.4, brake=False) == (0.0, True)
    assert rule.restrain(6.0, 1.2, brake=False) == (0.0, True)
    assert rule.restrain(6.0, 0.05, brake=False) == (6.0, False)


def test_after_a_stop_it_may_crawl_until_the_pause_is_over() -> None:
    rule = FullStopRule(FullStop(cool_down_s=1.0), 0.05)
    rule.restrain(0.0, 0.0, brake=True)
    answers = [rule.restrain(1.5, 1.5, brake=False) for _ in range(30)]
    assert answers[:19] == [(1.5, False)] * 19
    assert answers[20:] == [(0.0, True)] * 10
    rule.reset()
    assert rule.restrain(4.0, 4.0, brake=False) == (4.0, False)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="speeds rise"):
        FullStop(below_mps=0.05)
