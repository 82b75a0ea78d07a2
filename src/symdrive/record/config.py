"""What a recorder keeps and how finely."""

from dataclasses import dataclass

from symdrive.core.config import later


@dataclass(frozen=True)
class RecordConfig:
    """Options of a run folder; stored in its `run.json`.

    Attributes:
        rgb: keep pictures.
        lidar: keep LiDAR points.
        jpeg_quality: of all pictures, 1 to 100.
        semantic: keep class planes at full resolution.
        instance: keep instance planes at full resolution.
        depth: keep depth planes.
        depth_divisor: a depth pixel is the average over a square of that many pixels.
        depth_max_m: depth that byte 255 stands for; farther is clipped.
        zstd_level: of planes, points and actor columns.
        ticks_per_batch: ticks that are written at once, and so the most that a kill can lose.
        radar: keep radar detections.
    """

    rgb: bool = True
    lidar: bool = True
    jpeg_quality: int = 90
    semantic: bool = True
    instance: bool = False
    depth: bool = True
    depth_divisor: int = 4
    depth_max_m: float = 50.0
    zstd_level: int = 1
    ticks_per_batch: int = 20
    radar: bool = later(True)

    def __post_init__(self) -> None:
        """Refuse what no file can hold."""
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality is {self.jpeg_quality}; from 1 to 100")
        if self.depth_divisor < 1 or self.depth_max_m <= 0:
            raise ValueError(
                f"depth_divisor is {self.depth_divisor} and depth_max_m {self.depth_max_m};"
                " both above zero"
            )
        if not 1 <= self.zstd_level <= 19:
            raise ValueError(f"zstd_level is {self.zstd_level}; from 1 to 19")
        if self.ticks_per_batch < 1:
            raise ValueError(f"ticks_per_batch is {self.ticks_per_batch}; at least 1")
