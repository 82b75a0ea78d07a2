"""Boxes to maps and back."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symdrive.model.boxes import decode_boxes, encode_boxes, gaussian_radius, yaw_to_bin
from symdrive.model.config import NANO, OFFICIAL_RESNET34, ModelConfig
from symdrive.model.tensors import BoxMaps


def perfect_maps(boxes: Tensor, count: Tensor, config: ModelConfig) -> BoxMaps:
    """What a network would say that has learnt the targets by heart."""
    target = encode_boxes(boxes, count, config)
    logit = torch.logit(target.heatmap.clamp(1e-4, 1 - 1e-4))
    bins = torch.nn.functional.one_hot(target.yaw_class, config.num_yaw_bins)
    return BoxMaps(
        logit,
        target.wh,
        target.offset,
        bins.permute(0, 3, 1, 2).float(),
        target.yaw_residual,
        target.velocity,
    )


@pytest.mark.parametrize("config", [NANO, OFFICIAL_RESNET34], ids=["nano", "official"])
def test_what_is_encoded_is_decoded(config: ModelConfig) -> None:
    boxes = torch.tensor(
        [[[20.3, 7.7, 2.4, 1.0, 0.7, 5.5, 0.0], [5.1, -12.9, 0.25, 0.3, -3.0, 1.0, 1.0]]]
    )
    found = decode_boxes(perfect_maps(boxes, torch.tensor([2]), config), config, top=5)
    order = found.boxes[0, :2, 6].argsort()
    torch.testing.assert_close(found.boxes[0, :2][order], boxes[0], atol=1e-4, rtol=1e-4)
    assert (found.score[0, :2] > 0.99).all()
    assert (found.score[0, 2:] < 0.9).all()


def test_padding_and_boxes_outside_leave_no_trace() -> None:
    boxes = torch.zeros(2, 6, 7)
    boxes[0, 0] = torch.tensor([100.0, 0.0, 2.0, 1.0, 0.0, 3.0, 0.0])
    target = encode_boxes(boxes, torch.tensor([1, 0]), NANO)
    assert not target.peak.any()
    assert target.heatmap.max() == 0.0
    one = encode_boxes(boxes + torch.tensor([5.0, 0, 1, 1, 0, 0, 0]), torch.tensor([6, 1]), NANO)
    assert one.peak.flatten(1).sum(1).tolist() == [1, 1]


def test_left_is_up_and_ahead_is_right() -> None:
    boxes = torch.tensor([[[47.0, 31.0, 2.0, 1.0, 0.0, 0.0, 0.0]]])
    peak = encode_boxes(boxes, torch.tensor([1]), NANO).peak[0]
    assert peak.nonzero().tolist() == [[0, 31]]


def test_the_later_of_two_boxes_in_a_cell_counts_and_both_are_seen() -> None:
    boxes = torch.tensor(
        [[[10.1, 0.5, 2.0, 1.0, 0.0, 3.0, 0.0], [10.3, 0.6, 0.5, 0.5, 0.0, 7.0, 1.0]]]
    )
    target = encode_boxes(boxes, torch.tensor([2]), NANO)
    assert target.peak.sum() == 1
    assert float(target.velocity[target.peak[:, None]]) == 7.0
    assert (target.heatmap == 1.0).flatten(2).any(2).tolist() == [[True, True] + [False] * 6]


@given(st.floats(-math.pi, math.pi))
@settings(max_examples=60)
def test_a_heading_is_its_bin_and_a_rest_of_at_most_half_a_bin(yaw: float) -> None:
    bins, rest = yaw_to_bin(torch.tensor([yaw], dtype=torch.float64), 12)
    assert 0 <= int(bins) < 12
    assert abs(float(rest)) <= math.pi / 12 + 1e-9
    back = int(bins) * math.pi / 6 + float(rest)
    assert math.cos(back - yaw) == pytest.approx(1.0)


def test_radius_keeps_the_overlap_it_promises() -> None:
    height, width = torch.tensor([8.0]), torch.tensor([5.0])
    r = float(gaussian_radius(height, width, 0.5))
    shifted = (8.0 - r) * (5.0 - r)
    assert shifted / (2 * 40.0 - shifted) >= 0.5 - 1e-6


def test_spots_never_sum_above_one() -> None:
    boxes = torch.tensor([[[10.0, 0.0, 4.0, 4.0, 0.0, 0.0, 0.0]] * 3])
    boxes[0, 1, 0] += 2.0
    config = replace(NANO, box_min_radius=3)
    heat = encode_boxes(boxes, torch.tensor([3]), config).heatmap
    assert heat.max() == 1.0
    assert (heat[0, 0] == 1.0).sum() == 2
