"""The render mesh: what stands where, what faces whom, and that one seed makes one mesh."""

from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from symdrive.core.semantics import SemanticClass
from symdrive.maps.scenery import build_mesh
from symdrive.maps.scenery.frontage import points_along
from symdrive.maps.scenery.markings import DASH_M, DASH_PERIOD_M, LINE_WIDTH_M
from symdrive.maps.scenery.palette import SIDEWALK_M
from symdrive.maps.scenery.solids import box_rings, prisms
from symdrive.maps.scenery.strips import chord_quads, lane_edges, segments
from symdrive.maps.town import LaneKind, LaneTable, Mesh, SignalTable

SHARED = Path(__file__).parents[2] / ".." / "shared" / "maps"
CLEAR_HEIGHT_M = 4.5
SOLID = (
    SemanticClass.BUILDING,
    SemanticClass.VEGETATION,
    SemanticClass.POLE,
    SemanticClass.FENCE,
    SemanticClass.WALL,
    SemanticClass.TRAFFIC_SIGN,
    SemanticClass.GUARD_RAIL,
)


@dataclass(frozen=True)
class Scene:
    """A mesh with the tables that it was made from."""

    lanes: LaneTable
    signals: SignalTable
    mesh: Mesh


def built(town: Any, seed: int) -> Mesh:
    """The mesh of the tables that the fixture `crossroads` holds."""
    return build_mesh(town.lanes, town.signals, town.stop_signs, town.crosswalks, town.ground, seed)


@pytest.fixture(scope="module")
def crossing(crossroads) -> Scene:
    return Scene(crossroads.lanes, crossroads.signals, built(crossroads, 5))


@pytest.fixture(scope="module", params=["crossroads", "alder", "Town01", "Town10HD"])
def scene(request, tmp_path_factory) -> Scene:
    """The crossroads, an own town and two of CARLA's, baked afresh."""
    if request.param == "crossroads":
        return request.getfixturevalue("crossing")
    pytest.importorskip("carla", reason="baking a town needs the CARLA wheel")
    from symdrive.maps.open import bake_file
    from symdrive.maps.towns import town_folder

    source = town_folder() / f"{request.param}.xodr"
    if not source.exists():
        source = SHARED / f"{request.param}.xodr.gz"
    if not source.exists():
        pytest.skip(f"{source} is absent: CARLA's towns are test data outside of the repository")
    town = bake_file(source, tmp_path_factory.mktemp("baked") / f"{request.param}.town")
    return Scene(town.lanes, town.signals, town.mesh)


def corners(mesh: Mesh) -> np.ndarray:
    """Corners of all faces, (face, 3, 3)."""
    return mesh.vertices[mesh.faces].astype(np.float64)


def normals(mesh: Mesh) -> np.ndarray:
    """Unit normals of all faces."""
    c = corners(mesh)
    n = np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0])
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def areas(mesh: Mesh, rows: np.ndarray) -> np.ndarray:
    """Area of some faces, m2."""
    c = corners(mesh)[rows]
    return np.linalg.norm(np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]), axis=1) / 2.0


