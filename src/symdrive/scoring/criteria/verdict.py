"""The record of a drive that has just ended."""

from collections.abc import Iterable

from symdrive.maps.route import Route
from symdrive.scoring.criteria.track import RouteTrack
from symdrive.scoring.infraction import Infraction, InfractionKind
from symdrive.scoring.records import Event, RouteRecord
from symdrive.world.backend import TICK_S


def make_record(
    route: Route,
    *,
    status: str,
    completion: float,
    infractions: Iterable[Infraction],
    ticks: int,
) -> RouteRecord:
    """What the criteria found, as a record; not scored yet."""
    events: dict[InfractionKind, list[Event]] = {}
    for item in infractions:
        events.setdefault(item.kind, []).append(Event(item.message, item.percentage))
    return RouteRecord(
        route_id=route.route_id,
        status=status,
        route_completion=completion,
        events={kind: tuple(items) for kind, items in events.items()},
        route_length_m=round(RouteTrack(route).length_m, 3),
        duration_game_s=round(ticks * TICK_S, 3),
        town=route.town,
    )
