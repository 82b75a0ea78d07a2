import math
from dataclasses import replace

import numba
import numpy as np
import pytest

from symdrive.core.semantics import SemanticClass
from symdrive.sensors.camera import camera_pose, render_cameras
from symdrive.sensors.light import Look
from symdrive.sensors.raster import SKY_DEPTH_M
from symdrive.sensors.scene import rotations
from symdrive.world.catalogue import MODEL_ROW, MODELS
from symdrive.world.rig import CameraSpec

FLOOR = ((0.0, 0.0, -0.5), (400.0, 400.0, 0.5), SemanticClass.ROAD)
FRONT = CameraSpec("front", (0.0, 0.0, 2.0), 0.0, 320, 240, math.radians(60))
ORIGIN = np.zeros(3)


def shoot(
    scene,
    spec=FRONT,
    *,
    position=ORIGIN,
    yaw=0.0,
    pitch=0.0,
    skip_row: int | None = 0,
    samples=1,
):
    spec = replace(spec, samples=samples)
    frames = render_cameras(scene, [spec], position, yaw, pitch, skip_row=skip_row)
    return frames[spec.name]


def test_depth_is_the_distance_along_the_axis_within_a_centimetre(actors_of, scene_of):
    wall = ((50.5, 0.0, 0.0), (0.5, 60.0, 60.0), SemanticClass.WALL)
    frame = shoot(scene_of(actors_of([(0, 0, 0)]), (wall,)))
    assert (frame.labels.semantic == SemanticClass.WALL).all()
    np.testing.assert_allclose(frame.labels.depth_m, 50.0, atol=0.01)


def test_depth_of_the_floor_follows_from_the_height_of_the_camera(actors_of, scene_of):
    frame = shoot(scene_of(actors_of([(0, 0, 0)])))
    row = 200
    expected = 2.0 * FRONT.focal_px / (row + 0.5 - 120)
    np.testing.assert_allclose(frame.labels.depth_m[row], expected, atol=0.01)


def test_the_left_of_the_world_is_on_the_left_of_the_picture(actors_of, scene_of):
    frame = shoot(scene_of(actors_of([(0, 0, 0), (12, 3, 0), (12, -3, 0)])))
    columns = [np.nonzero(frame.labels.instance == actor)[1].mean() for actor in (2, 3)]
    assert columns[0] < 140 < 180 < columns[1]


def test_mounts_follow_the_yaw_and_the_pitch_of_the_car(actors_of, scene_of):
    target = (30 * math.cos(0.8), 30 * math.sin(0.8), 0.0)
    scene = scene_of(actors_of([(0, 0, 0), target], model=[0, MODEL_ROW["walker.adult"]]))
    spec = CameraSpec("side", (0.4, 0.2, 1.0), 0.5, 320, 240, 0.5)
    level = shoot(scene, spec, yaw=0.3)
    raised = shoot(scene, spec, yaw=0.3, pitch=0.05)
    rows, columns = np.nonzero(level.labels.instance == 2)
    assert abs(columns.mean() - 160) < 12
    assert np.nonzero(raised.labels.instance == 2)[0].mean() > rows.mean() + 10


def test_a_free_camera_is_an_ego_pose_with_a_camera_at_the_origin(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0), (15, 1, 0)]))
    mounted = CameraSpec("m", (1.0, 0.5, 3.0), 0.4, 64, 48, 1.0, pitch=-0.1)
    position, _ = camera_pose(mounted, np.array([2.0, 1.0, 0.0]), 0.3, 0.0)
    free = CameraSpec("m", (0.0, 0.0, 0.0), 0.0, 64, 48, 1.0)
    a = shoot(scene, mounted, position=np.array([2.0, 1.0, 0.0]), yaw=0.3)
    b = shoot(scene, free, position=position, yaw=0.7, pitch=-0.1)
    np.testing.assert_array_equal(a.labels.instance, b.labels.instance)
    np.testing.assert_allclose(a.labels.depth_m, b.labels.depth_m, rtol=1e-4)


