"""Which bodies drive in a town: the usual ones, all of the catalogue, bicycles, emergency calls."""

import numpy as np
from jaxtyping import Bool, Float, Int

from symdrive.world import catalogue
from symdrive.world.backend import TrafficConfig
from symdrive.world.catalogue import ActorKind

SHARES = {
    "vehicle.lincoln.mkz_2020": 0.14, "vehicle.tesla.model3": 0.15, "vehicle.audi.a2": 0.15,
    "vehicle.mini.cooper_s": 0.14, "vehicle.nissan.patrol": 0.14, "vehicle.mercedes.sprinter": 0.1,
    "vehicle.carlamotors.carlacola": 0.04, "vehicle.mitsubishi.fusorosa": 0.03,
    "vehicle.kawasaki.ninja": 0.06, "vehicle.bh.crossbike": 0.05,
}  # fmt: skip
"""How often one of the usual bodies is met."""

EMERGENCY = (
    "vehicle.ford.ambulance", "vehicle.dodge.charger_police", "vehicle.carlamotors.firetruck",
    "vehicle.dodge.charger_police_2020",
)  # fmt: skip
"""Bodies of emergency vehicles, in turn; the second one is the narrowest."""

SIDE_M = 0.35
"""Space that a body needs on each side of it in its lane."""

_KIND = np.array([model.kind for model in catalogue.MODELS])
_HALF_WIDTH = np.array([model.half_extent[1] for model in catalogue.MODELS])
_CIVIL = np.array(
    [model.kind in catalogue.VEHICLE_KINDS and not model.emergency for model in catalogue.MODELS]
)
_USUAL = np.array([catalogue.MODEL_ROW[name] for name in SHARES])

BICYCLES = frozenset(np.flatnonzero(_KIND == ActorKind.BICYCLE).tolist())
"""Rows of the bicycles."""

Rows = Int[np.ndarray, " model"]
"""Rows of `catalogue.MODELS`."""


def draw_vehicles(
    lane_m: float, asked: TrafficConfig, rng: np.random.Generator
) -> Int[np.ndarray, " vehicle"]:
    """Bodies of the moving vehicles: first those on an emergency call.

    Args:
        lane_m: width of the lanes.
        asked: how many, and of what sort.
        rng: to draw from.

    Returns:
        Rows of `catalogue.MODELS`; none where the lanes are too narrow for everything.
    """
    fits = lane_m >= 2.0 * _HALF_WIDTH + 2.0 * SIDE_M
    shares = _shares(fits, asked)
    rows = np.flatnonzero(shares)
    if len(rows) == 0:
        return np.zeros(0, np.int64)
    models = rng.choice(rows, size=asked.vehicles, p=shares[rows] / shares[rows].sum())
    calls = [catalogue.MODEL_ROW[name] for name in EMERGENCY]
    calls = [row for row in calls if fits[row]] or [calls[1]]
    urgent = np.arange(asked.emergency)
    models[urgent] = np.array(calls)[urgent % len(calls)]
    return models


def has_large_bodies(asked: TrafficConfig) -> bool:
    """Whether some vehicles are larger than the usual ones."""
    return asked.all_bodies or asked.emergency > 0


def parked_bodies(asked: TrafficConfig) -> Rows:
    """Cars and vans that may stand at the kerb, none wider than the widest of the usual ones."""
    parks = _CIVIL & np.isin(_KIND, (ActorKind.CAR, ActorKind.VAN))
    usual = parks & np.isin(np.arange(len(parks)), _USUAL)
    if asked.all_bodies:
        return np.flatnonzero(parks & (_HALF_WIDTH[usual].max() >= _HALF_WIDTH))
    return np.flatnonzero(usual)


def _shares(fits: Bool[np.ndarray, " model"], asked: TrafficConfig) -> Float[np.ndarray, " model"]:
    """How often every body is met, in shares that need not add up to one."""
    shares = np.zeros(len(_KIND))
    shares[_USUAL] = list(SHARES.values())
    if asked.all_bodies:
        for kind in catalogue.VEHICLE_KINDS:
            of_kind = kind == _KIND
            pool = of_kind & _CIVIL & fits
            shares[of_kind] = shares[of_kind].sum() * pool[of_kind] / max(pool.sum(), 1)
    shares[~fits] = 0.0
    rides = _CIVIL & fits & (_KIND == ActorKind.BICYCLE)
    if asked.bicycles >= 0.0 and rides.any():
        others = np.where(rides, 0.0, shares)
        others *= (1.0 - asked.bicycles) / max(others.sum(), 1e-9)
        return others + asked.bicycles * rides / rides.sum()
    return shares
