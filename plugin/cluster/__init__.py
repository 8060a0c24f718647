"""Which other hosts a network is on, whoever tells."""
