"""Puts the scenery of a town together."""

from symdrive.maps.scenery.cover import Cover
from symdrive.maps.scenery.heights import SurfaceHeights
from symdrive.maps.scenery.markings import crosswalk_stripes, lane_lines, painted, stop_lines
from symdrive.maps.scenery.solids import finished, join
from symdrive.maps.scenery.strips import match_edges
from symdrive.maps.scenery.surfaces import carriageways, junction_areas, junctions, sidewalks
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
    areas = junction_areas(lanes)
    terrain = lay_terrain(lanes, ground, seed)
    heads = join_heads(signal_heads(signals), repeater_heads(signals, lanes, cover))
    return finished(
        join(
            [
                carriageways(lanes, edges, seed),
                junctions(areas, heights, seed),
                sidewalks(lanes, seed),
                lane_lines(lanes, edges),
                stop_lines(lanes, signals, stop_signs),
                crosswalk_stripes(crosswalks, cover.outline, heights),
                terrain_mesh(terrain, seed),
                heads_mesh(heads),
                stop_sign_mesh(stop_signs),
            ]
        )
    )
