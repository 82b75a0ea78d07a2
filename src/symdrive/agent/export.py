"""A network as an ONNX file, checked against torch. Needs the extra `onnx`."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from symdrive.model.config import ModelConfig
from symdrive.model.made_up import made_up_inputs
from symdrive.model.network import TransFuser
from symdrive.model.tensors import Inputs, PlanOutput

OPSET = 18


@dataclass(frozen=True)
class Exported:
    """An ONNX file and how far it is from torch.

    Attributes:
        path: of the file.
        inputs: names, in order.
        outputs: names, in order.
        errors: largest error of each output, in units of its spread.
    """

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    errors: tuple[float, ...]


class _Columns(nn.Module):
    """The plan as a function of plain tensors."""

    def __init__(self, network: TransFuser, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *columns: Tensor) -> tuple[Tensor, ...]:
        """Columns of `Inputs` by name to the columns of the plan that the network predicts."""
        plan, _ = self.network.drive(Inputs(**dict(zip(self.names, columns, strict=True))))
        return tuple(column for column in plan if column is not None and column.shape[1])


def export_onnx(network: TransFuser, path: Path) -> Exported:
    """Write the plan of a network, for a batch of one, and run the file against torch.

    Inputs are the columns of `model.tensors.Inputs` (the LiDAR raster only where it is read),
    outputs those of `PlanOutput`.

    Args:
        network: of the planning stage, on the CPU.
        path: file to write.
    """
    network = network.eval()
    given = made_up_inputs(network.config, 1, seed=0)
    names = tuple(name for name, column in given._asdict().items() if column is not None)
    columns = tuple(column for column in given if column is not None)
    module = _Columns(network, names).eval()
    outputs = _outputs(network.config)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        # torch 2.13 uses a name of its own that it has deprecated.
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        wanted = module(*columns)
        torch.onnx.export(
            module,
            columns,
            str(path),
            input_names=list(names),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    taken = {one.name for one in session.get_inputs()}
    feed = {n: c.numpy() for n, c in zip(names, columns, strict=True) if n in taken}
    found = [np.asarray(one) for one in session.run(list(outputs), feed)]
    errors = tuple(_error(w, f) for w, f in zip(wanted, found, strict=True))
    return Exported(path, tuple(sorted(taken)), outputs, errors)


def _outputs(config: ModelConfig) -> tuple[str, ...]:
    """Names of the columns of the plan that the network predicts."""
    there = {
        "route": config.num_route_points > 0,
        "waypoints": True,
        "speed_logits": bool(config.target_speeds),
        "headings": config.headings,
    }
    return tuple(name for name in PlanOutput._fields if there[name])


def _error(wanted: Tensor, found: np.ndarray) -> float:
    """Largest error in units of the spread."""
    gap = np.abs(wanted.numpy().astype(np.float64) - found.astype(np.float64)).max()
    return float(gap / max(float(wanted.double().std()), 1e-12))
