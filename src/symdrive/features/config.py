"""How observations become tensors, as one frozen value with a digest; presets at the end."""

from dataclasses import dataclass, field, replace

from symdrive.core import config
from symdrive.core.config import later
from symdrive.model.config import BevGrid, Size


@dataclass(frozen=True)
class View:
    """A piece of one camera picture and its size in the stitched picture.

    Pictures are made smaller by whole numbers only, by the mean over squares, so that the result
    does not depend on a resampling library.

    Attributes:
        camera: name of the camera in the rig.
        top: first row.
        bottom: row after the last.
        left: first column.
        right: column after the last.
        shrink: side of the square that becomes one pixel.
    """

    camera: str
    top: int
    bottom: int
    left: int
    right: int
    shrink: int = 1

    def __post_init__(self) -> None:
        """A piece has an inside that divides evenly."""
        height, width = self.bottom - self.top, self.right - self.left
        if self.top < 0 or self.left < 0 or height < 1 or width < 1 or self.shrink < 1:
            raise ValueError(f"empty or negative piece of camera {self.camera!r}: {self}")
        if height % self.shrink or width % self.shrink:
            raise ValueError(
                f"{height}x{width} pixels of camera {self.camera!r} do not divide by {self.shrink}"
            )

    @property
    def size(self) -> Size:
        """Height and width in the stitched picture."""
        return (self.bottom - self.top) // self.shrink, (self.right - self.left) // self.shrink


@dataclass(frozen=True)
class NavigationConfig:
    """How target points are taken from the sparse plan.

    Source of the rule: kesai-labs/lead 4489176, `common/route_planner.py` (3.25 m in its data, 5 m
    when driving); here one value for both, because the dataset replays the navigator.

    Attributes:
        reach_m: a point closer than this has been reached.
        passed_m: a point this close counts as reached, too, once the car is past it; 0 to switch
            this off. It keeps a missed point from staying behind the car for good.
        horizon_m: only points within this length of plan are looked at.
        position_gain: share of each GNSS reading in the position estimate, after the first ones;
            the rest comes from speed and compass. 1 uses the readings as they are.
        tick_s: time between two steps.
    """

    reach_m: float = 3.25
    passed_m: float = 0.0
    horizon_m: float = 50.0
    position_gain: float = 1.0
    tick_s: float = 0.05

    def __post_init__(self) -> None:
        """Distances and shares as they must be."""
        if self.reach_m <= 0 or self.passed_m < 0 or self.horizon_m <= 0 or self.tick_s <= 0:
            raise ValueError(f"distances and times are above zero: {self}")
        if not 0.0 < self.position_gain <= 1.0:
            raise ValueError(f"position_gain is {self.position_gain}; in (0, 1]")


@dataclass(frozen=True)
class RadarFeatures:
    """Which radars are read, and how much of them.

    Attributes:
        sensors: names in the rig; their places are the numbers that the network knows them by.
        points: detections of each that are handed on, the first ones of a reading.
        objects: most objects of a label.
    """

    sensors: tuple[str, ...]
    points: int = 75
    objects: int = 20

    def __post_init__(self) -> None:
        """Something is read and something is learnt."""
        if not self.sensors or len(set(self.sensors)) != len(self.sensors):
            raise ValueError(f"name each radar once, and at least one: {self.sensors}")
        if self.points < 1 or self.objects < 1:
            raise ValueError(f"points and objects are at least 1: {self}")


