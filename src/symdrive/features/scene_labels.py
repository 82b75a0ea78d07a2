"""Labels of the heads: boxes, bird's-eye view, semantic and depth pictures.

Filters, classes and drawing rules: kesai-labs/lead 4489176, `carla_dataset_utils.py` and
`carla_dataset.py`. All vectors are in the frame of the view (x forward, y left).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from symdrive.core.errors import UserError
from symdrive.core.geometry import box_corners, to_local, wrap_angle
from symdrive.core.semantics import SemanticClass
from symdrive.features.concerns import Concern
from symdrive.features.config import FeatureConfig, View
from symdrive.features.inputs import ViewPose
from symdrive.features.label_kernel import WORDS, highest_ranks
from symdrive.features.radar import padded_objects
from symdrive.maps.raster import TownRaster
from symdrive.model.config import BEV_CLASSES, BOX_CLASSES, SEMANTIC_CLASSES, BevGrid
from symdrive.record import codec
from symdrive.record.frame import StoredDepth, StoredLabels
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


_EVERY_BYTE = np.arange(256, dtype=np.uint8)

_BEV_OF_BOX = np.array([BEV_CLASSES.index(name) for name in BOX_CLASSES])
"""Class in the bird's-eye view of each box class."""

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


@dataclass(frozen=True)
class SeenMoment:
    """A moment as one view has it.

    Attributes:
        moment: of the world.
        view: pose of the rig.
        xy: centre of each actor in the frame of the view, m.
        yaw: heading of each actor there, rad.
        kind: index into `BOX_CLASSES` of each actor.
        shown: which actors the sensors showed.
    """

    moment: Moment
    view: ViewPose
    xy: Float[np.ndarray, "actor 2"]
    yaw: Float[np.ndarray, " actor"]
    kind: Int[np.ndarray, " actor"]
    shown: Bool[np.ndarray, " actor"]

    @classmethod
    def of(cls, moment: Moment, config: FeatureConfig, view: ViewPose) -> "SeenMoment":
        """What boxes, bird's-eye view and radar objects start from."""
        actors = moment.actors
        xy, yaw = _seen_from(actors.position[:, :2], actors.yaw, actors, view)
        return cls(moment, view, xy, yaw, _box_class(actors), shown(moment, config))


def boxes(seen: SeenMoment, config: FeatureConfig) -> Float32[np.ndarray, "box 7"]:
    """Boxes that the sensors showed: x, y, half length, half width, yaw, speed, class.

    The farthest comes first, so that of two centres in one cell the nearer is learnt; no more than
    `max_boxes`.
    """
    moment, kept = seen.moment, seen.shown
    actors = moment.actors
    table = np.empty((int(kept.sum()), 7))
    table[:, :2], table[:, 2:4] = seen.xy[kept], actors.half_extent[kept, :2]
    table[:, 4], table[:, 5], table[:, 6] = seen.yaw[kept], actors.speed[kept], seen.kind[kept]
    lines = [(concern, "red_light") for concern in moment.light if moment.is_held]
    if moment.stop_sign is not None:
        lines.append((moment.stop_sign, "stop_sign"))
    if lines:
        extra = [_line_row(one, BOX_CLASSES.index(name), seen) for one, name in lines]
        table = np.concatenate([table, np.array(extra)])
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
    seen: SeenMoment, config: FeatureConfig
) -> Float32[np.ndarray, "object 4"] | None:
    """Objects that the radar met: x, y, speed, 1; rows of zeros fill them up.

    The fastest come first, of equally fast ones the rarer classes (`_RADAR_RANK`), then those with
    more returns; what stands is met, too. None for features without radar.
    """
    radar, points = config.radar, seen.moment.radar_points
    if radar is None or points is None:
        return None
    speed = np.abs(seen.moment.actors.speed)
    met = (points >= 1) & _inside(seen.xy, config.bev)
    met[0] = False
    order = np.lexsort((-points, _RADAR_RANK[seen.kind], -speed))
    order = order[met[order]]
    return padded_objects(np.column_stack([seen.xy, speed])[order], radar)


def bev_semantic(
    seen: SeenMoment, raster: TownRaster, config: FeatureConfig
) -> UInt8[np.ndarray, "rows cols"]:
    """Road, lines, stop lines and actors from above, in the frame of the view."""
    grid, moment, view = config.bev, seen.moment, seen.view
    ego, yaw = moment.actors.position[0, :2], float(moment.actors.yaw[0])
    canvas = raster.crop(
        ego + view.lateral_m * np.array([-math.sin(yaw), math.cos(yaw)]),
        yaw + view.yaw,
        x_min=grid.x_min,
        x_max=grid.x_max,
        y_min=grid.y_min,
        y_max=grid.y_max,
        px_per_m=grid.px_per_m,
    )
    if moment.stop_sign is not None:
        _fill(canvas, _strip(moment.stop_sign, seen), [BEV_CLASSES.index("stop_sign")], grid)
    if moment.light and moment.light_state != SignalState.OFF:
        value = BEV_CLASSES.index("red_light" if moment.is_held else "green_light")
        for concern in moment.light:
            _fill(canvas, _strip(concern, seen), [value], grid)
    # Class by class: where two overlap, the later one of `BOX_CLASSES` is seen.
    kept = np.flatnonzero(seen.shown)
    kept = kept[np.argsort(seen.kind[kept], kind="stable")]
    _fill(canvas, _outlines(seen, kept), _BEV_OF_BOX[seen.kind[kept]].tolist(), grid)
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
        plane = _semantic_plane(labels, view)
        piece = np.ascontiguousarray(plane[view.top : view.bottom, view.left : view.right])
        pieces.append(_coarser(piece, view.shrink * config.label_stride))
    return np.asarray(cv2.LUT(np.concatenate(pieces, axis=1), _RANK_TO_CLASS), dtype=np.uint8)


