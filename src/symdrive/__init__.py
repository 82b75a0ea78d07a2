"""End-to-end driving research: LEAD and TransFuser v6 on an embedded simulator and on CARLA."""

from importlib.metadata import version

__version__ = version("symdrive")
