"""Street plans of our own towns and the draughtsman who turns them into OpenDRIVE."""