def _coarser(tags: np.ndarray, k: int) -> UInt8[np.ndarray, "height width"]:
    """The highest rank of each square of k by k tags."""
    if k in WORDS and tags.shape[1] % k == 0:
        found = np.empty((tags.shape[0] // k, tags.shape[1] // k), dtype=np.uint8)
        highest_ranks(tags.view(WORDS[k]), _TAG_TO_RANK, found)
        return found
    ranks = np.asarray(cv2.LUT(tags, _TAG_TO_RANK))
    lines = ranks[0::k]
    for i in range(1, k):  # strided maxima, which numpy does fast
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
        stored = labels.get(view.camera)
        plane = _recorded(None if stored is None else stored.depth, view, "depth")
        divisor = round(_semantic_plane(labels, view).shape[1] / plane.steps.shape[1])
        rows = slice(view.top // divisor, view.bottom // divisor)
        piece = plane.steps[rows, view.left // divisor : view.right // divisor]
        height, width = (side // config.label_stride for side in view.size)
        if piece.shape == (height, width):
            table = _depth_steps(codec.bytes_to_depth(_EVERY_BYTE, plane.max_m))
            pieces.append(np.asarray(cv2.LUT(np.ascontiguousarray(piece), table)))
        else:
            metres = codec.bytes_to_depth(piece, plane.max_m)
            size = (width, height)
            metres = np.asarray(cv2.resize(metres, size, interpolation=cv2.INTER_AREA))
            pieces.append(_depth_steps(metres))
    return np.concatenate(pieces, axis=1)


def _depth_steps(metres: np.ndarray) -> np.ndarray:
    """Metres as whole steps, in bytes."""
    return np.rint(metres / DEPTH_STEP_M).clip(0, 255).astype(np.uint8)


def _semantic_plane(labels: Mapping[str, StoredLabels], view: View) -> np.ndarray:
    """Tags of one camera."""
    stored = labels.get(view.camera)
    return _recorded(None if stored is None else stored.semantic, view, "semantic")


Plane = TypeVar("Plane", np.ndarray, StoredDepth)


def _recorded(plane: Plane | None, view: View, name: str) -> Plane:
    """A label plane, or a word about how to record it."""
    if plane is None:
        raise UserError(
            f"no {name} plane of camera {view.camera!r} was recorded; record training runs with"
            " semantic and depth planes."
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


def _line_row(concern: Concern, kind: int, seen: SeenMoment) -> list[float]:
    """A stop line as a box."""
    xy, yaw = _line_pose(concern, seen)
    x, y, heading = float(xy[0, 0]), float(xy[0, 1]), float(yaw[0])
    return [x, y, LINE_HALF_M, LINE_HALF_M, heading, 0.0, float(kind)]


def _strip(concern: Concern, seen: SeenMoment) -> Float[np.ndarray, "1 4 2"]:
    """A stop line as a strip across its lane."""
    xy, yaw = _line_pose(concern, seen)
    return box_corners(xy, yaw, np.array([[LINE_HALF_M, concern.width_m / 2.0]]))


def _line_pose(
    concern: Concern, seen: SeenMoment
) -> tuple[Float[np.ndarray, "1 2"], Float[np.ndarray, " 1"]]:
    """Centre and heading of a stop line in the frame of the view."""
    center, yaw = concern.center[None], np.array([concern.yaw])
    return _seen_from(center, yaw, seen.moment.actors, seen.view)


def _outlines(seen: SeenMoment, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 4 2"]:
    """Footprints of some actors; those of people and bikes larger than they are."""
    kind = seen.moment.actors.kind[rows]
    soft = ((kind == ActorKind.PEDESTRIAN) | (kind == ActorKind.BICYCLE))[:, None]
    half = seen.moment.actors.half_extent[rows, :2]
    half = np.where(soft, np.maximum(half, SOFT_MIN_M) * SOFT_SCALE, half)
    return box_corners(seen.xy[rows], seen.yaw[rows], half)


def _fill(
    canvas: UInt8[np.ndarray, "rows cols"],
    polygons: Float[np.ndarray, "polygon corner 2"],
    values: Sequence[int],
    grid: BevGrid,
) -> None:
    """Draw polygons, one value each; whole coordinates are pixel centres."""
    col = (polygons[..., 0] - grid.x_min) * grid.px_per_m - 0.5
    row = (grid.y_max - polygons[..., 1]) * grid.px_per_m - 0.5
    points = np.rint(np.stack([col, row], axis=-1) * (1 << _SHIFT)).astype(np.int32)
    for outline, value in zip(points, values, strict=True):
        cv2.fillConvexPoly(canvas, outline, value, cv2.LINE_8, _SHIFT)