class Caster:
    """First hits of rays in a mesh."""

    def __init__(self, mesh: Mesh) -> None:
        self.scene = EmbreeScene()
        self.mesh = TriangleMesh(self.scene, mesh.vertices.astype(np.float32), mesh.faces)

    def hits(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Face hit by each ray (-1: none), and the distance in lengths of its direction."""
        found = self.scene.run(
            np.ascontiguousarray(origin, dtype=np.float32),
            np.ascontiguousarray(direction, dtype=np.float32),
            query="INTERSECT",
            output=True,
        )
        return found["primID"].astype(np.int64), found["tfar"]


def look_down(mesh: Mesh, points: np.ndarray, height_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Face under each point and its distance, seen from a height above the point."""
    up = np.array([0.0, 0.0, height_m])
    return Caster(mesh).hits(points + up, np.tile([0.0, 0.0, -1.0], (len(points), 1)))


def lane_rows(lanes: LaneTable, kind: LaneKind) -> np.ndarray:
    """Points of all lanes of a kind."""
    return np.flatnonzero(np.repeat(lanes.kind, np.diff(lanes.start)) == kind)


def test_arrays_belong_together(scene) -> None:
    mesh = scene.mesh
    assert mesh.vertices.dtype == np.float32
    assert np.isfinite(mesh.vertices).all()
    assert mesh.faces.min() >= 0
    assert mesh.faces.max() < len(mesh.vertices)
    assert {len(a) for a in astuple(mesh)[1:]} == {len(mesh.faces)}
    assert len(mesh.faces) < 400_000
    assert np.isfinite(normals(mesh)).all()


def test_every_lane_lies_on_the_road(scene) -> None:
    """Seen from above, a lane's centre is asphalt or paint, at the lane's height."""
    lanes = scene.lanes
    rows = lane_rows(lanes, LaneKind.DRIVING)
    # On the very rim of the town a ray may pass by the last face.
    rim = np.concatenate(
        [
            lanes.start[:-1][np.diff(lanes.prev_start) == 0],
            lanes.start[1:][np.diff(lanes.next_start) == 0] - 1,
        ]
    )
    points = lanes.points[np.setdiff1d(rows, rim)]
    face, depth = look_down(scene.mesh, points, 2.0)
    kind = scene.mesh.semantic[face]
    on_road = (face >= 0) & np.isin(kind, (SemanticClass.ROAD, SemanticClass.ROAD_LINE))
    assert on_road.mean() > 0.999
    assert np.quantile(np.abs(depth[on_road] - 2.0), 0.99) < 0.06


def test_sidewalks_are_raised(crossing) -> None:
    rows = lane_rows(crossing.lanes, LaneKind.SIDEWALK)
    points = crossing.lanes.points[rows]
    face, depth = look_down(crossing.mesh, points, 1.0)
    kind = crossing.mesh.semantic[face]
    # Sidewalks of the corners give way to turning lanes, and a tree may spread over one.
    walk = kind == SemanticClass.SIDEWALK
    assert walk.mean() > 0.9
    np.testing.assert_allclose(1.0 - depth[walk], SIDEWALK_M, atol=0.03)


def test_nothing_stands_on_a_driving_lane(scene) -> None:
    """No wall, trunk, crown, post or fence over a lane below the height of a lorry."""
    lanes, mesh = scene.lanes, scene.mesh
    every = np.ones(len(lanes.points), dtype=bool)
    a, b = segments(lanes, every, lanes.kind == LaneKind.DRIVING)
    quads = chord_quads(*lane_edges(lanes, grow_m=-0.02), a, b)
    rows = np.flatnonzero(np.isin(mesh.semantic, SOLID))
    shapes = shapely.convex_hull(shapely.multipoints(corners(mesh)[rows][..., :2]))
    tree = shapely.STRtree(np.asarray(shapely.make_valid(shapely.polygons(quads[..., :2]))))
    face, quad = tree.query(shapes, predicate="intersects")
    gap = corners(mesh)[rows[face], :, 2].min(axis=1) - quads[quad, :, 2].max(axis=1)
    assert (gap > CLEAR_HEIGHT_M).all()


def test_what_is_seen_shows_its_front(scene) -> None:
    """Every first hit from cameras on the lanes is the front of a face."""
    rng = np.random.default_rng(0)
    rows = rng.choice(lane_rows(scene.lanes, LaneKind.DRIVING), 40)
    turn, rise = rng.uniform(0, 2 * np.pi, (40, 500)), rng.uniform(-0.5, 0.3, (40, 500))
    direction = np.stack(
        [np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)], axis=-1
    ).reshape(-1, 3)
    eye = np.repeat(scene.lanes.points[rows] + [0.0, 0.0, 2.25], 500, axis=0)
    face, _ = Caster(scene.mesh).hits(eye, direction)
    facing = (normals(scene.mesh)[face] * direction).sum(axis=1) < 1e-4
    assert facing[face >= 0].mean() > 0.999


def test_level_surfaces_face_up(scene) -> None:
    n = normals(scene.mesh)[:, 2]
    kind = scene.mesh.semantic
    assert (n[kind == SemanticClass.ROAD_LINE] > 0.9).all()
    assert (n[np.isin(kind, (SemanticClass.TERRAIN, SemanticClass.GROUND))] > 0.0).all()
    # Walls under open edges are upright; a strip that folds in a hairpin may turn over.
    road = n[kind == SemanticClass.ROAD]
    assert (road[np.abs(road) > 0.5] > 0.0).mean() > 0.999


