"""Batches that mix datasets: each head learns from the samples of its own label space."""

from jaxtyping import Bool, Float
from torch import Tensor

Mask = Bool[Tensor, " b"] | None
"""Samples that count; None for all."""


def of_space(space: Tensor | None, number: int) -> Mask:
    """Samples of a label space, without asking the device which."""
    return None if space is None else space == number


def mean_of(per_sample: Float[Tensor, " b"], mask: Mask) -> Float[Tensor, ""]:
    """Mean over the samples that count; 0 where none does."""
    if mask is None:
        return per_sample.mean()
    return (per_sample * mask).sum() / mask.sum().clamp(min=1)
