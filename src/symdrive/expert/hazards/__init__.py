"""One file a hazard: a frozen dataclass that turns a scene into a speed limit with a reason."""
