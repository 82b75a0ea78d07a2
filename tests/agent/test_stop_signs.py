"""The stop-sign rule on made-up boxes."""

from dataclasses import replace

import numpy as np
import pytest

from symdrive.agent.stop_signs import StopSignRule, StopSigns
from symdrive.world.control import Control, DetectedBox

GO = Control(throttle=0.8)
RULE = StopSigns(within_m=2.0, cool_down_s=1.0, slow_s=0.2)


def sign(x: float, y: float = 0.0, label: str = "stop_sign") -> DetectedBox:
    return DetectedBox(label, (x, y), (1.5, 1.5), 0.0, 0.0, 0.9)


def test_it_stops_at_a_sign_once_and_goes_on() -> None:
    rule = StopSignRule(RULE, 0.05)
    assert rule.step(GO, [sign(2.5)], 5.0, 0.0) == GO
    assert rule.step(GO, [sign(1.5)], 5.0, 0.0) == Control(brake=1.0)
    assert rule.step(GO, [sign(1.0)], 1.0, 0.0).brake == 1.0
    assert rule.step(GO, [sign(1.0)], 0.0, 0.0) == GO
    for _ in range(4):
        slow = rule.step(GO, [sign(0.9)], 1.0, 0.0)
        assert (slow.throttle, slow.brake) == (RULE.slow_throttle, 0.0) or slow == GO
    assert rule.step(GO, [], 1.0, 0.0).brake == 0.0


def test_signs_within_the_cool_down_slow_only_and_later_ones_stop() -> None:
    rule = StopSignRule(RULE, 0.05)
    rule.step(GO, [sign(1.0)], 0.0, 0.0)
    found = [rule.step(GO, [sign(1.0)], 2.0, 0.0) for _ in range(25)]
    assert all(one.brake == 0.0 for one in found[:18])
    assert found[2].throttle == RULE.slow_throttle
    assert found[10] == GO  # slow for a moment only
    assert found[-1].brake == 1.0


def test_a_sign_is_remembered_where_it_is() -> None:
    """Seen at 4 m, then hidden; the car drives 1 m a tick."""
    rule = StopSignRule(RULE, 0.05)
    rule.step(GO, [sign(4.0)], 20.0, 0.0)
    assert rule.step(GO, [], 20.0, 0.0) == GO  # 3 m
    assert rule.step(GO, [], 20.0, 0.0) == GO  # 2 m
    assert rule.step(GO, [], 20.0, 0.0).brake == 1.0  # 1 m
    turning = StopSignRule(RULE, 0.05)
    turning.step(GO, [sign(0.0, 3.5)], 0.1, 0.0)
    turning.step(GO, [], 0.1, np.pi / 2)  # the sign is ahead now, 3.5 m away
    found = [turning.step(GO, [], 20.0, np.pi / 2).brake for _ in range(3)]
    assert found == [0.0, 1.0, 1.0]


def test_other_boxes_and_far_signs_do_nothing() -> None:
    rule = StopSignRule(RULE, 0.05)
    for boxes in ([sign(1.0, label="vehicle")], [sign(60.0)], []):
        assert rule.step(GO, boxes, 5.0, 0.0) == GO
    rule.step(GO, [sign(1.0)], 5.0, 0.0)
    rule.reset()
    assert rule.step(GO, [], 5.0, 0.0) == GO


def test_bad_numbers_are_refused() -> None:
    for changes in ({"within_m": 0.0}, {"slow_throttle": 2.0}, {"cool_down_s": -1.0}):
        with pytest.raises(ValueError, match="zero"):
            replace(RULE, **changes)
