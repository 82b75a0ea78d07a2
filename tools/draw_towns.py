"""Draw our own towns as OpenDRIVE; with `--check`, only say whether the files are up to date."""

import argparse
import sys
from pathlib import Path

from towns.alder import ALDER
from towns.birch import BIRCH
from towns.cedar import CEDAR
from towns.dogwood import DOGWOOD
from towns.drawing import write
from towns.elm import ELM
from towns.fir import FIR
from towns.whole_towns import lay_out

TOWNS = (ALDER, BIRCH, CEDAR, DOGWOOD, ELM, FIR)
FOLDER = Path(__file__).parents[1] / "src/symdrive/maps/towns"


def main() -> int:
    """Write every town, or compare it with the file that is there; 1 where one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = bool(parser.parse_args().check)
    stale = 0
    for plan in TOWNS:
        text, path = write(lay_out(plan)), FOLDER / f"{plan.name}.xodr"
        if not check:
            path.write_text(text, encoding="utf-8")
            print(f"{path.name}: {len(text)} characters")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} differs from its plan; run python tools/draw_towns.py")
            stale += 1
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