def test_solids_are_closed_and_turned_out() -> None:
    low = box_rings(np.zeros((1, 2)), np.array([0.4]), np.array([[2.0, 1.0]]), np.array([1.0]))
    mesh = prisms(
        low,
        low + np.array([0.0, 0.0, 3.0]),
        np.zeros((1, 3), np.uint8),
        SemanticClass.BUILDING,
        floor=True,
    )
    c = corners(mesh)
    volume = np.einsum("nd,nd->n", c[:, 0], np.cross(c[:, 1], c[:, 2])).sum() / 6.0
    assert volume == pytest.approx(4.0 * 2.0 * 3.0)


def test_every_signal_has_three_lamps(scene) -> None:
    mesh, signals = scene.mesh, scene.signals
    middle, look = corners(mesh).mean(axis=1), normals(mesh)
    for row in range(len(signals)):
        for lamp in range(3):
            faces = np.flatnonzero((mesh.signal == row) & (mesh.lamp == lamp))
            near = np.linalg.norm(middle[faces] - signals.head[row], axis=1) < 1.0
            assert near.any()
            shine = [np.cos(signals.yaw[row]), np.sin(signals.yaw[row]), 0.0]
            np.testing.assert_allclose(
                look[faces[near]], np.tile(shine, (near.sum(), 1)), atol=1e-3
            )
            height = middle[faces[near], 2].mean() - signals.head[row, 2]
            assert np.sign(np.round(height, 1)) == 1 - lamp
            # An octagon of radius 0.2 m covers 0.113 m2.
            assert areas(mesh, faces[near]).sum() == pytest.approx(0.113, abs=0.005)
    lit = mesh.signal >= 0
    assert (mesh.lamp[lit] >= 0).all()
    assert (mesh.lamp[~lit] == -1).all()
    assert (mesh.semantic[lit] == SemanticClass.TRAFFIC_LIGHT).all()


def test_repeater_faces_the_stop_line(crossing) -> None:
    """From the driver's seat at the stop line, the far head shows its lamps unhidden."""
    lanes, mesh = crossing.lanes, crossing.mesh
    middle = corners(mesh).mean(axis=1)
    caster = Caster(mesh)
    for row, lane in enumerate(crossing.signals.stop_lane):
        at = int(lanes.start[lane]) + int(crossing.signals.stop_s_m[row])
        eye = lanes.points[at] + [0.0, 0.0, 1.5]
        ahead = np.array([np.cos(lanes.yaw[at]), np.sin(lanes.yaw[at]), 0.0])
        faces = np.flatnonzero(mesh.signal == row)
        to_lamp = middle[faces] - eye
        far = to_lamp @ ahead > 20.0
        assert set(mesh.lamp[faces[far]]) == {0, 1, 2}
        hit, _ = caster.hits(np.tile(eye, (far.sum(), 1)), to_lamp[far])
        assert (mesh.signal[hit] == row).all()


def test_corner_buildings_hide_the_side_street(crossing) -> None:
    """25 m before the junction, a car 25 m into the side street is out of sight at most corners."""
    eyes, cars = [], []
    for arm in range(4):
        for side in (1, 3):
            for one, out in ((arm, eyes), ((arm + side) % 4, cars)):
                angle = one * np.pi / 2.0
                xy = 37.0 * np.array([np.cos(angle), np.sin(angle)])
                out.append([*xy, 0.02 * xy[0] + 1.6])
    origin, target = np.array(eyes), np.array(cars)
    _, reach = Caster(crossing.mesh).hits(origin, target - origin)
    assert (reach < 1.0).mean() >= 0.75


def test_shared_lines_are_painted_once(crossing) -> None:
    """The broken line in the middle of an arm covers its dashes and nothing twice."""
    mesh = crossing.mesh
    middle = corners(mesh).mean(axis=1)
    rows = np.flatnonzero(
        (mesh.semantic == SemanticClass.ROAD_LINE)
        & (np.abs(middle[:, 1]) < LINE_WIDTH_M)
        & (middle[:, 0] > 22.0)
        & (middle[:, 0] < 85.0)
    )
    drawn = areas(mesh, rows).sum()
    wanted = 63.0 * LINE_WIDTH_M * DASH_M / DASH_PERIOD_M
    assert drawn == pytest.approx(wanted, rel=0.2)


