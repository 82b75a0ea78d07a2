"""Names for things that can be swapped: a table of `module:attribute`, imported on first use."""

import difflib
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Generic, TypeVar

from symdrive.core.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Resolves a name late (no import to list names) and refuses an unknown one early.

    A name is looked up in the table, then among installed entry points of the group
    `symdrive.<kind>`, then read as `module:attribute`, where the module may be a file of the
    current folder.

    Attributes:
        kind: base class that every entry derives from.
        table: name to `module:attribute`.
    """

    kind: type[T]
    table: Mapping[str, str]

    @property
    def group(self) -> str:
        """Entry-point group that other packages add to, such as `symdrive.policy`."""
        return f"symdrive.{self.kind.__name__.lower()}"

    def targets(self) -> dict[str, str]:
        """Every known name with its target.

        Raises:
            UserError: when an installed package claims a name that is taken.
        """
        found = dict(self.table)
        for point in entry_points(group=self.group):
            if found.get(point.name, point.value) != point.value:
                raise UserError(
                    f"{self.group}: the name {point.name!r} is claimed by both"
                    f" {found[point.name]} and {point.value}; rename one of them."
                )
            found[point.name] = point.value
        return found

    def load(self, name: str) -> type[T]:
        """Import the class behind a name.

        Raises:
            UserError: for an unknown name (with the nearest known one), or for a target that is
                no `kind`.
            ImportError: as raised by the module itself.
        """
        targets = self.targets()
        target = targets.get(name, name if ":" in name else None)
        if target is None:
            near = difflib.get_close_matches(name, targets, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(targets))}."
            raise UserError(f"no {self.kind.__name__.lower()} is called {name!r}; {hint}")
        module, _, attribute = target.partition(":")
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        found = getattr(importlib.import_module(module), attribute, None)
        if not (isinstance(found, type) and issubclass(found, self.kind)):
            raise UserError(
                f"{target} is not a {self.kind.__name__}; name a class derived from it."
            )
        return found
