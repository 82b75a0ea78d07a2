"""The embedded world: one process, no server, deterministic."""

import dataclasses

import numpy as np
from jaxtyping import Float, UInt8

from symdrive.core.errors import UserError
from symdrive.maps.town import Town
from symdrive.sensors.scene import Scene
from symdrive.sensors.suite import SensorSuite
from symdrive.sim.ego import Pedals
from symdrive.sim.phases import run_phases
from symdrive.sim.road import Records
from symdrive.sim.shift import ShiftConfig, draw_shift
from symdrive.sim.simulation import Simulation, new_simulation
from symdrive.sim.snapshot import Snapshot, load, save
from symdrive.world.backend import Episode
from symdrive.world.control import Control
from symdrive.world.evidence import Evidence, ShiftedView
from symdrive.world.observation import Observation
from symdrive.world.rig import Rig
from symdrive.world.truth import Actors, Trail, Truth


def actors_of(bodies: Records, color: UInt8[np.ndarray, "actor 3"]) -> Actors:
    """The bodies of a tick as the columns that everybody else reads."""
    numbers = ("yaw", "pitch", "speed", "yaw_rate", "acceleration")
    names = (*numbers, "kind", "model", "lane", "lights", "doors")
    columns = {name: bodies[name].copy() for name in names}
    return Actors(
        actor_id=np.arange(1, len(bodies) + 1),
        position=np.stack([bodies["x"], bodies["y"], bodies["z"]], axis=1),
        half_extent=np.stack(
            [bodies["half_length"], bodies["half_width"], bodies["half_height"]], axis=1
        ),
        color=color.copy(),
        lane_s_m=bodies["lane_s"].copy(),
        parked=bodies["parked"] != 0,
        braking=bodies["braking"] != 0,
        walked_m=bodies["walked"].copy(),
        **columns,
    )


def trail_of_rows(poses: Float[np.ndarray, "3 5"]) -> Trail:
    """The ego's last poses, newest first: rows of x, y, z, yaw, pitch."""
    return Trail(poses[:, :3].copy(), poses[:, 3].copy(), poses[:, 4].copy())


class EmbeddedWorld:
    """A `World` that lives in this process.

    Truth, observation and evidence of a tick are made once and kept until the next step.

    Args:
        town: the road network.
        rig: the sensors on the ego.
        shift: how the second camera rig is displaced.
        sense_every: sensors that cast rays read no more often than every so many ticks; in between
            they hold (as with a `sensor_tick` in CARLA), while localisation is that of the tick.
        shadows: whether things cast shadows in cameras, which takes time.
    """

    def __init__(
        self,
        town: Town,
        rig: Rig,
        shift: ShiftConfig | None = None,
        sense_every: int = 1,
        *,
        shadows: bool = False,
    ) -> None:
        if sense_every < 1:
            raise ValueError(f"sense_every is {sense_every}; at least 1")
        self.sense_every = sense_every
        self._last: dict[int, Truth] = {}
        self.town = town
        self.rig = rig
        self.shift = shift if shift is not None else ShiftConfig()
        self._suite = SensorSuite(Scene(town), rig, sense_every, shadows=shadows)
        self._sim: Simulation | None = None
        self._forget()

    def reset(self, episode: Episode) -> None:
        """Put the ego at the start of the route, standing, and fill the town with traffic.

        Raises:
            UserError: when the route belongs to another town or has no length.
        """
        route = episode.route
        if route.town != self.town.name:
            raise UserError(
                f"route {route.route_id!r} is for {route.town}, but the world is {self.town.name};"
                f" open that town or choose another route."
            )
        if len(route.points) < 2:
            raise UserError(
                f"route {route.route_id!r} has {len(route.points)} points; at least two."
            )
        self._sim = new_simulation(self.town, episode)
        self._forget()
        self._note_due()

    def truth(self) -> Truth:
        """Everything that is so."""
        if self._truth is None:
            sim = self._running()
            actors = actors_of(sim.traffic.bodies, sim.color)
            signals, trail = sim.signals.copy(), trail_of_rows(sim.poses)
            self._truth = Truth(
                sim.tick,
                sim.time_s,
                actors,
                signals,
                sim.collisions,
                trail,
                sim.episode.weather,
            )
        return self._truth

    def observe(self) -> Observation:
        """What the rig's sensors say."""
        return self._sense()[0]

    def evidence(self, *, shifted: bool = False) -> Evidence:
        """What they measured of each actor; with `shifted`, the second rig's view too."""
        evidence = self._sense()[1]
        if not shifted:
            return evidence
        if self._shifted is None:
            lateral_m, yaw = draw_shift(self.shift, self.town, self._running().episode, self.tick)
            seed = self._running().episode.seed
            self._shifted = self._suite.shifted_view(self.truth(), lateral_m, yaw, seed)
        return dataclasses.replace(evidence, shifted=self._shifted)

    def step(self, control: Control) -> None:
        """Advance one tick of 0.05 s."""
        sim = self._running()
        gear = -1.0 if control.reverse else 1.0
        sim.pedals = Pedals(
            float(control.steer), float(control.throttle), float(control.brake), gear
        )
        run_phases(sim)
        self._forget()
        self._note_due()

    def save(self) -> Snapshot:
        """The whole state of now, to go back to or to branch from."""
        return save(self._running(), self._last)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, of this world or of another one of the same town.

        The same controls then lead to the same bytes. With another rig than the snapshot's, slow
        sensors that it does not hold read at once.

        Raises:
            UserError: when the snapshot is of another town or damaged.
        """
        self._sim, self._last = load(snapshot, self.town)
        self._forget()

    @property
    def tick(self) -> int:
        """Steps since the reset."""
        return self._running().tick

    def _sense(self) -> tuple[Observation, Evidence]:
        """Read the sensors that are due in this tick; the others hold."""
        if self._sensed is None:
            truth, seed = self.truth(), self._running().episode.seed
            self._sensed = self._suite.sense(
                truth, seed, lambda every: self._last.get(every, truth)
            )
        return self._sensed

    def _note_due(self) -> None:
        """Keep the truth that slow sensors read in this tick.

        They are cast from it when somebody asks, so that what is held never depends on who asked,
        and costs nothing where nobody does.
        """
        for every in self._suite.periods:
            if self.tick % every == 0:
                self._last[every] = self.truth()

    def _running(self) -> Simulation:
        """The episode that is under way."""
        if self._sim is None:
            raise UserError("the world has no episode yet; call reset(episode) first.")
        return self._sim

    def _forget(self) -> None:
        """Drop what belongs to the tick that is over."""
        self._truth: Truth | None = None
        self._sensed: tuple[Observation, Evidence] | None = None
        self._shifted: ShiftedView | None = None
