"""Route sets that ship with the package, by name."""

import difflib
from importlib.resources import files
from pathlib import Path

from symdrive.core.errors import UserError
from symdrive.scenarios.route_file import RouteFileEntry, read_routes

ROUTE_SETS = {
    "alder_train": "alder_train.xml",
    "birch_heldout": "birch_heldout.xml",
}
"""File of each set in the package folder `scenarios/routes`."""


def route_set(name: str) -> list[RouteFileEntry]:
    """The routes of a shipped set.

    Raises:
        UserError: for an unknown name.
    """
    if name not in ROUTE_SETS:
        near = difflib.get_close_matches(name, ROUTE_SETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(ROUTE_SETS))}."
        raise UserError(f"no route set is called {name!r}; {hint}")
    return read_routes(Path(str(files("symdrive.scenarios"))) / "routes" / ROUTE_SETS[name])
