"""OpenDRIVE to a baked town; the one place in `maps` that may import the CARLA wheel."""

from symdrive.maps.opendrive.baking import bake

__all__ = ["bake"]
