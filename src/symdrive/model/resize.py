"""The one way in which maps change their size."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from symdrive.model.config import Size


def bilinear(x: Float[Tensor, "b c h w"], size: Size) -> Float[Tensor, "b c h2 w2"]:
    """Bilinear between pixel centres; a map of the right size is returned as it is."""
    if x.shape[2:] == size:
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)
