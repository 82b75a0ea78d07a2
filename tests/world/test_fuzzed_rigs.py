"""Damaged rigs, weathers and crowds: readings that are finite, a warning, or one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = str(Path(__file__).parents[2] / "tools" / "fuzz_rigs.py")


def fuzz(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, "--out", str(out), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_few_absurdities_come_to_nothing(tmp_path: Path):
    done = fuzz(tmp_path, "--seed", "5", "--count", "16", "--seconds", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout


@pytest.mark.slow
def test_hundreds_of_absurdities_come_to_nothing(tmp_path: Path):
    done = fuzz(tmp_path, "--seed", "6", "--seconds", "600")
    assert done.returncode == 0, done.stdout + done.stderr
