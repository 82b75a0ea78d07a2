"""The only door to Lightning.

Its torchmetrics imports torchvision, which beside a torch without CUDA needs the operators that
`symdrive.model.encoders` declares; so that module is imported before Lightning.
"""

from importlib import import_module

import_module("symdrive.model.encoders")

import lightning  # noqa: E402  see above
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment  # noqa: E402
from lightning.pytorch.callbacks import Callback  # noqa: E402
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger  # noqa: E402
from lightning.pytorch.strategies import DDPStrategy, Strategy  # noqa: E402

LightningModule = lightning.LightningModule
Trainer = lightning.Trainer

__all__ = [
    "Callback",
    "ClusterEnvironment",
    "DDPStrategy",
    "LightningModule",
    "Logger",
    "Strategy",
    "TensorBoardLogger",
    "Trainer",
    "WandbLogger",
]
