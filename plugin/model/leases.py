"""Addresses that a DHCP server granted for some time, and what is remembered of them.

A lease's times are seconds of CLOCK_BOOTTIME, which runs on while a host sleeps.  They count
from the sending of the request (RFC 2131 section 4.4.1), so a lease ends here before it ends at the server.
"""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from plugin.model.ids import EndpointID, MacAddress, NetworkID


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom a container asks: its hardware address, and the client identifier (option 61)."""

    mac: MacAddress
    client_id: bytes
    host_name: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, by the two clocks: seconds since this boot, and of the wall clock."""

    boot_id: str
    boottime: float
    wall: float

    def in_boot(self, now: "Moment") -> float:
        """The moment in seconds of the boot that ``now`` is in, negative if before it."""
        if self.boot_id == now.boot_id:
            return self.boottime
        return now.boottime - max(0.0, now.wall - self.wall)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """A lease of a network, held by an endpoint, or resting until its container comes back.

    ``seat`` numbers those whose container nobody named.  ``since`` is when it was saved, so that
    ``lease.obtained`` can be told in another boot.
    """

    network_id: NetworkID
    lease: Lease
    since: Moment
    seat: int | None = None
    endpoint_id: EndpointID | None = None

    @property
    def client(self) -> str:
        """The client identifier, which is one of its network's."""
        return self.lease.identity.client_id.hex()

    def lease_in(self, now: Moment) -> Lease:
        """The lease by the clock of this boot."""
        shift = self.since.in_boot(now) - self.since.boottime
        return replace(self.lease, obtained=self.lease.obtained + shift)
