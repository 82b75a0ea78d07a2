"""Boxes of several networks as one list: the surest of those that overlap stays.

Source of the rule: kesai-labs/lead 4489176, `open_loop_inference.py`.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float

from symdrive.core.geometry import box_corners
from symdrive.world.control import DetectedBox

MAX_OVERLAP = 0.2
"""Two boxes that share more than this of their union are one object."""


def surest_boxes(
    found: Sequence[DetectedBox], max_overlap: float = MAX_OVERLAP
) -> tuple[DetectedBox, ...]:
    """Boxes that do not overlap, best score first (non-maximum suppression, whatever the class).

    Args:
        found: by all networks.
        max_overlap: largest share of the union that two of the result have in common.
    """
    kept: list[tuple[DetectedBox, Float[np.ndarray, "4 2"]]] = []
    for box in sorted(found, key=lambda one: -one.score):
        outline = _outline(box)
        if all(overlap(outline, other) <= max_overlap for _, other in kept):
            kept.append((box, outline))
    return tuple(box for box, _ in kept)


def overlap(a: Float[np.ndarray, "4 2"], b: Float[np.ndarray, "4 2"]) -> float:
    """Shared area over the area of both together."""
    shared, _ = cv2.intersectConvexConvex(a, b)
    union = cv2.contourArea(a) + cv2.contourArea(b) - shared
    return float(shared / union) if union > 0.0 else 0.0


def _outline(box: DetectedBox) -> Float[np.ndarray, "4 2"]:
    """Corners, m."""
    corners = box_corners(np.array([box.center]), np.array([box.yaw]), np.array([box.half_extent]))
    return corners[0].astype(np.float32)
