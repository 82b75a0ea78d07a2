"""OpenDRIVE to a baked town; the one place in `maps` that may import the CARLA wheel."""
