"""The host's links, addresses, settings and ports.  The only package that uses netlink."""
