"""Reference bundles: what the official network computed, to hold ours against.

A bundle is one file of `torch.save`. It holds official options (`config`), names and shapes of all
parameters with a recipe to draw them (`parameters`, `recipe`), stored buffers (`state_dict`),
`inputs`, `outputs`, `intermediates`, `labels`, `losses` with `loss_weights` and `total_loss`, and
`grad_norms`. `noise` is float32's own error of each tensor. Large tensors are kept at some
`positions` of their flattened form, with their whole shape in `shapes`.
"""

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symdrive.core.errors import UserError

FORMAT = 1
FAINTEST = 2e-5
"""Errors below this share of a tensor's spread are never counted."""

NOISE_FACTOR = 5.0
"""How often float32's own error is allowed."""


@dataclass(frozen=True)
class Bundle:
    """One reference run of the official network in float32, dropout off.

    Attributes:
        path: file that it was read from.
        meta: variant, seed of the weights, versions.
        config: official options.
        state: the official state dict.
        inputs: of one batch.
        outputs: predictions by official name; large ones at `positions`.
        intermediates: results of inner modules by official name; large ones at `positions`.
        labels: of the batch.
        losses: each term.
        loss_weights: of the total loss.
        total_loss: weighted sum.
        grad_norms: of the total loss, by parameter.
        noise: float32's own error of outputs and intermediates, in units of their spread.
        positions: indices into the flattened tensor.
        shapes: whole shape of the tensors that are kept at positions.
    """

    path: Path
    meta: Mapping[str, Any]
    config: Mapping[str, Any]
    state: Mapping[str, Tensor]
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    intermediates: Mapping[str, Tensor]
    labels: Mapping[str, Tensor]
    losses: Mapping[str, Tensor]
    loss_weights: Mapping[str, float]
    total_loss: Tensor | None
    grad_norms: Mapping[str, float]
    noise: Mapping[str, float]
    positions: Mapping[str, Tensor]
    shapes: Mapping[str, list[int]]

    def spread_error(self, name: str, want: Tensor, got: Tensor) -> float:
        """Largest error of a tensor in units of its spread; infinite for a wrong shape."""
        shape = list(self.shapes.get(name, list(want.shape)))
        if list(got.shape) != shape:
            return float("inf")
        if name in self.positions:
            got = got.flatten()[self.positions[name].long()]
        gap = (want.double() - got.detach().double()).abs().max()
        return float(gap / want.double().std().clamp(min=1e-12))

    def allowed(self, name: str) -> float:
        """Largest error of a tensor that counts as equal."""
        return max(FAINTEST, NOISE_FACTOR * float(self.noise.get(name, 0.0)))


def read_bundle(path: Path) -> Bundle:
    """Read a bundle and draw its weights.

    Args:
        path: the file, or a folder that holds one bundle.

    Raises:
        UserError: for a missing, damaged or foreign file.
    """
    if path.is_dir() and len(inside := sorted(path.glob("*.pt"))) == 1:
        path = inside[0]
    if not path.is_file():
        raise UserError(f"there is no reference bundle {path}; name a .pt file.")
    try:
        raw: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        meta = raw["meta"]
        drawn = _drawn(raw, int(meta["seed"]))
        state = {**drawn, **raw["state_dict"]}
        parts = {name: raw[name] for name in ("config", "inputs", "outputs")}
    except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is no reference bundle or is damaged: {text}.") from error
    if meta.get("format") != FORMAT:
        raise UserError(f"{path} has format {meta.get('format')}; this symdrive reads {FORMAT}.")
    tables = ("intermediates", "labels", "losses", "loss_weights", "grad_norms", "noise")
    rest = {name: raw.get(name, {}) for name in (*tables, "positions", "shapes")}
    return Bundle(
        path=path, meta=meta, state=state, total_loss=raw.get("total_loss"), **parts, **rest
    )


def _drawn(raw: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Parameters by their recipe: normal numbers from a stream of their own for each name."""
    found: dict[str, Tensor] = {}
    for name, shape in raw["parameters"].items():
        if name in raw["state_dict"]:
            continue
        mean, std = raw["recipe"][name]
        stream = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
        values = stream.standard_normal(tuple(shape), dtype=np.float32) * np.float32(std)
        found[name] = torch.from_numpy(values + np.float32(mean))
    return found
