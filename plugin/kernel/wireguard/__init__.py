"""Encrypted tunnels to other hosts: keys, and the two makers of WireGuard devices."""
