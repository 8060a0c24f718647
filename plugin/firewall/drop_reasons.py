"""Why packets are dropped: a counter for each reason, which only what is dropped costs anything.

The counters have names, so that rules stay the same however much they have counted.
"""

from dataclasses import dataclass
from typing import Final

_PREFIX: Final = "pn_drop_"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReason:
    """What is dropped, and what to do if it should arrive."""

    what: str
    remedy: str


_FORGED: Final = (
    "if the container routes, is a VPN or has a second address: driver-opt spoof_guard=false"
)

REASONS: Final = {
    "icc": DropReason(
        what="between containers of a network with icc=false",
        remedy="name the addresses in the network's icc_allow, or publish the port",
    ),
    "unpublished": DropReason(
        what="from outside a network to a port of a container that is not published",
        remedy="publish the port with -p, or connect the sender to the network",
    ),
    "isolation": DropReason(
        what="into or out of a network with isolation=strict, or by the proxy out of an internal one",
        remedy="connect both containers to one network",
    ),
    "internal": DropReason(
        what="into or out of a network with --internal",
        remedy="connect the container to a second network that is not internal",
    ),
    "docker": DropReason(
        what="to a port of a container of Docker's own networks that is not published",
        remedy="publish the port there, or connect the container to that network",
    ),
    "host_services": DropReason(
        what="to a port of the host that the network's host_services does not name",
        remedy="name the port in host_services",
    ),
    "loopback": DropReason(
        what="to 127.0.0.0/8 from outside the host",
        remedy="publish the port, or have the program listen at another address",
    ),
    "untracked": DropReason(
        what="out of a network without a connection, so that they cannot be translated",
        remedy="none is needed for late packets of a connection that is over",
    ),
    "parent": DropReason(
        what="by the host's link among containers on a parent, and not from these",
        remedy="none is needed: the LAN reaches the host at the parent",
    ),
    "overlay": DropReason(
        what="of a network in mode overlay, from or to others than its hosts",
        remedy="name the host in the network's peers",
    ),
    "bypass": DropReason(
        what="at a container's port instead of its bridge, past the guards",
        remedy="none is needed while the network starts; else see 'pynet check'",
    ),
    "mac": DropReason(what="from another MAC address than the container's", remedy=_FORGED),
    "address": DropReason(what="from another IP address than the container's", remedy=_FORGED),
    "arp": DropReason(what="ARP for another address than the container's", remedy=_FORGED),
    "neighbour": DropReason(
        what="neighbour discovery or routes (ICMPv6) that the container may not send",
        remedy=_FORGED,
    ),
    "router": DropReason(
        what="router advertisements and multicast queries (IPv4) of a container", remedy=_FORGED
    ),
    "dhcp": DropReason(what="to DHCP clients, as only servers send", remedy=_FORGED),
    "protocol": DropReason(what="neither ARP nor IPv4 nor IPv6, or a VLAN", remedy=_FORGED),
}


def counter_of(reason: str) -> str:
    """The name of the counter of a reason."""
    return _PREFIX + reason


def reason_of(counter: str) -> str | None:
    """The reason that a counter is of; None for a counter that is not pynet's."""
    reason = counter.removeprefix(_PREFIX)
    return reason if reason in REASONS and counter != reason else None


# The reasons of each of pynet's two tables, by its family.
COUNTED: Final = {
    "inet": (
        *("icc", "unpublished", "isolation", "internal", "docker", "host_services", "loopback"),
        *("untracked", "parent", "overlay", "bypass"),
    ),
    "bridge": ("icc", "mac", "address", "arp", "neighbour", "router", "dhcp", "protocol"),
}
