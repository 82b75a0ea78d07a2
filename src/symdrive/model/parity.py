"""Our network against a reference bundle: outputs, inner results, losses, gradients."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symdrive.model import losses
from symdrive.model.boxes import BoxTargets
from symdrive.model.bundle import Bundle
from symdrive.model.config import IGNORE, LabelSpace, ModelConfig
from symdrive.model.heads import mirror_yaw
from symdrive.model.network import TransFuser
from symdrive.model.official import convert_state, name_map, read_options, to_official_name
from symdrive.model.planner import mirrored
from symdrive.model.radar_loss import radar_loss
from symdrive.model.tensors import BoxMaps, Inputs, PlanOutput, Predictions, RadarObjects, SpaceMaps

LOSS_ERROR = 2e-4
"""Relative error of a loss term that counts as equal: its float32 sums run in another order."""

GRADIENT_ERROR = 2e-2
"""Relative error of a gradient norm that counts as equal.

Wide, because float32 gives no better: on the reference bundle our own network's norms in float32
are up to 5.5e-3 off those in float64, and 1e-3 off themselves with another number of threads.
"""

GRADIENT_FLOOR = 1e-5
"""Norms below this share of the largest one are held against that share instead: the bias of an
attention key has no effect at all, and its gradient is rounding error alone."""

DATASETS: Mapping[str, int] = {"carla": 1, "navsim": 2}
"""Numbers of label spaces in the labels of a bundle."""

DECODED = "decoded_image_system"
"""Boxes after the choice of the best hundred, which jumps where scores are nearly equal."""


@dataclass(frozen=True)
class Check:
    """One number held against another.

    Attributes:
        section: what kind of result.
        name: official name.
        error: how far off; not a number where ours is.
        allowed: largest error that counts as equal.
    """

    section: str
    name: str
    error: float
    allowed: float

    @property
    def is_good(self) -> bool:
        """Whether it is near enough."""
        return self.error <= self.allowed


def verify(bundle: Bundle, *, gradients: bool = True) -> list[Check]:
    """Convert the bundle's weights, run our network, and compare everything that is stored.

    Args:
        bundle: reference.
        gradients: compare gradient norms, too, which takes three times as long.

    Raises:
        UserError: when the options cannot be followed or the weights do not fit them.
    """
    where = str(bundle.path)
    official = read_options(bundle.config, where)
    network = convert_state(bundle.state, official, where).eval()
    watch = _Watch(network)
    with torch.set_grad_enabled(gradients):
        predictions = network(inputs_of(bundle, network.config))
    checks = [
        *_tensors("output", bundle, bundle.outputs, outputs_of(predictions, network.config)),
        *_tensors("inner", bundle, bundle.intermediates, watch.found),
    ]
    if not bundle.losses:
        return checks
    terms = losses_of(bundle, predictions, network.config)
    checks += _losses(bundle, terms)
    if bundle.grad_norms and gradients:
        checks += _gradients(bundle, terms, network)
    return checks


def inputs_of(bundle: Bundle, config: ModelConfig) -> Inputs:
    """The bundle's inputs as ours."""
    given = bundle.inputs
    size, rows = len(given["rgb"]), config.bev.size
    lidar = torch.zeros(size, 0, *rows, dtype=torch.uint8)
    if not config.latent:
        lidar = (given["rasterized_lidar"] * config.lidar_clip).round().to(torch.uint8)
    none = torch.zeros(size, 2)
    names = ("target_point_previous", "target_point", "target_point_next")
    points = torch.stack([given.get(name, none) for name in names], dim=1)
    radar = given.get("radar")
    if radar is not None:
        radar = torch.cat([radar[..., :1], -radar[..., 1:2], radar[..., 2:]], dim=-1)
    return Inputs(
        given["rgb"],
        lidar,
        given["speed"].float(),
        given["command"].argmax(dim=1)
        if "command" in given
        else torch.zeros(size, dtype=torch.long),
        points * torch.tensor([1.0, -1.0]),
        radar,
        given.get("acceleration"),
    )


def outputs_of(out: Predictions, config: ModelConfig) -> dict[str, Tensor]:
    """Our predictions by official name, in official axes."""
    found: dict[str, Tensor | None] = {"pred_semantic": out.semantic, "pred_depth": out.depth}
    if out.plan is not None:
        found |= _plan_outputs(out.plan, config)
    if out.radar is not None:
        found["pred_radar_features"] = out.radar.features
        found["pred_radar_predictions"] = _radar_output(out.radar)
    first = SpaceMaps(out.bev_semantic, out.boxes)
    names = (config.label_space, *(space.name for space in config.other_spaces))
    for name, maps in zip(names, (first, *out.others), strict=True):
        suffix = "" if name == "carla" else f"_{name}"
        found[f"pred_bev_semantic{suffix}"] = maps.bev_semantic
        if maps.boxes is not None:
            found |= _box_outputs(maps.boxes, f"pred_bounding_box{suffix}")
    return {name: value for name, value in found.items() if value is not None}


