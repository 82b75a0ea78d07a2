"""Two-stage training of the student."""
