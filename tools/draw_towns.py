"""Draw our own towns: `python -m tools.draw_towns` writes them, `--check` only compares."""

import sys
from pathlib import Path

from tools.towns.alder import ALDER
from tools.towns.birch import BIRCH
from tools.towns.drawing import write
from tools.towns.layout import lay_out

TOWNS = (ALDER, BIRCH)
FOLDER = Path(__file__).parents[1] / "src/symdrive/maps/towns"


def main(arguments: list[str]) -> int:
    """Write every town, or compare it with the file that is there; 1 where one differs."""
    stale = 0
    for plan in TOWNS:
        text, path = write(lay_out(plan)), FOLDER / f"{plan.name}.xodr"
        if "--check" in arguments:
            same = path.is_file() and path.read_text() == text
            print(f"{path.name}: {'up to date' if same else 'differs from its plan'}")
            stale += not same
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"{path.name}: {len(text)} characters")
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
