"""`symdrive show gallery`: every town, weather, body and sensor on one page."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from symdrive.cli.routes import RANDOM_LENGTH_M, Tour, random_tour
from symdrive.cli.screen import bar
from symdrive.core.semantics import SemanticClass
from symdrive.maps.open import list_towns
from symdrive.maps.town import LaneKind, Town
from symdrive.report.gallery import (
    Picture,
    Section,
    Tile,
    class_picture,
    depth_picture,
    instance_picture,
    points_picture,
    radar_picture,
    write_gallery,
)
from symdrive.sensors.bodies import PHASES
from symdrive.sensors.body_people import STRIDE_SHARE
from symdrive.sensors.camera import render_cameras
from symdrive.sensors.light import Look, sun_place
from symdrive.sensors.scene import Scene
from symdrive.sim.world import EmbeddedWorld
from symdrive.world.backend import Episode, TrafficConfig
from symdrive.world.catalogue import MODEL_ROW, MODELS, VEHICLE_KINDS, ActorKind
from symdrive.world.control import Control
from symdrive.world.rig import BLIND_RIG, LEAD_RIG, CameraSpec
from symdrive.world.truth import Actors, Truth, VehicleDoor, VehicleLight
from symdrive.world.weather import DEFAULT_WEATHER, Weather, named_weather

LEAD_IN_TICKS = 100
TRAFFIC = TrafficConfig(vehicles=60, pedestrians=30, parked=30)
SMOOTH = 2
STAGE = "birch"
"""Where weather, bodies and sensors are shown."""

WINDSCREEN = CameraSpec("windscreen", (0.4, 0.0, 2.0), 0.0, 480, 300, math.radians(75))
CHASE = CameraSpec(
    "chase", (-8.5, 0.0, 4.0), 0.0, 480, 300, math.radians(65), pitch=math.radians(-12)
)
ABOVE = CameraSpec(
    "above", (-40.0, 0.0, 42.0), 0.0, 480, 300, math.radians(60), pitch=math.radians(-38)
)
TOWN_VIEWS = {"driver": WINDSCREEN, "street": CHASE, "above": ABOVE}

_FOG = {"fog_density": 70.0, "fog_distance": 2.0}
WEATHERS: dict[str, Weather] = {
    "noon, clear": named_weather("ClearNoon"),
    "noon, clouds": named_weather("WetCloudyNoon"),
    "noon, fog": dataclasses.replace(named_weather("CloudyNoon"), **_FOG),
    "noon, rain": named_weather("HardRainNoon"),
    "sunset, clear": named_weather("ClearSunset"),
    "sunset, clouds": named_weather("WetCloudySunset"),
    "sunset, fog": dataclasses.replace(named_weather("CloudySunset"), **_FOG),
    "sunset, rain": named_weather("MidRainSunset"),
    "night, clear": named_weather("ClearNight"),
    "night, clouds": named_weather("WetCloudyNight"),
    "night, fog": named_weather("lead.FoggyCloudyNight"),
    "night, rain": named_weather("HardRainNight"),
    "dust storm": named_weather("DustStorm"),
    "the default day": DEFAULT_WEATHER,
    "the default day, no shadows": DEFAULT_WEATHER,
    "sunrise, wet": dataclasses.replace(named_weather("WetSunset"), sun_azimuth_angle=180.0),
}
AHEAD, BEHIND = 0.14, 2.7
"""Where the sun of a picture stands, to the left of where the car looks, rad."""

FROM_AHEAD, FROM_BEHIND, FROM_BESIDE = 2.5, -0.6, 1.57
"""Where a body stands from its portrait's eye: where that looks, off where the body does, rad."""

LIT_TICK = 6
"""Indicators that are on shine in this tick."""

WITH_DOORS = ("vehicle.lincoln.mkz_2020", "vehicle.mini.cooper_s", "vehicle.mercedes.sprinter")

PLAIN = "the default day, no shadows"
PAINTS = (
    (170, 34, 38),
    (36, 72, 140),
    (214, 216, 220),
    (46, 110, 78),
    (224, 168, 40),
    (70, 74, 80),
)


