"""One route, scored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symdrive.scoring.infraction import InfractionKind
from symdrive.scoring.records import RouteRecord, Scores


@dataclass(frozen=True)
class RouteScore:
    """A route scored by one protocol.

    Attributes:
        route_id: of the route.
        route_completion: per cent.
        penalty: factor in [0, 1].
        driving_score: their product, per cent.
        status: as in the record.
        success: driven to the end with no infraction but forgiven ones.
        protocol: name of the protocol.
        route_length_m: of the route.
        counts: infractions of each kind that occurred.
        outside_lanes_m: metres outside of the route's lanes.
    """

    route_id: str
    route_completion: float
    penalty: float
    driving_score: float
    status: str
    success: bool
    protocol: str
    route_length_m: float
    counts: Mapping[InfractionKind, int]
    outside_lanes_m: float

    @property
    def driven_km(self) -> float:
        """Kilometres of the route that were driven."""
        return self.route_length_m / 1000.0 * self.route_completion / 100.0

    def apply(self, record: RouteRecord) -> RouteRecord:
        """The record with these scores in it."""
        scores = Scores(self.route_completion, self.penalty, self.driving_score)
        return replace(record, scores=scores, protocol=self.protocol)
