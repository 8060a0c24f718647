"""Network modes.  A driver reads a network or an endpoint and answers what the host should hold."""
