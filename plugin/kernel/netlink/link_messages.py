"""Encode and decode rtnetlink messages about links and addresses.

The layouts are those of linux/rtnetlink.h, linux/if_link.h and linux/if_addr.h.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from plugin.kernel.netlink import messages as raw
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface

RTM_NEWLINK: Final = 16
RTM_NEWADDR: Final = 20
RTNLGRP_LINK: Final = 1
RTNLGRP_NEIGH: Final = 3
RTNLGRP_IPV4_IFADDR: Final = 5
RTNLGRP_IPV6_IFADDR: Final = 9
IFINFOMSG: Final = struct.Struct("=BxHiII")
IFADDRMSG: Final = struct.Struct("=BBBBI")
IFLA_IFNAME: Final = 3
IFLA_PROTINFO: Final = 12
IFLA_LINKINFO: Final = 18
IFLA_GROUP: Final = 27
IFLA_TARGET_NETNSID: Final = 46
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2
IFLA_BRPORT_MODE: Final = 4
IFLA_BRPORT_GROUP_FWD_MASK: Final = 31
# linux/if_link.h, by kind of link
IFLA_MACVLAN_MODE: Final = 1
IFLA_IPVLAN_MODE: Final = 1
IFLA_IPVLAN_FLAGS: Final = 2
IFLA_VLAN_ID: Final = 1
IFLA_VLAN_PROTOCOL: Final = 5
IFLA_VXLAN_ID: Final = 1
IFLA_VXLAN_LOCAL: Final = 4
IFLA_VXLAN_LEARNING: Final = 7
IFLA_VXLAN_PORT: Final = 15
IFLA_VXLAN_LOCAL6: Final = 17
IFA_FLAGS: Final = 8
IFA_PROTO: Final = 11
IFA_F_SECONDARY: Final = 0x01  # and of IPv6 temporary
IFA_F_NODAD: Final = 0x02
IFA_F_DADFAILED: Final = 0x08
IFA_F_DEPRECATED: Final = 0x20
IFA_F_TENTATIVE: Final = 0x40
IFA_F_PERMANENT: Final = 0x80
RT_SCOPE_GLOBAL: Final = 0  # linux/rtnetlink.h
RT_SCOPE_LINK: Final = 253

IFF_UP: Final = 0x1
_IFF_LOOPBACK: Final = 0x8
IFF_RUNNING: Final = 0x40
_ARPHRD_ETHER: Final = 1  # linux/if_arp.h
_IFLA_ADDRESS: Final = 1
IFLA_MTU: Final = 4
_IFLA_LINK: Final = 5
IFLA_MASTER: Final = 10
IFLA_IFALIAS: Final = 20
_IFLA_LINK_NETNSID: Final = 37
_IFLA_INFO_SLAVE_KIND: Final = 4
_IFLA_INFO_SLAVE_DATA: Final = 5
_VETH_INFO_PEER: Final = 1
IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInfo:
    """A link as the kernel describes it."""

    index: int
    ifname: IfName
    kind: str
    mac_address: MacAddress
    mtu: int
    up: bool
    running: bool
    loopback: bool
    ethernet: bool
    parent: int
    parent_nsid: int | None
    master: int
    master_kind: str
    group: int
    alias: str
    hairpin: bool
    group_forward: int | None
    data: dict[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """What a link is to be; what is None is left to the kernel, or as it is."""

    ifname: IfName | None = None
    mac_address: MacAddress | None = None
    mtu: int | None = None
    parent: int | None = None
    master: int | None = None
    group: int | None = None
    alias: str | None = None
    up: bool | None = None
    group_forward: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressInfo:
    """An address of a link, and who put it there (linux/if_addr.h)."""

    ifindex: int
    address: bytes
    prefixlen: int
    protocol: int
    scope: int
    flags: int


def veth_peer(peer: LinkChange) -> bytes:
    """What a pair is made with: the other end."""
    other = IFINFOMSG.pack(0, 0, 0, 0, 0) + _attributes(peer)
    return raw.attribute(_VETH_INFO_PEER, other)


def link_change(index: int, change: LinkChange) -> bytes:
    """A request's body: what the link of that number, or a new one (0), is to be."""
    flags = IFF_UP if change.up else 0
    head = IFINFOMSG.pack(0, 0, index, flags, 0 if change.up is None else IFF_UP)
    return head + _attributes(change)


def _attributes(change: LinkChange) -> bytes:
    found = []
    if change.ifname is not None:
        found.append(text_attribute(IFLA_IFNAME, change.ifname))
    if change.mac_address is not None:
        octets = bytes.fromhex(change.mac_address.replace(":", ""))
        found.append(raw.attribute(_IFLA_ADDRESS, octets))
    if change.alias is not None:
        found.append(raw.attribute(IFLA_IFALIAS, change.alias.encode()))
    for number, value in (
        (IFLA_MTU, change.mtu),
        (_IFLA_LINK, change.parent),
        (IFLA_MASTER, change.master),
        (IFLA_GROUP, change.group),
    ):
        if value is not None:
            found.append(raw.attribute(number, raw.U32.pack(value)))
    if change.group_forward is not None:
        mask = raw.attribute(IFLA_BRPORT_GROUP_FWD_MASK, raw.U16.pack(change.group_forward))
        found.append(raw.nested(IFLA_LINKINFO, raw.nested(_IFLA_INFO_SLAVE_DATA, mask)))
    return b"".join(found)


