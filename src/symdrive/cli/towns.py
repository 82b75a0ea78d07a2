"""`symdrive towns`: list, bake, show."""

import time
from pathlib import Path

import numpy as np

from symdrive.cli.options import TownsBake, TownsList, TownsShow
from symdrive.cli.screen import console, figures
from symdrive.core.errors import UserError
from symdrive.maps.open import bake_file, list_towns, open_town
from symdrive.maps.town import LaneKind, Town, Turn
from symdrive.report.town_map import View, draw_map


def run_list(_: TownsList) -> None:
    """What ships with the package, with its contents."""
    table = figures(
        "town",
        "driving km",
        "junction turns",
        "signals",
        "stop signs",
        "crosswalks",
        "triangles",
    )
    for name in list_towns():
        table.add_row(name, *_contents(open_town(name)))
    console.print(table)


def run_bake(options: TownsBake) -> None:
    """Bake one file."""
    start = time.perf_counter()
    town = bake_file(options.source, options.out)
    size = options.out.stat().st_size / 1e6
    took = time.perf_counter() - start
    console.print(f"{town.name} baked in {took:.1f} s: {options.out} ({size:.1f} MB)")


def run_show(options: TownsShow) -> None:
    """Draw one town."""
    town = open_town(options.town)
    driving = town.lanes.kind == LaneKind.DRIVING
    rows = np.repeat(driving, np.diff(town.lanes.start))
    picture = draw_map(town, View.around(town.lanes.points[rows, :2]), ids=True)
    out = options.out or Path(f"{town.name}.svg")
    try:
        out.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; name another --out.") from error
    console.print(f"map of {town.name}: {out}")


def _contents(town: Town) -> tuple[str, ...]:
    """Numbers of a town."""
    driving = town.lanes.kind == LaneKind.DRIVING
    turns = int((driving & (town.lanes.turn != Turn.NONE)).sum())
    return (
        f"{float(town.lanes.length_m[driving].sum()) / 1000:.1f}",
        str(turns),
        str(len(town.signals)),
        str(len(town.stop_signs)),
        str(len(town.crosswalks)),
        f"{len(town.mesh.faces):,}",
    )