def make_gallery(path: Path) -> Path:
    """Make the pictures and write the page."""
    towns = [random_tour(name, count=1, length_m=RANDOM_LENGTH_M, seed=3) for name in list_towns()]
    stage = next(tour for tour in towns if tour.town.name == STAGE)
    makers = (*((_town_tiles, tour) for tour in towns), (_weather_tiles, stage))
    tiles: list[list[Tile]] = []
    with bar("gallery", len(makers) + 2) as line:
        for make, tour in makers:
            tiles.append(make(tour))
            line.step()
        tiles.append(list(_body_tiles(stage)))
        line.step()
        tiles.append(_sensor_tiles(stage))
        line.step()
    *places, weathers, bodies, sensors = tiles
    sections = [
        Section("Towns", "Baked from OpenDRIVE; scenery is drawn by a seeded generator.",
                [tile for place in places for tile in place], 3),
        Section("Weather and light", "CARLA's parameters; lamps by LEAD's rule for headlights.",
                weathers, 4),
        Section("Bodies", "Sizes of CARLA's blueprints. Vehicles from the front, and from behind"
                " with their lamps on; two steps of a walker; open doors.",
                bodies, 5),
        Section("Sensors", "LEAD's rig in one tick: pictures and labels come out of one cast.",
                sensors, 3),
    ]  # fmt: skip
    lead = "Everything is drawn on the CPU, from data that ships with the package."
    return write_gallery(path, "symdrive: what there is to see", lead, sections)


def _moment(tour: Tour, world: EmbeddedWorld) -> Truth:
    """Some seconds into a drive, in traffic."""
    world.reset(Episode(tour.routes[0], seed=1, traffic=TRAFFIC))
    for _ in range(LEAD_IN_TICKS):
        world.step(Control(throttle=0.35))
    return world.truth()


def _shot(
    scene: Scene, truth: Truth, spec: CameraSpec, look: Look, *, with_ego: bool = False
) -> Picture:
    """A smooth picture from the ego."""
    actors = truth.actors
    scene.update(actors, truth.signal_state, dataclasses.replace(look, shadows=True))
    frames = render_cameras(
        scene,
        [dataclasses.replace(spec, samples=SMOOTH)],
        actors.position[0],
        float(actors.yaw[0]),
        float(actors.pitch[0]),
        skip_row=None if with_ego else 0,
    )
    return frames[spec.name].rgb


def _town_tiles(tour: Tour) -> list[Tile]:
    """Views of one town."""
    truth = _moment(tour, EmbeddedWorld(tour.town, BLIND_RIG))
    scene = Scene(tour.town)
    return [
        Tile(
            f"{tour.town.name}: {name}",
            _shot(scene, truth, spec, Look(), with_ego=spec is not WINDSCREEN),
        )
        for name, spec in TOWN_VIEWS.items()
    ]


def _weather_tiles(tour: Tour) -> list[Tile]:
    """One street in every weather."""
    truth = _moment(tour, EmbeddedWorld(tour.town, BLIND_RIG))
    scene, yaw = Scene(tour.town), float(truth.actors.yaw[0])
    tiles: list[Tile] = []
    for name, weather in WEATHERS.items():
        if name == PLAIN:
            tiles.append(Tile(name, _plain_shot(scene, truth)))
            continue
        sun = yaw + (AHEAD if name.startswith("sunrise") else BEHIND)
        look = Look(_sun_at(weather, sun), tick=truth.tick)
        tiles.append(Tile(name, _shot(scene, truth, CHASE, look, with_ego=True)))
    return tiles


def _sun_at(weather: Weather, bearing: float) -> Weather:
    """The weather with its sun in a direction (from x towards y, rad)."""
    _, stands = sun_place(weather)
    azimuth = weather.sun_azimuth_angle + stands - math.degrees(bearing)
    return dataclasses.replace(weather, sun_azimuth_angle=math.remainder(azimuth, 360.0))


def _plain_shot(scene: Scene, truth: Truth) -> Picture:
    """What a camera of a drive sees: one sample a pixel, no shadows."""
    actors = truth.actors
    scene.update(actors, truth.signal_state)
    frames = render_cameras(
        scene, [CHASE], actors.position[0], float(actors.yaw[0]), 0.0, skip_row=None
    )
    return frames[CHASE.name].rgb


def _body_tiles(tour: Tour) -> Iterator[Tile]:
    """Every model on the road: vehicles from two sides, others from one; steps and doors."""
    world = EmbeddedWorld(tour.town, BLIND_RIG)
    world.reset(Episode(tour.routes[0], traffic=TrafficConfig(0, 0, 0)))
    truth, scene = world.truth(), Scene(tour.town)
    place, yaw = _clearing(tour.town)
    for name, pose, bearing in _poses():
        actors = dataclasses.replace(
            truth.actors.rows(np.array([0])),
            position=place[None],
            yaw=np.array([yaw]),
            **{column: np.array([value]) for column, value in pose.items()},
        )
        yield Tile(name, _portrait(scene, truth, actors, bearing))