class KnownLinks:
    """Links by the kernel's answer, as the last list of each namespace had them.

    The answer about a link that did not change is the same, and need not be read again.  A list in
    which no link changed is the very same one.  What came before the last list is not kept:
    containers come and go.
    """

    def __init__(self) -> None:
        self._known: dict[int | None, dict[bytes, LinkInfo]] = {}
        self._lists: dict[int | None, tuple[LinkInfo, ...]] = {}

    def one(self, body: bytes) -> LinkInfo:
        """A link, alone."""
        return self._known.get(None, {}).get(body) or link_info(body)

    def all(self, bodies: Iterable[bytes], nsid: int | None) -> tuple[LinkInfo, ...]:
        """All links of this network namespace, or of the one that has the number ``nsid`` here."""
        before = self._known.get(nsid, {})
        found = {body: before.get(body) or link_info(body) for body in bodies}
        self._known[nsid] = found
        listed, last = tuple(found.values()), self._lists.get(nsid)
        if last == listed:
            return last
        self._lists[nsid] = listed
        return listed


def link_info(body: bytes) -> LinkInfo:
    """A link, from the kernel's answer."""
    _, hardware, index, flags, _ = IFINFOMSG.unpack_from(body)
    values = raw.attributes(body, IFINFOMSG.size)
    info = raw.attributes(values.get(IFLA_LINKINFO, b""), 0)
    port = raw.attributes(info.get(_IFLA_INFO_SLAVE_DATA, b""), 0)
    kind = raw.text(info.get(IFLA_INFO_KIND))
    return LinkInfo(
        index=index,
        ifname=IfName(raw.text(values.get(IFLA_IFNAME))),
        kind=kind,
        mac_address=MacAddress(values.get(_IFLA_ADDRESS, b"").hex(":")),
        mtu=_number(values.get(IFLA_MTU)),
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        loopback=bool(flags & _IFF_LOOPBACK),
        ethernet=hardware == _ARPHRD_ETHER,
        parent=_number(values.get(_IFLA_LINK)),
        parent_nsid=signed(values.get(_IFLA_LINK_NETNSID)),
        master=_number(values.get(IFLA_MASTER)),
        master_kind=raw.text(info.get(_IFLA_INFO_SLAVE_KIND)),
        group=_number(values.get(IFLA_GROUP)),
        alias=raw.text(values.get(IFLA_IFALIAS)),
        hairpin=any(port.get(IFLA_BRPORT_MODE, b"")),
        group_forward=_short(port.get(IFLA_BRPORT_GROUP_FWD_MASK)),
        data=_data(kind, info),
    )


def _data(kind: str, info: dict[int, bytes]) -> dict[int, bytes]:
    """The settings of the link's kind; nothing of a bridge, which tells how its timers run."""
    return {} if kind == "bridge" else raw.attributes(info.get(IFLA_INFO_DATA, b""), 0)


def address(index: int, interface: IPInterface) -> bytes:
    """A request's body: that address of that link."""
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    # What leads nowhere else is no source for anything that goes elsewhere (net/ipv4/devinet.c).
    near = interface.version == 4 and interface.ip.is_link_local
    scope = RT_SCOPE_LINK if near else 0
    head = IFADDRMSG.pack(family, interface.network.prefixlen, 0, scope, index)
    packed = interface.ip.packed
    return head + raw.attribute(IFA_LOCAL, packed) + raw.attribute(IFA_ADDRESS, packed)


def address_info(body: bytes) -> AddressInfo:
    """An address, from the kernel's answer."""
    _, prefixlen, _, scope, index = IFADDRMSG.unpack_from(body)
    values = raw.attributes(body, IFADDRMSG.size)
    return AddressInfo(
        ifindex=index,
        address=values.get(IFA_LOCAL) or values.get(IFA_ADDRESS, b""),
        prefixlen=prefixlen,
        protocol=values.get(IFA_PROTO, b"\0")[0],
        scope=scope,
        flags=_number(values.get(IFA_FLAGS)),
    )


def text_attribute(kind: int, value: str) -> bytes:
    """A name in a request."""
    return raw.attribute(kind, value.encode() + b"\0")


def _number(value: bytes | None) -> int:
    return int(raw.U32.unpack(value)[0]) if value else 0


def _short(value: bytes | None) -> int | None:
    return int(raw.U16.unpack(value)[0]) if value else None


def signed(value: bytes | None) -> int | None:
    """The number of a namespace in an answer; None if it has none."""
    return int(raw.S32.unpack(value)[0]) if value else None
