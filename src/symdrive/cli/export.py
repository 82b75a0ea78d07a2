"""`symdrive checkpoint export`: an ONNX file, checked against torch."""

import importlib.util

from symdrive.cli.screen import console
from symdrive.cli.student_options import CheckpointExport
from symdrive.core.errors import UserError
from symdrive.features.checkpoint import PLANNING, load_checkpoint

ALLOWED = 1e-3
"""Largest error of an output, in units of its spread."""


def run(options: CheckpointExport) -> int:
    """Write the file; 1 where it says something else than torch."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"package {package} is missing: pip install 'symdrive[onnx]'.")
    from symdrive.agent.export import export_onnx  # needs these packages

    checkpoint = load_checkpoint(options.path)
    if checkpoint.stage != PLANNING:
        raise UserError(f"{options.path} is of the {checkpoint.stage} stage and plans nothing.")
    done = export_onnx(checkpoint.network, options.out or options.path.with_suffix(".onnx"))
    console.print(f"{done.path}: {', '.join(done.inputs)} to {', '.join(done.outputs)}")
    for name, error in zip(done.outputs, done.errors, strict=True):
        verdict = "equal" if error <= ALLOWED else "[bold red]OFF[/]"
        console.print(f"{name:<14}{error:.1e}  allowed {ALLOWED:.0e}  {verdict}")
    return 0 if max(done.errors) <= ALLOWED else 1
