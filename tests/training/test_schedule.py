"""Learning rates at the places that matter."""

import pytest

from symdrive.training.config import StageConfig
from symdrive.training.schedule import cosine_restarts, learning_rate, one_cycle


def test_cycles_end_after_1_3_7_15_epochs() -> None:
    for end in (1, 3, 7, 15):
        assert cosine_restarts(end - 1e-6) == pytest.approx(0.0, abs=1e-6)
        assert cosine_restarts(float(end)) == pytest.approx(1.0)
    assert cosine_restarts(2.0) == pytest.approx(0.5)


def test_one_cycle_rises_and_falls() -> None:
    assert one_cycle(0.0, 0.1) == pytest.approx(0.04)
    assert one_cycle(0.1, 0.1) == pytest.approx(1.0)
    assert one_cycle(1.0, 0.1) == pytest.approx(0.0)
    assert one_cycle(0.55, 0.1) == pytest.approx(0.5)
    assert one_cycle(0.0, 0.0) == pytest.approx(1.0)


def test_peak_is_the_configured_rate() -> None:
    assert learning_rate(StageConfig(31.0, 3e-4), 0.0) == pytest.approx(3e-4)
    assert learning_rate(StageConfig(2.0, 2e-3, "one_cycle"), 0.1) == pytest.approx(2e-3)
