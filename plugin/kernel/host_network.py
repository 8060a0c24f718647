"""What a network must know of the host's own network: the uplink's MTU, the prefixes with routes.

Routes are decoded by hand: a host with hundreds of networks has thousands of them, and each
costs pyroute2 a quarter of a millisecond where a pool request has a few in all.
"""

import fcntl
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink import route_messages
from plugin.kernel.netlink.messages import Conversation, NetlinkError, dump, find
from plugin.model.ids import IfName
from plugin.model.network import IPNetwork
from plugin.model.parents import Routed

DEFAULT_MTU: Final = 1500  # RFC 894
_SIOCGIFMTU: Final = 0x8921  # linux/sockios.h
_TIMEOUT_SECONDS: Final = 5.0
_RTF_UP: Final = 0x1  # linux/route.h


def mtu(parent: IfName | None) -> int:
    """MTU of ``parent`` if it is there, else of the link of the default route, IPv4's first."""
    candidates = (parent, _default_link4(), _default_link6())
    known = (_mtu_of(ifname) for ifname in candidates if ifname is not None)
    return next((number for number in known if number is not None), DEFAULT_MTU)


def has_ipv6() -> bool:
    """Whether the loopback address can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def routes() -> frozenset[IPNetwork]:
    """Destinations of all unicast routes of both families, in every table, less the defaults."""
    return frozenset(each.prefix for each in routed())


def routed() -> tuple[Routed, ...]:
    """The same, each with its link; without a name where a route has several links or none."""
    return tuple(each for family in (socket.AF_INET, socket.AF_INET6) for each in _routes(family))


def resolvers(path: Path = Path("/etc/resolv.conf")) -> frozenset[IPNetwork]:
    """Addresses of the host's name servers: a network that held one would cut the host off."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return frozenset()
    found = set()
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            with suppress(ValueError):
                found.add(ip_network(words[1].partition("%")[0]))
    return frozenset(found)


def _mtu_of(ifname: str) -> int | None:
    request = struct.pack("16si", ifname.encode(), 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFMTU, request.ljust(40, b"\0"))
        except OSError:
            return None
    return int(struct.unpack_from("16si", answer)[1])


def _default_link4() -> str | None:
    best: tuple[int, str] | None = None
    for row in _table("route")[1:]:
        ifname, destination, flags, metric, mask = row[0], row[1], row[3], row[6], row[7]
        if destination == mask == "00000000" and int(flags, 16) & _RTF_UP:
            best = min(best or (int(metric), ifname), (int(metric), ifname))
    return best[1] if best else None


def _default_link6() -> str | None:
    best: tuple[int, str] | None = None
    for row in _table("ipv6_route"):
        length, metric, ifname = row[1], row[5], row[9]
        if length == "00" and row[0] == "0" * 32 and ifname != "lo":
            best = min(best or (int(metric, 16), ifname), (int(metric, 16), ifname))
    return best[1] if best else None


def _table(name: str) -> list[list[str]]:
    try:
        text = Path("/proc/thread-self/net", name).read_text()
    except OSError:
        return []
    return [line.split() for line in text.splitlines()]


def _routes(family: int) -> Iterator[Routed]:
    request = route_messages.routes_of(family)
    try:
        with Conversation(socket.NETLINK_ROUTE, _TIMEOUT_SECONDS) as sock:
            names = {index: IfName(name) for index, name in socket.if_nameindex()}
            for body in dump(sock, route_messages.RTM_GETROUTE, request):
                prefix = _destination(body)
                if prefix is not None:
                    index = find(body, route_messages.RTMSG.size, route_messages.RTA_OIF)
                    number = int.from_bytes(index, sys.byteorder) if index else 0
                    yield Routed(prefix=prefix, ifname=names.get(number, IfName("")))
    except NetlinkError as error:
        raise KernelError(f"cannot read the routes: {error}") from error
    except OSError as error:
        raise open_files.refusal("cannot read the routes", error) from error


def _destination(body: bytes) -> IPNetwork | None:
    family, length, _, _, _, _, _, kind, _ = route_messages.RTMSG.unpack_from(body)
    address = find(body, route_messages.RTMSG.size, route_messages.RTA_DST)
    if kind != route_messages.RTN_UNICAST or length == 0 or address is None:
        return None
    if family == socket.AF_INET:
        return IPv4Network((address, length))
    return IPv6Network((address, length))
