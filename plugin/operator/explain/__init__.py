"""How a network or a container would be built by hand, and why."""
