"""What is asked of the kernel's connection table, and which answers are wanted.

linux/netfilter/nfnetlink_conntrack.h has the numbers.
"""

import re
import socket
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from plugin.kernel.netlink.messages import NFGENMSG, U32, attribute, attributes, nested
from plugin.model.network import IPAddress, Protocol
from plugin.model.ports import HostPort

_CTA_TUPLE_ORIG: Final = 1
_CTA_TUPLE_REPLY: Final = 2
_CTA_TUPLE_IP: Final = 1
_CTA_TUPLE_PROTO: Final = 2
_CTA_IP_V4_SRC: Final = 1
_CTA_IP_V6_SRC: Final = 3
_CTA_PROTO_NUM: Final = 1
_CTA_PROTO_DST_PORT: Final = 3
_CTA_ID: Final = 12
_CTA_ZONE: Final = 18
_CTA_FILTER: Final = 25
# CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS have the numbers of their tuples.
_MATCH_SOURCE: Final = 1 << 0
_MATCH_PROTOCOL: Final = 1 << 3
_MATCH_PORT: Final = 1 << 5
_FAMILY: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSION: Final = {int(family): version for version, family in _FAMILY.items()}
_UDP: Final = bytes([Protocol.UDP.value])
_APART: Final = (_CTA_ZONE, _CTA_ID)  # what distinguishes connections with the same ends
_IPV4_BYTES: Final = 4

_PORT_ATTRIBUTE: Final = re.compile(
    re.escape(struct.pack("=HH", 6, _CTA_PROTO_DST_PORT)) + rb"(..)", re.DOTALL
)

_Port = tuple[int, bytes]  # IP version and number


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """UDP ports of the host, and addresses of containers."""

    ports: frozenset[_Port] = frozenset()
    numbers: frozenset[bytes] = frozenset()  # of ``ports``
    addresses: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ports or self.addresses)

    def filters(self) -> list[bytes]:
        """Of which every connection is wanted: the kernel may delete it unseen.

        Those of IPv6 addresses are not among them, as in ``listings``.
        """
        found = [_by_port(version, [port]) for version, port in sorted(self.ports)]
        return found + [each for own in self._ipv4() for each in _by_sources(own)]

    def beyond_filters(self) -> "Wanted":
        """What no filter has."""
        return Wanted(addresses=self.addresses.difference(self._ipv4()))

    def listings(self) -> list[bytes]:
        """The requests whose answers have every such connection, and more.

        IPv6 addresses make no filter: the kernel inverts the comparison, and lists all but those
        that are wanted (ctnetlink_filter_match_tuple, seen with Linux 6.18).
        """
        found: list[bytes] = []
        for version in sorted({version for version, _ in self.ports}):
            found += [_by_port(version, [port for each, port in self.ports if each == version])]
        own = self._ipv4()
        if len(own) < len(self.addresses):
            found.append(NFGENMSG.pack(socket.AF_INET6, 0, 0))
        return found + [each for address in own for each in _by_sources(address)]

    def may_be_in(self, data: bytes) -> bool:
        """A quick look, for listings of which nearly nothing is wanted."""
        if any(address in data for address in self.addresses):
            return True
        return bool(self.numbers) and not self.numbers.isdisjoint(_PORT_ATTRIBUTE.findall(data))

    def words(self) -> frozenset[bytes]:
        """What a line of the kernel's text about such a connection has one of."""
        sources = [f"src={_full(address)}" for address in self.addresses]
        ports = [f"dport={int.from_bytes(number)}" for number in self.numbers]
        return frozenset(word.encode() for word in (*sources, *ports))

    def has(self, family: int, found: dict[int, bytes]) -> bool:
        """Whether the connection is one of them."""
        asked = attributes(found[_CTA_TUPLE_ORIG], 0)
        if self.ports:
            words = attributes(asked.get(_CTA_TUPLE_PROTO, b""), 0)
            port = (_VERSION.get(family, 0), words.get(_CTA_PROTO_DST_PORT, b""))
            if words.get(_CTA_PROTO_NUM) == _UDP and port in self.ports:
                return True
        answered = attributes(found.get(_CTA_TUPLE_REPLY, b""), 0)
        return _source(asked) in self.addresses or _source(answered) in self.addresses

    def _ipv4(self) -> list[bytes]:
        return sorted(address for address in self.addresses if len(address) == _IPV4_BYTES)


def udp_ports(ports: Iterable[HostPort]) -> Wanted:
    """Connections to the UDP ports among ``ports``, translated to any container."""
    wanted = frozenset(
        (port.address.version, port.port.to_bytes(2))
        for port in ports
        if port.protocol is Protocol.UDP
    )
    return Wanted(ports=wanted, numbers=frozenset(number for _, number in wanted))


def containers(addresses: Iterable[IPAddress]) -> Wanted:
    """Connections from and to containers with ``addresses``, of any protocol."""
    return Wanted(addresses=frozenset(address.packed for address in addresses))


def which(found: dict[int, bytes]) -> bytes:
    """What names one connection that was found."""
    apart = b"".join(attribute(kind, found[kind]) for kind in _APART if kind in found)
    return nested(_CTA_TUPLE_ORIG, found[_CTA_TUPLE_ORIG]) + apart


def _by_sources(address: bytes) -> list[bytes]:
    """Connections that a container began, and those that it answers."""
    return [_by_source(kind, address) for kind in (_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY)]


def _by_source(tuple_kind: int, address: bytes) -> bytes:
    """Connections in which a container's IPv4 address is the source, in one direction.

    Both of its tuple and of its filter, the original direction has number 1 and the reply's 2.
    """
    source = nested(_CTA_TUPLE_IP, attribute(_CTA_IP_V4_SRC, address))
    flags = attribute(tuple_kind, U32.pack(_MATCH_SOURCE))
    wanted = nested(tuple_kind, source) + nested(_CTA_FILTER, flags)
    return NFGENMSG.pack(socket.AF_INET, 0, 0) + wanted


def _by_port(version: int, ports: Collection[bytes]) -> bytes:
    """Connections to a UDP port of one family, or to all where there are several."""
    words, match = [attribute(_CTA_PROTO_NUM, _UDP)], _MATCH_PROTOCOL
    if len(ports) == 1:
        words += [attribute(_CTA_PROTO_DST_PORT, port) for port in ports]
        match |= _MATCH_PORT
    wanted = nested(_CTA_TUPLE_ORIG, nested(_CTA_TUPLE_PROTO, *words))
    flags = attribute(_CTA_TUPLE_ORIG, U32.pack(match))
    return NFGENMSG.pack(_FAMILY[version], 0, 0) + wanted + nested(_CTA_FILTER, flags)


def _full(address: bytes) -> str:
    """An address as the kernel writes it: of IPv6 every digit."""
    return ip_address(address).exploded


def _source(words: dict[int, bytes]) -> bytes:
    ends = attributes(words.get(_CTA_TUPLE_IP, b""), 0)
    return ends.get(_CTA_IP_V4_SRC) or ends.get(_CTA_IP_V6_SRC, b"")
