"""Of boxes that overlap the surest stays."""

import math

import pytest

from symdrive.agent.boxes import surest_boxes
from symdrive.world.control import DetectedBox


def box(x: float, score: float, yaw: float = 0.0, y: float = 0.0) -> DetectedBox:
    return DetectedBox("vehicle", (x, y), (2.0, 1.0), yaw, 0.0, score)


def test_the_surest_of_several_opinions_stays() -> None:
    kept = surest_boxes([box(10.0, 0.5), box(10.3, 0.9), box(30.0, 0.4)])
    assert [one.score for one in kept] == [0.9, 0.4]


@pytest.mark.parametrize(("gap", "count"), [(2.5, 1), (2.8, 2)])
def test_a_fifth_of_the_union_may_be_shared(gap: float, count: int) -> None:
    """Boxes of 4 m that are 2.67 m apart share exactly a fifth of what both cover."""
    assert len(surest_boxes([box(0.0, 0.9), box(gap, 0.8)])) == count


def test_outlines_turn_with_their_cars() -> None:
    beside = [box(0.0, 0.9, math.pi / 2), box(2.2, 0.8, math.pi / 2)]
    assert len(surest_boxes(beside)) == 2
    assert len(surest_boxes([box(0.0, 0.9), box(2.2, 0.8)])) == 1
    assert surest_boxes([]) == ()
