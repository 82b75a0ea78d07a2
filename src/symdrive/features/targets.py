"""A recorded run to samples: inputs and labels of each frame, for both views."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, UInt8

from symdrive.core.errors import UserError
from symdrive.features import planning_labels, scene_labels
from symdrive.features.concerns import RouteConcerns, tick_rows
from symdrive.features.config import FeatureConfig
from symdrive.features.inputs import EGO_VIEW, InputArrays, ViewPose, check_rig, encode
from symdrive.features.navigation import NavigationState, Navigator
from symdrive.maps.raster import TownRaster
from symdrive.maps.route import sparse_plan
from symdrive.maps.town import Town
from symdrive.record.frame import Frame, StoredLabels
from symdrive.record.reader import Run

NUM_WAYPOINTS, NUM_ROUTE_POINTS = 8, 10


@dataclass(frozen=True)
class TargetArrays:
    """Labels of one view of one frame; units and order as in `model.tensors.Targets`.

    Attributes:
        semantic: class of each label pixel.
        depth: in steps of `scene_labels.DEPTH_STEP_M`.
        bev_semantic: class of each cell.
        boxes: x, y, half length, half width, yaw, speed, class; as many as there are.
        waypoints: future positions, m.
        route: path points, m.
        target_speed_mps: the expert's.
        brake: whether it wanted to stop at once.
        radar_objects: x, y, speed, 1 of what the radar met, filled up with zeros; None for
            features without radar.
    """

    semantic: UInt8[np.ndarray, "height width"]
    depth: UInt8[np.ndarray, "height width"]
    bev_semantic: UInt8[np.ndarray, "rows cols"]
    boxes: Float32[np.ndarray, "box 7"]
    waypoints: Float32[np.ndarray, "step 2"]
    route: Float32[np.ndarray, "point 2"]
    target_speed_mps: float
    brake: bool
    radar_objects: Float32[np.ndarray, "object 4"] | None = None


@dataclass(frozen=True)
class Sample:
    """One view of one frame."""

    inputs: InputArrays
    targets: TargetArrays


class RunSamples:
    """Samples of one run; what is common to its frames is worked out once.

    Args:
        run: recorded by an oracle that says what it intends.
        town: that it was driven in.
        raster: of the town.
        config: features.

    Raises:
        UserError: when the run belongs to another version of the town, has another JPEG quality
            than the features expect, lacks a camera, or holds no observations.
    """

    def __init__(self, run: Run, town: Town, raster: TownRaster, config: FeatureConfig) -> None:
        _check(run, town, config)
        self.run, self.config = run, config
        self._raster = raster
        self._concerns = RouteConcerns(run, town, config.light_reach_m)
        self._navigation = replay(run, config)
        self._rows = tick_rows(run)

    def sample(self, frame_row: int, *, shifted: bool = False) -> Sample | None:
        """One view of one frame; None for a shifted view that was not recorded."""
        frame = self.run.frame(frame_row)
        if shifted:
            second = frame.shifted
            if second is None:
                return None
            view, labels = ViewPose(second.lateral_m, second.yaw), second.labels
            radar = {} if self.config.radar is None else second.radar
            observation = frame.observation(second.images, radar)
        else:
            view, labels = EGO_VIEW, frame.labels
            observation = frame.observation(radar={} if self.config.radar is None else None)
        row = int(self._rows[frame_row])
        inputs = encode(observation, self._navigation[row], self.config, self.run.meta.rig, view)
        return Sample(inputs, self._targets(frame, labels, row, view))

    def _targets(
        self, frame: Frame, labels: Mapping[str, StoredLabels], row: int, view: ViewPose
    ) -> TargetArrays:
        """Labels of one view."""
        plan = frame.plan
        if plan is None:
            raise UserError(
                f"{self.run.folder}: frame at tick {frame.tick} holds no plan; train on runs that"
                " the expert drove."
            )
        seen = scene_labels.SeenMoment.of(self._moment(row), self.config, view)
        ahead = planning_labels.waypoints(self.run.ticks, row, NUM_WAYPOINTS, view)
        route = planning_labels.route_points(plan.route, NUM_ROUTE_POINTS, view)
        return TargetArrays(
            scene_labels.semantic(labels, self.config),
            scene_labels.depth(labels, self.config),
            scene_labels.bev_semantic(seen, self._raster, self.config),
            scene_labels.boxes(seen, self.config),
            ahead.astype(np.float32),
            route.astype(np.float32),
            plan.target_speed_mps,
            plan.brake,
            scene_labels.radar_objects(seen, self.config),
        )

    def _moment(self, row: int) -> scene_labels.Moment:
        """What is so around the ego."""
        tick = int(self.run.ticks["tick"][row])
        light = self._concerns.light(row)
        state = int(self.run.signal_state(tick)[light[0].row]) if light else -1
        return scene_labels.Moment(
            self.run.actors(tick),
            self.run.pixels(tick),
            self.run.lidar_points(tick),
            light,
            state,
            self._concerns.stop_sign(row),
            None if self.config.radar is None else self._radar_points(tick),
        )

    def _radar_points(self, tick: int) -> Int[np.ndarray, " actor"]:
        """Radar returns on each actor, or a word about how to record them."""
        found = self.run.radar_points(tick)
        if found is None:
            raise UserError(
                f"{self.run.folder}: no radar returns were recorded at tick {tick}; record with a"
                " rig that has radars."
            )
        return found


def replay(run: Run, config: FeatureConfig) -> list[NavigationState]:
    """The navigator over the recorded readings; one state a tick."""
    navigator = Navigator(sparse_plan(run.meta.episode.route), config.navigation)
    ticks = run.ticks
    positions = np.stack([ticks["gnss_x"], ticks["gnss_y"]], axis=1)
    return [
        navigator.step(position, float(yaw), float(speed))
        for position, yaw, speed in zip(
            positions, ticks["compass"], ticks["speed_reading"], strict=True
        )
    ]


def _check(run: Run, town: Town, config: FeatureConfig) -> None:
    """Run, town and features belong together."""
    check_rig(run.meta.rig, config, str(run.folder))
    if town.source_digest != run.meta.town_digest:
        raise UserError(
            f"{run.folder} was driven in another version of town {town.name!r}"
            f" ({run.meta.town_digest}, now {town.source_digest}); record it again."
        )
    if run.config.jpeg_quality != config.jpeg_quality:
        raise UserError(
            f"{run.folder} was recorded with JPEG quality {run.config.jpeg_quality}, the features"
            f" expect {config.jpeg_quality}; record again or set FeatureConfig.jpeg_quality."
        )
    if np.isnan(run.ticks["gnss_x"]).any():
        raise UserError(f"{run.folder} holds ticks without observation; record with a rig.")