def _plan_outputs(plan: PlanOutput, config: ModelConfig) -> dict[str, Tensor | None]:
    """What the planner says."""
    found: dict[str, Tensor | None] = {
        "pred_future_waypoints": mirrored(plan.waypoints, config),
        "pred_headings": None if plan.headings is None else -plan.headings,
    }
    if config.num_route_points:
        found["pred_route"] = mirrored(plan.route, config)
    if config.target_speeds:
        found["pred_target_speed_distribution"] = plan.speed_logits
        share = plan.speed_logits.softmax(dim=-1)
        found["pred_target_speed_scalar"] = share @ share.new_tensor(config.target_speeds)
    return found


def _radar_output(radar: RadarObjects) -> Tensor:
    """State and logit in one table."""
    state = radar.state * radar.state.new_tensor([1.0, -1.0, 1.0])
    return torch.cat([state, radar.logit[..., None]], dim=-1)


def _box_outputs(maps: BoxMaps, prefix: str) -> dict[str, Tensor | None]:
    """Box maps."""
    yaw_class, yaw_residual = mirror_yaw(maps.yaw_class, maps.yaw_residual)
    return {
        f"{prefix}.center_heatmap_logit_pred": maps.heatmap,
        f"{prefix}.center_heatmap_pred": maps.heatmap.sigmoid(),
        f"{prefix}.wh_pred": maps.wh,
        f"{prefix}.offset_pred": maps.offset,
        f"{prefix}.yaw_class_pred": yaw_class,
        f"{prefix}.yaw_res_pred": yaw_residual,
        f"{prefix}.velocity_pred": maps.velocity,
    }


class _Watch:
    """Keeps what inner modules return, by official name and in official axes.

    Attributes:
        found: filled by the forward pass.
    """

    def __init__(self, network: TransFuser) -> None:
        self.found: dict[str, Tensor] = {}
        backbone = network.backbone
        for stage, module in backbone.lidar_channel_to_img.items():
            self._keep(module, f"backbone.lidar_channel_to_img.{stage}")
        for stage, module in backbone.transformers.items():
            self._keep(
                module, f"backbone.transformers.{stage}.0", f"backbone.transformers.{stage}.1"
            )
        backbone.register_forward_hook(self._backbone)
        backbone.up_conv4.register_forward_hook(self._top_down)
        if network.radar_detector is not None:
            network.radar_detector.register_forward_hook(self._radar)
        if network.planning_decoder is not None:
            encoder = network.planning_decoder.planning_context_encoder
            self._keep(encoder, "planning_decoder.planning_context_encoder")

    def _keep(self, module: nn.Module, *names: str) -> None:
        """Keep what a module returns."""

        def hook(_module: nn.Module, _inputs: object, result: Tensor | tuple[Tensor, ...]) -> None:
            parts = result if isinstance(result, tuple) else (result,)
            self.found |= dict(zip(names, parts, strict=True))

        module.register_forward_hook(hook)

    def _backbone(
        self, _module: nn.Module, _inputs: object, result: tuple[list[Tensor], Tensor]
    ) -> None:
        maps, lidar = result
        self.found |= {"backbone.0": lidar, "backbone.1": maps[-1]}

    def _top_down(self, _module: nn.Module, _inputs: object, result: Tensor) -> None:
        self.found["backbone.top_down"] = functional.relu(result)

    def _radar(self, _module: nn.Module, _inputs: object, result: RadarObjects) -> None:
        self.found |= {
            "radar_detector.0": result.features,
            "radar_detector.1": _radar_output(result),
        }


def _tensors(
    section: str, bundle: Bundle, wanted: Mapping[str, Tensor], ours: Mapping[str, Tensor]
) -> list[Check]:
    """Every stored tensor; one that ours lacks is infinitely far off."""
    checks: list[Check] = []
    for name, want in wanted.items():
        if name.endswith(DECODED):
            continue
        got = ours.get(name)
        error = math.inf if got is None else bundle.spread_error(name, want, got)
        checks.append(Check(section, name, error, bundle.allowed(name)))
    return checks


def losses_of(bundle: Bundle, out: Predictions, config: ModelConfig) -> dict[str, Tensor]:
    """Our loss terms on the bundle's labels, by official name."""
    labels = bundle.labels
    first = LabelSpace(config.label_space, config.num_bev_classes, config.num_box_classes)
    maps = (SpaceMaps(out.bev_semantic, out.boxes), *out.others)
    terms: dict[str, Tensor] = {}
    for space, said in zip((first, *config.other_spaces), maps, strict=True):
        terms |= _space_losses(space, said, labels, config)
    rows = _rows(labels, "carla", config)
    if out.semantic is not None:
        terms["loss_semantic"] = losses.cross_entropy(out.semantic[rows], labels["semantic"][rows])
    if out.depth is not None:
        whole = labels["depth"][rows].float().trunc()
        terms["loss_depth"] = losses.depth_loss(out.depth[rows], whole)
    if out.radar is not None:
        label = labels["radar_detections"].float() * torch.tensor([1.0, -1.0, 1.0, 1.0])
        terms["radar_loss"] = radar_loss(out.radar, label, config).mean()
    if out.plan is not None:
        terms |= _plan_losses(out.plan, labels, config)
    return terms


