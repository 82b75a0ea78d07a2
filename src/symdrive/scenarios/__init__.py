"""CARLA route files and scenario types."""