def _poses() -> Iterator[tuple[str, dict[str, object], float]]:
    """Name, columns of `Actors` and bearing of each picture of a body."""
    for row, model in enumerate(MODELS):
        warns = model.semantic == SemanticClass.DYNAMIC
        yield model.name, _alone(row), FROM_BEHIND if warns else FROM_AHEAD
        if model.kind in VEHICLE_KINDS and model.kind != ActorKind.BICYCLE:
            lamps = {"braking": True, "lights": VehicleLight.LEFT_BLINKER | VehicleLight.SPECIAL_1}
            yield f"{model.name}, lamps on", _alone(row) | lamps, FROM_BEHIND
    walker = MODEL_ROW["walker.adult"]
    for step in range(PHASES):
        walked = (step + 0.5) / PHASES * STRIDE_SHARE * 2.0 * MODELS[walker].half_extent[2]
        stride = {"speed": 1.4, "walked_m": walked}
        yield f"step {step + 1} of {PHASES}", _alone(walker) | stride, FROM_BESIDE
    for name in WITH_DOORS:
        open_door = {"doors": VehicleDoor.FRONT_LEFT}
        yield f"{name}, open door", _alone(MODEL_ROW[name]) | open_door, FROM_BEHIND


def _clearing(town: Town) -> tuple[Float[np.ndarray, " 3"], float]:
    """The place on a driving lane that is farthest from walls, trees and poles, and its heading."""
    mesh, lanes = town.mesh, town.lanes
    flat = (SemanticClass.ROAD, SemanticClass.ROAD_LINE, SemanticClass.SIDEWALK)
    level = (*flat, SemanticClass.TERRAIN, SemanticClass.GROUND)
    solid = mesh.vertices[mesh.faces[~np.isin(mesh.semantic, level)].ravel(), :2]
    rows = np.flatnonzero(np.repeat(lanes.kind == LaneKind.DRIVING, np.diff(lanes.start)))
    away = np.asarray(cKDTree(solid).query(lanes.points[rows, :2])[0])
    best = rows[int(away.argmax())]
    return lanes.points[best].astype(np.float64), float(lanes.yaw[best])


def _alone(row: int) -> dict[str, object]:
    """Columns of an actor with this body."""
    body = MODELS[row]
    return {
        "kind": int(body.kind),
        "model": row,
        "half_extent": body.half_extent,
        "color": np.array(PAINTS[row % len(PAINTS)], dtype=np.uint8),
    }


def _portrait(scene: Scene, truth: Truth, actors: Actors, bearing: float) -> Picture:
    """A body from a bearing off its tail, as large as the picture allows."""
    half = actors.half_extent[0]
    size = max(float(half[0]), float(half[1]), 1.15 * float(half[2]))
    yaw = float(actors.yaw[0]) + bearing
    away = min(3.4 * size, 12.0) + 0.6
    light = _sun_at(DEFAULT_WEATHER, yaw + math.pi + 0.7)
    scene.update(actors, truth.signal_state, Look(light, shadows=True, tick=LIT_TICK))
    eye = actors.position[0] - away * np.array([math.cos(yaw), math.sin(yaw), 0.0])
    eye[2] += 1.1 * float(half[2]) + 0.28 * size
    fov = 2.0 * math.atan(1.3 * size / (away - 0.6))
    spec = CameraSpec("portrait", (0.0, 0.0, 0.0), 0.0, 300, 220, fov, samples=SMOOTH)
    pitch = -math.atan2(float(eye[2] - actors.position[0, 2] - half[2]), away)
    frames = render_cameras(scene, [spec], eye, yaw, pitch, skip_row=None)
    return frames[spec.name].rgb


def _sensor_tiles(tour: Tour) -> list[Tile]:
    """Each sensor of LEAD's rig."""
    world = EmbeddedWorld(tour.town, LEAD_RIG, shadows=True)
    _moment(tour, world)
    seen, evidence = world.observe(), world.evidence(shifted=True)
    tiles = [Tile(f"camera {name}: RGB", image) for name, image in seen.images.items()]
    planes = evidence.labels
    tiles += [Tile(f"camera {n}: class", class_picture(p.semantic)) for n, p in planes.items()]
    tiles += [
        Tile(f"camera {n}: instance", instance_picture(p.instance)) for n, p in planes.items()
    ]
    tiles += [Tile(f"camera {n}: depth", depth_picture(p.depth_m)) for n, p in planes.items()]
    if evidence.shifted is not None:
        second = evidence.shifted.images
        tiles += [Tile(f"shifted camera {name}", image) for name, image in second.items()]
    tiles.append(
        Tile(f"LiDAR: {len(seen.lidar):,} points, 40 m around", points_picture(seen.lidar))
    )
    pairs = [(spec, seen.radar[spec.name]) for spec in LEAD_RIG.radars]
    count = sum(len(points) for _, points in pairs)
    tiles.append(
        Tile(f"{len(pairs)} radars: {count} detections, 80 m around", radar_picture(pairs))
    )
    return tiles
