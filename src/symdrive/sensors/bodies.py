"""The body of every model of `world.catalogue.MODELS`."""

from collections.abc import Callable
from functools import cache

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.body_people import bicycle, cone, motorcycle, pedestrian
from symdrive.sensors.body_vehicles import (
    FASTBACK,
    HATCHBACK,
    OFF_ROADER,
    PANEL_VAN,
    SEDAN,
    CarShape,
    bus,
    car,
    truck,
)
from symdrive.sensors.solids import Body, Point
from symdrive.world.catalogue import MODELS

Maker = Callable[[Point, SemanticClass], Body]


def _car(shape: CarShape) -> Maker:
    return lambda half_extent, semantic: car(shape, half_extent, semantic)


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
    "walker.adult": lambda half_extent, _: pedestrian(half_extent, child=False),
    "walker.child": lambda half_extent, _: pedestrian(half_extent, child=True),
    "static.prop.trafficcone01": cone,
}


@cache
def bodies() -> tuple[Body, ...]:
    """One body for each row of `MODELS`, filling the model's box exactly.

    Raises:
        KeyError: for a model that nobody has drawn.
    """
    return tuple(_MAKERS[model.name](model.half_extent, model.semantic) for model in MODELS)
