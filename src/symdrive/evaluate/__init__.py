"""The rollout loop, benchmark runs, workers."""
