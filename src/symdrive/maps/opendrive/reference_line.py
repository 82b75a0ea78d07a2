"""Points beside a road's reference line, for signals and objects that stand on no lane.

Source: ASAM OpenDRIVE 1.7, sections 7 (geometry) and 8 (elevation). Superelevation is left out: a
pole or a stencil moves by centimetres with it, and its height is taken from the ground.
"""

import numpy as np
from jaxtyping import Float

from symdrive.maps.opendrive.document import Geometry, Road

SPIRAL_STEP_M = 0.1


def place(road: Road, s: float, t: float) -> tuple[Float[np.ndarray, " 3"], float]:
    """World point at (s, t) of a road and the heading of the reference line there.

    Args:
        road: the road.
        s: along the reference line, m; clamped to the road.
        t: to the left of it, m.

    Returns:
        x y z in m and the heading in rad.
    """
    s = min(max(s, 0.0), road.length)
    piece = max((g for g in road.geometries if g.s <= s + 1e-9), key=lambda g: g.s, default=None)
    if piece is None:
        piece = road.geometries[0]
    x, y, heading = _along(piece, min(max(s - piece.s, 0.0), piece.length))
    return np.array(
        [x - t * np.sin(heading), y + t * np.cos(heading), _elevation(road, s)]
    ), heading


def _elevation(road: Road, s: float) -> float:
    """Height of the reference line, m."""
    rows = [row for row in road.elevation if row[0] <= s + 1e-9]
    if not rows:
        return 0.0
    start, a, b, c, d = rows[-1]
    ds = s - start
    return a + b * ds + c * ds**2 + d * ds**3


def _along(piece: Geometry, ds: float) -> tuple[float, float, float]:
    """World x, y and heading `ds` metres into a piece."""
    u, v, turn = _local(piece, ds)
    cos, sin = np.cos(piece.heading), np.sin(piece.heading)
    return (
        float(piece.x + cos * u - sin * v),
        float(piece.y + sin * u + cos * v),
        float(piece.heading + turn),
    )


def _local(piece: Geometry, ds: float) -> tuple[float, float, float]:
    """Position and turn in the frame of the start of a piece."""
    if piece.shape == "line":
        return ds, 0.0, 0.0
    if piece.shape in ("arc", "spiral"):
        return _curve(piece, ds)
    return _polynomial(piece, ds)


def _curve(piece: Geometry, ds: float) -> tuple[float, float, float]:
    """An arc or a clothoid by the midpoint rule (0.1 m steps: well under a millimetre)."""
    first = piece.parameters.get("curvature", piece.parameters.get("curvStart", 0.0))
    last = piece.parameters.get("curvature", piece.parameters.get("curvEnd", 0.0))
    count = max(1, int(np.ceil(ds / SPIRAL_STEP_M)))
    step = ds / count
    at = (np.arange(count) + 0.5) * step
    rate = (last - first) / piece.length
    heading = first * at + 0.5 * rate * at**2
    return (
        float(np.cos(heading).sum() * step),
        float(np.sin(heading).sum() * step),
        float(first * ds + 0.5 * rate * ds**2),
    )


def _polynomial(piece: Geometry, ds: float) -> tuple[float, float, float]:
    """A cubic: v of u (`poly3`), or u and v of a parameter (`paramPoly3`)."""
    p = piece.parameters
    if piece.shape == "poly3":
        u = np.array([0.0, 1.0, 0.0, 0.0])
        v = np.array([p.get(k, 0.0) for k in "abcd"])
        end = piece.length
    else:
        u = np.array([p.get(f"{k}U", 0.0) for k in "abcd"])
        v = np.array([p.get(f"{k}V", 0.0) for k in "abcd"])
        end = 1.0 if piece.normalized else piece.length
    grid = np.linspace(0.0, end, 257)
    powers = grid[:, None] ** np.arange(4)
    x, y = powers @ u, powers @ v
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    at = float(np.interp(ds, arc, grid))
    slope = np.arange(1, 4) * at ** np.arange(3)
    return (
        float(at ** np.arange(4) @ u),
        float(at ** np.arange(4) @ v),
        float(np.arctan2(slope @ v[1:], slope @ u[1:])),
    )
