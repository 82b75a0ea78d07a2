"""Opening a town by name, from a baked file, or from OpenDRIVE (baked once, then cached)."""

import dataclasses
import difflib
import gzip
import logging
import zlib
from pathlib import Path

from symdrive.core.errors import UserError
from symdrive.maps.store import SCHEMA, load_town, save_town
from symdrive.maps.town import Town
from symdrive.maps.towns import town_folder

BAKED = ".town"
SOURCES = (".xodr", ".xodr.gz")

logger = logging.getLogger(__name__)


def list_towns() -> list[str]:
    """Names of the towns that ship with the package."""
    folder = town_folder()
    return sorted({name_of(path) for kind in (BAKED, *SOURCES) for path in folder.glob(f"*{kind}")})


def open_town(name_or_path: str | Path, *, cache: Path | None = None) -> Town:
    """A town, ready to drive in.

    Args:
        name_or_path: name of a shipped town, a baked `.town` file, or an OpenDRIVE file (`.xodr` or
            `.xodr.gz`), which is baked and kept in the cache.
        cache: folder of the cache; `~/.cache/symdrive/towns` by default.

    Raises:
        UserError: for an unknown name, a missing or broken file, or a missing CARLA wheel.
    """
    path = _find(name_or_path)
    if path.name.endswith(BAKED):
        return load_town(path)
    return _open_source(path, cache if cache is not None else default_cache())


def bake_file(path: Path, out: Path) -> Town:
    """Bake an OpenDRIVE file and write the town.

    Raises:
        UserError: for a missing or broken file, a missing CARLA wheel, or an unwritable target.
    """
    town = _bake(read_source(path), path)
    save_town(town, out)
    return town


def default_cache() -> Path:
    """Folder in which towns are kept that were baked on the fly."""
    return Path.home() / ".cache" / "symdrive" / "towns"


def name_of(path: Path) -> str:
    """Name of the town in a file: its file name without the suffix."""
    for suffix in (BAKED, *reversed(SOURCES)):
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def read_source(path: Path) -> str:
    """The text of an OpenDRIVE file.

    Raises:
        UserError: when the file is missing, is damaged gzip, or is no UTF-8 text.
    """
    try:
        content = path.read_bytes()
        if path.name.endswith(".gz"):
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a sound gzip file ({error}).") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file; OpenDRIVE is XML in UTF-8.") from error


def _find(name_or_path: str | Path) -> Path:
    """The file behind a name or a path."""
    text = str(name_or_path)
    shipped = town_folder()
    for suffix in (BAKED, *SOURCES):
        if isinstance(name_or_path, str) and (shipped / f"{text}{suffix}").is_file():
            return shipped / f"{text}{suffix}"
    path = Path(text).expanduser()
    looks_like_file = text.endswith((BAKED, *SOURCES)) or len(path.parts) > 1
    if path.is_file():
        if not text.endswith((BAKED, *SOURCES)):
            raise UserError(f"{path}: a town is a {BAKED}, .xodr or .xodr.gz file.")
        return path
    if looks_like_file:
        raise UserError(f"{path}: there is no such file.")
    near = difflib.get_close_matches(text, list_towns(), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(list_towns())}."
    raise UserError(f"no town is called {text!r}; {hint}")


def _open_source(path: Path, cache: Path) -> Town:
    """The town of an OpenDRIVE file, from the cache where it is there."""
    from symdrive.maps.opendrive.baking import source_digest

    text = read_source(path)
    kept = cache / f"{source_digest(text)}-{SCHEMA}{BAKED}"
    if kept.is_file():
        try:
            return dataclasses.replace(load_town(kept), name=name_of(path))
        except UserError as error:
            logger.warning("the cached town is baked anew: %s", error)
    town = _bake(text, path)
    try:
        save_town(town, kept)
    except UserError as error:
        _warn_once(f"the baked town is not kept for next time: {error}")
    return town


def _bake(text: str, path: Path) -> Town:
    """Bake, with the CARLA wheel loaded only now: shipped towns open without it."""
    from symdrive.maps.opendrive.baking import bake

    try:
        return bake(text, name_of(path))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


_warned: set[str] = set()


def _warn_once(message: str) -> None:
    """Log a warning that has not been logged by this process yet."""
    if message not in _warned:
        _warned.add(message)
        logger.warning("%s", message)
