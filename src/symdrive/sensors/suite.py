"""All sensors of one car: the truth in, an observation and its evidence out."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from symdrive.core.seeds import generator
from symdrive.sensors.camera import CameraFrame, render_cameras
from symdrive.sensors.lidar import scan
from symdrive.sensors.localisation import localise
from symdrive.sensors.scene import Scene
from symdrive.world.evidence import Evidence, ShiftedView, shifted_camera
from symdrive.world.observation import Observation
from symdrive.world.rig import CameraSpec, Rig
from symdrive.world.truth import Truth

EGO_ROW = 0
"""The sensors stand on the roof of this actor, and do not see it."""


class SensorSuite:
    """Reads every sensor of a rig.

    Every call reads the truth it is given and nothing else: noise is drawn by sensor and tick, so
    the same truth and seed give the same bytes, in any order and any number of times.

    Args:
        scene: the town; a rig without cameras and LiDAR leaves it alone.
        rig: the sensors.
    """

    def __init__(self, scene: Scene, rig: Rig) -> None:
        self.scene = scene
        self.rig = rig

    def sense(self, truth: Truth, seed: int) -> tuple[Observation, Evidence]:
        """What the sensors say and what they measured of each actor.

        Args:
            truth: the state; its row 0 carries the rig.
            seed: of the run.
        """
        if self.rig.cameras or self.rig.lidars:
            self.scene.update(truth.actors, truth.signal_state)
        frames = self._render(truth, self.rig.cameras)
        points, returns = self._scan(truth, seed)
        images = {name: frame.rgb for name, frame in frames.items()}
        pixels = _total([frame.pixels for frame in frames.values()], len(truth.actors))
        labels = {name: frame.labels for name, frame in frames.items()}
        evidence = Evidence(pixels, returns, labels)
        return self._observation(truth, seed, images, points), evidence

    def hold(
        self, held: tuple[Observation, Evidence], truth: Truth, seed: int
    ) -> tuple[Observation, Evidence]:
        """Localisation of now with the pictures, points and counts of an earlier tick.

        As a CARLA sensor with a `sensor_tick` above one tick: between two casts the driver has
        the last ones.
        """
        return self._observation(truth, seed, held[0].images, held[0].lidar), held[1]

    def shifted_view(self, truth: Truth, lateral_m: float, yaw: float) -> ShiftedView:
        """The same instant through the laterally and yaw-shifted second camera rig.

        Args:
            truth: the state.
            lateral_m: shift in the ego frame, left positive.
            yaw: turn, left positive, rad.
        """
        cameras = [shifted_camera(spec, lateral_m, yaw) for spec in self.rig.cameras]
        if cameras:
            self.scene.update(truth.actors, truth.signal_state)
        frames = self._render(truth, cameras)
        return ShiftedView(
            lateral_m,
            yaw,
            {name: frame.rgb for name, frame in frames.items()},
            {name: frame.labels for name, frame in frames.items()},
        )

    def _observation(
        self,
        truth: Truth,
        seed: int,
        images: Mapping[str, UInt8[np.ndarray, "height width 3"]],
        points: Float32[np.ndarray, "point 4"],
    ) -> Observation:
        """Pictures and points with the localisation of this tick."""
        fix = localise(
            self.rig.localisation,
            truth.actors.position[EGO_ROW, :2].astype(np.float64),
            float(truth.actors.yaw[EGO_ROW]),
            float(truth.actors.speed[EGO_ROW]),
            generator(seed, f"localisation/{truth.tick}"),
        )
        return Observation(
            tick=truth.tick,
            time_s=truth.time_s,
            images=images,
            lidar=points,
            position=fix.position,
            yaw=fix.yaw,
            speed_mps=fix.speed_mps,
        )

    def _render(self, truth: Truth, cameras: Sequence[CameraSpec]) -> Mapping[str, CameraFrame]:
        """Frames of the given cameras on the ego."""
        actors = truth.actors
        if not cameras:
            return {}
        return render_cameras(
            self.scene,
            cameras,
            actors.position[EGO_ROW],
            float(actors.yaw[EGO_ROW]),
            float(actors.pitch[EGO_ROW]),
            skip_row=EGO_ROW,
        )

    def _scan(
        self, truth: Truth, seed: int
    ) -> tuple[Float32[np.ndarray, "point 4"], Int64[np.ndarray, " actor"]]:
        """Points of all LiDARs together, and returns of each actor."""
        actors = truth.actors
        scans = [
            scan(
                self.scene,
                spec,
                actors.position[EGO_ROW],
                float(actors.yaw[EGO_ROW]),
                float(actors.pitch[EGO_ROW]),
                generator(seed, f"lidar/{spec.name}/{truth.tick}"),
                skip_row=EGO_ROW,
            )
            for spec in self.rig.lidars
        ]
        points = [np.zeros((0, 4), dtype=np.float32), *(found for found, _ in scans)]
        return np.concatenate(points), _total([counts for _, counts in scans], len(actors))


def _total(
    counts: list[Int64[np.ndarray, " actor"]], num_actors: int
) -> Int64[np.ndarray, " actor"]:
    """Sum over sensors; -1 everywhere where there is no sensor."""
    if not counts:
        return np.full(num_actors, -1, dtype=np.int64)
    return np.stack(counts).sum(axis=0)
