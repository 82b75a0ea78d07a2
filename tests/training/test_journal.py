"""Where curves and pictures go."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symdrive.core.errors import UserError
from symdrive.training import journal
from symdrive.training.framework import TensorBoardLogger
from symdrive.training.train import train, train_on


def test_wandb_that_is_not_installed_is_refused_before_anything_is_read(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'symdrive\[wandb\]'"):
        train(replace(lab.config, wandb="project"), [tmp_path / "nowhere"], tmp_path / "out")
    assert not tmp_path.joinpath("out").exists()


def test_tensorboard_alone_is_the_default(tmp_path: Path) -> None:
    (logger,) = journal.open_loggers(tmp_path, "planning", "")
    assert isinstance(logger, TensorBoardLogger)
    journal.close_loggers([logger])


@pytest.mark.slow
def test_wandb_gets_a_run_for_each_stage(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    train_on(replace(lab.config, wandb="project"), lab.source(8), tmp_path)
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 2
