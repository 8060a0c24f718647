"""Where a packet goes on this host, and which rule drops it: for `pynet trace`."""
