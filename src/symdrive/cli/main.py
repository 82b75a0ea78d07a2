"""`symdrive`: parse the command line, find the command, turn bad input into one sentence."""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import tyro
from rich.console import Console

from symdrive import __version__
from symdrive.cli import options, student_options
from symdrive.core.errors import UserError

IMPLEMENTATIONS: dict[type[Any], str] = {
    options.Demo: "symdrive.cli.demo:run",
    options.Drive: "symdrive.cli.drive:run",
    options.Collect: "symdrive.cli.collect:run",
    options.Train: "symdrive.cli.train:run",
    options.Score: "symdrive.cli.score:run",
    options.Show: "symdrive.cli.show:run",
    options.TownsList: "symdrive.cli.towns:run_list",
    options.TownsBake: "symdrive.cli.towns:run_bake",
    options.TownsShow: "symdrive.cli.towns:run_show",
    options.BenchSim: "symdrive.cli.bench:run_sim",
    options.BenchTrain: "symdrive.cli.bench:run_train",
    options.BenchInfer: "symdrive.cli.bench:run_infer",
    options.BenchData: "symdrive.cli.bench_data:run_data",
    student_options.CheckpointConvert: "symdrive.cli.checkpoint:run_convert",
    student_options.CheckpointInspect: "symdrive.cli.checkpoint:run_inspect",
    student_options.CheckpointVerify: "symdrive.cli.checkpoint:run_verify",
    student_options.CheckpointExport: "symdrive.cli.export:run",
    student_options.Predict: "symdrive.cli.predict:run",
    options.Doctor: "symdrive.cli.doctor:run",
}
"""Each command's code, imported when it is chosen, so that help stays quick."""

ABOUT = (
    "End-to-end driving research without a game engine: an embedded simulator, an expert that sees"
    " only what the learner sees, a student, closed-loop scores. Start with `symdrive demo`."
)


def main() -> None:
    """Entry point of the console script; exits with 2 on bad input, 130 when stopped."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads (head, less) has seen enough; the flush at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    if arguments in (["--version"], ["-V"]):
        print(f"symdrive {__version__}")
        return 0
    chosen = parse(arguments)
    try:
        return _implementation(chosen)(chosen) or 0
    except UserError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]symdrive:[/] {_plain(str(error))}"
        )
        return 2
    except KeyboardInterrupt:
        Console(stderr=True).print("\nStopped; the same command goes on where this one was.")
        return 130


def parse(arguments: list[str]) -> Any:
    """The options value that a command line asks for; prints help and exits like argparse."""
    chosen = tyro.cli(
        options.Command,
        prog="symdrive",
        description=ABOUT,
        args=arguments or ["--help"],
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    groups = (options.Towns, options.Bench, student_options.Checkpoint)
    return chosen.command if isinstance(chosen, groups) else chosen


def _implementation(chosen: object) -> Callable[[Any], int | None]:
    """The function that carries a command out; what it returns is the exit code."""
    module, _, attribute = IMPLEMENTATIONS[type(chosen)].partition(":")
    return getattr(importlib.import_module(module), attribute)


def _plain(text: str) -> str:
    """Square brackets in messages are not rich markup."""
    return text.replace("[", "\\[")
