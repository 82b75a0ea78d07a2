"""Puts the scenery of a town together."""

import numpy as np
from jaxtyping import Float

from symdrive.maps.scenery.buildings import buildings_mesh, design
from symdrive.maps.scenery.carriageways import carriageways
from symdrive.maps.scenery.cover import Cover
from symdrive.maps.scenery.frontage import lay_frontage
from symdrive.maps.scenery.greenery import FreeLand, fences, plant, trees_mesh
from symdrive.maps.scenery.heights import SurfaceHeights
from symdrive.maps.scenery.junctions import junction_areas, junctions
from symdrive.maps.scenery.lamps import lamp_places, lamps_mesh
from symdrive.maps.scenery.markings import crosswalk_stripes, lane_lines, painted, stop_lines
from symdrive.maps.scenery.plots import lay_plots
from symdrive.maps.scenery.sidewalks import sidewalks
from symdrive.maps.scenery.solids import finished, join
from symdrive.maps.scenery.strips import match_edges
from symdrive.maps.scenery.styles import districts
from symdrive.maps.scenery.terrain import lay_terrain, terrain_mesh
from symdrive.maps.scenery.traffic_control import (
    heads_mesh,
    join_heads,
    repeater_heads,
    signal_heads,
    stop_sign_mesh,
)
from symdrive.maps.town import (
    CrosswalkTable,
    HeightGrid,
    LaneTable,
    Mesh,
    SignalTable,
    StopSignTable,
)


def build_mesh(
    lanes: LaneTable,
    signals: SignalTable,
    stop_signs: StopSignTable,
    crosswalks: CrosswalkTable,
    ground: HeightGrid,
    seed: int,
) -> Mesh:
    """The static triangles of a town, made from its lanes and a seed alone.

    Args:
        lanes: at least one lane.
        signals: each gets a head, and a repeater beyond its junction where there is room.
        stop_signs: each gets a board.
        crosswalks: each gets zebra stripes where it crosses the carriageway.
        ground: height away from the lanes.
        seed: same tables and seed, same bytes.

    Returns:
        The mesh, vertices in float32.
    """
    edges = match_edges(lanes, painted(lanes) > 0)
    heights = SurfaceHeights.from_lanes(lanes)
    cover = Cover.from_lanes(lanes)
    terrain = lay_terrain(lanes, ground, seed)
    heads = join_heads(signal_heads(signals), repeater_heads(signals, lanes, cover))
    control = np.concatenate([heads.foot[:, :2], stop_signs.position[:, :2]]).astype(np.float64)
    return finished(
        join(
            [
                carriageways(lanes, edges, terrain.grid, seed),
                junctions(junction_areas(lanes), heights, terrain.grid, seed),
                sidewalks(lanes, terrain.grid, seed),
                lane_lines(lanes, edges),
                stop_lines(lanes, signals, stop_signs),
                crosswalk_stripes(crosswalks, cover.lanes, heights),
                terrain_mesh(terrain, seed),
                heads_mesh(heads),
                stop_sign_mesh(stop_signs),
                _roadside(lanes, cover, terrain.grid, control, seed),
            ]
        )
    )


def _roadside(
    lanes: LaneTable,
    cover: Cover,
    ground: HeightGrid,
    control: Float[np.ndarray, "n 2"],
    seed: int,
) -> Mesh:
    """Everything beside the streets: buildings, trees, fences, lamps.

    Args:
        lanes: all lanes.
        cover: their area.
        ground: height of the terrain.
        control: feet of traffic lights and stop signs, which must stay in sight.
        seed: of the town.
    """
    frontage = lay_frontage(lanes, cover)
    if not len(frontage.xy):
        return join([])
    style = districts(frontage, seed)
    plots = lay_plots(frontage, style, cover, seed)
    land = FreeLand.around(lanes, cover, plots, control)
    trees = plant(frontage, style, land, seed)
    lamp_xy, toward = lamp_places(frontage, land)
    return join(
        [
            buildings_mesh(design(plots, ground, seed), seed),
            trees_mesh(trees, ground.height(trees.xy), seed),
            fences(frontage, style, land, ground, seed),
            lamps_mesh(lamp_xy, toward, ground.height(lamp_xy)),
        ]
    )
