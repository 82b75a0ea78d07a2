"""Drivers that see sensors only."""
