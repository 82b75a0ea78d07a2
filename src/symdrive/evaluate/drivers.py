"""From a name on the command line to a driver."""

import difflib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numba

from symdrive.core.errors import UserError
from symdrive.core.registry import Registry
from symdrive.evaluate.tables import ORACLES, POLICIES
from symdrive.expert.align import FULL, Alignment
from symdrive.world.driver import Driver, Oracle, Policy
from symdrive.world.rig import Rig


@dataclass(frozen=True)
class DriverSpec:
    """Who drives; a value that travels to worker processes and into run folders.

    Attributes:
        name: a name of `tables.POLICIES` or `tables.ORACLES`, or `module:Class`.
        checkpoint: for drivers that are learned.
        alignment: what an oracle may know.
    """

    name: str
    checkpoint: Path | None = None
    alignment: Alignment = field(default=FULL)


def make_driver(spec: DriverSpec) -> Driver:
    """Build the driver.

    Raises:
        UserError: for an unknown name, a missing checkpoint, or one that nobody asked for.
    """
    cls = _driver_class(spec.name)
    load = getattr(cls, "load", None)
    if load is not None:
        if spec.checkpoint is None:
            raise UserError(f"driver {spec.name!r} is learned; name its file with --checkpoint.")
        driver = load(spec.checkpoint)
        _share_threads()
        return driver
    if spec.checkpoint is not None:
        raise UserError(f"driver {spec.name!r} has nothing to load; leave --checkpoint out.")
    return cls()


def _share_threads() -> None:
    """Torch takes as many threads as this process was given for its kernels.

    Two processes with two torch threads each on two cores are ten times slower than with one.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(numba.get_num_threads())


def rig_of(driver: Driver, wanted: Rig) -> Rig:
    """The rig to mount: a policy says which one it needs, an oracle drives with the wanted one."""
    return driver.rig if isinstance(driver, Policy) else wanted


def _driver_class(name: str) -> type[Driver]:
    """Look a name up in both tables."""
    tables: tuple[Registry[Policy] | Registry[Oracle], ...] = (POLICIES, ORACLES)
    for table in tables:
        if name in table.targets():
            return table.load(name)
    if ":" not in name:
        known = sorted({**POLICIES.targets(), **ORACLES.targets()})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."
        raise UserError(f"no driver is called {name!r}; {hint}")
    return _custom_class(name)


def _custom_class(target: str) -> type[Driver]:
    """A class of the user's own, of either kind."""
    either: Registry[object] = Registry(object, {})
    cls = either.load(target)
    if not issubclass(cls, (Policy, Oracle)):
        raise UserError(f"{target} is neither a Policy nor an Oracle; derive it from one of them.")
    return cls
