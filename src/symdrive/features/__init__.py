"""Observation to tensors and truth to labels; the same code live and from disk."""
