"""Bodies that actors can have: one row a model, sizes in metres.

Sizes follow CARLA 0.9.15's blueprint bounding boxes (rounded to centimetres) so that policies meet
the proportions they will meet there. Source: CARLA documentation, "Vehicle catalogue" and
`BasicAgent` bounding boxes.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float

from symdrive.core.semantics import SemanticClass


class ActorKind(IntEnum):
    """What an actor is."""

    CAR = 0
    VAN = 1
    TRUCK = 2
    BUS = 3
    MOTORCYCLE = 4
    BICYCLE = 5
    PEDESTRIAN = 6
    PROP = 7


VEHICLE_KINDS = frozenset(ActorKind) - {ActorKind.PEDESTRIAN, ActorKind.PROP}


@dataclass(frozen=True)
class Model:
    """One body.

    Attributes:
        name: CARLA blueprint it stands for.
        kind: what it is.
        half_extent: half length, half width, half height, m.
        semantic: class its surface is rendered with.
    """

    name: str
    kind: ActorKind
    half_extent: tuple[float, float, float]
    semantic: SemanticClass


MODELS: tuple[Model, ...] = (
    Model("vehicle.lincoln.mkz_2020", ActorKind.CAR, (2.45, 1.06, 0.75), SemanticClass.CAR),
    Model("vehicle.tesla.model3", ActorKind.CAR, (2.40, 1.08, 0.74), SemanticClass.CAR),
    Model("vehicle.audi.a2", ActorKind.CAR, (1.85, 0.89, 0.78), SemanticClass.CAR),
    Model("vehicle.mini.cooper_s", ActorKind.CAR, (1.90, 0.99, 0.74), SemanticClass.CAR),
    Model("vehicle.nissan.patrol", ActorKind.CAR, (2.30, 0.97, 0.93), SemanticClass.CAR),
    Model("vehicle.mercedes.sprinter", ActorKind.VAN, (2.96, 0.99, 1.28), SemanticClass.CAR),
    Model(
        "vehicle.carlamotors.carlacola", ActorKind.TRUCK, (2.60, 1.31, 1.24), SemanticClass.TRUCK
    ),
    Model("vehicle.mitsubishi.fusorosa", ActorKind.BUS, (5.14, 1.97, 2.13), SemanticClass.BUS),
    Model(
        "vehicle.kawasaki.ninja", ActorKind.MOTORCYCLE, (1.02, 0.40, 0.78), SemanticClass.MOTORCYCLE
    ),
    Model("vehicle.bh.crossbike", ActorKind.BICYCLE, (0.75, 0.43, 0.80), SemanticClass.BICYCLE),
    Model("walker.adult", ActorKind.PEDESTRIAN, (0.25, 0.25, 0.90), SemanticClass.PEDESTRIAN),
    Model("walker.child", ActorKind.PEDESTRIAN, (0.20, 0.20, 0.62), SemanticClass.PEDESTRIAN),
    Model("static.prop.trafficcone01", ActorKind.PROP, (0.17, 0.17, 0.29), SemanticClass.DYNAMIC),
)

EGO_MODEL = 0

MODEL_ROW = {model.name: row for row, model in enumerate(MODELS)}


def half_extents() -> Float[np.ndarray, "model 3"]:
    """Half sizes of every model, m; rows follow `MODELS`."""
    return np.array([model.half_extent for model in MODELS], dtype=np.float64)
