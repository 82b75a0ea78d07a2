"""Everything that an episode of the embedded world consists of."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from symdrive.maps.signals import SignalProgram
from symdrive.maps.town import Town
from symdrive.sim.ego import Pedals
from symdrive.sim.obstacles import ObstacleMap, obstacles_of
from symdrive.sim.recycling import Recycler, recycler_of
from symdrive.sim.road import Records, Road, road_of
from symdrive.sim.spawning import populate
from symdrive.sim.state import CROSSING, Traffic
from symdrive.sim.tracking import Cells, Course, cells_of, locate_ego, new_course, stand_on_ground
from symdrive.sim.walkways import Walkways, walkways_of
from symdrive.world.backend import TICK_S, Episode
from symdrive.world.truth import Collision

MAX_CONTACTS = 8
"""Actors that the ego can touch at once."""


@dataclass
class Simulation:
    """State of a running episode; the tick phases change it in place.

    Attributes:
        town: the road network.
        episode: what is driven.
        road: the network as flat arrays.
        ways: sidewalks and crosswalks.
        obstacles: static things to run into.
        recycler: puts actors back near the ego.
        program: timetable of the signals.
        cells: finds the ego's lane.
        traffic: bodies, drivers and their ways.
        walkers: minds of the walkers.
        crossings: traffic at the crosswalks.
        course: the ego's way.
        color: RGB of each body.
        signals: `SignalState` of each signal in this tick.
        tick: steps since the reset.
        pedals: the control of this tick.
        ego_before: x, y and yaw of the ego before this tick's motion.
        collisions: contacts of the ego in this tick.
        hits: buffer for rows of actors in contact.
        places: buffer for contact points.
        poses: the ego now, one tick and two ticks ago: x, y, z, yaw, pitch.
    """

    town: Town
    episode: Episode
    road: Road
    ways: Walkways
    obstacles: ObstacleMap
    recycler: Recycler
    program: SignalProgram
    cells: Cells
    traffic: Traffic
    walkers: Records
    crossings: Records
    course: Course
    color: UInt8[np.ndarray, "actor 3"]
    signals: Int[np.ndarray, " signal"]
    tick: int = 0
    pedals: Pedals = field(default_factory=lambda: Pedals(0.0, 0.0, 0.0, 1.0))
    ego_before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    collisions: tuple[Collision, ...] = ()
    hits: Int[np.ndarray, " hit"] = field(default_factory=lambda: np.zeros(MAX_CONTACTS, np.int64))
    places: Float[np.ndarray, "hit 3"] = field(default_factory=lambda: np.zeros((MAX_CONTACTS, 3)))
    poses: Float[np.ndarray, "3 5"] = field(default_factory=lambda: np.zeros((3, 5)))

    @property
    def time_s(self) -> float:
        """Simulation time since the reset."""
        return self.tick * TICK_S


def parts_of(town: Town) -> dict[str, object]:
    """The fields of a simulation that belong to the town alone and never change."""
    return {
        "town": town,
        "road": road_of(town),
        "ways": walkways_of(town),
        "obstacles": obstacles_of(town),
        "recycler": recycler_of(town),
        "cells": cells_of(town),
    }


def new_simulation(town: Town, episode: Episode) -> Simulation:
    """The state at the start of an episode: the ego stands at the start of the route."""
    people = populate(town, episode)
    program = SignalProgram(town.signals, episode.seed)
    sim = Simulation(
        town=town,
        episode=episode,
        road=road_of(town),
        ways=walkways_of(town),
        obstacles=obstacles_of(town),
        recycler=recycler_of(town),
        program=program,
        cells=cells_of(town),
        traffic=people.traffic,
        walkers=people.walkers,
        crossings=np.zeros(len(town.crosswalks), dtype=CROSSING),
        course=new_course(episode.route.lane, town.ground),
        color=people.color,
        signals=program.at(0.0).astype(np.int64),
    )
    ego = sim.traffic.bodies[0]
    ego["x"], ego["y"], ego["z"] = episode.route.points[0]
    ego["yaw"] = episode.route.yaw[0]
    locate_ego(sim.road, sim.cells, sim.traffic, sim.course)
    stand_on_ground(sim.road, sim.traffic, sim.course)
    sim.poses[:] = ego_row(sim)
    return sim


def ego_row(sim: Simulation) -> tuple[float, float, float, float, float]:
    """Where the ego is: x, y, z, yaw, pitch."""
    ego = sim.traffic.bodies[0]
    x, y, z, yaw, pitch = (float(ego[name]) for name in ("x", "y", "z", "yaw", "pitch"))
    return x, y, z, yaw, pitch
