"""How a student is trained, as one frozen value; presets at the end."""

from dataclasses import dataclass, field, replace
from typing import Literal

from symdrive.datasets.runs import Selection
from symdrive.features import config as features
from symdrive.features.config import FeatureConfig
from symdrive.model import config as models
from symdrive.model.config import ModelConfig

Schedule = Literal["cosine_restarts", "one_cycle"]


@dataclass(frozen=True)
class StageConfig:
    """One stage of training.

    Attributes:
        epochs: passes over all frames; a fraction is allowed.
        learning_rate: at its peak.
        schedule: `cosine_restarts` (cycles of 1, 2, 4 ... epochs down to 0) or `one_cycle` (up in
            the first part, then a cosine down to 0).
        warmup: share of `one_cycle` that goes up.
    """

    epochs: float
    learning_rate: float = 3e-4
    schedule: Schedule = "cosine_restarts"
    warmup: float = 0.1

    def __post_init__(self) -> None:
        """A stage trains something."""
        if self.epochs < 0 or self.learning_rate <= 0:
            raise ValueError(f"epochs are zero or more, the learning rate is above zero: {self}")
        if not 0.0 <= self.warmup < 1.0:
            raise ValueError(f"warmup is {self.warmup}; in [0, 1)")


@dataclass(frozen=True)
class AugmentConfig:
    """Changes to pictures, each with its own probability.

    Source: kesai-labs/lead 4489176, `carla_dataset_utils.py` (same changes and ranges).

    Attributes:
        probability: of each change, for each sample.
        gain: brightness is multiplied by up to this, or divided by it.
        contrast: differences from the mean are multiplied by up to this, or divided by it.
        noise: largest standard deviation of additive noise, in steps of 255.
        dropout: largest share of pixels set to black.
        blur: smooth with a small Gaussian.
        elastic: farthest that a pixel is taken from elsewhere, px; 0 for never.
        any_order: make the changes in another order for each batch.
        other_speed: probability of handing a sample the speedometer of another one of its batch.
            Who stands mostly goes on standing, so a student that trusts its speedometer never
            starts; this makes it look at the scene.
    """

    probability: float = 0.2
    gain: float = 1.2
    contrast: float = 1.2
    noise: float = 12.75
    dropout: float = 0.1
    blur: bool = True
    elastic: float = 1.5
    any_order: bool = True
    other_speed: float = 0.0

    def __post_init__(self) -> None:
        """Probabilities and factors as they must be."""
        if not 0.0 <= self.probability <= 1.0 or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"probability and dropout are shares: {self}")
        if not 0.0 <= self.other_speed <= 1.0:
            raise ValueError(f"other_speed is {self.other_speed}; in [0, 1]")
        if self.gain < 1.0 or self.contrast < 1.0 or min(self.noise, self.elastic) < 0.0:
            raise ValueError(f"gain and contrast are at least 1, noise and elastic 0: {self}")


@dataclass(frozen=True)
class ValidationConfig:
    """What is held out, and how much of it is looked at after each epoch.

    Attributes:
        share: of the drives that never train, at least one; 0 for no validation.
        frames: most frames that are looked at, evenly spread over the held-out drives.
        pictures: how many of them are drawn.
    """

    share: float = 0.0
    frames: int = 128
    pictures: int = 4

    def __post_init__(self) -> None:
        """Something is left to train on, and something is looked at."""
        if not 0.0 <= self.share < 1.0:
            raise ValueError(f"share is {self.share}; in [0, 1)")
        if self.frames < 1 or self.pictures < 0:
            raise ValueError(f"frames is at least 1, pictures zero or more: {self}")


