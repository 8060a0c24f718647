"""Addresses that a DHCP server granted for some time, and what is remembered of them.

A lease's times are seconds of CLOCK_BOOTTIME, which runs on while a host sleeps.  They count
from the sending of the request (RFC 2131 section 4.4.1), so a lease ends here before it ends at the server.
"""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface
from typing import cast

from plugin.model.ids import EndpointID, MacAddress, NetworkID


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom a container asks: its hardware address, and the client identifier (option 61).

    For IPv6 that is an IAID and a DUID.
    """

    mac: MacAddress
    client_id: bytes
    host_name: str | None = None
    version: int = 4


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
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    ntp: tuple[IPv4Address, ...] = ()
    domain: str | None = None
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An address for some time.  ``seconds`` is None for ever; T1 and T2 are meaningless then.

    ``next_hop`` is the hardware address that the answer came from: the server, or the relay or
    router before it, which is the way to it in both cases.  An address that a router's prefix gives
    has that router as ``server``.
    """

    identity: Identity
    address: IPv4Interface | IPv6Interface
    server: IPv4Address | IPv6Address
    next_hop: MacAddress
    facts: Facts
    obtained: float
    seconds: int | None
    t1: int
    t2: int
    server_id: bytes = b""  # a DHCPv6 server's DUID

    @property
    def ipv4(self) -> IPv4Interface:
        """The address of a lease that DHCPv4 gave."""
        return cast("IPv4Interface", self.address)

    @property
    def server4(self) -> IPv4Address:
        """Its server."""
        return cast("IPv4Address", self.server)

    @property
    def ipv6(self) -> IPv6Interface:
        """The address of a lease for IPv6."""
        return cast("IPv6Interface", self.address)

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
    ``lease.obtained`` can be told in another boot.  What is ``granted`` the engine was given as an
    address of its IPAM, and has not released.  What is ``offered`` is not known to be granted: the process
    ended, or its call, between the two.
    """

    network_id: NetworkID
    lease: Lease
    since: Moment
    seat: int | None = None
    endpoint_id: EndpointID | None = None
    granted: bool = False
    offered: bool = False

    @property
    def is_resting(self) -> bool:
        """Whether nobody has it now."""
        return self.endpoint_id is None and not self.granted

    @property
    def client(self) -> str:
        """The client identifier, which is one of its network's."""
        return self.lease.identity.client_id.hex()

    def lease_in(self, now: Moment) -> Lease:
        """The lease by the clock of this boot."""
        shift = self.since.in_boot(now) - self.since.boottime
        return replace(self.lease, obtained=self.lease.obtained + shift)

    def renewed(self, lease: Lease, now: Moment) -> "LeaseRecord":
        """As its server granted it again; how long no endpoint has had it goes on."""
        unused = self.endpoint_id is None and self.since.boot_id == now.boot_id
        return replace(self, lease=lease, since=self.since if unused else now)
