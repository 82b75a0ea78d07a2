"""The body of every model of `world.catalogue.MODELS`, and its other states."""

from collections.abc import Callable, Mapping
from functools import cache

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.body_people import ADULT, CHILD, Person, bicycle, motorcycle, pedestrian
from symdrive.sensors.body_props import PROPS
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
from symdrive.world.catalogue import MODELS, Model
from symdrive.world.truth import VehicleDoor

Maker = Callable[[Point, SemanticClass], Body]

PHASES = 8
"""Figures of two steps of a walker."""

STANDING, STRIDING = 0, 1
"""States of a walker: on its feet, and the first of its stride; those of a car are the flags of the
doors that stand open."""


def _truck(cargo: Cargo) -> Maker:
    return lambda half_extent, semantic: truck(half_extent, semantic, cargo)


def _two_wheeler(machine: Callable[[Point], Body]) -> Maker:
    return lambda half_extent, _: machine(half_extent)


_CARS: Mapping[str, CarShape] = {
    "vehicle.lincoln.mkz_2020": SEDAN,
    "vehicle.tesla.model3": FASTBACK,
    "vehicle.audi.a2": HATCHBACK,
    "vehicle.mini.cooper_s": HATCHBACK,
    "vehicle.nissan.patrol": OFF_ROADER,
    "vehicle.mercedes.sprinter": PANEL_VAN,
    "vehicle.audi.etron": CROSSOVER,
    "vehicle.audi.tt": COUPE,
    "vehicle.bmw.grandtourer": HATCHBACK,
    "vehicle.chevrolet.impala": SEDAN,
    "vehicle.citroen.c3": HATCHBACK,
    "vehicle.dodge.charger_2020": SEDAN,
    "vehicle.dodge.charger_police": SEDAN,
    "vehicle.dodge.charger_police_2020": SEDAN,
    "vehicle.ford.crown": SEDAN,
    "vehicle.ford.mustang": COUPE,
    "vehicle.jeep.wrangler_rubicon": OFF_ROADER,
    "vehicle.lincoln.mkz_2017": SEDAN,
    "vehicle.mercedes.coupe": COUPE,
    "vehicle.mercedes.coupe_2020": COUPE,
    "vehicle.micro.microlino": BUBBLE,
    "vehicle.mini.cooper_s_2021": HATCHBACK,
    "vehicle.nissan.micra": HATCHBACK,
    "vehicle.nissan.patrol_2021": CROSSOVER,
    "vehicle.seat.leon": HATCHBACK,
    "vehicle.toyota.prius": FASTBACK,
    "vehicle.tesla.cybertruck": PICKUP,
    "vehicle.volkswagen.t2": MICROBUS,
}

_PEOPLE: Mapping[str, Person] = {
    "walker.adult": ADULT,
    "walker.child": CHILD,
    "walker.pedestrian.0001": Person(skin=(120, 82, 60), trousers=(96, 92, 84)),
    "walker.pedestrian.0002": Person(hair=(196, 152, 84), trousers=(60, 84, 130)),
    "walker.pedestrian.0003": Person(skin=(86, 58, 44), hair=(24, 20, 20), hat=(30, 30, 34)),
    "walker.pedestrian.0004": Person(hair=(110, 54, 30), trousers=(140, 40, 70), skirt=True),
    "walker.pedestrian.0005": Person(trousers=(34, 36, 40), bag=(46, 92, 70)),
    "walker.pedestrian.0006": Person(
        skin=(168, 122, 92), hair=(28, 22, 20), trousers=(40, 56, 96), skirt=True
    ),
    "walker.pedestrian.0007": Person(hair=(178, 176, 172), trousers=(122, 104, 82)),
    "walker.pedestrian.0009": Person(
        child=True, trousers=(70, 74, 80), bag=(190, 60, 50), hat=(40, 80, 160)
    ),
    "walker.pedestrian.0010": Person(
        child=True, hair=(206, 164, 96), trousers=(200, 90, 130), skirt=True
    ),
    "walker.pedestrian.0011": Person(child=True, skin=(112, 76, 56), trousers=(48, 70, 60)),
}

_OTHERS: Mapping[str, Maker] = {
    "vehicle.carlamotors.carlacola": truck,
    "vehicle.ford.ambulance": _truck(AMBULANCE),
    "vehicle.carlamotors.firetruck": _truck(FIRE_ENGINE),
    "vehicle.carlamotors.european_hgv": _truck(HEAVY),
    "vehicle.mitsubishi.fusorosa": bus,
    "vehicle.kawasaki.ninja": _two_wheeler(motorcycle),
    "vehicle.harley-davidson.low_rider": _two_wheeler(motorcycle),
    "vehicle.vespa.zx125": _two_wheeler(motorcycle),
    "vehicle.yamaha.yzf": _two_wheeler(motorcycle),
    "vehicle.bh.crossbike": _two_wheeler(bicycle),
    "vehicle.diamondback.century": _two_wheeler(bicycle),
    "vehicle.gazelle.omafiets": _two_wheeler(bicycle),
    **PROPS,
}


@cache
def bodies() -> tuple[Body, ...]:
    """One body for each row of `MODELS`, filling the model's box exactly: walkers in mid-stride.

    Raises:
        KeyError: for a model that nobody has drawn.
    """
    return tuple(_body(model) for model in MODELS)


def _body(model: Model) -> Body:
    """The body of one model."""
    if model.name in _CARS:
        return car(_CARS[model.name], model)
    if model.name in _PEOPLE:
        return pedestrian(model.half_extent, _PEOPLE[model.name])
    return _OTHERS[model.name](model.half_extent, model.semantic)


def states_of(model: Model) -> Mapping[int, Body]:
    """The figures of a model in states that its body does not show, by state."""
    if model.name in _PEOPLE:
        person, size = _PEOPLE[model.name], model.half_extent
        steps = {STRIDING + k: pedestrian(size, person, k / PHASES) for k in range(1, PHASES)}
        return {STANDING: pedestrian(size, person, None), **steps}
    if model.name in _CARS:
        both = VehicleDoor.FRONT_LEFT | VehicleDoor.FRONT_RIGHT
        flags = (VehicleDoor.FRONT_LEFT, VehicleDoor.FRONT_RIGHT, both)
        return {doors.value: car(_CARS[model.name], model, doors) for doors in flags}
    return {}
