"""Addresses from a LAN's own DHCP server: the client, on the parent link."""
