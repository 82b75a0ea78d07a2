"""Two-stage training of the student: perception first, then everything with the planner."""
