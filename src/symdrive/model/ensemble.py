"""Several networks of one config as one driver.

How opinions are joined follows kesai-labs/lead 4489176, `open_loop_inference.py`: speeds by the
mean of their logits, paths and headings by their mean, class maps by the least word for "unlabeled"
and the strongest for everything else.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel

from symdrive.model.network import TransFuser
from symdrive.model.tensors import Inputs, PlanOutput


class Ensemble(nn.Module):
    """Networks that vote; one batched pass over all of them where that pays off.

    Args:
        networks: of one config, in evaluation mode.
        batched: run all weights in one pass (`torch.func`), which pays off on a GPU that one small
            picture leaves idle; None for exactly there. Otherwise they run one by one.

    Raises:
        ValueError: when there is none, or their configs differ.
    """

    def __init__(self, networks: Sequence[TransFuser], *, batched: bool | None = None) -> None:
        super().__init__()
        if not networks:
            raise ValueError("an ensemble needs at least one network")
        self.config = networks[0].config
        if any(network.config != self.config for network in networks):
            raise ValueError("the networks of an ensemble have one config; these differ")
        self.members = nn.ModuleList(networks)
        self._drivers = [_Driver(network) for network in networks]
        on_gpu = next(networks[0].parameters()).is_cuda
        self.batched = len(networks) > 1 and (on_gpu if batched is None else batched)
        if self.batched:
            self._state = stack_module_state(self._drivers)
            self._shell = copy.deepcopy(self._drivers[0]).to("meta")

    def drive(self, inputs: Inputs) -> tuple[PlanOutput, Float[Tensor, "member b c rows cols"]]:
        """The joined plan, and the bird's-eye view features of each member."""
        opinions, bev = self.opinions(inputs)
        return joined(opinions), bev

    def opinions(self, inputs: Inputs) -> tuple[PlanOutput, Float[Tensor, "member b c rows cols"]]:
        """What each member says; the members are the first axis of everything."""
        if self.batched:
            with _plain_attention():
                found = torch.vmap(self._one, in_dims=(0, 0, None))(*self._state, inputs)
        else:
            said = [driver(inputs) for driver in self._drivers]
            found = tuple(torch.stack(column) for column in zip(*said, strict=True))
        bev, *plan = found
        return PlanOutput(*plan), bev

    def _one(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Inputs
    ) -> tuple[Tensor, ...]:
        """One member, given its weights."""
        return functional_call(self._shell, (parameters, buffers), (inputs,))


class _Driver(nn.Module):
    """`TransFuser.drive` as a forward pass that returns tensors only."""

    def __init__(self, network: TransFuser) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """Bird's-eye view features, then the columns of the plan."""
        plan, bev = self.network.drive(inputs)
        return (bev, *(column for column in plan if column is not None))


def joined(opinions: PlanOutput) -> PlanOutput:
    """The mean of each column over the members, its first axis."""
    columns: Any = (None if column is None else column.mean(dim=0) for column in opinions)
    return PlanOutput(*columns)


def joined_classes(logits: Float[Tensor, "member b k h w"]) -> Float[Tensor, "b k h w"]:
    """One class map: the least logit of class 0 and the largest of all others."""
    return torch.cat([logits[:, :, :1].amin(dim=0), logits[:, :, 1:].amax(dim=0)], dim=1)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Without torch's fused attention, which cannot be batched over weights."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)
