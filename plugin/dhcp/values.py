"""What is asked of a DHCP server."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from plugin.model.leases import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who asks, and which answers may be taken.

    ``subnet`` is the only one that addresses may be of; with ``servers``, no other server is
    listened to.  ``avoid`` are addresses that the host has itself.
    """

    identity: Identity
    address: IPv4Address | None = None
    subnet: IPv4Network | None = None
    servers: frozenset[IPv4Address] = frozenset()
    denied_servers: frozenset[IPv4Address] = frozenset()
    avoid: frozenset[IPv4Address] = frozenset()
    vendor_class: str | None = None
    probe: bool = True
