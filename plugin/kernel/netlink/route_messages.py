"""Routes and neighbours in rtnetlink messages (linux/rtnetlink.h, linux/neighbour.h)."""

import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.link_messages import RT_SCOPE_LINK
from plugin.model.ids import MacAddress
from plugin.model.network import IPAddress

RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTM_NEWNEIGH: Final = 28
RTM_DELNEIGH: Final = 29
RTM_GETNEIGH: Final = 30
RTMSG: Final = struct.Struct("=BBBBBBBBI")
NDMSG: Final = struct.Struct("=BxxxiHBB")
RTA_DST: Final = 1
AF_BRIDGE: Final = 7
NTF_SELF: Final = 0x02
NTF_MASTER: Final = 0x04
NUD_NOARP: Final = 0x40
NUD_PERMANENT: Final = 0x80
RTN_UNICAST: Final = 1
FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}

RTA_OIF: Final = 4
_RTA_PREFSRC: Final = 7
_RT_TABLE_MAIN: Final = 254
NDA_DST: Final = 1
_NDA_LLADDR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInfo:
    """A route as the kernel describes it; attributes that it does not have are None."""

    protocol: int
    destination: bytes | None
    ifindex: int | None
    source: IPAddress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourInfo:
    """A neighbour as the kernel describes it.

    Of a forwarding table ``static`` entries stay, too, and frames from elsewhere do not change them
    (drivers/net/vxlan, vxlan_snoop).
    """

    ifindex: int
    permanent: bool
    static: bool
    address: bytes | None
    mac_address: MacAddress | None


def routes_of(family: int, *, table: int = 0, protocol: int = 0) -> bytes:
    """A request for the routes of a family; old kernels ignore the table and the protocol."""
    return RTMSG.pack(family, 0, 0, 0, table, protocol, 0, 0, 0)


def own_routes(family: int, protocol: int) -> bytes:
    """A request for the routes of the main table that have a protocol number."""
    return routes_of(family, table=_RT_TABLE_MAIN, protocol=protocol)


def route_info(body: bytes) -> RouteInfo:
    """A route, from the kernel's answer."""
    _, _, _, _, _, protocol, _, _, _ = RTMSG.unpack_from(body)
    values = raw.attributes(body, RTMSG.size)
    ifindex, source = values.get(RTA_OIF), values.get(_RTA_PREFSRC)
    return RouteInfo(
        protocol=protocol,
        destination=values.get(RTA_DST),
        ifindex=None if ifindex is None else raw.U32.unpack(ifindex)[0],
        source=None if source is None else ip_address(source),
    )


def host_route(
    index: int, address: IPAddress, protocol: int, source: IPAddress | None = None
) -> bytes:
    """A request's body: the route to one address by a link; ``source`` is the host's address there."""
    scope = RT_SCOPE_LINK if address.version == 4 else 0
    head = RTMSG.pack(
        *(FAMILIES[address.version], address.max_prefixlen, 0, 0),
        *(_RT_TABLE_MAIN, protocol, scope, RTN_UNICAST, 0),
    )
    body = head + raw.attribute(RTA_DST, address.packed)
    body += raw.attribute(RTA_OIF, raw.U32.pack(index))
    return body if source is None else body + raw.attribute(_RTA_PREFSRC, source.packed)


def neighbours_of(family: int, index: int = 0) -> bytes:
    """A request for the neighbours of a family, on one link or on all."""
    return NDMSG.pack(family, index, 0, 0, 0)


def neighbour_info(body: bytes) -> NeighbourInfo:
    """A neighbour, from the kernel's answer."""
    _, index, state, _, _ = NDMSG.unpack_from(body)
    values = raw.attributes(body, NDMSG.size)
    mac_address = values.get(_NDA_LLADDR)
    return NeighbourInfo(
        ifindex=index,
        permanent=bool(state & NUD_PERMANENT),
        static=bool(state & NUD_NOARP),
        address=values.get(NDA_DST),
        mac_address=None if mac_address is None else MacAddress(mac_address.hex(":")),
    )


def neighbour(index: int, address: IPAddress, mac_address: MacAddress | None) -> bytes:
    """A request's body: that neighbour of that link, for ever."""
    head = NDMSG.pack(FAMILIES[address.version], index, NUD_PERMANENT, 0, 0)
    body = head + raw.attribute(NDA_DST, address.packed)
    if mac_address:
        body += raw.attribute(_NDA_LLADDR, bytes.fromhex(mac_address.replace(":", "")))
    return body


def forwarding_entry(
    index: int,
    mac_address: MacAddress,
    *,
    state: int,
    flags: int,
    destination: IPAddress | None = None,
) -> bytes:
    """A request's body: behind which port of a bridge, or which host, a hardware address is."""
    body = NDMSG.pack(AF_BRIDGE, index, state, flags, 0)
    body += raw.attribute(_NDA_LLADDR, bytes.fromhex(mac_address.replace(":", "")))
    return body if destination is None else body + raw.attribute(NDA_DST, destination.packed)
