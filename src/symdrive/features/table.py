"""Samples as rows of fixed shape, and many of them as columns.

Needs no torch, so that worker processes start fast.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from symdrive.datasets.runs import Drive
from symdrive.features.config import FeatureConfig
from symdrive.features.targets import RunSamples, Sample
from symdrive.maps.open import open_town
from symdrive.maps.raster import TownRaster
from symdrive.maps.town import Town
from symdrive.record.reader import open_run

Row = dict[str, np.ndarray]
"""Columns of one sample; see `sample_row`."""

NUM_VIEWS = 2
"""The normal and the shifted one."""


def sample_row(sample: Sample, max_boxes: int) -> Row:
    """A sample as arrays whose shapes depend on the features alone."""
    inputs, targets = sample.inputs, sample.targets
    boxes = np.zeros((max_boxes, 7), dtype=np.float32)
    boxes[: len(targets.boxes)] = targets.boxes
    row = {
        "image": inputs.image,
        "lidar": inputs.lidar,
        "speed": np.asarray(inputs.speed_mps, dtype=np.float32),
        "command": np.asarray(inputs.command, dtype=np.int64),
        "target_points": inputs.target_points,
        "semantic": targets.semantic,
        "depth": targets.depth,
        "bev_semantic": targets.bev_semantic,
        "boxes": boxes,
        "num_boxes": np.asarray(len(targets.boxes), dtype=np.int64),
        "waypoints": targets.waypoints,
        "route": targets.route,
        "target_speed": np.asarray(targets.target_speed_mps, dtype=np.float32),
        "brake": np.asarray(targets.brake, dtype=bool),
    }
    if inputs.radar is not None and targets.radar_objects is not None:
        row |= {"radar": inputs.radar, "radar_objects": targets.radar_objects}
    return row


class DriveSamples:
    """Rows of drives by frame and view, made on demand.

    Args:
        drives: usable drives.
        config: features.
    """

    def __init__(self, drives: Sequence[Drive], config: FeatureConfig) -> None:
        self.config = config
        self._folders = [drive.run.folder for drive in drives]
        self._drive = np.repeat(np.arange(len(drives)), [len(drive.frames) for drive in drives])
        self._frame = np.concatenate([drive.frames for drive in drives])

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frame)

    def row(self, index: int, *, shifted: bool) -> Row:
        """One frame; the normal view stands in for a shifted one that was not recorded."""
        samples = _run_samples(self._folders[self._drive[index]], self.config)
        frame = int(self._frame[index])
        sample = samples.sample(frame, shifted=True) if shifted else None
        sample = sample or samples.sample(frame)
        assert sample is not None
        return sample_row(sample, self.config.max_boxes)


def single_threaded(*_: object) -> None:
    """Tell OpenCV to stay in this thread; for worker processes, which share the cores.

    Its threads take a sixth longer to work on pictures of this size, waiting for each other.
    """
    cv2.setNumThreads(1)


def encode_all(
    drives: Sequence[Drive],
    config: FeatureConfig,
    workers: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Row:
    """Every frame in both views as columns (view, frame, ...).

    Args:
        drives: usable drives.
        config: features.
        workers: processes; 0 or 1 work in this one.
        on_progress: told the number of frames done and in all, drive by drive.
    """
    jobs = [(drive.run.folder, drive.frames, config) for drive in drives]
    sizes = [len(drive.frames) for drive in drives]
    parts: list[Row] = [{} for _ in jobs]
    done = 0

    def finish(index: int, part: Row) -> None:
        nonlocal done
        parts[index] = part
        done += sizes[index]
        if on_progress is not None:
            on_progress(done, sum(sizes))

    if workers <= 1:
        for index, job in enumerate(jobs):
            finish(index, _encode_drive(*job))
    else:
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=single_threaded) as pool:
            waiting = {pool.submit(_encode_drive, *job): i for i, job in enumerate(jobs)}
            for future in as_completed(waiting):
                finish(waiting[future], future.result())
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}


def _encode_drive(folder: Path, frames: np.ndarray, config: FeatureConfig) -> Row:
    """Both views of some frames of one drive, (view, frame, ...)."""
    samples = _run_samples(folder, config)
    views: list[list[Row]] = [[], []]
    for frame in frames.tolist():
        normal = samples.sample(frame)
        assert normal is not None
        second = samples.sample(frame, shifted=True) or normal
        for view, sample in enumerate((normal, second)):
            views[view].append(sample_row(sample, config.max_boxes))
    names = views[0][0]
    return {name: np.stack([[row[name] for row in rows] for rows in views]) for name in names}


@lru_cache(maxsize=8)
def _run_samples(folder: Path, config: FeatureConfig) -> RunSamples:
    """What is common to the frames of a run."""
    run = open_run(folder)
    town, raster = _town(run.meta.episode.route.town)
    return RunSamples(run, town, raster, config)


@lru_cache(maxsize=4)
def _town(name: str) -> tuple[Town, TownRaster]:
    """A town and its raster."""
    town = open_town(name)
    return town, TownRaster.from_town(town)
