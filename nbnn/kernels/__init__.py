"""Numbers only: bodies, drivers and shared numerics. Nothing here allocates, raises or has defaults."""
