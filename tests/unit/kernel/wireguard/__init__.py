"""Keys of hosts, and devices that processes have."""