@pytest.mark.parametrize("model", range(len(MODELS)), ids=lambda row: MODELS[row].name)
def test_pixels_of_an_actor_lie_in_the_projection_of_its_box(model, actors_of, scene_of):
    yaw, pitch = 0.7, 0.1
    scene = scene_of(
        actors_of([(0, 0, 0), (9.0, 1.0, 0.4)], model=[0, model], yaw=[0, yaw], pitch=[0, pitch])
    )
    frame = shoot(scene)
    eye, axes = camera_pose(FRONT, ORIGIN, 0.0, 0.0)
    half = np.array(MODELS[model].half_extent)
    corners = np.stack(np.meshgrid([-1, 1], [-1, 1], [0, 2]), axis=-1).reshape(-1, 3) * half
    turn = rotations(np.array([yaw]), np.array([pitch]))[0]
    seen = (corners @ turn.T + np.array([9.0, 1.0, 0.4]) - eye) @ axes
    column = 160 - FRONT.focal_px * seen[:, 1] / seen[:, 0]
    row = 120 - FRONT.focal_px * seen[:, 2] / seen[:, 0]
    rows, columns = np.nonzero(frame.labels.instance == 2)
    assert len(rows) > 30
    assert columns.min() >= math.floor(column.min()) - 1
    assert columns.max() <= math.ceil(column.max()) + 1
    assert rows.min() >= math.floor(row.min()) - 1
    assert rows.max() <= math.ceil(row.max()) + 1


def test_an_actor_with_a_box_of_its_own_is_stretched_to_it(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (12, 0, 0)], yaw=math.pi / 2)
    actors.half_extent[1] *= [2.0, 1.0, 1.0]
    wide, row = shoot(scene_of(actors)).labels.instance == 2, 150
    assert wide.any(axis=0).sum() > 1.9 * (
        (shoot(scene_of(actors_of([(0, 0, 0), (12, 0, 0)], yaw=math.pi / 2))).labels.instance == 2)
        .any(axis=0)
        .sum()
    )
    assert wide[row].any()


@pytest.mark.parametrize("samples", [1, 2])
def test_counts_are_the_pixels_of_the_instance_picture(samples, actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (12, 3, 0), (20, -3, 0), (-9, 0, 0)], model=[0, 1, 7, 2])
    actors.actor_id[:] = [1, 700, 31, 5]
    frame = shoot(scene_of(actors), samples=samples)
    found = np.bincount(frame.labels.instance.ravel(), minlength=701)[actors.actor_id]
    np.testing.assert_array_equal(frame.pixels, found)
    assert found[1] > 100
    assert found[0] == found[3] == 0


def test_an_actor_behind_a_wall_has_no_pixels(actors_of, scene_of):
    wall = ((30.0, 0.0, 5.0), (0.5, 20.0, 5.0), SemanticClass.BUILDING)
    actors = actors_of([(0, 0, 0), (36, 0, 0), (20, 0, 0)])
    hidden, seen = shoot(scene_of(actors, (FLOOR, wall))).pixels[1:]
    assert hidden == 0
    assert seen > 100
    assert shoot(scene_of(actors_of([(0, 0, 0), (36, 0, 0)]))).pixels[1] > 100


def test_pictures_of_any_size_are_filled_to_the_last_pixel(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]))
    ragged = CameraSpec("r", (0.0, 0.0, 2.0), 0.0, 37, 23, 1.0)
    frame = shoot(scene, ragged)
    assert frame.rgb.shape == (23, 37, 3)
    sky = frame.labels.semantic == SemanticClass.SKY
    np.testing.assert_array_equal(sky, np.arange(23)[:, None] + np.zeros(37) <= 11)
    assert (frame.labels.depth_m[sky] == SKY_DEPTH_M).all()
    np.testing.assert_allclose(frame.labels.depth_m[-1], 2.0 * ragged.focal_px / 11.0, rtol=1e-4)


def test_the_same_bytes_on_any_number_of_threads(actors_of, scene_of):
    if numba.get_num_threads() < 2:
        pytest.skip("this process may use one thread only")
    scene = scene_of(actors_of([(0, 0, 0), (12, 3, 0), (20, -3, 0)]))
    before, frames = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        frames.append(shoot(scene))
    numba.set_num_threads(before)
    one, two = frames
    assert one.rgb.tobytes() == two.rgb.tobytes()
    assert one.labels.depth_m.tobytes() == two.labels.depth_m.tobytes()
    assert one.labels.instance.tobytes() == two.labels.instance.tobytes()
    assert one.pixels.tobytes() == two.pixels.tobytes()


def test_frames_do_not_share_memory(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0), (12, 3, 0)]))
    first = shoot(scene)
    kept = first.rgb.copy()
    second = shoot(scene, yaw=1.0)
    assert not np.shares_memory(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.rgb, kept)


def test_supersampling_smooths_edges_and_keeps_the_rest(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0), (12, 0, 0)]))
    rough, smooth = shoot(scene), shoot(scene, samples=2)
    assert smooth.rgb.shape == rough.rgb.shape
    sky = (smooth.labels.semantic == SemanticClass.SKY)[:60]
    assert sky.mean() > 0.9
    np.testing.assert_allclose(rough.rgb[:60][sky], smooth.rgb[:60][sky], atol=2)
    assert (rough.labels.semantic == smooth.labels.semantic).mean() > 0.98


