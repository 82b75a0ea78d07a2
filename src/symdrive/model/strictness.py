"""Weights fit a network wholly or not at all."""

from collections.abc import Mapping

from torch import Tensor, nn

from symdrive.core.errors import UserError

MOST_NAMED = 12
"""Tensors that one message lists."""


def check_tensors(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Refuse a state dict that does not fit, with everything that does not.

    `Module.load_state_dict` lets counters of batch norms be missing, and begins them anew.

    Args:
        network: that the tensors are for; may lie on the meta device.
        state: tensors by their names in the network.
        where: file that they come from, for the error.

    Raises:
        UserError: listing missing, unused and wrongly shaped tensors.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    faults = [f"{name} {wanted[name]} is missing" for name in wanted if name not in found]
    faults += [f"{name} {found[name]} has no place" for name in found if name not in wanted]
    faults += [
        f"{name} is {found[name]}, not {shape}"
        for name, shape in wanted.items()
        if name in found and found[name] != shape
    ]
    if faults:
        more = f"; and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
        raise UserError(
            f"{where}: {len(faults)} tensors do not fit the network of its config:"
            f" {'; '.join(faults[:MOST_NAMED])}{more}."
        )
