"""Labels of the heads: boxes, bird's-eye view, semantic and depth pictures.

Filters, classes and drawing rules: kesai-labs/lead 4489176, `carla_dataset_utils.py` and
`carla_dataset.py`. All vectors are in the frame of the view (x forward, y left).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from symdrive.core.errors import UserError
from symdrive.core.geometry import box_corners, to_local, wrap_angle
from symdrive.core.semantics import SemanticClass
from symdrive.features.concerns import Concern
from symdrive.features.config import FeatureConfig, View
from symdrive.features.inputs import ViewPose
from symdrive.features.radar import padded_objects
from symdrive.maps.raster import TownRaster
from symdrive.model.config import BEV_CLASSES, BOX_CLASSES, SEMANTIC_CLASSES, BevGrid
from symdrive.record.frame import StoredLabels
from symdrive.world.catalogue import ActorKind
from symdrive.world.truth import Actors, SignalState

DEPTH_STEP_M = 0.2
"""Unit of depth labels, which are bytes: 51 m at most."""

LINE_HALF_M = 1.5
"""Half length of the box and of the strip that stand for a stop line."""

SOFT_SCALE, SOFT_MIN_M = 2.5, 0.4
"""Walkers and bikers are drawn larger in the bird's-eye view, to be more than a pixel."""

_SHIFT = 4  # fractional bits of the coordinates that OpenCV's drawing takes

_SEMANTIC: Mapping[SemanticClass, str] = {
    SemanticClass.ROAD: "road",
    SemanticClass.ROAD_LINE: "road_line",
    SemanticClass.TRAFFIC_LIGHT: "traffic_light",
    SemanticClass.TRAFFIC_SIGN: "stop_sign",
    SemanticClass.PEDESTRIAN: "pedestrian",
    SemanticClass.RIDER: "biker",
    SemanticClass.BICYCLE: "biker",
    SemanticClass.CAR: "vehicle",
    SemanticClass.TRUCK: "vehicle",
    SemanticClass.BUS: "vehicle",
    SemanticClass.TRAIN: "vehicle",
    SemanticClass.MOTORCYCLE: "vehicle",
    SemanticClass.DYNAMIC: "obstacle",
}
"""All other classes are unlabeled."""

_RANK = (
    "unlabeled",
    "road",
    "road_line",
    "vehicle",
    "special_vehicle",
    "obstacle",
    "stop_sign",
    "biker",
    "pedestrian",
    "traffic_light",
)
"""Which class a label pixel takes of those that it covers: the last of them. Small and important
things survive being made smaller."""


def _tables() -> tuple[UInt8[np.ndarray, " tag"], UInt8[np.ndarray, " rank"]]:
    """CARLA tag to rank, and rank to class; of 256 entries, as OpenCV's look-up wants them."""
    to_rank = np.zeros(256, dtype=np.uint8)
    for tag, name in _SEMANTIC.items():
        to_rank[int(tag)] = _RANK.index(name)
    to_class = np.zeros(256, dtype=np.uint8)
    to_class[: len(_RANK)] = [SEMANTIC_CLASSES.index(name) for name in _RANK]
    return to_rank, to_class


_TAG_TO_RANK, _RANK_TO_CLASS = _tables()


_RADAR_ORDER = ("special_vehicle", "vehicle", "biker", "walker", "obstacle", "parked_vehicle")
_RADAR_RANK = np.array(
    [_RADAR_ORDER.index(n) if n in _RADAR_ORDER else len(_RADAR_ORDER) for n in BOX_CLASSES]
)
"""Place of each box class among equally fast radar objects."""


@dataclass(frozen=True)
class Moment:
    """What is so around the ego at one tick.

    Attributes:
        actors: all, row 0 the ego.
        pixels: visible pixels of each, -1 without cameras; None where not measured.
        lidar_points: returns on each, -1 without LiDAR; None where not measured.
        light: stop lines of the next light, with its state.
        light_state: `SignalState`.
        stop_sign: the next one not yet obeyed.
        radar_points: returns on each actor; None where they are not asked for.
    """

    actors: Actors
    pixels: Int[np.ndarray, " actor"] | None
    lidar_points: Int[np.ndarray, " actor"] | None
    light: Sequence[Concern]
    light_state: int
    stop_sign: Concern | None
    radar_points: Int[np.ndarray, " actor"] | None = None

    @property
    def is_held(self) -> bool:
        """Whether the light asks to stop."""
        return self.light_state in (SignalState.RED, SignalState.YELLOW)


