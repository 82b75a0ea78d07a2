"""Networks that vote; one sample alone and in a batch; exactly one way to say no."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from symdrive.model.config import NANO
from symdrive.model.ensemble import Ensemble, joined_classes
from symdrive.model.network import TransFuser
from symdrive.model.tensors import Inputs


def networks(count: int) -> list[TransFuser]:
    found = []
    for seed in range(count):
        torch.manual_seed(seed)
        found.append(TransFuser(NANO).eval())
    return found


def inputs(b: int = 1) -> Inputs:
    draw = torch.Generator().manual_seed(1)
    height, width = NANO.image_size
    return Inputs(
        torch.randint(0, 256, (b, 3, height, width), generator=draw, dtype=torch.uint8),
        torch.randint(
            0, 6, (b, NANO.lidar_channels, *NANO.bev.size), generator=draw, dtype=torch.uint8
        ),
        torch.rand(b, generator=draw) * 10,
        torch.randint(0, 6, (b,), generator=draw),
        torch.rand(b, 3, 2, generator=draw) * 30,
    )


def test_one_pass_over_all_weights_says_what_each_says_alone() -> None:
    members = networks(3)
    given = inputs(2)
    with torch.inference_mode():
        one_by_one, bev = Ensemble(members, batched=False).opinions(given)
        together, bev_together = Ensemble(members, batched=True).opinions(given)
    torch.testing.assert_close(bev, bev_together, rtol=1e-4, atol=1e-4)
    for a, b in zip(one_by_one[:3], together[:3], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_the_vote_is_the_mean_and_one_member_is_itself() -> None:
    members = networks(2)
    given = inputs()
    with torch.inference_mode():
        plan, _ = Ensemble(members).drive(given)
        alone = [network.drive(given)[0] for network in members]
        itself, bev = Ensemble(members[:1]).drive(given)
    torch.testing.assert_close(plan.route, (alone[0].route + alone[1].route) / 2)
    mean = (alone[0].speed_logits + alone[1].speed_logits) / 2
    torch.testing.assert_close(plan.speed_logits, mean)
    assert torch.equal(itself.waypoints, alone[0].waypoints)
    assert bev.shape[0] == 1


def test_alone_and_in_a_batch_a_sample_gives_the_same() -> None:
    (network,) = networks(1)
    many = inputs(5)
    with torch.inference_mode():
        whole, bev = network.drive(many)
        for row in range(5):
            columns: Any = (None if c is None else c[row : row + 1] for c in many)
            plan, features = network.drive(Inputs(*columns))
            torch.testing.assert_close(plan.route[0], whole.route[row], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(
                plan.speed_logits[0], whole.speed_logits[row], rtol=1e-4, atol=1e-4
            )
            torch.testing.assert_close(features[0], bev[row], rtol=1e-4, atol=1e-4)


def test_a_map_is_something_where_one_member_is_sure() -> None:
    quiet = torch.tensor([5.0, 0.0, 0.0]).view(1, 3, 1, 1)
    sure = torch.tensor([0.0, 0.0, 3.0]).view(1, 3, 1, 1)
    assert int(joined_classes(torch.stack([quiet, sure])).argmax()) == 2
    assert int(joined_classes(torch.stack([quiet, quiet])).argmax()) == 0


def test_an_ensemble_has_members_of_one_kind() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])
    other = TransFuser(replace(NANO, planner_layers=1)).eval()
    with pytest.raises(ValueError, match="have one config"):
        Ensemble([*networks(1), other])
