"""A router of IPv6 and its neighbours on a LAN in memory: what they answer to a frame."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from typing import Final

from plugin.model.ids import MacAddress, link_local
from tests.fakes.dhcp6 import FakeServer6
from tests.kernel.frames import IP6, Ether

ROUTER_MAC: Final = MacAddress("02:00:00:00:00:02")
ROUTER: Final = link_local(ROUTER_MAC)
PREFIX: Final = IPv6Network("2001:db8:50::/64")
ON_LINK_AUTONOMOUS: Final = 0xC0
MANAGED: Final = 0x80
UDP: Final = 17
_ALL_NODES: Final = IPv6Address("ff02::1")


@dataclass(slots=True, kw_only=True)
class FakeRouter:
    """Answers each router solicitation, and each question for an address that a host has; beside it is a server."""

    prefixes: list[tuple[IPv6Network, int, int]] = field(
        default_factory=lambda: [(PREFIX, 7200, 3600)]
    )
    flags: int = 0
    lifetime: int = 1800
    silent: bool = False
    server: FakeServer6 = field(default_factory=FakeServer6)
    asked: int = 0
    hosts: dict[IPv6Address, MacAddress] = field(default_factory=dict)
    twist: Callable[[bytes], bytes] = lambda message: message

    def answers(self, frame: bytes) -> list[bytes]:
        """What comes back for a frame with IPv6."""
        message = frame[14 + 40 :]
        if frame[14 + 6] == UDP:
            return self.server.answers(frame)
        if message[0] == 133:
            self.asked += 1
            said = self.twist(self.advertisement())
            return [] if self.silent else [icmp_frame(ROUTER_MAC, ROUTER, said)]
        address = IPv6Address(message[8:24]) if message[0] == 135 else None
        mac = self.hosts.get(address) if address else None
        return (
            [icmp_frame(mac, link_local(mac), neighbour(136, address))] if mac and address else []
        )

    def advertisement(self) -> bytes:
        """All that it says."""
        head = struct.pack("!BBHBBHII", 134, 0, 0, 64, self.flags, self.lifetime, 0, 0)
        return head + b"".join(
            prefix_option(network, valid, preferred) for network, valid, preferred in self.prefixes
        )


def prefix_option(
    network: IPv6Network, valid: int, preferred: int, flags: int = ON_LINK_AUTONOMOUS
) -> bytes:
    """RFC 4861 section 4.6.2."""
    fields = (3, 4, network.prefixlen, flags, valid, preferred, 0)
    return struct.pack("!BBBBIII", *fields) + network.network_address.packed


def neighbour(kind: int, target: IPv6Address) -> bytes:
    """A neighbour solicitation (135) or advertisement (136)."""
    return struct.pack("!BBHI", kind, 0, 0, 0) + target.packed


def icmp_frame(mac: MacAddress, source: IPv6Address, message: bytes, *, hops: int = 255) -> bytes:
    """A frame to everybody; the checksum is left to hardware."""
    head = struct.pack("!IHBB", 6 << 28, len(message), 58, hops)
    packet = head + source.packed + _ALL_NODES.packed + message
    return Ether(source=mac, target="33:33:00:00:00:01").frame(IP6, packet)
