"""Which routes a benchmark has: small tables that ship with the package.

They hold facts of the published route files (id, town, scenario, length of the key points), made by
`tools/tabulate_benchmarks.py`.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

TABLES = ("bench2drive_0_0_3", "bench2drive_0_0_4", "longest6_v2", "town13", "fail2drive")


@dataclass(frozen=True)
class RouteInfo:
    """One route of a benchmark.

    Attributes:
        route: its id.
        town: name of the town.
        scenario: type of its only scenario; empty for a route of many.
        split: `Base` or `Generalization` in Fail2Drive.
        length_m: along the key points of the route file, a little shorter than the driven path.
        junction_share: share of the waypoints of the path up to 8 past the first one in a junction;
            None without a junction. Source: Bench2Drive 7ec25d1, `tools/ability_benchmark.py`.
    """

    route: str
    town: str
    scenario: str
    split: str
    length_m: float
    junction_share: float | None

    @property
    def group(self) -> str:
        """What a macro average is taken over: the scenario, in each split by itself."""
        return f"{self.split}: {self.scenario}" if self.split else self.scenario


@lru_cache(maxsize=8)
def route_table(name: str) -> Mapping[str, RouteInfo]:
    """Routes of a benchmark by id.

    Raises:
        ValueError: for a name that is not in `TABLES`.
    """
    if name not in TABLES:
        raise ValueError(f"no route table is called {name!r}; known: {', '.join(TABLES)}")
    text = (files("symdrive.scoring") / "tables" / f"{name}.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["route"]: _info(row) for row in rows}


def _info(row: Mapping[str, str]) -> RouteInfo:
    """One line of a table."""
    first, count = row["junction_at"], row["waypoints"]
    return RouteInfo(
        route=row["route"],
        town=row["town"],
        scenario=row["scenario"],
        split=row["split"],
        length_m=float(row["length_m"]),
        junction_share=(int(first) + JUNCTION_WAYPOINTS) / int(count) if first else None,
    )


JUNCTION_WAYPOINTS = 8
"""Waypoints past the first one in a junction: far enough for the trigger volume to be crossed."""
