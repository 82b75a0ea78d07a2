"""Poses, boxes, polylines, config values, registry, seeded generators: what every floor uses."""