@dataclass(frozen=True)
class TrainConfig:
    """A whole training.

    Attributes:
        model: network.
        features: its inputs and labels.
        selection: which drives and frames.
        perception: stage without planner; 0 epochs leave it out.
        planning: stage with everything.
        batch: samples a step.
        shifted: probability of taking a frame's shifted view.
        weight_decay: of AdamW, on all parameters.
        amsgrad: of AdamW.
        clip_norm: largest norm of the gradient; 0 for no limit.
        average: decay a step of a moving average of the weights, which is then what is saved; 0
            saves the weights themselves.
        augment: changes to pictures.
        in_memory: encode every frame once and keep it; otherwise frames are encoded as they come.
        workers: processes that encode.
        pretrained: start the image encoder from timm's published weights.
        device: `cpu` or `cuda`.
        precision: of Lightning; `32-true` or `bf16-mixed`.
        compile: let torch compile network and losses; pays off on GPUs.
        channels_last: memory layout of pictures; faster for convolutions.
        log_every: steps between scalars in TensorBoard.
        save_every: steps between files to resume from.
        minutes: time box for both stages together; 0 for none. A boxed training ends its schedule
            early and is not the same on another machine.
        seed: of weights, order and augmentation.
        progress: draw a progress bar.
        validation: drives that are held out to see how well the student does on such.
        devices: processes that share each batch: GPUs, or on the CPU as many as named. The batches
            are the same for any number; each process normalises over its own share.
        wandb: project in Weights & Biases that gets the curves, too; empty for none.
    """

    model: ModelConfig
    features: FeatureConfig
    perception: StageConfig
    planning: StageConfig
    selection: Selection = field(default_factory=Selection)
    batch: int = 64
    shifted: float = 0.5
    weight_decay: float = 0.01
    amsgrad: bool = True
    clip_norm: float = 0.0
    average: float = 0.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    in_memory: bool = False
    workers: int = 4
    pretrained: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = True
    compile: bool = False
    log_every: int = 50
    save_every: int = 1000
    minutes: float = 0.0
    seed: int = 0
    progress: bool = True
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    devices: int = 1
    wandb: str = ""

    def __post_init__(self) -> None:
        """Counts and shares as they must be."""
        if min(self.batch, self.log_every, self.save_every) < 1 or self.workers < 0:
            raise ValueError("batch, log_every and save_every are at least 1, workers at least 0")
        if not 0.0 <= self.shifted <= 1.0 or not 0.0 <= self.average < 1.0:
            raise ValueError("shifted is in [0, 1] and average in [0, 1)")
        if self.planning.epochs <= 0:
            raise ValueError("the planning stage has no epochs; a student needs a planner")
        if self.minutes < 0 or self.clip_norm < 0:
            raise ValueError("minutes and clip_norm are zero or more")
        self._check_devices()

    def _check_devices(self) -> None:
        """Refuse processes that cannot share the work."""
        if self.devices < 1 or self.batch % self.devices:
            raise ValueError(
                f"{self.devices} devices cannot share a batch of {self.batch}; at least one, and"
                " a divisor of the batch"
            )
        if self.devices > 1 and self.minutes:
            raise ValueError("a time box ends at another step on each device; take one, or no box")


OFFICIAL = TrainConfig(
    model=models.LEAD_RESNET34,
    features=replace(features.OFFICIAL, label_stride=4),
    perception=StageConfig(31.0),
    planning=StageConfig(31.0),
    pretrained=True,
    device="cuda",
    precision="bf16-mixed",
    compile=True,
)
"""LEAD's recipe with the ResNet-34 network, without radar; labels of pictures at a quarter of
their size, which is the resolution of the logits."""

OFFICIAL_REGNETY032 = replace(OFFICIAL, model=models.LEAD_REGNETY032)

OFFICIAL_RADAR = replace(
    OFFICIAL,
    model=models.LEAD_RESNET34_RADAR,
    features=replace(features.OFFICIAL_WITH_RADAR, label_stride=4),
)
"""The same with four radars, which the planner listens to (the published default)."""

NANO = TrainConfig(
    model=models.NANO,
    features=features.NANO,
    perception=StageConfig(0.5, 1.5e-3, "one_cycle"),
    planning=StageConfig(7.0, 1.5e-3, "one_cycle"),
    selection=Selection(standing_every=3, repeat_starts=3, repeat_turns=2),
    batch=16,
    shifted=0.6,
    amsgrad=False,
    clip_norm=5.0,
    average=0.995,
    augment=AugmentConfig(
        noise=0.0, dropout=0.0, blur=False, elastic=0.0, any_order=False, other_speed=0.25
    ),
    in_memory=True,
    workers=2,
)
"""A driving student in minutes on two CPU cores."""

PRESETS = {
    "nano": NANO,
    "resnet34": OFFICIAL,
    "regnety032": OFFICIAL_REGNETY032,
    "resnet34_radar": OFFICIAL_RADAR,
}
