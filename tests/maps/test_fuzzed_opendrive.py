"""Damaged OpenDRIVE by the hundreds: a sound town, a warning or one sentence, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fuzz(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("carla", reason="baking needs the CARLA wheel")
    tool = str(ROOT / "tools" / "fuzz_maps.py")
    return subprocess.run(
        [sys.executable, tool, "--out", str(out), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_few_accidents_come_to_nothing(tmp_path: Path):
    done = fuzz(tmp_path, "--seed", "3", "--count", "39", "--seconds", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout


@pytest.mark.slow
def test_thousands_of_accidents_come_to_nothing(tmp_path: Path):
    done = fuzz(tmp_path, "--seed", "4", "--seconds", "600")
    assert done.returncode == 0, done.stdout + done.stderr
