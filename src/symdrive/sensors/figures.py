"""What an actor looks like at a moment: its body in one of the body's states.

Walkers stand or are somewhere in their stride; front doors of cars stand open. Each state is a
figure, a mesh of its own; all fill the box of their model as its body does, but for open doors,
which stick out.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Int

from symdrive.sensors.bodies import PHASES, STANDING, STRIDING, bodies, states_of
from symdrive.sensors.body_people import STRIDE_SHARE
from symdrive.sensors.solids import Body
from symdrive.world.catalogue import MODEL_ROW, MODELS, ActorKind, half_extents
from symdrive.world.truth import Actors

SLOWEST_STEP_MPS = 0.05
"""Walkers slower than this stand."""

_LOOKS = 8
"""Whom a walker without a face of its own may look like."""


@cache
def figures() -> tuple[Body, ...]:
    """All meshes; the first rows are those of `world.catalogue.MODELS`."""
    return _drawn()[0]


@cache
def _drawn() -> tuple[tuple[Body, ...], Int[np.ndarray, "model state"]]:
    """All meshes, and which of them shows a model in a state."""
    found = list(bodies())
    table = np.tile(np.arange(len(MODELS))[:, None], (1, STRIDING + PHASES))
    for row, model in enumerate(MODELS):
        for state, body in states_of(model).items():
            table[row, state] = len(found)
            found.append(body)
    return tuple(found), table


@cache
def _wardrobe() -> Int[np.ndarray, "model look"]:
    """Models that a model may look like; most have but one look."""
    table = np.tile(np.arange(len(MODELS))[:, None], (1, _LOOKS))
    people = [row for row, model in enumerate(MODELS) if model.kind == ActorKind.PEDESTRIAN]
    tall = [row for row in people if MODELS[row].half_extent[2] > 0.75]
    small = [row for row in people if MODELS[row].half_extent[2] <= 0.75]
    table[MODEL_ROW["walker.adult"]] = np.resize(tall, _LOOKS)
    table[MODEL_ROW["walker.child"]] = np.resize(small, _LOOKS)
    return table


def looks_of(actors: Actors) -> Int[np.ndarray, " actor"]:
    """Row of `MODELS` whose body each actor has.

    That of its own model; `walker.adult` and `walker.child` stand for people of every look, who
    are told apart by their ids.
    """
    return _wardrobe()[actors.model, actors.actor_id % _LOOKS]


def figures_of(actors: Actors) -> Int[np.ndarray, " actor"]:
    """Row of `figures` that shows each actor as it is now."""
    stride = STRIDE_SHARE * 2.0 * actors.half_extent[:, 2]
    phase = (actors.walked_m / stride * PHASES).astype(np.int64) % PHASES
    walks = np.abs(actors.speed) > SLOWEST_STEP_MPS
    on_foot = np.where(walks, STRIDING + phase, STANDING)
    state = np.where(actors.kind == ActorKind.PEDESTRIAN, on_foot, actors.doors)
    return _drawn()[1][looks_of(actors), state]


def stretch_of(actors: Actors) -> Float[np.ndarray, "actor 3"]:
    """How far each figure is stretched to the actor's own box, so that pictures and boxes agree."""
    return actors.half_extent / half_extents()[looks_of(actors)]
