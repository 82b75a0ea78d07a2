"""`symdrive checkpoint`: convert official ones, look into ours, verify the network."""

import math
from collections.abc import Iterable, Sequence

import torch
from rich.table import Table

from symdrive.cli.screen import console, figures
from symdrive.cli.student_options import CheckpointConvert, CheckpointInspect, CheckpointVerify
from symdrive.features.checkpoint import SUFFIX, load_checkpoint, save_checkpoint
from symdrive.features.official import LICENCE, open_official
from symdrive.model.bundle import read_bundle
from symdrive.model.parity import Check, verify


def run_convert(options: CheckpointConvert) -> None:
    """Write the official weights as a checkpoint of ours."""
    described = options.options or options.weights.parent / "config.json"
    network, features, rig = open_official(options.weights, described)
    out = options.out or options.weights.with_suffix(SUFFIX)
    path = save_checkpoint(out, network, features, rig, licence=options.licence or LICENCE)
    console.print(f"{_millions(network.parameters())} parameters, all placed: {path}")


def run_inspect(options: CheckpointInspect) -> None:
    """What is in a file."""
    found = load_checkpoint(options.path)
    config = found.network.config
    table = figures("parameters", "M")
    for name, block in found.network.named_children():
        table.add_row(name, f"{sum(p.numel() for p in block.parameters()) / 1e6:.3f}")
    table.add_row("total", f"{sum(p.numel() for p in found.network.parameters()) / 1e6:.3f}")
    console.print(table)
    height, width = config.image_size
    rows, cols = config.bev.size
    raster = "coordinates, no LiDAR" if config.latent else f"raster {rows}x{cols}"
    facts = {
        "stage": found.stage,
        "encoders": f"{config.image_backbone}, {config.lidar_backbone}",
        "inputs": f"picture {height}x{width}, {raster}",
        "planner": f"{config.planner}, width {config.planner_width}",
        "label spaces": ", ".join(
            [config.label_space, *(space.name for space in config.other_spaces)]
        ),
        "radar": "none" if config.radar is None else f"{config.radar.queries} objects",
        "compat": ", ".join(name for name, on in vars(config.compat).items() if on) or "none",
        "frame": config.frame,
        "features": found.features.digest,
        "rig": f"{found.rig.name} ({found.rig.digest})",
        "written by": f"symdrive {found.version}",
        "licence": found.licence or "not stated",
    }
    for name, value in facts.items():
        console.print(f"{name:<13}{value}")


def run_verify(options: CheckpointVerify) -> int:
    """Everything that a bundle holds against ours; 1 where something is off."""
    bundle = read_bundle(options.bundle)
    checks = verify(bundle)
    console.print(_checks_table(checks))
    off = [check for check in checks if not check.is_good]
    console.print(_verdict(str(bundle.meta.get("variant", options.bundle.name)), checks, off))
    return 1 if off else 0


def _checks_table(checks: Sequence[Check]) -> Table:
    """One row a number."""
    table = figures("what", "error", "allowed", "")
    for check in checks:
        table.add_row(
            f"{check.section} {check.name}",
            "missing" if math.isinf(check.error) else f"{check.error:.1e}",
            f"{check.allowed:.1e}",
            "" if check.is_good else "[bold red]OFF[/]",
        )
    return table


def _verdict(variant: str, checks: Sequence[Check], off: Sequence[Check]) -> str:
    """One sentence, and the numbers by kind."""
    kinds = list(dict.fromkeys(check.section for check in checks))
    counts = ", ".join(f"{sum(c.section == kind for c in checks)} {kind}" for kind in kinds)
    result = "equal" if not off else f"{len(off)} off, first {off[0].section} {off[0].name}"
    return f"{variant}: {result} ({counts})"


def _millions(parameters: Iterable[torch.nn.Parameter]) -> str:
    return f"{sum(p.numel() for p in parameters) / 1e6:.3f} M"