def _rows(labels: Mapping[str, Tensor], space: str, config: ModelConfig) -> Tensor:
    """Samples of one dataset; all where the labels do not say."""
    source = labels.get("source_dataset")
    if source is None or not config.other_spaces:
        return torch.arange(len(next(iter(labels.values()))))
    return (source == DATASETS[space]).nonzero()[:, 0]


def _space_losses(
    space: LabelSpace, said: SpaceMaps, labels: Mapping[str, Tensor], config: ModelConfig
) -> dict[str, Tensor]:
    """Terms of the heads that are keyed by label space."""
    prefix = "" if space.name == "carla" else f"{space.name}_"
    rows = _rows(labels, space.name, config)
    terms: dict[str, Tensor] = {}
    if said.bev_semantic is not None:
        label = labels[f"{prefix}bev_semantic"][rows].long()
        label = torch.where(label < 0, torch.full_like(label, IGNORE), label)
        seen = losses.seen_labels(label, config)
        terms[f"{prefix}loss_bev_semantic"] = losses.cross_entropy(said.bev_semantic[rows], seen)
    if said.boxes is not None:
        boxes = BoxMaps(*(one[rows] for one in said.boxes))
        targets = _box_targets(labels, prefix, rows, config.num_yaw_bins)
        found = losses.box_losses(boxes, targets, clipped=True)
        found["yaw_res"] = found.pop("yaw_residual")
        terms |= {f"{prefix}loss_center_net_{name}": value for name, value in found.items()}
    return terms


def _box_targets(
    labels: Mapping[str, Tensor], prefix: str, rows: Tensor, num_yaw_bins: int
) -> BoxTargets:
    """Box maps of the labels, in our axes."""

    def label(name: str) -> Tensor:
        return labels[f"{prefix}center_net_{name}"][rows]

    return BoxTargets(
        label("heatmap").float(),
        label("wh").float(),
        label("offset").float(),
        (-label("yaw_class").long()) % num_yaw_bins,
        -label("yaw_res").float(),
        label("velocity").float(),
        label("pixel_weight")[:, 0] > 0,
        label("avg_factor").float(),
    )


def _plan_losses(
    plan: PlanOutput, labels: Mapping[str, Tensor], config: ModelConfig
) -> dict[str, Tensor]:
    """Terms of the planner, under the names of its kind."""
    names = {
        "waypoints": "loss_spatio_temporal_waypoints",
        "route": "loss_spatial_route",
        "target_speed": "loss_target_speed",
    }
    if config.planner == "gru":
        names = {"waypoints": "loss_tf", "route": "loss_tfpp", "target_speed": "loss_tfpp_speed"}
    batch = len(plan.waypoints)

    def points(name: str) -> Tensor:
        return mirrored(labels.get(name, torch.zeros(batch, 0, 2)).float(), config)

    headings = labels.get("future_yaws")
    found = losses.plan_terms(
        plan,
        losses.PlanLabels(
            points("future_waypoints")[:, : config.num_waypoints],
            points("route"),
            labels.get("target_speed", torch.zeros(batch)).float(),
            labels.get("brake", torch.zeros(batch, dtype=torch.bool)),
            None if headings is None else -headings.float(),
        ),
        config,
    )
    return {names[name]: value for name, value in found.items()}


def _losses(bundle: Bundle, terms: Mapping[str, Tensor]) -> list[Check]:
    """Every stored term, and their weighted sum."""
    checks: list[Check] = []
    for name, want in bundle.losses.items():
        ours = terms.get(name)
        error = math.inf if ours is None else _relative(float(ours.detach()), float(want.sum()))
        checks.append(Check("loss", name, error, LOSS_ERROR))
    if bundle.total_loss is not None:
        error = _relative(float(_total(bundle, terms).detach()), float(bundle.total_loss))
        checks.append(Check("loss", "total", error, LOSS_ERROR))
    return checks


def _total(bundle: Bundle, terms: Mapping[str, Tensor]) -> Tensor:
    """Sum of the terms with the bundle's weights."""
    weights = bundle.loss_weights
    return torch.stack([weights.get(name, 0.0) * terms[name] for name in terms]).sum()


def _gradients(bundle: Bundle, terms: Mapping[str, Tensor], network: TransFuser) -> list[Check]:
    """Norm of the gradient of each parameter."""
    _total(bundle, terms).backward()
    pairs = name_map(network.config)
    ours = {
        to_official_name(name, pairs): 0.0 if value.grad is None else float(value.grad.norm())
        for name, value in network.named_parameters()
    }
    floor = GRADIENT_FLOOR * max(map(float, bundle.grad_norms.values()))
    return [
        Check(
            "gradient",
            name,
            abs(ours[name] - float(want)) / max(float(want), floor) if name in ours else math.inf,
            GRADIENT_ERROR,
        )
        for name, want in bundle.grad_norms.items()
    ]


def _relative(ours: float, want: float) -> float:
    """Error in units of the wanted number."""
    return abs(ours - want) / max(abs(want), 1e-6)
