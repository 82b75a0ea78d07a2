"""Recorded drives as one kind of frame."""
