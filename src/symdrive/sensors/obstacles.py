"""Obstacle detectors: how far a ball gets that is pushed ahead.

Source: carla-simulator/carla 0.9.15, `ObstacleDetectionSensor.cpp` (a swept sphere). Here the ball
is a bundle of parallel rays, each of which starts on its front: something thinner than the eighth
of its radius between them can slip through.
"""

import numpy as np
from jaxtyping import Float64

from symdrive.sensors.mount import ego_pose, mounted
from symdrive.sensors.rays import cast
from symdrive.sensors.scene import MOVING, Scene
from symdrive.world.observation import ObstacleReading
from symdrive.world.specs import ObstacleSpec
from symdrive.world.truth import Truth

_RINGS, _PER_RING = 8, 6


def probe(
    scene: Scene, spec: ObstacleSpec, truth: Truth, *, skip_row: int | None
) -> ObstacleReading | None:
    """What the ball meets first in the scene as last updated; None when its way is free.

    Args:
        scene: the world, showing `truth`.
        spec: the detector and its mount.
        truth: the state; row 0 carries the detector.
        skip_row: actor that the ball passes through, or None.
    """
    pose = mounted(spec, ego_pose(truth.actors))
    offset = spec.hit_radius_m * _disc()
    front = np.sqrt(np.maximum(spec.hit_radius_m**2 - (offset**2).sum(axis=1), 0.0))
    origin = pose.position + offset @ pose.rotation[:, 1:].T
    direction = np.broadcast_to(pose.rotation[:, 0], origin.shape)
    mask = scene.ray_mask(skip_row)
    if spec.only_dynamics:
        mask = MOVING
    hits = cast(scene.address, mask, origin, direction, spec.distance_m + front)
    way = np.where(hits.slot >= 0, hits.along - front, np.inf)
    first = int(np.argmin(way))
    if not np.isfinite(way[first]):
        return None
    other = int(scene.tables.actor_id[hits.slot[first]])
    return ObstacleReading(other, max(0.0, float(way[first])))


def _disc() -> Float64[np.ndarray, "ray 2"]:
    """Points of the unit disc: its centre and evenly spaced rings, each denser than the last."""
    points = [np.zeros((1, 2))]
    for ring in range(1, _RINGS + 1):
        turn = 2.0 * np.pi * np.arange(_PER_RING * ring) / (_PER_RING * ring)
        points.append(ring / _RINGS * np.stack([np.cos(turn), np.sin(turn)], axis=1))
    return np.concatenate(points)
