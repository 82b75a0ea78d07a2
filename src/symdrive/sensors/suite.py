"""All sensors of one car: the truth in, an observation and its evidence out."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float32, Int64

from symdrive.core.geometry import wrap
from symdrive.core.seeds import generator
from symdrive.sensors.camera import CameraFrame, render_cameras
from symdrive.sensors.crew import do_together, workers_for
from symdrive.sensors.inertial import read_gnss, read_imu, yaw_of
from symdrive.sensors.lidar import scan
from symdrive.sensors.light import Look
from symdrive.sensors.lines import LineWatch
from symdrive.sensors.localisation import Fix, localise
from symdrive.sensors.mount import EGO_ROW, ego_pose, mounted
from symdrive.sensors.obstacles import probe
from symdrive.sensors.radar import RadarFrame, detect
from symdrive.sensors.scene import Scene
from symdrive.sensors.semantic_lidar import SemanticScanner
from symdrive.sensors.shadows import middle_of
from symdrive.world.evidence import Evidence, SemanticPoints, ShiftedView, shifted_mount
from symdrive.world.geodesy import from_geodetic
from symdrive.world.observation import (
    CollisionEvent,
    GnssReading,
    ImuReading,
    Observation,
    ObstacleReading,
    RadarPoints,
)
from symdrive.world.rig import Rig
from symdrive.world.specs import (
    CameraSpec,
    LidarSpec,
    Mounted,
    ObstacleSpec,
    RadarSpec,
    SemanticLidarSpec,
)
from symdrive.world.truth import Truth

S = TypeVar("S", bound=Mounted)
T = TypeVar("T")
Cloud = tuple[Float32[np.ndarray, "point 4"], Int64[np.ndarray, " actor"]]
Counted = tuple[Int64[np.ndarray, " _"], Truth]
Job = Callable[[], object]
LastTruth = Callable[[int], Truth]
"""From a sensor's period in ticks to the truth of the tick in which such sensors last read."""


class _Moment(NamedTuple):
    """A moment at which sensors read, and the moments of all sensors by name."""

    truth: Truth
    of: Mapping[str, Truth]
    seed: int


class _Kind(Generic[S, T]):
    """Sensors of one kind, and the last reading of each: good while its moment is asked for.

    Args:
        specs: the sensors.
    """

    def __init__(self, specs: Sequence[S]) -> None:
        self.specs = specs
        self._kept: dict[str, tuple[Truth, int, T]] = {}

    def due(self, moment: _Moment) -> list[S]:
        """Those that read at a moment and have not."""
        return [spec for spec in self.specs if self._is_due(spec.name, moment)]

    def _is_due(self, name: str, moment: _Moment) -> bool:
        """Whether a sensor reads at a moment and has not."""
        kept = self._kept.get(name)
        knows = kept is not None and kept[0] is moment.truth and kept[1] == moment.seed
        return moment.of[name] is moment.truth and not knows

    def jobs(self, read: Callable[[S, Truth, int], T], moment: _Moment) -> list[Job]:
        """Read those that are due, each on its own."""

        def job(spec: S) -> None:
            self.keep(spec, moment, read(spec, moment.truth, moment.seed))

        return [partial(job, spec) for spec in self.due(moment)]

    def keep(self, spec: S, moment: _Moment, reading: T) -> None:
        """Take this for the last reading of a sensor."""
        self._kept[spec.name] = (moment.truth, moment.seed, reading)

    def readings(self) -> dict[str, T]:
        """The last reading of each, by name."""
        return {spec.name: self._kept[spec.name][2] for spec in self.specs}


