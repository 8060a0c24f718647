"""On engines whose kernel has ipvlan, 802.1Q and WireGuard: in the virtual machine of ``tests/vm``."""
