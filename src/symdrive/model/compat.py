"""Differences between official weights and ours, as one frozen value."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Compat:
    """What official weights were trained with, one switch each; all off for our own training.

    The first three change what the network computes, the others only its training loss. Source:
    kesai-labs/lead 4489176, at the places named.

    Attributes:
        y_right: the weights speak of y to the right (CARLA's axes). Inputs and predictions are
            y-left all the same: they are mirrored on their way in and out.
        radar_axes_swapped: radar points read the bird's-eye view features with x and y swapped,
            and at cell corners (`transfuser_utils.py`, `bev_grid_sample`).
        radar_padding_read: rows without a point are read as points at the car
            (`radar_detector.py`).
        phantom_box: padding rows of the boxes are drawn as a vehicle in the corner of the grid
            (`carla_dataset_utils.py`).
        coarse_labels: vectors and box maps of the labels are rounded to bfloat16
            (`planning_decoder.py`, `center_net_decoder.py`).
        whole_metre_depth: depth labels lose their fraction (`perspective_decoder.py`).
        clipped_focal: the heat map loss takes the logarithm of a rounded probability plus 1e-12,
            so that it cannot grow beyond 27.6 (`center_net_decoder.py`).
    """

    y_right: bool = False
    radar_axes_swapped: bool = False
    radar_padding_read: bool = False
    phantom_box: bool = False
    coarse_labels: bool = False
    whole_metre_depth: bool = False
    clipped_focal: bool = False


OFFICIAL_NETWORK = Compat(y_right=True, radar_axes_swapped=True, radar_padding_read=True)
"""To run official weights as they were meant."""

OFFICIAL_TRAINING = replace(
    OFFICIAL_NETWORK,
    phantom_box=True,
    coarse_labels=True,
    whole_metre_depth=True,
    clipped_focal=True,
)
"""To train as the official code does, faults and all."""
