"""Deletes entries of the kernel's connection table.

The kernel cannot see the end of a UDP conversation: a client that keeps sending keeps its old
translation, to a container that is gone or around a new one.  Entries of any protocol outlive
their container: the next one with the address would get packets of the other side.

The kernel keeps the table of all namespaces in one array, and every listing walks all of it:
11 ms for the 262,144 buckets of a host with 4 GiB.  So a few listings serve any number of ports
and addresses.  A filtered one costs 1 us for each connection of the host, an
unfiltered one 5 us.  The kernel's file walks the array without its locks, in 0.4 ms, but is whole
only as far as one page goes: where a host has few connections, and none of them is wanted, nothing
else is asked.  The kernel could also delete by a filter, but only since Linux 6.8
(net/netfilter/nf_conntrack_netlink.c); filtered lists are as old as 5.8.
"""

import errno
import re
import socket
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.kernel.netlink.messages import (
    NETLINK_NETFILTER,
    NFGENMSG,
    NLM_F_ACK,
    U32,
    NetlinkError,
    acknowledgements,
    attribute,
    attributes,
    check,
    dump,
    message,
    nested,
)
from plugin.log import Log
from plugin.model.network import IPAddress, Protocol
from plugin.model.ports import HostPort

_log: Final = Log("conntrack")
# linux/netfilter/nfnetlink.h: NFNL_SUBSYS_CTNETLINK with CT_GET, CT_DELETE
_CT_GET: Final = 1 << 8 | 1
_CT_DELETE: Final = 1 << 8 | 2
# linux/netfilter/nfnetlink_conntrack.h
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
_TIMEOUT_SECONDS: Final = 2.0
_ROOM: Final = 1 << 16
_FEW: Final = 5000  # connections for which an unfiltered listing costs no more than another walk
_IPV4_BYTES: Final = 4
_COUNT: Final = Path("/proc/sys/net/netfilter/nf_conntrack_count")  # of this namespace
_TEXT: Final = Path("/proc/thread-self/net/nf_conntrack")
_LINES: Final = 20  # of the text, as many as one page may have
_PAGE: Final = 4096
_LONGEST: Final = 512  # bytes that a line may have, and more

_PORT_ATTRIBUTE: Final = re.compile(
    re.escape(struct.pack("=HH", 6, _CTA_PROTO_DST_PORT)) + rb"(..)", re.DOTALL
)

_Port = tuple[int, bytes]  # IP version and number


def forget(ports: Iterable[HostPort]) -> None:
    """Forget connections to the UDP ports among ``ports``, translated to any container."""
    wanted = {
        (port.address.version, port.port.to_bytes(2))
        for port in ports
        if port.protocol is Protocol.UDP
    }
    if wanted:
        numbers = frozenset(number for _, number in wanted)
        _forget(_Wanted(ports=frozenset(wanted), numbers=numbers))


def forget_addresses(addresses: Iterable[IPAddress]) -> None:
    """Forget connections from and to containers with ``addresses``, of any protocol."""
    wanted = frozenset(address.packed for address in addresses)
    if wanted:
        _forget(_Wanted(addresses=wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """UDP ports of the host, and addresses of containers."""

    ports: frozenset[_Port] = frozenset()
    numbers: frozenset[bytes] = frozenset()  # of ``ports``
    addresses: frozenset[bytes] = frozenset()

    def listings(self) -> list[bytes]:
        """The requests whose answers have every such connection, and more.

        IPv6 addresses make no filter: the kernel inverts the comparison, and lists all but those
        that are wanted (ctnetlink_filter_match_tuple, seen with Linux 6.18).
        """
        found: list[bytes] = []
        for version in sorted({version for version, _ in self.ports}):
            found += [_by_port(version, [port for each, port in self.ports if each == version])]
        own = sorted(address for address in self.addresses if len(address) == _IPV4_BYTES)
        if len(own) < len(self.addresses):
            found.append(NFGENMSG.pack(socket.AF_INET6, 0, 0))
        for address in own:
            found += [_by_source(_CTA_TUPLE_ORIG, address), _by_source(_CTA_TUPLE_REPLY, address)]
        return found

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


def _forget(wanted: _Wanted) -> None:
    """Log that the kernel cannot do it; no service depends on it."""
    try:
        connections = _connections()
        if not connections or (connections <= _LINES and _lacks(wanted)):
            return
        listings = wanted.listings()
        if connections <= _FEW * (len(listings) - 1):
            listings = [NFGENMSG.pack(socket.AF_UNSPEC, 0, 0)]
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
            sock.settimeout(_TIMEOUT_SECONDS)
            for listing in listings:
                for body in dump(sock, _CT_GET, listing, wanted.may_be_in):
                    found = attributes(body, NFGENMSG.size)
                    if wanted.has(body[0], found):
                        _delete(sock, body[0], found)
    except (NetlinkError, OSError) as error:
        _log.warning("connections.not_forgotten", reason=error)


def _connections() -> int:
    """How many there are in this namespace; none where the kernel does not track any."""
    try:
        return int(_COUNT.read_text())
    except FileNotFoundError:
        return 0


def _lacks(wanted: _Wanted) -> bool:
    """Whether the kernel's text is whole and has nothing like it.

    A second read would begin at an entry by its number, and miss one for each that ended meanwhile
    (net/netfilter/nf_conntrack_standalone.c, ct_get_idx).  So only what one read has is believed,
    and only where another line would have had room.
    """
    try:
        with _TEXT.open("rb", buffering=0) as file:  # or it would read on
            text = file.read(_ROOM)
    except OSError:
        return False  # the kernel is built without it, or cannot read it out now
    return len(text) <= _PAGE - _LONGEST and wanted.words().isdisjoint(text.split())


def _by_source(tuple_kind: int, address: bytes) -> bytes:
    """Connections that a container began, or answers: its IPv4 address is the source there.

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


def _delete(sock: socket.socket, family: int, found: dict[int, bytes]) -> None:
    which = nested(_CTA_TUPLE_ORIG, found[_CTA_TUPLE_ORIG])
    which += b"".join(attribute(kind, found[kind]) for kind in _APART if kind in found)
    sock.send(message(_CT_DELETE, NLM_F_ACK, NFGENMSG.pack(family, 0, 0) + which))
    for _, answer in acknowledgements(sock.recv(_ROOM)):
        try:
            check(answer)
        except NetlinkError as error:
            if error.code != errno.ENOENT:  # it ended by itself
                raise


def _source(words: dict[int, bytes]) -> bytes:
    ends = attributes(words.get(_CTA_TUPLE_IP, b""), 0)
    return ends.get(_CTA_IP_V4_SRC) or ends.get(_CTA_IP_V6_SRC, b"")
