"""From `--town` and `--routes` to routes that can be driven."""

from dataclasses import dataclass
from pathlib import Path

from symdrive.cli.screen import console
from symdrive.core.errors import UserError
from symdrive.core.seeds import generator
from symdrive.maps.network import Network
from symdrive.maps.open import open_town
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.scenarios.route_file import RouteFileEntry, read_routes, to_route
from symdrive.scenarios.route_sets import ROUTE_SETS, route_set
from symdrive.world.weather import (
    DEFAULT_WEATHER,
    RANDOM_WEATHER,
    Weather,
    drawn_preset,
    named_weather,
)

RANDOM_LENGTH_M = 300.0


@dataclass(frozen=True)
class Tour:
    """Routes in one town.

    Attributes:
        source: what `open_town` takes; travels to worker processes.
        town: opened.
        routes: to be driven.
        weathers: of each route, as its file has it.
    """

    source: str
    town: Town
    routes: tuple[Route, ...]
    weathers: tuple[Weather, ...]

    def under(self, weather: str | None, *, seed: int) -> tuple[Weather, ...]:
        """The weather of each route.

        Args:
            weather: a name for all routes, `random` for LEAD's draw for each, or None for what the
                routes say.
            seed: of the draw.

        Raises:
            UserError: for an unknown name.
        """
        if weather is None:
            return self.weathers
        if weather == RANDOM_WEATHER:
            return tuple(drawn_preset(seed, route.route_id).weather for route in self.routes)
        return (named_weather(weather),) * len(self.routes)


def plan_tour(town: str | None, routes: str | None, *, seed: int, limit: int = 0) -> Tour:
    """Resolve what the command line asks for.

    Raises:
        UserError: for unknown names, broken files, routes off the map, or routes of another town.
    """
    if routes is None:
        return random_tour(town or "alder", count=1, length_m=RANDOM_LENGTH_M, seed=seed)
    entries = _entries(routes)
    entries = entries[:limit] if limit > 0 else entries
    source = town or entries[0].town
    opened = open_town(source)
    strangers = sorted({e.town for e in entries if e.town.lower() != opened.name.lower()})
    if strangers:
        raise UserError(
            f"{routes}: routes are for {', '.join(strangers)}, but --town is {opened.name};"
            " give the town of the routes."
        )
    _say_ignored(entries)
    network = Network(opened)
    found = tuple(to_route(entry, network) for entry in entries)
    return Tour(str(source), opened, found, tuple(entry.weather for entry in entries))


def random_tour(town: str, *, count: int, length_m: float, seed: int) -> Tour:
    """Random routes of about one length, named `random_000` and so on."""
    opened = open_town(town)
    network = Network(opened)
    found = tuple(
        network.random_route(generator(seed, f"route/{i}"), length_m, f"random_{i:03d}")
        for i in range(count)
    )
    return Tour(town, opened, found, (DEFAULT_WEATHER,) * count)


def _entries(routes: str) -> list[RouteFileEntry]:
    """Of a route set by name, or of a file or folder."""
    if routes in ROUTE_SETS:
        return list(route_set(routes))
    if not Path(routes).exists():
        known = ", ".join(sorted(ROUTE_SETS))
        raise UserError(f"{routes} is neither a route file nor a route set; sets: {known}.")
    return list(read_routes(Path(routes)))


def _say_ignored(entries: list[RouteFileEntry]) -> None:
    """Scenarios are not played yet; say so once, with their names."""
    names = sorted({name for entry in entries for name in entry.scenario_names})
    if names:
        console.print(
            f"[yellow]note:[/] scenarios of these routes are not played yet, only their roads and"
            f" ordinary traffic: {', '.join(names)}"
        )
