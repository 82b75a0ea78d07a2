"""The nouns: truth, observation, evidence, visible, control, plan, rig, and the protocols."""
