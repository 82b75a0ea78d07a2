"""The body of every model of `world.catalogue.MODELS`."""

from collections.abc import Callable
from functools import cache

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.body_people import (
    ADULT,
    CHILD,
    Person,
    bicycle,
    cone,
    motorcycle,
    pedestrian,
)
from symdrive.sensors.body_vehicles import (
    AMBULANCE,
    FIRE_ENGINE,
    HEAVY,
    Cargo,
    bus,
    car,
    truck,
)
from symdrive.sensors.car_shapes import (
    BUBBLE,
    COUPE,
    CROSSOVER,
    FASTBACK,
    HATCHBACK,
    MICROBUS,
    OFF_ROADER,
    PANEL_VAN,
    PICKUP,
    SEDAN,
    CarShape,
)
from symdrive.sensors.solids import Body, Point
from symdrive.world.catalogue import MODELS

Maker = Callable[[Point, SemanticClass], Body]


def _car(shape: CarShape, *, beacons: bool = False) -> Maker:
    return lambda half_extent, semantic: car(shape, half_extent, semantic, beacons=beacons)


def _truck(cargo: Cargo) -> Maker:
    return lambda half_extent, semantic: truck(half_extent, semantic, cargo)


def _person(person: Person) -> Maker:
    return lambda half_extent, _: pedestrian(half_extent, person)


_MAKERS: dict[str, Maker] = {
    "vehicle.lincoln.mkz_2020": _car(SEDAN),
    "vehicle.tesla.model3": _car(FASTBACK),
    "vehicle.audi.a2": _car(HATCHBACK),
    "vehicle.mini.cooper_s": _car(HATCHBACK),
    "vehicle.nissan.patrol": _car(OFF_ROADER),
    "vehicle.mercedes.sprinter": _car(PANEL_VAN),
    "vehicle.carlamotors.carlacola": truck,
    "vehicle.mitsubishi.fusorosa": bus,
    "vehicle.kawasaki.ninja": lambda half_extent, _: motorcycle(half_extent),
    "vehicle.bh.crossbike": lambda half_extent, _: bicycle(half_extent),
    "walker.adult": _person(ADULT),
    "walker.child": _person(CHILD),
    "static.prop.trafficcone01": cone,
    "vehicle.audi.etron": _car(CROSSOVER),
    "vehicle.audi.tt": _car(COUPE),
    "vehicle.bmw.grandtourer": _car(HATCHBACK),
    "vehicle.chevrolet.impala": _car(SEDAN),
    "vehicle.citroen.c3": _car(HATCHBACK),
    "vehicle.dodge.charger_2020": _car(SEDAN),
    "vehicle.dodge.charger_police": _car(SEDAN, beacons=True),
    "vehicle.dodge.charger_police_2020": _car(SEDAN, beacons=True),
    "vehicle.ford.crown": _car(SEDAN),
    "vehicle.ford.mustang": _car(COUPE),
    "vehicle.jeep.wrangler_rubicon": _car(OFF_ROADER),
    "vehicle.lincoln.mkz_2017": _car(SEDAN),
    "vehicle.mercedes.coupe": _car(COUPE),
    "vehicle.mercedes.coupe_2020": _car(COUPE),
    "vehicle.micro.microlino": _car(BUBBLE),
    "vehicle.mini.cooper_s_2021": _car(HATCHBACK),
    "vehicle.nissan.micra": _car(HATCHBACK),
    "vehicle.nissan.patrol_2021": _car(CROSSOVER),
    "vehicle.seat.leon": _car(HATCHBACK),
    "vehicle.toyota.prius": _car(FASTBACK),
    "vehicle.tesla.cybertruck": _car(PICKUP),
    "vehicle.volkswagen.t2": _car(MICROBUS),
    "vehicle.ford.ambulance": _truck(AMBULANCE),
    "vehicle.carlamotors.firetruck": _truck(FIRE_ENGINE),
    "vehicle.carlamotors.european_hgv": _truck(HEAVY),
    "vehicle.harley-davidson.low_rider": lambda half_extent, _: motorcycle(half_extent),
    "vehicle.vespa.zx125": lambda half_extent, _: motorcycle(half_extent),
    "vehicle.yamaha.yzf": lambda half_extent, _: motorcycle(half_extent),
    "vehicle.diamondback.century": lambda half_extent, _: bicycle(half_extent),
    "vehicle.gazelle.omafiets": lambda half_extent, _: bicycle(half_extent),
    "walker.pedestrian.0001": _person(Person(skin=(120, 82, 60), trousers=(96, 92, 84))),
    "walker.pedestrian.0002": _person(Person(hair=(196, 152, 84), trousers=(60, 84, 130))),
    "walker.pedestrian.0003": _person(
        Person(skin=(86, 58, 44), hair=(24, 20, 20), hat=(30, 30, 34))
    ),
    "walker.pedestrian.0004": _person(
        Person(hair=(110, 54, 30), trousers=(140, 40, 70), skirt=True)
    ),
    "walker.pedestrian.0005": _person(Person(trousers=(34, 36, 40), bag=(46, 92, 70))),
    "walker.pedestrian.0006": _person(
        Person(skin=(168, 122, 92), hair=(28, 22, 20), trousers=(40, 56, 96), skirt=True)
    ),
    "walker.pedestrian.0007": _person(Person(hair=(178, 176, 172), trousers=(122, 104, 82))),
    "walker.pedestrian.0009": _person(
        Person(child=True, trousers=(70, 74, 80), bag=(190, 60, 50), hat=(40, 80, 160))
    ),
    "walker.pedestrian.0010": _person(
        Person(child=True, hair=(206, 164, 96), trousers=(200, 90, 130), skirt=True)
    ),
    "walker.pedestrian.0011": _person(
        Person(child=True, skin=(112, 76, 56), trousers=(48, 70, 60))
    ),
}


@cache
def bodies() -> tuple[Body, ...]:
    """One body for each row of `MODELS`, filling the model's box exactly.

    Raises:
        KeyError: for a model that nobody has drawn.
    """
    return tuple(_MAKERS[model.name](model.half_extent, model.semantic) for model in MODELS)
