"""CARLA's own OpenDRIVE engine, which the wheel offers without a server."""

from typing import Any

from symdrive.core.errors import UserError


def open_map(name: str, text: str) -> Any:
    """A `carla.Map` of checked OpenDRIVE text (it aborts the process on text that is broken).

    Raises:
        UserError: when the wheel is not installed, or refuses the text.
    """
    try:
        import carla
    except ImportError as error:
        raise UserError(
            f"{name}: baking OpenDRIVE needs the CARLA wheel, which is not installed;"
            ' run: pip install "symdrive[carla]".'
        ) from error
    try:
        return carla.Map(name, text)
    except RuntimeError as error:
        raise UserError(f"{name}: CARLA's OpenDRIVE reader refuses the file: {error}.") from error
