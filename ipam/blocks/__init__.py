"""Who owns which part of a pool that several hosts share."""