class SensorSuite:
    """Reads every sensor of a rig.

    Every call reads the truths it is given and nothing else: noise is drawn by sensor and tick, so
    the same truth and seed give the same bytes, in any order and any number of times.

    Args:
        scene: the town; a rig without cameras, LiDAR and radar leaves it alone.
        rig: the sensors.
        cast_every: sensors that cast rays read no more often than every so many ticks.
        shadows: whether things cast shadows in cameras.
    """

    def __init__(
        self, scene: Scene, rig: Rig, cast_every: int = 1, *, shadows: bool = False
    ) -> None:
        self.scene = scene
        self.shadows = shadows
        self.rig = rig
        self.cast_every = cast_every
        self._scanner = SemanticScanner(scene)
        self._cameras: _Kind[CameraSpec, CameraFrame] = _Kind(rig.cameras)
        self._lidars: _Kind[LidarSpec, Cloud] = _Kind(rig.lidars)
        self._radars: _Kind[RadarSpec, RadarFrame] = _Kind(rig.radars)
        self._semantic_lidars: _Kind[SemanticLidarSpec, SemanticPoints] = _Kind(rig.semantic_lidars)
        self._obstacles: _Kind[ObstacleSpec, ObstacleReading | None] = _Kind(rig.obstacles)

    @cached_property
    def periods(self) -> tuple[int, ...]:
        """Every number of ticks, above one, between two readings of some sensor."""
        return tuple(sorted({self.period(spec) for spec in self.rig.sensors()} - {1}))

    def period(self, spec: Mounted) -> int:
        """Ticks between two readings of a sensor."""
        casts = spec is not self.rig.gnss and spec is not self.rig.imu
        return max(spec.every, self.cast_every) if casts else spec.every

    def sense(
        self, truth: Truth, seed: int, last: LastTruth | None = None
    ) -> tuple[Observation, Evidence]:
        """What the sensors say and what they measured of each actor.

        Args:
            truth: the state; its row 0 carries the rig.
            seed: of the run.
            last: when sensors that are not due in this tick last read; None reads all of them now.
        """
        when = (lambda _: truth) if last is None else last
        moments = {spec.name: when(self.period(spec)) for spec in self.rig.sensors()}
        for moment in {id(then): then for then in moments.values()}.values():
            self._read(_Moment(moment, moments, seed))
        frames, clouds = self._cameras.readings(), self._lidars.readings()
        radar, met = self._radars.readings(), self._obstacles.readings()

        def total(counts: Mapping[str, Int64[np.ndarray, " _"]]) -> Int64[np.ndarray, " actor"]:
            return _total([(count, moments[name]) for name, count in counts.items()], truth)

        evidence = Evidence(
            total({name: frame.pixels for name, frame in frames.items()}),
            total({name: counts for name, (_, counts) in clouds.items()}),
            {name: frame.labels for name, frame in frames.items()},
            radar_points=total({n: frame.counts for n, frame in radar.items()}) if radar else None,
            semantic_lidar=self._semantic_lidars.readings(),
        )
        fix, gnss, imu = self._inertial(truth, moments, seed)
        observation = Observation(
            tick=truth.tick,
            time_s=truth.time_s,
            images={name: frame.rgb for name, frame in frames.items()},
            lidar=np.concatenate(
                [np.zeros((0, 4), np.float32), *(points for points, _ in clouds.values())]
            ),
            position=fix.position,
            yaw=fix.yaw,
            speed_mps=fix.speed_mps,
            radar={name: frame.points for name, frame in radar.items()},
            gnss=gnss,
            imu=imu,
            collisions=self._contacts(truth),
            lane_invasions=self._lines.crossed(truth) if self.rig.lane_invasion else (),
            obstacles={name: reading for name, reading in met.items() if reading is not None},
            read_at={name: moment.tick for name, moment in moments.items()},
        )
        return observation, evidence

    def shifted_view(self, truth: Truth, lateral_m: float, yaw: float, seed: int) -> ShiftedView:
        """The same instant through the laterally and yaw-shifted second rig.

        Args:
            truth: the state.
            lateral_m: shift in the ego frame, left positive.
            yaw: turn, left positive, rad.
            seed: of the run.
        """
        cameras = [shifted_mount(spec, lateral_m, yaw) for spec in self.rig.cameras]
        radars = [shifted_mount(spec, lateral_m, yaw) for spec in self.rig.radars]
        points: dict[str, RadarPoints] = {}

        def detect_shifted(spec: RadarSpec) -> None:
            random = generator(seed, f"radar/shifted/{spec.name}/{truth.tick}")
            points[spec.name] = detect(self.scene, spec, truth, random, skip_row=EGO_ROW).points

        jobs = [partial(detect_shifted, spec) for spec in radars]
        frames = self._look(truth, seed, cameras, (jobs, []))
        radar = {spec.name: points[spec.name] for spec in radars}
        return ShiftedView(
            lateral_m,
            yaw,
            {name: frame.rgb for name, frame in frames.items()},
            {name: frame.labels for name, frame in frames.items()},
            radar,
        )

    @cached_property
    def _lines(self) -> LineWatch:
        return LineWatch(self.scene.town.lanes)

    def _show(self, truth: Truth, seed: int) -> None:
        """Bring the scene to this truth."""
        look = Look(truth.weather, self.shadows, seed, truth.tick)
        self.scene.update(truth.actors, truth.signal_state, look)

    def _read(self, moment: _Moment) -> None:
        """Read what is due at a moment."""
        small = [
            *self._radars.jobs(self._detection, moment),
            *self._obstacles.jobs(self._obstacle, moment),
        ]
        large = [
            *self._lidars.jobs(self._cloud, moment),
            *self._semantic_lidars.jobs(self._labelled, moment),
        ]
        cameras = self._cameras.due(moment)
        frames = self._look(moment.truth, moment.seed, cameras, (small, large))
        for spec in cameras:
            self._cameras.keep(spec, moment, frames[spec.name])

    def _look(
        self,
        truth: Truth,
        seed: int,
        cameras: Sequence[CameraSpec],
        others: tuple[Sequence[Job], Sequence[Job]],
    ) -> Mapping[str, CameraFrame]:
        """Frames of cameras on the ego; small and large jobs of other sensors go beside them."""
        if not cameras and not any(others):
            return {}
        self._show(truth, seed)
        frames: dict[str, CameraFrame] = {}

        def shoot(spec: CameraSpec) -> None:
            frames[spec.name] = self._picture(spec, truth)

        for group in self._groups(truth, cameras):
            workers = workers_for(len(group) + sum(map(len, others)))
            do_together(_in_order([partial(shoot, spec) for spec in group], *others), workers)
            others = ([], [])
        return {spec.name: frames[spec.name] for spec in cameras}

    def _groups(
        self, truth: Truth, cameras: Sequence[CameraSpec]
    ) -> Sequence[Sequence[CameraSpec]]:
        """Cameras that share shadows (`Scene.shade`); one group, maybe empty, in any case."""
        groups: dict[bytes, list[CameraSpec]] = {}
        ego = ego_pose(truth.actors)
        for spec in cameras:
            middle = middle_of(ego.position, mounted(spec, ego).position)
            groups.setdefault(middle.tobytes(), []).append(spec)
        return list(groups.values()) or [[]]

    def _picture(self, spec: CameraSpec, truth: Truth) -> CameraFrame:
        """A frame of one camera."""
        actors = truth.actors
        place = actors.position[EGO_ROW]
        yaw, pitch = float(actors.yaw[EGO_ROW]), float(actors.pitch[EGO_ROW])
        return render_cameras(self.scene, [spec], place, yaw, pitch, skip_row=EGO_ROW)[spec.name]

    def _cloud(self, spec: LidarSpec, truth: Truth, seed: int) -> Cloud:
        """Points of a LiDAR, and how many lie on each actor."""
        random = generator(seed, f"lidar/{spec.name}/{truth.tick}")
        reading, ego = truth.tick // self.period(spec), ego_pose(truth.actors)
        return scan(self.scene, spec, ego, random, reading, skip_row=EGO_ROW)

    def _detection(self, spec: RadarSpec, truth: Truth, seed: int) -> RadarFrame:
        """Detections of a radar."""
        random = generator(seed, f"radar/{spec.name}/{truth.tick}")
        return detect(self.scene, spec, truth, random, skip_row=EGO_ROW)

    def _labelled(self, spec: SemanticLidarSpec, truth: Truth, _: int) -> SemanticPoints:
        """Points of a semantic LiDAR."""
        reading, ego = truth.tick // self.period(spec), ego_pose(truth.actors)
        return self._scanner.scan(spec, truth.actors, ego, reading, skip_row=EGO_ROW)

    def _obstacle(self, spec: ObstacleSpec, truth: Truth, _: int) -> ObstacleReading | None:
        """What an obstacle sensor met."""
        return probe(self.scene, spec, truth, skip_row=EGO_ROW)

    def _inertial(
        self, truth: Truth, moments: Mapping[str, Truth], seed: int
    ) -> tuple[Fix, GnssReading | None, ImuReading | None]:
        """Where the car believes it is, and the readings that it goes by."""
        actors, rig = truth.actors, self.rig
        fix = localise(
            rig.localisation,
            actors.position[EGO_ROW, :2].astype(np.float64),
            float(actors.yaw[EGO_ROW]),
            float(actors.speed[EGO_ROW]),
            generator(seed, f"localisation/{truth.tick}"),
        )
        gnss, imu, position, yaw = None, None, fix.position, fix.yaw
        if rig.gnss is not None:
            then = moments[rig.gnss.name]
            gnss = read_gnss(rig.gnss, then, generator(seed, f"gnss/{rig.gnss.name}/{then.tick}"))
            place = (gnss.latitude, gnss.longitude, gnss.altitude)
            position = np.array(from_geodetic(place, rig.gnss.origin, rig.gnss.convention)[:2])
        if rig.imu is not None:
            then = moments[rig.imu.name]
            imu = read_imu(rig.imu, then, generator(seed, f"imu/{rig.imu.name}/{then.tick}"))
            yaw = wrap(yaw_of(imu.compass) - rig.imu.yaw)
        return Fix(position, yaw, fix.speed_mps), gnss, imu

    def _contacts(self, truth: Truth) -> tuple[CollisionEvent, ...]:
        """Contacts of this tick, where the rig feels them."""
        if not self.rig.collision or not truth.collisions:
            return ()
        to_ego = ego_pose(truth.actors).rotation.T
        return tuple(CollisionEvent(hit.other_id, to_ego @ hit.impulse) for hit in truth.collisions)


