"""Config values: frozen dataclasses to plain data and back, with a digest that names them."""

import dataclasses
import enum
import hashlib
import json
import reprlib
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from symdrive.core.errors import UserError

T = TypeVar("T")

_LATER = "later"


def later(default: T) -> T:
    """A field that joined its dataclass after values of the class had been stored.

    Its plain form leaves it out while it holds the default, so that the files and the digests of
    older values stay what they were.

    Args:
        default: what every older value means; immutable, and never to be changed.
    """
    return dataclasses.field(default=default, metadata={_LATER: True})


def to_plain(value: object) -> Any:
    """A config as dicts, lists, strings and numbers, in field order.

    Raises:
        TypeError: for a value that has no plain form.
    """
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.init and not (f.metadata.get(_LATER) and getattr(value, f.name) == f.default)
        }
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        table = cast(Mapping[object, object], value)
        return {str(key): to_plain(item) for key, item in table.items()}
    if isinstance(value, Sequence):
        return [to_plain(item) for item in cast(Sequence[object], value)]
    raise TypeError(f"{type(value).__name__} has no plain form")


def digest(value: object) -> str:
    """First 16 hex digits of the SHA-256 of the plain form; equal configs, equal digests."""
    text = json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def from_plain(kind: type[T], data: Any, where: str) -> T:
    """Build a dataclass of `kind` from plain data.

    Args:
        kind: the dataclass.
        data: what `to_plain` returned, perhaps read back from JSON.
        where: file or field, for the error message.

    Raises:
        UserError: for an unknown or missing field, or a value of the wrong kind.
    """
    if not isinstance(data, dict):
        raise UserError(
            f"{where}: expected a table of {kind.__name__} fields, got {reprlib.repr(data)}."
        )
    table = cast(dict[str, Any], data)
    fields = {f.name: f for f in dataclasses.fields(cast(Any, kind)) if f.init}
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise UserError(
            f"{where}: {kind.__name__} has no field {unknown[0]!r}; known: {sorted(fields)}."
        )
    hints = get_type_hints(kind)
    values = {name: _convert(hints[name], item, f"{where}.{name}") for name, item in table.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: {error}.") from error


def _convert(hint: Any, item: Any, where: str) -> Any:
    """Plain data to a value of the annotated type."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return None if item is None else _convert(options[0], item, where)
    if origin is tuple:
        return _convert_tuple(get_args(hint), item, where)
    if isinstance(hint, type):
        return _convert_class(hint, item, where)
    return item


def _float(item: int | float, where: str) -> float:
    """A number that a float holds."""
    try:
        return float(item)
    except OverflowError as error:
        raise UserError(f"{where}: {reprlib.repr(item)} is too large a number.") from error


def _convert_tuple(inner: tuple[Any, ...], item: Any, where: str) -> tuple[Any, ...]:
    """Plain data to a tuple of any length (`X, ...`) or of the annotated one."""
    if not isinstance(item, (list, tuple)):
        raise UserError(f"{where}: expected a list, got {reprlib.repr(item)}.")
    values = cast(Sequence[Any], item)
    kinds = [inner[0]] * len(values) if inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(values):
        raise UserError(f"{where}: expected {len(kinds)} values, got {reprlib.repr(item)}.")
    return tuple(
        _convert(k, x, f"{where}[{i}]") for i, (k, x) in enumerate(zip(kinds, values, strict=True))
    )


def _convert_class(hint: type[Any], item: Any, where: str) -> Any:
    """Plain data to an enum, a nested config, a path or a number."""
    if issubclass(hint, enum.Enum):
        if not isinstance(item, str) or item not in hint.__members__:
            raise UserError(
                f"{where}: {reprlib.repr(item)} is not one of {sorted(hint.__members__)}."
            )
        return hint[item]
    if dataclasses.is_dataclass(hint):
        return from_plain(hint, item, where)
    if hint is float and isinstance(item, (int, float)) and not isinstance(item, bool):
        return _float(item, where)
    if hint is Path:
        return Path(str(item))
    if hint in (bool, int, str, float) and type(item) is not hint:
        raise UserError(f"{where}: expected {hint.__name__}, got {reprlib.repr(item)}.")
    return item
