"""What nobody asks: comparing and repairing the host, idle timers, parents, addresses, firewalld."""
