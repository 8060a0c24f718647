"""Carries what address translation cannot: one process for all ports, with no more than it needs."""
