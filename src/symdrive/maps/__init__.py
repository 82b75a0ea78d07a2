"""OpenDRIVE to baked towns: lanes, signals, crosswalks, ground, render mesh; route search."""