def test_stop_line_crosses_its_lane(crossing) -> None:
    lanes, mesh = crossing.lanes, crossing.mesh
    lane, s_m = crossing.signals.stop_lane[0], crossing.signals.stop_s_m[0]
    at = lanes.points[int(lanes.start[lane]) + int(s_m)]
    across = np.linspace(-1.5, 1.5, 7)
    side = np.array([-np.sin(lanes.yaw[lanes.start[lane]]), np.cos(lanes.yaw[lanes.start[lane]])])
    points = np.tile(at, (7, 1))
    # The bar ends at the stop line; arm 0 is entered westwards, so it lies to the east.
    points[:, 0] += 0.25
    points[:, :2] += across[:, None] * side
    face, _ = look_down(mesh, points, 1.0)
    assert (mesh.semantic[face] == SemanticClass.ROAD_LINE).all()


def test_one_seed_one_mesh(crossroads, crossing) -> None:
    again, other = built(crossroads, 5), built(crossroads, 6)
    for first, second in zip(astuple(crossing.mesh), astuple(again), strict=True):
        assert first.tobytes() == second.tobytes()
    assert other.vertices.tobytes() != again.vertices.tobytes()


def test_terrain_reaches_beyond_the_town(scene) -> None:
    ground = np.isin(scene.mesh.semantic, (SemanticClass.TERRAIN, SemanticClass.GROUND))
    xy = corners(scene.mesh)[ground][..., :2].reshape(-1, 2)
    lanes = scene.lanes.points[:, :2]
    assert (xy.min(axis=0) < lanes.min(axis=0) - 150.0).all()
    assert (xy.max(axis=0) > lanes.max(axis=0) + 150.0).all()


def test_a_lone_country_lane_gets_scenery_too(crossroads) -> None:
    """No sidewalks, no junctions, no signals: still a road in a landscape."""
    lanes = only_lane(crossroads.lanes, 0)
    town = replace(
        crossroads,
        lanes=lanes,
        signals=no_rows(crossroads.signals),
        stop_signs=no_rows(crossroads.stop_signs),
        crosswalks=no_rows(crossroads.crosswalks),
    )
    mesh = built(town, 3)
    kinds = set(mesh.semantic.tolist())
    assert {SemanticClass.ROAD, SemanticClass.TERRAIN, SemanticClass.VEGETATION} <= kinds
    assert not kinds & {SemanticClass.SIDEWALK, SemanticClass.TRAFFIC_LIGHT}


def only_lane(lanes: LaneTable, lane: int) -> LaneTable:
    """One lane of a table, without its neighbours and links."""
    rows = lanes.slice_of(lane)
    columns: dict[str, np.ndarray] = {}
    for field in fields(lanes):
        column = getattr(lanes, field.name)
        if len(column) == len(lanes):
            columns[field.name] = column[lane : lane + 1]
        elif len(column) == len(lanes.points):
            columns[field.name] = column[rows]
        else:
            columns[field.name] = column[:0]
    ends = np.array([0, len(lanes.points[rows])])
    no_links = np.array([0, 0])
    columns |= {"start": ends, "next_start": no_links, "prev_start": no_links}
    return LaneTable(**columns)


def no_rows(table: Any) -> Any:
    """A table of the same kind without rows; the first entry of its `start` columns stays."""
    empty = {f.name: getattr(table, f.name)[: "start" in f.name] for f in fields(table)}
    return type(table)(**empty)


def test_frontage_follows_its_rings() -> None:
    random = np.random.default_rng(3)
    corners = np.cumsum(random.normal(size=(2, 40, 2)), axis=1)
    rings = np.asarray(shapely.linearrings(corners))
    ring = np.repeat([0, 1], [50, 70])
    share = np.concatenate([np.linspace(0.0, 0.99, 50), np.linspace(0.0, 1.0, 70)])
    s_m = share * np.asarray(shapely.length(rings))[ring]
    expected = shapely.get_coordinates(shapely.line_interpolate_point(rings[ring], s_m))
    np.testing.assert_allclose(points_along(rings, ring, s_m), expected, atol=1e-9)
