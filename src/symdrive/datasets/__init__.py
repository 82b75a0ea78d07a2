"""Recorded drives as frames to learn from."""