def boxes(moment: Moment, config: FeatureConfig, view: ViewPose) -> Float32[np.ndarray, "box 7"]:
    """Boxes that the sensors showed: x, y, half length, half width, yaw, speed, class.

    The farthest comes first, so that of two centres in one cell the nearer is learnt; no more than
    `max_boxes`.
    """
    actors, kept = moment.actors, shown(moment, config)
    xy, yaw = _seen_from(actors.position[:, :2], actors.yaw, actors, view)
    kind = _box_class(actors)
    table = np.column_stack([xy, actors.half_extent[:, :2], yaw, actors.speed, kind])[kept]
    lines = [(concern, "red_light") for concern in moment.light if moment.is_held]
    if moment.stop_sign is not None:
        lines.append((moment.stop_sign, "stop_sign"))
    extra = [_line_row(concern, BOX_CLASSES.index(name), actors, view) for concern, name in lines]
    table = np.concatenate([table, np.array(extra).reshape(-1, 7)])
    table = table[_inside(table[:, :2], config.bev)]
    order = np.argsort(-np.hypot(table[:, 0], table[:, 1]), kind="stable")
    return table[order][-config.max_boxes :].astype(np.float32)


def shown(moment: Moment, config: FeatureConfig) -> Bool[np.ndarray, " actor"]:
    """Which actors enough pixels or LiDAR returns show; never the ego itself.

    A sensor that is not mounted shows nothing and hides nothing.
    """
    actors = moment.actors
    walker = actors.kind == ActorKind.PEDESTRIAN
    need_pixels, need_points = (
        np.where(walker, need[0], np.where(actors.parked, need[1], need[2]))
        for need in (config.box_pixels, config.box_points)
    )
    seen = np.zeros(len(actors), dtype=bool)
    unknown = np.ones(len(actors), dtype=bool)
    for count, need in ((moment.pixels, need_pixels), (moment.lidar_points, need_points)):
        if count is not None:
            seen |= count >= need
            unknown &= count < 0
    rise = np.abs(actors.position[:, 2] - actors.position[0, 2])
    kept = (seen | unknown) & (rise < config.box_reach_z_m)
    kept[0] = False
    return kept


def radar_objects(
    moment: Moment, config: FeatureConfig, view: ViewPose
) -> Float32[np.ndarray, "object 4"] | None:
    """Objects that the radar met: x, y, speed, 1; rows of zeros fill them up.

    The fastest come first, of equally fast ones the rarer classes (`_RADAR_RANK`), then those with
    more returns; what stands is met, too. None for features without radar.
    """
    radar, points, actors = config.radar, moment.radar_points, moment.actors
    if radar is None or points is None:
        return None
    xy, _ = _seen_from(actors.position[:, :2], actors.yaw, actors, view)
    kind, speed = _box_class(actors), np.abs(actors.speed)
    met = (points >= 1) & _inside(xy, config.bev)
    met[0] = False
    order = np.lexsort((-points, _RADAR_RANK[kind], -speed))
    order = order[met[order]]
    return padded_objects(np.column_stack([xy, speed])[order], radar)


def bev_semantic(
    moment: Moment, raster: TownRaster, config: FeatureConfig, view: ViewPose
) -> UInt8[np.ndarray, "rows cols"]:
    """Road, lines, stop lines and actors from above, in the frame of the view."""
    grid, actors = config.bev, moment.actors
    ego, yaw = actors.position[0, :2], float(actors.yaw[0])
    cos, sin = np.cos(yaw), np.sin(yaw)
    center = ego + view.lateral_m * np.array([-sin, cos])
    canvas = raster.crop(
        center,
        yaw + view.yaw,
        x_min=grid.x_min,
        x_max=grid.x_max,
        y_min=grid.y_min,
        y_max=grid.y_max,
        px_per_m=grid.px_per_m,
    ).copy()
    if moment.stop_sign is not None:
        _fill(canvas, [_strip(moment.stop_sign, actors, view)], "stop_sign", grid)
    if moment.light and moment.light_state != SignalState.OFF:
        name = "red_light" if moment.is_held else "green_light"
        _fill(canvas, [_strip(concern, actors, view) for concern in moment.light], name, grid)
    kept = shown(moment, config)
    outlines = _outlines(actors, view)
    classes = _box_class(actors)
    for kind in np.unique(classes[kept]):
        chosen = outlines[kept & (classes == kind)]
        _fill(canvas, list(chosen), BOX_CLASSES[int(kind)], grid)
    return canvas


def semantic(
    labels: Mapping[str, StoredLabels], config: FeatureConfig
) -> UInt8[np.ndarray, "height width"]:
    """Class planes of the views side by side, at label resolution.

    Raises:
        UserError: where a plane was not recorded.
    """
    pieces: list[np.ndarray] = []
    for view in config.views:
        plane = _recorded(labels, view, "semantic")
        piece = np.ascontiguousarray(plane[view.top : view.bottom, view.left : view.right])
        pieces.append(_coarser(cv2.LUT(piece, _TAG_TO_RANK), view.shrink * config.label_stride))
    return np.asarray(cv2.LUT(np.concatenate(pieces, axis=1), _RANK_TO_CLASS), dtype=np.uint8)


def _coarser(ranks: np.ndarray, k: int) -> UInt8[np.ndarray, "height width"]:
    """The highest rank of each square of k by k; strided maxima, which numpy does fast."""
    lines = ranks[0::k]
    for i in range(1, k):
        lines = np.maximum(lines, ranks[i::k])
    found = lines[:, 0::k]
    for i in range(1, k):
        found = np.maximum(found, lines[:, i::k])
    return found


