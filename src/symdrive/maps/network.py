"""A town's lanes as a network: where things are, and how to get from one place to another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from symdrive.core.errors import UserError
from symdrive.maps.locate import Located, Locator, lane_position
from symdrive.maps.path import Leg, join_legs, lay_route, legs_of
from symdrive.maps.route import Route
from symdrive.maps.search import LaneGraph, Way
from symdrive.maps.town import LaneKind, Town
from symdrive.maps.wander import wander

MAX_OFFSET_M = 10.0
"""A key point farther than this from every driving lane is refused."""

OFFSET_COST = 5.0
"""A metre between a key point and its lane counts like this many metres of way."""

Candidate = tuple[int, float, float]
"""Lane, arc length in m, and cost in m of putting a key point there."""


class Network:
    """Lane lookup and route search of one town; build it once and keep it."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.lanes = town.lanes
        self.graph = LaneGraph(town.lanes)
        self._locator = Locator(town.lanes)

    def locate(
        self,
        xy: Float[np.ndarray, "n d"],
        yaw: Float[np.ndarray, " n"] | None = None,
        *,
        kinds: Sequence[LaneKind] = (LaneKind.DRIVING,),
        max_distance_m: float = 10.0,
    ) -> Located:
        """The lane, arc length and lateral offset of each point; see `Locator.locate`."""
        return self._locator.locate(xy, yaw, kinds=kinds, max_distance_m=max_distance_m)

    def position(
        self, lane: Int[np.ndarray, " n"], s_m: Float[np.ndarray, " n"]
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
        """World position and heading of places on lanes; `s_m` is clamped to the lane."""
        return lane_position(self.lanes, lane, s_m)

    def route_through(
        self,
        points: Float[np.ndarray, "k d"],
        route_id: str,
        initial_yaw: float | None = None,
    ) -> Route:
        """The cheapest dense route through key points, as CARLA's benchmark routes are meant.

        A key point may lie on several lanes at once (inside junctions); the choice that makes the
        whole route cheapest is taken.

        Args:
            points: x y or x y z of each key point, m.
            route_id: name of the route.
            initial_yaw: heading at the start, rad, where it is known.

        Raises:
            UserError: for a key point off the road, or one that cannot be reached.
        """
        if len(points) < 2 or not np.isfinite(points).all():
            raise UserError(
                f"route {route_id}: at least two key points with finite numbers needed."
            )
        choices = [
            self._candidates(point, route_id, index, initial_yaw if index == 0 else None)
            for index, point in enumerate(points)
        ]
        legs = self._best_legs(points, choices, route_id)
        try:
            return lay_route(self.lanes, legs, route_id, self.town.name)
        except ValueError as error:
            raise UserError(f"route {route_id}: {error}; its key points coincide.") from error

    def random_route(self, generator: np.random.Generator, length_m: float, route_id: str) -> Route:
        """A random route of at least about `length_m` that begins and ends outside of junctions.

        Raises:
            UserError: when the town has no road that long.
        """
        where = f"route {route_id} in {self.town.name}"
        if not length_m >= 1.0:
            raise UserError(f"{where}: a length of {length_m} m; at least 1 m is needed.")
        way = wander(self.lanes, self.graph, generator, length_m, where)
        legs = join_legs(legs_of(self.graph, way))
        return lay_route(self.lanes, legs, route_id, self.town.name)

    def _candidates(
        self, point: Float[np.ndarray, " d"], route_id: str, index: int, yaw: float | None
    ) -> list[Candidate]:
        """Places on lanes that a key point may mean."""
        found = self._locator.candidates(point, yaw, max_distance_m=MAX_OFFSET_M)
        if not found:
            far = self._locator.candidates(point, max_distance_m=1e6)
            gap = f"{far[0][2]:.1f} m away from the nearest" if far else "in a town without any"
            raise UserError(
                f"route {route_id}: key point {index} at ({point[0]:.1f}, {point[1]:.1f}) is {gap}"
                f" driving lane of {self.town.name}; at most {MAX_OFFSET_M:g} m are allowed."
            )
        best = found[0][2]
        return [(lane, s, OFFSET_COST * (cost - best)) for lane, s, cost in found]

    def _best_legs(
        self, points: Float[np.ndarray, "k d"], choices: list[list[Candidate]], route_id: str
    ) -> list[Leg]:
        """The cheapest chain of ways through one candidate of each key point (Viterbi)."""
        states = {lane: (cost, list[Way]()) for lane, _, cost in choices[0]}
        place = {lane: s for lane, s, _ in choices[0]}
        for index, choice in enumerate(choices[1:], start=1):
            goals = {lane: s for lane, s, _ in choice}
            extra = {lane: cost for lane, _, cost in choice}
            reached: dict[int, tuple[float, list[Way]]] = {}
            for lane, (cost, ways) in states.items():
                for goal, way in self.graph.ways(lane, place[lane], goals).items():
                    total = cost + way.cost + extra[goal]
                    if goal not in reached or total < reached[goal][0]:
                        reached[goal] = (total, [*ways, way])
            if not reached:
                gap = float(np.linalg.norm(points[index, :2] - points[index - 1, :2]))
                raise UserError(
                    f"route {route_id}: no way leads along the lanes of {self.town.name} to key"
                    f" point {index} at ({points[index, 0]:.1f}, {points[index, 1]:.1f}),"
                    f" {gap:.1f} m from the one before."
                )
            states, place = reached, goals
        best = min(states.values(), key=lambda state: state[0])
        return join_legs([leg for way in best[1] for leg in legs_of(self.graph, way)])
