"""How far the learner sees into the junction ahead, from the labels of its cameras.

Source: kesai-labs/lead 4489176, `expert_utils.py` (occlusion score of a camera) and `expert.py`
(used within 20 m of a junction; a score below 0.2 means that the view is blocked).
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from symdrive.core.semantics import SemanticClass
from symdrive.maps.route import Route
from symdrive.maps.town import Town
from symdrive.world.evidence import CameraLabels
from symdrive.world.rig import CameraSpec, Rig

APPROACH_M = 20.0
BLOCKED_SCORE = 0.2
NEAR_M, FAR_M = 6.0, 48.0
TOP_M = 1.0
STRIDE = 3
"""Every third row and column: a ninth of the pixels gives the score to about 0.01."""

_OPEN_VIEW = np.zeros(256, dtype=bool)
_OPEN_VIEW[
    [
        SemanticClass.ROAD,
        SemanticClass.SIDEWALK,
        SemanticClass.PEDESTRIAN,
        SemanticClass.RIDER,
        SemanticClass.CAR,
        SemanticClass.TRUCK,
        SemanticClass.BUS,
        SemanticClass.MOTORCYCLE,
        SemanticClass.BICYCLE,
        SemanticClass.ROAD_LINE,
    ]
] = True


def junction_is_occluded(
    position: Float[np.ndarray, " 2"],
    town: Town,
    route: Route,
    rig: Rig,
    labels: Mapping[str, CameraLabels],
) -> bool:
    """Whether a camera looks at a wall while a junction is close ahead.

    Args:
        position: of the ego, world frame, m.
        town: the road network.
        route: the route being driven.
        rig: mounts of the cameras.
        labels: by camera name; cameras without labels do not count.
    """
    if not 0.0 < distance_to_junction(position, town, route) < APPROACH_M:
        return False
    scores = [view_score(c, labels[c.name]) for c in rig.cameras if c.name in labels]
    return bool(scores) and min(scores) < BLOCKED_SCORE


def distance_to_junction(position: Float[np.ndarray, " 2"], town: Town, route: Route) -> float:
    """Metres along the route to the next junction; 0 inside one, infinity without one."""
    gap = route.points[:, :2] - position
    here = int(np.argmin(np.einsum("nd,nd->n", gap, gap)))
    lane = route.lane[here:]
    ahead = (lane >= 0) & (town.lanes.junction[lane] >= 0)
    first = int(np.argmax(ahead))
    if not ahead[first]:
        return float("inf")
    return float(route.s_m[here + first] - route.s_m[here])


def view_score(camera: CameraSpec, labels: CameraLabels) -> float:
    """0 for a wall before the lens, towards 1 for an open street.

    The 90 % quantile of the range of road-like surface below 1 m height, over 48 m, times its share
    of everything below that height; 0 when nothing lies between 6 and 48 m.
    """
    depth = labels.depth_m[::STRIDE, ::STRIDE]
    rays = _rays(camera)
    height = camera.position[2] + depth * rays[..., 2]
    distance = np.hypot(
        camera.position[0] + depth * rays[..., 0], camera.position[1] + depth * rays[..., 1]
    )
    low = (height < TOP_M) & (distance > NEAR_M) & (distance < FAR_M)
    is_open = low & _OPEN_VIEW[labels.semantic[::STRIDE, ::STRIDE]]
    count = int(np.count_nonzero(is_open))
    if count == 0:
        return 0.0
    reach = float(np.quantile(distance[is_open], 0.9))
    return reach / FAR_M * count / int(np.count_nonzero(low))


@lru_cache(maxsize=32)
def _rays(camera: CameraSpec) -> Float[np.ndarray, "rows cols 3"]:
    """Ego-frame direction of each sampled pixel, scaled to a depth of 1 m."""
    cols = (np.arange(0, camera.width, STRIDE) + 0.5 - camera.width / 2) / camera.focal_px
    rows = (np.arange(0, camera.height, STRIDE) + 0.5 - camera.height / 2) / camera.focal_px
    left, up = np.meshgrid(-cols, -rows)
    cos_p, sin_p = np.cos(camera.pitch), np.sin(camera.pitch)
    forward, z = cos_p - sin_p * up, sin_p + cos_p * up
    cos_y, sin_y = np.cos(camera.yaw), np.sin(camera.yaw)
    rays = np.stack([cos_y * forward - sin_y * left, sin_y * forward + cos_y * left, z], axis=-1)
    rays.flags.writeable = False
    return rays.astype(np.float32)
