"""Our own towns as OpenDRIVE text, drawn by `tools.draw_towns` and shipped with the package."""
