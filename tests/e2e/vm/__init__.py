"""On engines whose kernel has ipvlan and 802.1Q: in the virtual machine of ``tests/vm``."""
