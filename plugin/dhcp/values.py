"""What is asked of a DHCP server, and what it granted.

A lease's times are seconds of CLOCK_BOOTTIME, which runs on while a host sleeps.  They count
from the sending of the request (RFC 2131 section 4.4.1), so a lease ends here before it ends at the server.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from plugin.model.ids import MacAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom a container asks: its hardware address, and the client identifier (option 61)."""

    mac: MacAddress
    client_id: bytes
    host_name: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way to a prefix; without a gateway the prefix is on the link."""

    destination: IPv4Network
    gateway: IPv4Address | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a server said besides the address, of what can be true and is of use."""

    router: IPv4Address | None = None
    routes: tuple[Route, ...] = ()
    mtu: int | None = None
    dns: tuple[IPv4Address, ...] = ()
    ntp: tuple[IPv4Address, ...] = ()
    domain: str | None = None
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An address for some time.  ``seconds`` is None for ever; T1 and T2 are meaningless then.

    ``next_hop`` is the hardware address that the answer came from: the server, or the relay or
    router before it, which is the way to it in both cases.
    """

    identity: Identity
    address: IPv4Interface
    server: IPv4Address
    next_hop: MacAddress
    facts: Facts
    obtained: float
    seconds: int | None
    t1: int
    t2: int

    def has_ended(self, now: float) -> bool:
        """Whether the server may have given the address to another client."""
        return self.seconds is not None and now >= self.obtained + self.seconds
