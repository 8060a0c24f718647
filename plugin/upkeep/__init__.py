"""Background work: comparing and repairing the host, idle timers, parents, addresses, firewalld."""