@pytest.mark.parametrize("samples", [1, 2])
def test_shadows_fall_away_from_the_sun(samples, actors_of, scene_of):
    """The sun stands towards x and y, so a shadow falls towards minus x (down) and minus y."""
    slab = ((20.0, 0.0, 4.0), (2.0, 2.0, 0.2), SemanticClass.WALL)
    above = CameraSpec("above", (20.0, 0.0, 20.0), 0.0, 160, 160, 1.2, pitch=-math.pi / 2)
    actors = actors_of([(0, 0, 0)])
    bare = shoot(scene_of(actors), above, samples=samples).rgb.astype(float)
    scene = scene_of(actors, (FLOOR, slab))
    plain = shoot(scene, above, samples=samples).rgb
    scene.update(actors, np.zeros(0, dtype=np.int64), Look(shadows=True))
    frame = shoot(scene, above, samples=samples)
    road = frame.labels.semantic == SemanticClass.ROAD
    darker = road & (frame.rgb.mean(axis=2) < 0.8 * bare.mean(axis=2))
    rows, columns = np.nonzero(darker)
    assert len(rows) > 50
    assert rows.mean() > 85
    assert columns.mean() > 85
    assert (plain.mean(axis=2) > 0.8 * bare.mean(axis=2))[road].mean() > 0.99


LAMPS = [(0, lamp, (20.0, 0.0, 4.0 - 0.5 * lamp)) for lamp in range(3)]


def lamp_colors(scene):
    frame = shoot(scene)
    is_lamp = frame.labels.semantic == SemanticClass.TRAFFIC_LIGHT
    _, rows = np.unique(np.nonzero(is_lamp)[0], return_index=True)
    parts = np.array_split(np.nonzero(is_lamp)[0][np.sort(rows)], 3)
    return [frame.rgb[part][is_lamp[part]].mean(axis=0) for part in parts]


@pytest.mark.parametrize(("state", "channel"), [(0, 0), (1, None), (2, 1)])
def test_the_lit_lamp_is_bright_and_the_others_dark(state, channel, actors_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors, (FLOOR,), LAMPS)
    scene.update(actors, np.array([state]))
    colors = lamp_colors(scene)
    for lamp, color in enumerate(colors):
        assert (color.max() > 180) == (lamp == state)
    lit = colors[state]
    if channel is None:
        assert min(lit[0], lit[1]) > 150 > lit[2]
    else:
        assert lit[channel] > 180 > 110 > np.delete(lit, channel).max()


def test_a_signal_that_is_off_has_no_bright_lamp(actors_of, scene_of):
    actors = actors_of([(0, 0, 0)])
    scene = scene_of(actors, (FLOOR,), LAMPS)
    scene.update(actors, np.array([3]))
    assert max(color.max() for color in lamp_colors(scene)) < 90


def test_signal_states_must_match_the_town(actors_of, scene_of):
    scene = scene_of(actors_of([(0, 0, 0)]), (FLOOR,), LAMPS)
    with pytest.raises(ValueError, match="2 signal states for 1 signals"):
        scene.update(actors_of([(0, 0, 0)]), np.zeros(2, dtype=np.int64))


def test_paint_and_brake_lights_follow_the_actor(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (7, 0, 0)])
    actors.color[1] = (20, 40, 220)
    dark = shoot(scene_of(actors))
    own = dark.labels.instance == 2
    assert dark.rgb[own][:, 2].mean() > 1.5 * dark.rgb[own][:, 0].mean()
    actors.braking[1] = True
    bright = shoot(scene_of(actors))
    glowing = (bright.rgb[..., 0] > 220) & (bright.rgb[..., 1] < 80) & own
    assert glowing.sum() > 10
    assert not ((dark.rgb[..., 0] > 220) & (dark.rgb[..., 1] < 80) & own).any()


def test_riders_are_labelled_apart_from_their_machines(actors_of, scene_of):
    actors = actors_of([(0, 0, 0), (8, 0, 0)], model=[0, MODEL_ROW["vehicle.bh.crossbike"]])
    frame = shoot(scene_of(actors))
    kinds = set(np.unique(frame.labels.semantic[frame.labels.instance == 2]))
    assert kinds == {SemanticClass.RIDER, SemanticClass.BICYCLE}


def test_a_scene_that_was_never_updated_says_so(town_of):
    from symdrive.sensors.scene import Scene

    with pytest.raises(RuntimeError, match="call update first"):
        shoot(Scene(town_of()), skip_row=None)
