"""Connections that the kernel tracks in this namespace."""

from ipaddress import ip_address

from plugin.model.network import Protocol
from plugin.model.ports import HostPort

TRACKING = "table inet t { chain c { type filter hook output priority 0; ct state new counter; }; }"


def a_port(port: int, address: str = "0.0.0.0", protocol: Protocol = Protocol.UDP) -> HostPort:
    return HostPort(protocol=protocol, address=ip_address(address), port=port)


def entries() -> set[tuple[str, str, str]]:
    """Protocol, family and port of every connection of the namespace."""
    with open("/proc/net/nf_conntrack") as file:  # noqa: PTH123
        lines = [line.split() for line in file]
    found = set()
    for words in lines:
        port = next((word for word in words if word.startswith("dport=")), "")
        found.add((words[2], words[0], port.removeprefix("dport=")))
    return found
