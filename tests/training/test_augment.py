"""Changes to inputs: how often, how much, and that they are the same for the same seed."""

from dataclasses import replace

import pytest
import torch

from symdrive.model.tensors import Inputs
from symdrive.training.augment import augment
from symdrive.training.config import AugmentConfig

ALWAYS = AugmentConfig(probability=1.0)
OFF = AugmentConfig(
    1.0, gain=1.0, contrast=1.0, noise=0.0, dropout=0.0, blur=False, elastic=0.0, any_order=False
)


def batch(value: int = 100, b: int = 64) -> Inputs:
    image = torch.full((b, 3, 8, 12), value, dtype=torch.uint8)
    return Inputs(
        image,
        torch.zeros(b, 1, 4, 4, dtype=torch.uint8),
        torch.arange(float(b)),
        torch.zeros(b, dtype=torch.long),
        torch.zeros(b, 3, 2),
    )


def test_nothing_changes_when_all_is_off() -> None:
    for config in (OFF, replace(ALWAYS, probability=0.0)):
        changed = augment(batch(), config)
        assert torch.equal(changed.image, batch().image)
        assert torch.equal(changed.speed, batch().speed)


def test_same_seed_same_pictures_and_the_batch_itself_stays() -> None:
    given = batch()
    pictures = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        pictures.append(augment(given, ALWAYS).image)
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])
    assert (given.image == 100).all()


def test_each_sample_is_hit_with_the_probability() -> None:
    torch.manual_seed(0)
    config = replace(OFF, probability=0.2, gain=1.2)
    changed = (augment(batch(b=2000), config).image != 100).flatten(1).any(1)
    assert 0.15 < float(changed.float().mean()) < 0.25


@pytest.mark.parametrize(
    ("config", "low", "high"),
    [
        (replace(OFF, gain=1.2), 83, 120),
        (replace(OFF, contrast=1.2), 94, 105),
        (replace(OFF, blur=True), 100, 100),
    ],
)
def test_changes_stay_in_their_range(config: AugmentConfig, low: int, high: int) -> None:
    torch.manual_seed(0)
    image = augment(batch(), config).image
    assert low <= int(image.min())
    assert int(image.max()) <= high


def test_noise_and_dropout_have_their_size() -> None:
    torch.manual_seed(0)
    noisy = augment(batch(), replace(OFF, noise=12.75)).image.float()
    assert 2.0 < float(noisy.std()) < 12.75
    dropped = (augment(batch(), replace(OFF, dropout=0.1)).image == 0).float().mean()
    assert 0.02 < float(dropped) < 0.1


def test_blur_smooths_an_edge_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    given = batch(0)
    given.image[:, :, :, 6:] = 200
    blurred = augment(given, replace(OFF, blur=True)).image.float()
    assert float(blurred.mean()) == pytest.approx(100.0, abs=1.5)
    assert (blurred[:, :, :, 5] > 0).float().mean() > 0.3


def test_speeds_are_swapped_not_invented() -> None:
    torch.manual_seed(0)
    given = batch(b=1000)
    changed = augment(given, replace(OFF, probability=0.0, other_speed=0.25)).speed
    swapped = changed != given.speed
    assert 0.2 < float(swapped.float().mean()) < 0.3
    assert set(changed.tolist()) <= set(given.speed.tolist())


def test_elastic_moves_pixels_by_no_more_than_it_says() -> None:
    torch.manual_seed(0)
    given = batch(0)
    ramp = (torch.arange(12) * 20).to(torch.uint8)
    image = ramp.expand(64, 3, 8, 12).contiguous()
    changed = augment(given._replace(image=image), replace(OFF, elastic=1.5)).image.float()
    moved = (changed - image.float()).abs() / 20.0
    assert float(moved.max()) <= 1.5 + 0.05
    assert float(moved.max()) > 1.2
    assert 0.2 < float(moved.mean()) < 0.75
    assert float(moved.amax(dim=(1, 2, 3)).min()) > 0.4  # every sample that is hit is bent
    flat = augment(batch(77), replace(OFF, elastic=1.5)).image
    assert (flat == 77).all()


def test_the_order_of_changes_differs_from_batch_to_batch() -> None:
    """Noise before blur is smoother than noise after it."""
    config = replace(OFF, noise=12.75, blur=True, any_order=True)
    spread = []
    for seed in range(30):
        torch.manual_seed(seed)
        spread.append(float(augment(batch(b=256), config).image.float().std()))
    low, high = min(spread), max(spread)
    middle = (low + high) / 2
    assert high > 1.15 * low
    assert 5 < sum(value > middle for value in spread) < 25
    fixed = replace(config, any_order=False)
    torch.manual_seed(0)
    assert float(augment(batch(b=256), fixed).image.float().std()) < middle
