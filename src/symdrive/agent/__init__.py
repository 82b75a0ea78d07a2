"""The driving policy around the model."""
