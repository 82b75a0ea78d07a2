"""How far a network's answers are from the labels of drives that it did not train on."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from symdrive.features.prediction import BOX_SCORE
from symdrive.model.boxes import decode_boxes
from symdrive.model.config import IGNORE, ModelConfig
from symdrive.model.network import expected_speed
from symdrive.model.resize import bilinear
from symdrive.model.tensors import BoxMaps, PlanOutput, Predictions, Targets

BOX_RADIUS_M = 2.0
"""A box is found when one of its class is this near to its centre; the widest of the distances at
which nuScenes matches detections is twice that (Caesar et al., "nuScenes", section 3.1)."""

Sums = dict[str, tuple[float, int]]
"""Total and count of each mean."""


class Matches(NamedTuple):
    """How many boxes of one sample fit.

    Attributes:
        hits: labelled boxes that were found.
        labelled: boxes that are there.
        said: boxes that the network believes in.
    """

    hits: int
    labelled: int
    said: int


class OpenLoop:
    """Collects errors, batch by batch.

    Args:
        config: of the network.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._sums: Sums = {}
        self._confusion: dict[str, Int[Tensor, "k k"]] = {}

    def update(self, predictions: Predictions, targets: Targets) -> None:
        """One more batch, both on one device; predictions of heads that are missing add nothing."""
        if predictions.plan is not None:
            self._plan(predictions.plan, targets)
        if predictions.boxes is not None:
            self._boxes(predictions.boxes, targets)
        for name, logits in (
            ("semantic", predictions.semantic),
            ("bev", predictions.bev_semantic),
        ):
            if logits is not None:
                label = targets.semantic if name == "semantic" else targets.bev_semantic
                self._classes(name, logits.float(), label)

    def result(self) -> dict[str, float]:
        """Everything that there were predictions for.

        `route_m` and `waypoints_m` are mean distances of points that belong together, and
        `waypoints_end_m` that of the last ones; `target_speed_mps` is the mean error of the wanted
        speed (0 for a brake); `semantic_iou` and `bev_iou` are means over the classes that occur;
        `box_recall` and `box_precision` are shares at `BOX_RADIUS_M`, left out without boxes.
        """
        means = {name: total / count for name, (total, count) in self._sums.items() if count}
        shares = {f"{name}_iou": mean_iou(table) for name, table in self._confusion.items()}
        return means | shares

    def _plan(self, plan: PlanOutput, targets: Targets) -> None:
        """Distances of points and speeds."""
        away = (plan.waypoints.float() - targets.waypoints).norm(dim=-1)
        self._add("waypoints_m", away.mean(dim=1))
        self._add("waypoints_end_m", away[:, -1])
        if self._config.num_route_points:
            away = (plan.route.float() - targets.route).norm(dim=-1)
            self._add("route_m", away.mean(dim=1))
        if self._config.target_speeds:
            speed, _ = expected_speed(plan.speed_logits.float(), self._config.target_speeds)
            wanted = torch.where(targets.brake, torch.zeros_like(speed), targets.target_speed)
            self._add("target_speed_mps", (speed - wanted).abs())

    def _boxes(self, maps: BoxMaps, targets: Targets) -> None:
        """Boxes found, there, and believed in."""
        for found in match_boxes(maps, targets, self._config):
            self._count("box_recall", float(found.hits), found.labelled)
            self._count("box_precision", float(found.hits), found.said)

    def _classes(self, name: str, logits: Float[Tensor, "b k _ _"], label: Tensor) -> None:
        """Pairs of labelled and said class."""
        kinds = logits.shape[1]
        said = bilinear(logits, (label.shape[1], label.shape[2])).argmax(dim=1)
        known = label != IGNORE
        pairs = label[known].long() * kinds + said[known]
        table = torch.bincount(pairs, minlength=kinds * kinds).view(kinds, kinds).cpu()
        self._confusion[name] = self._confusion.get(name, torch.zeros_like(table)) + table

    def _add(self, name: str, values: Float[Tensor, " b"]) -> None:
        """One more value a sample."""
        self._count(name, float(values.sum()), len(values))

    def _count(self, name: str, total: float, count: int) -> None:
        """Add to a mean."""
        before = self._sums.get(name, (0.0, 0))
        self._sums[name] = (before[0] + total, before[1] + count)


def mean_iou(confusion: Int[Tensor, "k k"]) -> float:
    """Shared pixels over pixels of either, averaged over the classes that occur on either side."""
    hit = confusion.diag().double()
    union = confusion.sum(dim=0) + confusion.sum(dim=1) - hit
    return float((hit[union > 0] / union[union > 0]).mean())


def match_boxes(
    maps: BoxMaps,
    targets: Targets,
    config: ModelConfig,
    *,
    radius_m: float = BOX_RADIUS_M,
    score: float = BOX_SCORE,
) -> list[Matches]:
    """For each sample, how many labelled boxes were found.

    Boxes are taken from the surest on, and each takes the nearest labelled one of its class that is
    still free and within the radius.

    Args:
        maps: of the network.
        targets: labels of the same samples.
        config: of the network.
        radius_m: farthest that a centre may be off.
        score: lowest that counts.
    """
    decoded = decode_boxes(BoxMaps(*(column.float() for column in maps)), config)
    said, sure = decoded.boxes.cpu().double().numpy(), decoded.score.cpu().numpy()
    there, count = targets.boxes.cpu().double().numpy(), targets.num_boxes.tolist()
    found: list[Matches] = []
    for sample in range(len(said)):
        believed = said[sample][sure[sample] >= score]
        real = there[sample][: count[sample]]
        found.append(Matches(_hits(believed, real, radius_m), len(real), len(believed)))
    return found


def _hits(
    believed: Float[np.ndarray, "k 7"], real: Float[np.ndarray, "n 7"], radius_m: float
) -> int:
    """Pairs of boxes; `believed` is in order of score."""
    free = np.ones(len(real), dtype=bool)
    for box in believed:
        near = free & (real[:, 6] == box[6])
        away = np.where(near, np.hypot(*(real[:, :2] - box[:2]).T), np.inf)
        if len(away) and away.min() <= radius_m:
            free[away.argmin()] = False
    return int((~free).sum())
