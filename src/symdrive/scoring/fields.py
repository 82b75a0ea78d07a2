"""Fields of foreign JSON, checked one by one; every refusal names file, field and value."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from symdrive.core.errors import UserError

MAX_BYTES = 256 * 1024 * 1024
"""A merged result file of a whole benchmark has less than 2 MB."""


def read_table(path: Path) -> dict[str, Any]:
    """A JSON table, or the reason why there is none.

    Raises:
        UserError: for a file that cannot be read, is too large, or is no JSON table.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(
                f"{path} has {size / 1e6:.0f} MB and a result file at most"
                f" {MAX_BYTES / 1e6:.0f} MB; name the leaderboard's checkpoint file."
            )
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a result file.") from error
    except json.JSONDecodeError as error:
        raise UserError(_broken(path, error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no JSON; give a leaderboard result file.") from error
    if not isinstance(table, dict):
        raise UserError(
            f"{path} holds a {type(table).__name__}, not a table; give a leaderboard result file."
        )
    return cast(dict[str, Any], table)


def _broken(path: Path, error: json.JSONDecodeError) -> str:
    """What is wrong with a text that is no JSON."""
    if not error.doc.strip():
        return f"{path} is no JSON: it is empty; the evaluation wrote no result."
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return f"{path} is no JSON: it is cut off in line {error.lineno}; copy it again."
    return f"{path} is no JSON ({error.msg}, line {error.lineno} column {error.colno})."


def entry(data: Mapping[str, Any], key: str, where: str) -> Any:
    """What stands under a key.

    Raises:
        UserError: when there is no such entry.
    """
    if key not in data:
        raise UserError(f"{where}: no entry {key!r}; give the record of a leaderboard result file.")
    return data[key]


def table(data: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A table inside a table.

    Raises:
        UserError: when it is missing or something else.
    """
    found = entry(data, key, where)
    if not isinstance(found, dict):
        raise UserError(f"{where}: field {key!r} is {brief(found)}; a table would be right.")
    return cast(dict[str, Any], found)


def text(data: Mapping[str, Any], key: str, where: str) -> str:
    """A string.

    Raises:
        UserError: when it is missing or something else.
    """
    found = entry(data, key, where)
    if not isinstance(found, str):
        raise UserError(f"{where}: field {key!r} is {brief(found)}; a text would be right.")
    return found


def number(
    data: Mapping[str, Any],
    key: str,
    where: str,
    *,
    high: float = math.inf,
) -> float:
    """A finite number from zero to `high`.

    Raises:
        UserError: when it is missing, no number, not finite, or outside of its range.
    """
    found = entry(data, key, where)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise UserError(f"{where}: field {key!r} is {brief(found)}; a number would be right.")
    if not math.isfinite(found) or not 0.0 <= found <= high:
        limits = "zero or more" if high == math.inf else f"0 to {high:g}"
        raise UserError(f"{where}: field {key!r} is {found}; {limits} would be right.")
    return float(found)


def brief(value: object) -> str:
    """A value for an error message, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
