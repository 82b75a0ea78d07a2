"""Whose turn it is at the next junction."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.expert.arbitration import FREE, Limit
from symdrive.expert.crossings import JunctionPass, Relation
from symdrive.expert.hazards.hazard import keep_away
from symdrive.expert.idm import Gap
from symdrive.expert.scene import Scene, can_stop
from symdrive.world.truth import Actors, SignalState

_STANDING_MPS = 0.5


@dataclass(frozen=True)
class RightOfWay:
    """Wait for vehicles that go first and would be in the shared area at the same time.

    A vehicle is watched from 70 m before the area on. Its time there comes from its speed, the
    ego's from a moderate start. Once the ego is in a shared area it clears it.

    LEAD sorts the vehicles of its flow scenarios into dangerous and safe ones by their distance to
    the crossing point (kesai-labs/lead 4489176, `expert_base.py`); time gaps say the same without
    scenarios.

    Attributes:
        gap: to keep before the place where the ego waits.
        after_s: time that must be left behind the ego, with wide margins.
        exact_after_s: the same otherwise.
        before_s: time that must have passed since the other one left.
        patience_s: after waiting so long the ego no longer waits for vehicles that stand as well
            (they wait for somebody else), unless they stand in the shared area, nor for those
            queueing behind them.
        impatient_s: after waiting so long the time behind the ego shrinks to `least_s`.
        least_s: smallest time behind the ego.
        start_mps2: the ego's start.
        cruise_mps: the ego's speed through the junction.
        crawl_mps: slowest speed that a moving vehicle is credited with.
        brake_mps2: a waiting place that cannot be met with this deceleration is passed.
        inner_wait_m: under lights, a shared area that begins this far inside is waited for inside.
    """

    gap: Gap = field(default=Gap(1.0, 0.25))
    after_s: float = 1.5
    exact_after_s: float = 0.5
    before_s: float = 0.3
    patience_s: float = 4.0
    impatient_s: float = 8.0
    least_s: float = 0.3
    start_mps2: float = 2.5
    cruise_mps: float = 6.5
    crawl_mps: float = 2.0
    brake_mps2: float = 6.0
    inner_wait_m: float = 5.0

    def __call__(self, scene: Scene) -> Limit:
        """Before the next junction, or inside it before the first area that is not free."""
        for junction in scene.itinerary.junctions:
            if junction.exit_s_m < scene.s_m - scene.half_length_m:
                continue
            if junction.entry_s_m > scene.s_m + 60.0:
                return FREE
            limit = self._at(scene, junction)
            if limit is not FREE:
                return limit
        return FREE

    def _at(self, scene: Scene, junction: JunctionPass) -> Limit:
        """The word on one junction."""
        busy = self._busy(scene, junction)
        if not busy.any():
            return FREE
        first = float(junction.enter_s_m[busy].min())
        stop = self._waiting_place(scene, junction, first)
        if not can_stop(scene, stop - scene.front_s_m + 0.5, self.brake_mps2):
            return FREE
        return keep_away(scene, stop, self.gap, "right_of_way")

    def _waiting_place(self, scene: Scene, junction: JunctionPass, first_s_m: float) -> float:
        """Before the junction; under lights, or when already inside, before the shared area."""
        line = junction.entry_s_m
        for sign in scene.itinerary.stop_signs:
            if 0.0 <= junction.entry_s_m - sign.s_m < 15.0:
                line = sign.s_m
        if scene.front_s_m > line + 1.0:
            return first_s_m
        if junction.signal >= 0 and first_s_m - line > self.inner_wait_m:
            return first_s_m
        return min(line + self.gap.standstill_m, first_s_m)

    def _busy(self, scene: Scene, junction: JunctionPass) -> Bool[np.ndarray, " conflict"]:
        """Which shared areas are not free for the ego."""
        busy = np.zeros(len(junction.relation), dtype=bool)
        others = scene.others
        watch, other = np.nonzero(
            (junction.watch_lane[:, None] == others.actors.lane[None, :]) & others.vehicle[None, :]
        )
        if len(watch) == 0:
            return busy
        conflict = junction.watch_conflict[watch]
        to_area = junction.watch_base_m[watch] - others.actors.lane_s_m[other]
        half = others.actors.half_extent[other, 0]
        coming = self._coming(scene, junction, watch, other)
        coming &= to_area + junction.length_m[conflict] + half > 0.0
        coming &= junction.enter_s_m[conflict] > scene.front_s_m
        if not coming.any():
            return busy
        w, o, c = watch[coming], other[coming], conflict[coming]
        enters = to_area[coming] - half[coming]
        leaves = to_area[coming] + junction.length_m[c] + half[coming]
        clash = self._clash(scene, junction, (w, o, c), enters, leaves)
        busy[c[clash]] = True
        return busy

    def _coming(
        self,
        scene: Scene,
        junction: JunctionPass,
        watch: Int[np.ndarray, " pair"],
        other: Int[np.ndarray, " pair"],
    ) -> Bool[np.ndarray, " pair"]:
        """Vehicles that count: inside the junction, or neither held by a light nor parked."""
        actors = scene.others.actors
        signal = junction.watch_signal[watch]
        state = scene.visible.signal_state[signal] if len(scene.visible.signal_state) else signal
        held = (signal >= 0) & (state == SignalState.RED)
        inside = junction.watch_inside[watch]
        outside = ~inside & ~held
        if scene.memory.waiting_s > self.patience_s:
            outside &= ~_waits(actors)[other]
        return (inside | outside) & ~actors.parked[other]

    def _clash(
        self,
        scene: Scene,
        junction: JunctionPass,
        pairs: tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]],
        enters_m: Float[np.ndarray, " n"],
        leaves_m: Float[np.ndarray, " n"],
    ) -> Bool[np.ndarray, " n"]:
        """Whether both would be in the area together, and the ego is the one to wait."""
        watch, other, conflict = pairs
        speed = np.abs(scene.others.actors.speed[other])
        moving = speed > _STANDING_MPS
        credited = np.maximum(speed, self.crawl_mps)
        start = np.sqrt(np.maximum(enters_m, 0.0)) + 0.5
        their_in = np.where(moving, np.maximum(enters_m, 0.0) / credited, start)
        their_out = leaves_m / credited + np.where(moving, 0.0, 1.0)
        front, rear = scene.front_s_m, scene.s_m - scene.half_length_m
        my_in = self._time_for(scene, junction.enter_s_m[conflict] - front)
        my_out = self._time_for(scene, junction.exit_shared_s_m[conflict] - rear)
        relation = junction.relation[conflict]
        yields = relation == Relation.YIELD
        after = np.where(yields, self._after_s(scene), 0.0)
        together = (their_in < my_out + after) & (their_out > my_in - self.before_s)
        inside = junction.watch_inside[watch]
        in_area = inside & (enters_m <= 0.0)
        if scene.memory.waiting_s > self.patience_s:
            together &= moving | in_area
        first = (relation == Relation.EQUAL) & (their_in < my_in - 0.3)
        on_the_way = inside & moving & (their_in < my_in)
        return together & (yields | in_area | first | on_the_way)

    def _after_s(self, scene: Scene) -> float:
        """Time to leave behind the ego; shrinks with impatience."""
        if scene.memory.waiting_s > self.impatient_s:
            return self.least_s
        return self.after_s if scene.wide else self.exact_after_s

    def _time_for(
        self, scene: Scene, distance_m: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Time the ego takes for a distance, speeding up to `cruise_mps`; 0 for what is behind."""
        d = np.maximum(distance_m, 0.0)
        v, a = scene.speed_mps, self.start_mps2
        top = max(v, self.cruise_mps)
        ramp = (top**2 - v**2) / (2.0 * a)
        on_ramp = (np.sqrt(v**2 + 2.0 * a * np.minimum(d, ramp)) - v) / a
        return on_ramp + np.maximum(d - ramp, 0.0) / top


def _waits(actors: Actors) -> Bool[np.ndarray, " other"]:
    """Stands, or has somebody standing ahead of it in its lane."""
    stands = np.abs(actors.speed) < _STANDING_MPS
    same = (actors.lane[:, None] == actors.lane[None, :]) & (actors.lane >= 0)[:, None]
    ahead = actors.lane_s_m[None, :] > actors.lane_s_m[:, None]
    return stands | (same & ahead & stands[None, :]).any(axis=1)
