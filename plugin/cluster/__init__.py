"""Find the other hosts of a network, by any source."""
