"""The gallery: one HTML page of pictures, which needs nothing but itself."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
import simplejpeg
from jaxtyping import Float, Float32, UInt8, UInt16

from symdrive.core.errors import UserError
from symdrive.core.semantics import SemanticClass
from symdrive.world.observation import RadarPoints
from symdrive.world.specs import RadarSpec

Picture = UInt8[np.ndarray, "height width 3"]

QUALITY = 85
SHOWN_DEPTH_M = 80.0
GROUND = (16, 20, 28)

# Colours that CARLA's documentation gives the classes ("Semantic segmentation camera").
_PALETTE = {
    SemanticClass.ROAD: (128, 64, 128),
    SemanticClass.SIDEWALK: (244, 35, 232),
    SemanticClass.BUILDING: (70, 70, 70),
    SemanticClass.WALL: (102, 102, 156),
    SemanticClass.FENCE: (190, 153, 153),
    SemanticClass.POLE: (153, 153, 153),
    SemanticClass.TRAFFIC_LIGHT: (250, 170, 30),
    SemanticClass.TRAFFIC_SIGN: (220, 220, 0),
    SemanticClass.VEGETATION: (107, 142, 35),
    SemanticClass.TERRAIN: (152, 251, 152),
    SemanticClass.SKY: (70, 130, 180),
    SemanticClass.PEDESTRIAN: (220, 20, 60),
    SemanticClass.RIDER: (255, 0, 0),
    SemanticClass.CAR: (0, 0, 142),
    SemanticClass.TRUCK: (0, 0, 70),
    SemanticClass.BUS: (0, 60, 100),
    SemanticClass.MOTORCYCLE: (0, 0, 230),
    SemanticClass.BICYCLE: (119, 11, 32),
    SemanticClass.STATIC: (110, 190, 160),
    SemanticClass.DYNAMIC: (170, 120, 50),
    SemanticClass.ROAD_LINE: (157, 234, 50),
    SemanticClass.GROUND: (81, 0, 81),
}


@dataclass(frozen=True)
class Tile:
    """A picture with its name.

    Attributes:
        title: below it.
        picture: RGB.
    """

    title: str
    picture: Picture


@dataclass(frozen=True)
class Section:
    """Pictures that belong together.

    Attributes:
        title: headline.
        note: one or two sentences below it.
        tiles: in order.
        columns: side by side on a wide screen.
    """

    title: str
    note: str
    tiles: Sequence[Tile]
    columns: int


def write_gallery(path: Path, title: str, lead: str, sections: Sequence[Section]) -> Path:
    """Write the page.

    Args:
        path: of the page.
        title: of the page.
        lead: the sentence below it.
        sections: in order.

    Raises:
        UserError: when the file cannot be written.
    """
    files = resources.files("symdrive.report").joinpath("templates")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(files.joinpath("gallery.html.j2").read_text("utf-8"))
    style = files.joinpath("style.css").read_text("utf-8")
    shown = [
        {
            "title": section.title,
            "note": section.note,
            "columns": section.columns,
            "tiles": [{"title": t.title, "source": _source(t.picture)} for t in section.tiles],
        }
        for section in sections
    ]
    text = template.render(style=style, title=title, lead=lead, sections=shown)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; name another --out.") from error
    return part.replace(path)


def _source(picture: Picture) -> str:
    """A picture as the address of an `img`."""
    data = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), QUALITY, colorsubsampling="444")
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def class_picture(semantic: UInt8[np.ndarray, "height width"]) -> Picture:
    """A class plane in CARLA's colours."""
    table = np.zeros((256, 3), dtype=np.uint8)
    for kind, color in _PALETTE.items():
        table[kind] = color
    return table[semantic]


def instance_picture(instance: UInt16[np.ndarray, "height width"]) -> Picture:
    """An instance plane, a colour for each actor and dark for the town."""
    mixed = instance.astype(np.uint32) * np.uint32(2654435761)
    color = np.stack([mixed >> np.uint32(shift) for shift in (24, 16, 8)], axis=-1) & 0xFF
    bright = (96 + color * 5 // 8).astype(np.uint8)
    return np.where((instance > 0)[..., None], bright, np.array(GROUND, dtype=np.uint8))


def depth_picture(depth_m: Float32[np.ndarray, "height width"]) -> Picture:
    """A depth plane, near is bright, by the logarithm as CARLA shows it."""
    share = np.log(np.clip(depth_m, 1.0, SHOWN_DEPTH_M)) / np.log(SHOWN_DEPTH_M)
    grey = np.rint(255.0 * (1.0 - share)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def points_picture(
    points: Float32[np.ndarray, "point 4"], size: int = 480, reach_m: float = 40.0
) -> Picture:
    """A LiDAR cloud (ego frame, m) from above, the car in the middle and driving up."""
    height = np.clip((points[:, 2] + 0.5) / 5.0, 0.0, 1.0)[:, None]
    low, high = np.array([70.0, 130.0, 230.0]), np.array([255.0, 214.0, 96.0])
    return _from_above(points[:, :2], low + (high - low) * height, size, reach_m, spread=1)


def radar_picture(
    radars: Sequence[tuple[RadarSpec, RadarPoints]], size: int = 480, reach_m: float = 80.0
) -> Picture:
    """Detections of all radars from above; coming is red, going is blue."""
    places: list[Float[np.ndarray, "n 2"]] = [np.zeros((0, 2))]
    speeds: list[Float[np.ndarray, " n"]] = [np.zeros(0)]
    for spec, points in radars:
        angle = points[:, 0] + spec.yaw
        level = points[:, 2] * np.cos(points[:, 1])
        toward = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        places.append(np.array(spec.position[:2]) + level[:, None] * toward)
        speeds.append(points[:, 3])
    share = np.clip(np.concatenate(speeds) / 12.0, -1.0, 1.0)[:, None]
    still, coming, going = (
        np.array(c, float) for c in ((210, 214, 220), (255, 70, 60), (80, 140, 255))
    )
    color = still + np.where(share < 0, (coming - still) * -share, (going - still) * share)
    return _from_above(np.concatenate(places), color, size, reach_m, spread=3)


def _from_above(
    xy: Float[np.ndarray, "n 2"],
    color: Float[np.ndarray, "n 3"],
    size: int,
    reach_m: float,
    *,
    spread: int,
) -> Picture:
    """Dots on dark ground, with the car and circles every ten metres."""
    picture = np.full((size, size, 3), GROUND, dtype=np.uint8)
    scale = size / (2.0 * reach_m)
    y, x = np.mgrid[0:size, 0:size]
    away = np.hypot(x - size / 2, y - size / 2) / scale
    picture[(away % 10.0 < 1.0 / scale) & (away > 5.0)] = (44, 52, 66)
    picture[(abs(x - size / 2) < 1.0 * scale) & (abs(y - size / 2) < 2.4 * scale)] = (90, 100, 116)
    rows = np.rint(size / 2 - xy[:, 0] * scale).astype(np.int64)
    columns = np.rint(size / 2 - xy[:, 1] * scale).astype(np.int64)
    for down in range(spread):
        for right in range(spread):
            r, c = rows + down, columns + right
            kept = (r >= 0) & (r < size) & (c >= 0) & (c < size)
            picture[r[kept], c[kept]] = color[kept].astype(np.uint8)
    return picture
