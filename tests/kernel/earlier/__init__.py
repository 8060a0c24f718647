"""Hosts as versions before this one left them: the state, and everything that it made, as text."""
