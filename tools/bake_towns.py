"""Bake the shipped towns: `python tools/bake_towns.py [--check]` (needs the `carla` extra).

With `--check` nothing is written; the exit code says whether the baked files fit their sources.
"""

import argparse
import logging
import sys

from symdrive.maps.open import BAKED, bake_file, name_of, read_source
from symdrive.maps.opendrive.baking import source_digest
from symdrive.maps.store import load_town
from symdrive.maps.towns import town_folder

MAX_BYTES = 3_300_000
"""A shipped town must not be larger: it travels with every installation."""


def main() -> int:
    """Bake or check every `.xodr` of the towns folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare digests and sizes")
    check = parser.parse_args().check
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    failed = 0
    for source in sorted(town_folder().glob("*.xodr")):
        target = source.with_name(name_of(source) + BAKED)
        if check:
            fits = target.is_file() and load_town(target).source_digest == source_digest(
                read_source(source)
            )
        else:
            town = bake_file(source, target)
            print(f"{town.name}: {len(town.lanes)} lanes, {len(town.mesh.faces)} triangles")
            fits = True
        size = target.stat().st_size if target.is_file() else 0
        print(f"{target.name}: {size / 1e6:.2f} MB, {'ok' if fits else 'does not fit its source'}")
        failed += not fits or size > MAX_BYTES
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