def _in_order(shots: Sequence[Job], small: Sequence[Job], large: Sequence[Job]) -> Sequence[Job]:
    """Who shoots first draws the shadows that all shots share; something else is done meanwhile."""
    meanwhile, last = (small, large) if small else (large[:1], large[1:])
    return [*shots[:1], *meanwhile, *shots[1:], *last]


def _total(counts: Sequence[Counted], now: Truth) -> Int64[np.ndarray, " actor"]:
    """Sum over sensors for the actors of now; -1 everywhere where there is no sensor."""
    if not counts:
        return np.full(len(now.actors), -1, dtype=np.int64)
    total = np.zeros(len(now.actors), dtype=np.int64)
    for count, then in counts:
        total += _carried(count, then.actors.actor_id, now.actors.actor_id)
    return total


def _carried(
    counts: Int64[np.ndarray, " then"],
    then: Int64[np.ndarray, " then"],
    now: Int64[np.ndarray, " now"],
) -> Int64[np.ndarray, " now"]:
    """Counts of an earlier tick by the actor ids of now; 0 for those who were not there."""
    if np.array_equal(then, now):
        return counts
    by_id = np.zeros(int(max(then.max(initial=0), now.max(initial=0))) + 1, dtype=np.int64)
    by_id[then] = counts
    return by_id[now]
