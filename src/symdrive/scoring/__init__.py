"""Criteria (truth to infractions), formulas of every protocol, statistics."""
