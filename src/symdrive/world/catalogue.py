"""Bodies that actors can have: one row a model, sizes in metres.

Sizes follow CARLA 0.9.15's blueprint bounding boxes (rounded to centimetres) so that policies meet
the proportions they will meet there. Source: CARLA documentation, "Vehicle catalogue" and
`BasicAgent` bounding boxes; two-wheelers are wider and higher, by their riders. CARLA's
documentation gives no sizes of props; theirs are those of such things on a real street.

Traffic draws from the first rows, and old run folders count on their order: new ones go to the end.
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
        emergency: police, ambulance or fire engine, with beacons (CARLA's `special_type`).
    """

    name: str
    kind: ActorKind
    half_extent: tuple[float, float, float]
    semantic: SemanticClass
    emergency: bool = False


_POLICE = ("dodge.charger_police", "dodge.charger_police_2020")

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
    *(
        Model(
            f"vehicle.{name}",
            ActorKind.CAR,
            half_extent,
            SemanticClass.CAR,
            emergency=name in _POLICE,
        )
        for name, half_extent in (
            ("audi.etron", (2.43, 1.02, 0.82)),
            ("audi.tt", (2.09, 1.00, 0.69)),
            ("bmw.grandtourer", (2.31, 1.12, 0.83)),
            ("chevrolet.impala", (2.68, 1.02, 0.71)),
            ("citroen.c3", (1.99, 0.93, 0.81)),
            ("dodge.charger_2020", (2.50, 1.05, 0.77)),
            ("dodge.charger_police", (2.49, 1.02, 0.77)),
            ("dodge.charger_police_2020", (2.62, 1.05, 0.82)),
            ("ford.crown", (2.68, 0.90, 0.79)),
            ("ford.mustang", (2.36, 0.95, 0.65)),
            ("jeep.wrangler_rubicon", (1.93, 0.95, 0.94)),
            ("lincoln.mkz_2017", (2.45, 1.06, 0.76)),
            ("mercedes.coupe", (2.51, 1.08, 0.83)),
            ("mercedes.coupe_2020", (2.34, 1.00, 0.72)),
            ("micro.microlino", (1.10, 0.74, 0.69)),
            ("mini.cooper_s_2021", (2.28, 1.05, 0.88)),
            ("nissan.micra", (1.82, 0.92, 0.75)),
            ("nissan.patrol_2021", (2.78, 1.07, 1.02)),
            ("seat.leon", (2.10, 0.91, 0.74)),
            ("toyota.prius", (2.26, 1.00, 0.76)),
        )
    ),
    Model("vehicle.tesla.cybertruck", ActorKind.VAN, (3.14, 1.19, 1.05), SemanticClass.TRUCK),
    Model("vehicle.volkswagen.t2", ActorKind.VAN, (2.24, 1.03, 1.02), SemanticClass.CAR),
    Model(
        "vehicle.ford.ambulance",
        ActorKind.VAN,
        (3.18, 1.18, 1.22),
        SemanticClass.CAR,
        emergency=True,
    ),
    Model(
        "vehicle.carlamotors.firetruck",
        ActorKind.TRUCK,
        (4.23, 1.45, 1.91),
        SemanticClass.TRUCK,
        emergency=True,
    ),
    Model(
        "vehicle.carlamotors.european_hgv", ActorKind.TRUCK, (3.96, 1.43, 1.89), SemanticClass.TRUCK
    ),
    *(
        Model(f"vehicle.{name}", ActorKind.MOTORCYCLE, half_extent, SemanticClass.MOTORCYCLE)
        for name, half_extent in (
            ("harley-davidson.low_rider", (1.18, 0.42, 0.78)),
            ("vespa.zx125", (0.90, 0.43, 0.79)),
            ("yamaha.yzf", (1.10, 0.43, 0.79)),
        )
    ),
    Model(
        "vehicle.diamondback.century", ActorKind.BICYCLE, (0.82, 0.40, 0.82), SemanticClass.BICYCLE
    ),
    Model("vehicle.gazelle.omafiets", ActorKind.BICYCLE, (0.92, 0.40, 0.86), SemanticClass.BICYCLE),
    *(
        Model(f"walker.pedestrian.{number}", ActorKind.PEDESTRIAN, size, SemanticClass.PEDESTRIAN)
        for number, size in (
            ("0001", (0.25, 0.25, 0.93)),
            ("0002", (0.25, 0.25, 0.85)),
            ("0003", (0.25, 0.25, 0.91)),
            ("0004", (0.25, 0.25, 0.83)),
            ("0005", (0.25, 0.25, 0.89)),
            ("0006", (0.25, 0.25, 0.87)),
            ("0007", (0.25, 0.25, 0.95)),
            ("0009", (0.22, 0.22, 0.70)),
            ("0010", (0.20, 0.20, 0.55)),
            ("0011", (0.20, 0.20, 0.60)),
        )
    ),
    *(
        Model(f"static.prop.{name}", ActorKind.PROP, half_extent, SemanticClass.DYNAMIC)
        for name, half_extent in (
            ("constructioncone", (0.19, 0.19, 0.37)),
            ("trafficwarning", (0.55, 1.19, 1.30)),
            ("warningconstruction", (0.34, 0.42, 0.52)),
            ("warningaccident", (0.34, 0.42, 0.52)),
            ("streetbarrier", (0.28, 0.98, 0.51)),
            ("chainbarrier", (0.16, 1.02, 0.47)),
            ("barrel", (0.31, 0.31, 0.49)),
            ("dirtdebris01", (0.92, 0.78, 0.14)),
            ("dirtdebris02", (0.66, 0.90, 0.11)),
            ("dirtdebris03", (0.48, 0.42, 0.09)),
            ("brokentile01", (0.36, 0.30, 0.05)),
            ("ironplank", (1.22, 0.28, 0.05)),
            ("box01", (0.32, 0.30, 0.26)),
            ("creasedbox01", (0.40, 0.34, 0.12)),
            ("garbage01", (0.50, 0.44, 0.20)),
            ("haybale", (0.62, 0.62, 0.58)),
        )
    ),
    Model("static.prop.vendingmachine", ActorKind.PROP, (0.44, 0.52, 0.98), SemanticClass.STATIC),
    Model("static.prop.advertisement", ActorKind.PROP, (0.20, 0.68, 1.16), SemanticClass.STATIC),
)

EGO_MODEL = 0

MODEL_ROW = {model.name: row for row, model in enumerate(MODELS)}


def half_extents() -> Float[np.ndarray, "model 3"]:
    """Half sizes of every model, m; rows follow `MODELS`."""
    return np.array([model.half_extent for model in MODELS], dtype=np.float64)
