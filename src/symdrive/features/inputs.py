"""Observation to tensors: the one path, live and from disk."""