def depth(
    labels: Mapping[str, StoredLabels], config: FeatureConfig
) -> UInt8[np.ndarray, "height width"]:
    """Depth planes of the views side by side, at label resolution, in steps of 0.2 m.

    Raises:
        UserError: where a plane was not recorded.
    """
    pieces: list[np.ndarray] = []
    for view in config.views:
        plane = _recorded(labels, view, "depth_m")
        divisor = round(_recorded(labels, view, "semantic").shape[1] / plane.shape[1])
        rows = slice(view.top // divisor, view.bottom // divisor)
        piece = plane[rows, view.left // divisor : view.right // divisor]
        height, width = (side // config.label_stride for side in view.size)
        if piece.shape != (height, width):
            piece = np.asarray(cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA))
        pieces.append(piece)
    steps = np.rint(np.concatenate(pieces, axis=1) / DEPTH_STEP_M)
    return steps.clip(0, 255).astype(np.uint8)


def _recorded(labels: Mapping[str, StoredLabels], view: View, name: str) -> np.ndarray:
    """A label plane, or a word about how to record it."""
    found = labels.get(view.camera)
    plane = None if found is None else getattr(found, name)
    if plane is None:
        raise UserError(
            f"no {name.removesuffix('_m')} plane of camera {view.camera!r} was recorded; record"
            " training runs with semantic and depth planes."
        )
    return plane


def _box_class(actors: Actors) -> Int[np.ndarray, " actor"]:
    """Index into `BOX_CLASSES` of each actor."""
    name = {ActorKind.PEDESTRIAN: "walker", ActorKind.BICYCLE: "biker", ActorKind.PROP: "obstacle"}
    of_kind = np.array([BOX_CLASSES.index(name.get(kind, "vehicle")) for kind in ActorKind])
    found = of_kind[actors.kind]
    vehicle = found == BOX_CLASSES.index("vehicle")
    return np.where(vehicle & actors.parked, BOX_CLASSES.index("parked_vehicle"), found)


def _inside(xy: Float[np.ndarray, "n 2"], grid: BevGrid) -> Bool[np.ndarray, " n"]:
    """Which points the bird's-eye view holds."""
    x, y = xy[:, 0], xy[:, 1]
    return (x > grid.x_min) & (x < grid.x_max) & (y > grid.y_min) & (y < grid.y_max)


def _seen_from(
    xy: Float[np.ndarray, "n 2"], yaw: Float[np.ndarray, " n"], actors: Actors, view: ViewPose
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """World positions and headings in the frame of the view."""
    ego_yaw = float(actors.yaw[0])
    local = view.to_view(to_local(xy, actors.position[0, :2], ego_yaw))
    return local, wrap_angle(yaw - ego_yaw - view.yaw)


def _line_row(concern: Concern, kind: int, actors: Actors, view: ViewPose) -> list[float]:
    """A stop line as a box."""
    xy, yaw = _seen_from(concern.center[None], np.array([concern.yaw]), actors, view)
    x, y, heading = float(xy[0, 0]), float(xy[0, 1]), float(yaw[0])
    return [x, y, LINE_HALF_M, LINE_HALF_M, heading, 0.0, float(kind)]


def _strip(concern: Concern, actors: Actors, view: ViewPose) -> Float[np.ndarray, "4 2"]:
    """A stop line as a strip across its lane."""
    xy, yaw = _seen_from(concern.center[None], np.array([concern.yaw]), actors, view)
    return box_corners(xy, yaw, np.array([[LINE_HALF_M, concern.width_m / 2.0]]))[0]


def _outlines(actors: Actors, view: ViewPose) -> Float[np.ndarray, "actor 4 2"]:
    """Footprints; those of people and bikes larger than they are."""
    xy, yaw = _seen_from(actors.position[:, :2], actors.yaw, actors, view)
    kind = actors.kind
    soft = ((kind == ActorKind.PEDESTRIAN) | (kind == ActorKind.BICYCLE))[:, None]
    half = actors.half_extent[:, :2]
    half = np.where(soft, np.maximum(half, SOFT_MIN_M) * SOFT_SCALE, half)
    return box_corners(xy, yaw, half)


def _fill(
    canvas: UInt8[np.ndarray, "rows cols"],
    polygons: Sequence[Float[np.ndarray, "corner 2"]],
    name: str,
    grid: BevGrid,
) -> None:
    """Draw polygons of one class; whole coordinates are pixel centres."""
    value = BEV_CLASSES.index(name)
    for polygon in polygons:
        col = (polygon[:, 0] - grid.x_min) * grid.px_per_m - 0.5
        row = (grid.y_max - polygon[:, 1]) * grid.px_per_m - 0.5
        points = np.rint(np.column_stack([col, row]) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(canvas, points, value, cv2.LINE_8, _SHIFT)
