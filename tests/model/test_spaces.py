"""Batches that mix label spaces: each head learns from its own samples alone."""

from dataclasses import replace
from typing import Any

import torch

from symdrive.model.config import NANO, NAVSIM_SPACE, RadarConfig
from symdrive.model.losses import losses, total_loss
from symdrive.model.network import TransFuser
from symdrive.model.tensors import Inputs, Targets

MIXED = replace(
    NANO,
    other_spaces=(NAVSIM_SPACE,),
    radar=RadarConfig(queries=4, sensors=2, points=3, width=32, layers=1, heads=4, hidden=32),
    radar_queries=4,
)


def mixed_batch(space: list[int]) -> tuple[Inputs, Targets]:
    """Samples of both spaces; labels are those of each one's own classes."""
    torch.manual_seed(0)
    b, (rows, cols), (height, width) = len(space), MIXED.bev.size, MIXED.image_size
    of = torch.tensor(space)
    points = torch.rand(b, 6, 5) * torch.tensor([40.0, 20.0, 1.0, 9.0, 0.0])
    inputs = Inputs(
        torch.randint(0, 256, (b, 3, height, width), dtype=torch.uint8),
        torch.randint(0, 6, (b, MIXED.lidar_channels, rows, cols), dtype=torch.uint8),
        torch.rand(b) * 10,
        torch.randint(0, 6, (b,)),
        torch.rand(b, 3, 2) * 30,
        points,
    )
    classes = torch.where(of == 0, 7.9, 0.0)[:, None].expand(b, 3)
    boxes = torch.rand(b, 3, 7) * torch.tensor([40.0, 20.0, 2.0, 1.0, 3.0, 8.0, 1.0])
    boxes[..., 6] = (torch.rand(b, 3) * classes).floor()
    kinds = torch.where(of == 0, 13, 7)[:, None, None]
    bev = (torch.rand(b, rows, cols) * kinds).floor().to(torch.uint8)
    objects = torch.rand(b, 4, 4)
    objects[..., 3] = 1.0
    return inputs, Targets(
        torch.randint(0, 10, (b, height // 4, width // 4), dtype=torch.uint8),
        torch.rand(b, height // 4, width // 4) * 50,
        bev,
        boxes,
        torch.full((b,), 3),
        torch.randn(b, 8, 2),
        torch.randn(b, 10, 2),
        torch.rand(b) * 20,
        torch.rand(b) < 0.5,
        radar_objects=objects,
        space=of,
    )


def rows_of(targets: Targets, rows: list[int]) -> Targets:
    columns: Any = (None if column is None else column[rows] for column in targets)
    return Targets(*columns)


def network() -> TransFuser:
    torch.manual_seed(1)
    return TransFuser(MIXED).eval()


def test_each_head_sees_its_own_samples_only() -> None:
    inputs, targets = mixed_batch([0, 1, 0, 1])
    model = network()
    with torch.no_grad():
        mixed = losses(model(inputs), targets, MIXED)
        parts = {}
        for number, rows in ((0, [0, 2]), (1, [1, 3])):
            few: Any = (None if column is None else column[rows] for column in inputs)
            parts[number] = losses(model(Inputs(*few)), rows_of(targets, rows), MIXED)
    own = {name for name in mixed if "/" not in name} - {"waypoints"}
    assert {"semantic", "depth", "bev_semantic", "heatmap", "radar", "route"} <= own
    for name in own:
        torch.testing.assert_close(mixed[name], parts[0][name], rtol=1e-4, atol=1e-5)
        assert float(parts[1][name]) == 0.0, name
    others = {name for name in mixed if "/" in name}
    assert "navsim/bev_semantic" in others
    assert "navsim/velocity" not in others
    for name in others:
        torch.testing.assert_close(mixed[name], parts[1][name], rtol=1e-4, atol=1e-5)
        assert float(parts[0][name]) == 0.0, name
    both = (parts[0]["waypoints"] + parts[1]["waypoints"]) / 2
    torch.testing.assert_close(mixed["waypoints"], both, rtol=1e-4, atol=1e-5)


def test_a_batch_of_one_space_is_the_same_with_and_without_its_number() -> None:
    inputs, targets = mixed_batch([0, 0])
    model = network()
    with torch.no_grad():
        out = model(inputs)
        named = losses(out, targets, MIXED)
        plain = losses(out, targets._replace(space=None), MIXED)
    for name, term in plain.items():
        torch.testing.assert_close(named[name], term, rtol=1e-5, atol=1e-6)


def test_every_head_learns_from_a_mixed_batch() -> None:
    inputs, targets = mixed_batch([0, 1])
    model = network().train()
    terms = losses(model(inputs), targets, MIXED)
    total_loss(terms, MIXED).backward()
    idle = [
        name
        for name, parameter in model.named_parameters()
        if (parameter.grad is None or not parameter.grad.any()) and "velocity" not in name
    ]
    assert idle == []
