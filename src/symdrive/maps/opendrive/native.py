"""CARLA's own OpenDRIVE engine, which the wheel offers without a server."""

from typing import Any

import numpy as np
from jaxtyping import Float

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


def crosswalk_polygons(native: Any, name: str) -> list[Float[np.ndarray, "corner 3"]]:
    """Corners of each crosswalk, x y z, world frame, m.

    CARLA's list is flat: each polygon ends with its first corner again.

    Raises:
        UserError: when CARLA cannot place one; `name` names the file.
    """
    try:
        found = native.get_crosswalks()
    except (IndexError, RuntimeError) as error:
        raise UserError(
            f"{name}: CARLA's OpenDRIVE reader refuses the crosswalks ({error})."
        ) from error
    points = np.array([[p.x, -p.y, p.z] for p in found]).reshape(-1, 3)
    polygons: list[Float[np.ndarray, "corner 3"]] = []
    first = 0
    for index in range(1, len(points)):
        if index > first and np.allclose(points[index], points[first], atol=1e-3):
            if index - first >= 3:
                polygons.append(points[first:index])
            first = index + 1
    return polygons
