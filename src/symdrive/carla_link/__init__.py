"""The only door to a CARLA server."""