@dataclass(frozen=True)
class FeatureConfig:
    """One path from observation to tensors.

    Attributes:
        views: pieces of pictures, side by side, from left to right.
        bev: geometry of the LiDAR raster and of its labels.
        lidar_slices: lowest and highest z of each raster channel, m.
        lidar_clip: counts above it are cut.
        ego_half_extent: returns from the own car within this box are dropped, m.
        jpeg_quality: of the round trip that a live picture makes, as recorded ones did.
        navigation: target points.
        label_stride: stitched pixels per semantic and depth label pixel.
        max_boxes: boxes of a label, nearest first.
        box_pixels: fewest visible pixels that show a pedestrian, a parked car, a vehicle.
        box_points: fewest LiDAR returns that show them; one of the two counts is enough.
        box_reach_z_m: boxes farther above or below the ego are left out.
        light_reach_m: how far ahead along the route a light or stop sign is the ego's concern.
        frame: axes of every vector.
        radar: which radars are read; None for none.
    """

    views: tuple[View, ...]
    bev: BevGrid
    lidar_slices: tuple[tuple[float, float], ...]
    lidar_clip: int = 5
    ego_half_extent: tuple[float, float] = (2.45, 1.06)
    jpeg_quality: int = 90
    navigation: NavigationConfig = field(default_factory=NavigationConfig)
    label_stride: int = 1
    max_boxes: int = 32
    box_pixels: tuple[int, int, int] = (15, 5, 1)
    box_points: tuple[int, int, int] = (5, 3, 1)
    box_reach_z_m: float = 4.0
    light_reach_m: float = 40.0
    frame: str = "iso8855"
    radar: RadarFeatures | None = later(None)

    def __post_init__(self) -> None:
        """Pieces fit together, slices have an inside."""
        if not self.views or len({view.size[0] for view in self.views}) != 1:
            raise ValueError("views must be given and of one height to stand side by side")
        if any(side % self.label_stride for view in self.views for side in view.size):
            raise ValueError(f"label_stride {self.label_stride} must divide every view")
        if not self.lidar_slices or any(low >= high for low, high in self.lidar_slices):
            raise ValueError(f"lidar_slices need low < high: {self.lidar_slices}")
        if not 1 <= self.lidar_clip <= 255:
            raise ValueError(f"lidar_clip is {self.lidar_clip}; from 1 to 255")
        if self.frame != "iso8855":
            raise ValueError(f"frame is {self.frame!r}; only 'iso8855' (y left) is known")

    @property
    def image_size(self) -> Size:
        """Height and width of the stitched picture."""
        return self.views[0].size[0], sum(view.size[1] for view in self.views)

    @property
    def label_size(self) -> Size:
        """Height and width of its labels."""
        height, width = self.image_size
        return height // self.label_stride, width // self.label_stride

    @property
    def digest(self) -> str:
        """Names the features; stored in checkpoints."""
        return config.digest(self)


OFFICIAL = FeatureConfig(
    views=tuple(View(camera, 0, 384, 0, 384) for camera in ("left", "front", "right")),
    bev=BevGrid(),
    lidar_slices=((-4.0, 10.0),),
    max_boxes=90,
)
"""TransFuser's stitched picture and raster, for the `lead3` rig (one slice from 4 m below to 10 m
above the road; kesai-labs/lead 4489176, `config_base.py`)."""

OFFICIAL_RADAR = RadarFeatures(
    ("radar_front_left", "radar_front_right", "radar_rear_right", "radar_rear_left")
)
"""TransFuser's four radars, numbered as there (`config_base.py`)."""

OFFICIAL_WITH_RADAR = replace(OFFICIAL, radar=OFFICIAL_RADAR)

NANO = FeatureConfig(
    views=(
        View("left", 0, 64, 0, 64),
        View("front", 0, 64, 0, 192),
        View("right", 0, 64, 0, 96),
        View("road", 0, 64, 0, 96),
    ),
    bev=BevGrid(-16.0, 48.0, -32.0, 32.0, 1.0),
    lidar_slices=((-0.5, -0.06), (-0.06, 0.08), (0.08, 0.3), (0.3, 3.0)),
    navigation=NavigationConfig(reach_m=4.0, passed_m=8.0, position_gain=0.04),
    label_stride=4,
)
"""For the `nano` rig, whose pictures are taken whole: side by side they are 64 x 448. The slices
tell verge, road, sidewalk and obstacles apart."""
